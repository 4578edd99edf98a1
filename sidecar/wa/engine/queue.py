"""Texts that wait for an agent to be idle: kept over a restart, sent in their order, one at a time, and never twice.

An attempt that types nothing (the agent began to work, a person came) leaves the text waiting; any other ends it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from wa.decide.policy import sign_age_s
from wa.engine.desk import Desk
from wa.engine.desk_seams import UNWRITTEN, Persons
from wa.engine.desk_words import MAY_WAIT, acted_of
from wa.engine.hub import Hub, Kind, Subscription
from wa.engine.open_intents import QUEUE_KEY
from wa.engine.pane import WatchedPane
from wa.engine.registry import Registry
from wa.model.action import DONE, Acted, Action, ActionKind, Actor, ActorKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.clock import Clock
from wa.model.errors import NotFound, Refused, StoreError
from wa.store.acting_records import QueuedRecord

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""While something waits: a person who goes away announces nothing."""
CALM_S = 1.0
"""A state must have lasted so long: between two steps of a turn some agents look idle for a moment."""
AFTER_SENDING_S = 5.0
"""So long after a text was sent an idle state that is older than it is not believed."""
FIRST_RETRY_S = 2.0
LAST_RETRY_S = 60.0
"""After an attempt that came too early, the next; each attempt is written down, so they become rare."""
NOT_YET = MAY_WAIT | {ActOutcome.UNREACHABLE, ActOutcome.NO_COMPOSER, ActOutcome.ASKED}


