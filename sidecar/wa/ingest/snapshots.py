"""Row numbers for a source that has none: each frame of text is laid against the one before it.

Numbers count the rows of the history from the first that was there at the first whole look. Where a frame does not show
enough to be laid against what is known, more of the history is asked for, several times as much each time, up to all of
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wa.ingest.align import best_shift
from wa.ingest.ledger import BLANK, key
from wa.model.observation import ScreenPush, TextFrame
from wa.model.screen import Cursor, Dimensions, Row

FIRST_LOOK_ROWS = 200
LOOK_ROWS = 60
GROWTH = 4
MAX_LOOK_ROWS = 50_000
"""Nobody reads more at once through a command; an older history is not looked at."""
REMEMBERED_ROWS = 400
SAME_SHARE = 0.9
IN_PLACE_SHARE = 0.5


class Placed(NamedTuple):
    push: ScreenPush
    history: tuple[Row, ...]
    """Rows right above the viewport, as they are for good."""
    broken: bool
    """Nothing of what was known is left, and how much there was in between cannot be told."""


class Snapshots:
    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None
        self._top = 0
        self._oldest = 0
        self._first = 0
        self._names: list[int] = []
        """Keys of the rows from `_first` on: the end of the history, then the viewport."""
        self._alternate: list[int] | None = None
        """The alternate screen as last seen, while it shows."""
        self._asked = 0

    def place(self, frame: TextFrame) -> Placed | int:
        """Numbered, or how many rows of history to read back for that."""
        size = (frame.cols, frame.viewport_rows)
        names = [key(text) for text in frame.texts]
        if self._size != size:
            return self._begin(frame, names, size)
        if frame.complete and not frame.history_rows and self._top > self._oldest:
            self._asked = 0
            self._alternate = names
            return self._placed(frame, top=0, oldest=0, broken=False)
        if self._alternate is not None:
            # The primary screen may be back; only its history tells.
            if not frame.history_rows and not _mostly_same(self._alternate, names):
                return self._more(frame)
            if not frame.history_rows:
                self._alternate = names
                return self._placed(frame, top=0, oldest=0, broken=False)
        top = self._find(frame, names)
        if top is None and not self._whole(frame):
            return self._more(frame)
        self._asked, self._alternate = 0, None
        if top is not None:
            oldest = max(self._oldest, top - frame.history_rows) if frame.complete else self._oldest
            return self._remember(frame, names, top, oldest, broken=False)
        erased_at = self._top
        return self._remember(frame, names, erased_at + frame.history_rows, erased_at, broken=True)

    def _begin(self, frame: TextFrame, names: Sequence[int], size: tuple[int, int]) -> Placed | int:
        if not self._whole(frame):
            self._asked = min(max(FIRST_LOOK_ROWS, GROWTH * frame.history_rows), MAX_LOOK_ROWS)
            return self._asked
        self._size, self._asked, self._alternate = size, 0, None
        return self._remember(frame, names, frame.history_rows, 0, broken=False)

    def _whole(self, frame: TextFrame) -> bool:
        return frame.complete or frame.history_rows >= MAX_LOOK_ROWS

    def _more(self, frame: TextFrame) -> int:
        self._asked = min(max(LOOK_ROWS, GROWTH * max(frame.history_rows, self._asked)), MAX_LOOK_ROWS)
        return self._asked

    def look_back_to(self, index: int) -> int:
        """How many rows of history reach back to *index*, and some that are known."""
        return self._top - index + LOOK_ROWS

    # -- laying frames against each other ---------------------------------------------------------------------------

    def _find(self, frame: TextFrame, names: Sequence[int]) -> int | None:
        """`physical_top` of the frame, if it is certain."""
        above = frame.history_rows
        if frame.complete:
            by_count = self._oldest + above
            if by_count >= self._top and self._agrees(names, by_count - above):
                return by_count
        if not above:
            return self._top if self._in_place(names) else None
        near = self._top - above - self._first
        shift = best_shift(self._names, names, near=-near)
        if shift is None:
            return None
        first = self._first - shift.offset
        top = first + above
        if top < self._top or not self._agrees(names, first):
            return None
        # Rows that repeat agree in several places; then only the whole history can be counted.
        if not frame.complete and self._agrees(names, first + 1):
            return None
        return top

    def _agrees(self, names: Sequence[int], first: int) -> bool:
        """Whether *names*, numbered from *first*, repeat what is known of the history."""
        low, high = max(first, self._first), min(first + len(names), self._top)
        pairs = [(self._names[i - self._first], names[i - first]) for i in range(low, high)]
        inked = [pair for pair in pairs if pair[0] != BLANK]
        if not inked:
            # No history yet: the rows of the screen before must be among those seen now.
            high = min(first + len(names), self._first + len(self._names))
            return high > low and self._share(names, first, range(low, high)) >= IN_PLACE_SHARE
        return sum(1 for was, now in inked if was == now) >= SAME_SHARE * len(inked)

    def _share(self, names: Sequence[int], first: int, rows: range) -> float:
        pairs = [(self._names[i - self._first], names[i - first]) for i in rows]
        inked = [pair for pair in pairs if pair[0] != BLANK]
        return sum(1 for was, now in inked if was == now) / len(inked) if inked else 1.0

    def _in_place(self, names: Sequence[int]) -> bool:
        """A viewport without history: nothing has scrolled if its upper half is what it was."""
        view = self._names[self._top - self._first :]
        half = range(len(names) // 2)
        inked = [i for i in half if view[i] != BLANK]
        return bool(inked) and sum(1 for i in inked if view[i] == names[i]) >= SAME_SHARE * len(inked)

    # -- the result -------------------------------------------------------------------------------------------------

    def _remember(self, frame: TextFrame, names: Sequence[int], top: int, oldest: int, *, broken: bool) -> Placed:
        above = frame.history_rows
        kept = min(above, REMEMBERED_ROWS)
        older: list[int] = []
        if kept < REMEMBERED_ROWS and not broken:
            begin = max(self._first, top - REMEMBERED_ROWS)
            if begin <= top - above <= self._first + len(self._names) and begin < self._top:
                older = self._names[begin - self._first : top - above - self._first]
        self._names = [*older, *names[above - kept :]]
        self._first = top - kept - len(older)
        self._top, self._oldest = top, oldest
        return self._placed(frame, top=top, oldest=oldest, broken=broken)

    def _placed(self, frame: TextFrame, *, top: int, oldest: int, broken: bool) -> Placed:
        above = frame.history_rows
        rows = [Row(top - above + i, text) for i, text in enumerate(frame.texts)]
        dims = Dimensions(frame.cols, frame.viewport_rows, top - oldest + frame.viewport_rows, top, oldest)
        push = ScreenPush(
            pane_id=frame.pane_id,
            at_ms=frame.at_ms,
            dims=dims,
            cursor=Cursor(frame.cursor[0], top + frame.cursor[1]),
            rows=tuple(rows[above:]),
            dirty=(),
            title=frame.title,
            cwd=frame.cwd,
            seqno=0,
            mouse_grabbed=False,
        )
        return Placed(push, tuple(rows[:above]), broken)


def _mostly_same(before: Sequence[int], now: Sequence[int]) -> bool:
    inked = {name for name in before if name != BLANK}
    return not inked or len(inked.intersection(now)) * 2 >= len(inked)
