"""Which session file belongs to the agent in each pane, asked beside the loop; and what that file says, as signals and as figures.

Only panes of this machine. A pane has at most one question under way: when its session begins, after a turn began or
ended, and otherwise at rising intervals until the id is sure.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from wa.detect.ledger import Ledger
from wa.detect.own_id import Candidate
from wa.detect.session_book import SessionBook
from wa.detect.session_ops import CloseTurn, IdSource, NoteSessionId, NoteTransition, OpenSession, Operation, SessionRef
from wa.engine import tasks
from wa.engine.pane import WatchedPane
from wa.model.agent import AgentState, PaneState, Signal, SignalSource
from wa.model.clock import Clock
from wa.protocol.session_files import AGENTS
from wa.sources import session_files
from wa.sources.session_files import CONTINUED, STARTS_WITHIN_MS, TIED, USED_LAST, SessionFiles, best
from wa.sources.session_signals import SessionSignals, live_signal

log = logging.getLogger(__name__)

SOURCE = "session_file"
FIRST_S, LONGEST_S = 1.0, 60.0
SETTLE_S = 1.0
"""The file of a turn is written a little after the pane has shown it."""
BLIND_S = 2.0
"""How often an agent is asked that tells its own state, while its screen says nothing."""
AT_ONCE = 2
"""Questions under way, of all panes: each occupies a thread."""
BELIEVED_MS = 30_000
"""What a file says without an end to it is believed so long; then nothing is known."""
MAX_PROMPTS = 8
LAST_S = 3.0
"""So long after a session's end its file is still read: Claude Code writes its sums when it closes."""
BEFORE_MS = 2_000
"""So much later than a session's first prompt wa may see the session, where nobody knows when its process was started."""
_SEEING = frozenset({SignalSource.DIALOG, SignalSource.HOOK, SignalSource.SCREEN})
_PRINTED = frozenset({IdSource.PRINTED, IdSource.COMMAND, IdSource.HOOK})


