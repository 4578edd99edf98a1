"""The runs that are under way: one live one per pane, those that wait for it, and how each begins and ends."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wa.act.journal import Entry, UnreadableError, context_json, context_of
from wa.act.workflow import Busy, Context, Workflow
from wa.engine import tasks
from wa.engine.run_driver import Driver, Mode, Run, first_step, kept, takes_lease
from wa.engine.run_steps import Steps
from wa.model.clock import Clock
from wa.model.command import MUX_RESTARTED, Ending, RunStatus, Trigger
from wa.store.run_reading import RunReader
from wa.store.run_records import End, NewRun, RunRecord, clean_json
from wa.store.run_writing import RunWriter

log = logging.getLogger(__name__)

MAX_OPEN = 2_000
"""Runs under way at once; a trigger beyond that begins nothing, and says so in the log."""


class Begin(NamedTuple):
    workflow: Workflow
    trigger: Trigger
    mode: Mode
    profile: dict[str, object]


@dataclass(frozen=True, slots=True)
class _Playing:
    driver: Driver
    task: asyncio.Task[None]


class Keeper:
    def __init__(
        self,
        write: RunWriter,
        read: RunReader,
        steps: Steps,
        clock: Clock,
        told: Callable[[Run, Ending], None],
    ) -> None:
        """*told* is told of each run that came to an end."""
        self._write = write
        self._read = read
        self._steps = steps
        self._clock = clock
        self._told = told
        self._playing: dict[int, _Playing] = {}
        self._holder: dict[str, int] = {}
        """Pane → the live run that has it."""
        self._waiting: defaultdict[str, deque[Run]] = defaultdict(deque)
        self._beginning = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._playing)

    @property
    def drivers(self) -> list[Driver]:
        return [playing.driver for playing in self._playing.values()]

    @property
    def waiting(self) -> list[Run]:
        return [run for runs in self._waiting.values() for run in runs]

    def holder(self, pane_uid: str) -> Driver | None:
        """The live run that has the pane."""
        run = self._holder.get(pane_uid)
        playing = None if run is None else self._playing.get(run)
        return None if playing is None else playing.driver

    # -- beginning --------------------------------------------------------------------------------------------------

    async def begin(self, begins: Sequence[Begin], *, seen: int | None = None) -> list[int | None]:
        """The number of each run that began, or waits for its pane. None: known already, or dropped. Raises StoreError."""
        async with self._beginning:
            taken: list[tuple[Begin, Context, RunStatus]] = []
            places: list[int | None] = []
            claimed = set(self._holder)
            for one in begins:
                status = self._status(one, claimed, [begin.workflow.name for begin, *_ in taken if _has(begin, one)])
                if status is None or len(self._playing) + len(taken) >= MAX_OPEN:
                    log.info("trigger dropped", extra={"workflow": one.workflow.name, "pane": one.trigger.pane_uid})
                    places.append(None)
                    continue
                places.append(len(taken))
                taken.append((one, _context(one), status))
            now_ms = self._clock.now_ms()
            new = [_new(one, context, status, now_ms) for one, context, status in taken]
            if not new and seen is None:
                return [None for _ in begins]
            idents = await self._write.begin(new, seen=seen)
            for ident, made, (one, context, status) in zip(idents, new, taken, strict=True):
                if ident is None:
                    continue
                entries = () if (first := made.first) is None else (Entry(first.number, first.at_ms, first.command),)
                run = Run(ident, one.workflow, context, one.mode, now_ms, one.workflow.version, entries)
                if status is RunStatus.WAITING:
                    self._waiting[run.pane_uid or ""].append(run)
                else:
                    self._start(run)
            # A claim of one whose key was known must not hold up those that came with it.
            for uid in claimed - set(self._holder):
                self._next_of(uid)
        return [None if place is None else idents[place] for place in places]

    def _status(self, one: Begin, claimed: set[str], beside: Sequence[str]) -> RunStatus | None:
        """None: dropped. *beside*: workflows that begin on the same pane just now."""
        uid = one.trigger.pane_uid
        if not (_may_type(one) and uid):
            return RunStatus.RUNNING
        if uid in claimed or self._waiting.get(uid):
            if one.workflow.when_busy is Busy.MERGE:
                holder = self.holder(uid)
                there = [run.workflow.name for run in self._waiting.get(uid, ())] + list(beside)
                there += [] if holder is None else [holder.run.workflow.name]
                return None if one.workflow.name in there else RunStatus.WAITING
            return None if one.workflow.when_busy is Busy.DROP else RunStatus.WAITING
        claimed.add(uid)
        return RunStatus.RUNNING

    def _start(self, run: Run) -> None:
        if run.has_lease:
            self._holder[run.pane_uid or ""] = run.id
        if run.opened_uid is not None:
            self._moved(run, run.opened_uid)
        driver = Driver(run, self._write, self._steps, self._clock, self._moved)
        task = tasks.spawn(self._play(driver), name=f"run {run.id} {run.workflow.name}")
        self._playing[run.id] = _Playing(driver, task)

    def _moved(self, run: Run, uid: str) -> None:
        """It has opened a pane, where nothing else can be under way yet, and has that one now."""
        if run.may_type:
            self._holder.setdefault(uid, run.id)

    async def _play(self, driver: Driver) -> None:
        run, ending = driver.run, None
        try:
            ending = await driver.play()
        except Exception as error:
            # A fault of one run must hold up neither its pane nor the others.
            log.exception("run failed", extra={"run": run.id, "workflow": run.workflow.name})
            ending = Ending("broken", f"{type(error).__name__}: {error}"[:400], failed=True)
            end = _end(self._clock.now_ms(), ending)
            await kept(lambda: self._write.end(run.id, end))
        finally:
            self._playing.pop(run.id, None)
            held = {run.pane_uid or "", driver.pane_uid or ""}
            for uid in held:
                if self._holder.get(uid) == run.id:
                    del self._holder[uid]
        if ending is not None:
            self._told(run, ending)
        for uid in held:
            self._next_of(uid)

    def _next_of(self, uid: str) -> None:
        """The pane is free: the next that waits for it."""
        if not self._waiting.get(uid) or uid in self._holder:
            return
        run = self._waiting[uid].popleft()
        if not self._waiting[uid]:
            del self._waiting[uid]
        # Held at once, so that nothing comes between.
        self._holder[uid] = run.id
        tasks.spawn(self._after_waiting(run, uid), name=f"run {run.id} after waiting")

    async def _after_waiting(self, run: Run, uid: str) -> None:
        now_ms = self._clock.now_ms()
        late_s = (now_ms - run.context.trigger.at_ms) / 1000
        try:
            if late_s > run.workflow.max_age_s:
                end = _end(now_ms, Ending("too_late", f"the pane was busy for {late_s:.0f} s"))
                await kept(lambda: self._write.end(run.id, end))
            elif await kept(lambda: self._write.mark(run.id, RunStatus.RUNNING.value, now_ms)):
                self._start(run)
                return
        finally:
            if run.id not in self._playing and self._holder.get(uid) == run.id:
                del self._holder[uid]
        self._next_of(uid)

    # -- after a restart --------------------------------------------------------------------------------------------

    async def take_up(self, workflows: Callable[[str], Workflow | None]) -> int:
        """What an earlier sidecar began and did not end; how many go on."""
        for record in await self._read.open():
            workflow = workflows(record.workflow)
            if record.mode == Mode.DRY:
                await self._give_up(record, Ending("interrupted", "the sidecar ended", failed=True))
                continue
            if workflow is None:
                await self._give_up(record, Ending("no_such_workflow", f"{record.workflow} is gone", failed=True))
                continue
            try:
                context = context_of(record.context)
            except UnreadableError as error:
                await self._give_up(record, Ending("journal_misfit", str(error), failed=True))
                continue
            entries = tuple(Entry(*step) for step in await self._read.steps(record.id))
            mode = Mode(record.mode)
            run = Run(record.id, workflow, context, mode, record.started_ms, record.version, entries)
            if record.status == RunStatus.WAITING or (run.has_lease and run.pane_uid in self._holder):
                self._waiting[run.pane_uid or ""].append(run)
            else:
                self._start(run)
        for uid in list(self._waiting):
            self._next_of(uid)
        return len(self._playing)

    async def _give_up(self, record: RunRecord, ending: Ending) -> None:
        log.warning("run given up", extra={"run": record.id, "workflow": record.workflow, "outcome": ending.outcome})
        await self._write.end(record.id, _end(self._clock.now_ms(), ending))

    # -- ending -----------------------------------------------------------------------------------------------------

    async def abort(self, runs: Iterable[int], why: str) -> list[int]:
        """End these before their next command; what is being typed comes to its own end first. Those that were under way."""
        wanted = set(runs)
        ended: list[int] = []
        for uid in list(self._waiting):
            for run in [run for run in self._waiting[uid] if run.id in wanted]:
                self._waiting[uid].remove(run)
                await self._write.end(run.id, _end(self._clock.now_ms(), Ending("aborted", why), RunStatus.ABORTED))
                ended.append(run.id)
            if not self._waiting[uid]:
                del self._waiting[uid]
        for ident in sorted(wanted & set(self._playing)):
            playing = self._playing[ident]
            if playing.driver.abort(why):
                await tasks.cancel([playing.task])
                if playing.driver.ending is None:
                    await playing.driver.aborted()
                for uid in {playing.driver.run.pane_uid or "", playing.driver.pane_uid or ""}:
                    self._next_of(uid)
            else:
                await asyncio.wait([playing.task])
            ended.append(ident)
        return ended

    async def ended(self, run: int) -> None:
        """Returns once it is not under way."""
        if (playing := self._playing.get(run)) is not None:
            await asyncio.wait([playing.task])

    async def close(self) -> None:
        """The sidecar ends: what is under way goes on with the next one."""
        await tasks.cancel([playing.task for playing in list(self._playing.values())])


def _has(begin: Begin, other: Begin) -> bool:
    """Whether *begin* is to have, or to wait for, the pane of *other*."""
    return _may_type(begin) and begin.trigger.pane_uid == other.trigger.pane_uid


def _may_type(begin: Begin) -> bool:
    """Into the pane that it begins with: one that ended with its mux takes nothing any more."""
    return begin.mode is Mode.LIVE and takes_lease(begin.workflow) and begin.trigger.event != MUX_RESTARTED


def _end(at_ms: int, ending: Ending, status: RunStatus | None = None) -> End:
    status = status or (RunStatus.FAILED if ending.failed else RunStatus.DONE)
    return End(at_ms, status.value, ending.outcome, ending.detail)


def _context(one: Begin) -> Context:
    """As it will be read back: a replay must get the same."""
    seed = int.from_bytes(hashlib.sha256(f"{one.workflow.name}:{one.trigger.key}".encode()).digest()[:6])
    context = Context(one.trigger, one.workflow.settings, one.profile, seed)
    return context_of(clean_json(context_json(context)))


def _new(one: Begin, context: Context, status: RunStatus, now_ms: int) -> NewRun:
    return NewRun(
        workflow=one.workflow.name,
        version=one.workflow.version,
        pane_uid=one.trigger.pane_uid or None,
        key=f"{one.workflow.name}:{one.trigger.key}",
        context=context_json(context),
        mode=one.mode.value,
        status=status.value,
        started_ms=now_ms,
        first=first_step(one.workflow, context, now_ms) if status is RunStatus.RUNNING else None,
    )