class Queue:
    def __init__(self, desk: Desk, registry: Registry, persons: Persons, hub: Hub, clock: Clock) -> None:
        self._desk = desk
        self._registry = registry
        self._persons = persons
        self._hub = hub
        self._clock = clock
        self._stir = asyncio.Event()
        self._waits = False
        """Whether anything waited at the last look: with nothing, nobody needs to look again by the clock."""
        self._sending: set[int] = set()
        self._again_s: dict[int, tuple[float, float]] = {}
        """Number → not before, by the loop's clock, and how long was waited."""
        self._sent_ms: dict[str, int] = {}
        desk.queued = self._stir.set

    async def run(self) -> None:
        """Until cancelled."""
        subscription = Subscription([Kind.STATE, Kind.PANE], None, lambda _: self._stir.set())
        self._stir.set()
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S if self._waits else None):
                        await self._stir.wait()
                self._stir.clear()
                waited = self._waits
                try:
                    self._waits = await self.drain()
                except StoreError as error:
                    log.warning("queue not read", extra={"reason": error.message})
                    self._waits = True
                except Exception:
                    # One text that makes trouble must not hold up the others for good.
                    log.exception("queue failed")
                    self._waits = True
                # Only while something waits: whoever listens has every pane read at once.
                if self._waits and not waited:
                    self._hub.add(subscription)
                    self._stir.set()
                elif waited and not self._waits:
                    self._hub.remove(subscription)
        finally:
            self._hub.remove(subscription)

    async def drain(self) -> bool:
        """Sends what may be sent now: the first of each pane. Whether anything waits still. Raises StoreError."""
        await self._desk.store.expire(self._clock.now_ms())
        first: dict[str, QueuedRecord] = {}
        for item in await self._desk.store.waiting():
            first.setdefault(item.pane_uid, item)
        now_s = asyncio.get_running_loop().time()
        due = [item for item in first.values() if self._again_s.get(item.id, (0.0, 0.0))[0] <= now_s]
        ready = [(item, pane) for item in due if (pane := self._ready(item)) is not None]
        # Panes do not wait for each other.
        await asyncio.gather(*(self._send(item, pane) for item, pane in ready))
        if any(self._registry.get(uid) is None for uid in first):
            closed = await self._desk.store.closed_panes()
            await asyncio.gather(*(self._end(item) for uid, item in first.items() if uid in closed))
        return bool(first)

    async def cancel(self, ident: int) -> QueuedRecord:
        """Raises NotFound, Refused for one that waits no more or is being sent just now, StoreError."""
        if ident in self._sending:
            raise Refused(f"{ident} is being sent just now", next_step="`wa audit` tells what came of it.")
        return await self._desk.store.settle_queued(ident, "cancelled", detail="a person cancelled it")

    def _ready(self, item: QueuedRecord) -> WatchedPane | None:
        pane = self._registry.get(item.pane_uid)
        if pane is None or not pane.alive or not pane.started:
            return None
        known = pane.agent
        calm = self._clock.now_ms() - known.since_ms >= CALM_S * 1000
        if known.state is PaneState.IDLE and not calm:
            asyncio.get_running_loop().call_later(CALM_S, self._stir.set)
        sent_ms = self._sent_ms.get(pane.uid)
        if (
            sent_ms is not None
            and known.since_ms <= sent_ms
            and self._clock.now_ms() - sent_ms < AFTER_SENDING_S * 1000
        ):
            return None
        is_idle = known.state is PaneState.IDLE and calm and not known.draft and known.dialog is None
        held = self._desk.pauses.holding(pane.uid, known.agent)
        return pane if is_idle and held is None else None

    async def _send(self, item: QueuedRecord, pane: WatchedPane) -> None:
        await self._persons.poll(pane)
        age_s = sign_age_s(self._persons.sign(pane))
        if age_s is not None and age_s < self._desk.policy.human_quiet_s:
            return
        self._sending.add(item.id)
        try:
            # Whoever cancelled it before this moment did so in time.
            if item.id not in {one.id for one in await self._desk.store.waiting(item.pane_uid)}:
                return
            began_ms = self._clock.now_ms()
            acted = await self._attempt(item)
            if _is_not_yet(acted):
                self._put_off(item)
                return
            self._sent_ms[pane.uid] = began_ms
            await self._settle(item, acted)
        finally:
            self._sending.discard(item.id)

    async def _end(self, item: QueuedRecord) -> None:
        """The pane has closed for good."""
        self._sending.add(item.id)
        try:
            await self._settle(item, await self._attempt(item))
        finally:
            self._sending.discard(item.id)

    async def _settle(self, item: QueuedRecord, acted: Acted) -> None:
        self._again_s.pop(item.id, None)
        status = "sent" if acted.outcome in DONE else "failed"
        with suppress(NotFound, Refused):
            # It may have been forgotten, or cancelled, while it was sent.
            await self._desk.store.settle_queued(item.id, status, action=acted.action_id, detail=_told(acted))
        log.info("queued text ended", extra={"pane": item.pane_uid, "queued": item.id, "outcome": acted.outcome.value})

    async def _attempt(self, item: QueuedRecord) -> Acted:
        """Under the key of the attempt that an earlier run left open, if it left one; what that one came to, if that was not noted here."""
        prefix, store = f"{QUEUE_KEY}{item.id}", self._desk.store
        newest = await store.newest_under(prefix)
        if newest is not None and newest.ended_ms is not None and not _is_not_yet(ended := acted_of(newest)):
            return ended
        key = f"{prefix}:{await store.ended_under(prefix)}"
        action = Action(ActionKind.SEND, text=item.text, submit=item.submit)
        actor = Actor(ActorKind(item.actor_kind), item.actor_name)
        return await self._desk.act(item.pane_uid, action, actor, key=key)

    def _put_off(self, item: QueuedRecord) -> None:
        _, waited_s = self._again_s.get(item.id, (0.0, 0.0))
        wait_s = min(max(FIRST_RETRY_S, 2 * waited_s), LAST_RETRY_S)
        self._again_s[item.id] = (asyncio.get_running_loop().time() + wait_s, wait_s)


def _is_not_yet(acted: Acted) -> bool:
    """Nothing was typed, and another moment may be better."""
    typed = acted.evidence.get("left") or acted.evidence.get("wrote")
    may_wait = acted.outcome in NOT_YET or acted.evidence.get("rule") == UNWRITTEN
    return may_wait and not typed


def _told(acted: Acted) -> str:
    return f"{acted.outcome.value}: {acted.detail}"
