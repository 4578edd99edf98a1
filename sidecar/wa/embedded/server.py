"""The multiplexer: panes in tabs in windows, and the socket on which clients reach them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from wa.embedded.layout import Node, NoSpace, Sized, Split, Tab, Window, node_size, terminal_size
from wa.embedded.osc import Clipboard
from wa.embedded.pane import Pane
from wa.embedded.programs import Program, program_of
from wa.embedded.refusal import Refusal
from wa.embedded.screen import DEFAULT_SCROLLBACK
from wa.embedded.session import Session
from wa.model.errors import WezTermError
from wa.protocol import mux as p

LONGEST_SOCKET_PATH = 107
DEFAULT_WORKSPACE = "default"


class EmbeddedMux:
    """An async context manager: listens on *socket_path* while entered, kills its programs on leaving.

    The socket is made with mode 0600; its folder is made with 0700 if it does not exist, and must belong to the user
    and be closed to others' writing if it does. *argv* is the first pane's program, None for no first pane, empty for
    the user's shell. *env* is what programs inherit that bring no environment of their own; None: this process's.
    """

    def __init__(
        self,
        socket_path: Path,
        *,
        cols: int = 80,
        rows: int = 24,
        scrollback: int = DEFAULT_SCROLLBACK,
        argv: Sequence[str] | None = (),
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.socket_path = socket_path
        self.panes: dict[int, Pane] = {}
        self.windows: dict[int, Window] = {}
        self.sessions: set[Session] = set()
        self._cols, self._rows, self._scrollback = cols, rows, scrollback
        self._first_argv, self._first_cwd = argv, cwd
        self._env = dict(os.environ if env is None else env)
        self._next_pane = self._next_tab = self._next_window = 0
        self._leaving: set[Pane] = set()
        """Panes that are gone while their programs still have to end."""
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: Session(self), sock=_listening_socket(self.socket_path)
        )
        if self._first_argv is not None:
            self.spawn(self._first_argv, cwd=self._first_cwd)
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for session in list(self.sessions):
            session.close()
        for pane in [*self.panes.values(), *self._leaving]:
            pane.destroy()
        self.panes.clear()
        self.windows.clear()
        self._leaving.clear()
        with contextlib.suppress(FileNotFoundError):
            self.socket_path.unlink()
        await asyncio.sleep(0)  # aborted transports say goodbye in the next turn

    # Panes.

    def spawn(
        self,
        argv: Sequence[str] = (),
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        workspace: str = DEFAULT_WORKSPACE,
        cols: int | None = None,
        rows: int | None = None,
    ) -> int:
        """A program in a new window; the new pane's id. Without *argv* the user's shell; *env* as for the mux."""
        inherited = self._env if env is None else env
        command = None
        if argv:
            entries = tuple(
                (os.fsencode(name), p.EnvEntry(False, os.fsencode(name), os.fsencode(value)))
                for name, value in inherited.items()
            )
            command = p.CommandBuilder(tuple(map(os.fsencode, argv)), entries)
        pane = self.spawn_tab(
            command, cwd, window=None, workspace=workspace, cols=cols or self._cols, rows=rows or self._rows
        )
        return pane.pane_id

    def spawn_tab(
        self,
        command: p.CommandBuilder | None,
        cwd: str | None,
        *,
        window: Window | None,
        workspace: str,
        cols: int,
        rows: int,
    ) -> Pane:
        pane = self._new_pane(command, cwd, cols or self._cols, rows or self._rows)
        self._add_tab(pane, window, workspace)
        return pane

    def split(
        self, tab: Tab, pane: Pane, request: p.SplitRequest, command: p.CommandBuilder | None, cwd: str | None
    ) -> Pane:
        if tab.zoomed is not None:
            tab.zoom(None)
        try:
            cols, rows = tab.split_size(pane, request)
        except NoSpace:
            raise Refusal("No space for split!") from None
        new = self._new_pane(command, cwd, cols, rows)
        tab.split(pane, request, new)
        return new

    def move_to_new_tab(self, pane: Pane, window: Window | None, workspace: str | None) -> None:
        old_window, old_tab = self.place_of(pane)
        cols, rows = node_size(old_tab.root)
        self._take_out(pane)
        self._add_tab(pane, window, workspace or old_window.workspace)
        pane.resize(cols, rows)

    def _new_pane(self, command: p.CommandBuilder | None, cwd: str | None, cols: int, rows: int) -> Pane:
        cols, rows = max(1, min(cols, 4096)), max(1, min(rows, 4096))
        pane = Pane(
            self._next_pane, cols, rows, self._scrollback, on_change=self.pane_changed, on_exit=self._pane_exited
        )
        self._next_pane += 1
        self.panes[pane.pane_id] = pane
        program = program_of(command, cwd, self._env, pane.pane_id, self.socket_path)
        try:
            pane.attach(lambda on_output, on_exit: program.start(cols, rows, on_output, on_exit))
        except (OSError, ValueError) as error:
            pane.output(_cannot_start(program, error))
        return pane

    def _add_tab(self, pane: Pane, window: Window | None, workspace: str) -> None:
        if window is None:
            window = Window(self._next_window, workspace or DEFAULT_WORKSPACE)
            self._next_window += 1
            self.windows[window.window_id] = window
        tab = Tab(self._next_tab, pane, pane)
        self._next_tab += 1
        window.tabs.append(tab)
        window.active = tab
        self.tell_all(p.TabAddedToWindow(tab.tab_id, window.window_id))

    def place_of(self, pane: Pane) -> tuple[Window, Tab]:
        for window in self.windows.values():
            for tab in window.tabs:
                if pane in tab.panes:
                    return window, tab
        raise Refusal(f"pane {pane.pane_id} not found")

    def focus(self, pane: Pane) -> None:
        window, tab = self.place_of(pane)
        window.active, tab.active = tab, pane
        for other in self.panes.values():
            other.focus(other is pane)
        self.tell_all(p.PaneFocused(pane.pane_id))

    def remove(self, pane: Pane) -> None:
        """Hangs up on the program and forgets the pane at once."""
        self._leaving.add(pane)
        pane.close()
        self._forget(pane)

    def _pane_exited(self, pane: Pane) -> None:
        self._leaving.discard(pane)
        self._forget(pane)
        pane.destroy()

    def _forget(self, pane: Pane) -> None:
        if self.panes.pop(pane.pane_id, None) is None:
            return
        self._take_out(pane)
        for session in self.sessions:
            session.forget(pane)
        self.tell_all(p.PaneRemoved(pane.pane_id))

    def _take_out(self, pane: Pane) -> None:
        window, tab = self.place_of(pane)
        if tab.remove(pane):
            return
        window.tabs.remove(tab)
        if window.active is tab:
            window.active = window.tabs[-1] if window.tabs else None
        if not window.tabs:
            del self.windows[window.window_id]

    # Telling clients.

    def tell_all(self, pdu: p.Pdu) -> None:
        for session in list(self.sessions):
            session.send(pdu)

    def pane_changed(self, pane: Pane, heard: Sequence[p.Alert | Clipboard]) -> None:
        if pane.pane_id not in self.panes:
            return
        pane.screen.sync()
        alerts: list[p.Alert] = []
        for said in heard:
            if isinstance(said, Clipboard):
                self.tell_all(p.SetClipboard(pane.pane_id, said.text, said.selection))
            else:
                alerts.append(said)
        for session in list(self.sessions):
            session.push(pane, alerts)

    def list_panes(self) -> p.ListPanesResponse:
        tabs = [(window, tab) for window in self.windows.values() for tab in window.tabs]
        return p.ListPanesResponse(
            tuple(self._node(window, tab, tab.root, iter(tab.placed())) for window, tab in tabs),
            tuple(tab.title for _, tab in tabs),
            {window.window_id: window.title for window in self.windows.values()},
        )

    def _node(self, window: Window, tab: Tab, node: Node, places: Iterator[tuple[Sized, int, int]]) -> p.PaneNode:
        if isinstance(node, Split):
            left = self._node(window, tab, node.first, places)
            right = self._node(window, tab, node.second, places)
            first, second = terminal_size(*node_size(node.first)), terminal_size(*node_size(node.second))
            return p.PaneSplit(left, right, node.direction, first, second)
        sized, left_col, top_row = next(places)
        pane = self.panes[sized.pane_id]
        state = pane.state()
        return p.PaneEntry(
            window.window_id,
            tab.tab_id,
            pane.pane_id,
            state.title,
            terminal_size(pane.cols, pane.rows),
            state.cwd,
            tab.active is pane,
            tab.zoomed is pane,
            window.workspace,
            state.cursor,
            state.dims.physical_top,
            top_row,
            left_col,
            pane.tty_name,
        )


def _cannot_start(program: Program, error: OSError | ValueError) -> bytes:
    """WezTerm shows in the pane why there is no program in it, and keeps the pane."""
    what = error.strerror if isinstance(error, OSError) else str(error)
    return f"Unable to spawn {os.fsdecode(program.argv[0])}: {what}\r\n".encode("utf-8", "replace")


def _listening_socket(path: Path) -> socket.socket:
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise WezTermError(
            f"the socket's path is longer than {LONGEST_SOCKET_PATH} bytes: {path}", next_step="Choose a shorter one."
        )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = path.parent.stat()
    if folder.st_uid != os.getuid() or folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise WezTermError(
            f"others could put a socket of their own into {path.parent}", next_step=f"Run: chmod 700 {path.parent}"
        )
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | getattr(socket, "SOCK_CLOEXEC", 0))
    before = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.listen(128)
    return listener


def _remove_stale(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise WezTermError(f"{path} exists and is no socket", next_step="Choose another path.")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise WezTermError(f"another multiplexer listens on {path}", next_step="Use that one, or choose another path.")
