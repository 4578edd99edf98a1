"""The rows of one screen as pushes have told them, by the terminal's row numbers."""

from __future__ import annotations

from collections.abc import Sequence

from wa.model.observation import ScreenPush
from wa.model.screen import Cursor, Dimensions, Row


class Viewport:
    """`rows` may hold rows above the viewport until somebody takes them with `take_above`."""

    def __init__(self) -> None:
        self.dims: Dimensions | None = None
        self.cursor = Cursor(0, 0)
        self.rows: dict[int, Row] = {}
        self.fresh: set[int] = set()
        """Rows that the last push brought."""
        self.guessed: set[int] = set()
        """Rows shown as they were last seen, which may have been renumbered since."""

    def apply(self, seen: ScreenPush) -> bool:
        """Whether a row of the viewport is another than before.

        A row outside the viewport is no news: the server's answer was put together while the screen moved on, and the
        next push tells. An explicit read replaces everything.
        """
        viewport = seen.dims.viewport
        self.dims = seen.dims
        self.cursor = seen.cursor
        changed = False
        if seen.seqno < 0:
            old, self.rows = self.rows, {index: row for index, row in self.rows.items() if index < viewport.start}
            self.guessed.clear()
            changed = any(index in viewport and old.get(index) is None for index in old)
        self.fresh = set()
        for row in seen.rows:
            index = row[0]
            if index in viewport:
                changed = changed or self.rows.get(index) != row
                self.rows[index] = row
                self.fresh.add(index)
        if self.guessed:
            self.guessed -= self.fresh
        return changed

    def missing(self) -> bool:
        """The viewport has rows that were never told.

        WezTerm renumbers the rows below a scroll region, and when its scrollback is full it does so without naming
        them. Then every row not in the last push may be another.
        """
        if self.dims is None:
            return False
        viewport = self.dims.viewport
        if all(index in self.rows for index in viewport):
            return False
        self.guessed.update(index for index in viewport if index not in self.fresh)
        return True

    def take_above(self, top: int, dirty: Sequence[range]) -> dict[int, Row]:
        """Rows that have left the viewport upwards; without those that changed since they were told."""
        above = {index: row for index, row in self.rows.items() if index < top}
        for index in above:
            del self.rows[index]
        if above and (dirty or self.guessed):
            above = {
                index: row
                for index, row in above.items()
                if index not in self.guessed and not any(index in changed for changed in dirty)
            }
        return above

    def prune(self) -> None:
        """Forget rows that are not in the viewport."""
        if self.dims is not None:
            viewport = self.dims.viewport
            self.rows = {index: row for index, row in self.rows.items() if index in viewport}
            self.guessed &= self.rows.keys()

    def shown(self) -> tuple[Row, ...]:
        """The whole viewport, top first; rows not told yet are blank."""
        if self.dims is None:
            return ()
        rows = self.rows
        return tuple([rows.get(index) or Row(index, "") for index in self.dims.viewport])
