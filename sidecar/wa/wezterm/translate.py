"""PDUs of a mux in wa's nouns, and wa's wishes in PDUs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wa.model.errors import UsageError
from wa.model.identity import Client
from wa.model.observation import Alert, Observation, PaneGone, ScreenPush, TabTitled, TopologyChanged
from wa.protocol import mux
from wa.wezterm.terminal import SpawnRequest, SplitRequest

MAX_WRITE_BYTES = 1024
"""The server writes keystrokes on its main thread: more, into a program that does not read, would hold up all panes."""

_DIRECTIONS = {"left": (0, False), "right": (0, True), "top": (1, False), "bottom": (1, True)}

_ALERTS: Mapping[type[Any], Callable[[Any], tuple[str, str, str]]] = {
    mux.Bell: lambda _: ("bell", "", ""),
    mux.Toast: lambda toast: ("toast", toast.title or "", toast.body),
    mux.CwdChanged: lambda _: ("cwd", "", ""),
    mux.IconTitle: lambda icon: ("icon_title", "", icon.title or ""),
    mux.PaneTitle: lambda title: ("window_title", "", title.title),
    mux.TabTitle: lambda tab: ("tab_title", "", tab.title or ""),
    mux.PaletteChanged: lambda _: ("palette", "", ""),
    mux.UserVar: lambda var: ("user_var", var.name, var.value),
    mux.OutputSinceFocusLost: lambda _: ("output_since_focus_lost", "", ""),
    mux.Progress: lambda progress: ("progress", progress.state, str(progress.percent)),
}


def screen_push(changes: mux.GetPaneRenderChangesResponse, at_ms: int) -> ScreenPush:
    return ScreenPush(
        pane_id=changes.pane_id,
        at_ms=at_ms,
        dims=changes.dims,
        cursor=changes.cursor,
        rows=changes.bonus_lines,
        dirty=changes.dirty_lines,
        title=changes.title,
        cwd=changes.working_dir or None,
        seqno=changes.seqno,
        mouse_grabbed=changes.mouse_grabbed,
        raw=changes.raw,
    )


def observation(pdu: mux.Pdu, at_ms: int, *, late: bool = False) -> Observation | None:
    """What a push says; None where it says nothing to wa. *late*: the server was held back until just now."""
    if isinstance(pdu, mux.GetPaneRenderChangesResponse):
        return screen_push(pdu, at_ms)
    if isinstance(pdu, mux.NotifyAlert):
        return Alert(pdu.pane_id, at_ms, *_ALERTS[type(pdu.alert)](pdu.alert))
    if isinstance(pdu, mux.PaneRemoved):
        return PaneGone(pdu.pane_id, at_ms, late)
    if isinstance(pdu, mux.TabResized):
        return TopologyChanged(at_ms, resized_tab=pdu.tab_id)
    if isinstance(pdu, mux.TabTitleChanged):
        return TabTitled(pdu.tab_id, at_ms, pdu.title)
    if isinstance(
        pdu,
        mux.TabAddedToWindow
        | mux.WindowTitleChanged
        | mux.WindowWorkspaceChanged
        | mux.RenameWorkspace
        | mux.PaneFocused,
    ):
        return TopologyChanged(at_ms)
    return None


def client(info: mux.ClientInfo, now_ms: int) -> Client:
    return Client(
        hostname=info.client_id.hostname,
        username=info.client_id.username,
        pid=info.client_id.pid,
        workspace=info.active_workspace,
        focused_pane_id=info.focused_pane_id,
        connected_s=max(0.0, now_ms / 1000 - info.connected_at),
        idle_s=max(0.0, now_ms / 1000 - info.last_input),
    )


def spawn_pdu(request: SpawnRequest) -> mux.SpawnV2:
    check_spawn(request)
    return mux.SpawnV2(
        domain=mux.DefaultDomain(),
        window_id=request.window_id,
        command=_command(request),
        command_dir=request.cwd,
        size=mux.TerminalSize(request.rows, request.cols),
        workspace=spawn_workspace(request),
    )


def spawn_workspace(request: SpawnRequest) -> str:
    return request.workspace or "wa"


def split_pdu(request: SplitRequest) -> mux.SplitPane:
    check_split(request)
    direction, second = _DIRECTIONS[request.direction]
    return mux.SplitPane(
        pane_id=request.pane_id,
        split_request=mux.SplitRequest(direction, second, top_level=False, size=mux.SplitPercent(request.percent)),
        command=_command(request),
        command_dir=request.cwd,
        domain=mux.CurrentPaneDomain(),
    )


def check_spawn(request: SpawnRequest) -> None:
    if request.window_id is not None and request.workspace is not None:
        raise UsageError("a new tab goes to a window or to a workspace, not both", next_step="Give one of the two.")
    _check_program(request)


def check_split(request: SplitRequest) -> None:
    if request.direction not in _DIRECTIONS:
        raise UsageError(f"{request.direction!r} is no direction", next_step=f"Use one of {', '.join(_DIRECTIONS)}.")
    if not 1 <= request.percent <= 99:
        raise UsageError(f"{request.percent} % leaves no room", next_step="Give a percentage from 1 to 99.")
    _check_program(request)


def _check_program(request: SpawnRequest | SplitRequest) -> None:
    if request.env and not request.argv:
        raise UsageError("an environment needs a program", next_step="Give the program to run.")
    words = [*request.argv, *request.env, *request.env.values(), request.cwd or ""]
    if any("\0" in word for word in words) or any("=" in name or not name for name in request.env):
        raise UsageError("a program's words hold no NUL, and names of variables no '='", next_step="Mend the words.")


def _command(request: SpawnRequest | SplitRequest) -> mux.CommandBuilder | None:
    if not request.argv:
        return None
    return mux.CommandBuilder(
        args=tuple(map(_os_bytes, request.argv)),
        envs=tuple(
            (
                _os_bytes(name),
                mux.EnvEntry(is_from_base_env=False, preferred_key=_os_bytes(name), value=_os_bytes(value)),
            )
            for name, value in request.env.items()
        ),
        cwd=None if request.cwd is None else _os_bytes(request.cwd),
    )


def _os_bytes(text: str) -> bytes:
    # What came from the operating system undecodable goes back to it unchanged.
    return text.encode("utf-8", "surrogateescape")


def check_text(text: str) -> str:
    """*text* if it can be sent as text at all. Raises UsageError for lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("the text is not valid Unicode", next_step="Send it as UTF-8.") from None
    return text


def check_write(data: bytes) -> bytes:
    if len(data) > MAX_WRITE_BYTES:
        raise UsageError(
            f"{len(data)} bytes are too many keystrokes (limit {MAX_WRITE_BYTES})", next_step="Paste long text instead."
        )
    return data
