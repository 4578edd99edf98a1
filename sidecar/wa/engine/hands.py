"""The hands: carry out what the generators of `wa.act` ask for, on real panes.

They know nothing of actors, budgets or the database: whoever calls is asked right before each write, on the very reading that the write
is based on, with no await between the answer and the write.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from wa.act import choosing, exiting, interrupting, pressing, shells, typing
from wa.act.composing import has_ended, holds
from wa.act.steps import Look, Paste, Press, Ready, Step, Steps, WaitFor
from wa.detect.reading import Reading
from wa.engine.agents import AgentWatch
from wa.engine.pane import WatchedPane
from wa.model import action as actions
from wa.model.action import (
    Acted,
    Action,
    ActionKind,
    ActOutcome,
    Allow,
    Decision,
    Deny,
    HumanSign,
    PaneView,
    Stage,
)
from wa.model.agent import PaneState
from wa.model.clock import Clock
from wa.model.errors import TerminalRefused, TerminalUnreachable
from wa.model.identity import MuxInstance
from wa.model.profile import NO_PROFILE, Profile
from wa.model.screen import Cursor, Screen
from wa.model.sight import Sight
from wa.wezterm.terminal import SourceKind, Terminal

log = logging.getLogger(__name__)

READ_WITHIN_S = 5.0
SAME_WITHIN_S = 30.0
LOOK_AGAIN_S = {SourceKind.PUSH: 0.5, SourceKind.CLI: 0.15}
"""Without a push for so long the screen is read: old servers lose one now and then, and a CLI has none."""
RECENT_S = 5.0
"""Whoever does not type on what is seen may go by a reading of so long ago, and what was pushed since."""

_AFTER_OTHERS = frozenset({ActionKind.SEND, ActionKind.CHOOSE, ActionKind.EXIT})
"""They wait until what was typed before was read."""

Ask = Callable[[Sight, Action], Decision]
Note = Callable[[Stage], Awaitable[None]]


class Session(Protocol):
    """The pane's session, as far as the hands need it."""

    @property
    def terminal(self) -> Terminal | None: ...

    @property
    def mux(self) -> MuxInstance | None: ...

    async def refresh(self, pane: WatchedPane, within_s: float) -> bool:
        """Read the screen now; whether it was read in time."""
        ...


class Shown(NamedTuple):
    """A screen, at an instant of the loop's clock."""

    generation: int
    rows: tuple[str, ...]
    at_s: float

    @classmethod
    def by(cls, sight: Sight, now_s: float) -> Shown:
        return cls(sight.screen.generation, tuple(row.text for row in sight.screen.rows), now_s)

    def stands(self, sight: Sight, now_s: float) -> bool:
        """Whether nothing was drawn since. A connection that broke counts screens anew; later the same may have come back."""
        if sight.screen.generation == self.generation:
            return True
        return now_s - self.at_s < SAME_WITHIN_S and Shown.by(sight, now_s).rows == self.rows


class _Stopped(Exception):
    """Nothing more is typed."""

    def __init__(self, acted: Acted) -> None:
        super().__init__(acted.detail)
        self.acted = acted


