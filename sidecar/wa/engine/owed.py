"""Outcomes that the database would not take when they were known: written as soon as it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from wa.engine import tasks
from wa.model.action import Acted
from wa.model.errors import StoreError, WaError
from wa.store.acting_records import ActionRecord

log = logging.getLogger(__name__)

RETRY_S = 1.0
MAX_OWED = 1_000
"""What is beyond that the next run settles, as after a kill."""


class Owed:
    def __init__(self) -> None:
        self._acted: dict[str, Acted] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, key: str) -> Acted | None:
        """What came of the action, where the database does not know it yet."""
        return self._acted.get(key)

    def add(self, record: ActionRecord, acted: Acted, write: Callable[[], Awaitable[object]]) -> None:
        """*write* raises StoreError while nothing can be written, and another WaError where it never can."""
        if record.key in self._acted or len(self._tasks) >= MAX_OWED:
            return
        self._acted[record.key] = acted._replace(action_id=record.id)
        task = tasks.spawn(self._write(record, write), name=f"outcome of action {record.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """What is still owed is left to the next run."""
        await tasks.cancel(list(self._tasks))

    async def _write(self, record: ActionRecord, write: Callable[[], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(RETRY_S)
            try:
                await write()
            except StoreError:
                continue
            except WaError as error:
                log.warning("outcome not written down", extra={"action": record.id, "reason": error.message})
            del self._acted[record.key]
            return
