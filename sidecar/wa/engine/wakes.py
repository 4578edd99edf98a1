"""One timer for all panes of a mux: a heap and a single handle of the loop. A thousand idle panes cost nothing."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

SLICE = 64
"""How many may ring in one turn of the loop."""


class Wakes(Generic[K]):
    """At most one wake-up per key: a later `at` replaces an earlier one. Times are of the loop's clock, in seconds."""

    def __init__(self, ring: Callable[[K], None]) -> None:
        self._ring = ring
        self._due: dict[K, float] = {}
        self._queued: dict[K, float] = {}
        """Where each key stands in the heap; it stays when `at` moves it further off, and is put back when met."""
        self._heap: list[tuple[float, int, K]] = []
        self._order = itertools.count()
        self._handle: asyncio.TimerHandle | None = None

    def at(self, key: K, when: float) -> None:
        self._due[key] = when
        if self._queued.get(key, float("inf")) > when:
            self._push(key, when)
            self._arm()

    def drop(self, key: K) -> None:
        self._due.pop(key, None)

    def close(self) -> None:
        """Nothing rings after this."""
        self._due.clear()
        self._queued.clear()
        self._heap.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def __len__(self) -> int:
        return len(self._due)

    def _push(self, key: K, when: float) -> None:
        self._queued[key] = when
        heapq.heappush(self._heap, (when, next(self._order), key))

    def _arm(self) -> None:
        if not self._heap:
            return
        first = self._heap[0][0]
        if self._handle is not None:
            if not self._handle.cancelled() and self._handle.when() <= first:
                return
            self._handle.cancel()
        self._handle = asyncio.get_running_loop().call_at(first, self._fire)

    def _fire(self) -> None:
        self._handle = None
        now = asyncio.get_running_loop().time()
        try:
            for _ in range(SLICE):
                if not self._heap or self._heap[0][0] > now:
                    break
                self._meet(*heapq.heappop(self._heap), now)
        finally:
            self._arm()

    def _meet(self, queued: float, _order: int, key: K, now: float) -> None:
        if self._queued.get(key) != queued:
            return
        del self._queued[key]
        when = self._due.get(key)
        if when is None:
            return
        if when > now:
            self._push(key, when)
        else:
            del self._due[key]
            self._ring(key)
