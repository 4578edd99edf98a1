"""Workflows of one sidecar: what starts them, which are turned on, and the runs that are under way.

Events come from the database, by their ids: one that is stored is judged once, whatever happens to the sidecar meanwhile, and those that
nobody saw are found when it starts. A run begins in the same transaction that notes its event as seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from wa.act.workflow import OnMuxRestart, Workflow
from wa.engine import run_lost, tasks
from wa.engine.hub import Hub, Kind, Subscription
from wa.engine.run_catalogue import Catalogue
from wa.engine.run_driver import Mode, Run, takes_lease
from wa.engine.run_keeper import Begin, Keeper
from wa.engine.run_starts import Starts, fits, is_for
from wa.engine.run_steps import Steps, is_one_of
from wa.engine.run_world import RunWorld
from wa.model.command import Ending, Trigger
from wa.model.errors import NotFound, Refused, StoreError, UsageError
from wa.model.identity import MuxInstance
from wa.protocol.sidecar_wire import unpack_value
from wa.store.agent_records import EventRecord
from wa.store.reader import Reader
from wa.store.records import DAY_MS, HOUR_MS
from wa.store.run_reading import RunReader
from wa.store.run_writing import RunWriter

log = logging.getLogger(__name__)

POLL_S = 5.0
"""Without being told of new events; and between two looks at the user's files."""
AT_ONCE = 500
RETRY_S = 1.0
LOST_KEPT_MS = 7 * DAY_MS
"""Agents that ended with their mux before that are nobody's to bring back."""
AGENT_TABLES = ("send", "interrupt", "exit", "resume", "option", "limits")
"""Of an agent's file, for its workflows."""


