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
        """The viewport has rows that were never told, or whose numbers may have changed hands since."""
        if self.dims is None:
            return False
        if not all(index in self.rows for index in self.dims.viewport):
            self.distrust()
        return bool(self.guessed)

    def distrust(self) -> None:
        """What the last push did not bring is a guess."""
        if self.dims is not None:
            self.guessed.update(index for index in self.dims.viewport if index not in self.fresh)

    def renumbered(self, before: Dimensions, cursor_y: int, seen: ScreenPush) -> bool:
        """Rows below a scroll region may have got other numbers without a word.

        WezTerm renumbers them at each scroll, and when its history is full it does not name them. What it names then is
        the row that came in at the region's end: a row of the old viewport other than the cursor's. A history that
        grows names them all.
        """
        now = seen.dims
        if seen.seqno < 0 or now.scrollback_top <= before.scrollback_top or now.physical_top <= before.physical_top:
            return False
        if now.scrollback_top > before.physical_top:
            return True
        old = range(before.physical_top, before.physical_top + before.viewport_rows)
        named = [index for index in self.fresh if index in old and index not in (cursor_y, seen.cursor.y)]
        return bool(named) or any(
            index != cursor_y
            for part in seen.dirty
            for index in range(max(part.start, old.start), min(part.stop, old.stop))
        )

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
