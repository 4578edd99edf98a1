"""One run, from its first command or from where its journal ends, to its ending.

Each command is in the database before it is carried out, and its reply before the next one is: whatever kills the sidecar, the next one
finds the command that may be under way, and takes it up under the same key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from wa.act.journal import Entry
from wa.act.runner import Asked, Next, Player
from wa.act.workflow import Context, Workflow
from wa.engine.run_steps import Order, Steps, due
from wa.model.action import ActOutcome
from wa.model.clock import Clock
from wa.model.command import MUX_RESTARTED, Act, Did, Ending, Open, Opened, Park, Reply, RunStatus, Woke
from wa.model.errors import StoreError
from wa.store import run_records as records
from wa.store.run_records import clean_json

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_S = 1.0
PRETEND_STEPS = 60
"""So much of a workflow at most is played through without typing."""


class Mode(StrEnum):
    LIVE = "live"
    OBSERVE = "observe"
    """Nobody turned the workflow on: it looks and waits as if it were, up to the first thing that it would type."""
    DRY = "dry"
    """Asked for by a person: played through at once."""


class Journal(Protocol):
    """The RunWriter, as far as a run needs it."""

    async def go_on(
        self, run: int, *, reply: records.Reply | None = None, step: records.Step | None = None
    ) -> bool: ...
    async def end(self, run: int, end: records.End, *, reply: records.Reply | None = None) -> bool: ...


@dataclass(frozen=True, slots=True)
class Run:
    """What stays the same while it is played."""

    id: int
    workflow: Workflow
    context: Context
    mode: Mode
    began_ms: int
    version: str
    """Of the workflow that began it."""
    entries: tuple[Entry, ...] = ()

    @property
    def pane_uid(self) -> str | None:
        return self.context.trigger.pane_uid or None

    @property
    def has_lease(self) -> bool:
        """It may type, so that nothing else of its kind may run in its pane."""
        return self.may_type and self.pane_uid is not None and self.context.trigger.event != MUX_RESTARTED

    @property
    def may_type(self) -> bool:
        return takes_lease(self.workflow) and self.mode is Mode.LIVE

    @property
    def opened_uid(self) -> str | None:
        """The pane that it had opened, by its journal so far."""
        replies = [entry.reply for entry in self.entries if entry.reply is not None]
        opened = [reply.get("pane_uid") for reply in replies if reply.get("kind") == Opened.__name__]
        return next((str(uid) for uid in reversed(opened) if uid), None)


def takes_lease(workflow: Workflow) -> bool:
    """What is on without being turned on types nothing."""
    return workflow.lease and not workflow.default_enabled


class GoneError(Exception):
    """The run was forgotten, or ended by somebody else."""


class Driver:
    def __init__(
        self,
        run: Run,
        journal: Journal,
        steps: Steps,
        clock: Clock,
        moved: Callable[[Run, str], None] = lambda _run, _uid: None,
    ) -> None:
        """*moved* is told of the pane that it opened, before anything is done there."""
        self.run = run
        self.pane_uid = run.opened_uid or run.pane_uid
        """Where it acts."""
        self._moved = moved
        self.ending: Ending | None = None
        self.status = RunStatus.RUNNING
        self.step = "begins"
        """What it does just now, for people."""
        self._journal = journal
        self._steps = steps
        self._clock = clock
        self._player = Player(run.workflow, run.context, clean=clean_json)
        self._since_ms = min(run.began_ms, run.context.trigger.at_ms)
        self._asked_ms = run.began_ms
        self._pretended_ms: int | None = None
        self._planned: set[str] = set()
        self._typing = False
        self._abort: str | None = None

    async def play(self) -> Ending | None:
        """To its ending; None where the run was forgotten."""
        try:
            return await self._to_the_end()
        except GoneError:
            return None
        finally:
            self._player.close()

    def abort(self, why: str) -> bool:
        """End it before its next command. Whether it may be cancelled now: nothing is being typed."""
        self._abort = why
        return not self._typing

    async def aborted(self) -> None:
        """Write down that it was ended; called after its task was cancelled."""
        with suppress(GoneError):
            await self._end(Ending("aborted", self._abort or ""), None, RunStatus.ABORTED)

    # -- playing ----------------------------------------------------------------------------------------------------

    async def _to_the_end(self) -> Ending:
        now = self._begin(self.run.entries)
        if self.run.mode is Mode.DRY:
            self._pretended_ms = self._clock.now_ms()
        reply: records.Reply | None = None
        while isinstance(now, Asked):
            if self._abort is not None:
                return await self._end(Ending("aborted", self._abort), reply, RunStatus.ABORTED)
            order = await self._write(now, reply)
            answered = await self._carry_out(order)
            if isinstance(answered, Opened) and answered.pane_uid is not None:
                self.pane_uid = answered.pane_uid
                self._moved(self.run, answered.pane_uid)
            reply = records.Reply(now.number, self._clock.now_ms(), self._player.cleaned_reply(answered))
            self._since_ms = self._asked_ms if isinstance(order.command, Act) else reply.at_ms
            if (enough := self._pretend(order, answered)) is not None:
                return await self._end(enough, reply, RunStatus.OBSERVED)
            now = self._player.answer(answered)
        return await self._end(now, reply, None)

    def _begin(self, entries: Sequence[Entry]) -> Next:
        for entry in entries:
            if entry.replied_ms is not None:
                self._since_ms = entry.at_ms if entry.command.get("kind") == Act.__name__ else entry.replied_ms
            self._asked_ms = entry.at_ms
            if entry.reply is not None and self.run.mode is not Mode.LIVE and entry.reply.get("outcome") == "planned":
                self._pretended_ms = entry.replied_ms
        return self._player.begin(entries, version=self.run.version)

    async def _write(self, asked: Asked, reply: records.Reply | None) -> Order:
        """The command, with the reply to the one before, is in the database once this returns."""
        if not asked.recorded:
            self._asked_ms = self._clock.now_ms()
        run = self.run
        order = Order(
            run=run.id,
            number=asked.number,
            command=asked.command,
            workflow=run.workflow.name,
            seed=run.context.seed,
            pane_uid=self.pane_uid,
            asked_ms=self._asked_ms,
            since_ms=self._since_ms,
            but_event=run.context.trigger.event_id,
            taken_up=asked.recorded,
            plan=run.mode is not Mode.LIVE,
            pretended_ms=self._pretended_ms,
        )
        wake_ms = wakes(asked, run.context.seed, self._asked_ms)
        self.status = RunStatus.RUNNING if wake_ms is None else RunStatus.PARKED
        self.step = type(asked.command).__name__
        if not asked.recorded:
            step = _step(self._player, asked, run.context.seed, self._asked_ms)
            if not await kept(lambda: self._journal.go_on(run.id, reply=reply, step=step)):
                raise GoneError
        return order

    async def _carry_out(self, order: Order) -> Reply:
        self._typing = isinstance(order.command, Act | Open)
        try:
            return await self._steps.carry_out(order)
        finally:
            self._typing = False

    def _pretend(self, order: Order, answered: Reply) -> Ending | None:
        """From the first thing on that would have been typed, the pane is no longer as the workflow believes: the rest is played as if."""
        if self.run.mode is Mode.LIVE:
            return None
        if isinstance(answered, Woke) and self._pretended_ms is not None:
            self._pretended_ms = max(self._pretended_ms, answered.at_ms)
        if isinstance(answered, Did) and isinstance(order.command, Act):
            if answered.outcome is ActOutcome.PLANNED and self._pretended_ms is None:
                self._pretended_ms = self._clock.now_ms()
            fingerprint = order.command.action.fingerprint
            if fingerprint in self._planned:
                return Ending("observed", "it would go on trying the same")
            self._planned.add(fingerprint)
        if self._pretended_ms is not None and order.number >= PRETEND_STEPS:
            return Ending("observed", f"only its first {PRETEND_STEPS} steps were played")
        return None

    async def _end(self, ending: Ending, reply: records.Reply | None, status: RunStatus | None) -> Ending:
        if status is None:
            status = RunStatus.FAILED if ending.failed else RunStatus.DONE
            if self.run.mode is not Mode.LIVE and not ending.failed:
                status = RunStatus.OBSERVED
        self.ending, self.status = ending, status
        end = records.End(self._clock.now_ms(), status.value, ending.outcome, ending.detail)
        if not await kept(lambda: self._journal.end(self.run.id, end, reply=reply)):
            raise GoneError
        log.info(
            "run ended",
            extra={
                "run": self.run.id,
                "workflow": self.run.workflow.name,
                "pane": self.pane_uid,
                "mode": self.run.mode.value,
                "outcome": ending.outcome,
            },
        )
        return ending


async def kept(write: Callable[[], Awaitable[T]]) -> T:
    """Nothing goes on before it is written down: a database that takes nothing holds the run up."""
    while True:
        try:
            return await write()
        except StoreError as error:
            log.warning("run held up: the journal is not written", extra={"reason": error.message})
            await asyncio.sleep(RETRY_S)


def first_step(workflow: Workflow, context: Context, now_ms: int) -> records.Step | None:
    """What a run that begins now asks first; None where it ends, or fails, before it asks for anything."""
    player = Player(workflow, context, clean=clean_json)
    asked = player.begin()
    player.close()
    return _step(player, asked, context.seed, now_ms) if isinstance(asked, Asked) else None


def _step(player: Player, asked: Asked, seed: int, now_ms: int) -> records.Step:
    wake_ms = wakes(asked, seed, now_ms)
    status = RunStatus.RUNNING if wake_ms is None else RunStatus.PARKED
    return records.Step(asked.number, now_ms, player.cleaned(asked.command), status.value, wake_ms)


def wakes(asked: Asked, seed: int, asked_ms: int) -> int | None:
    return due(asked.command, seed, asked.number, asked_ms) if isinstance(asked.command, Park) else None