class SessionIds:
    """Of one sidecar. *answered* gets what fits a pane now, *signalled* what a file says of it, *noted* what is to be
    remembered of that; all in the loop.
    """

    def __init__(
        self,
        files: SessionFiles,
        clock: Clock,
        answered: Callable[[WatchedPane, list[Candidate]], None],
        signalled: Callable[[WatchedPane, Signal], None],
        noted: Callable[[WatchedPane, list[Operation]], None],
    ) -> None:
        self._files = files
        self._clock = clock
        self._answered = answered
        self._signalled = signalled
        self._noted = noted
        self._ties: dict[str, _Tie] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    def saw(self, pane: WatchedPane, state: AgentState, book: SessionBook, operations: Sequence[Operation]) -> None:
        """After each look at a pane. Costs next to nothing where nothing changed."""
        ref = None if pane.mux.host else book.session
        tie = self._ties.get(pane.uid)
        if tie is not None and tie.ref != ref:
            self.drop(pane.uid)
            tie = None
        ledger = book.ledger
        if ref is None or ledger is None or ref.agent not in AGENTS:
            return
        if tie is None:
            tie = self._ties[pane.uid] = _Tie(pane, ref, book.started_ms, ledger)
            known = pane.remembered
            if known is not None and known.session == ref and known.session_id and known.id_source in _PRINTED:
                tie.printed.add(known.session_id)
            tie.asking = tasks.spawn(self._ask(tie), name=f"session files of {pane.uid}")
        tie.take(state, operations)
        self._settle(tie)

    def drop(self, uid: str, *, at_once: bool = False) -> None:
        """The session is over, or its pane is. What its file still says is noted, unless it is to end *at_once*."""
        tie = self._ties.pop(uid, None)
        if tie is None:
            return
        reads_on = not at_once and tie.following is not None and not tie.following.done()
        for task in tie.tasks():
            if not (reads_on and task is tie.following):
                task.cancel()
        if reads_on:
            ending = tasks.spawn(self._read_on(tie), name=f"end of session of {uid}")
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Nothing is asked or told after this."""
        ties, self._ties = list(self._ties.values()), {}
        await tasks.cancel([*self._ending, *(task for tie in ties for task in tie.tasks())])

    async def _read_on(self, tie: _Tie) -> None:
        tie.nudge.set()
        try:
            await asyncio.sleep(LAST_S)
        finally:
            if tie.following is not None:
                tie.following.cancel()

    def _settle(self, tie: _Tie) -> None:
        if operations := tie.ledger.settle():
            self._noted(tie.pane, operations)

    async def _ask(self, tie: _Tie) -> None:
        loop = asyncio.get_running_loop()
        wait_s = FIRST_S
        at: float | None = loop.time()
        while True:
            now = loop.time()
            if tie.asked or (at is not None and now >= at):
                wait_s = FIRST_S if tie.asked else min(wait_s * 2, LONGEST_S)
                tie.asked = False
                await self._attempt(tie, self._look_for_id)
                at = None if tie.sure is not None and tie.sure.path is not None else loop.time() + wait_s
            if tie.ref.agent == "claude_code":
                await self._attempt(tie, self._look_at_state)
            until = at
            if tie.blind:
                until = loop.time() + BLIND_S if at is None else min(at, loop.time() + BLIND_S)
            tie.due.clear()
            if not tie.asked and not await _set_by(tie.due, until):
                continue
            await asyncio.sleep(SETTLE_S)

    async def _attempt(self, tie: _Tie, look: Callable[[_Tie], Awaitable[None]]) -> None:
        async with self._slots:
            try:
                await look(tie)
            except OSError as error:
                log.warning("session files not read", extra={"pane": tie.pane.uid, "reason": str(error)})

    async def _look_for_id(self, tie: _Tie) -> None:
        if tie.process_ms is None:
            tie.process_ms = await self._files.began(tie.ref.agent, tie.pane.listed.tty_name)
        found = await self._files.candidates(
            tie.ref.agent,
            tie.pane.cwd,
            tie.started_ms,
            tty=tie.pane.listed.tty_name,
            prompts_ms=tuple(tie.prompts),
            printed=tuple(tie.printed),
            taken={known for other in self._ties.values() if other is not tie and (known := other.sure_id)},
        )
        self._judge(tie, found)

    async def _look_at_state(self, tie: _Tie) -> None:
        live = await self._files.live(tie.pane.listed.tty_name)
        if live is not None and (signal := live_signal(live)) is not None:
            self._tell(tie, signal)

    def _tell(self, tie: _Tie, signal: Signal) -> None:
        if tie.is_in(self._ties) and signal.at_ms >= tie.told_ms:
            tie.told_ms = signal.at_ms
            self._signalled(tie.pane, _bounded(signal, self._clock.now_ms()))

    def _judge(self, tie: _Tie, found: Sequence[session_files.Candidate]) -> None:
        if not tie.is_in(self._ties):
            return
        one = best(found)
        sure = one if one is not None and one.confidence >= TIED else None
        if one is not None:
            self._answered(tie.pane, [Candidate(one.session_id, round(one.confidence, 2), SOURCE)])
        elif rivals := [other for other in found if other.confidence >= CONTINUED]:
            self._answered(tie.pane, [Candidate(other.session_id, other.confidence, SOURCE) for other in rivals])
        tie.sure = sure
        likely = one if one is not None and one.confidence >= USED_LAST else None
        is_same = likely is not None and tie.followed is not None and likely[:2] == tie.followed[:2]
        if not is_same or tie.following is None or tie.following.done():
            self._follow(tie, likely)
        elif sure is not None:
            tie.ledger.tie(sure.session_id)
            self._settle(tie)

    def _follow(self, tie: _Tie, one: session_files.Candidate | None) -> None:
        if tie.following is not None:
            tie.following.cancel()
        tie.following, tie.followed = None, one
        if one is not None and one.path is not None:
            log.info("session file found", extra={"pane": tie.pane.uid, "session": one.session_id, "why": one.why})
            tie.ledger.follow(one.session_id, tie.since_ms, tied=tie.sure is not None)
            tie.following = tasks.spawn(self._hear(tie, one), name=f"follow session of {tie.pane.uid}")

    async def _hear(self, tie: _Tie, one: session_files.Candidate) -> None:
        """A file that is followed tells old turns first: of the signals that come at one go only the newest counts."""
        assert one.path is not None
        signals, loop = SessionSignals(tie.ref.agent), asyncio.get_running_loop()
        waiting: deque[Signal] = deque(maxlen=1)
        told = False

        def tell() -> None:
            nonlocal told
            told = False
            self._settle(tie)
            if waiting and tie.sure is not None and tie.sure.session_id == one.session_id:
                self._tell(tie, waiting.pop())
            waiting.clear()

        async for record in self._files.follow(tie.ref.agent, one.path, nudge=tie.nudge):
            signal = signals.feed(record)
            if signal is not None and signal.at_ms >= (tie.begun_ms or 0):
                waiting.append(signal)
            if (tie.ledger.feed(one.session_id, record) or waiting) and not told:
                told = True
                loop.call_soon(tell)


class _Tie:
    """What is known of one session of one pane."""

    def __init__(self, pane: WatchedPane, ref: SessionRef, begun_ms: int | None, ledger: Ledger) -> None:
        self.pane = pane
        self.ref = ref
        self.ledger = ledger
        self.begun_ms = begun_ms
        self.started_ms = begun_ms
        """None where nobody saw the agent start."""
        self.prompts: deque[int] = deque(maxlen=MAX_PROMPTS)
        self.printed: set[str] = set()
        self.process_ms: int | None = None
        """When its process was started, where that can be known."""
        self.sure: session_files.Candidate | None = None
        """Whose file speaks for the pane's state."""
        self.followed: session_files.Candidate | None = None
        """Whose file is read."""
        self.blind = False
        """The screen does not say what the agent does."""
        self.told_ms = 0
        """The newest instant that a file spoke of: what is older is known better already."""
        self.due = asyncio.Event()
        self.asked = True
        self.nudge = asyncio.Event()
        self.asking: asyncio.Task[None] | None = None
        self.following: asyncio.Task[None] | None = None

    @property
    def sure_id(self) -> str | None:
        return None if self.sure is None else self.sure.session_id

    @property
    def since_ms(self) -> int:
        """What its file tells of before was spent by an earlier run, which may be another session of wa's."""
        begun_ms, process_ms = self.begun_ms or 0, self.process_ms
        if process_ms is not None and (self.ref.number == 1 or abs(begun_ms - process_ms) <= STARTS_WITHIN_MS):
            return min(begun_ms, process_ms)
        return begun_ms - BEFORE_MS

    def is_in(self, ties: dict[str, _Tie]) -> bool:
        return ties.get(self.pane.uid) is self

    def tasks(self) -> list[asyncio.Task[None]]:
        return [task for task in (self.asking, self.following) if task is not None]

    def take(self, state: AgentState, operations: Sequence[Operation]) -> None:
        for operation in operations:
            if isinstance(operation, OpenSession) and operation.session == self.ref and operation.joined:
                self.started_ms = None
            elif isinstance(operation, NoteSessionId) and operation.session_id and operation.source in _PRINTED:
                self.printed = {operation.session_id}
                self._ask()
            elif isinstance(operation, NoteTransition):
                self.nudge.set()
                before, after = operation.transition.before, operation.transition.after.state
                if before is PaneState.IDLE and after is PaneState.WORKING:
                    self.prompts.append(operation.transition.at_ms)
                    self._ask()
            elif isinstance(operation, CloseTurn):
                self._ask()
        blind = self.ref.agent == "claude_code" and not any(
            signal.source in _SEEING and signal.says is not None for signal in state.signals
        )
        if blind and not self.blind:
            self.due.set()
        self.blind = blind

    def _ask(self) -> None:
        self.asked = True
        self.due.set()


def _bounded(signal: Signal, now_ms: int) -> Signal:
    """What has no end of its own gets one: unknown is better than what nobody has confirmed for long."""
    return signal if signal.expires_ms is not None else signal._replace(expires_ms=now_ms + BELIEVED_MS)


async def _set_by(event: asyncio.Event, until: float | None) -> bool:
    """*until* by the loop's clock; None waits for good."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            await event.wait()
    return event.is_set()
