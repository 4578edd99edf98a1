"""What an alternate screen has shown: the document that its frames were put together to, and the last frame."""

from __future__ import annotations

from collections.abc import Sequence

from wa.ingest.composer import Composer
from wa.ingest.joint import reads_alike
from wa.ingest.ledger import BLANK, key
from wa.ingest.lines import Place
from wa.ingest.shown import Block, Line, Seen, Shown, View
from wa.model.screen import Row

BOUND_ROWS = 2_000
"""Rows remembered; stored ones go first. Only a view scrolled back further than this would not be recognised."""
SETTLED_MS = 1_000
"""What has not changed for so long is not being written any more; a page that stood so long can have been read."""
FEW = 3
"""Rows that may change in their places where nothing else tells that they did not scroll."""
STATIC_SHARE = 0.5
FLICKERS = 2


class Sheet:
    def __init__(self, frame: Sequence[Row], at_ms: int) -> None:
        self.block = Block(at_ms, page=False)
        self.lines: list[Line] = [Line(row, key(row.text), self.block, at_ms) for row in frame]
        self.stored = 0
        """`lines[:stored]` are in the log."""
        self.shown = Shown(0, 0, len(frame))
        self.sure = 0
        """`lines[:sure]` are content, whatever stands below them now."""
        self.pages = 0
        self.covered: View | None = None
        """What a page that is shown now covers. Its rows have not left the screen, and it may come back."""
        self.earlier: list[View] = []
        """What stood here before much of it changed in its place, newest last: a list that opens, a dialog."""
        self.scrolled = 0
        """Rows that scrolled in, as far as frames could be laid against each other."""
        self.cut: Place | None = None
        """Of this line the beginning is in the log: another width split it elsewhere."""
        self.composer = Composer()
        self.head = 0
        """Height of what sticks to the top."""
        self.frame: list[int] = [line.key for line in self.lines]
        """The last one, by its keys."""
        self.rows: Sequence[Row] = tuple(frame)
        self.tails: list[int] = []
        """Rows at the end of the content that the last frames rewrote, or moved further down than the rest."""
        self.before_resize: Sequence[Row] | None = None
        """The last frame that was drawn for the size it was shown at."""
        self.other_width = False
        """It has been resized to one, and was not drawn anew since."""
        self.begun = False
        """Rows of it are in the log."""

    @property
    def content(self) -> int:
        """`lines[content:]` are composer and footer, as far as they are known."""
        return max(self.sure, len(self.lines) - self.foot)

    @property
    def foot(self) -> int:
        return self.composer.height(self.rows, self.frame)

    @property
    def at_end(self) -> bool:
        return self.shown.top + self.shown.length == len(self.lines)

    def name_at(self, row: int) -> int | None:
        return self.frame[row] if row < len(self.frame) else None

    def ordered_end(self, end: int, *, spare: int = 0, old_ms: int | None = None, floor: int = 0) -> int:
        """`lines[:end]` without the rows that are still being written: rows may yet come in above them. Rows that have
        not changed since *old_ms* are done.
        """
        left = max([1, *self.tails]) + spare
        while end > floor:
            line = self.lines[end - 1]
            if line.key != BLANK and line.flickers < FLICKERS:
                if not left or (old_ms is not None and line.since_ms <= old_ms):
                    break
                left -= 1
            end -= 1
        return end

    # -- what was shown at a time ------------------------------------------------------------------------------------

    def view(self, top: int) -> View:
        return View(top, self.lines[top:], self.shown, self.block, self.sure, self.frame, self.rows)

    def show(self, view: View) -> None:
        self.lines[view.top :] = view.lines
        _, _, self.shown, self.block, self.sure, self.frame, self.rows = view

    # -- rows of a frame ---------------------------------------------------------------------------------------------

    def line(self, seen: Seen, at: int, old: dict[int, Line], *, scrolled: bool) -> Line:
        row, name = seen.rows[at], seen.names[at]
        before = old.get(name)
        line = Line(row, name, self.block, seen.at_ms if before is None else before.since_ms)
        line.scrolled = scrolled or (before is not None and before.scrolled)
        if before is None:
            line.flickers = self.flickers(seen, at)
        elif at < len(self.frame) and self.frame[at] == name:
            line.flickers = before.flickers
        if before is not None and before.row.text == row.text:
            line.row = before.row
        return line

    def flickers(self, seen: Seen, at: int) -> int:
        """Of the row that stood in this place of the screen, and one more if this is much the same."""
        top, head, length = self.shown
        if not head <= at < head + length or at >= len(self.rows) or self.frame[at] in seen.names:
            return 0
        before, now = self.rows[at].text.rstrip(), seen.rows[at].text
        if now.startswith(before) or not reads_alike(now, before):
            return 0
        return self.lines[top + at - head].flickers + 1

    def overwrite(self, seen: Seen, rows: Sequence[int]) -> None:
        top, head, _ = self.shown
        for at in rows:
            line = Line(seen.rows[at], seen.names[at], self.block, seen.at_ms)
            line.flickers = self.flickers(seen, at)
            line.lost = self.lines[top + at - head].lost
            self.lines[top + at - head] = line

    def all_new(self, seen: Seen) -> list[Line]:
        lines = [Line(row, name, self.block, seen.at_ms) for row, name in zip(seen.rows, seen.names, strict=True)]
        for at, line in enumerate(lines):
            # Items of a list that stand in one place after the other are alike too.
            line.flickers = 0 if (flickers := self.flickers(seen, at)) < FLICKERS else flickers
        return lines

    def append(self, new: Sequence[Line], head: int) -> None:
        self.shown = Shown(len(self.lines), head, len(new) - head)
        self.sure = len(self.lines)
        self.lines += new[head:]

    def drop_flickering_end(self, at_ms: int) -> None:
        """A spinner below the content is none."""
        end = len(self.lines)
        spins = False
        while end > self.stored:
            line = self.lines[end - 1]
            if line.flickers >= FLICKERS and line.since_ms + SETTLED_MS > at_ms:
                spins = True
            elif line.key != BLANK:
                break
            end -= 1
        if spins:
            del self.lines[end:]
