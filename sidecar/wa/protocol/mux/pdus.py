"""One NamedTuple per PDU of the mux protocol, fields in wire order.

Empty ones compare equal to each other and are false, as tuples are: tell them apart by type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from wa.model.screen import Cursor, Dimensions, Row
from wa.protocol.mux.values import (
    Alert,
    CaseInsensitive,
    CaseSensitive,
    ClientId,
    ClientInfo,
    CommandBuilder,
    KeyEvent,
    PaneNode,
    Pixels,
    Regex,
    SearchResult,
    SpawnTabDomain,
    SplitRequest,
    TerminalSize,
)
from wa.protocol.mux.zones import NO_ROWS, RawRows


class ErrorResponse(NamedTuple):
    reason: str


class Ping(NamedTuple):
    pass


class Pong(NamedTuple):
    pass


class ListPanes(NamedTuple):
    pass


class ListPanesResponse(NamedTuple):
    tabs: tuple[PaneNode, ...]
    tab_titles: tuple[str, ...]
    window_titles: Mapping[int, str]


class SpawnResponse(NamedTuple):
    tab_id: int
    pane_id: int
    window_id: int
    size: TerminalSize


class WriteToPane(NamedTuple):
    pane_id: int
    data: bytes


class UnitResponse(NamedTuple):
    pass


class SendKeyDown(NamedTuple):
    """`input_serial`: milliseconds since the epoch."""

    pane_id: int
    event: KeyEvent
    input_serial: int


class SendPaste(NamedTuple):
    pane_id: int
    data: str


class Resize(NamedTuple):
    containing_tab_id: int
    pane_id: int
    size: TerminalSize


class SetClipboard(NamedTuple):
    """What a program put into the clipboard by OSC 52: never log it. `selection`: 0 clipboard, 1 primary."""

    pane_id: int
    clipboard: str | None
    selection: int


class GetLines(NamedTuple):
    pane_id: int
    lines: tuple[range, ...]


class GetLinesResponse(NamedTuple):
    pane_id: int
    lines: tuple[Row, ...]


class GetPaneRenderChanges(NamedTuple):
    pane_id: int


class GetPaneRenderChangesResponse(NamedTuple):
    """Pushed with serial 0.

    `dirty_lines` are changed rows outside the viewport; an index may occur twice in `bonus_lines`: the last wins.
    """

    pane_id: int
    mouse_grabbed: bool
    cursor: Cursor
    dims: Dimensions
    dirty_lines: tuple[range, ...]
    title: str
    working_dir: str | None
    bonus_lines: tuple[Row, ...]
    input_serial: int | None
    seqno: int
    pixels: Pixels = Pixels()
    raw: RawRows = NO_ROWS
    """`bonus_lines` for a second reading (wa.protocol.mux.zones)."""


class GetCodecVersion(NamedTuple):
    pass


class GetCodecVersionResponse(NamedTuple):
    codec_vers: int
    version_string: str
    executable_path: str
    config_file_path: str | None


class LivenessResponse(NamedTuple):
    pane_id: int
    is_alive: bool


class SearchScrollbackRequest(NamedTuple):
    pane_id: int
    pattern: CaseSensitive | CaseInsensitive | Regex
    rows: range
    limit: int | None


class SearchScrollbackResponse(NamedTuple):
    results: tuple[SearchResult, ...]


class SetPaneZoomed(NamedTuple):
    containing_tab_id: int
    pane_id: int
    zoomed: bool


class SplitPane(NamedTuple):
    pane_id: int
    split_request: SplitRequest
    command: CommandBuilder | None
    command_dir: str | None
    domain: SpawnTabDomain
    move_pane_id: int | None = None


class KillPane(NamedTuple):
    pane_id: int


class SpawnV2(NamedTuple):
    domain: SpawnTabDomain
    window_id: int | None
    command: CommandBuilder | None
    command_dir: str | None
    size: TerminalSize
    workspace: str


class PaneRemoved(NamedTuple):
    pane_id: int


class SetPalette(NamedTuple):
    """`palette` is not looked into."""

    pane_id: int
    palette: bytes


class NotifyAlert(NamedTuple):
    pane_id: int
    alert: Alert


class UnknownAlert(NamedTuple):
    """A NotifyAlert of a kind that the codec does not have; builds ahead of their codec's number send such."""

    pane_id: int
    variant: int
    rest: bytes


