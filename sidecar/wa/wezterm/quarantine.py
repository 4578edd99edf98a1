"""What to do about pushes that do not decode: leave the kind alone, or give the protocol up. Pure."""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from wa.wezterm.wire_ids import ESSENTIAL

ENDURED = 3
WITHIN_MS = 600_000


class Verdict(Enum):
    SKIP = auto()
    """The kind is of no weight: ignored from now on."""
    REREAD = auto()
    """What it said is lost, so the pane must be read again."""
    GIVE_UP = auto()
    """An essential kind failed again: this layout is not the one wa knows."""


class Quarantine:
    """Counts failures by PDU number: essential kinds may fail `ENDURED` - 1 times within `WITHIN_MS`, others once."""

    def __init__(self) -> None:
        self._skipped: set[int] = set()
        self._failures: deque[int] = deque(maxlen=ENDURED)

    def holds(self, ident: int) -> bool:
        return ident in self._skipped

    def failed(self, ident: int, now_ms: int) -> Verdict:
        if ident not in ESSENTIAL:
            self._skipped.add(ident)
            return Verdict.SKIP
        self._failures.append(now_ms)
        if len(self._failures) == ENDURED and now_ms - self._failures[0] <= WITHIN_MS:
            return Verdict.GIVE_UP
        return Verdict.REREAD

    @property
    def notice(self) -> str | None:
        parts = []
        if self._skipped:
            kinds = ", ".join(str(ident) for ident in sorted(self._skipped))
            parts.append(f"messages of kind {kinds} do not decode and are ignored")
        if self._failures:
            parts.append(f"{len(self._failures)} essential message(s) did not decode; the panes were read again")
        return "; ".join(parts) or None
