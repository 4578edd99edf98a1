"""Running a coroutine in a test, and waiting in it for a condition."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from wa.model.observation import Observation
from wa.wezterm.terminal import Terminal

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T], within_s: float = 30.0) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(within_s):
            return await work

    return asyncio.run(bounded())


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    give_up_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up_at, "the condition never came true"
        await asyncio.sleep(0.005)


class Heard(list[Observation]):
    """Observations in the order they were heard."""

    def of(self, kind: type[T]) -> list[T]:
        return [seen for seen in self if isinstance(seen, kind)]


@asynccontextmanager
async def listening_to(terminal: Terminal) -> AsyncIterator[Heard]:
    """Collects what *terminal* tells, beside the test; closes it at the end."""
    heard = Heard()

    async def listen() -> None:
        async for seen in terminal.observations():
            heard.append(seen)

    async with asyncio.TaskGroup() as group:
        group.create_task(listen())
        try:
            yield heard
        finally:
            await terminal.close()
