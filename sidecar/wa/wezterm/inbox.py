"""What was heard and not yet taken, in order, bounded by bytes.

Pushes wait here as they came off the wire, still compressed; whoever takes them decodes them. So the socket is always
read at once, and a taker that falls behind costs little memory. When the bound is reached nothing of a pane is thinned
out, for a dropped push may be the only one that carried a row: all of the pane's pushes go, and an Interrupted takes
the place of the last of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from wa.model.observation import Interrupted, Observation, TopologyChanged
from wa.protocol.mux import Frame
from wa.wezterm.wire_ids import NOTIFY_ALERT, PANE_REMOVED, RENDER_CHANGES, peek_pane_id

MAX_BYTES = 32 * 1024 * 1024
_FRAME_OVERHEAD = 200
"""About what Python needs for a queued frame beside its data, in bytes."""

OVERFLOW = "more was printed than could be taken in"


class Heard(NamedTuple):
    at_ms: int
    frame: Frame
    pane_id: int | None = None
    """Known already where the queue was long when it came."""
    late: bool = False
    """The server was held back until just now."""


class Barrier(NamedTuple):
    """Everything before this has been taken when `passed` is called."""

    passed: Callable[[], None]


Item = Heard | Barrier | Observation


class Inbox:
    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._items: deque[Item] = deque()
        self._max = max_bytes
        self._bytes = 0
        self._waiting: asyncio.Future[None] | None = None
        self.overflows = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def queued_bytes(self) -> int:
        return self._bytes

    def put(self, item: Item) -> None:
        if isinstance(item, Heard):
            if item.pane_id is None and self._bytes > self._max // 4:
                # Spread over the arrivals, the look inside costs little; all at once, at the overflow, it is felt.
                item = item._replace(pane_id=peek_pane_id(item.frame))
            self._bytes += _cost(item)
        self._items.append(item)
        if self._bytes > self._max:
            self._collapse(item)
        if self._waiting is not None:
            _wake(self._waiting)

    async def get(self, timeout_s: float | None = None) -> Item | None:
        """The oldest item; None when there was none for *timeout_s*. One taker."""
        if not self._items:
            loop = asyncio.get_running_loop()
            self._waiting = waiting = loop.create_future()
            timer = None if timeout_s is None else loop.call_later(timeout_s, _wake, waiting)
            try:
                await waiting
            finally:
                self._waiting = None
                if timer is not None:
                    timer.cancel()
            if not self._items:
                return None
        item = self._items.popleft()
        if isinstance(item, Heard):
            self._bytes -= _cost(item)
        return item

    def _collapse(self, newest: Item) -> None:
        """Drop pushes pane by pane, the largest first, until half of the bound is free."""
        self.overflows += 1
        by_pane: dict[int, Counter[int]] = {RENDER_CHANGES: Counter(), NOTIFY_ALERT: Counter()}
        known: list[Item] = []
        for item in self._items:
            if isinstance(item, Heard):
                if item.pane_id is None:
                    item = item._replace(pane_id=peek_pane_id(item.frame))
                if item.frame.ident in by_pane and item.pane_id is not None:
                    by_pane[item.frame.ident][item.pane_id] += _cost(item)
            known.append(item)
        dropped: dict[int, set[int]] = {RENDER_CHANGES: set(), NOTIFY_ALERT: set()}
        left = self._bytes
        for ident, panes in by_pane.items():
            for pane_id, size in panes.most_common():
                if left <= self._max // 2:
                    break
                dropped[ident].add(pane_id)
                left -= size
        self._rebuild(
            known, dropped, everything=left > self._max, at_ms=newest.at_ms if isinstance(newest, Heard) else 0
        )

    def _rebuild(self, items: list[Item], dropped: dict[int, set[int]], *, everything: bool, at_ms: int) -> None:
        """*everything*: a server that floods with pushes of no pane; those go too, and the panes are listed again."""
        lost: set[int] = set()
        kept: list[Item] = []
        for item in reversed(items):
            if isinstance(item, Heard):
                ident, pane_id = item.frame.ident, item.pane_id
                if pane_id is not None and pane_id in dropped.get(ident, ()):
                    if pane_id not in lost:
                        lost.add(pane_id)
                        kept.append(Interrupted(pane_id, item.at_ms, OVERFLOW))
                    continue
                if everything and ident not in (RENDER_CHANGES, NOTIFY_ALERT, PANE_REMOVED):
                    continue
            elif isinstance(item, Interrupted) and item.pane_id in lost:
                continue
            kept.append(item)
        if everything:
            kept.insert(0, TopologyChanged(at_ms))
        self._items = deque(reversed(kept))
        self._bytes = sum(_cost(item) for item in self._items if isinstance(item, Heard))


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _cost(heard: Heard) -> int:
    return len(heard.frame.data) + _FRAME_OVERHEAD
