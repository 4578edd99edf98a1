"""Runs one command and answers as `wezterm cli` does: same output, same words on stderr, status 1 for what failed."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from wa.embedded.cli.arguments import parse
from wa.embedded.cli.client import Client, Failed, decode_reply, describe, socket_path
from wa.embedded.cli.escapes import read_cells, render
from wa.embedded.cli.listing import list_clients, list_panes
from wa.embedded.cli.proxy import run_proxy
from wa.model.errors import WaError
from wa.protocol import mux as p

_NO_PANE = """--pane-id was not specified and $WEZTERM_PANE
                         is not set in the environment, and I couldn't
                         determine which pane was currently focused"""
_HORIZONTAL, _VERTICAL = 0, 1


def main(argv: Sequence[str]) -> int:
    arguments = parse(argv)
    path = socket_path(os.environ, prefer_mux=arguments.prefer_mux, gui_class=arguments.gui_class)
    try:
        if arguments.command == "proxy":
            return run_proxy(path)
        client = Client(path)
        try:
            out = _COMMANDS[arguments.command](client, arguments)
        finally:
            client.close()
    except (Failed, WaError) as failure:
        now = time.time()
        clock = time.strftime("%H:%M:%S", time.localtime(now)) + f".{int(now * 1000) % 1000:03d}"
        sys.stderr.write(f"{clock}  ERROR  wezterm > {failure}; terminating\n")
        return 1
    try:
        sys.stdout.buffer.write(out.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _pane_id(client: Client, arguments: argparse.Namespace) -> int:
    """`--pane-id`, else $WEZTERM_PANE, else the pane that the client with the latest input has focused."""
    if arguments.pane_id is not None:
        return int(arguments.pane_id)
    if (named := os.environ.get("WEZTERM_PANE")) is not None:
        if not named.isascii() or not named.isdigit():
            raise Failed("invalid digit found in string")
        return int(named)
    clients = client.ask(p.GetClientList(), p.GetClientListResponse).clients
    for info in sorted(clients, key=lambda info: info.last_input, reverse=True)[:1]:
        if info.focused_pane_id is not None:
            return info.focused_pane_id
    raise Failed(_NO_PANE)


def _entry(client: Client, pane_id: int) -> p.PaneEntry | None:
    listed = client.ask(p.ListPanes(), p.ListPanesResponse)
    for tab in listed.tabs:
        for entry in p.entries_of(tab):
            if entry.pane_id == pane_id:
                return entry
    return None


def _list(client: Client, arguments: argparse.Namespace) -> str:
    return list_panes(client.ask(p.ListPanes(), p.ListPanesResponse), as_json=arguments.format == "json")


def _list_clients(client: Client, arguments: argparse.Namespace) -> str:
    clients = client.ask(p.GetClientList(), p.GetClientListResponse).clients
    return list_clients(clients, time.time(), as_json=arguments.format == "json")


def _get_text(client: Client, arguments: argparse.Namespace) -> str:
    pane_id = _pane_id(client, arguments)
    dims = client.ask(p.GetPaneRenderableDimensions(pane_id), p.GetPaneRenderableDimensionsResponse).dims

    def row(line: int | None, default: int) -> int:
        if line is None:
            return default
        return max(dims.physical_top + line, dims.scrollback_top) if line < 0 else dims.physical_top + line

    start = row(arguments.start_line, dims.physical_top)
    stop = row(arguments.end_line, dims.physical_top + dims.viewport_rows) + 1
    frame = client.ask_raw(p.GetLines(pane_id, (range(start, max(start, stop)),)))
    reply = decode_reply(frame)
    if not isinstance(reply, p.GetLinesResponse):
        raise Failed(f"unexpected response Ok({describe(reply)})")
    if arguments.escapes:
        return render(read_cells(frame.payload())) + "\n"
    return "".join([row.text + "\n" for row in reply.lines])


def _send_text(client: Client, arguments: argparse.Namespace) -> str:
    pane_id = _pane_id(client, arguments)
    data = sys.stdin.buffer.read() if arguments.text is None else os.fsencode(arguments.text)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Failed("reading stdin: stream did not contain valid UTF-8") from None
    request = p.WriteToPane(pane_id, data) if arguments.no_paste else p.SendPaste(pane_id, text)
    client.ask(request, p.UnitResponse)
    return ""


def _command(arguments: argparse.Namespace) -> p.CommandBuilder | None:
    """With the whole environment of this process, as `wezterm cli` sends it along."""
    if not arguments.prog:
        return None
    envs = tuple((name, p.EnvEntry(True, name, value)) for name, value in sorted(os.environb.items()))
    return p.CommandBuilder(tuple(map(os.fsencode, arguments.prog)), envs)


def _cwd(arguments: argparse.Namespace) -> str | None:
    return None if arguments.cwd is None else os.path.join(os.getcwd(), arguments.cwd)  # noqa: PTH109, PTH118


def _spawn(client: Client, arguments: argparse.Namespace) -> str:
    window_id = arguments.window_id
    if window_id is None and not arguments.new_window:
        entry = _entry(client, _pane_id(client, arguments))
        window_id = None if entry is None else entry.window_id
    domain = p.DefaultDomain() if arguments.domain_name is None else p.DomainName(arguments.domain_name)
    size = p.TerminalSize(24, 80, 640, 384, 0)
    request = p.SpawnV2(domain, window_id, _command(arguments), _cwd(arguments), size, arguments.workspace or "default")
    return f"{client.ask(request, p.SpawnResponse).pane_id}\n"


def _split(client: Client, arguments: argparse.Namespace) -> str:
    horizontal = arguments.horizontal or arguments.left or arguments.right
    size = p.SplitCells(arguments.cells) if arguments.cells is not None else p.SplitPercent(arguments.percent or 50)
    request = p.SplitPane(
        _pane_id(client, arguments),
        p.SplitRequest(
            _HORIZONTAL if horizontal else _VERTICAL, not (arguments.left or arguments.top), arguments.top_level, size
        ),
        _command(arguments),
        _cwd(arguments),
        p.CurrentPaneDomain(),
        arguments.move_pane_id,
    )
    return f"{client.ask(request, p.SpawnResponse).pane_id}\n"


def _kill(client: Client, arguments: argparse.Namespace) -> str:
    client.ask(p.KillPane(_pane_id(client, arguments)), p.UnitResponse)
    return ""


def _activate(client: Client, arguments: argparse.Namespace) -> str:
    client.ask(p.SetFocusedPane(_pane_id(client, arguments)), p.UnitResponse)
    return ""


def _get_direction(client: Client, arguments: argparse.Namespace) -> str:
    request = p.GetPaneDirection(_pane_id(client, arguments), arguments.direction)
    found = client.ask(request, p.GetPaneDirectionResponse).pane_id
    return "" if found is None else f"{found}\n"


def _activate_direction(client: Client, arguments: argparse.Namespace) -> str:
    client.ask(p.ActivatePaneDirection(_pane_id(client, arguments), arguments.direction), p.UnitResponse)
    return ""


def _set_tab_title(client: Client, arguments: argparse.Namespace) -> str:
    tab_id = arguments.tab_id
    if tab_id is None:
        entry = _entry(client, _pane_id(client, arguments))
        if entry is None:
            raise Failed("unable to resolve current tab")
        tab_id = entry.tab_id
    client.ask(p.TabTitleChanged(tab_id, arguments.title), p.UnitResponse)
    return ""


def _set_window_title(client: Client, arguments: argparse.Namespace) -> str:
    window_id = arguments.window_id
    if window_id is None:
        entry = _entry(client, _pane_id(client, arguments))
        if entry is None:
            raise Failed("unable to resolve current window")
        window_id = entry.window_id
    client.ask(p.WindowTitleChanged(window_id, arguments.title), p.UnitResponse)
    return ""


def _rename_workspace(client: Client, arguments: argparse.Namespace) -> str:
    old = arguments.workspace
    if old is None:
        entry = _entry(client, _pane_id(client, arguments))
        if entry is None:
            raise Failed("unable to resolve current workspace")
        old = entry.workspace
    client.ask(p.RenameWorkspace(old, arguments.new_workspace), p.UnitResponse)
    return ""


def _zoom(client: Client, arguments: argparse.Namespace) -> str:
    pane_id = _pane_id(client, arguments)
    entry = _entry(client, pane_id)
    if entry is None:
        raise Failed("unable to resolve current pane")
    zoomed = not entry.is_zoomed if arguments.toggle else not arguments.unzoom
    client.ask(p.SetPaneZoomed(entry.tab_id, pane_id, zoomed), p.UnitResponse)
    return ""


def _move(client: Client, arguments: argparse.Namespace) -> str:
    pane_id = _pane_id(client, arguments)
    window_id = arguments.window_id
    if window_id is None and not arguments.new_window:
        entry = _entry(client, pane_id)
        window_id = None if entry is None else entry.window_id
    client.ask(p.MovePaneToNewTab(pane_id, window_id, arguments.workspace), p.MovePaneToNewTabResponse)
    return ""


_COMMANDS: dict[str, Callable[[Client, argparse.Namespace], str]] = {
    "list": _list,
    "list-clients": _list_clients,
    "get-text": _get_text,
    "send-text": _send_text,
    "spawn": _spawn,
    "split-pane": _split,
    "kill-pane": _kill,
    "activate-pane": _activate,
    "get-pane-direction": _get_direction,
    "activate-pane-direction": _activate_direction,
    "set-tab-title": _set_tab_title,
    "set-window-title": _set_window_title,
    "rename-workspace": _rename_workspace,
    "zoom-pane": _zoom,
    "move-pane-to-new-tab": _move,
}
