"""What a killed sidecar left in the middle and nobody will take up again: looked at, and written to its end. Nothing is typed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from wa.act.composing import ENDED
from wa.engine import tasks
from wa.engine.desk_seams import Hands
from wa.engine.pane import WatchedPane
from wa.engine.registry import Registry
from wa.model.action import Acted, ActOutcome, Stage
from wa.model.agent import PaneState
from wa.model.clock import Clock
from wa.model.errors import NotFound, StoreError, WaError
from wa.model.sight import Sight
from wa.store.acting import ActingStore
from wa.store.acting_records import ActionRecord

log = logging.getLogger(__name__)

T = TypeVar("T")

SEEN_WITHIN_S = 30.0
"""So long after the start a pane may take to be watched again."""
LOOK_EVERY_S = 0.2
RETRY_S = 1.0
LEFT_EVERY_S = 5.0
BUSY = frozenset({PaneState.WORKING, PaneState.COMPACTING, PaneState.STARTING})
QUEUE_KEY = "queue:"


async def settle(
    store: ActingStore,
    registry: Registry,
    hands: Hands,
    clock: Clock,
    under_way: Callable[[str], bool] = lambda _: False,
) -> int:
    """How many were settled. Those of a run under way, and of a text that waits, are left to those who come again with their keys;
    and those whose keys are *under_way* again already.
    """
    waiting = {f"{QUEUE_KEY}{one.id}" for one in await _at_last(store.waiting)}
    settled = 0
    for record in await _at_last(store.open_actions):
        if record.key.rpartition(":")[0] in waiting:
            continue
        if record.run is not None and await _at_last(partial(store.run_mode, record.run)) is not None:
            continue
        settled += await _settle(record, store, registry, hands, clock, under_way)
    return settled


async def settle_left(
    store: ActingStore, registry: Registry, hands: Hands, clock: Clock, under_way: Callable[[str], bool]
) -> None:
    """Those of texts that wait, once the agent has left the pane: the text may wait a day for it to come back."""
    while open_now := await _typed_for_the_queue(store):
        for record in open_now:
            if await _was_left(record, registry, hands):
                await _settle(record, store, registry, hands, clock, under_way)
        await asyncio.sleep(LEFT_EVERY_S)


async def _typed_for_the_queue(store: ActingStore) -> list[ActionRecord]:
    found = await _at_last(store.open_actions)
    return [one for one in found if one.key.startswith(QUEUE_KEY) and one.stage != Stage.DECIDED]


async def _settle(
    record: ActionRecord,
    store: ActingStore,
    registry: Registry,
    hands: Hands,
    clock: Clock,
    under_way: Callable[[str], bool],
) -> bool:
    if under_way(record.key):
        return False
    acted = await _found(record, registry, hands)
    if under_way(record.key):
        return False
    try:
        await _at_last(partial(store.end, record.id, acted, clock.now_ms()))
    except NotFound:
        # Forgotten meanwhile.
        return False
    log.info("open action settled", extra={"action": record.id, "outcome": acted.outcome.value})
    return True


async def _at_last(ask: Callable[[], Awaitable[T]]) -> T:
    """A database that does not answer is asked again."""
    while True:
        try:
            return await ask()
        except StoreError as error:
            log.warning("open actions not settled yet", extra={"reason": error.message})
            await asyncio.sleep(RETRY_S)


async def _was_left(record: ActionRecord, registry: Registry, hands: Hands) -> bool:
    pane = registry.get(record.pane_uid or "")
    if pane is None or not pane.started or not pane.alive:
        return False
    try:
        return (await hands.look(pane)).state in ENDED
    except WaError:
        return False


async def _found(record: ActionRecord, registry: Registry, hands: Hands) -> Acted:
    evidence: dict[str, Any] = {"stage": record.stage, "rule": "restart"}
    if record.stage == Stage.DECIDED:
        return Acted(ActOutcome.INTERRUPTED, "The sidecar ended before anything was typed.", evidence)
    pane = await _watched(record.pane_uid or "", registry)
    if pane is None:
        return Acted(
            ActOutcome.INTERRUPTED, "The sidecar ended in the middle, and the pane was not seen again.", evidence
        )
    try:
        sight = await hands.look(pane)
    except WaError as error:
        return Acted(ActOutcome.INTERRUPTED, f"The sidecar ended in the middle; then: {error.message}", evidence)
    return judged(record, sight, evidence)


def judged(record: ActionRecord, sight: Sight, evidence: dict[str, Any]) -> Acted:
    """By the table of docs/topics/acting.md, without typing."""
    seen = {**evidence, "state": sight.state.value}
    if not sight.alive:
        return Acted(ActOutcome.PANE_GONE, "The sidecar ended in the middle, and the pane closed.", seen)
    if stands(str(record.what.get("text", "")), sight):
        return Acted(
            ActOutcome.INTERRUPTED,
            "The sidecar ended in the middle; the text stands in the composer, and was not submitted.",
            {**seen, "left": True},
        )
    if record.stage == Stage.SUBMITTING and record.kind in ("send", "run") and sight.state in BUSY:
        return Acted(ActOutcome.SUBMITTED, "The sidecar ended after the carriage return, and the agent works.", seen)
    what = "which keys arrived" if record.stage == Stage.TYPING else "whether it was taken"
    return Acted(ActOutcome.INTERRUPTED, f"The sidecar ended in the middle; {what} is not known.", seen)


def stands(text: str, sight: Sight) -> bool:
    """Whether the text is what stands in the composer, blanks aside."""
    wanted, found = ("".join(one.split()) for one in (text, sight.draft or ""))
    return bool(wanted) and wanted == found


async def _watched(uid: str, registry: Registry) -> WatchedPane | None:
    give_up = asyncio.get_running_loop().time() + SEEN_WITHIN_S
    while True:
        pane = registry.get(uid)
        if pane is not None and (pane.started or not pane.alive or pane.excluded):
            return pane
        if asyncio.get_running_loop().time() >= give_up:
            return None
        await asyncio.sleep(LOOK_EVERY_S)


def settle_soon(
    store: ActingStore, registry: Registry, hands: Hands, clock: Clock, under_way: Callable[[str], bool]
) -> asyncio.Task[None]:
    """Beside everything else; to be cancelled with the sidecar."""

    async def both() -> None:
        await settle(store, registry, hands, clock, under_way)
        await settle_left(store, registry, hands, clock, under_way)

    return tasks.spawn(both(), name="settle open actions")
