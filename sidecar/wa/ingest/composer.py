"""Composer and footer of a full-screen program: rows at the bottom of the screen that are no content."""

from __future__ import annotations

from collections.abc import Sequence

from wa.ingest.ledger import BLANK
from wa.model.screen import Row

LOOKED_AT = 7
"""Scrolls that a judgement rests on."""
TIMES_ABOVE = 2
REWRITTEN = 2
"""Rows that may change in the same frame: one still being written, and a spinner. More are a table that is refreshed."""
COMPOSER_ROWS = 12
BORDER_LENGTH = 20
LETTERS = 6
"""Letters and digits that tell a status line from a prompt such as `:`."""
STILL_THERE = 0.5
"""Of the foot's rows, for it to count as the same."""


def staying(before: Sequence[int], now: Sequence[int]) -> int:
    """Rows at the bottom that are what they were."""
    count = 0
    while count < min(len(before), len(now)) and before[-1 - count] == now[-1 - count]:
        count += 1
    return count


def _is_border(text: str) -> bool:
    """A rule or the edge of a box, over most of the row."""
    text = text.strip()
    return len(text) >= BORDER_LENGTH and not any(char.isalnum() or char.isspace() for char in text)


class Composer:
    def __init__(self, heights: Sequence[int] = ()) -> None:
        self.heights: list[int] = list(heights)
        """As the last scrolls showed them."""
        self._names: list[frozenset[int]] = []
        """The rows that were in it."""
        self._speaks = False
        self.cursor_y = -1
        self._written_above = 0
        """Frames in which only rows above the cursor changed."""
        self._worked = bool(heights)

    def learn(self, rows: Sequence[Row], names: Sequence[int], stays: int) -> None:
        """The content scrolled, and the last *stays* rows of the frame did not."""
        self.heights = [*self.heights[1 - LOOKED_AT :], stays]
        self._names = [*self._names[1 - LOOKED_AT :], frozenset(names[len(names) - stays :]) - {BLANK}]
        self._speaks = speaks(rows, stays)
        self._worked = True

    def forget_heights(self) -> None:
        self.heights = []

    @property
    def names(self) -> frozenset[int]:
        return frozenset[int]().union(*self._names)

    @property
    def learned(self) -> int:
        """The lower median: a row that happens to stay while others scroll makes it look higher, a clock in it
        lower.
        """
        return sorted(self.heights)[(len(self.heights) - 1) // 2] if self.heights else 0

    def height(self, rows: Sequence[Row], names: Sequence[int]) -> int:
        """In this frame, which was the last one seen: composers grow and shrink."""
        if not self.has_worked:
            return 0
        border = self._border_above_cursor(rows, names)
        if border is not None:
            return len(names) - border
        if learned := min(self.learned, len(names)):
            known = self.names
            first = len(names) - learned
            return next((len(names) - at for at in range(first, len(names)) if names[at] in known), learned)
        return len(names) - self.cursor_y if self._written_above >= TIMES_ABOVE else 0

    def watch_cursor(self, before: Sequence[int], names: Sequence[int], cursor_y: int) -> None:
        """Where rows are written below others, above a cursor that stays, it stands in a composer."""
        changed = [i for i, (now, was) in enumerate(zip(names, before, strict=False)) if now != was]
        rewritten = sum(1 for i in changed if before[i] != BLANK)
        if cursor_y != self.cursor_y and self.cursor_y >= 0:
            self._written_above = 0
        elif changed and max(changed) < cursor_y and rewritten < len(changed) and rewritten <= REWRITTEN:
            self._written_above += 1
            self._worked = True
        self.cursor_y = cursor_y

    def _border_above_cursor(self, rows: Sequence[Row], names: Sequence[int]) -> int | None:
        """With nothing but what was typed in between."""
        for at in range(min(self.cursor_y, len(names) - 1), max(-1, self.cursor_y - COMPOSER_ROWS), -1):
            if names[at] == BLANK:
                return None
            if _is_border(rows[at].text):
                return at
        return None

    @property
    def has_worked(self) -> bool:
        """Rows have come in above it."""
        return self._worked

    def is_there(self, rows: Sequence[Row], names: Sequence[int], stays: int, cursor_y: int) -> bool:
        """Whether a frame whose other rows are all new has the composer and footer of the frame before: then the same
        program has scrolled on. Without, it shows something else.
        """
        if speaks(rows, stays) and (self.has_worked or cursor_y >= len(rows) - stays):
            return True
        known = self._names[-1] if self._names and self._speaks else frozenset()
        foot = names[len(names) - self.learned :]
        return bool(known) and sum(1 for name in known if name in foot) >= STILL_THERE * len(known)


def speaks(rows: Sequence[Row], height: int) -> bool:
    return sum(1 for row in rows[len(rows) - height :] for char in row.text if char.isalnum()) >= LETTERS