class Hands:
    def __init__(
        self,
        session_of: Callable[[WatchedPane], Session],
        agents: AgentWatch | None,
        clock: Clock,
        *,
        human: Callable[[WatchedPane], HumanSign] | None = None,
        typed: Callable[[WatchedPane, str], None] | None = None,
    ) -> None:
        """*human* knows of persons at a pane; *typed* is told of each text right before it is pasted, and "" before a key."""
        self._session_of = session_of
        self._agents = agents
        self._clock = clock
        self._human = human
        self._typed = typed
        self._unread: dict[str, Shown] = {}
        """Pane → what an agent showed all the while after it was typed into without effect: it may read that yet."""

    def profile(self, agent: str | None) -> Profile:
        if agent is None or self._agents is None:
            return NO_PROFILE
        return self._agents.agents.profiles.get(agent, NO_PROFILE)

    async def look(self, pane: WatchedPane, *, recent: bool = False) -> Sight:
        """Raises TerminalUnreachable where the pane lives and cannot be read.

        *recent*: the screen need not be read anew where that was done less than RECENT_S ago. Nothing may be typed on that.
        """
        if pane.alive:
            if self._session_of(pane).terminal is None:
                raise TerminalUnreachable(f"the mux of {pane.uid} is not connected: nothing can be typed or seen")
            if recent and is_recent(pane):
                return self.seen(pane)
            if not await self._session_of(pane).refresh(pane, READ_WITHIN_S) and pane.alive:
                raise TerminalUnreachable(f"the screen of {pane.uid} could not be read, so nothing was typed")
        return self.seen(pane)

    def seen(self, pane: WatchedPane) -> Sight:
        """As it was pushed last; judged anew. Raises TerminalUnreachable where it was never read."""
        screen = pane.screen
        if screen is None:
            if pane.alive and not pane.excluded:
                raise TerminalUnreachable(f"the screen of {pane.uid} is not known, so nothing was typed")
            screen = _blank(pane, self._clock.now_ms())
        reading, program = (None, None) if self._agents is None else self._agents.read_now(pane, screen)
        known, row = pane.agent.agent, _composer_row(reading)
        state = PaneState.UNKNOWN if reading is None else reading.state
        if reading is None:
            if program is not None and program.is_shell:
                state = PaneState.SHELL if known is None else PaneState.EXITED
            elif program is None and known is None and shells.looks_like_shell(screen):
                state = PaneState.SHELL
        agent = known if reading is None else reading.agent
        return Sight(
            self._clock.now_ms(),
            screen,
            pane.alive,
            agent,
            state,
            None if reading is None else reading.dialog,
            None if reading is None or row is None else reading.draft,
            row,
            pane.agent,
            HumanSign() if self._human is None else self._human(pane),
            reading is not None and any(one.event == "usage.autoresume" for one in reading.detections),
        )

    async def perform(
        self, pane: WatchedPane, action: Action, ask: Ask, note: Note, found: Stage = Stage.DECIDED
    ) -> Acted:
        """One action at a time goes to a pane. *found*: how far an earlier run of the sidecar came with this one."""
        async with pane.send_lock:
            performing = _Performing(self, pane, action, ask, note, self._unread.pop(pane.uid, None))
            acted = await performing.run(found)
            if (unread := performing.unread(acted)) is not None and pane.alive:
                self._unread[pane.uid] = unread
        log.info("action ended", extra={"pane": pane.uid, "kind": action.kind.value, "outcome": acted.outcome.value})
        return acted

    # -- for one performance ------------------------------------------------------------------------------------------

    async def write(self, pane: WatchedPane, step: Paste | Press) -> None:
        """The caller has judged what `seen` showed in this same turn."""
        session = self._session_of(pane)
        terminal = session.terminal
        if not pane.alive:
            raise _Stopped(Acted(ActOutcome.PANE_GONE, "The pane closed."))
        if terminal is None or session.mux is None or session.mux.key != pane.mux.key:
            # Another run of the server gives its ids out anew.
            raise TerminalUnreachable(f"the mux of {pane.uid} is not connected, or another run of it is")
        if self._typed is not None:
            self._typed(pane, step.text if isinstance(step, Paste) else "")
        try:
            if isinstance(step, Paste):
                await terminal.paste(pane.pane_id, step.text)
            else:
                await terminal.write(pane.pane_id, step.data)
        except TerminalRefused as error:
            if pane.alive and "no such pane" not in error.message:
                raise _Stopped(Acted(ActOutcome.UNREACHABLE, f"The mux refused: {error.message}")) from error
            raise _Stopped(Acted(ActOutcome.PANE_GONE, f"The pane is gone: {error.message}")) from error

    async def refresh(self, pane: WatchedPane, within_s: float) -> None:
        if pane.alive:
            await self._session_of(pane).refresh(pane, within_s)


