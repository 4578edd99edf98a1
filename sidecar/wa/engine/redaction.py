"""Secrets out of what subscribers are told, segment by segment. The Writer does the same for the disk on its own."""

from __future__ import annotations

from wa.model.log import Segment
from wa.store.redact import NEUTRAL, Carry, redact_rows

MAX_OPEN_ROWS = 64
"""Of a line without end, so many rows are looked at again."""


class RowsRedaction:
    """Redacts the segments of one pane as they are published. A secret may begin in one and go on in the next."""

    __slots__ = ("_carry", "_expected", "_open")

    def __init__(self) -> None:
        self._expected = -1
        self._carry: Carry = NEUTRAL
        self._open: list[str] = []
        """Rows told already of a logical line that goes on."""

    def texts(self, segment: Segment) -> list[str]:
        """The redacted texts of the segment's rows."""
        if segment.first_row != self._expected:
            # Something lies between, or nobody listened to what was published before.
            self._carry, self._open = NEUTRAL, []
        torn = self._expected == -1
        told = len(self._open)
        wrapped = [True] * told + [row.wrapped for row in segment.rows]
        before = [*self._open, *(row.text for row in segment.rows)]
        texts, self._carry = redact_rows(before, wrapped, carry=self._carry, stored=told, torn=torn)
        self._expected = segment.first_row + len(segment.rows)
        last_end = max((at for at, wrap in enumerate(wrapped) if not wrap), default=-1)
        self._open = texts[last_end + 1 :][-MAX_OPEN_ROWS:]
        return texts[told:]
