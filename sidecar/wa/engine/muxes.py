"""Which multiplexers are watched: those named by hand for good, those found for as long as they live."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from wa.engine import tasks
from wa.engine.mirrors import DirectMux, find_mirrors
from wa.engine.pane import WatchedPane
from wa.engine.session import MuxSession, State
from wa.engine.shared import Shared
from wa.model.errors import TerminalUnreachable, WezTermError
from wa.model.identity import Client, Pane
from wa.sources.proc import PROC, stat_fields
from wa.wezterm.connect import Connector, Options
from wa.wezterm.discovery import Candidate, discover, runtime_dir
from wa.wezterm.peers import Outcome
from wa.wezterm.targets import SocketTarget, Target
from wa.wezterm.terminal import Terminal

log = logging.getLogger(__name__)

SETTLE_S = 5.0
"""How long the panes of a GUI that may be mirrors wait for the muxes they may mirror."""
CLIENTS_AGE_S = 5.0
BLIND_LOOKS = 2

Connect = Callable[[], Awaitable[Terminal]]
_GUI = re.compile(r"gui-(?:sock-)?(\d+)$")


class Muxes:
    def __init__(
        self,
        shared: Shared,
        targets: Sequence[Target],
        *,
        look_for_more: bool,
        rescan_s: float,
        options: Options,
        connector: Callable[[Target], Connect] | None = None,
    ) -> None:
        self.sessions: dict[str, MuxSession] = {}
        """By name."""
        self.looked_in: str | None = None
        """Where muxes are looked for; None where they are not."""
        self._shared = shared
        self._explicit = tuple(targets)
        self._look_for_more = look_for_more
        self._rescan_s = rescan_s
        self._options = options
        self._connector = connector or (lambda target: Connector(target, options).connect)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._found: set[str] = set()
        """Names of sessions that discovery began, and may end."""
        self._pids: dict[str, int] = {}
        self._clients: dict[str, tuple[float, list[Client]]] = {}
        self._outlived: dict[str, int] = {}
        """Looks in a row at which a mux lived and was not connected."""
        self._signature: object = None
        self._began = 0.0

    async def run(self) -> None:
        """Until cancelled; then every session is."""
        self._began = asyncio.get_running_loop().time()
        try:
            for target in self._explicit:
                self._start(target, self._free_name(target.name))
            while True:
                try:
                    await self._scan()
                except Exception:
                    log.exception("looking for muxes failed")
                await asyncio.sleep(self._rescan_s)
        finally:
            await tasks.cancel(self._running.values())

    def session_of(self, pane_id: int, mux_key: str) -> MuxSession | None:
        """The session that watches this pane."""
        for session in self.sessions.values():
            if session.mux is not None and session.mux.key == mux_key and pane_id in session.panes:
                return session
        return None

    # -- finding ----------------------------------------------------------------------------------------------------

    async def _scan(self) -> None:
        sockets = [target for target in self._explicit if isinstance(target, SocketTarget)]
        down = any(session.state is State.DISCONNECTED for session in self.sessions.values())
        signature = _signature([target.path for target in sockets], look_for_more=self._look_for_more)
        # Trying a socket costs its server a connection, so it is done only when there may be news.
        if signature == self._signature and not down:
            return
        self._signature = signature
        if self._look_for_more:
            self.looked_in = str(runtime_dir())
        found = await discover(sockets, wezterm=self._options.wezterm)
        present: set[str] = set()
        for candidate in found.candidates:
            if not candidate.explicit and not self._look_for_more:
                continue
            if candidate.outcome is not Outcome.LIVE:
                continue
            session = self.sessions.get(candidate.name)
            present.add(candidate.name)
            if session is not None and session.where == candidate.path:
                await self._look_at_life(candidate.name)
                if candidate.pid is not None:
                    self._pids[candidate.name] = candidate.pid
                if session.state is State.DISCONNECTED:
                    session.nudge()
            elif not candidate.explicit and candidate.usable and not self._watches(candidate):
                name = self._free_name(candidate.name)
                self._found.add(name)
                present.add(name)
                if candidate.pid is not None:
                    self._pids[name] = candidate.pid
                self._start(candidate.target, name)
        for name in [name for name in self.sessions if name not in present]:
            await self._look_at_life(name)
            await self._maybe_over(name)

    async def _look_at_life(self, name: str) -> None:
        """A mux that goes on without its connection: nobody sees what its agents do, so they do not count as watched to its end.

        One that ends closes its connections first: it is given the time between two looks.
        """
        session, pid = self.sessions[name], self._pids.get(name)
        if session.state is not State.DISCONNECTED or pid is None or not _lives(pid):
            self._outlived.pop(name, None)
            return
        self._outlived[name] = self._outlived.get(name, 0) + 1
        if self._outlived[name] == BLIND_LOOKS:
            await session.unwatched()

    async def _maybe_over(self, name: str) -> None:
        """Nobody answers at this mux. Its panes are over only if its process is known to be dead."""
        session, pid = self.sessions[name], self._pids.get(name)
        if session.state is not State.DISCONNECTED or pid is None or _lives(pid):
            return
        log.info("mux ended", extra={"mux": name, "pid": pid})
        self._pids.pop(name)
        if name in self._found:
            await tasks.cancel([self._running.pop(name)])
            self._found.discard(name)
            del self.sessions[name]
        session.end_panes()

    def _watches(self, candidate: Candidate) -> bool:
        return any(session.where == candidate.path for session in self.sessions.values())

    def _free_name(self, name: str) -> str:
        number, free = 2, name
        while free in self.sessions:
            free, number = f"{name}-{number}", number + 1
        return free

    def _start(self, target: Target, name: str) -> None:
        if isinstance(target, SocketTarget):
            target = SocketTarget(name, target.path, target.through_proxy)
            where, host = target.path, ""
        else:
            where = host = target.host
        session = MuxSession(
            name,
            where,
            self._connector(target),
            self._shared,
            host=host,
            mirrors=self._mirrors if gui_pid_of(where) is not None else None,
        )
        self.sessions[name] = session
        self._running[name] = tasks.spawn(session.run(), name=f"session {name}")

    # -- mirrors ----------------------------------------------------------------------------------------------------

    async def _mirrors(self, gui: MuxSession, panes: list[Pane]) -> set[int] | None:
        """Ids of *panes* that are read at their own mux; None where that cannot be told yet."""
        remote = {pane.pane_id for pane in panes if pane.tty_name is None}
        others = [session for session in self.sessions.values() if gui_pid_of(session.where) is None]
        if not remote or not others:
            return set()
        waited_s = asyncio.get_running_loop().time() - self._began
        if waited_s < SETTLE_S and not all(session.settled.is_set() for session in others):
            return None
        direct = [DirectMux(session.listed, await self._clients_of(session)) for session in others]
        # Titles come by both ways at different times: what was a mirror once stays one.
        return find_mirrors(panes, gui_pid_of(gui.where), direct) | (gui.hidden & remote)

    async def _clients_of(self, session: MuxSession) -> list[Client]:
        now = asyncio.get_running_loop().time()
        asked, known = self._clients.get(session.name, (float("-inf"), []))
        if session.terminal is not None and now - asked > CLIENTS_AGE_S:
            try:
                known = await session.terminal.clients()
            except WezTermError as error:
                log.info("clients not listed", extra={"mux": session.name, "reason": error.message})
            self._clients[session.name] = (now, known)
        return known


def watcher(muxes: Muxes, pane: WatchedPane) -> MuxSession:
    """The session that watches the pane. Raises TerminalUnreachable."""
    session = muxes.session_of(pane.pane_id, pane.mux.key)
    if session is None:
        raise TerminalUnreachable(f"nobody watches {pane.uid} any more")
    return session


def gui_pid_of(where: str) -> int | None:
    """The process of the GUI whose socket this is."""
    found = _GUI.search(Path(where).name)
    return int(found[1]) if found else None


def _signature(explicit: Sequence[str], *, look_for_more: bool) -> object:
    """Changes when a socket comes, goes or is made anew."""
    paths = [Path(path) for path in explicit]
    if look_for_more:
        folder = runtime_dir()
        try:
            names = os.listdir(folder)  # noqa: PTH208 - names alone are wanted
        except OSError:
            names = []
        paths += [folder / name for name in sorted(names) if name == "sock" or name.startswith("gui-sock-")]
    return [(str(path), _stamp(path)) for path in paths]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    # One that has ended and whose parent has not asked yet counts as alive there.
    fields = stat_fields(PROC, pid) if sys.platform.startswith("linux") else None
    return fields is None or fields[0] != b"Z"