class _Performing:
    def __init__(
        self,
        hands: Hands,
        pane: WatchedPane,
        action: Action,
        ask: Ask,
        note: Note,
        unread: Shown | None = None,
    ) -> None:
        self._hands = hands
        self._pane = pane
        self._action = action
        self._ask = ask
        self._note = note
        self._now = asyncio.get_running_loop().time
        self._noted: set[Stage] = set()
        self._last: Sight | None = None
        self._times: dict[str, float] = {}
        self._wrote_at: float | None = None
        self._is_fresh = False
        """The newest step was a reading, and nothing was awaited since."""
        self._looked: Sight | None = None
        """What the first look of all showed, in this same turn of the loop."""
        self._unread = unread
        """What the pane showed when it was typed into before without effect."""
        self._shown: Shown | None = None
        """What it showed right before the newest write."""

    async def run(self, found: Stage) -> Acted:
        try:
            first = self._last = await self._first()
            self._stop_unread(first)
            agent = None if has_ended(first) else first.agent
            acted = await self._play(steps_of(self._action, self._hands.profile(agent), found))
        except _Stopped as stopped:
            acted = stopped.acted
        except TerminalUnreachable as error:
            acted = Acted(ActOutcome.UNREACHABLE, f"{error.message[:1].upper()}{error.message[1:]}.")
        if self._noted:
            wrote = self._wrote_at is not None
            acted = acted._replace(
                evidence={**acted.evidence, "stage": max(self._noted, key=list(Stage).index), "wrote": wrote}
            )
        return acted._replace(seen_after_ms=self._times.get("seen"), taken_after_ms=self._times.get("taken"))

    async def _first(self) -> Sight:
        """What may not be done at all is refused before anything is written down, and a pane that must not be looked at is not."""
        pane = self._pane
        if pane.alive and not pane.excluded:
            await self._hands.look(pane, recent=True)
        sight = self._looked = self._hands.seen(pane)
        self._judge(sight, self._action)
        return sight

    def _stop_unread(self, sight: Sight) -> None:
        """An agent that has drawn nothing since it was typed into would get two texts in one, or a Return in whatever comes next."""
        waits = self._unread is not None and self._unread.stands(sight, self._now())
        if waits and self._action.kind in _AFTER_OTHERS and not has_ended(sight):
            raise _Stopped(Acted(ActOutcome.BUSY, "The agent has not read yet what was typed before."))

    def unread(self, acted: Acted) -> Shown | None:
        """What an agent shows that may not have read what was typed; None: it has drawn something since."""
        typed = self._shown if acted.outcome in (ActOutcome.NOT_SEEN, ActOutcome.NOT_TAKEN) else self._unread
        if typed is None or self._last is None or has_ended(self._last):
            return None
        return typed if typed.stands(self._last, self._now()) else None

    async def _play(self, steps: Steps) -> Acted:
        try:
            step = next(steps)
            while True:
                step = steps.send(await self._carry_out(step))
        except StopIteration as ended:
            acted: Acted = ended.value
            return acted
        finally:
            steps.close()

    async def _carry_out(self, step: Step) -> Sight:
        was_fresh, self._is_fresh = self._is_fresh, isinstance(step, Look | Ready)
        looked, self._looked = self._looked, None
        match step:
            case Look(0.0) if looked is not None:
                self._last, self._is_fresh = looked, False
            case Look(after_s):
                if after_s:
                    await asyncio.sleep(after_s)
                self._last = await self._hands.look(self._pane)
            case Ready(stage):
                if stage not in self._noted:
                    await self._note(stage)
                    self._noted.add(stage)
                self._last = await self._hands.look(self._pane)
            case WaitFor(until, within_s, label):
                self._last = await self._wait(until, within_s, label)
            case Paste() | Press():
                if not was_fresh or self._last is None:
                    raise RuntimeError("a write without a reading right before it")
                judged_as = step.judged_as if isinstance(step, Press) else None
                self._judge(self._last, judged_as or self._action)
                self._wrote_at = self._now()
                self._shown = Shown.by(self._last, self._now())
                await self._hands.write(self._pane, step)
                self._last = self._hands.seen(self._pane)
        return self._last

    def _judge(self, sight: Sight, action: Action) -> None:
        match self._ask(sight, action):
            case Allow():
                return
            case Deny(reason, next_step, rule):
                outcome, said = ActOutcome.REFUSED, {"next_step": next_step, "rule": rule}
            case actions.Ask(reason, rule):
                outcome, said = ActOutcome.ASKED, {"rule": rule}
        if not sight.alive:
            outcome = ActOutcome.PANE_GONE
        left = {"left": True} if self._wrote_at is not None else {}
        raise _Stopped(Acted(outcome, reason, {**said, **left}))

    async def _wait(self, until: Callable[[Sight], bool], within_s: float, label: str) -> Sight:
        pane, hands = self._pane, self._hands
        give_up = self._now() + within_s
        while True:
            sight = hands.seen(pane)
            if until(sight):
                if label and self._wrote_at is not None:
                    self._times[label] = round((self._now() - self._wrote_at) * 1000, 1)
                return sight
            left_s = give_up - self._now()
            if left_s <= 0 or not sight.alive:
                return sight
            again_s = LOOK_AGAIN_S[pane.source or SourceKind.PUSH]
            if not await pane.wait_for_change(min(left_s, again_s)):
                await hands.refresh(pane, max(again_s, min(left_s, again_s)))


