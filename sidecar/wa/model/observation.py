"""What a terminal lets us see, in the order it was seen. Sources yield these; ingest consumes those of its pane."""

from __future__ import annotations

from typing import NamedTuple

from wa.model.screen import Cursor, Dimensions, Row


class ScreenPush(NamedTuple):
    """Something of a pane changed; also the form of an explicit viewport read (then `rows` is the whole viewport).

    `rows` are changed viewport rows with their text (an index may occur twice: the last wins; the cursor's row is always among
    them). `dirty` are changed rows outside the viewport, without text. `seqno` orders pushes of one pane within one connection; an
    explicit read has seqno -1.
    """

    pane_id: int
    at_ms: int
    dims: Dimensions
    cursor: Cursor
    rows: tuple[Row, ...]
    dirty: tuple[range, ...]
    title: str
    cwd: str | None
    seqno: int
    mouse_grabbed: bool
    raw: object = None
    """What the source keeps of the rows for a second reading (wa.protocol.mux.zones.RawRows)."""


class RowsRead(NamedTuple):
    """The answer to one read of rows. The server clamps instead of refusing: compare `rows[0].index` with `requested.start`.

    `failed` holds a reason where no answer came (the connection broke, the pane went): the rows are then unknown, not absent.
    """

    pane_id: int
    at_ms: int
    requested: range
    rows: tuple[Row, ...]
    failed: str | None = None


class TextFrame(NamedTuple):
    """A pane's newest rows without indices, oldest first, as `wezterm cli get-text` gives them.

    The last `viewport_rows` of `texts` are the viewport; what stands before is history, if `history_rows` > 0 that many rows.
    `complete` means that the terminal has no older rows than these. Soft wraps are not known here.
    """

    pane_id: int
    at_ms: int
    texts: tuple[str, ...]
    history_rows: int
    viewport_rows: int
    cols: int
    cursor: tuple[int, int]
    title: str
    cwd: str | None
    complete: bool


class PaneResized(NamedTuple):
    """The size changed or may have: everything known of the pane's row numbers is void until it is read again."""

    pane_id: int
    at_ms: int


class PaneGone(NamedTuple):
    pane_id: int
    at_ms: int
    unheard: bool = False
    """Its source was held back at the end: it may have printed more than was told."""


class Interrupted(NamedTuple):
    """Pushes of this pane may have been missed (reconnect, queue overflow)."""

    pane_id: int
    at_ms: int
    reason: str


class Tick(NamedTuple):
    """Time passed and nothing was heard; asked for by `WakeAt`."""

    pane_id: int
    at_ms: int


PaneObservation = ScreenPush | RowsRead | TextFrame | PaneResized | PaneGone | Interrupted | Tick
"""What a PaneTracker is fed."""


class Alert(NamedTuple):
    """A bell, toast, title, progress, cwd or user var, as announced.

    `kind` is one of bell toast cwd icon_title window_title tab_title palette user_var output_since_focus_lost progress.
    `name` and `value` carry what the kind has: toast title and body, user var name and value, progress state and percent.
    """

    pane_id: int
    at_ms: int
    kind: str
    name: str = ""
    value: str = ""


class TopologyChanged(NamedTuple):
    """Tabs, panes or titles may have changed: list again. `resized_tab` names the tab whose panes must be read again."""

    at_ms: int
    resized_tab: int | None = None


class TabTitled(NamedTuple):
    """A tab has another title: a person's, or a client's of the mux; wa's own are told too."""

    tab_id: int
    at_ms: int
    title: str


class Connected(NamedTuple):
    """A (re)connection stands and passed its self-test; list and read everything again."""

    at_ms: int


class Lull(NamedTuple):
    """Nothing more will be heard for a moment: whoever gathers need not wait for more."""

    at_ms: int


class Disconnected(NamedTuple):
    at_ms: int
    reason: str
    unheard: bool = False
    """The source was held back: panes that are over by now may have printed more than was told."""


Observation = (
    ScreenPush
    | TextFrame
    | PaneGone
    | Interrupted
    | Alert
    | TopologyChanged
    | TabTitled
    | Lull
    | Connected
    | Disconnected
)
"""What a Terminal yields."""
