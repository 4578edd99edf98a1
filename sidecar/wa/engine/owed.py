"""Outcomes that the database would not take when they were known: written as soon as it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from wa.engine import tasks
from wa.model.action import Acted
from wa.model.errors import StoreError, WaError

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

    def add(self, key: str, acted: Acted, write: Callable[[], Awaitable[object]]) -> None:
        """*write* raises StoreError while nothing can be written, and another WaError where it never can."""
        if key in self._acted or len(self._tasks) >= MAX_OWED:
            return
        self._acted[key] = acted
        task = tasks.spawn(self._write(key, write), name=f"outcome of {key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """What is still owed is left to the next run."""
        await tasks.cancel(list(self._tasks))

    async def _write(self, key: str, write: Callable[[], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(RETRY_S)
            try:
                await write()
            except StoreError:
                continue
            except WaError as error:
                log.warning("outcome not written down", extra={"key": key, "reason": error.message})
            del self._acted[key]
            return
