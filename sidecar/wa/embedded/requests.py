"""What each request does; refusals read as WezTerm's do (wezterm-mux-server-impl/src/sessionhandler.rs, 2025-02-23)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wa.embedded.cells import encode_lines
from wa.embedded.layout import Tab, Window, terminal_size
from wa.embedded.pane import Pane
from wa.embedded.refusal import Refusal
from wa.embedded.scan import Step, StepKind
from wa.protocol import mux as p

if TYPE_CHECKING:
    from wa.embedded.server import EmbeddedMux
    from wa.embedded.session import Session

VERSION = "wa-embedded-0.1.0"


def answer(mux: EmbeddedMux, session: Session, request: p.Pdu) -> p.Pdu:
    """The reply. Raises Refusal."""
    if isinstance(request, (p.SendKeyDown, p.SendPaste, p.WriteToPane)):
        session.had_input()
    handler = _HANDLERS.get(type(request))
    if isinstance(request, _NOT_OFFERED):
        raise Refusal(f"{type(request).__name__} is not offered by this multiplexer")
    if handler is None:
        raise Refusal(f"expected a request, got {type(request).__name__}")
    return handler(mux, session, request)


def _pane(mux: EmbeddedMux, pane_id: int) -> Pane:
    pane = mux.panes.get(pane_id)
    if pane is None:
        raise Refusal(f"no such pane {pane_id}")
    return pane


def _place(mux: EmbeddedMux, pane_id: int, refusal: str) -> tuple[Window, Tab, Pane]:
    pane = mux.panes.get(pane_id)
    if pane is None:
        raise Refusal(refusal)
    return (*mux.place_of(pane), pane)


def _tab(mux: EmbeddedMux, tab_id: int) -> Tab:
    for window in mux.windows.values():
        for tab in window.tabs:
            if tab.tab_id == tab_id:
                return tab
    raise Refusal(f"no such tab {tab_id}")


def _ping(_mux: EmbeddedMux, _session: Session, _request: p.Ping) -> p.Pdu:
    return p.Pong()


def _codec_version(_mux: EmbeddedMux, _session: Session, _request: p.GetCodecVersion) -> p.Pdu:
    return p.GetCodecVersionResponse(44, VERSION, sys.executable, None)


def _list_panes(mux: EmbeddedMux, _session: Session, _request: p.ListPanes) -> p.Pdu:
    return mux.list_panes()


def _lines(mux: EmbeddedMux, _session: Session, request: p.GetLines) -> p.Pdu:
    screen = _pane(mux, request.pane_id).screen
    rows = [row for wanted in request.lines for row in screen.read(wanted)]
    return p.GetLinesResponse(request.pane_id, encode_lines(rows, screen.seqno))


def _dimensions(mux: EmbeddedMux, _session: Session, request: p.GetPaneRenderableDimensions) -> p.Pdu:
    pane = _pane(mux, request.pane_id)
    screen = pane.screen
    return p.GetPaneRenderableDimensionsResponse(pane.pane_id, screen.cursor(), screen.dimensions(), pane.pixels)


def _render_changes(mux: EmbeddedMux, session: Session, request: p.GetPaneRenderChanges) -> p.Pdu:
    pane = mux.panes.get(request.pane_id)
    if pane is not None:
        _tell(session, pane)
    return p.LivenessResponse(request.pane_id, pane is not None)


def _write(mux: EmbeddedMux, session: Session, request: p.WriteToPane) -> p.Pdu:
    pane = _pane(mux, request.pane_id)
    pane.write(request.data)
    _tell(session, pane)
    return p.UnitResponse()


def _paste(mux: EmbeddedMux, session: Session, request: p.SendPaste) -> p.Pdu:
    pane = _pane(mux, request.pane_id)
    pane.paste(request.data)
    _tell(session, pane)
    return p.UnitResponse()


def _tell(session: Session, pane: Pane, input_serial: int | None = None) -> None:
    """What the client does not know of the pane yet."""
    pane.screen.sync()
    session.push(pane, [], input_serial)


def _key(mux: EmbeddedMux, session: Session, request: p.SendKeyDown) -> p.Pdu:
    pane = _pane(mux, request.pane_id)
    pane.key(request.event)
    _tell(session, pane, request.input_serial)
    return p.UnitResponse()


def _resize(mux: EmbeddedMux, _session: Session, request: p.Resize) -> p.Pdu:
    pane = _pane(mux, request.pane_id)
    pane.resize(request.size.cols, request.size.rows)
    tab = _tab(mux, request.containing_tab_id)
    mux.tell_all(p.TabResized(tab.tab_id))
    return p.UnitResponse()


def _spawn(mux: EmbeddedMux, _session: Session, request: p.SpawnV2) -> p.Pdu:
    _check_domain(request.domain)
    window = None
    if request.window_id is not None:
        window = mux.windows.get(request.window_id)
        if window is None:
            raise Refusal(f"window_id {request.window_id} not found on this server")
    pane = mux.spawn_tab(
        request.command,
        request.command_dir,
        window=window,
        workspace=request.workspace,
        cols=request.size.cols,
        rows=request.size.rows,
    )
    return _spawned(mux, pane)


def _split(mux: EmbeddedMux, _session: Session, request: p.SplitPane) -> p.Pdu:
    _check_domain(request.domain)
    _, tab, pane = _place(mux, request.pane_id, f"pane_id {request.pane_id} invalid")
    if request.move_pane_id is not None:
        raise Refusal("this multiplexer cannot move a pane into a split")
    new = mux.split(tab, pane, request.split_request, request.command, request.command_dir)
    return _spawned(mux, new)


def _spawned(mux: EmbeddedMux, pane: Pane) -> p.Pdu:
    window, tab = mux.place_of(pane)
    return p.SpawnResponse(tab.tab_id, pane.pane_id, window.window_id, terminal_size(pane.cols, pane.rows))


def _check_domain(domain: p.SpawnTabDomain) -> None:
    if isinstance(domain, p.DomainName) and domain.name != "local":
        raise Refusal(f'resolve_spawn_tab_domain: domain name "{domain.name}" is invalid. Possible names are "local".')
    if isinstance(domain, p.DomainId) and domain.id != 0:
        raise Refusal(f"domain id {domain.id} is invalid")


def _kill(mux: EmbeddedMux, _session: Session, request: p.KillPane) -> p.Pdu:
    mux.remove(_pane(mux, request.pane_id))
    return p.UnitResponse()


def _move_to_tab(mux: EmbeddedMux, _session: Session, request: p.MovePaneToNewTab) -> p.Pdu:
    _, _, pane = _place(mux, request.pane_id, f"pane {request.pane_id} not found")
    window = None
    if request.window_id is not None:
        window = mux.windows.get(request.window_id)
        if window is None:
            raise Refusal(f"window_id {request.window_id} not found on this server")
    mux.move_to_new_tab(pane, window, request.workspace_for_new_window)
    window, tab = mux.place_of(pane)
    return p.MovePaneToNewTabResponse(tab.tab_id, window.window_id)


def _zoom(mux: EmbeddedMux, _session: Session, request: p.SetPaneZoomed) -> p.Pdu:
    pane = _pane(mux, request.pane_id)
    tab = _tab(mux, request.containing_tab_id)
    if (tab.zoomed is pane) != request.zoomed:
        if request.zoomed:
            mux.tell_all(p.PaneFocused(pane.pane_id))
        tab.zoom(pane if request.zoomed else None)
        mux.tell_all(p.TabResized(tab.tab_id))
    return p.UnitResponse()


def _focus(mux: EmbeddedMux, session: Session, request: p.SetFocusedPane) -> p.Pdu:
    _, _, pane = _place(mux, request.pane_id, f"pane {request.pane_id} not found")
    mux.focus(pane)
    session.focused_pane_id = pane.pane_id
    return p.UnitResponse()


def _pane_direction(mux: EmbeddedMux, _session: Session, request: p.GetPaneDirection) -> p.Pdu:
    _, tab, _ = _place(mux, request.pane_id, f"no such pane {request.pane_id}")
    found = tab.neighbour(request.direction)
    return p.GetPaneDirectionResponse(None if found is None else found.pane_id)


def _activate_direction(mux: EmbeddedMux, _session: Session, request: p.ActivatePaneDirection) -> p.Pdu:
    _, tab, _ = _place(mux, request.pane_id, f"no such pane {request.pane_id}")
    found = tab.neighbour(request.direction)
    if found is not None:
        mux.focus(mux.panes[found.pane_id])
    return p.UnitResponse()


def _tab_title(mux: EmbeddedMux, _session: Session, request: p.TabTitleChanged) -> p.Pdu:
    tab = _tab(mux, request.tab_id)
    if tab.title != request.title:
        tab.title = request.title
        mux.tell_all(request)
    return p.UnitResponse()


def _window_title(mux: EmbeddedMux, _session: Session, request: p.WindowTitleChanged) -> p.Pdu:
    window = mux.windows.get(request.window_id)
    if window is None:
        raise Refusal(f"no such window {request.window_id}")
    if window.title != request.title:
        window.title = request.title
        mux.tell_all(request)
    return p.UnitResponse()


def _window_workspace(mux: EmbeddedMux, _session: Session, request: p.SetWindowWorkspace) -> p.Pdu:
    window = mux.windows.get(request.window_id)
    if window is None:
        raise Refusal(f"window {request.window_id} is invalid")
    if window.workspace != request.workspace:
        window.workspace = request.workspace
        mux.tell_all(p.WindowWorkspaceChanged(window.window_id, window.workspace))
    return p.UnitResponse()


def _rename_workspace(mux: EmbeddedMux, _session: Session, request: p.RenameWorkspace) -> p.Pdu:
    if request.old_workspace != request.new_workspace:
        mux.tell_all(request)
        for window in mux.windows.values():
            if window.workspace == request.old_workspace:
                window.workspace = request.new_workspace
                mux.tell_all(p.WindowWorkspaceChanged(window.window_id, window.workspace))
    return p.UnitResponse()


def _client_id(_mux: EmbeddedMux, session: Session, request: p.SetClientId) -> p.Pdu:
    client_id = request.client_id
    if request.is_proxy:
        session.proxy_id = session.proxy_id or client_id
        return p.UnitResponse()
    if session.proxy_id is not None:
        client_id = client_id._replace(hostname=f"{client_id.hostname} (via proxy pid {session.proxy_id.pid})")
    session.client_id = client_id
    return p.UnitResponse()


def _client_list(mux: EmbeddedMux, _session: Session, _request: p.GetClientList) -> p.Pdu:
    infos = [info for session in mux.sessions if (info := session.info()) is not None]
    return p.GetClientListResponse(tuple(sorted(infos, key=lambda info: info.connected_at)))


def _erase_history(mux: EmbeddedMux, _session: Session, request: p.EraseScrollbackRequest) -> p.Pdu:
    pane = _pane(mux, request.pane_id)
    viewport = [Step(StepKind.TEXT, b"\x1b[2J\x1b[H")] if request.erase_mode else []
    pane.screen.apply([Step(StepKind.ERASE_HISTORY, b"\x1b[3J"), *viewport])
    mux.pane_changed(pane, [])
    return p.UnitResponse()


_NOT_OFFERED = (p.SearchScrollbackRequest, p.AdjustPaneSize)

_HANDLERS: dict[type[Any], Callable[[EmbeddedMux, Session, Any], p.Pdu]] = {
    p.Ping: _ping,
    p.GetCodecVersion: _codec_version,
    p.ListPanes: _list_panes,
    p.GetLines: _lines,
    p.GetPaneRenderableDimensions: _dimensions,
    p.GetPaneRenderChanges: _render_changes,
    p.WriteToPane: _write,
    p.SendPaste: _paste,
    p.SendKeyDown: _key,
    p.Resize: _resize,
    p.SpawnV2: _spawn,
    p.SplitPane: _split,
    p.KillPane: _kill,
    p.MovePaneToNewTab: _move_to_tab,
    p.SetPaneZoomed: _zoom,
    p.SetFocusedPane: _focus,
    p.GetPaneDirection: _pane_direction,
    p.ActivatePaneDirection: _activate_direction,
    p.TabTitleChanged: _tab_title,
    p.WindowTitleChanged: _window_title,
    p.SetWindowWorkspace: _window_workspace,
    p.RenameWorkspace: _rename_workspace,
    p.SetClientId: _client_id,
    p.GetClientList: _client_list,
    p.EraseScrollbackRequest: _erase_history,
}
