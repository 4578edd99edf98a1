"""What the agents in the panes do: each pane's screens, rows and programs go through its watch, and what comes out is stored and told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from wa.agents.loader import Agents
from wa.config.settings import is_zone
from wa.detect.hook_events import REGION, WAIT_MS, HookEvents, Told
from wa.detect.outcome import Changed, LookAgain, Looked, Outcome
from wa.detect.own_id import Candidate
from wa.detect.program import Program, agent_of
from wa.detect.reading import Reading
from wa.detect.session_book import SessionBook
from wa.detect.session_ops import EndMode, NoteEvent, Operation
from wa.detect.watch import PaneWatch
from wa.engine.agent_notes import AgentNotes, EventStore
from wa.engine.foreground import Foreground
from wa.engine.hub import Hub, Kind
from wa.engine.items import event_item, state_item
from wa.engine.pane import WatchedPane
from wa.engine.session_ids import SessionIds
from wa.engine.wakes import Wakes
from wa.model.agent import NO_AGENT, AgentState, Detection, FieldValue, Place, Severity, Signal
from wa.model.clock import Clock
from wa.model.log import Segment
from wa.model.screen import Screen
from wa.sources.session_files import SessionFiles
from wa.store.agent_redact import clean_detection
from wa.store.redact import redact

log = logging.getLogger(__name__)

PROGRAM_INTERVAL_MS = 250
"""Between two looks at which program stands in the foreground of one pane."""
FAMILY_INTERVAL_MS = 1_000
"""Between two looks at what a program that is no agent has started."""
RELOAD_S = 2.0
REREAD_S = 0.01
RETRY_S = 1.0
HOOK_WAITS_MS = 10_000
"""So long after a hook its agent may be seen in the pane: hooks come while an agent starts."""
MAX_HOOKS = 16


class HookSaid(NamedTuple):
    """What a hook says of the agent in one pane."""

    agent: str
    at_ms: int
    session_id: str | None
    is_thread: bool
    """Of some thread of the agent's: it counts where that is the session's."""
    signal: Signal | None
    told: Told | None


class Composers(Protocol):
    """Whoever wants to know what stands in the composers."""

    def composer(self, pane: WatchedPane, draft: str | None) -> None: ...
    def gone(self, pane_uid: str) -> None: ...


class AgentWatch:
    """Of one sidecar. `screen` and its kin run inside the loop and never wait."""

    def __init__(
        self,
        agents: Agents,
        store: EventStore,
        hub: Hub,
        clock: Clock,
        foreground: Foreground,
        *,
        zone: str,
        zones: Mapping[str, str] | None = None,
        files: SessionFiles | None = None,
    ) -> None:
        """*zone* is this machine's, *zones* those that were set, by the name of the mux. Without *files* no session file is read."""
        self.agents = agents
        self.notes = AgentNotes(store)
        self.composers: Composers | None = None
        self.moved: Callable[[WatchedPane], None] = lambda _: None
        """Told when an agent has come, gone, or changed its state."""
        self._hub = hub
        self._clock = clock
        self._foreground = foreground
        self._zone = zone
        self._zones = zones or {}
        self._panes: dict[str, _Watched] = {}
        self._wakes: Wakes[str] = Wakes(self._ring)
        self._ids = None if files is None else SessionIds(files, clock, self._answered, self._signalled, self._noted)

    def of(self, pane: WatchedPane) -> PaneWatch | None:
        watched = self._panes.get(pane.uid)
        return watched.watch if watched is not None else None

    def read_now(self, pane: WatchedPane, screen: Screen) -> tuple[Reading | None, Program | None]:
        """What this very screen says, and which program has the foreground; not settled, and not remembered."""
        program: Program | None = None
        if not pane.mux.host and pane.listed.tty_name:
            command = self._foreground.of(pane.listed.tty_name)
            program = None if command is None else Program(command.name, command.line)
        watch = self.of(pane)
        if watch is None or pane.excluded:
            return None, program
        return watch.read_now(screen, program, self._clock.now_ms()), program

    @property
    def failed(self) -> list[str]:
        """Panes in which a rule raised."""
        return [uid for uid, watched in self._panes.items() if watched.failed]

    # -- what is seen ------------------------------------------------------------------------------------------------

    def screen(self, pane: WatchedPane, screen: Screen) -> None:
        self._feed(pane, lambda watch, now_ms: watch.screen(screen, now_ms))

    def rows(self, pane: WatchedPane, segments: Iterable[Segment]) -> None:
        for segment in segments:
            self._feed(pane, lambda watch, now_ms, new=segment: watch.rows(new.rows, now_ms, new.first_row))  # type: ignore[misc]

    def gone(self, pane: WatchedPane, *, with_mux: bool = False) -> None:
        """The pane has ended, *with_mux* because its mux has, or must not be looked at any more."""
        watched = self._panes.pop(pane.uid, None)
        self._wakes.drop(pane.uid)
        if self._ids is not None:
            self._ids.drop(pane.uid, at_once=bool(pane.excluded))
        if self.composers is not None:
            self.composers.gone(pane.uid)
        if watched is not None:
            mode, now_ms = EndMode.MUX_ENDED if with_mux else EndMode.PANE_CLOSED, self._clock.now_ms()
            ended = [] if pane.excluded else self._made(watched, watched.hook_events.rest(), now_ms)
            self._publish(pane, ended)
            self.notes.add(pane.uid, [*ended, *watched.book.close(now_ms, mode)])
        if pane.excluded:
            pane.agent, pane.last_event = NO_AGENT, None
        self.moved(pane)

    def _feed(self, pane: WatchedPane, feed: Callable[[PaneWatch, int], list[Outcome]]) -> None:
        if pane.excluded:
            return
        watched = self._panes.get(pane.uid)
        if watched is None:
            zone = self._zone_of(pane)
            book = SessionBook(remembered=pane.remembered, clean=clean_detection)
            watch = PaneWatch(self.agents.detectors, zone=zone, next_row=pane.tracker.next_row)
            watched = self._panes[pane.uid] = _Watched(pane, watch, book)
        now_ms = self._clock.now_ms()
        try:
            outcomes = self._program(watched, now_ms)
            outcomes += feed(watched.watch, now_ms)
            self._perform(watched, outcomes, now_ms)
        except Exception:
            # A fault of a rule must not end the capture of the pane.
            if not watched.failed:
                log.exception("detection failed", extra={"pane": pane.uid})
            watched.failed = True

    def _zone_of(self, pane: WatchedPane) -> str:
        """Of the host that the pane's programs run on; empty where nobody says: its times are not resolved then."""
        if (known := self._zones.get(pane.mux.name)) is not None:
            return known
        if not pane.mux.host:
            return self._zone
        return pane.mux.zone if is_zone(pane.mux.zone) else ""

    def _program(self, watched: _Watched, now_ms: int) -> list[Outcome]:
        pane = watched.pane
        if pane.mux.host or not pane.listed.tty_name or pane.source is None:
            # A mux that ends takes its programs with it: that one is gone does not say then that it ended by itself.
            return []
        if now_ms - watched.program_ms < PROGRAM_INTERVAL_MS:
            # What a program printed last may have come before its end.
            return [LookAgain(watched.program_ms + PROGRAM_INTERVAL_MS)]
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
        if due := [outcome.at_ms for outcome in outcomes if isinstance(outcome, LookAgain)]:
            delay_s = max(0.001, (min(due) - now_ms) / 1000)
            self._wakes.at(pane.uid, asyncio.get_running_loop().time() + delay_s)
        for outcome in outcomes:
            if isinstance(outcome, Looked):
                operations += watched.book.look(outcome.detections, outcome.at_ms, outcome.rows, relaid=outcome.relaid)
            elif isinstance(outcome, Changed):
                operations += watched.book.feed_state(outcome.transition)
                told = outcome.transition._replace(after=self._known(watched, outcome.transition.after))
                self._hub.publish(Kind.STATE, pane.uid, lambda told=told: state_item(pane, told))  # type: ignore[misc]
        operations = watched.hook_events.saw(operations)
        operations += self._hooked(watched, now_ms)
        self._publish(pane, operations)
        pane.agent = self._known(watched, watched.watch.state)
        if self.composers is not None:
            self.composers.composer(pane, pane.agent.draft)
        if any(isinstance(outcome, Changed) for outcome in outcomes):
            pane.changed()
            self.moved(pane)
        self.notes.add(pane.uid, operations)
        if self._ids is not None:
            self._ids.saw(pane, watched.watch.state, watched.book, operations)

    def _answered(self, pane: WatchedPane, candidates: list[Candidate]) -> None:
        """Session files say which sessions it can be."""
        watched = self._panes.get(pane.uid)
        if watched is not None:
            self.notes.add(pane.uid, watched.book.feed_candidates(candidates, self._clock.now_ms()))
            pane.agent = self._known(watched, watched.watch.state)

    @staticmethod
    def _known(watched: _Watched, state: AgentState) -> AgentState:
        """With the session's own id, wherever it was read, and with what an earlier run of wa read off its banner."""
        book, remembered = watched.book, watched.pane.remembered
        if book.session is None or book.session.agent != state.agent:
            return state
        about = remembered.about if remembered is not None and remembered.session == book.session else (None,) * 4
        seen = (state.version, state.model, state.plan, state.project)
        version, model, plan, project = (new or old for new, old in zip(seen, about, strict=True))
        session_id = book.session_id or state.session_id
        return state._replace(version=version, model=model, plan=plan, project=project, session_id=session_id)

    def _signalled(self, pane: WatchedPane, signal: Signal) -> None:
        if pane.uid in self._panes:
            self._feed(pane, lambda watch, now_ms: watch.signal(signal, now_ms))

    def _noted(self, pane: WatchedPane, operations: list[Operation]) -> None:
        if pane.excluded:
            return
        self.notes.add(pane.uid, operations)
        if (watched := self._panes.get(pane.uid)) is not None and operations:
            watched.watch.got_on(self._clock.now_ms())
            pane.agent = pane.agent._replace(progress_ms=watched.watch.state.progress_ms)

    def shell(self, pane: WatchedPane, operations: Sequence[Operation], *, began: str | None = None) -> None:
        """What a shell told, to be remembered and told on. *began*: the command line that it runs from now on."""
        if pane.excluded:
            return
        for operation in operations:
            if isinstance(operation, NoteEvent):
                noted = operation._replace(detection=clean_detection(operation.detection))
                pane.last_event = (noted.detection.event, noted.at_ms)
                self._hub.publish(Kind.EVENT, pane.uid, lambda noted=noted: event_item(pane, noted))  # type: ignore[misc]
        if began is not None and (watched := self._panes.get(pane.uid)) is not None:
            watched.book.command(began, self._clock.now_ms())
        self.notes.add(pane.uid, operations)

    def shell_runs(self, pane: WatchedPane, command: str) -> None:
        """A shell of the pane has begun something."""
        if pane.uid in self._panes:
            text = f"its shell runs {redact(command)}"[:200]
            self._feed(pane, lambda watch, now_ms: watch.shell_runs(text, now_ms))

    def shell_waits(self, pane: WatchedPane, *, since_ms: int) -> None:
        """The command that was heard to begin at *since_ms* is over, and its shell is at the prompt."""
        if pane.uid in self._panes:
            self._feed(pane, lambda watch, now_ms: watch.shell_waits(since_ms, now_ms))

    # -- what hooks tell ---------------------------------------------------------------------------------------------

    def hook(self, pane: WatchedPane, said: HookSaid) -> None:
        """Of the agent in this pane, whoever has made sure of that."""
        if pane.excluded:
            return
        self._feed(pane, lambda watch, now_ms: watch.tick(now_ms))
        watched = self._panes.get(pane.uid)
        if watched is None:
            return
        watched.hooked = [*watched.hooked[-MAX_HOOKS + 1 :], said]
        self._feed(pane, lambda watch, now_ms: watch.tick(now_ms))

    def _hooked(self, watched: _Watched, now_ms: int) -> list[Operation]:
        """What hooks have said of the agent that is there by now."""
        operations: list[Operation] = []
        for said in watched.hooked:
            book = watched.book
            is_end = said.told is not None and said.told.event == "session.end"
            session = book.newest if is_end else book.session
            is_there = session is not None and session.agent == said.agent
            is_known = not said.is_thread or book.session_id is not None
            if not (is_there and is_known) and now_ms - said.at_ms <= HOOK_WAITS_MS:
                continue
            watched.hooked = [one for one in watched.hooked if one is not said]
            if said.is_thread and said.session_id != book.session_id:
                continue
            if is_there and said.session_id is not None:
                operations += book.hook_id(said.session_id, now_ms)
            if is_there and said.told is not None and watched.hook_events.told(said.told):
                asyncio.get_running_loop().call_later((WAIT_MS + 50) / 1000, self._hooks_due, watched)
            if is_there and said.signal is not None:
                asyncio.get_running_loop().call_soon(self._signalled, watched.pane, said.signal)
        return operations

    def _hooks_due(self, watched: _Watched) -> None:
        """The screen had its time."""
        if self._panes.get(watched.pane.uid) is watched and not watched.pane.excluded:
            now_ms = self._clock.now_ms()
            operations = self._made(watched, watched.hook_events.due(now_ms), now_ms)
            self._publish(watched.pane, operations)
            self.notes.add(watched.pane.uid, operations)

    def _made(self, watched: _Watched, due: Sequence[Told], now_ms: int) -> list[Operation]:
        return [operation for told in due for operation in watched.book.hook(clean_detection(_detection(told)), now_ms)]

    def _publish(self, pane: WatchedPane, operations: Sequence[Operation]) -> None:
        for operation in operations:
            if isinstance(operation, NoteEvent):
                pane.last_event = (operation.detection.event, operation.at_ms)
                self._hub.publish(Kind.EVENT, pane.uid, lambda noted=operation: event_item(pane, noted))  # type: ignore[misc]

    # -- beside the loop ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write what waits; look now and then whether a file of the user's changed. Ends by cancellation."""
        loop = asyncio.get_running_loop()
        look_at = loop.time() + RELOAD_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(look_at):
                    await self.notes.wanted.wait()
            if not await self.notes.save():
                await asyncio.sleep(RETRY_S)
            if loop.time() >= look_at:
                await self._reload()
                look_at = loop.time() + RELOAD_S

    async def _reload(self) -> None:
        before = self.agents.troubles
        if not await asyncio.to_thread(self.agents.reload):
            return
        now = asyncio.get_running_loop().time()
        for number, watched in enumerate(self._panes.values()):
            watched.watch.use(self.agents.detectors)
            watched.failed = False
            # A screen that stands still is read anew too; not all of them in one turn of the loop.
            self._wakes.at(watched.pane.uid, now + number * REREAD_S)
        log.info("rules loaded", extra={"agents": ", ".join(self.agents.detectors)})
        for trouble in self.agents.troubles:
            if trouble not in before:
                log.warning("rules refused", extra={"reason": str(trouble)})

    async def save(self) -> bool:
        """Whether all that is to be remembered is in the database."""
        return await self.notes.save()

    async def close(self) -> None:
        self._wakes.close()
        if self._ids is not None:
            await self._ids.close()


class _Watched:
    def __init__(self, pane: WatchedPane, watch: PaneWatch, book: SessionBook) -> None:
        self.pane = pane
        self.watch = watch
        self.book = book
        self.hook_events = HookEvents()
        self.hooked: list[HookSaid] = []
        """Not taken yet: the agent that they speak of is not seen there, or its session's id is not known."""
        self.program_ms = 0
        self.family_ms = 0
        self.leader: Program | None = None
        self.wrapped: Program | None = None
        self.failed = False
        """A rule raised here; told once, until the rules change."""


def _detection(told: Told) -> Detection:
    """As the screen would tell it."""
    fields: dict[str, FieldValue] = {}
    if told.session_id is not None and told.event in ("session.end", "compaction.done"):
        fields["session_id"] = told.session_id
    if told.trigger is not None and told.event == "compaction.done":
        fields["trigger"] = told.trigger
    rule = f"{told.agent}.hook.{told.name}"
    return Detection(told.event, told.agent, rule, Severity.INFO, fields, False, Place(REGION, None, None, told.name))