class Workflows:
    """`start`, then `run` as a task; `saved` whenever events were stored."""

    def __init__(
        self,
        world: RunWorld,
        write: RunWriter,
        read: RunReader,
        history: Reader,
        hub: Hub,
        catalogue: Catalogue,
        *,
        zone: str,
        profile_of: Callable[[str | None], Mapping[str, Any]],
        ended: Callable[[Run, Ending], None] = lambda _run, _ending: None,
        settled: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """*settled* writes what is known of agents; whether all of it is in the database."""
        self.catalogue = catalogue
        self.read = read
        self._world = world
        self._write = write
        self._history = history
        self._hub = hub
        self._profile_of = profile_of
        self._settled = settled
        self._came: dict[str, MuxInstance] = {}
        """Runs of muxes that have come up, and were not looked at."""
        self.keeper = Keeper(write, read, Steps(world), world.clock, ended)
        self._starts = Starts(world.registry, world.clock, read, self._started, zone)
        self._switches: dict[tuple[str, str | None], bool] = {}
        self._news = asyncio.Event()
        self._subscription = Subscription({Kind.STATE, Kind.PANE}, None, self._heard)
        self._looking = asyncio.Lock()
        self._scheduling: asyncio.Task[None] | None = None

    # -- the life of it ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Go on with what an earlier sidecar began; from then on `run`."""
        self._switches = {(one.name, one.pane_uid): one.enabled for one in await self.read.switches()}
        if await self.read.seen() is None:
            # What was said before there were workflows is nobody's to act upon.
            await self._write.begin([], seen=await self._history.last_event_id())
        # While all of them only observe, none is worth keeping a server from resting.
        self._subscription.is_hurried = any(self._switches.values())
        self._hub.add(self._subscription)
        if taken_up := await self.keeper.take_up(self.catalogue.get):
            log.info("runs taken up", extra={"runs": taken_up})
        self._starts.use(self.catalogue.workflows.values())
        self._scheduling = tasks.spawn(self._starts.run(), name="schedules of workflows")

    async def run(self) -> None:
        """Begin what events start, for ever. Ends by cancellation."""
        seen: int | None = None
        loop = asyncio.get_running_loop()
        look_at = loop.time() + POLL_S
        while True:
            if loop.time() >= look_at:
                await self._look_at_files()
                look_at = loop.time() + POLL_S
            self._news.clear()
            try:
                if seen is None:
                    seen = await self.read.seen() or 0
                events = await self._history.events(after_id=seen, limit=AT_ONCE)
                if events:
                    await self._judge(events)
                    seen = events[-1].id
                while self._came:
                    key, mux = next(iter(self._came.items()))
                    await self._after_restart(mux)
                    self._came.pop(key, None)
            except StoreError as error:
                log.warning("events not judged", extra={"reason": error.message})
                await asyncio.sleep(RETRY_S)
                continue
            if len(events) == AT_ONCE:
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout_at(look_at):
                    await self._news.wait()

    async def close(self) -> None:
        """What is under way goes on with the next sidecar."""
        self._hub.remove(self._subscription)
        await tasks.cancel([self._scheduling])
        await self._starts.close()
        await self.keeper.close()

    def saved(self) -> None:
        """Events were stored."""
        self._news.set()

    def mux_came(self, mux: MuxInstance) -> None:
        """A run of a mux has come up: its panes are known, and what ended with the run before is in the database."""
        self._came[mux.key] = mux
        self._news.set()

    def answered(self, pane_uid: str) -> None:
        """A person has said yes or no to something there."""
        self._world.stirs.stir([pane_uid])

    async def _look_at_files(self) -> None:
        async with self._looking:
            if not await asyncio.to_thread(self.catalogue.reload):
                return
        log.info("workflows loaded", extra={"workflows": ", ".join(self.catalogue.workflows)})
        for trouble in self.catalogue.troubles:
            log.warning("workflow refused", extra={"reason": str(trouble)})
        self._starts.use(self.catalogue.workflows.values())

    def _heard(self, packed: bytes) -> None:
        # What waits looks anew in its own turn of the loop: by then the pane shows what it was told of.
        item = unpack_value(packed)
        uid = item["pane_uid"]
        if "state" in item:
            self._world.stirs.entered(uid, item["state"], item["at_ms"])
        elif item.get("change") == "closed":
            self._world.stirs.forget(uid)
        asyncio.get_running_loop().call_soon(self._stirred, uid)

    def _stirred(self, uid: str) -> None:
        self._world.stirs.stir([uid])
        self._starts.changed(uid)

    # -- what starts a run ------------------------------------------------------------------------------------------

    async def _judge(self, events: Sequence[EventRecord]) -> None:
        now_ms = self._world.clock.now_ms()
        found: list[tuple[Workflow, Trigger]] = []
        for event in events:
            for workflow in self.catalogue.workflows.values():
                if is_one_of(event.event, workflow.events) and await self._is_for(workflow, event):
                    if now_ms - event.at_ms > workflow.max_age_s * 1000:
                        log.info("event too old", extra={"workflow": workflow.name, "event": event.id})
                        continue
                    key = f"{event.pane_uid}:e{event.id}"
                    about = (event.event, event.pane_uid, event.at_ms, event.agent, event.fields, event.id, key)
                    found.append((workflow, Trigger(*about)))
        begins = await self._wanted(found)
        await self.keeper.begin(begins, seen=events[-1].id)
        self._world.stirs.stir({event.pane_uid for event in events})

    async def _after_restart(self, mux: MuxInstance) -> None:
        wanting = [one for one in self.catalogue.workflows.values() if OnMuxRestart() in one.starts]
        if not wanting:
            return
        if self._settled is not None and not await self._settled():
            raise StoreError("what is known of agents is not written down")
        now_ms = self._world.clock.now_ms()
        lost = await self.read.lost_with(mux, now_ms - LOST_KEPT_MS)
        found = [
            (workflow, trigger)
            for one, trigger in run_lost.triggers(lost, now_ms)
            for workflow in wanting
            if run_lost.is_for(workflow, one)
        ]
        if found:
            log.info("agents ended with their mux", extra={"mux": mux.name, "agents": len(lost)})
            await self.keeper.begin(await self._wanted(found))

    async def _is_for(self, workflow: Workflow, event: EventRecord) -> bool:
        if workflow.agents and event.agent not in workflow.agents:
            return False
        pane = self._world.registry.get(event.pane_uid)
        if pane is not None:
            return not pane.excluded and is_for(workflow._replace(agents=frozenset()), pane)
        # It is not watched yet: as it was known last.
        with suppress(NotFound):
            known = await self._history.pane(event.pane_uid)
            folders = [known.cwd] if known.cwd else []
            return fits(workflow.panes, mux=known.mux, title=known.title, folders=folders)
        return False

    async def _started(self, found: Sequence[tuple[Workflow, Trigger]]) -> None:
        """By a state or a schedule. A database that takes nothing loses no turn: its key is known once it is in there."""
        while True:
            try:
                await self.keeper.begin(await self._wanted(found))
            except StoreError as error:
                log.warning("run not begun", extra={"reason": error.message})
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _wanted(self, found: Sequence[tuple[Workflow, Trigger]]) -> list[Begin]:
        return [
            self._begin(workflow, trigger, self._mode(workflow, trigger))
            for workflow, trigger in found
            if not await self._too_often(workflow, trigger)
        ]

    async def _too_often(self, workflow: Workflow, trigger: Trigger) -> bool:
        if not workflow.cooldown_s and not workflow.per_hour:
            return False
        now_ms = self._world.clock.now_ms()
        since_ms = now_ms - max(HOUR_MS, round(workflow.cooldown_s * 1000))
        began = await self.read.begun_since(workflow.name, trigger.pane_uid or None, since_ms)
        if began and (now_ms - began[-1]) / 1000 < workflow.cooldown_s:
            return True
        return bool(workflow.per_hour) and sum(at_ms > now_ms - HOUR_MS for at_ms in began) >= workflow.per_hour

    def _begin(self, workflow: Workflow, trigger: Trigger, mode: Mode) -> Begin:
        return Begin(workflow, trigger, mode, dict(self._profile_of(trigger.agent)))

    def _mode(self, workflow: Workflow, trigger: Trigger) -> Mode:
        return Mode.LIVE if self.is_on(workflow.name, trigger.pane_uid or None) else Mode.OBSERVE

    # -- switches ---------------------------------------------------------------------------------------------------

    def is_on(self, name: str, pane_uid: str | None) -> bool:
        """Whether runs of it may act there: turned on for the pane, or for all and not off for the pane."""
        workflow = self.catalogue.get(name)
        default = workflow is not None and workflow.default_enabled
        for_all = self._switches.get((name, None), default)
        return self._switches.get((name, pane_uid), for_all) if pane_uid is not None else for_all

    def types(self, name: str) -> bool:
        """Whether it may type anything at all."""
        workflow = self.catalogue.get(name)
        return workflow is not None and takes_lease(workflow)

    async def switch(self, name: str, pane_uid: str | None, *, enabled: bool) -> list[int]:
        """Turn it on or off. Runs of it that are under way end, or begin anew: numbers of those. Raises NotFound."""
        await self._known(name)
        await self._write.switch(name, pane_uid, enabled=enabled, at_ms=self._world.clock.now_ms())
        if pane_uid is None:
            self._switches = {key: on for key, on in self._switches.items() if key[0] != name}
        self._switches[name, pane_uid] = enabled
        self._subscription.is_hurried = any(self._switches.values())
        self._hub.heed()
        mode = Mode.OBSERVE if enabled else Mode.LIVE
        concerned = [
            driver.run
            for driver in self.keeper.drivers
            if driver.run.workflow.name == name
            and driver.run.mode is mode
            and pane_uid in (None, driver.run.pane_uid, driver.pane_uid)
        ]
        waiting = [
            run.id
            for run in self.keeper.waiting
            if run.workflow.name == name and not enabled and pane_uid in (None, run.pane_uid)
        ]
        why = "turned on: it begins anew" if enabled else "turned off"
        ended = await self.keeper.abort([*(run.id for run in concerned), *waiting], why)
        if not enabled:
            return ended
        begins = []
        for run in concerned:
            trigger = run.context.trigger
            if (workflow := self.catalogue.get(name)) is not None and run.id in ended:
                begins.append(self._begin(workflow, trigger._replace(key=f"{trigger.key}:on"), Mode.LIVE))
        return [ident for ident in await self.keeper.begin(begins) if ident is not None]

    async def _known(self, name: str) -> Workflow:
        """As its file is now: a person who names it may have written it just before. Raises NotFound."""
        await self._look_at_files()
        workflow = self.catalogue.get(name)
        if workflow is None:
            raise NotFound(
                f"there is no workflow {name!r:.60}",
                next_step="Run `wa workflow list` to see what exists.",
                details={"candidates": sorted(self.catalogue.workflows)},
            )
        return workflow

    # -- by hand ----------------------------------------------------------------------------------------------------

    async def begin_by_hand(self, name: str, pane_uid: str | None, *, dry_run: bool) -> int:
        """The number of the run. Live where it is turned on, else it is played without typing. Raises Refused, NotFound."""
        workflow = await self._known(name)
        needs_pane = takes_lease(workflow) or not any(getattr(start, "together", False) for start in workflow.starts)
        if pane_uid is None and needs_pane:
            raise UsageError(f"{name} runs in a pane", next_step=f"Name it: wa workflow run {name} --pane PANE")
        pane = None if pane_uid is None else self._world.registry.find(pane_uid)
        if pane is not None and pane.excluded:
            raise Refused(f"{pane.uid} is never looked at, by `capture.never`")
        now_ms = self._world.clock.now_ms()
        trigger = Trigger(
            event="manual",
            pane_uid="" if pane is None else pane.uid,
            at_ms=now_ms,
            agent=None if pane is None else pane.agent.agent,
            key=f"{'' if pane is None else pane.uid}:manual:{now_ms}",
        )
        mode = Mode.DRY if dry_run else self._mode(workflow, trigger)
        holder = None if pane is None else self.keeper.holder(pane.uid)
        if mode is Mode.LIVE and takes_lease(workflow) and holder is not None and pane is not None:
            raise Refused(
                f"{holder.run.workflow.name} has {pane.uid} (run {holder.run.id})",
                next_step=f"Wait for it, or end it: wa workflow abort {holder.run.id}",
            )
        (ident,) = await self.keeper.begin([self._begin(workflow, trigger, mode)])
        if ident is None:
            raise Refused("the run was not begun: too many are under way, or the same one has just begun")
        return ident

    async def ended(self, run: int) -> None:
        """Returns once it has ended."""
        await self.keeper.ended(run)

    async def abort(self, runs: Sequence[int], why: str) -> list[int]:
        return await self.keeper.abort(runs, why)

    async def forgotten(self, pane_uid: str | None) -> None:
        """What was captured of a pane (None: of all) was forgotten, the journals of its runs with it."""
        concerned = [driver.run.id for driver in self.keeper.drivers if pane_uid in (None, driver.run.pane_uid)]
        known = {run.id for run in await self.read.open()}
        await self.keeper.abort([run for run in concerned if run not in known], "forgotten")


def agent_tables(data: Mapping[str, Any]) -> dict[str, Any]:
    """Of an agent's file, what its workflows may know."""
    return {name: data[name] for name in AGENT_TABLES if name in data}