class SetClientId(NamedTuple):
    client_id: ClientId
    is_proxy: bool = False
    """Codec 43 and later."""


class GetClientList(NamedTuple):
    pass


class GetClientListResponse(NamedTuple):
    clients: tuple[ClientInfo, ...]


class SetWindowWorkspace(NamedTuple):
    window_id: int
    workspace: str


class WindowWorkspaceChanged(NamedTuple):
    window_id: int
    workspace: str


class SetFocusedPane(NamedTuple):
    pane_id: int


class MovePaneToNewTab(NamedTuple):
    pane_id: int
    window_id: int | None
    workspace_for_new_window: str | None


class MovePaneToNewTabResponse(NamedTuple):
    tab_id: int
    window_id: int


class ActivatePaneDirection(NamedTuple):
    """`direction` counts Up, Down, Left, Right, Next, Prev from 0."""

    pane_id: int
    direction: int


class GetPaneRenderableDimensions(NamedTuple):
    pane_id: int


class GetPaneRenderableDimensionsResponse(NamedTuple):
    pane_id: int
    cursor: Cursor
    dims: Dimensions
    pixels: Pixels = Pixels()


class PaneFocused(NamedTuple):
    pane_id: int


class TabResized(NamedTuple):
    tab_id: int


class TabAddedToWindow(NamedTuple):
    tab_id: int
    window_id: int


class TabTitleChanged(NamedTuple):
    tab_id: int
    title: str


class WindowTitleChanged(NamedTuple):
    window_id: int
    title: str


class RenameWorkspace(NamedTuple):
    old_workspace: str
    new_workspace: str


class EraseScrollbackRequest(NamedTuple):
    """`erase_mode`: 0 scrollback only, 1 scrollback and viewport."""

    pane_id: int
    erase_mode: int


class GetPaneDirection(NamedTuple):
    pane_id: int
    direction: int


class GetPaneDirectionResponse(NamedTuple):
    pane_id: int | None


class AdjustPaneSize(NamedTuple):
    pane_id: int
    direction: int
    amount: int


Pdu = (
    ErrorResponse
    | Ping
    | Pong
    | ListPanes
    | ListPanesResponse
    | SpawnResponse
    | WriteToPane
    | UnitResponse
    | SendKeyDown
    | SendPaste
    | Resize
    | SetClipboard
    | GetLines
    | GetLinesResponse
    | GetPaneRenderChanges
    | GetPaneRenderChangesResponse
    | GetCodecVersion
    | GetCodecVersionResponse
    | LivenessResponse
    | SearchScrollbackRequest
    | SearchScrollbackResponse
    | SetPaneZoomed
    | SplitPane
    | KillPane
    | SpawnV2
    | PaneRemoved
    | SetPalette
    | NotifyAlert
    | UnknownAlert
    | SetClientId
    | GetClientList
    | GetClientListResponse
    | SetWindowWorkspace
    | WindowWorkspaceChanged
    | SetFocusedPane
    | MovePaneToNewTab
    | MovePaneToNewTabResponse
    | ActivatePaneDirection
    | GetPaneRenderableDimensions
    | GetPaneRenderableDimensionsResponse
    | PaneFocused
    | TabResized
    | TabAddedToWindow
    | TabTitleChanged
    | WindowTitleChanged
    | RenameWorkspace
    | EraseScrollbackRequest
    | GetPaneDirection
    | GetPaneDirectionResponse
    | AdjustPaneSize
)
