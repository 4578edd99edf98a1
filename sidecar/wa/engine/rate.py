"""So many a second, and so many at once: buckets of tokens by key, bounded in number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

MAX_KEYS = 1_024


class Rate:
    """*each_s* on the average, *burst* at once, for each key apart."""

    def __init__(self, each_s: float, burst: int) -> None:
        self._each_s = each_s
        self._burst = burst
        self._left: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()
        """Tokens left, and when that was so in milliseconds."""

    def allows(self, key: Hashable, now_ms: int) -> bool:
        """Take one. *now_ms* by a clock that is not set."""
        left, since_ms = self._left.pop(key, (float(self._burst), now_ms))
        left = min(self._burst, left + (now_ms - since_ms) / 1000 * self._each_s)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now_ms)
        if len(self._left) > MAX_KEYS:
            self._left.popitem(last=False)
        return allowed
