"""Which read goes to a mux next. Bounded per mux, round robin between panes, so that no pane starves another.

Two lanes with bounds of their own: what a pane needs because it is printing now, and what is fetched of old history
when a connection begins. Neither can take the other's places.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from enum import StrEnum
from typing import Any, Generic, TypeVar

from wa.engine import tasks

K = TypeVar("K", bound=Hashable)
J = TypeVar("J")


class Lane(StrEnum):
    LIVE = "live"
    HISTORY = "history"


LIMITS = {Lane.LIVE: 8, Lane.HISTORY: 4}
"""Requests under way at once per mux. One alone gives 29,000 rows/s on a real mux, round trips being most of it
(2026-11-21); past a handful the server's main thread is the limit and each further one only makes others wait."""


class Reads(Generic[K, J]):
    """Calls *perform* for each job, in order within a pane and lane. *perform* handles its own failures."""

    def __init__(self, perform: Callable[[K, J], Coroutine[Any, Any, None]], *, name: str) -> None:
        self._perform = perform
        self._name = name
        self._lanes: dict[Lane, dict[K, deque[J]]] = {lane: {} for lane in Lane}
        self._running = dict.fromkeys(Lane, 0)
        self._paused = True

    def add(self, key: K, job: J, lane: Lane) -> None:
        self._lanes[lane].setdefault(key, deque()).append(job)
        self._pump(lane)

    def drop(self, key: K) -> None:
        """Forget what is queued for a pane; what is under way ends by itself."""
        for lane in self._lanes.values():
            lane.pop(key, None)

    def pause(self) -> None:
        """Nothing more is started; the queues stay."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        for lane in Lane:
            self._pump(lane)

    @property
    def waiting(self) -> int:
        return sum(len(jobs) for lane in self._lanes.values() for jobs in lane.values())

    @property
    def running(self) -> int:
        return sum(self._running.values())

    def _pump(self, lane: Lane) -> None:
        queues = self._lanes[lane]
        while queues and not self._paused and self._running[lane] < LIMITS[lane]:
            key = next(iter(queues))
            jobs = queues.pop(key)
            job = jobs.popleft()
            if jobs:
                # To the end of the ring: the next place is another pane's.
                queues[key] = jobs
            self._running[lane] += 1
            tasks.spawn(self._run(key, job, lane), name=f"read {self._name}")

    async def _run(self, key: K, job: J, lane: Lane) -> None:
        try:
            await self._perform(key, job)
        finally:
            self._running[lane] -= 1
            self._pump(lane)
