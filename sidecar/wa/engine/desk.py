"""The one way to a pane: decided first, written down, done by the hands, and what came of it written down too.

An action of a workflow goes on when whoever waits for it goes away: half a text is worse than a whole one. A person's is
broken off, as Ctrl-C means it. Two calls with one key are one action. What a killed sidecar left open is taken up by its
key, or settled without typing.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from wa.decide.never import SHELLS
from wa.decide.policy import GRANTED, Policy, decide
from wa.engine import desk_words as words
from wa.engine import tasks
from wa.engine.desk_judge import judged
from wa.engine.desk_seams import UNWRITTEN, Bounds, Eyes, Hands, Order, Persons, TooSoonError
from wa.engine.desk_words import Judged
from wa.engine.owed import Owed
from wa.engine.pane import WatchedPane
from wa.engine.pauses import Pauses
from wa.engine.registry import Registry
from wa.model.action import (
    Acted,
    Action,
    ActionKind,
    Actor,
    ActorKind,
    ActOutcome,
    Allow,
    Ask,
    Decision,
    Deny,
    Ledger,
    PaneView,
    Stage,
    WhileBusy,
)
from wa.model.clock import Clock
from wa.model.errors import NotFound, Refused, StoreError, TerminalUnreachable, WaError
from wa.model.sight import Sight
from wa.store.acting import ActingStore
from wa.store.acting_records import ActionRecord, GrantRecord, Intent, QueuedRecord

log = logging.getLogger(__name__)

T = TypeVar("T")

COOL_WITHIN_S = 10.0
"""A cooldown that is over so soon is waited for; one action later is better than none."""
COOL_TRIES = 3
AGAIN_WITHIN_S = 30.0
"""So long may a pane take to be watched again, when an action that a killed sidecar left open is taken up."""
AGAIN_EVERY_S = 0.2


class Desk:
    def __init__(
        self,
        registry: Registry,
        hands: Hands,
        eyes: Eyes,
        persons: Persons,
        store: ActingStore,
        pauses: Pauses,
        clock: Clock,
        *,
        policy: Policy = Policy(),  # noqa: B008 - immutable
        bounds: Bounds = Bounds(),  # noqa: B008 - immutable
    ) -> None:
        self.policy = policy
        self.bounds = bounds
        self.pauses = pauses
        self.store = store
        self.queued: Callable[[], None] = lambda: None
        """Told when a text was queued."""
        self.answered: Callable[[str], None] = lambda _: None
        """Told of the pane whose question a person has answered."""
        self._registry = registry
        self._hands = hands
        self._eyes = eyes
        self._persons = persons
        self._clock = clock
        self._running: dict[str, asyncio.Task[Acted]] = {}
        self._at_pane: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._closing = False
        self._owed = Owed()
        self._counting = asyncio.Lock()
        """Between reading the ledger and writing the intent that it will count."""

    # -- acting -----------------------------------------------------------------------------------------------------

    async def act(
        self,
        pane_uid: str,
        action: Action,
        actor: Actor,
        *,
        key: str = "",
        dry_run: bool = False,
        run: int | None = None,
        step: int | None = None,
    ) -> Acted:
        """Never raises for what a pane, a policy or the database says: that is an outcome.

        A *key* that is known answers with what came of it. A workflow acts in a run that is live; in any other it plans.
        """
        key = key or f"{actor.kind.value}:{uuid.uuid4().hex}"
        while True:
            task = self._running.get(key)
            if task is None:
                order = Order(pane_uid, action, actor, key, dry_run, run, step)
                task = tasks.spawn(self._act(order), name=f"{action.kind.value} {pane_uid}")
                self._running[key] = task
                task.add_done_callback(lambda _: self._running.pop(key, None))
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                me = asyncio.current_task()
                if not self._closing and task.cancelled() and me is not None and not me.cancelling():
                    # Another who waited for it has broken it off: what came of it is on record.
                    continue
                if actor.kind is not ActorKind.WORKFLOW:
                    task.cancel()
                raise

    def is_under_way(self, key: str) -> bool:
        return key in self._running

    async def close(self) -> None:
        """Breaks off what is under way; the next run takes it up."""
        self._closing = True
        await tasks.cancel(list(self._running.values()))
        await self._owed.close()

    async def beside(self, pane: WatchedPane | None, action: Action, actor: Actor, do: Callable[[], Awaitable[T]]) -> T:
        """A spawn or a kill: decided and written down like the rest, done by *do*. Raises Refused, and what *do* raises."""
        uid = "" if pane is None else pane.uid
        view = None
        if pane is not None:
            excluded = pane.excluded is not None
            view = PaneView(alive=pane.alive, excluded=excluded, started_by_wa=pane.started_by_wa, uid=uid)
        decision = decide(action, actor, view, self.policy)
        order = Order(uid, action, actor, f"{actor.kind.value}:{uuid.uuid4().hex}", False, None, None)
        record, _ = await self.store.begin(words.intent_of(order, decision, self._clock.now_ms()))
        if not isinstance(decision, Allow):
            step = decision.next_step if isinstance(decision, Deny) else "A person must agree first."
            await self._end(record, Acted(ActOutcome.REFUSED, words.sentence(decision.reason), {"rule": decision.rule}))
            raise Refused(decision.reason, next_step=step)
        try:
            done = await do()
        except WaError as error:
            await self._end(record, Acted(words.outcome_of(error), error.message))
            raise
        await self._end(record, Acted(ActOutcome.PRESSED, f"The mux took it: {action.kind.value}."))
        return done

    async def judge(self, pane_uid: str, action: Action, actor: Actor) -> Judged:
        """What would be decided now; nothing is written down. Raises NotFound, TerminalUnreachable, StoreError."""
        pane = self._registry.find(pane_uid)
        await self._persons.poll(pane)
        sight = await self._hands.look(pane)
        ledger, _ = await self.store.ledger(pane.uid, action, self._clock.now_ms())
        return self._judge(pane, sight, action, actor, ledger)

    async def _act(self, order: Order) -> Acted:
        if (owed := self._owed.of(order.key)) is not None:
            return owed
        known: ActionRecord | None = None
        expected = self._agent_of(order.pane_uid)
        try:
            known = await self.store.by_key(order.key)
            if known is not None and known.ended_ms is not None:
                return words.acted_of(known)
            pane = self._registry.get(order.pane_uid)
            if known is not None:
                pane = await self._watched_again(order.pane_uid)
            if pane is None or not pane.alive:
                return await self._without_pane(order, known)
            for tries in range(COOL_TRIES, -1, -1):
                lock = self._at_pane.setdefault(pane.uid, asyncio.Lock())
                try:
                    async with lock:
                        meant = expected if known is None else None
                        return await self._at(pane, order, known, meant, may_wait=tries > 0)
                except TooSoonError as soon:
                    # Not under the lock: a person's action goes between.
                    await asyncio.sleep(soon.wait_s)
            raise AssertionError("the last try does not wait")
        except asyncio.CancelledError:
            if not self._closing:
                await self._broken_off(order)
            raise
        except StoreError as error:
            log.warning("action not written down", extra={"pane": order.pane_uid, "reason": error.message})
            said = f"Nothing was typed, since it could not be written down: {error.message}"
            acted = Acted(ActOutcome.REFUSED, said, {"rule": UNWRITTEN, "next_step": error.next_step})
            if known is not None:
                acted = self._told(order, words.unlooked(acted, known), known)
            self._owed.add(order.key, acted, lambda: self._end_if_open(order.key, acted))
            return acted

    async def _end_if_open(self, key: str, acted: Acted) -> None:
        """The intent may be in the database all the same."""
        record = await self.store.by_key(key)
        if record is not None and record.ended_ms is None:
            await self.store.end(record.id, acted, self._clock.now_ms())

    async def _broken_off(self, order: Order) -> None:
        with suppress(StoreError):
            record = await self.store.by_key(order.key)
            if record is not None and record.ended_ms is None:
                left = {} if record.typed_ms is None else {"left": True}
                await self._end(record, Acted(ActOutcome.INTERRUPTED, "Whoever asked for it went away.", left))

    async def _watched_again(self, uid: str) -> WatchedPane | None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + AGAIN_WITHIN_S
        while True:
            pane = self._registry.get(uid)
            if (pane is not None and (pane.started or pane.excluded or not pane.alive)) or loop.time() >= give_up:
                return pane
            await asyncio.sleep(AGAIN_EVERY_S)

    async def _seen(self, pane: WatchedPane, known: ActionRecord | None) -> Sight:
        """What was begun is looked after for a while; what was not is not. Raises TerminalUnreachable."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + (0.0 if known is None else AGAIN_WITHIN_S)
        while True:
            try:
                return await self._hands.look(pane)
            except TerminalUnreachable:
                if loop.time() >= give_up:
                    raise
            await asyncio.sleep(AGAIN_EVERY_S)

    def _agent_of(self, pane_uid: str) -> str | None:
        """As was told last. Whoever asks for an action knows no other, however soon it comes to its pane."""
        pane = self._registry.get(pane_uid)
        return None if pane is None or pane.agent.state in SHELLS else pane.agent.agent

    async def _at(
        self, pane: WatchedPane, order: Order, known: ActionRecord | None, expected: str | None, *, may_wait: bool
    ) -> Acted:
        order = await self._mode(order)
        if order.action.kind in (ActionKind.SPAWN, ActionKind.KILL):
            return Acted(ActOutcome.REFUSED, f"{order.action.kind.value} is not done by typing.")
        if pane.excluded is not None:
            # It has no screen to be read, and needs none.
            blind = PaneView(alive=True, excluded=True, uid=pane.uid)
            judged = Judged(decide(order.action, order.actor, blind, self.policy), blind, order.action)
            intent = words.intent_of(order, judged.decision, self._clock.now_ms())
            return await self._refused(order, known or (await self.store.begin(intent))[0], intent, judged)
        try:
            await self._persons.poll(pane)
            sight = await self._seen(pane, known)
        except TerminalUnreachable as error:
            return await self._unseen(order, known, error)
        async with self._counting:
            now_ms = self._clock.now_ms()
            but = None if known is None else known.id
            ledger, grant = await self.store.ledger(pane.uid, order.action, now_ms, run=order.run, but=but)
            if known is not None and known.typed_ms is not None and known.rule == GRANTED:
                # The approval was used up when its first key was pressed.
                ledger, grant = ledger._replace(granted=True), None
            judged = self._judge(pane, sight, order.action, order.actor, ledger)
            is_allowed = isinstance(judged.decision, Allow)
            if is_allowed and expected is not None and words.is_for_another(order.action, sight, expected):
                judged = judged._replace(decision=words.ANOTHER)
            wait_s = words.cooldown_s(judged.decision, self.policy, ledger, now_ms)
            if may_wait and not order.dry_run and 0 < wait_s <= COOL_WITHIN_S:
                raise TooSoonError(wait_s)
            intent = words.intent_of(order, judged.decision, now_ms)
            record = known or (await self.store.begin(intent))[0]
        if known is not None:
            await self.store.redecide(record.id, *words.said(judged.decision))
        if not isinstance(judged.decision, Allow):
            return await self._refused(order, record, intent, judged)
        if known is None and order.action.while_busy is WhileBusy.QUEUE and await self.store.waiting(pane.uid):
            # It does not overtake those that came before it.
            behind = Acted(ActOutcome.BUSY, "Others wait for this pane already.")
            return await self._end(record, await self._or_queued(order, behind))
        if order.dry_run:
            # A workflow that observes is answered as if it had found its moment.
            of_workflow = order.actor.kind is ActorKind.WORKFLOW
            stopped = None if of_workflow else self._eyes.obstacle(pane, sight, order.action)
            return await self._end(record, stopped or words.planned(order.action, judged))
        return await self._perform(pane, order, record, intent, ledger, grant, words.agent_in(sight))

    async def _perform(
        self,
        pane: WatchedPane,
        order: Order,
        record: ActionRecord,
        intent: Intent,
        ledger: Ledger,
        grant: int | None,
        meant: str | None,
    ) -> Acted:
        """*meant*: the agent that was there when it was decided; keys and texts go to no other, nor to the shell after it."""
        last: list[Judged] = []
        used = begun = False

        def ask(sight: Sight, action: Action) -> Decision:
            judged = self._judge(pane, sight, action, order.actor, ledger, whole=order.action)
            if isinstance(judged.decision, Allow) and words.is_for_another(order.action, sight, meant):
                judged = judged._replace(decision=words.ANOTHER)
            last.append(judged)
            return judged.decision

        async def note(stage: Stage) -> None:
            nonlocal begun, used
            await self._persons.poll(pane)
            decided = last[-1].decision if last else None
            needs_grant = not used and isinstance(decided, Allow) and decided.rule == GRANTED
            await self.store.advance(
                record.id, stage, self._clock.now_ms(), grant=grant if needs_grant and grant is not None else None
            )
            begun, used = True, used or needs_grant

        try:
            acted = await self._hands.perform(pane, order.action, ask, note, Stage(record.stage))
        except StoreError as error:
            if not begun:
                raise
            said = f"It was broken off, since it could not be written down: {error.message}"
            acted = Acted(ActOutcome.INTERRUPTED, said, {"left": True, "next_step": error.next_step})
        except WaError as error:
            acted = Acted(words.outcome_of(error), error.message, {"next_step": error.next_step})
        except Exception as error:
            log.exception("action failed", extra={"pane": pane.uid, "kind": order.action.kind.value})
            acted = Acted(ActOutcome.INTERRUPTED, f"wa itself failed: {type(error).__name__}.", {"left": True})
        judged = last[-1] if last else None
        if judged is not None and not isinstance(judged.decision, Allow) and words.is_refusal(acted):
            with suppress(StoreError):
                await self.store.redecide(record.id, *words.said(judged.decision))
            return await self._refused(order, record, intent, judged, acted)
        return await self._end(record, self._told(order, await self._or_queued(order, acted), record))

    @staticmethod
    def _told(order: Order, acted: Acted, record: ActionRecord) -> Acted:
        if order.actor.kind is not ActorKind.WORKFLOW:
            return acted
        return words.for_a_workflow(order.action, acted, typed_before=record.typed_ms is not None)

    def _judge(
        self,
        pane: WatchedPane,
        sight: Sight,
        action: Action,
        actor: Actor,
        ledger: Ledger,
        *,
        whole: Action | None = None,
    ) -> Judged:
        """No await. *whole*: what it is a part of, where the hands ask for a part: an option on the way out of an agent."""
        paused = self.pauses.holding(pane.uid, sight.agent or sight.settled.agent)
        view = self._eyes.view(pane, sight, action, paused)
        resolved = self._eyes.resolve(pane, sight, action) if action.kind is ActionKind.CHOOSE else action
        return judged(action, resolved, actor, view, self.policy, ledger, self._clock.now_ms(), whole)

    # -- ends -------------------------------------------------------------------------------------------------------

    async def _mode(self, order: Order) -> Order:
        """A workflow types in a run that was turned on, and in no other."""
        if order.actor.kind is not ActorKind.WORKFLOW or order.dry_run:
            return order
        mode = None if order.run is None else await self.store.run_mode(order.run)
        return order if mode == "live" else order._replace(dry_run=True)

    async def _refused(
        self, order: Order, record: ActionRecord, intent: Intent, judged: Judged, acted: Acted | None = None
    ) -> Acted:
        found = words.refusal(judged, {} if acted is None else acted.evidence)
        if acted is None:
            found = words.unlooked(found, record)
        if isinstance(judged.decision, Ask):
            if order.dry_run:
                return await self._end(record, found)
            try:
                asked = await self._ask_person(intent, judged)
            except WaError as error:
                why = {**found.evidence, "next_step": error.next_step}
                return await self._end(record, Acted(ActOutcome.REFUSED, error.message, why))
            step = f"A person may approve it: `wa approve {asked.id}`."
            found = found._replace(evidence={**found.evidence, "approval": asked.id, "next_step": step})
        return await self._end(record, self._told(order, await self._or_queued(order, found), record))

    async def _ask_person(self, intent: Intent, judged: Judged) -> GrantRecord:
        expires_ms = self._clock.now_ms() + self.bounds.ask_ms
        asked = intent._replace(reason=judged.decision.reason)
        return await self.store.ask(asked, expires_ms, effects=judged.action.effects)

    async def _without_pane(self, order: Order, known: ActionRecord | None) -> Acted:
        gone = Acted(ActOutcome.PANE_GONE, f"{order.pane_uid} is gone, or not watched.", {"rule": "never.gone"})
        if known is not None:
            return await self._end(known, gone)
        decision = Deny("the pane is gone", "Run `wa panes` to see what lives.", "never.gone")
        try:
            record, _ = await self.store.begin(words.intent_of(order, decision, self._clock.now_ms()))
        except NotFound:
            return gone
        return await self._end(record, gone)

    async def _unseen(self, order: Order, known: ActionRecord | None, error: TerminalUnreachable) -> Acted:
        found = Acted(ActOutcome.UNREACHABLE, error.message, {"rule": "never.unseen", "next_step": error.next_step})
        if known is not None:
            return await self._end(known, self._told(order, words.unlooked(found, known), known))
        decision = Deny(error.message, error.next_step, "never.unseen")
        record, _ = await self.store.begin(words.intent_of(order, decision, self._clock.now_ms()))
        return await self._end(record, found)

    async def _or_queued(self, order: Order, acted: Acted) -> Acted:
        """A text that came at the wrong moment waits for a better one, where its actor wants that."""
        action, actor = order.action, order.actor
        if (
            action.kind is not ActionKind.SEND
            or action.while_busy is not WhileBusy.QUEUE
            or actor.kind is ActorKind.WORKFLOW
            or order.dry_run
            or not words.may_wait(acted)
        ):
            return acted
        try:
            waiting = await self.enqueue(order.pane_uid, action, actor, order.key)
        except WaError as error:
            return acted._replace(
                detail=f"{acted.detail} It was not queued: {error.message}",
                evidence={**acted.evidence, "next_step": error.next_step},
            )
        said = f"It waits until the agent is idle, as number {waiting.id}: `wa queue list`."
        return Acted(ActOutcome.QUEUED, said, {"queued": waiting.id, "was": acted.outcome.value})

    async def enqueue(self, pane_uid: str, action: Action, actor: Actor, key: str) -> QueuedRecord:
        """Raises NotToBeKept, Refused, NotFound, StoreError."""
        now_ms = self._clock.now_ms()
        about = (actor.kind.value, actor.name, action.text, action.submit, now_ms + self.bounds.queue_ms)
        waiting = await self.store.enqueue(QueuedRecord(0, pane_uid, key, now_ms, *about, "waiting", None, None))
        self.queued()
        return waiting

    async def _end(self, record: ActionRecord, acted: Acted) -> Acted:
        evidence: dict[str, Any] = {**acted.evidence}
        for name in ("seen_after_ms", "taken_after_ms"):
            if (value := getattr(acted, name)) is not None:
                evidence[name] = value
        ended = await self._end_for_sure(record, acted._replace(evidence=evidence))
        log.info(
            "action ended",
            extra={"pane": record.pane_uid, "kind": record.kind, "outcome": acted.outcome.value, "action": record.id},
        )
        return acted._replace(action_id=ended.id)

    async def _end_for_sure(self, record: ActionRecord, acted: Acted) -> ActionRecord:
        """What was done was done, also where the database takes no word of it just now."""
        at_ms = self._clock.now_ms()
        try:
            return await self.store.end(record.id, acted, at_ms)
        except StoreError as error:
            log.warning("outcome not written down yet", extra={"action": record.id, "reason": error.message})
            owed = acted._replace(action_id=record.id)
            self._owed.add(record.key, owed, lambda: self.store.end(record.id, acted, at_ms))
        except WaError as error:
            log.warning("outcome not written down", extra={"action": record.id, "reason": error.message})
        return record

    # -- approvals --------------------------------------------------------------------------------------------------

    async def settle_grant(self, ident: int, *, granted: bool) -> GrantRecord:
        """A person's yes or no. Raises NotFound, Refused, StoreError."""
        now_ms = self._clock.now_ms()
        expires_ms = now_ms + self.bounds.grant_ms
        settled = await self.store.settle_grant(ident, granted=granted, at_ms=now_ms, expires_ms=expires_ms)
        self.answered(settled.pane_uid)
        return settled

    async def approvals(self) -> list[GrantRecord]:
        return await self.store.grants(self._clock.now_ms())
