"""What the agents in the panes do: each pane's screens, rows and programs go through its watch, and what comes out is stored and told."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from wa.agents.loader import Agents
from wa.detect.program import Program, agent_of
from wa.detect.session_book import SessionBook
from wa.detect.session_ops import NoteEvent, Operation
from wa.detect.watch import Changed, LookAgain, Looked, Outcome, PaneWatch
from wa.engine.foreground import Foreground
from wa.engine.hub import Hub, Kind
from wa.engine.items import event_item, state_item
from wa.engine.pane import WatchedPane
from wa.engine.wakes import Wakes
from wa.model.clock import Clock
from wa.model.errors import StoreError
from wa.model.log import Segment
from wa.model.screen import Screen
from wa.store.agent_records import AgentBatch
from wa.store.agent_redact import clean_detection

log = logging.getLogger(__name__)

PROGRAM_INTERVAL_MS = 250
"""Between two looks at which program stands in the foreground of one pane."""
FAMILY_INTERVAL_MS = 1_000
"""Between two looks at what a program that is no agent has started."""
RELOAD_S = 2.0
RETRY_S = 1.0
MAX_WAITING = 10_000
"""Batches that wait for the database; when there are more, the oldest are given up and logged."""


class EventStore(Protocol):
    async def agent_events(self, batches: Sequence[AgentBatch]) -> None: ...


class AgentWatch:
    """Of one sidecar. `look` and its kin run inside the loop and never wait."""

    def __init__(
        self, agents: Agents, store: EventStore, hub: Hub, clock: Clock, foreground: Foreground, *, zone: str
    ) -> None:
        self.agents = agents
        self._store = store
        self._hub = hub
        self._clock = clock
        self._foreground = foreground
        self._zone = zone
        self._panes: dict[str, _Watched] = {}
        self._waiting: deque[AgentBatch] = deque()
        self._written = asyncio.Event()
        self._wakes: Wakes[str] = Wakes(self._ring)
        self.given_up = 0

    def of(self, pane: WatchedPane) -> PaneWatch | None:
        watched = self._panes.get(pane.uid)
        return watched.watch if watched is not None else None

    # -- what is seen ------------------------------------------------------------------------------------------------

    def screen(self, pane: WatchedPane, screen: Screen) -> None:
        self._feed(pane, lambda watch, now_ms: watch.screen(screen, now_ms))

    def rows(self, pane: WatchedPane, segments: Iterable[Segment]) -> None:
        for segment in segments:
            self._feed(pane, lambda watch, now_ms, new=segment: watch.rows(new.rows, now_ms, new.first_row))  # type: ignore[misc]

    def gone(self, pane: WatchedPane) -> None:
        """The pane has ended, or must not be looked at any more."""
        watched = self._panes.pop(pane.uid, None)
        self._wakes.drop(pane.uid)
        if watched is not None:
            self._remember(pane.uid, watched.book.close(self._clock.now_ms()))

    def _feed(self, pane: WatchedPane, feed: Callable[[PaneWatch, int], list[Outcome]]) -> None:
        if pane.excluded:
            return
        watched = self._panes.get(pane.uid)
        if watched is None:
            zone = "" if pane.mux.host else self._zone
            book = SessionBook(remembered=pane.remembered, clean=clean_detection)
            watch = PaneWatch(self.agents.detectors, zone=zone, next_row=pane.tracker.next_row)
            watched = self._panes[pane.uid] = _Watched(pane, watch, book)
        now_ms = self._clock.now_ms()
        try:
            outcomes = self._program(watched, now_ms)
            outcomes += feed(watched.watch, now_ms)
        except Exception:
            # A fault of a rule must not end the capture of the pane.
            log.exception("detection failed", extra={"pane": pane.uid})
            return
        self._perform(watched, outcomes, now_ms)

    def _program(self, watched: _Watched, now_ms: int) -> list[Outcome]:
        pane = watched.pane
        if pane.mux.host or not pane.listed.tty_name or now_ms - watched.program_ms < PROGRAM_INTERVAL_MS:
            return []
        watched.program_ms = now_ms
        command = self._foreground.of(pane.listed.tty_name)
        program = None if command is None else Program(command.name, command.line)
        packs = self.agents.packs
        if program is not None and not program.is_shell and agent_of(program, packs) is None:
            program = self._wrapped(watched, program, now_ms)
        return watched.watch.program(program, now_ms)

    def _wrapped(self, watched: _Watched, program: Program, now_ms: int) -> Program:
        """The agent that *program* has started in the foreground, if it has: scripts, npx, sudo, version managers."""
        if now_ms - watched.family_ms >= FAMILY_INTERVAL_MS or program != watched.leader:
            watched.family_ms, watched.leader = now_ms, program
            members = [Program(*member) for member in self._foreground.family(watched.pane.listed.tty_name or "")]
            watched.wrapped = next((member for member in members if agent_of(member, self.agents.packs)), program)
        return watched.wrapped or program

    def _ring(self, uid: str) -> None:
        watched = self._panes.get(uid)
        if watched is not None and watched.pane.alive:
            watched.program_ms = 0
            self._feed(watched.pane, lambda watch, now_ms: watch.tick(now_ms))

    # -- what follows ------------------------------------------------------------------------------------------------

    def _perform(self, watched: _Watched, outcomes: list[Outcome], now_ms: int) -> None:
        pane, operations = watched.pane, list[Operation]()
        for outcome in outcomes:
            if isinstance(outcome, LookAgain):
                delay_s = max(0.001, (outcome.at_ms - now_ms) / 1000)
                self._wakes.at(pane.uid, asyncio.get_running_loop().time() + delay_s)
            elif isinstance(outcome, Looked):
                operations += watched.book.look(outcome.detections, outcome.at_ms, outcome.rows)
            elif isinstance(outcome, Changed):
                operations += watched.book.feed_state(outcome.transition)
                self._hub.publish(Kind.STATE, pane.uid, lambda outcome=outcome: state_item(pane, outcome.transition))  # type: ignore[misc]
                pane.changed()
        for operation in operations:
            if isinstance(operation, NoteEvent):
                pane.last_event = (operation.detection.event, operation.at_ms)
                self._hub.publish(Kind.EVENT, pane.uid, lambda noted=operation: event_item(pane, noted))  # type: ignore[misc]
        pane.agent = watched.watch.state
        self._remember(pane.uid, operations)

    def _remember(self, uid: str, operations: Sequence[Operation]) -> None:
        if not operations:
            return
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self.given_up += 1
        self._waiting.append(AgentBatch(uid, tuple(operations)))
        self._written.set()

    async def run(self) -> None:
        """Write what waits; look now and then whether a file of the user's changed. Ends by cancellation."""
        while True:
            try:
                async with asyncio.timeout(RELOAD_S):
                    await self._written.wait()
            except TimeoutError:
                self._reload()
                continue
            if not await self.save():
                await asyncio.sleep(RETRY_S)

    async def save(self) -> bool:
        """Whether all that waited is in the database."""
        self._written.clear()
        batches = list(self._waiting)
        if not batches:
            return True
        try:
            await self._store.agent_events(batches)
        except StoreError as error:
            log.warning("events not stored", extra={"batches": len(batches), "reason": error.message})
            self._written.set()
            return False
        for _ in batches:
            self._waiting.popleft()
        return True

    def _reload(self) -> None:
        before = self.agents.troubles
        if self.agents.reload():
            for watched in self._panes.values():
                watched.watch.use(self.agents.detectors)
            log.info("rules loaded", extra={"agents": ", ".join(self.agents.detectors)})
        if self.agents.troubles != before:
            for trouble in self.agents.troubles:
                log.warning("rules refused", extra={"reason": str(trouble)})

    def close(self) -> None:
        self._wakes.close()


class _Watched:
    def __init__(self, pane: WatchedPane, watch: PaneWatch, book: SessionBook) -> None:
        self.pane = pane
        self.watch = watch
        self.book = book
        self.program_ms = 0
        self.family_ms = 0
        self.leader: Program | None = None
        self.wrapped: Program | None = None
