"""The high-water mark of the primary screen: what lies around it is in the log, or is not."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from wa.ingest.lines import Place
from wa.model.screen import Row

BEHIND_ROWS = 200
"""A window is not made taller by more."""


class Mark:
    """The mark may stand inside the viewport: a window made taller brings stored rows back onto the screen, and a history
    printed again may show more of itself. `logged` then holds those rows' texts, and a row that is changed before it
    leaves the screen again counts as new.
    """

    def __init__(self) -> None:
        self.logged: dict[int, str] = {}
        self.cut: Place | None = None
        """A row's index and a column: what stands before is in the log already."""
        self.behind: deque[Row] = deque(maxlen=BEHIND_ROWS)
        """Rows just below the mark, all in the log, by their present numbers."""
        self.from_top: int | None = None
        """So many of the newest stored rows are all of the history up to the mark; None if that is not certain."""
        self.run = 0
        """Rows from here to the mark are, one for one, the newest stored rows."""

    def column(self, index: int) -> int:
        """So many characters of the row at the mark are in the log."""
        return self.cut.column if self.cut is not None and self.cut.row == index else 0

    def counted(self, index: int, oldest: int) -> int | None:
        """So many of the newest stored rows are the history from *oldest* to the mark, if that is certain."""
        return index - oldest if self.run <= oldest else self.from_top

    # -- moving on --------------------------------------------------------------------------------------------------

    def pass_by(self, rows: Sequence[Row]) -> Sequence[Row]:
        """What of *rows*, which go into the history, is not in the log yet."""
        self.behind.extend(rows[-BEHIND_ROWS:])
        if self.cut is not None and rows[-1].index >= self.cut.row:
            self.run = max(self.run, self.cut.row + 1)
            rows = self.uncut(rows)
            self.cut = None
        if self.logged:
            self.run = rows[-1].index + 1
            rows = [row for row in rows if self.logged.pop(row.index, None) != row.text]
        if self.from_top is not None:
            self.from_top += len(rows)
        return rows

    def pass_gap(self, index: int) -> None:
        """Rows up to *index* are lost."""
        self.from_top, self.run = None, index

    def put(self, start: int, place: Place, rows: Sequence[Row]) -> None:
        """At *place* of *rows*, which begin at *start*: what stands before it is in the log, in whatever wrapping."""
        self.behind.clear()
        self.behind.extend(rows[max(0, place.row - BEHIND_ROWS) : place.row])
        self.run = start + place.row + bool(place.column)
        self.cut = Place(start + place.row, place.column) if place.column else None

    def forget_numbers(self) -> None:
        self.logged.clear()
        self.behind.clear()
        self.cut = None

    # -- rows on the screen that are in the log ---------------------------------------------------------------------

    def shown_and_logged(self, top: int) -> int:
        """How many rows from *top* on are in the log."""
        count = 0
        while top + count in self.logged:
            count += 1
        return count

    def back_on_screen(self, rows: range) -> None:
        for index in rows:
            text = self.text(index)
            if text is not None:
                self.logged[index] = text

    def changed(self, fresh: Iterable[int], rows: Mapping[int, Row]) -> int | None:
        """The first stored row that was changed on the screen: it is a new row, to be stored when it leaves."""
        if not self.logged:
            return None
        changed = [index for index in fresh if index in self.logged and self.logged[index] != rows[index].text]
        for index in changed:
            del self.logged[index]
        return min(changed, default=None)

    def text(self, index: int) -> str | None:
        """Of a row behind the mark."""
        return next((row.text for row in reversed(self.behind) if row.index == index), None)

    def uncut(self, rows: Sequence[Row]) -> list[Row]:
        """Without what of them is in the log."""
        cut = self.cut
        if cut is None:
            return list(rows)
        return [row._replace(text=row.text[cut.column :]) if row.index == cut.row else row for row in rows]
