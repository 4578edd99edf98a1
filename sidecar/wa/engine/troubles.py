"""What was refused of what programs, shells and plugins say: counted by reason and place, for `wa doctor`."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from wa.model.clock import Clock
from wa.wezterm.timekeeping import SystemClock

MAX_PLACES = 256
"""Of these the newest are kept; the counts of older ones go on under no name."""
FORGET_MS = 24 * 3600 * 1000


class Trouble(NamedTuple):
    what: str
    where: str
    """A pane's uid, or ""."""
    times: int
    last_ms: int


class Troubles:
    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._found: OrderedDict[tuple[str, str], Trouble] = OrderedDict()
        self.total = 0

    def count(self, what: str, where: str = "") -> None:
        """*what* is one of a few fixed texts: nothing that was sent is in it."""
        self.total += 1
        self._add(what, where, 1)
        while len(self._found) > MAX_PLACES:
            _, oldest = self._found.popitem(last=False)
            if oldest.where:
                self._add(oldest.what, "", oldest.times)

    def _add(self, what: str, where: str, count: int) -> None:
        before = self._found.pop((what, where), None)
        total = count + (0 if before is None else before.times)
        self._found[what, where] = Trouble(what, where, total, self._clock.now_ms())

    def lately(self) -> list[Trouble]:
        """Of the last day, newest first."""
        since_ms = self._clock.now_ms() - FORGET_MS
        return [trouble for trouble in reversed(self._found.values()) if trouble.last_ms >= since_ms]
