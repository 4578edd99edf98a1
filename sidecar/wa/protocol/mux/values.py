"""What PDUs are made of: structs and enum variants of WezTerm, fields in wire order."""

from __future__ import annotations

from typing import NamedTuple

from wa.model.screen import Cursor

OsText = bytes | str
"""A path or argument: bytes on Unix, text on Windows."""


class TerminalSize(NamedTuple):
    rows: int
    cols: int
    pixel_width: int = 0
    pixel_height: int = 0
    dpi: int = 0


class Pixels(NamedTuple):
    """What RenderableDimensions has on the wire beyond `Dimensions`."""

    dpi: int = 0
    pixel_width: int = 0
    pixel_height: int = 0
    reverse_video: bool = False


class PaneEntry(NamedTuple):
    window_id: int
    tab_id: int
    pane_id: int
    title: str
    size: TerminalSize
    working_dir: str | None
    is_active: bool
    is_zoomed: bool
    workspace: str
    cursor: Cursor
    physical_top: int
    top_row: int
    left_col: int
    tty_name: str | None


class PaneSplit(NamedTuple):
    """`direction`: 0 side by side, 1 one above the other. The sizes are those of the two children."""

    left: PaneNode
    right: PaneNode
    direction: int
    first: TerminalSize
    second: TerminalSize


PaneNode = PaneEntry | PaneSplit | None
"""The panes of one tab; None is an empty tab."""


class ClientId(NamedTuple):
    hostname: str
    username: str
    pid: int
    epoch: int
    id: int
    ssh_auth_sock: str | None = None
    """Codec 43 and later."""


class ClientInfo(NamedTuple):
    """Times are seconds since the epoch."""

    client_id: ClientId
    connected_at: int
    active_workspace: str | None
    last_input: int
    focused_pane_id: int | None


class EnvEntry(NamedTuple):
    is_from_base_env: bool
    preferred_key: OsText
    value: OsText


class CommandBuilder(NamedTuple):
    """The layout of Unix builds; a Windows server has no `umask` and would misread it."""

    args: tuple[OsText, ...]
    envs: tuple[tuple[OsText, EnvEntry], ...] = ()
    cwd: OsText | None = None
    umask: int | None = None
    controlling_tty: bool = True


class DefaultDomain(NamedTuple):
    pass


class CurrentPaneDomain(NamedTuple):
    pass


class DomainName(NamedTuple):
    name: str


class DomainId(NamedTuple):
    id: int


SpawnTabDomain = DefaultDomain | CurrentPaneDomain | DomainName | DomainId


class SplitCells(NamedTuple):
    cells: int


class SplitPercent(NamedTuple):
    percent: int


class SplitRequest(NamedTuple):
    """`direction`: 0 side by side, 1 one above the other. `target_is_second`: the new pane is right or below."""

    direction: int = 1
    target_is_second: bool = True
    top_level: bool = False
    size: SplitCells | SplitPercent = SplitPercent(50)


class KeyEvent(NamedTuple):
    """`key` is one character, or a name of `KEY_NAMES` ("Escape", "UpArrow"), or "F1" … "F24"."""

    key: str
    modifiers: int = 0


SHIFT, ALT, CTRL, SUPER = 2, 4, 8, 16


class CaseSensitive(NamedTuple):
    text: str


class CaseInsensitive(NamedTuple):
    text: str


class Regex(NamedTuple):
    text: str


class SearchResult(NamedTuple):
    start_y: int
    start_x: int
    end_y: int
    end_x: int
    match_id: int


class Bell(NamedTuple):
    pass


class Toast(NamedTuple):
    title: str | None
    body: str
    focus: bool = True


class CwdChanged(NamedTuple):
    pass


class IconTitle(NamedTuple):
    title: str | None


class PaneTitle(NamedTuple):
    """`WindowTitleChanged` of an Alert: the pane's own OSC 2 title."""

    title: str


class TabTitle(NamedTuple):
    title: str | None


class PaletteChanged(NamedTuple):
    pass


class UserVar(NamedTuple):
    name: str
    value: str


class OutputSinceFocusLost(NamedTuple):
    pass


class Progress(NamedTuple):
    """`state` is none, percent, error or indeterminate; `percent` counts for percent and error. Codec 44 and later."""

    state: str
    percent: int = 0


Alert = (
    Bell
    | Toast
    | CwdChanged
    | IconTitle
    | PaneTitle
    | TabTitle
    | PaletteChanged
    | UserVar
    | OutputSinceFocusLost
    | Progress
)
