"""What the agents do, told in the titles of tabs (docs/protocol/badges.md): one MuxBadges for each mux that is watched."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from wa.config.settings import BadgeSettings
from wa.engine import tasks
from wa.engine.announced import Announced, host_of
from wa.engine.badge_gate import Gate
from wa.engine.badge_mux import MuxBadges, server_pid
from wa.engine.muxes import Muxes
from wa.engine.pane import WatchedPane
from wa.engine.pauses import Pauses
from wa.engine.session import MuxSession
from wa.engine.shared import Shared
from wa.model.errors import WezTermError
from wa.model.identity import Client, Pane
from wa.protocol.badges import Counts, Shown, counted
from wa.protocol.results import Finding

log = logging.getLogger(__name__)

GIVE_BACK_S = 2.0
"""For all titles, when the sidecar stops; what is left the next start takes away."""
LOOP_STEP = "Detach that domain in WezTerm and attach it again; wa writes no title there until it rests."
PLUGIN_STEP = "`wa plugin` puts the plugin beside that WezTerm's configuration; or set `badges.enabled = false`."


class Badges:
    def __init__(
        self, shared: Shared, muxes: Muxes, pauses: Pauses, announced: Announced, settings: BadgeSettings
    ) -> None:
        self.announced = announced
        self._shared = shared
        self._muxes = muxes
        self._pauses = pauses
        self._settings = settings
        self._known: dict[str, MuxBadges] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def enabled(self) -> bool:
        return self._settings.enabled

    def use(self, settings: BadgeSettings) -> None:
        """From now on."""
        self._settings = settings
        self.look()

    # -- what is heard ----------------------------------------------------------------------------------------------

    def hello(self, said: Mapping[str, Any]) -> bool:
        """A GUI has announced the plugin; whether the frame is good."""
        if said.get("server") is True:
            # Nobody sees titles at a server: it is its clients that show them.
            return True
        good = self.announced.add(said)
        if good:
            self.hint()
        return good

    def hint(self) -> None:
        """Perhaps another GUI has been attached somewhere."""
        for one in self._known.values():
            one.hint()

    def look(self) -> None:
        for one in self._known.values():
            one.look()

    def moved(self, pane: WatchedPane) -> None:
        if (one := self._known.get(pane.mux.key)) is not None:
            one.look()

    def listed(self, mux: str, panes: Sequence[Pane]) -> None:
        if mux not in self._known:
            self._forget_ended()
            self._known[mux] = MuxBadges(mux, self)
            self._running[mux] = tasks.spawn(self._known[mux].run(), name="badges")
        self._known[mux].listed(panes)

    def settled(self, mux: str) -> None:
        if (one := self._known.get(mux)) is not None:
            one.look()

    def titled(self, mux: str, tab_id: int, title: str) -> None:
        one = self._known.get(mux)
        if one is not None and one.titled(tab_id, title) and len(self._known) > 1:
            # It may be a GUI that others wait for.
            self.look()

    def stirred(self, mux: str) -> None:
        if (one := self._known.get(mux)) is not None:
            one.hint()

    def _forget_ended(self) -> None:
        """Runs of muxes that are over; few at a time, so their tasks end by themselves."""
        for mux in [mux for mux in self._known if self._session_of(mux) is None]:
            del self._known[mux]
            self._running.pop(mux).cancel()

    # -- what a mux's badges ask ------------------------------------------------------------------------------------

    def session(self, mux: str) -> MuxSession | None:
        return self._session_of(mux)

    def _session_of(self, mux: str) -> MuxSession | None:
        for session in self._muxes.sessions.values():
            if session.mux is not None and session.mux.key == mux:
                return session
        return None

    def counts(self, mux: str) -> Mapping[int, Counts]:
        """By tab; those alone that have something to tell."""
        session = self._session_of(mux)
        shown: dict[int, list[Shown]] = {}
        for pane in () if session is None else session.panes.values():
            if pane.agent.agent is not None and pane.excluded is None:
                is_paused = self._pauses.holding(pane.uid, pane.agent.agent) is not None
                shown.setdefault(pane.listed.tab_id, []).append(Shown(pane.agent.state, is_paused))
        found = {tab_id: counted(of_tab, idle=self._settings.idle) for tab_id, of_tab in shown.items()}
        return {tab_id: counts for tab_id, counts in found.items() if counts}

    def own_mux(self, client: Client) -> MuxBadges | None:
        """The mux that a GUI itself is."""
        for mux, one in self._known.items():
            session = self._session_of(mux)
            if session is not None and session.mux is not None and server_pid(session.mux) == client.pid:
                return one
        return None

    # -- for people -------------------------------------------------------------------------------------------------

    async def findings(self) -> list[Finding]:
        """Which GUIs show badges, and why others do not."""
        if not self.enabled:
            return []
        found: list[Finding] = []
        for mux, one in self._known.items():
            session = self._session_of(mux)
            if session is None or session.terminal is None:
                continue
            with suppress(WezTermError, TimeoutError):
                await one.ask(session.terminal)
                one.look()
            found += self._of_mux(session.name, one)
        return found

    def _of_mux(self, name: str, one: MuxBadges) -> Iterable[Finding]:
        if one.looping:
            what = f"{name}: WezTerm passes the titles of {one.looping} tabs round and round between its processes"
            yield _finding("warning", what, LOOP_STEP)
        guis = one.attached.guis
        if not guis:
            return
        strangers = one.attached.strangers
        if not strangers:
            who = ", ".join(_called(gui, self.announced) for gui in guis)
            yield _finding("ok", f"{name}: badges are shown by {who}; {one.marked} tabs have one now", None)
            return
        who = ", ".join(_called(gui, self.announced) for gui in strangers)
        what = f"{name}: no badges, because they would be text in the tabs of {who}"
        yield _finding("note", what, PLUGIN_STEP)

    @property
    def is_open(self) -> Mapping[str, bool]:
        """By the key of the mux."""
        return {mux: one.gate() is Gate.OPEN for mux, one in self._known.items()}

    # -- the end ----------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Give the titles back, for a moment at most."""
        await tasks.cancel(self._running.values())
        self._running.clear()
        giving = [tasks.spawn(one.give_back(), name="give titles back") for one in self._known.values()]
        if giving:
            await asyncio.wait(giving, timeout=GIVE_BACK_S)
            await tasks.cancel(giving)


@asynccontextmanager
async def badges(
    shared: Shared, muxes: Muxes, pauses: Pauses, announced: Announced, settings: BadgeSettings
) -> AsyncIterator[Badges]:
    """While the muxes are watched; after it the titles are the user's again."""
    made = Badges(shared, muxes, pauses, announced, settings)
    tabs = shared.tabs
    tabs.listed, tabs.settled, tabs.titled, tabs.stirred = made.listed, made.settled, made.titled, made.stirred
    if shared.agents is not None:
        shared.agents.moved = made.moved
    pauses.changed = made.look
    try:
        for session in muxes.sessions.values():
            if session.mux is not None and session.terminal is not None:
                # Listed before anybody cared for titles.
                session.look_again()
        yield made
    finally:
        await made.close()


def _called(client: Client, announced: Announced) -> str:
    said = announced.of(client)
    where = f"GUI {client.pid} on {host_of(client)}"
    if said is None:
        return where
    return f"{where} (plugin {said.plugin}{'' if said.badges else ', which draws none there'})"


def _finding(level: str, what: str, next_step: str | None) -> Finding:
    return Finding(level=level, what=what, next_step=next_step)  # type: ignore[typeddict-item]
