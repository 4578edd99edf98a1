"""Which pane a GUI means. Its ids are its own: of a pane that it only mirrors, the mux behind it knows another."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from typing import NamedTuple

from wa.engine.announced import host_of
from wa.engine.badge_mux import server_pid
from wa.engine.muxes import Muxes
from wa.engine.pane import WatchedPane
from wa.engine.session import MuxSession
from wa.model.errors import NotFound, WezTermError
from wa.model.identity import Pane

log = logging.getLogger(__name__)

ASK_WITHIN_S = 1.0
LIST_WITHIN_S = 2.0


class NotOnePaneError(NotFound):
    """Which pane is meant cannot be told for certain, so nothing is done to any."""

    code = "not_found.gui_pane"
    next_step = "Name the pane at the command line: `wa panes` lists them."


def session_of_gui(muxes: Muxes, pid: object) -> MuxSession | None:
    """The session with the mux that the process *pid* is, as the kernel told it."""
    for session in muxes.sessions.values():
        if session.mux is not None and server_pid(session.mux) == pid:
            return session
    return None


async def gui_pane(muxes: Muxes, gui: int, pane_id: int) -> WatchedPane:
    """The pane that is *pane_id* in the mux of process *gui*. Raises NotOnePaneError.

    A mirror is followed to the mux that has this GUI for a client: the GUI says there which pane it has in focus, and that must look like
    the mirror and be the only one. Where the GUI has more mirrors that look so than there are originals, one of a mux that nobody
    watches is among them, and it may be the one that is meant.
    """
    session = session_of_gui(muxes, gui)
    if session is None:
        raise NotOnePaneError(f"the mux of the WezTerm with pid {gui} is not watched")
    listed = _listed(session, pane_id)
    if listed is None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LIST_WITHIN_S):
                await session.list_now()
        listed = _listed(session, pane_id)
    if listed is None:
        raise NotOnePaneError(f"{session.name} has no pane {pane_id}")
    if listed.tty_name is not None:
        pane = session.panes.get(pane_id)
        if pane is None:
            raise NotOnePaneError(f"{session.name}/{pane_id} is not watched")
        return pane
    behind = [await _behind(other, gui) for other in muxes.sessions.values() if other is not session]
    like = _likeness(listed)
    alike = [pane for one in behind for pane in one.in_focus if _likeness(pane.listed) == like]
    originals = sum(_likeness(pane) == like for one in behind for pane in one.panes)
    mirrors = sum(_likeness(pane) == like for pane in session.listed if pane.tty_name is None)
    if len(alike) != 1 or mirrors > originals:
        raise NotOnePaneError(f"{session.name}/{pane_id} shows a pane of another mux, and which one is not certain")
    return alike[0]


def _listed(session: MuxSession, pane_id: int) -> Pane | None:
    return next((pane for pane in session.listed if pane.pane_id == pane_id), None)


class _Behind(NamedTuple):
    """A mux that the GUI shows; empty where it shows nothing of it."""

    panes: list[Pane]
    in_focus: list[WatchedPane]


async def _behind(session: MuxSession, gui: int) -> _Behind:
    nothing = _Behind([], [])
    if session.terminal is None:
        return nothing
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            clients = await session.terminal.clients()
    except (WezTermError, TimeoutError) as error:
        log.info("clients not told", extra={"mux": session.name, "reason": str(error)})
        return nothing
    focused = [
        client.focused_pane_id for client in clients if client.pid == gui and host_of(client) == socket.gethostname()
    ]
    if not focused:
        return nothing
    panes = [pane for pane_id in focused if pane_id is not None and (pane := session.panes.get(pane_id)) is not None]
    return _Behind(session.listed, panes)


def _likeness(pane: Pane) -> tuple[object, ...]:
    return pane.cwd, pane.cols, pane.rows
