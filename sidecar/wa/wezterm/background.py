"""The one task of a Terminal that outlives the call which made it, and which therefore no TaskGroup can own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


class Background:
    """Runs one coroutine, named and referenced, until it ends or is stopped. Its failure is raised by `stop`."""

    def __init__(self, work: Coroutine[object, object, None], *, name: str) -> None:
        self._task = asyncio.get_running_loop().create_task(work, name=name)

    async def stop(self) -> None:
        """Cancel it and wait until it is gone; may be called again."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error
