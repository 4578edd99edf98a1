"""Rows that have left the screen and are not stored yet, lest the program draws them again and otherwise.

Gemini CLI 0.61 (2026-11) draws over its last rows when an answer ends; they scroll away with the next prompt, and only
the next time that it prints its whole history they are right.
"""

from __future__ import annotations

QUIET_MS = 2_000
"""Nothing was drawn for so long: nothing will be put right."""
HOLD_MS = 30_000
GENERATIONS = 3
"""So many histories in a row make a program that redraws; a window that changes its size makes one or two."""


class Hold:
    def __init__(self) -> None:
        self.redraws = False
        """The program prints its history again and again."""
        self._pushed_ms = 0
        self._since_ms: int | None = None

    def pushed(self, at_ms: int) -> None:
        self._pushed_ms = at_ms

    def printed_again(self, generations: int, *, joined: bool) -> None:
        """*joined* False: it is another history, as after `clear`."""
        self.redraws = joined and (self.redraws or generations >= GENERATIONS)

    def holds(self, at_ms: int, *, waiting: bool) -> bool:
        """*waiting*: there are rows to store."""
        if not (self.redraws and waiting):
            self._since_ms = None
            return False
        if self._since_ms is None:
            self._since_ms = at_ms
        return at_ms < self._until(self._since_ms)

    def release(self) -> None:
        self._since_ms = None

    def wake_ms(self) -> int | None:
        return None if self._since_ms is None else self._until(self._since_ms)

    def _until(self, since_ms: int) -> int:
        return min(self._pushed_ms + QUIET_MS, since_ms + HOLD_MS)
