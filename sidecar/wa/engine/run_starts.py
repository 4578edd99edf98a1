"""What starts runs beside events: a state that has lasted, and a turn of a schedule."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from wa.act.workflow import OnSchedule, OnState, Panes, Workflow
from wa.engine import run_schedule, tasks
from wa.engine.never import place_of
from wa.engine.pane import WatchedPane
from wa.engine.registry import Registry
from wa.engine.wakes import Wakes
from wa.model.agent import PaneState
from wa.model.clock import Clock
from wa.model.command import Trigger
from wa.model.errors import StoreError
from wa.store.run_reading import RunReader

log = logging.getLogger(__name__)

AGAIN_S = 1.0
"""After a question that the database did not answer."""
CLOCK_CHECK_S = 20.0
STILL_CHECK_S = 1.0
SAYS_NOTHING = frozenset({PaneState.UNKNOWN, PaneState.STARTING})
"""A pane that is in one of these has not left the state that it was in: wa has just begun to look."""

Start = Callable[[Sequence[tuple[Workflow, Trigger]]], Awaitable[None]]


class _Watch(NamedTuple):
    """One OnState of one workflow, for one pane; "" for all of them together."""

    workflow: str
    number: int
    pane_uid: str


class Starts:
    """`changed` is called in the loop and does not wait; what is due is handed to *start*."""

    def __init__(self, registry: Registry, clock: Clock, read: RunReader, start: Start, zone: str) -> None:
        self._registry = registry
        self._clock = clock
        self._read = read
        self._start = start
        self._zone = zone
        self._workflows: dict[str, Workflow] = {}
        self._wakes: Wakes[_Watch] = Wakes(self._ring)
        self._armed: dict[_Watch, bool] = {}
        """Whether the state was left since the last run of it; unknown ones are looked up."""
        self._fired: dict[_Watch, int] = {}
        """Since when the state had lasted that began the newest run."""
        self._turns: dict[tuple[str, int], str] = {}
        """The newest turn of each schedule that was dealt with."""
        self._poked = asyncio.Event()
        self._ringing: set[asyncio.Task[None]] = set()

    def use(self, workflows: Iterable[Workflow]) -> None:
        self._workflows = {workflow.name: workflow for workflow in workflows if workflow.starts}
        known = {(name, number) for name, one in self._workflows.items() for number in range(len(one.starts))}
        self._armed = {watch: armed for watch, armed in self._armed.items() if watch[:2] in known}
        self._turns = {key: turn for key, turn in self._turns.items() if key in known}
        for pane in self._registry:
            self.changed(pane.uid)
        self._poked.set()

    async def close(self) -> None:
        self._wakes.close()
        await tasks.cancel(list(self._ringing))

    # -- states -----------------------------------------------------------------------------------------------------

    def changed(self, pane_uid: str) -> None:
        """The state of a pane is another, or it has gone."""
        for workflow in self._workflows.values():
            for number, start in enumerate(workflow.starts):
                if isinstance(start, OnState):
                    self._weigh(_Watch(workflow.name, number, "" if start.together else pane_uid), workflow, start)

    def _weigh(self, watch: _Watch, workflow: Workflow, start: OnState) -> None:
        panes = self._panes(watch, workflow)
        since_ms = _since(panes, start)
        if since_ms is None:
            self._wakes.drop(watch)
            self._fired.pop(watch, None)
            if any(pane.agent.state not in (start.states | SAYS_NOTHING) for pane in panes):
                self._armed[watch] = True
            return
        if start.setting and held_s(workflow, start) <= 0:
            return
        left_s = held_s(workflow, start) - (self._clock.now_ms() - since_ms) / 1000
        self._wakes.at(watch, asyncio.get_running_loop().time() + max(left_s, 0.0))

    def _panes(self, watch: _Watch, workflow: Workflow) -> list[WatchedPane]:
        if watch.pane_uid:
            pane = self._registry.get(watch.pane_uid)
            return [pane] if pane is not None and is_for(workflow, pane) else []
        return [pane for pane in self._registry if pane.agent.agent is not None and is_for(workflow, pane)]

    def _ring(self, watch: _Watch) -> None:
        task = tasks.spawn(self._rung(watch), name=f"start of {watch.workflow}")
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)

    async def _rung(self, watch: _Watch) -> None:
        workflow = self._workflows.get(watch.workflow)
        if workflow is None or not isinstance(start := workflow.starts[watch.number], OnState):
            return
        panes = self._panes(watch, workflow)
        armed = self._armed.get(watch)
        if armed is None:
            try:
                armed = await self._left(watch, workflow, start, [pane.uid for pane in panes])
            except StoreError as error:
                log.warning("start held up", extra={"workflow": watch.workflow, "reason": error.message})
                self._wakes.at(watch, asyncio.get_running_loop().time() + AGAIN_S)
                return
            if watch in self._armed:
                armed = self._armed[watch]
        since_ms = _since(self._panes(watch, workflow), start)
        now_ms = self._clock.now_ms()
        if since_ms is None:
            return
        if (now_ms - since_ms) / 1000 < held_s(workflow, start):
            self._weigh(watch, workflow, start)
            return
        # It got on meanwhile, and has come to a stop once more.
        armed = armed or since_ms > self._fired.get(watch, since_ms)
        self._armed[watch] = False
        if start.still:
            self._weigh_later(watch, workflow, start)
        if not armed:
            self._fired.setdefault(watch, since_ms)
            return
        self._fired[watch] = since_ms
        key = f"{watch.pane_uid or 'all'}:state{watch.number}:{since_ms}"
        agent = panes[0].agent.agent if watch.pane_uid else None
        fields = {
            "state": panes[0].agent.state.value,
            "held_s": held_s(workflow, start),
            "panes": tuple(pane.uid for pane in panes),
        }
        await self._start([(workflow, Trigger("state", watch.pane_uid, now_ms, agent, fields, None, key))])

    def _weigh_later(self, watch: _Watch, workflow: Workflow, start: OnState) -> None:
        """Nothing tells that an agent gets on: it is looked for again."""
        self._wakes.at(watch, asyncio.get_running_loop().time() + max(held_s(workflow, start), STILL_CHECK_S))

    async def _left(self, watch: _Watch, workflow: Workflow, start: OnState, uids: Sequence[str]) -> bool:
        """Whether the state was left since the last run that an earlier sidecar began."""
        last_ms = await self._read.last_began(workflow.name, watch.pane_uid or None)
        if last_ms is None:
            return True
        same = {state.value for state in start.states | SAYS_NOTHING}
        return await self._read.was_elsewhere(uids, same, last_ms)

    # -- schedules --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Begin what is due, for ever."""
        while True:
            now_ms = self._clock.now_ms()
            for workflow in list(self._workflows.values()):
                if due := await self._due_at_last(workflow, now_ms):
                    await self._start(due)
            self._poked.clear()
            nexts = [
                at_ms
                for workflow in self._workflows.values()
                for start in workflow.starts
                if isinstance(start, OnSchedule)
                and (at_ms := run_schedule.next_ms(start, self._clock.now_ms(), self._zone)) is not None
            ]
            left_s = (min(nexts) - self._clock.now_ms()) / 1000 if nexts else CLOCK_CHECK_S
            try:
                async with asyncio.timeout(min(max(left_s, 0.01), CLOCK_CHECK_S)):
                    await self._poked.wait()
            except TimeoutError:
                continue

    async def _due_at_last(self, workflow: Workflow, now_ms: int) -> list[tuple[Workflow, Trigger]]:
        """A database that does not answer loses no turn."""
        while True:
            known = dict(self._turns)
            try:
                return await self._due(workflow, now_ms)
            except StoreError as error:
                log.warning("schedule held up", extra={"workflow": workflow.name, "reason": error.message})
                self._turns = known
                await asyncio.sleep(AGAIN_S)

    async def _due(self, workflow: Workflow, now_ms: int) -> list[tuple[Workflow, Trigger]]:
        found: list[tuple[Workflow, Trigger]] = []
        for number, start in enumerate(workflow.starts):
            if not isinstance(start, OnSchedule):
                continue
            turn = run_schedule.newest(start, now_ms, self._zone)
            if turn is None or self._turns.get((workflow.name, number)) == turn.name:
                continue
            is_first = (workflow.name, number) not in self._turns
            self._turns[workflow.name, number] = turn.name
            late_s = (now_ms - turn.at_ms) / 1000
            if late_s > workflow.max_age_s or (is_first and not await self._was_run(workflow, turn)):
                # A workflow that has just come begins with its next turn.
                continue
            found += [
                (workflow, Trigger("schedule", pane.uid, turn.at_ms, pane.agent.agent, {"turn": turn.name}, None, key))
                for pane in self._registry
                if pane.alive and pane.agent.agent is not None and is_for(workflow, pane)
                for key in (f"{pane.uid}:schedule{number}:{turn.name}",)
            ]
        return found

    async def _was_run(self, workflow: Workflow, turn: run_schedule.Turn) -> bool:
        """An earlier sidecar had it, and this turn is missed."""
        began = [await self._read.last_began(workflow.name, pane.uid) for pane in self._registry]
        return any(at_ms is not None and at_ms < turn.at_ms for at_ms in began)


