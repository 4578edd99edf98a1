"""One multiplexer, for as long as the sidecar runs: connect, list, watch, and again when the connection breaks.

What cannot be seen is unknown, never absent: a pane ends when the mux says so, when a list that succeeded leaves it
out, when another run of the server has taken its place, or when the server's process is known to be dead.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum

from wa.engine import tasks
from wa.engine.calm import Calm
from wa.engine.feeding import Feeding
from wa.engine.hub import Kind
from wa.engine.items import pane_item
from wa.engine.pane import MAX_HELD, WatchedPane
from wa.engine.shared import Shared
from wa.ingest.tracker import PaneTracker
from wa.model.errors import StoreError, WezTermError
from wa.model.identity import MuxInstance, Pane, PaneKey
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
    TextFrame,
    TopologyChanged,
)
from wa.store.records import PaneUpdate
from wa.wezterm.backoff import Backoff
from wa.wezterm.terminal import SourceKind, Terminal

log = logging.getLogger(__name__)

TAIL_ROWS = 400
"""What a tracker gets of the stored log, to go on where an earlier run stopped."""
DEBOUNCE_S = 0.1
RETRY_LIST_S = 1.0
ADOPT_AT_ONCE = 32
META_INTERVAL_S = 1.0
"""Titles may change ten times a second; they are stored once."""
COMMAND_INTERVAL_MS = 50
MAX_STRANGERS = 256
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
        self.mux: MuxInstance | None = None
        self.terminal: Terminal | None = None
        self.connected_ms: int | None = None
        self.panes: dict[int, WatchedPane] = {}
        self.listed: list[Pane] = []
        """As of the last list that succeeded."""
        self.hidden: set[int] = set()
        """Mirrors of panes that are read at their own mux."""
        self.settled = asyncio.Event()
        """The first attempt is over: panes are listed, or it failed."""
        self._connect = connect
        self._shared = shared
        self._find_mirrors = mirrors
        self._backoff = backoff or Backoff()
        self._feeding = Feeding(name, shared, self._doubted)
        self._calm = Calm(shared)
        self._list_wanted = asyncio.Event()
        self._list_done = asyncio.Event()
        self._nudged = asyncio.Event()
        self._gone: set[int] = set()
        """Pane ids that have ended in this run of the server, which gives none of them out again."""
        self._strangers: dict[int, list[ScreenPush | TextFrame]] = {}
        """Heard of before they were listed."""
        self._unheard = False
        """The last connection broke while the server was held back: what was printed just before has not been told."""
        self._meta: dict[WatchedPane, None] = {}
        self._meta_timer: asyncio.TimerHandle | None = None

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
            if self._meta_timer is not None:
                self._meta_timer.cancel()

    def nudge(self) -> None:
        """Try to connect now: something says that the server is back."""
        self._nudged.set()

    def end_panes(self) -> None:
        """The server is gone for good, or another run of it has come: the panes it had are over."""
        now_ms = self._shared.clock.now_ms()
        for pane in list(self.panes.values()):
            self._ended(pane, now_ms, unheard=self._unheard)
        self.listed = []
        self.hidden = set()
        self._gone.clear()
        self._strangers.clear()

    async def refresh(self, pane: WatchedPane, within_s: float) -> bool:
        """Read the pane's screen now; whether it was read in time."""
        self._calm.attend(within_s + ATTENTIVE_S)
        return await self._feeding.refresh(pane, within_s)

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
            self.mux, self.terminal = terminal.mux, terminal
            self.host = terminal.mux.host
            hearing = tasks.spawn(self._hear(terminal, again=again), name=f"hear {self.name}")
            listing = tasks.spawn(self._keep_listing(terminal), name=f"list {self.name}")
            try:
                await hearing
            finally:
                await tasks.cancel([hearing, listing])
        finally:
            self.terminal = None
            self._calm.disconnected()
            self._feeding.disconnected()
            for pane in self.panes.values():
                pane.source = None
            self._strangers.clear()
            await terminal.close()

    async def _hear(self, terminal: Terminal, *, again: bool) -> None:
        async for seen in terminal.observations():
            if isinstance(seen, Connected):
                self._up(terminal, again=again)
            elif isinstance(seen, Disconnected):
                self._unheard = seen.unheard
                self._down(seen.reason)
                return
            else:
                self._take(seen)
        self._down("the connection ended")

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
        self._list_wanted.set()

    # -- what is heard ----------------------------------------------------------------------------------------------

    def _take(self, seen: Observation) -> None:
        if isinstance(seen, TopologyChanged):
            if seen.resized_tab is not None:
                for resized in list(self.panes.values()):
                    if resized.listed.tab_id == seen.resized_tab:
                        self._feeding.hear(resized, PaneResized(resized.pane_id, seen.at_ms))
            self._list_wanted.set()
        elif isinstance(seen, Alert):
            if seen.kind == "window_title" and (pane := self.panes.get(seen.pane_id)) is not None:
                self._note(pane, seen.value, pane.cwd)
        elif isinstance(seen, ScreenPush | TextFrame | Interrupted | PaneGone):
            self._take_of_pane(seen)
        elif isinstance(seen, Lull):
            self._shared.buffer.hurry()

    def _take_of_pane(self, seen: ScreenPush | TextFrame | Interrupted | PaneGone) -> None:
        known = self.panes.get(seen.pane_id)
        if known is None:
            self._stranger(seen)
            return
        if isinstance(seen, PaneGone):
            self._ended(known, seen.at_ms, unheard=seen.unheard)
            return
        if isinstance(seen, ScreenPush | TextFrame):
            # Before anything of it is fed: a title that excludes comes with the text it excludes.
            self._note(known, seen.title, seen.cwd)
            if self._shared.rules.looks_at_commands:
                self._look_at_command(known, seen.at_ms)
        if isinstance(seen, ScreenPush):
            self._calm.saw(known, seen)
        self._feeding.hear(known, seen)

    def _stranger(self, seen: ScreenPush | TextFrame | Interrupted | PaneGone) -> None:
        """A pane that no list has named yet. It may end before one does, so what it printed is kept for a moment."""
        if seen.pane_id in self.hidden or seen.pane_id in self._gone:
            return
        self._list_wanted.set()
        if isinstance(seen, PaneGone):
            self._gone.add(seen.pane_id)
            if heard := self._strangers.pop(seen.pane_id, None):
                tasks.spawn(self._bury(heard, seen), name=f"short-lived pane of {self.name}")
        elif isinstance(seen, ScreenPush | TextFrame):
            heard = self._strangers.setdefault(seen.pane_id, []) if len(self._strangers) < MAX_STRANGERS else []
            if len(heard) < MAX_HELD:
                heard.append(seen)

    async def _bury(self, heard: list[ScreenPush | TextFrame], gone: PaneGone) -> None:
        """Store what a pane printed that ended before it was ever listed."""
        last = heard[-1]
        if self.mux is None or self._find_mirrors is not None:
            # In a GUI it may have been a mirror of a pane that is read at its own mux.
            return
        cols, rows = (
            (last.dims.cols, last.dims.viewport_rows)
            if isinstance(last, ScreenPush)
            else (last.cols, last.viewport_rows)
        )
        listed = Pane(last.pane_id, 0, 0, "", last.title, last.cwd, cols, rows, True, False, "", "", "", None, (0, 0))
        try:
            pane = await self._new_pane(listed)
        except StoreError as error:
            log.warning("short-lived pane not stored", extra={"mux": self.name, "reason": error.message})
            return
        self._judge(pane)
        if not pane.excluded:
            pane.held = heard
            self._shared.registry.add(pane)
            self._announce(pane, "opened")
        self._ended(pane, gone.at_ms, unheard=gone.unheard)

    def _note(self, pane: WatchedPane, title: str, cwd: str | None) -> None:
        if title == pane.title and cwd == pane.cwd:
            return
        pane.title, pane.cwd = title, cwd
        self._judge(pane)
        self._meta[pane] = None
        if self._meta_timer is None:
            self._meta_timer = asyncio.get_running_loop().call_later(META_INTERVAL_S, self._store_meta)

    def _store_meta(self) -> None:
        self._meta_timer = None
        now_ms = self._shared.clock.now_ms()
        for pane in self._meta:
            if pane.alive:
                self._shared.buffer.update(PaneUpdate(pane.uid, now_ms, title=pane.title, cwd=pane.cwd))
                self._announce(pane, "changed")
        self._meta.clear()

    # -- who must not be looked at ----------------------------------------------------------------------------------

    def _judge(self, pane: WatchedPane) -> None:
        rules = self._shared.rules
        if pane.excluded or not rules:
            return
        names = (pane.mux.name, pane.mux.host)
        if rule := rules.excludes(title=pane.title, cwd=pane.cwd, mux_names=names):
            self._exclude(pane, rule)

    def _look_at_command(self, pane: WatchedPane, at_ms: int) -> None:
        if not sys.platform.startswith("linux") or at_ms - pane.command_looked_ms < COMMAND_INTERVAL_MS:
            return
        pane.command_looked_ms = at_ms
        self._judge_command(pane)

    def _judge_command(self, pane: WatchedPane) -> None:
        if pane.excluded or pane.mux.host or not pane.listed.tty_name:
            return
        command = self._shared.foreground.of(pane.listed.tty_name)
        if command and (rule := self._shared.rules.excludes(title="", cwd=None, command=command)):
            self._exclude(pane, rule)

    def _exclude(self, pane: WatchedPane, rule: str) -> None:
        log.info("pane excluded", extra={"pane": pane.uid, "rule": rule})
        had_screen = pane.screen is not None
        pane.exclude(rule, self._shared.clock.now_ms())
        self._shared.exclusions.add(PaneKey(pane.mux.key, pane.pane_id), rule)
        self._feeding.drop(pane)
        if self._shared.agents is not None:
            self._shared.agents.gone(pane)
        self._shared.buffer.discard_screen(pane)
        if had_screen:
            # The screen that is stored is replaced by an empty one.
            self._shared.buffer.touch([pane])
        self._announce(pane, "changed")
        pane.changed()

    # -- listing ----------------------------------------------------------------------------------------------------

    async def list_now(self) -> None:
        """Returns after a list that began after this call, or when the connection is gone."""
        self._list_done.clear()
        self._list_wanted.set()
        while self.terminal is not None and not self._list_done.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_LIST_S):
                    await self._list_done.wait()

    async def _keep_listing(self, terminal: Terminal) -> None:
        interval_s = self._shared.list_interval_s
        if self._shared.rules.looks_at_commands and not sys.platform.startswith("linux"):
            interval_s = min(interval_s, 2.0)
        first = True
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(interval_s):
                    await self._list_wanted.wait()
            if not first:
                await asyncio.sleep(DEBOUNCE_S)
            self._list_wanted.clear()
            try:
                await self._list(terminal, first=first)
                first = False
            except (WezTermError, StoreError) as error:
                log.warning("panes not listed", extra={"mux": self.name, "reason": error.message})
                await asyncio.sleep(RETRY_LIST_S)
                self._list_wanted.set()
            except Exception:
                log.exception("listing failed", extra={"mux": self.name})
                await asyncio.sleep(RETRY_LIST_S)

    async def _list(self, terminal: Terminal, *, first: bool) -> None:
        panes = await terminal.list_panes()
        mirrors = await self._find_mirrors(self, panes) if self._find_mirrors is not None else set()
        if mirrors is None:
            # It cannot be told yet; a pane that is its own is not lost by waiting, its output stays in its scrollback.
            asyncio.get_running_loop().call_later(RETRY_LIST_S / 2, self._list_wanted.set)
            left_out = {pane.pane_id for pane in panes if pane.tty_name is None and pane.pane_id not in self.panes}
        else:
            left_out = self.hidden = mirrors
        self.listed = panes
        now_ms = self._shared.clock.now_ms()
        if first:
            await self._shared.store.close_absent(terminal.mux, {pane.pane_id for pane in panes}, now_ms)
        present = {pane.pane_id: pane for pane in panes if pane.pane_id not in left_out}
        for known in list(self.panes.values()):
            if known.pane_id not in present:
                self._ended(known, now_ms)
        fresh = []
        for pane_id, listed in present.items():
            if (watched := self.panes.get(pane_id)) is not None:
                self._refresh(watched, listed, now_ms)
            elif pane_id not in self._gone:
                fresh.append(listed)
        # What a person looks at comes first.
        fresh.sort(key=lambda pane: (not pane.is_active, pane.pane_id))
        for at in range(0, len(fresh), ADOPT_AT_ONCE):
            adopting = [self._adopt(listed, terminal.source) for listed in fresh[at : at + ADOPT_AT_ONCE]]
            for failure in await asyncio.gather(*adopting, return_exceptions=True):
                if failure is not None:
                    raise failure
        self._strangers = {pane_id: heard for pane_id, heard in self._strangers.items() if pane_id not in present}
        self.settled.set()
        self._list_done.set()

    def _refresh(self, known: WatchedPane, listed: Pane, now_ms: int) -> None:
        before, known.listed = known.listed, listed
        if (before.cols, before.rows) != (listed.cols, listed.rows):
            screen = known.screen
            if screen is None or (screen.cols, screen.viewport_rows) != (listed.cols, listed.rows):
                self._feeding.hear(known, PaneResized(known.pane_id, now_ms))
        if not known.started and not known.excluded:
            self._feeding.read_screen(known)
        self._note(known, listed.title, listed.cwd)
        if self._shared.rules.looks_at_commands:
            self._judge_command(known)
        told = (listed.workspace, listed.cols, listed.rows, listed.tab_id, listed.window_id)
        if told != (before.workspace, before.cols, before.rows, before.tab_id, before.window_id):
            workspace, cols, rows, tab_id, window_id = told
            update = PaneUpdate(
                known.uid, now_ms, workspace=workspace, cols=cols, rows=rows, tab_id=tab_id, window_id=window_id
            )
            self._shared.buffer.update(update)
            self._announce(known, "changed")

    async def _adopt(self, listed: Pane, source: SourceKind) -> None:
        pane = await self._new_pane(listed)
        if listed.pane_id in self._gone or self.terminal is None or self.mux != pane.mux:
            # It ended, or the connection did, while the store was asked.
            return
        self.panes[listed.pane_id] = pane
        self._shared.registry.add(pane)
        self._judge(pane)
        if self._shared.rules.looks_at_commands:
            self._judge_command(pane)
        pane.held = self._strangers.pop(listed.pane_id, [])
        self._shared.buffer.update(
            PaneUpdate(
                pane.uid,
                self._shared.clock.now_ms(),
                title=listed.title,
                cwd=listed.cwd,
                workspace=listed.workspace,
                cols=listed.cols,
                rows=listed.rows,
                tab_id=listed.tab_id,
                window_id=listed.window_id,
                alive=True,
                source=source.value,
            )
        )
        self._announce(pane, "opened")
        self._feeding.read_screen(pane)

    async def _new_pane(self, listed: Pane) -> WatchedPane:
        """The pane with its uid and what an earlier run left of it. Raises StoreError."""
        assert self.mux is not None
        shared = self._shared
        uid = await shared.store.pane_uid(self.mux, listed, shared.clock.now_ms())
        record = await shared.history.pane(uid)
        resume = await shared.history.checkpoint(uid)
        tail = await shared.history.tail(uid, TAIL_ROWS) if record is not None and record.rows_stored else []
        source = self.terminal.source if self.terminal is not None else SourceKind.PUSH
        pane = WatchedPane(uid, self.mux, listed, PaneTracker(listed.pane_id, resume=resume, tail=tail), source)
        pane.recall(record)
        pane.remembered = await shared.history.remembered(uid)
        if rule := shared.exclusions.rule_of(PaneKey(self.mux.key, listed.pane_id)):
            pane.exclude(rule, shared.clock.now_ms())
        else:
            pane.last_event = await shared.history.last_event(uid)
        return pane

    # -- ends -------------------------------------------------------------------------------------------------------

    def _doubted(self, pane: WatchedPane) -> None:
        """The server says that there is no such pane: the next list will tell."""
        if self.panes.get(pane.pane_id) is pane:
            self._list_wanted.set()

    def _ended(self, pane: WatchedPane, at_ms: int, *, unheard: bool = False) -> None:
        if not pane.alive:
            return
        self._gone.add(pane.pane_id)
        self.panes.pop(pane.pane_id, None)
        self._feeding.last_words(pane)
        if pane.started and not pane.excluded:
            self._feeding.feed(pane, PaneGone(pane.pane_id, at_ms, unheard))
        pane.alive, pane.source = False, None
        self._feeding.drop(pane)
        self._meta.pop(pane, None)
        self._shared.buffer.close_pane(pane, at_ms)
        self._shared.exclusions.drop(PaneKey(pane.mux.key, pane.pane_id))
        self._shared.registry.remove(pane)
        if self._shared.agents is not None:
            self._shared.agents.gone(pane)
        self._announce(pane, "closed")
        pane.changed()

    def _announce(self, pane: WatchedPane, change: str) -> None:
        self._shared.hub.publish(Kind.PANE, pane.uid, lambda: pane_item(pane, change))
