"""What an alternate screen has shown, put together from its frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from wa.ingest.anchor import (
    ENOUGH,
    HEADER_ROWS,
    Anchor,
    Known,
    Pair,
    find_anchor,
    has_room,
    head_above,
    one_scroll,
    telling,
)
from wa.ingest.checkpoint import MAX_MARKS, Stay, marks
from wa.ingest.composer import Composer, speaks, staying
from wa.ingest.joint import by_words, reads_alike, where_it_begins
from wa.ingest.jump import SAYS_SOMETHING, part
from wa.ingest.ledger import BLANK, key
from wa.ingest.lines import Place
from wa.model.log import GapReason
from wa.model.screen import Row

BOUND_ROWS = 2_000
"""Rows remembered; stored ones go first. Only a view scrolled back further than this would not be recognised."""
SETTLED_MS = 1_000
"""What has not changed for so long is not being written any more; a page that stood so long can have been read."""
FEW = 3
"""Rows that may change in their places where nothing else tells that they did not scroll."""
STATIC_SHARE = 0.5
SIMILAR_SHARE = 0.5
FLICKERS = 2
SEEN_BEFORE_ROWS = 3
SPINNER_ROWS = 3
"""Above the composer, blank rows included."""
TAILS_LOOKED_AT = 7
VIEWS = 4
LONGEST_TAIL = 4
"""Rows still being written at the end of the content. More are a dialog that closed, or a table."""


class Line:
    """One row of the document. Mutable: a document of thousands changes a few of them per frame."""

    __slots__ = ("below_ms", "block", "flickers", "key", "lost", "row", "scrolled", "since_ms")

    def __init__(self, row: Row, name: int, block: Block, at_ms: int) -> None:
        self.row = row
        self.key = name
        self.block = block
        self.since_ms = at_ms
        self.below_ms: int | None = None
        """When the screen was scrolled back from it."""
        self.lost: GapReason | None = None
        """Why rows above it are missing."""
        self.scrolled = False
        """It has been seen to move, as content does and a dialog does not."""
        self.flickers = 0
        """How often it was rewritten in its place to read nearly the same: a spinner, a clock."""


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


class View(NamedTuple):
    """What was shown at a time."""

    top: int
    """`lines` are those of the document from here on."""
    lines: list[Line]
    shown: Shown
    block: Block
    sure: int
    frame: list[int]
    rows: Sequence[Row]


class Seen(NamedTuple):
    """A frame."""

    rows: Sequence[Row]
    names: Sequence[int]
    at_ms: int
    cursor_y: int
    missed: GapReason


class Document:
    def __init__(self, frame: Sequence[Row], at_ms: int) -> None:
        self.block = Block(at_ms, page=False)
        self.lines: list[Line] = [Line(row, key(row.text), self.block, at_ms) for row in frame]
        self.stored = 0
        """`lines[:stored]` are in the log."""
        self.shown = Shown(0, 0, len(frame))
        self._sure = 0
        """`lines[:_sure]` are content, whatever stands below them now."""
        self.pages = 0
        self._covered: View | None = None
        """What a page that is shown now covers. Its rows have not left the screen, and it may come back."""
        self._earlier: list[View] = []
        """What stood here before much of it changed in its place, newest last: a list that opens, a dialog."""
        self.scrolled = 0
        """Rows that scrolled in, as far as frames could be laid against each other."""
        self.cut: Place | None = None
        """Of this line the beginning is in the log: another width split it elsewhere."""
        self.composer = Composer()
        self.head = 0
        """Height of what sticks to the top."""
        self.unlike = 0
        """Frames that could not be laid against what was known."""
        self._frame: list[int] = [line.key for line in self.lines]
        self._rows: Sequence[Row] = tuple(frame)
        self._tails: list[int] = []
        """Rows at the end of the content that the last frames rewrote, or moved further down than the rest."""
        self._before_resize: Sequence[Row] | None = None
        """The last frame that was drawn for the size it was shown at."""
        self._other_width = False
        self._begun = False

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
        document._begun = bool(newest)
        return document, max(0, top - len(newest)) if len(stay.lines) < MAX_MARKS else None

    # -- frames -----------------------------------------------------------------------------------------------------

    def resized(self, *, other_width: bool) -> None:
        """The terminal cuts rows off, or adds blank ones; the program will draw the screen anew."""
        if self._before_resize is None:
            self._before_resize = self._rows
        self._other_width = self._other_width or other_width

    def look(self, frame: Sequence[Row], at_ms: int, cursor_y: int, missed: GapReason = GapReason.UNSEEN) -> None:
        """*cursor_y* counts from the top of the frame; *missed*: why rows may have gone by since the last frame."""
        names = [hash(row[1].rstrip()) for row in frame]
        self.block.until_ms = at_ms
        if names == self._frame and self._before_resize is None:
            return
        seen = Seen(frame, names, at_ms, cursor_y, missed)
        if self._before_resize is not None and not self._drawn_anew(frame):
            return
        if self._before_resize is not None:
            self._before_resize, self._earlier = None, []
        if self._other_width:
            self._other_width = False
            self._wrap_anew(seen)
        elif not self._closed_again(seen):
            before = self._view(self.shown.top)
            if not self._rewritten(seen):
                self._find(seen)
            self._remember(before, seen)
        self.composer.watch_cursor(self._frame, names, cursor_y)
        self._frame, self._rows = names, tuple(frame)
        self._mark(at_ms)

    @property
    def _at_end(self) -> bool:
        return self.shown.top + self.shown.length == len(self.lines)

    def _rewritten(self, seen: Seen) -> bool:
        """Rows of the composer and the footer changed, and no others."""
        if len(seen.names) != len(self._frame) or not self._at_end:
            return False
        changed = [at for at, (now, before) in enumerate(zip(seen.names, self._frame, strict=True)) if now != before]
        if changed[0] < len(seen.names) - self._foot:
            return False
        self._overwrite(seen, changed)
        return True

    def _overwrite(self, seen: Seen, rows: Sequence[int]) -> None:
        top, head, _ = self.shown
        for at in rows:
            line = Line(seen.rows[at], seen.names[at], self.block, seen.at_ms)
            line.flickers = self._flickers(seen, at)
            line.lost = self.lines[top + at - head].lost
            self.lines[top + at - head] = line

    def _flickers(self, seen: Seen, at: int) -> int:
        """Of the row that stood in this place of the screen, and one more if this is much the same."""
        top, head, length = self.shown
        if not head <= at < head + length or at >= len(self._rows) or self._frame[at] in seen.names:
            return 0
        before, now = self._rows[at].text.rstrip(), seen.rows[at].text
        if now.startswith(before) or not reads_alike(now, before):
            return 0
        return self.lines[top + at - head].flickers + 1

    def _find(self, seen: Seen) -> None:
        if self._covered is not None:
            page = self._view(self._covered.top)
            self._show(self._covered)
            if self._follow(seen) or self._jumped(seen):
                self._covered = None
                return
            self._show(page)
        if not self._follow(seen):
            self._unlike(seen)

    def _remember(self, before: View, seen: Seen) -> None:
        """So that it is known when it is there again."""
        jumped = self.lines[self.shown.top].lost is not None
        if self._covered is not None or (self.shown.top != before.top and not jumped):
            self._earlier = []
        elif jumped or sum(1 for now, was in zip(seen.names, before.frame, strict=False) if now != was) > FEW:
            self._earlier = [*self._earlier[1 - VIEWS :], before]

    def _closed_again(self, seen: Seen) -> bool:
        """All of the content is as it was before something opened over it, and has closed. The footer may differ."""
        for at in range(len(self._earlier) - 1, -1, -1):
            view = self._earlier[at]
            if len(view.frame) == len(seen.names) and self._shows_again(view, seen):
                del self._earlier[at:]
                self._show(view)
                self._overwrite(
                    seen, [i for i in range(view.shown.head, len(seen.names)) if seen.names[i] != view.frame[i]]
                )
                return True
        return False

    def _shows_again(self, view: View, seen: Seen) -> bool:
        stored = [line.key for line in self.lines[view.top : self.stored]]
        if stored != [line.key for line in view.lines[: len(stored)]]:
            return False
        same = staying(view.frame[::-1], seen.names[::-1])
        told = {seen.names[row]: telling(seen.rows[row].text) for row in range(view.shown.head, same)}
        return same >= len(view.frame) - self.composer.height(view.rows, view.frame) and sum(told.values()) >= ENOUGH

    def _view(self, top: int) -> View:
        return View(top, self.lines[top:], self.shown, self.block, self._sure, self._frame, self._rows)

    def _show(self, view: View) -> None:
        self.lines[view.top :] = view.lines
        _, _, self.shown, self.block, self._sure, self._frame, self._rows = view

    def _follow(self, seen: Seen) -> bool:
        """Whether the frame shows what is known, perhaps with more below it."""
        content, height = self.content, len(seen.names)
        keys = [BLANK if line.flickers >= FLICKERS and at < content else line.key for at, line in enumerate(self.lines)]
        # What stays at the bottom may be a dialog or a composer, under which the content scrolls.
        stays = staying(self._frame, seen.names) if self._at_end else 0
        if height != len(self._frame):
            stays = min(stays, self._foot)
        tail = min(content, len(keys) - stays)
        end = self._ordered_end(tail)
        known = Known(keys, self.shown.top, self.shown.head, end, tail, max(stays, self._foot))
        if self._at_end and self._only_grew(known, seen):
            self._join(Anchor(Pair(self.shown.head, self.shown.top), ()), seen, known)
            return True
        weights = [telling(row.text) for row in seen.rows]
        lows = sorted({max(0, self.shown.top - height // 2), max(0, len(keys) - 3 * height), 0}, reverse=True)
        anchor = None
        for low in lows:
            found = find_anchor(known, seen.names, weights, low=min(low, end))
            anchor = found or anchor
            if found is not None and found.first.at - found.first.row >= low:
                break  # else the frame begins further up
        if anchor is None:
            anchor = self._few_changed(known, seen, weights)
        if anchor is None:
            return False
        if (length := self._seen_before(anchor, known, seen)) is not None:
            self.shown = Shown(anchor.first.at, anchor.first.row, length)
            self.block = self.lines[anchor.first.at].block
        else:
            self._join(anchor, seen, known)
        return True

    def _only_grew(self, known: Known, seen: Seen) -> bool:
        """At the beginning: what there was at most, a row still being written and a spinner above the composer, is
        there, and room is left.
        """
        top, head, _ = self.shown
        if not has_room(seen.names) or any(name != BLANK for name in known.names[top : known.end]):
            return False
        rows = range(head, min(head + known.tail - top, len(seen.rows)))
        return all(
            known.names[top + row - head] == BLANK
            or seen.rows[row].text.startswith(self._rows[row].text.rstrip())
            or (row >= rows.stop - SPINNER_ROWS and reads_alike(seen.rows[row].text, self._rows[row].text))
            for row in rows
        )

    def _few_changed(self, known: Known, seen: Seen, weights: Sequence[float]) -> Anchor | None:
        """A clock at the top, a counter in a list."""
        top, head, _ = self.shown
        if len(seen.names) != len(self._frame) or not self._at_end:
            return None
        if sum(1 for now, was in zip(seen.names, self._frame, strict=True) if now != was) > FEW:
            return None
        anchor = one_scroll(
            known._replace(end=self.content, tail=self.content, foot=self._foot), seen.names, weights, low=top
        )
        if anchor is not None and anchor.first.at - anchor.first.row == top - head:
            return anchor
        return Anchor(Pair(head, top), ()) if self._only_spins(seen) else None

    def _only_spins(self, seen: Seen) -> bool:
        """What changed reads as before, or goes on, and a row that is like no other has not moved."""
        often = Counter(self._frame)
        stays = False
        for row in range(max(self.head, HEADER_ROWS), len(seen.names) - self._foot):
            now, was = seen.rows[row].text, self._rows[row].text
            if seen.names[row] == self._frame[row]:
                stays = stays or (often[seen.names[row]] == 1 and telling(now) >= SAYS_SOMETHING)
            elif not (now.startswith(was.rstrip()) or reads_alike(now, was)):
                return False
        return stays

    def _ordered_end(self, end: int, *, spare: int = 0, old_ms: int | None = None, floor: int = 0) -> int:
        """`lines[:end]` without the rows that are still being written: rows may yet come in above them. Rows that have
        not changed since *old_ms* are done.
        """
        left = max([1, *self._tails]) + spare
        while end > floor:
            line = self.lines[end - 1]
            if line.key != BLANK and line.flickers < FLICKERS:
                if not left or (old_ms is not None and line.since_ms <= old_ms):
                    break
                left -= 1
            end -= 1
        return end

    def _seen_before(self, anchor: Anchor, known: Known, seen: Seen) -> int | None:
        """The frame shows a part of the document that is known already, with more content below: it was scrolled back.

        How many rows of it, or None.
        """
        row, at = anchor.first
        keys, names = known.names, seen.names
        length = 0
        while row + length < len(names) and at + length < self.content and names[row + length] == keys[at + length]:
            length += 1
        below = range(at + length, known.end)
        shown = sum(1 for name in names[row : row + length] if name != BLANK)
        if shown < SEEN_BEFORE_ROWS or all(keys[at] == BLANK for at in below):
            return None
        if self._same_bottom(seen, row + length):
            return length
        moved = at - row - (self.shown.top - self.shown.head)
        if len(names) - row - length > max(self._foot, len(names) // 3) or (moved >= 0 and self._at_end):
            return None
        # Another composer. What stood in its place never scrolled, and has closed; a list that is scrolled back did.
        end = max((at + 1 for at in below if self.lines[at].scrolled and keys[at] != BLANK), default=None)
        if end is None:
            return None
        del self.lines[end:]
        self._sure = end
        return length

    def _same_bottom(self, seen: Seen, first: int) -> bool:
        """From row *first* on nothing has changed, or next to nothing in a composer in which nobody types."""
        names, before = seen.names, self._frame
        size = min(len(names) - first, len(before))
        rest = [(names[-at], before[-at]) for at in range(1, size + 1)]
        if size > self._foot and any(now != was for now, was in rest):
            return False
        static = sum(1 for now, was in rest if now == was != BLANK)
        if static < STATIC_SHARE * sum(1 for now, _ in rest if now != BLANK):
            return False
        cursor_y = seen.cursor_y
        if cursor_y < first or self.composer.cursor_y < 0:
            return True
        return cursor_y == self.composer.cursor_y and names[cursor_y : cursor_y + 1] == before[cursor_y : cursor_y + 1]

    def _join(self, anchor: Anchor, seen: Seen, known: Known) -> None:
        frame, names = seen.rows, seen.names
        row, at = anchor.first
        moved = at - row - (self.shown.top - self.shown.head)
        head = head_above(anchor, known.names, names)
        if moved == 0 and row > self.shown.head:
            # Rows at the top changed in their places.
            head = self.shown.head
            row, at = head, self.shown.top
        self._learn(anchor, seen, moved, head)
        feet = self.composer.names
        last_content = max(
            (pair for pair in anchor.pairs if pair.at < known.end and names[pair.row] not in feet), default=None
        )
        self.stored = self._still_stored(Anchor(Pair(row, at), anchor.pairs))
        old = {line.key: line for line in self.lines[at:]}
        lost = self._lost_from(at, anchor.pairs)
        block = self.lines[at].block
        self.block = block
        if moved > 0:
            block.grown += moved
            self.scrolled += moved
            if block.page and block.grown >= len(frame):
                self._covered = None  # no dialog, but a program of its own
        scrolled = {pair.row for pair in anchor.pairs if moved and names[pair.row] != self._at(pair.row)}
        self.lines[at:] = [self._line(seen, i, old, scrolled=i in scrolled) for i in range(row, len(frame))]
        for after, reason in lost:
            self.lines[at + min(max(after, row), len(frame) - 1) - row].lost = reason
        self.shown = Shown(at - (row - head), head, len(frame) - head)
        self._sure = at if last_content is None else at + last_content.row - row + 1

    def _lost_from(self, first: int, pairs: Sequence[Pair]) -> list[tuple[int, GapReason]]:
        """Gaps below the first row that the frame lays out anew, and before which of its rows they stand now."""
        lost: list[tuple[int, GapReason]] = []
        for at in range(first, len(self.lines)):
            if (reason := self.lines[at].lost) is not None:
                above = max((pair.row + 1 for pair in pairs if pair.at < at), default=0)
                below = min((pair.row - (pair.at - at) for pair in pairs if pair.at >= at), default=above)
                lost.append((max(above, below), reason))
        return lost

    def _at(self, row: int) -> int | None:
        return self._frame[row] if row < len(self._frame) else None

    def _line(self, seen: Seen, at: int, old: dict[int, Line], *, scrolled: bool) -> Line:
        row, name = seen.rows[at], seen.names[at]
        before = old.get(name)
        line = Line(row, name, self.block, seen.at_ms if before is None else before.since_ms)
        line.scrolled = scrolled or (before is not None and before.scrolled)
        if before is None:
            line.flickers = self._flickers(seen, at)
        elif at < len(self._frame) and self._frame[at] == name:
            line.flickers = before.flickers
        if before is not None and before.row.text == row.text:
            line.row = before.row
        return line

    def _still_stored(self, anchor: Anchor) -> int:
        """Stored rows stay stored where the frame lays them out anew."""
        row, at = anchor.first
        if self.stored <= at:
            return self.stored
        inside = [pair for pair in anchor.pairs if pair.at < self.stored]
        last = inside[-1] if inside else Pair(row - 1, at - 1)
        rest = self.stored - 1 - last.at
        later = next((pair.row for pair in anchor.pairs if pair.at >= self.stored), len(self._frame))
        return at + (last.row - row) + 1 + max(0, min(rest, later - last.row - 1))

    @property
    def content(self) -> int:
        """`lines[content:]` are composer and footer, as far as they are known."""
        return max(self._sure, len(self.lines) - self._foot)

    # -- composer and footer ----------------------------------------------------------------------------------------

    @property
    def _foot(self) -> int:
        return self.composer.height(self._rows, self._frame)

    def _learn(self, anchor: Anchor, seen: Seen, moved: int, head: int) -> None:
        """Rows at the bottom that stay while the content scrolls are no content."""
        names = seen.names
        if len(names) != len(self._frame) or moved < 0 or not anchor.pairs:
            return
        last = max((pair.at for pair in anchor.pairs if pair.at < self.content), default=anchor.first.at)
        tail = sum(1 for line in self.lines[last + 1 : self.content] if line.key != BLANK and line.flickers < FLICKERS)
        if tail <= LONGEST_TAIL:
            self._tails = [*self._tails[1 - TAILS_LOOKED_AT :], tail]
        last_moved = max((pair.row for pair in anchor.pairs if names[pair.row] != self._frame[pair.row]), default=-1)
        if 0 < moved < len(names) and last_moved >= 0:
            first = len(names) - min(staying(self._frame, names), len(names) - 1 - last_moved)
            while first < len(names) and names[first] in (BLANK, names[max(0, first - moved)]):
                first += 1  # content that reads the same where it stood and where it has gone
            self.composer.learn(seen.rows, names, len(names) - first)
            self.head = head

    # -- frames that show nothing known -----------------------------------------------------------------------------

    def _unlike(self, seen: Seen) -> None:
        """Rewritten in place, scrolled by more than the content's height, or another page."""
        self.unlike += 1
        if self._jumped(seen):
            return
        stays = staying(self._frame, seen.names)
        if self._in_place(seen):
            changed = [i for i, (now, was) in enumerate(zip(seen.names, self._frame, strict=True)) if now != was]
            self._overwrite(seen, [i for i in changed if i >= self.shown.head])
        elif self._scrolled_on(seen, stays):
            self._jump(seen, stays)
        elif any(name != BLANK for name in seen.names):
            self.pages += 1
            self._covered = self._covered or self._view(self.shown.top)
            self.block = Block(seen.at_ms, page=True)
            new = self._all_new(seen)
            del self.lines[self.content :]
            self._drop_flickering_end(seen.at_ms)
            self._append(new, 0)
            if len(self.lines) > BOUND_ROWS:
                del self.lines[self._covered.top + len(self._covered.lines) : -len(new)]
                self.shown = self.shown._replace(top=len(self.lines) - len(new))
                self._sure = self.shown.top
                self.lines[self.shown.top].lost = GapReason.UNSEEN

    def _jumped(self, seen: Seen) -> bool:
        """It scrolled on, since rows have come in above the composer before."""
        stays = staying(self._frame, seen.names)
        if not self.composer.has_worked or not self._scrolled_on(seen, stays):
            return False
        self._jump(seen, stays)
        return True

    def composer_is_in(self, frame: Sequence[Row], cursor_y: int) -> bool:
        names = [key(row.text) for row in frame]
        return self.composer.is_there(frame, names, staying(self._frame, names), cursor_y)

    def _scrolled_on(self, seen: Seen, stays: int) -> bool:
        raw = seen.names[-1] == BLANK and seen.cursor_y == len(seen.names) - 1 and self.block.grown > 0
        return raw or self.composer.is_there(seen.rows, seen.names, stays, seen.cursor_y)

    def _in_place(self, seen: Seen) -> bool:
        """Half of the screen stays, or what changed reads much as before: counters, clocks, a dialog."""
        names = seen.names
        if len(names) != len(self._frame) or not self._at_end:
            return False
        if self.composer.has_worked and speaks(self._rows, self._foot):
            return False  # without the composer it is something else
        region = range(self.head, len(names) - self._foot)
        pairs = [(i, names[i] == self._frame[i]) for i in region if BLANK not in (names[i], self._frame[i])]
        static = sum(1 for _, same in pairs if same)
        similar = sum(1 for i, same in pairs if not same and reads_alike(seen.rows[i].text, self._rows[i].text))
        inked = sum(1 for i in region if self._frame[i] != BLANK)
        return static >= STATIC_SHARE * inked or similar >= SIMILAR_SHARE * (len(pairs) - static) > 0

    def _jump(self, seen: Seen, stays: int) -> None:
        """Rows went by unseen. What was still being written is not told: the gap holds it."""
        names, new = seen.names, self._all_new(seen)
        head = self._stuck(names)
        content = max(self.stored, min(self.content, len(self.lines) - stays))
        end = self._ordered_end(content, spare=1, old_ms=seen.at_ms - SETTLED_MS, floor=self.stored)
        keys = [line.key for line in self.lines[:end]]
        weights = [telling(row.text) for row in seen.rows[: len(names) - stays]]
        cut, first = part(keys, self.stored, names[: len(weights)], weights, min(head, len(weights)))
        del self.lines[cut:]
        self._append(new, min(first, len(new) - 1))
        self.lines[self.shown.top].lost = seen.missed
        self.block.grown += self.shown.length
        self.scrolled += 1

    def _stuck(self, names: Sequence[int]) -> int:
        """Rows at the top that stick there. Taking one too many for such only makes the gap longer."""
        head = self.head
        if head == 0 and names[0] != BLANK and any(line.key == names[0] for line in self.lines[-2 * len(names) :]):
            head = 1
        while head <= HEADER_ROWS and names[head] != BLANK and names[head] == self._frame[head]:
            head += 1
        return head

    def _all_new(self, seen: Seen) -> list[Line]:
        lines = [Line(row, name, self.block, seen.at_ms) for row, name in zip(seen.rows, seen.names, strict=True)]
        for at, line in enumerate(lines):
            # Items of a list that stand in one place after the other are alike too.
            line.flickers = 0 if (flickers := self._flickers(seen, at)) < FLICKERS else flickers
        return lines

    def _append(self, new: Sequence[Line], head: int) -> None:
        self.shown = Shown(len(self.lines), head, len(new) - head)
        self._sure = len(self.lines)
        self.lines += new[head:]

    def _drop_flickering_end(self, at_ms: int) -> None:
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

    # -- another width ----------------------------------------------------------------------------------------------

    def _drawn_anew(self, frame: Sequence[Row]) -> bool:
        """The frame is no longer the old one with its rows cut off; or moved, where the height has changed."""
        old = [row.text.rstrip() for row in self._before_resize or ()]
        now = [row.text.rstrip() for row in frame]
        if self._other_width:
            return any(not any(before.startswith(text) for before in old) for text in now if text)
        grown = len(now) - len(old)
        old += [""] * grown
        # In a taller window rows that had been cut off above may be there again.
        moves = range(-max(0, grown), max(0, -grown) + 1)
        return not any(all(now[at] == old[at + by] for at in range(max(0, -by), len(now))) for by in moves)

    def _wrap_anew(self, seen: Seen) -> None:
        """Words tell where the frame begins in the document; rows above keep the width they had."""
        frame, names, at_ms = seen.rows, seen.names, seen.at_ms
        self.composer.forget_heights()
        height = max(len(frame), len(self._frame))
        low = max(0, self.shown.top - 2 * height)
        before = [line.row for line in self.lines[low : self.content]]
        begins = where_it_begins(before, frame)
        if begins is None:
            self._find(seen)
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
        self._sure = at

    # -- what may go into the log -----------------------------------------------------------------------------------

    def _mark(self, at_ms: int) -> None:
        top, _, length = self.shown
        for at in range(self.stored, len(self.lines)):
            line = self.lines[at]
            line.below_ms = (line.below_ms or at_ms) if at >= top + length else None

    def take_gone(self) -> list[Line]:
        """Rows that left the screen upwards, in order. Should they come back, they are known."""
        stop = min(self.shown.top, self.content) if self._covered is None else self._covered.top
        return self._take(max(self.stored, stop))

    def take_all(self, at_ms: int) -> list[Line]:
        """The screen closes: everything that is content, with what stands there."""
        below = self.shown.top + self.shown.length
        del self.lines[self.content :]
        for at in range(len(self.lines) - 1, max(below, self.stored) - 1, -1):
            line = self.lines[at]
            if line.block is not self.block or (line.below_ms or at_ms) - line.since_ms < SETTLED_MS:
                del self.lines[at]
        self._drop_flickering_end(at_ms)
        self.block.page = self.block.page and self.pages > 1
        end = len(self.lines)
        while end > self.stored and self.lines[end - 1].key == BLANK:
            end -= 1
        return self._take(end)

    def _take(self, end: int) -> list[Line]:
        taken: list[Line] = []
        lost: GapReason | None = None
        for line in self.lines[self.stored : end]:
            lost = lost or line.lost
            if self._worth_keeping(line) and (self._begun or taken or line.key != BLANK):
                line.lost, lost = lost, None
                taken.append(line)
        if lost is not None and end < len(self.lines):
            self.lines[end].lost = self.lines[end].lost or lost
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
        return not block.page or block is self.block or block.until_ms - block.since_ms >= SETTLED_MS

    def _forget_oldest(self) -> None:
        surplus = min(self.stored, len(self.lines) - BOUND_ROWS)
        if surplus <= 0:
            return
        self._earlier = []
        del self.lines[:surplus]
        self.stored -= surplus
        self._sure = max(0, self._sure - surplus)
        self.shown = self.shown._replace(top=self.shown.top - surplus)
        if self._covered is not None:
            shown = self._covered.shown
            self._covered = self._covered._replace(
                top=self._covered.top - surplus,
                shown=shown._replace(top=shown.top - surplus),
                sure=max(0, self._covered.sure - surplus),
            )
        if self.cut is not None:
            self.cut = self.cut._replace(row=self.cut.row - surplus)
