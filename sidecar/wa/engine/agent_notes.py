"""What the agents' panes want remembered, on its way to the database: in order, bounded, and again when it was refused."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

from wa.detect.session_ops import Operation
from wa.model.errors import NotFound, StoreError
from wa.store.agent_records import AgentBatch

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
"""Batches that wait for the database; when there are more, the oldest are given up and counted."""
AT_ONCE = 500


class EventStore(Protocol):
    async def agent_events(self, batches: Sequence[AgentBatch]) -> None: ...


class AgentNotes:
    """A batch that was handed over twice changes nothing the second time, so a save may be broken off anywhere."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._waiting: deque[AgentBatch] = deque()
        self._saving = asyncio.Lock()
        self.wanted = asyncio.Event()
        """Something waits."""
        self.given_up = 0
        self.saved: Callable[[], None] = lambda: None
        """Told when something was stored."""
        self.trouble: StoreError | None = None
        """Why the database took nothing the last time."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, pane_uid: str, operations: Sequence[Operation]) -> None:
        if not operations:
            return
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self.given_up += 1
        self._waiting.append(AgentBatch(pane_uid, tuple(operations)))
        self.wanted.set()

    async def save(self) -> bool:
        """Whether all that waited is in the database."""
        async with self._saving:
            while self._waiting:
                batches = list(islice(self._waiting, AT_ONCE))
                try:
                    await self._store_all(batches)
                except StoreError as error:
                    if self.trouble is None:
                        log.warning("events not stored", extra={"batches": len(self), "reason": error.message})
                    self.trouble = error
                    return False
                # The oldest may have been given up meanwhile.
                done = set(map(id, batches))
                while self._waiting and id(self._waiting[0]) in done:
                    self._waiting.popleft()
                self.saved()
            self.trouble = None
            self.wanted.clear()
            return True

    async def _store_all(self, batches: Sequence[AgentBatch]) -> None:
        try:
            await self._store.agent_events(batches)
        except NotFound:
            # A pane was forgotten while this waited; what belongs to others is not lost with it.
            for batch in batches:
                try:
                    await self._store.agent_events([batch])
                except NotFound:
                    log.info("events of a forgotten pane dropped", extra={"pane": batch.pane_uid})
