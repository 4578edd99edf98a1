"""One multiplexer, for as long as the sidecar runs: connect, list, watch, and again when the connection breaks.

What cannot be seen is unknown, never absent: a pane ends when the mux says so, when a list that succeeded leaves it
out, when another run of the server has taken its place, or when the server's process is known to be dead.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
from functools import partial

from wa.engine import tasks
from wa.engine.calm import Calm
from wa.engine.feeding import Feeding
from wa.engine.headings import Headings
from wa.engine.judge import Judge
from wa.engine.listing import Listing
from wa.engine.pane import WatchedPane
from wa.engine.roster import Roster
from wa.engine.shared import Shared
from wa.engine.strangers import Strangers
from wa.model.errors import StoreError, WezTermError
from wa.model.identity import MuxInstance, Pane
from wa.model.observation import (
    Alert,
    Connected,
    Disconnected,
    Interrupted,
    Lull,
    Observation,
    PaneGone,
    PaneResized,
    ScreenPush,
    TabTitled,
    TextFrame,
    TopologyChanged,
)
from wa.protocol.badges import taken_apart
from wa.wezterm.backoff import Backoff
from wa.wezterm.terminal import Terminal

log = logging.getLogger(__name__)

NOTE_WITHIN_S = 3.0
ATTENTIVE_S = 5.0
"""Whoever has a screen read anew goes on to type, and waits for that to show."""


class State(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class MuxSession:
    def __init__(
        self,
        name: str,
        where: str,
        connect: Callable[[], Awaitable[Terminal]],
        shared: Shared,
        *,
        host: str = "",
        mirrors: Callable[[MuxSession, list[Pane]], Awaitable[set[int] | None]] | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.name = name
        self.where = where
        """Socket or ssh destination, for people."""
        self.host = host
        self.state = State.CONNECTING
        self.notice: str | None = None
        self.connected_ms: int | None = None
        self.settled = asyncio.Event()
        """The first attempt is over: panes are listed, or it failed."""
        self._connect = connect
        self._shared = shared
        self._backoff = backoff or Backoff()
        self._feeding = Feeding(name, shared, self._doubted)
        self._calm = Calm(shared)
        self._judge = Judge(shared, self._feeding)
        self._headings = Headings(shared, self._judge)
        self._roster = Roster(shared, self._feeding, self._judge, self._headings)
        self._strangers = Strangers(name, shared, self._roster, self._judge, may_be_mirrors=mirrors is not None)
        self._listing = Listing(
            name,
            shared,
            self._feeding,
            self._roster,
            self._strangers,
            self._judge,
            self._headings,
            settled=self.settled,
            find_mirrors=partial(mirrors, self) if mirrors is not None else None,
        )
        self._nudged = asyncio.Event()
        self._unheard = False
        """The last connection broke while the server was held back: what was printed just before has not been told."""

    @property
    def mux(self) -> MuxInstance | None:
        return self._roster.mux

    @property
    def _key(self) -> str:
        return "" if self.mux is None else self.mux.key

    @property
    def terminal(self) -> Terminal | None:
        """None while it is not connected."""
        return self._roster.terminal

    @property
    def panes(self) -> dict[int, WatchedPane]:
        return self._roster.panes

    @property
    def listed(self) -> list[Pane]:
        """As of the last list that succeeded."""
        return self._roster.listed

    @property
    def hidden(self) -> set[int]:
        """Mirrors of panes that are read at their own mux."""
        return self._roster.hidden

    # -- the life of the connection ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                self.state = State.CONNECTING if failures == 0 else self.state
                stood = False
                try:
                    terminal = await self._connect()
                    stood = True
                    await self._serve(terminal)
                except WezTermError as error:
                    self._down(f"{error.message}. {error.next_step}")
                except Exception as error:
                    log.exception("session failed", extra={"mux": self.name})
                    self._down(f"wa itself failed: {type(error).__name__}: {error}")
                self.settled.set()
                failures = self._backoff.failures_after(failures, loop.time() - began) if stood else failures + 1
                await self._pause(self._backoff.delay_s(failures, random.random()))  # noqa: S311 - jitter, no secret
        finally:
            self._feeding.close()
            self._headings.close()

    def nudge(self) -> None:
        """Try to connect now: something says that the server is back."""
        self._nudged.set()

    def end_panes(self) -> None:
        """The server is gone for good, or another run of it has come: the panes it had are over."""
        self._roster.end_all(unheard=self._unheard)
        self._strangers.clear()

    async def refresh(self, pane: WatchedPane, within_s: float) -> bool:
        """Read the pane's screen now; whether it was read in time."""
        self._calm.attend(within_s + ATTENTIVE_S)
        return await self._feeding.refresh(pane, within_s)

    def hear_within(self, late_s: float) -> None:
        """Somebody watches this mux's badges: what its panes show is heard no later than that."""
        self._calm.hear_within(late_s)

    def look_again(self) -> None:
        """List the panes soon."""
        self._listing.wanted.set()

    async def list_now(self) -> None:
        """Returns after a list that began after this call, or when the connection is gone."""
        await self._listing.now()

    @property
    def reads_waiting(self) -> int:
        return self._feeding.reads_waiting

    async def _pause(self, delay_s: float) -> None:
        self._nudged.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._nudged.wait()

    def _down(self, why: str) -> None:
        if self.notice != why:
            log.warning("mux not connected", extra={"mux": self.name, "reason": why})
        self.state, self.notice, self.connected_ms = State.DISCONNECTED, why, None

    async def _serve(self, terminal: Terminal) -> None:
        """One connection, from its beginning to its end."""
        try:
            if self.mux is not None and terminal.mux.key != self.mux.key:
                log.info("mux restarted", extra={"mux": self.name})
                self.end_panes()
            again = self.mux is not None and self.mux.key == terminal.mux.key
            self._roster.mux, self._roster.terminal = terminal.mux, terminal
            self.host = terminal.mux.host
            hearing = tasks.spawn(self._hear(terminal, again=again), name=f"hear {self.name}")
            listing = tasks.spawn(self._listing.keep(terminal), name=f"list {self.name}")
            try:
                await hearing
            finally:
                await tasks.cancel([hearing, listing])
        finally:
            self._roster.terminal = None
            self._calm.disconnected()
            self._feeding.disconnected()
            self._unseen()
            self._strangers.clear()
            await terminal.close()

    async def _hear(self, terminal: Terminal, *, again: bool) -> None:
        async for seen in terminal.observations():
            if isinstance(seen, Connected):
                self._up(terminal, again=again)
            elif isinstance(seen, Disconnected):
                self._unheard = seen.unheard
                self._down(seen.reason)
                break
            else:
                self._take(seen)
        else:
            self._down("the connection ended")
        self._unseen()
        await self._note_lost(terminal.mux, self._shared.clock.now_ms())

    def _unseen(self) -> None:
        """What happens in the panes from now on is not seen."""
        for pane in self.panes.values():
            pane.source, pane.screen_asked = None, -math.inf

    async def unwatched(self) -> None:
        """The server lives on, and is not connected: whether an agent ends before it does nobody sees."""
        if self.mux is not None and self.terminal is None:
            log.info("mux not watched", extra={"mux": self.name})
            await self._note_lost(self.mux, None)

    async def _note_lost(self, mux: MuxInstance, at_ms: int | None) -> None:
        """An agent that had ended by then must not count as one that ended with its mux: what is known of agents is written first."""
        agents = self._shared.agents
        try:
            async with asyncio.timeout(NOTE_WITHIN_S):
                if at_ms is None or agents is None or await agents.save():
                    await self._shared.store.mux_lost(mux, at_ms)
        except (StoreError, TimeoutError) as error:
            log.warning("end of a mux not written down", extra={"mux": self.name, "reason": str(error)})

    def _up(self, terminal: Terminal, *, again: bool) -> None:
        log.info("mux connected", extra={"mux": self.name, "codec": terminal.codec, "source": terminal.source.value})
        self.state, self.notice, self._unheard = State.CONNECTED, terminal.notice, False
        self.connected_ms = self._shared.clock.now_ms()
        self._feeding.connected(terminal)
        self._calm.connected(terminal)
        for pane in self.panes.values():
            pane.source = terminal.source
            if again:
                self._feeding.resume(pane, "the connection broke")
        self._listing.wanted.set()

    # -- what is heard ----------------------------------------------------------------------------------------------

    def _take(self, seen: Observation) -> None:
        if isinstance(seen, TopologyChanged):
            if seen.resized_tab is not None:
                for resized in list(self.panes.values()):
                    if resized.listed.tab_id == seen.resized_tab:
                        self._feeding.hear(resized, PaneResized(resized.pane_id, seen.at_ms))
            self._listing.wanted.set()
            self._shared.tabs.stirred(self._key)
        elif isinstance(seen, TabTitled):
            self._shared.tabs.titled(self._key, seen.tab_id, seen.title)
            if not taken_apart(seen.title).marker:
                self._listing.wanted.set()
        elif isinstance(seen, Alert):
            if seen.kind == "window_title" and (pane := self.panes.get(seen.pane_id)) is not None:
                self._headings.note(pane, seen.value, pane.cwd)
            elif seen.kind == "user_var":
                self._take_var(seen)
            elif seen.kind in ("bell", "toast", "cwd"):
                self._take_call(seen)
        elif isinstance(seen, ScreenPush | TextFrame | Interrupted | PaneGone):
            self._take_of_pane(seen)
        elif isinstance(seen, Lull):
            self._shared.buffer.hurry()

    def _take_var(self, seen: Alert) -> None:
        if (shells := self._shared.shells) is None or self.mux is None:
            return
        if (pane := self.panes.get(seen.pane_id)) is not None:
            shells.heard(pane, seen.name, seen.value, seen.at_ms)
        elif seen.pane_id not in self.hidden and seen.pane_id not in self._roster.gone:
            shells.stranger(self.mux, seen.pane_id, seen.name, seen.value, seen.at_ms)

    def _take_call(self, seen: Alert) -> None:
        if (pane := self.panes.get(seen.pane_id)) is None:
            return
        if seen.kind == "cwd":
            if self._shared.shells is not None:
                self._shared.shells.moved(pane)
        elif self._shared.alerts is not None:
            self._shared.alerts.heard(pane, seen.kind, seen.name, seen.value, seen.at_ms)

    def _take_of_pane(self, seen: ScreenPush | TextFrame | Interrupted | PaneGone) -> None:
        known = self.panes.get(seen.pane_id)
        if known is None:
            if self._strangers.hear(seen):
                self._listing.wanted.set()
            return
        if isinstance(seen, PaneGone):
            self._roster.ended(known, seen.at_ms, unheard=seen.unheard)
            return
        if isinstance(seen, ScreenPush | TextFrame):
            # Before anything of it is fed: a title that excludes comes with the text it excludes.
            self._headings.note(known, seen.title, seen.cwd)
            if self._shared.rules.looks_at_commands:
                self._judge.look_at_command(known, seen.at_ms)
        if isinstance(seen, ScreenPush):
            self._calm.saw(known, seen)
            if self._shared.shells is not None:
                self._shared.shells.pushed(known, seen)
        self._feeding.hear(known, seen)

    def _doubted(self, pane: WatchedPane) -> None:
        """The server says that there is no such pane: the next list will tell."""
        if self.panes.get(pane.pane_id) is pane:
            self._listing.wanted.set()
