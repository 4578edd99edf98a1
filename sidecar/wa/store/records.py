"""What goes into the store and what comes out of it. Positions and instants as in wa.model.log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from wa.model.log import Gap, RowKind, Segment
from wa.model.screen import Screen

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What a Writer keeps and how long it waits. None: no limit."""

    retain_age_ms: int | None = 90 * DAY_MS
    retain_bytes: int | None = 8192 * 1024 * 1024
    """Of the database file, without its write-ahead log."""
    busy_timeout_ms: int = 2000
    """How long a write waits for another program's lock before it fails with `store.locked`."""


class Capture(NamedTuple):
    """What one pane's tracker gave, in the order of its positions. Stored whole or not at all, with `checkpoint`."""

    pane_uid: str
    segments: tuple[Segment, ...] = ()
    gaps: tuple[Gap, ...] = ()
    screen: Screen | None = None
    checkpoint: bytes | None = None


class PaneUpdate(NamedTuple):
    """What changed of a pane; None leaves a field as it is."""

    pane_uid: str
    at_ms: int
    title: str | None = None
    cwd: str | None = None
    workspace: str | None = None
    cols: int | None = None
    rows: int | None = None
    tab_id: int | None = None
    window_id: int | None = None
    alive: bool | None = None
    source: str | None = None
    """`push` or `cli`."""


class PaneRecord(NamedTuple):
    pane_uid: str
    mux: str
    """The mux's name; `mux_key` is its identity."""
    mux_key: str
    host: str
    socket: str
    pane_id: int
    tab_id: int | None
    window_id: int | None
    title: str
    cwd: str | None
    """As the terminal gave it (a file:// URL), secrets aside."""
    workspace: str
    cols: int
    rows: int
    alive: bool
    source: str | None
    created_ms: int
    closed_ms: int | None
    first_row: int | None
    """Position of the oldest row stored; None where none is."""
    next_row: int
    """Position of the next row to come."""
    rows_stored: int
    rows_lost: int
    """Sum of the gaps whose size is known, rows that the user had forgotten aside."""
    gaps: int
    last_output_ms: int | None


class LogRow(NamedTuple):
    row: int
    text: str
    wrapped: bool
    """The logical line goes on in the next row."""
    at_ms: int
    kind: RowKind


LogEntry = LogRow | Gap


class StoredScreen(NamedTuple):
    pane_uid: str
    screen: Screen


class Hit(NamedTuple):
    """A logical line that a query found."""

    pane_uid: str
    at_ms: int
    row: int | None
    """Position of the line's first row; None on a screen."""
    text: str
    """The whole logical line; of one longer than a chunk, the part in the chunk."""
    before: tuple[str, ...]
    """Logical lines, oldest first, up to the next gap."""
    after: tuple[str, ...]
    kind: RowKind | None
    """None: it stands on the current screen."""


class Found(NamedTuple):
    hits: tuple[Hit, ...]
    """Newest first."""
    more: bool
    """The limit cut the list short."""
    complete: bool
    """False: time ran out, and older output than the last hit's was not looked at."""


class Health(NamedTuple):
    path: str
    schema: int
    bytes: int
    """The database file."""
    wal_bytes: int
    free_bytes: int
    """Inside the file, to be used again."""
    panes: int
    live_panes: int
    chunks: int
    rows: int
    gaps: int
    last_commit_ms: int
    trouble: str | None
    """What the integrity check found first; None: nothing."""
    checked: bool
    """The integrity check came to its end within its time."""


class Retained(NamedTuple):
    rows: int
    """Rows deleted."""
    panes: int
    """Closed panes of which nothing was left."""
    bytes: int
    """Size of the database file afterwards."""
