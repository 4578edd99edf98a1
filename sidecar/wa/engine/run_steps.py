"""Carries out what a run asks for, one command at a time, each within a time of its own on the monotonic clock."""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from wa.act.runner import drawn
from wa.engine.pane import WatchedPane
from wa.engine.programs import execute
from wa.engine.run_world import Place, RunWorld, saw
from wa.engine.turns import Turns
from wa.model.action import Actor, ActorKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import (
    APPROVAL,
    PROGRESS,
    Act,
    Command,
    Did,
    Execute,
    Executed,
    Happened,
    Look,
    Notify,
    Open,
    Opened,
    Park,
    Reply,
    Saw,
    Told,
    Until,
    Woke,
)
from wa.model.errors import StoreError, WaError
from wa.store.records import DAY_MS

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Runs that look or act at the same moment; the others wait their turn."""
TURN_S = 2.0
"""A turn lasts no longer: who needs more waits for an agent, a person or another action, and goes on beside the others."""
PROGRAMS_AT_ONCE = 8
"""They may take long, and hold up nobody but each other."""
ACT_WITHIN_S = 180.0
"""Above every wait of the hands for one action."""
LOOK_WITHIN_S = 20.0
APPEARS_WITHIN_S = 60.0
"""How long a pane may take to be watched again after the sidecar has started."""
TAKEN_UP_S = 5.0
"""What a wait that a restart cut short has left at least, to see what holds now."""
AGAIN_S = 1.0
"""After a question that the database did not answer."""
CLOCK_CHECK_S = 20.0
"""Between two looks at the wall clock while parked: it may be set, and the machine may have slept."""


class Order(NamedTuple):
    """A command of a run, and what it is answered from."""

    run: int
    number: int
    command: Command
    workflow: str
    seed: int
    pane_uid: str | None
    """None: a run of no pane."""
    asked_ms: int
    """When it was written down."""
    since_ms: int
    """Events and states from here on count: when the command before was answered, and where it acted, when it began."""
    but_event: int | None
    """The one that started the run: it does not count."""
    taken_up: bool
    """An earlier sidecar began with it."""
    plan: bool
    """Nothing is typed; what would be is decided and shown."""
    pretended_ms: int | None
    """The rest is played through at once as if all went well, and this is the time in it; None: as it happens."""

    @property
    def key(self) -> str:
        return f"{self.run}:{self.number}"


class Steps:
    def __init__(self, world: RunWorld) -> None:
        self._world = world
        self._turns = Turns(AT_ONCE, TURN_S)
        self._programs = asyncio.Semaphore(PROGRAMS_AT_ONCE)
        self._started = asyncio.get_running_loop().time()

    async def carry_out(self, order: Order) -> Reply:
        command = order.command
        match command:
            case Act():
                return await self._act(order, command)
            case Look():
                return await self._look(order)
            case Until():
                return await self._until(order, command)
            case Park():
                return await self._park(order, command)
            case Notify():
                if not order.plan:
                    key = command.key or f"run {order.key}"
                    self._world.teller.tell(order.pane_uid, command, key, order.workflow)
                return Told()
            case Open():
                return await self._open(order, command)
            case Execute():
                if order.plan:
                    return Executed(0)
                async with self._programs:
                    return await execute(command, {"WA_RUN": order.key, "WA_PANE": order.pane_uid or ""})

    # -- the pane ---------------------------------------------------------------------------------------------------

    async def _pane(self, uid: str | None) -> WatchedPane | None:
        """The pane, once it is watched; None for one that is gone, or does not come back in time."""
        if uid is None:
            return None
        loop = asyncio.get_running_loop()
        while (pane := self._world.registry.get(uid)) is None or not pane.started:
            left_s = self._started + APPEARS_WITHIN_S - loop.time()
            if left_s <= 0:
                return pane
            with self._world.stirs.listening(uid) as stir:
                await _within(stir, min(left_s, 0.25))
        return pane

    async def _look(self, order: Order) -> Saw:
        now_ms = order.pretended_ms or self._world.clock.now_ms()
        pane = await self._pane(order.pane_uid)
        if pane is None:
            return Saw(PaneState.UNKNOWN, at_ms=now_ms, alive=order.pane_uid is None)
        try:
            async with self._turns.taken(), asyncio.timeout(LOOK_WITHIN_S):
                sight, (session_ms, turn_ms, session_id) = await asyncio.gather(
                    self._world.eyes.look(pane, recent=True), self._world.events.newest_session(pane.uid)
                )
        except (WaError, TimeoutError) as error:
            log.info("look failed", extra={"pane": pane.uid, "reason": str(error)})
            return saw(pane, None, now_ms)._replace(state=PaneState.UNKNOWN, question=None, options=(), draft=None)
        seen = saw(pane, sight, now_ms)
        # An agent that is gone leaves its id behind.
        seen = seen._replace(session_ms=session_ms, turn_ms=turn_ms, session_id=seen.session_id or session_id)
        return seen if order.pretended_ms is None else seen._replace(at_ms=max(seen.at_ms, order.pretended_ms))

    async def _act(self, order: Order, command: Act) -> Did:
        if order.pane_uid is None:
            return Did(ActOutcome.REFUSED, "the run has no pane")
        if await self._pane(order.pane_uid) is None and not order.taken_up:
            # What an earlier sidecar left open the desk writes to its end.
            return Did(ActOutcome.PANE_GONE, f"{order.pane_uid} is gone")
        try:
            async with self._turns.taken(), asyncio.timeout(ACT_WITHIN_S):
                acted = await self._world.desk.act(
                    order.pane_uid,
                    command.action,
                    Actor(ActorKind.WORKFLOW, order.workflow),
                    key=order.key,
                    dry_run=order.plan,
                    run=order.run,
                    step=order.number,
                )
        except TimeoutError:
            return Did(ActOutcome.INTERRUPTED, f"it did not come to an end within {ACT_WITHIN_S:g} s")
        return Did(acted.outcome, acted.detail, acted.evidence)

    async def _open(self, order: Order, command: Open) -> Opened:
        now_ms = order.pretended_ms or self._world.clock.now_ms()
        if order.pane_uid is None or self._world.opener is None:
            return Opened(ActOutcome.REFUSED, detail="no pane can be opened", at_ms=now_ms)
        place = Place(order.pane_uid, order.workflow, order.key, order.run, order.number, order.plan)
        try:
            async with self._turns.taken(), asyncio.timeout(ACT_WITHIN_S):
                return await self._world.opener.open(command, place)
        except TimeoutError:
            return Opened(
                ActOutcome.INTERRUPTED, None, f"it did not come to an end within {ACT_WITHIN_S:g} s", False, now_ms
            )

    # -- waiting ----------------------------------------------------------------------------------------------------

    async def _until(self, order: Order, command: Until) -> Happened:
        if order.pretended_ms is not None:
            return _hoped(command, order.pretended_ms)
        uid = order.pane_uid
        if uid is None:
            return Happened("", self._world.clock.now_ms())
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._left_s(order, command.within_s)
        with self._world.stirs.listening(uid) as stir:
            while True:
                stir.clear()
                try:
                    found, again_s = await self._holds(uid, order, command)
                except StoreError as error:
                    log.warning("wait held up", extra={"pane": uid, "reason": error.message})
                    found, again_s = None, AGAIN_S
                left_s = give_up - loop.time()
                if found is not None:
                    return found
                # A person may answer a question about a pane that is gone: it is about the one in its place.
                is_gone = self._is_gone(uid) and not _only_answers(command)
                if left_s <= 0 or is_gone:
                    gone = {"gone": True} if is_gone else {}
                    return Happened("", self._world.clock.now_ms(), gone)
                await _within(stir, min(left_s, again_s))

    def _left_s(self, order: Order, within_s: float) -> float:
        if not order.taken_up:
            return within_s
        # Between two runs of wa only the wall clock goes on; whatever it says, no wait grows.
        gone_s = (self._world.clock.now_ms() - order.asked_ms) / 1000
        return min(within_s, max(within_s - max(gone_s, 0.0), TAKEN_UP_S))

    def _is_gone(self, uid: str) -> bool:
        pane = self._world.registry.get(uid)
        if pane is not None:
            return not pane.alive
        return asyncio.get_running_loop().time() - self._started > APPEARS_WITHIN_S

    async def _holds(self, uid: str, order: Order, command: Until) -> tuple[Happened | None, float]:
        """What holds, and in how many seconds a state will have lasted long enough."""
        for event in await self._said(uid, order, command):
            return event, 0.0
        if (passed := await self._passed(uid, order, command)) is not None:
            return passed, 0.0
        if (answer := await self._answer(command)) is not None:
            return answer, 0.0
        pane, again_s = self._world.registry.get(uid), 5.0
        if PROGRESS in command.events and pane is not None and pane.agent.progress_ms > order.since_ms:
            return Happened(PROGRESS, pane.agent.progress_ms), 0.0
        if pane is not None and pane.started and pane.alive and pane.agent.state in command.states:
            now_ms = self._world.clock.now_ms()
            held_s = (now_ms - pane.agent.since_ms) / 1000
            if held_s >= command.held_s:
                return Happened(pane.agent.state.value, now_ms), 0.0
            again_s = min(again_s, max(command.held_s - held_s, 0.01))
        return None, again_s

    async def _answer(self, command: Until) -> Happened | None:
        """What a person said to a question that is waited for."""
        for event in command.events:
            number = event.removeprefix(APPROVAL)
            if number == event or not number.isdecimal():
                continue
            answer, at_ms = await self._world.events.answer(int(number), self._world.clock.now_ms())
            if answer != "asked":
                return Happened(event, at_ms, {"answer": answer})
        return None

    async def _passed(self, uid: str, order: Order, command: Until) -> Happened | None:
        """A state that came, and may have gone, since the step before: a turn can be shorter than the way to this wait."""
        if command.held_s or not command.states:
            return None
        entered = self._world.stirs.entered_since(uid, order.since_ms)
        if order.taken_up:
            entered = await self._world.events.entered_since(uid, order.since_ms) + entered
        for at_ms, state in sorted(entered):
            if state in command.states:
                return Happened(state, at_ms)
        return None

    async def _said(self, uid: str, order: Order, command: Until) -> list[Happened]:
        if not command.events:
            return []
        said = await self._world.events.said_since(uid, order.since_ms)
        return [
            Happened(one.event, one.at_ms, one.fields)
            for one in said
            if one.id != order.but_event and is_one_of(one.event, command.events)
        ]

    async def _park(self, order: Order, command: Park) -> Woke:
        due_ms = due(command, order.seed, order.number, order.asked_ms)
        if order.pretended_ms is not None:
            return Woke(max(due_ms, order.pretended_ms))
        clock = self._world.clock
        # A clock that is set back must not keep a run asleep: so much time has passed by the other one.
        wait_ms, began_ms = due_ms - clock.now_ms(), clock.monotonic_ms()
        while True:
            left_ms = min(due_ms - clock.now_ms(), wait_ms - (clock.monotonic_ms() - began_ms))
            if left_ms <= 0:
                return Woke(clock.now_ms())
            await asyncio.sleep(min(left_ms / 1000, CLOCK_CHECK_S))


def due(command: Park, seed: int, number: int, asked_ms: int) -> int:
    """When a parked run is to wake; at most a year from now, whatever was read off a screen."""
    spread_ms = max(0.0, command.spread_s) * 1000 * drawn(seed, number)
    return min(command.until_ms, asked_ms + 366 * DAY_MS) + round(spread_ms)


def _only_answers(command: Until) -> bool:
    return not command.states and all(event.startswith(APPROVAL) for event in command.events)


def is_one_of(event: str, wanted: frozenset[str]) -> bool:
    """`usage` is all of `usage.*`."""
    return event in wanted or any(event.startswith(f"{name}.") for name in wanted)


_HOPED = (PaneState.WORKING, PaneState.IDLE, PaneState.SHELL, PaneState.EXITED)


def _hoped(command: Until, now_ms: int) -> Happened:
    """As if the best of what is waited for came at once."""
    for state in _HOPED:
        if state in command.states:
            return Happened(state.value, now_ms)
    for what in (*sorted(command.events), *sorted(state.value for state in command.states)):
        return Happened(what, now_ms)
    return Happened("", now_ms + round(command.within_s * 1000))


async def _within(stir: asyncio.Event, within_s: float) -> None:
    try:
        async with asyncio.timeout(within_s):
            await stir.wait()
    except TimeoutError:
        return