def _since(panes: Sequence[WatchedPane], start: OnState) -> int | None:
    """When the last of them came into one of the states; None while one is in another."""
    if not panes or any(not pane.alive or pane.agent.state not in start.states for pane in panes):
        return None
    return max(max(pane.agent.since_ms, pane.agent.progress_ms if start.still else 0) for pane in panes)


def held_s(workflow: Workflow, start: OnState) -> float:
    return float(workflow.settings[start.setting]) if start.setting else start.held_s


def is_for(workflow: Workflow, pane: WatchedPane) -> bool:
    """By the workflow's agents and panes."""
    if pane.excluded or (workflow.agents and pane.agent.agent not in workflow.agents):
        return False
    place = place_of(pane.cwd)
    cwds = [pane.agent.project, place.path if place is not None else pane.cwd]
    return fits(workflow.panes, mux=pane.mux.name, title=pane.title, folders=[cwd for cwd in cwds if cwd])


def fits(panes: Panes, *, mux: str, title: str, folders: Iterable[str]) -> bool:
    """A `~` in a folder is this user's home."""
    if panes.mux and panes.mux != mux:
        return False
    if panes.title and panes.title.casefold() not in title.casefold():
        return False
    if not panes.project:
        return True
    project = _folder(panes.project)
    return any(_folder(folder).startswith(project) for folder in folders)


def _folder(path: str) -> str:
    """With a slash at its end."""
    home = str(Path.home())
    path = home + path[1:] if path == "~" or path.startswith("~/") else path
    return f"{path.rstrip('/')}/"