def steps_of(action: Action, profile: Profile, found: Stage = Stage.DECIDED) -> Steps:
    """How the action is done."""
    match action.kind:
        case ActionKind.SEND | ActionKind.RUN:
            return typing.send(action, profile, found)
        case ActionKind.CHOOSE:
            return choosing.choose(action, profile, found)
        case ActionKind.KEYS:
            return pressing.press(action, found)
        case ActionKind.INTERRUPT:
            return interrupting.interrupt(profile)
        case ActionKind.EXIT:
            return exiting.leave(action, profile, found)
        case ActionKind.SPAWN | ActionKind.KILL:
            raise ValueError(f"{action.kind.value} is not done by typing")


def is_recent(pane: WatchedPane) -> bool:
    """What is pushed is heard, and the whole screen was read a moment ago."""
    read_s = asyncio.get_running_loop().time() - pane.screen_asked
    return pane.source is SourceKind.PUSH and pane.started and read_s < RECENT_S


def view_of(pane: WatchedPane, sight: Sight, action: Action, profile: Profile, paused: str | None = None) -> PaneView:
    """What a policy judges; a draft that is the action's own text is no draft."""
    ours = bool(action.text) and holds(action.text, sight, profile) is not None
    return PaneView(
        alive=pane.alive,
        excluded=pane.excluded is not None,
        is_alt=sight.screen.is_alt,
        bracketed_paste=True if profile.send.bracketed and sight.composer_row is not None else None,
        started_by_wa=pane.started_by_wa,
        uid=pane.uid,
        agent=sight.agent,
        state=sight.state,
        dialog=sight.dialog,
        draft="" if ours else sight.draft,
        human=sight.human,
        paused=paused,
        resumes_itself=sight.resumes_itself,
    )


def _blank(pane: WatchedPane, now_ms: int) -> Screen:
    """Of a pane that is closed, or must not be looked at."""
    return Screen(now_ms, 0, pane.listed.cols, pane.listed.rows, (), Cursor(0, 0), "", None, None)


def _composer_row(reading: Reading | None) -> int | None:
    look = None if reading is None else reading.look
    if look is None or look.composer is None or look.gone:
        return None
    return max(0, look.composer.first - look.page.screen_row)
