"""The one door to asyncio's tasks: named, kept alive, and never failing in silence."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Failure(NamedTuple):
    """A task that ended with an error nobody awaited."""

    task: str
    error: BaseException


_alive: set[asyncio.Task[Any]] = set()
_failures: deque[Failure] = deque(maxlen=20)


def spawn(
    work: Coroutine[Any, Any, T], *, name: str, on_failure: Callable[[BaseException], None] | None = None
) -> asyncio.Task[T]:
    """Start *work*. A failure is logged with its traceback, kept for `recent_failures` and handed to *on_failure*."""
    # The event loop holds tasks weakly; _alive keeps them from being collected in mid-run.
    task = asyncio.create_task(work, name=name)  # noqa: TID251 - the one place that is meant to
    _alive.add(task)

    def ended(task: asyncio.Task[T]) -> None:
        _alive.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("task failed", extra={"task": name}, exc_info=error)
        _failures.append(Failure(name, error))
        if on_failure is not None:
            on_failure(error)

    task.add_done_callback(ended)
    return task


def recent_failures() -> list[Failure]:
    """Newest last; bounded."""
    return list(_failures)


def forget_failures() -> None:
    _failures.clear()


async def cancel(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    """Cancel and wait until each has cleaned up. Their failures were reported by `spawn`.

    A task must let itself be cancelled: `asyncio.wait_for` of Python 3.11 swallows a cancellation that comes in the
    same turn of the loop as what it waits for, so the engine uses `asyncio.timeout`.
    """
    waiting = [task for task in tasks if task is not None and not task.done()]
    for task in waiting:
        task.cancel()
    if waiting:
        await asyncio.gather(*waiting, return_exceptions=True)
