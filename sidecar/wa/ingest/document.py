"""What an alternate screen has shown, put together from its frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wa.ingest.anchor import Anchor, find_anchor, head_above
from wa.ingest.checkpoint import Stay, marks
from wa.ingest.joint import by_words, reads_alike, where_it_begins
from wa.ingest.ledger import BLANK, key
from wa.ingest.lines import Place
from wa.model.screen import Row

BOUND_ROWS = 2_000
"""Rows remembered; stored ones go first. Only a view scrolled back further than this would not be recognised."""
OFF_SCREEN_MS = 1_000
"""A row that left the screen upwards for so long is final: redraws move content down again within some 100 ms."""
FEW = 4
"""A frame of which fewer than one row in so many changed did not scroll."""
FEET_LOOKED_AT = 7
STATIC_SHARE = 0.25
SIMILAR_SHARE = 0.5
REGION_SHARE = 0.8


class Line:
    """One row of the document. Mutable: a document of thousands changes a few of them per frame."""

    __slots__ = ("after_unseen", "block", "gone_ms", "key", "row", "since_ms")

    def __init__(self, row: Row, name: int, block: Block, at_ms: int) -> None:
        self.row = row
        self.key = name
        self.block = block
        self.since_ms = at_ms
        self.gone_ms: int | None = None
        """When it left the screen upwards; None while it is shown or below."""
        self.after_unseen = False
        """Rows above it went by unseen."""


class Block:
    """Rows that belong together: a new one begins with a frame that has nothing to do with what was shown before."""

    __slots__ = ("grown", "page", "since_ms", "until_ms")

    def __init__(self, at_ms: int, *, page: bool) -> None:
        self.page = page
        self.grown = 0
        """Rows that scrolling added."""
        self.since_ms = at_ms
        self.until_ms = at_ms
        """When it was shown last."""


class Shown(NamedTuple):
    """Which part of the document the frame shows: its rows from `head` on are `lines[top:]`, `length` of them."""

    top: int
    head: int
    length: int


class Document:
    def __init__(self, frame: Sequence[Row], at_ms: int) -> None:
        self.block = Block(at_ms, page=False)
        self.lines: list[Line] = [Line(row, key(row.text), self.block, at_ms) for row in frame]
        self.stored = 0
        """`lines[:stored]` are in the log."""
        self.shown = Shown(0, 0, len(frame))
        self.content = len(frame)
        """`lines[content:]` are composer and footer, as far as they are known."""
        self.pages = 0
        self.scrolled = 0
        """Rows that scrolled in, as far as frames could be laid against each other."""
        self.cut: Place | None = None
        """Of this line the beginning is in the log: another width split it elsewhere."""
        self._frame: list[int] = [line.key for line in self.lines]
        self._rows: Sequence[Row] = tuple(frame)
        self.feet: list[int] = []
        """Heights of composer and footer as the last scrolls showed them."""
        self.foot_names: list[frozenset[int]] = []
        """The rows that were in it."""
        self.head = 0
        """Height of what sticks to the top."""
        self.unlike = 0
        """Frames that could not be laid against what was known."""
        self._wrapped_anew: Sequence[Row] | None = None
        self._begun = False

    @classmethod
    def resumed(
        cls, stay: Stay, newest: Sequence[Row], frame: Sequence[Row], at_ms: int
    ) -> tuple[Document, int | None]:
        """The document of an earlier run, and how many of its rows were not stored and are off the screen by now (None:
        cannot be known).
        """
        document = cls(frame, at_ms)
        document.scrolled = stay.scrolled
        known, names = (*marks(row.text for row in newest), *stay.lines), marks(row.text for row in frame)
        anchor = find_anchor(known, names, low=0, content=len(newest) + stay.content)
        if anchor is None:
            return document, None
        head = head_above(anchor, known, names)
        top = anchor.first.at - (anchor.first.row - head)
        stored = newest[: min(top, len(newest))]
        document.lines[:head] = [Line(row, key(row.text), document.block, at_ms) for row in stored]
        document.stored = min(len(newest), len(document.lines))
        document.shown = Shown(len(stored), head, len(frame) - head)
        document.feet, document.head = list(stay.feet), stay.head
        document.content = len(document.lines) - document._foot
        document._begun = bool(newest)
        return document, max(0, top - len(newest))

    # -- frames -----------------------------------------------------------------------------------------------------

    def resized(self, *, other_width: bool) -> None:
        """The terminal cuts the rows of an alternate screen off; the program will draw it anew."""
        if other_width and self._wrapped_anew is None:
            self._wrapped_anew = self._rows

    def look(self, frame: Sequence[Row], at_ms: int) -> None:
        names = [hash(row[1].rstrip()) for row in frame]
        self.block.until_ms = at_ms
        if names == self._frame and self._wrapped_anew is None:
            return
        if self._wrapped_anew is not None:
            if not self._drawn_anew(frame):
                return
            self._wrap_anew(frame, names, at_ms)
        elif len(names) != len(self._frame) or not self._rewritten(frame, names, at_ms):
            self._find(frame, names, at_ms)
        self._frame, self._rows = names, tuple(frame)
        self._mark(at_ms)

    def _rewritten(self, frame: Sequence[Row], names: Sequence[int], at_ms: int) -> bool:
        """A few rows changed in their places."""
        top, head, length = self.shown
        if top + length != len(self.lines):
            return False
        changed = [at for at, (now, before) in enumerate(zip(names, self._frame, strict=True)) if now != before]
        if len(changed) > len(names) // FEW:
            return False
        self._overwrite(frame, names, [at for at in changed if at >= head], at_ms)
        return True

    def _overwrite(self, frame: Sequence[Row], names: Sequence[int], rows: Sequence[int], at_ms: int) -> None:
        top, head, _ = self.shown
        for at in rows:
            self.lines[top + at - head] = Line(frame[at], names[at], self.block, at_ms)

    def _find(self, frame: Sequence[Row], names: Sequence[int], at_ms: int) -> None:
        keys = [line.key for line in self.lines]
        height = len(names)
        lows = sorted({max(0, self.shown.top - height // 2), max(0, len(keys) - 3 * height), 0}, reverse=True)
        anchor = next(
            (found for low in lows if (found := find_anchor(keys, names, low=low, content=self.content)) is not None),
            None,
        )
        if anchor is None:
            self._unlike(frame, names, at_ms)
        elif (length := self._seen_before(anchor, keys, names)) is not None:
            self.shown = Shown(anchor.first.at, anchor.first.row, length)
        else:
            self._join(anchor, frame, names, keys, at_ms)

    def _seen_before(self, anchor: Anchor, keys: Sequence[int], names: Sequence[int]) -> int | None:
        """The frame shows a part of the document that is known already, with more content below: it was scrolled back.

        How many rows of it, or None.
        """
        row, at = anchor.first
        length = 0
        while row + length < len(names) and at + length < self.content and names[row + length] == keys[at + length]:
            length += 1
        rest = range(row + length, len(names))
        static = len(names) == len(self._frame) and all(names[i] == self._frame[i] for i in rest)
        if not static and len(rest) > self._foot:
            return None
        shown = sum(1 for name in names[row : row + length] if name != BLANK)
        more = any(name != BLANK for name in keys[at + length : self.content])
        return length if shown >= 3 and more else None

    def _join(
        self, anchor: Anchor, frame: Sequence[Row], names: Sequence[int], keys: Sequence[int], at_ms: int
    ) -> None:
        row, at = anchor.first
        moved = at - row - (self.shown.top - self.shown.head)
        head = head_above(anchor, keys, names)
        self._learn(anchor, names, moved, head)
        feet = frozenset[int]().union(*self.foot_names)
        last_content = max(
            (pair for pair in anchor.pairs if pair.at < self.content and names[pair.row] not in feet), default=None
        )
        self.stored = self._still_stored(anchor)
        old = {line.key: line for line in self.lines[at:]}
        block = self.lines[at].block
        self.block = block
        if moved > 0:
            block.grown += moved
            self.scrolled += moved
        self.lines[at:] = [self._line(frame[i], names[i], old, at_ms) for i in range(row, len(frame))]
        self.shown = Shown(at - (row - head), head, len(frame) - head)
        content = len(self.lines) - self._foot
        if last_content is not None:
            content = max(content, at + last_content.row - row + 1)
        self.content = content

    def _line(self, row: Row, name: int, old: dict[int, Line], at_ms: int) -> Line:
        before = old.get(name)
        line = Line(row, name, self.block, at_ms if before is None else before.since_ms)
        if before is not None and before.row.text == row.text:
            line.row = before.row
        line.after_unseen = before is not None and before.after_unseen
        return line

    def _still_stored(self, anchor: Anchor) -> int:
        """Stored rows stay stored where the frame lays them out anew."""
        row, at = anchor.first
        if self.stored <= at:
            return self.stored
        inside = [pair for pair in anchor.pairs if pair.at < self.stored]
        last = inside[-1]
        rest = self.stored - 1 - last.at
        later = next((pair.row for pair in anchor.pairs if pair.at >= self.stored), len(self._frame))
        return at + (last.row - row) + 1 + max(0, min(rest, later - last.row - 1))

    # -- composer and footer ----------------------------------------------------------------------------------------

    @property
    def _foot(self) -> int:
        """The lower median: a row that happens to stay while others scroll makes it look higher, a clock in it
        lower.
        """
        return sorted(self.feet)[(len(self.feet) - 1) // 2] if self.feet else 0

    def _learn(self, anchor: Anchor, names: Sequence[int], moved: int, head: int) -> None:
        """Rows at the bottom that stay while the content scrolls are no content."""
        if moved <= 0 or len(names) != len(self._frame):
            return
        last_moved = max((pair.row for pair in anchor.pairs if names[pair.row] != self._frame[pair.row]), default=-1)
        if last_moved < 0:
            return
        stays = len(names)
        while stays - 1 > last_moved and names[stays - 1] == self._frame[stays - 1]:
            stays -= 1
        self.feet = [*self.feet[1 - FEET_LOOKED_AT :], len(names) - stays]
        self.foot_names = [*self.foot_names[1 - FEET_LOOKED_AT :], frozenset(names[stays:])]
        self.head = head

    # -- frames that show nothing known -----------------------------------------------------------------------------

    def _unlike(self, frame: Sequence[Row], names: Sequence[int], at_ms: int) -> None:
        """Rewritten in place, scrolled by more than the content's height, or another page."""
        self.unlike += 1
        height = len(names)
        at_end = self.shown.top + self.shown.length == len(self.lines)
        if height == len(self._frame) and at_end:
            changed = [i for i in range(height) if names[i] != self._frame[i]]
            inked = [i for i in changed if names[i] != BLANK and self._frame[i] != BLANK]
            similar = sum(1 for i in inked if reads_alike(frame[i].text, self._rows[i].text))
            static = sum(1 for i in range(height) if names[i] == self._frame[i] != BLANK)
            if inked and similar >= SIMILAR_SHARE * len(inked):
                self._overwrite(frame, names, [i for i in changed if i >= self.shown.head], at_ms)
                return
            region = range(self.head, height - self._foot)
            scrolls = self.block.grown > 0 and self.feet
            if scrolls and len([i for i in changed if i in region]) >= REGION_SHARE * len(region):
                self._append(frame, names, self.head, at_ms)
                return
            if static >= STATIC_SHARE * sum(1 for name in self._frame if name != BLANK) and static:
                self._overwrite(frame, names, [i for i in changed if i >= self.shown.head], at_ms)
                return
        if any(name != BLANK for name in names):
            self.pages += 1
            self.block = Block(at_ms, page=True)
            self._append(frame, names, 0, at_ms)

    def _append(self, frame: Sequence[Row], names: Sequence[int], head: int, at_ms: int) -> None:
        del self.lines[self.content :]
        top = len(self.lines)
        self.lines += [Line(frame[i], names[i], self.block, at_ms) for i in range(head, len(frame))]
        self.shown = Shown(top, head, len(frame) - head)
        if not self.block.page:
            self.lines[top].after_unseen = True
            self.block.grown += len(frame) - head - self._foot
            self.content = max(top, len(self.lines) - self._foot)
        else:
            self.content = len(self.lines)

    # -- another width ----------------------------------------------------------------------------------------------

    def _drawn_anew(self, frame: Sequence[Row]) -> bool:
        """The frame is no longer the old one with its rows cut off."""
        old = [row.text.rstrip() for row in self._wrapped_anew or ()]
        inked = [row.text.rstrip() for row in frame if row.text.strip()]
        return any(not any(before.startswith(text) for before in old) for text in inked)

    def _wrap_anew(self, frame: Sequence[Row], names: Sequence[int], at_ms: int) -> None:
        """Words tell where the frame begins in the document; rows above keep the width they had."""
        self._wrapped_anew = None
        self.feet = []
        height = max(len(frame), len(self._frame))
        low = max(0, self.shown.top - 2 * height)
        before = [line.row for line in self.lines[low : self.content]]
        begins = where_it_begins(before, frame)
        if begins is None:
            self._find(frame, names, at_ms)
            return
        (known, column), first = begins
        stored = self.stored - low
        place = by_words(before[:stored], before[stored:], frame) if stored > known else None
        kept = low + known
        del self.lines[kept + (1 if column else 0) :]
        if column:
            line = self.lines[-1]
            line.row = line.row._replace(text=line.row.text[:column])
            line.key = key(line.row.text)
        at = len(self.lines)
        self.lines += [Line(frame[i], names[i], self.block, at_ms) for i in range(first, len(frame))]
        if place is not None:
            self.stored = at + max(0, place.place.row - first)
            self.cut = Place(self.stored, place.place.column) if place.place.column else None
        self.shown = Shown(at, first, len(frame) - first)
        self.content = len(self.lines)

    # -- what may go into the log -----------------------------------------------------------------------------------

    def _mark(self, at_ms: int) -> None:
        top = self.shown.top
        for at in range(self.stored, len(self.lines)):
            line = self.lines[at]
            if at >= top:
                line.gone_ms = None
            elif line.gone_ms is None:
                line.gone_ms = at_ms

    def next_due_ms(self) -> int | None:
        """When the first row that is not stored will have been off the screen for long enough."""
        if self.stored < min(self.shown.top, self.content):
            gone = self.lines[self.stored].gone_ms
            return None if gone is None else gone + OFF_SCREEN_MS
        return None

    def take_due(self, at_ms: int) -> list[Line]:
        """Rows that left the screen upwards a second ago and did not come back, in order."""
        end = self.stored
        stop = min(self.shown.top, self.content)
        while end < stop and (gone := self.lines[end].gone_ms) is not None and gone + OFF_SCREEN_MS <= at_ms:
            end += 1
        return self._take(end)

    def take_all(self, at_ms: int) -> list[Line]:
        """The screen closes: everything that is content, with what stands there."""
        below = self.shown.top + self.shown.length
        del self.lines[self.content :]
        for at in range(len(self.lines) - 1, max(below, self.stored) - 1, -1):
            line = self.lines[at]
            if line.block is not self.block or line.since_ms + OFF_SCREEN_MS > at_ms:
                del self.lines[at]
        self.block.page = self.block.page and self.pages > 1
        end = len(self.lines)
        while end > self.stored and self.lines[end - 1].key == BLANK:
            end -= 1
        return self._take(end)

    def _take(self, end: int) -> list[Line]:
        taken = [line for line in self.lines[self.stored : end] if self._worth_keeping(line)]
        while taken and not self._begun and taken[0].key == BLANK:
            del taken[0]
        self._begun = self._begun or bool(taken)
        if self.cut is not None and self.stored <= self.cut.row < end:
            at = self.lines[self.cut.row]
            at.row = at.row._replace(text=at.row.text[self.cut.column :])
            self.cut = None
        self.stored = max(self.stored, end)
        self._forget_oldest()
        return taken

    def _worth_keeping(self, line: Line) -> bool:
        """Pages that nobody could have read are not kept."""
        block = line.block
        return not block.page or block is self.block or block.until_ms - block.since_ms >= OFF_SCREEN_MS

    def _forget_oldest(self) -> None:
        surplus = min(self.stored, len(self.lines) - BOUND_ROWS)
        if surplus <= 0:
            return
        del self.lines[:surplus]
        self.stored -= surplus
        self.content -= surplus
        self.shown = self.shown._replace(top=self.shown.top - surplus)
        if self.cut is not None:
            self.cut = self.cut._replace(row=self.cut.row - surplus)
