"""All that acts, put together: hands, desk, queue, and the methods that ask for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from wa.config.settings import PolicySettings
from wa.decide.policy import Policy
from wa.engine import open_intents, tasks
from wa.engine.acting_methods import ActingMethods
from wa.engine.desk import Desk
from wa.engine.desk_eyes import HandsEyes
from wa.engine.desk_seams import MINUTE_MS, Bounds
from wa.engine.hands import Hands
from wa.engine.muxes import Muxes, watcher
from wa.engine.pane import WatchedPane
from wa.engine.pauses import Pauses
from wa.engine.presence import Presence
from wa.engine.queue import Queue
from wa.engine.session import MuxSession
from wa.engine.shared import Shared
from wa.store.acting import ActingStore
from wa.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Acting:
    hands: Hands
    desk: Desk
    presence: Presence
    methods: ActingMethods

    def use(self, settings: PolicySettings) -> None:
        """From now on: each action is judged anew right before it types."""
        self.desk.policy, self.desk.bounds = policy_of(settings), bounds_of(settings)


def policy_of(settings: PolicySettings) -> Policy:
    return Policy(
        rules=settings.rules,
        human_quiet_s=settings.human_quiet_s,
        pane_actions_per_hour=settings.pane_actions_per_hour,
        actions_per_minute=settings.actions_per_minute,
        pane_cooldown_s=settings.pane_cooldown_s,
    )


def bounds_of(settings: PolicySettings) -> Bounds:
    return Bounds(settings.ask_min * MINUTE_MS, settings.grant_min * MINUTE_MS, settings.queue_hours * 60 * MINUTE_MS)


@asynccontextmanager
async def acting(shared: Shared, muxes: Muxes, writer: Writer, settings: PolicySettings) -> AsyncIterator[Acting]:
    """Raises StoreError where the pauses of the last run cannot be read: without them nobody may act."""

    def session_if_any(pane: WatchedPane) -> MuxSession | None:
        return muxes.session_of(pane.pane_id, pane.mux.key)

    agents, clock, registry = shared.agents, shared.clock, shared.registry
    presence = Presence(session_if_any, clock)
    hands = Hands(partial(watcher, muxes), agents, clock, human=presence.sign, typed=presence.typed)
    store = ActingStore(writer)
    pauses = Pauses(store, clock)
    await pauses.load()
    eyes = HandsEyes(hands, presence.last_typed)
    desk = Desk(
        registry, hands, eyes, presence, store, pauses, clock, policy=policy_of(settings), bounds=bounds_of(settings)
    )
    queue = Queue(desk, registry, presence, shared.hub, clock)
    methods = ActingMethods(desk, queue, registry, clock, lambda: [] if agents is None else agents.agents.packs)
    if agents is not None:
        agents.composers = presence
    running: list[asyncio.Task[Any]] = [
        open_intents.settle_soon(store, registry, hands, clock, desk.is_under_way),
        tasks.spawn(queue.run(), name="queue"),
    ]
    try:
        yield Acting(hands, desk, presence, methods)
    finally:
        await tasks.cancel(running)
        await desk.close()
