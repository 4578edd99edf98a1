"""Time as a value. Pure rooms get `at_ms`; the rooms that wait get a Clock."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC. May jump."""
        ...

    def monotonic_ms(self) -> int:
        """Never jumps back; for time-outs and back-off."""
        ...
