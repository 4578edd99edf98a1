"""What an alternate screen has shown, put together from its frames."""

from __future__ import annotations

from collections.abc import Sequence

from wa.ingest.anchor import Known, find_anchor, head_above, telling
from wa.ingest.checkpoint import MAX_MARKS, Stay, marks
from wa.ingest.composer import Composer, staying
from wa.ingest.follow import follow
from wa.ingest.ledger import BLANK, key
from wa.ingest.opened import closed_again, remember
from wa.ingest.outgoing import mark, take_all, take_gone
from wa.ingest.rewrap import drawn_anew, wrap_anew
from wa.ingest.sheet import Sheet
from wa.ingest.shown import Line, Seen, Shown
from wa.ingest.unlike import jumped, unlike
from wa.model.log import GapReason
from wa.model.screen import Row


class Document(Sheet):
    @classmethod
    def resumed(
        cls, stay: Stay, newest: Sequence[Row], frame: Sequence[Row], at_ms: int
    ) -> tuple[Document, int | None]:
        """The document of an earlier run, and how many of its rows were not stored and are off the screen by now (None:
        cannot be known).

        A frame that reads like what was stored long ago may show an answer that was given again: it is laid only
        against what was on the screen, or below. A taller screen may show what had just left it.
        """
        document = cls(frame, at_ms)
        document.scrolled = stay.scrolled
        known, names = (*marks(row.text for row in newest), *stay.lines), marks(row.text for row in frame)
        foot = Composer(stay.feet).learned
        end = len(newest) + stay.content
        laid_against = Known(known, len(newest) + stay.top, 0, end, end, foot)
        taller = max(0, len(frame) - stay.head - (len(stay.lines) - stay.top))
        low = max(0, len(newest) + min(stay.top, 0) - taller)
        anchor = find_anchor(laid_against, names, [telling(row.text) for row in frame], low=low)
        head = head_above(anchor, known, names) if anchor is not None else 0
        top = anchor.first.at - (anchor.first.row - head) if anchor is not None else -1
        if top < low:
            if foot and any(name == was != BLANK for name, was in zip(names[-foot:], stay.lines[-foot:], strict=False)):
                document.composer, document.head = Composer(stay.feet), stay.head
                document.lines = document.lines[stay.head :]
                document.shown = Shown(0, stay.head, len(frame) - stay.head)
            return document, None
        stored = newest[: min(top, len(newest))]
        document.lines[:head] = [Line(row, key(row.text), document.block, at_ms) for row in stored]
        document.stored = min(len(newest), len(document.lines))
        document.shown = Shown(len(stored), head, len(frame) - head)
        document.composer, document.head = Composer(stay.feet), stay.head
        document.scrolled += max(0, top - len(newest) - stay.top)
        document.begun = bool(newest)
        return document, max(0, top - len(newest)) if len(stay.lines) < MAX_MARKS else None

    # -- frames -----------------------------------------------------------------------------------------------------

    def resized(self, *, other_width: bool) -> None:
        """The terminal cuts rows off, or adds blank ones; the program will draw the screen anew."""
        if self.before_resize is None:
            self.before_resize = self.rows
        self.other_width = self.other_width or other_width

    def look(self, frame: Sequence[Row], at_ms: int, cursor_y: int, missed: GapReason = GapReason.UNSEEN) -> None:
        """*cursor_y* counts from the top of the frame; *missed*: why rows may have gone by since the last frame."""
        names = [hash(row[1].rstrip()) for row in frame]
        self.block.until_ms = at_ms
        if names == self.frame and self.before_resize is None:
            return
        seen = Seen(frame, names, at_ms, cursor_y, missed)
        if self.before_resize is not None and not drawn_anew(self, frame):
            return
        if self.before_resize is not None:
            self.before_resize, self.earlier = None, []
        if self.other_width:
            self.other_width = False
            if not wrap_anew(self, seen):
                self._find(seen)
        elif not closed_again(self, seen):
            before = self.view(self.shown.top)
            if not self._rewritten(seen):
                self._find(seen)
            remember(self, before, seen)
        self.composer.watch_cursor(self.frame, names, cursor_y)
        self.frame, self.rows = names, tuple(frame)
        mark(self, at_ms)

    def _rewritten(self, seen: Seen) -> bool:
        """Rows of the composer and the footer changed, and no others."""
        if len(seen.names) != len(self.frame) or not self.at_end:
            return False
        changed = [at for at, (now, before) in enumerate(zip(seen.names, self.frame, strict=True)) if now != before]
        if changed[0] < len(seen.names) - self.foot:
            return False
        self.overwrite(seen, changed)
        return True

    def _find(self, seen: Seen) -> None:
        if self.covered is not None:
            page = self.view(self.covered.top)
            self.show(self.covered)
            if follow(self, seen) or jumped(self, seen):
                self.covered = None
                return
            self.show(page)
        if not follow(self, seen):
            unlike(self, seen)

    def composer_is_in(self, frame: Sequence[Row], cursor_y: int) -> bool:
        names = [key(row.text) for row in frame]
        return self.composer.is_there(frame, names, staying(self.frame, names), cursor_y)

    # -- what may go into the log -----------------------------------------------------------------------------------

    def take_gone(self) -> list[Line]:
        """Rows that left the screen upwards, in order. Should they come back, they are known."""
        return take_gone(self)

    def take_all(self, at_ms: int) -> list[Line]:
        """The screen closes: everything that is content, with what stands there."""
        return take_all(self, at_ms)
