"""A terminal whose rows have the stable indices that WezTerm's have.

Row 0 is the first row the terminal ever had. `physical_top` is the index of the viewport's first row, `scrollback_top`
of the oldest row that is kept. Erased history leaves its numbers unused; a change of width numbers all kept rows anew
from `scrollback_top`; the alternate screen has rows 0 … R-1 of its own.

libghostty-vt counts its rows from the oldest it holds and drops old ones unasked. How far the numbers have moved is
told by a mark on the viewport's first row, looked up after every SAFE_BYTES of output, which cannot scroll further than
the history that is kept besides.
"""

from __future__ import annotations

import re

from wa.embedded.cells import RawRow, row_lengths
from wa.embedded.changes import Changes, Shown
from wa.embedded.edits import Edits
from wa.embedded.ghostty import Mark, Vt
from wa.embedded.osc import Clipboard, Messages
from wa.embedded.resize import Place, drop_blank_end, mark_place, move_place, resize_primary
from wa.embedded.scan import ALTERNATE_SCREEN_MODES, Step, StepKind
from wa.model.screen import Cursor, Dimensions
from wa.protocol.mux import Alert, Bell

SAFE_BYTES = 2048
"""A byte scrolls one row at most; sequences that scroll or repeat more per byte are bounded by SAFE_ROWS."""
SAFE_ROWS = 8192

BELLS_PER_BATCH = 16
"""More bells than this between two other sequences are announced as this many."""

_STILL = re.compile(rb"(?:\x1b\[[0-9;:?>]*[mnchluq])*")
"""What leaves the cursor where it is."""
_LINES = re.compile(rb"[^\n]*\n|[^\n]+")
_STYLED_NEWLINE = re.compile(rb"\x1b(?:8|\[(?!0?m)[0-9;:]*m)(?:(?!\x1b\[0?m)[^\n])*\n")
"""Only a hint: the style may be taken back by its own opposite, `CSI 39 m` for example."""

DEFAULT_SCROLLBACK = 3500
"""WezTerm's `scrollback_lines` unless configured."""


class Screen:
    def __init__(self, cols: int, rows: int, scrollback: int = DEFAULT_SCROLLBACK) -> None:
        self.cols, self.rows = cols, rows
        self.messages = Messages()
        self.seqno = 1
        self._scrollback = scrollback
        self._vt = Vt(cols, rows, scrollback + SAFE_ROWS)
        self._edits = Edits(self._vt)
        self._is_alt = False
        self._physical_top = 0
        self._first = 0
        """The stable index of the oldest row that libghostty-vt holds."""
        self._erased_to = 0
        """History above this is gone by the program's wish."""
        self._marked = 0
        """The stable index of the row under the mark."""
        self._kept_top = 0
        """`scrollback_top` when the alternate screen was entered."""
        self._saved = Place(0, 0, 0)
        self._beyond: int | None = None
        """The cursor's column while it stands behind the last one, which a change of size can do."""
        self._wrapped_at, self._wrapped_to = 0, 0
        """Rows up to the second have been wrapped anew at widths down to the first."""
        self._primary_size = (cols, rows)
        """When the alternate screen was entered."""
        self._changes = Changes()
        self._cursor_shape = 0

    def close(self) -> None:
        self._vt.close()

    # What there is.

    @property
    def is_alt(self) -> bool:
        return self._is_alt

    @property
    def _oldest(self) -> int:
        return max(self._first, self._erased_to, self._physical_top - self._scrollback)

    def dimensions(self) -> Dimensions:
        if self._is_alt:
            return Dimensions(self.cols, self.rows, self.rows, 0, 0)
        top, oldest = self._physical_top, self._oldest
        return Dimensions(self.cols, self.rows, top + self.rows - oldest, top, oldest)

    def cursor(self) -> Cursor:
        state = self._vt.state()
        top = 0 if self._is_alt else self._physical_top
        x = state.cursor_x if self._beyond is None else self._beyond
        return Cursor(x, top + state.cursor_y, state.cursor_visible, self._cursor_shape)

    @property
    def mouse_grabbed(self) -> bool:
        return self._vt.state().mouse_tracking

    @property
    def bracketed_paste(self) -> bool:
        return self._vt.mode(2004)

    @property
    def vt(self) -> Vt:
        return self._vt

    def take_replies(self) -> bytes:
        """What the terminal answers to the program's questions."""
        replies = bytes(self._vt.replies)
        self._vt.replies.clear()
        return replies

    def read(self, wanted: range) -> list[tuple[int, RawRow]]:
        """Rows by index. A range that begins or ends outside of what exists is moved as WezTerm moves it.

        One that begins outside gives the oldest rows, as many as were asked for; one that only ends outside gives the
        newest rows, one more than were asked for (term/src/screen.rs `stable_range`, 2025-02-23).
        """
        dims = self.dimensions()
        count = max(0, wanted.stop - wanted.start)
        kept = range(dims.scrollback_top, dims.physical_top + dims.viewport_rows)
        if wanted.start not in kept:
            found = kept[: min(count, len(kept))]
        elif wanted.stop - 1 in kept:
            found = wanted
        elif wanted.stop - 1 < kept.start:
            found = kept[:0]
        else:
            found = kept[max(0, len(kept) - 1 - count) :]
        base = 0 if self._is_alt else self._first
        rows = self._vt.read(found.start - base, len(found)) if found else []
        return [(index, self._as_wezterm(index, row)) for index, row in zip(found, rows, strict=False)]

    def _as_wezterm(self, index: int, row: RawRow) -> RawRow:
        """The row with the end that it would have there."""
        if self._is_alt:
            return row
        if index >= self._wrapped_to:
            return self._edits.padding.apply(index, row)
        above = iter(range(index - 1, self._first - 1, -1))

        def next_above() -> RawRow | None:
            up = next(above, None)
            return None if up is None else self._vt.read(up - self._first, 1)[0]

        return drop_blank_end(row, self._wrapped_at, next_above)

    # What happens.

    def apply(self, steps: list[Step]) -> list[Alert | Clipboard]:
        """Shows a batch of output; what it announces, in order."""
        self.seqno += 1
        heard: list[Alert | Clipboard] = []
        for kind, data in steps:
            match kind:
                case StepKind.TEXT:
                    self._feed(data)
                case StepKind.OSC:
                    heard += self._bells() + self.messages.hear(data)
                case StepKind.RESET:
                    self._reset(data)
                case StepKind.ERASE_HISTORY:
                    self._erase_history(data)
                case StepKind.SWITCH:
                    self._switch(data)
                case StepKind.EDIT:
                    self._edit(data)
                case StepKind.REVERSE_INDEX:
                    self._edits.reverse_index()
                case StepKind.MARGINS:
                    self._edits.is_pen_stale = True
                    self._edits.set_margins(data)
                case StepKind.CURSOR_SHAPE:
                    self._cursor_shape = min(int(data[2:-2] or 0), 7) % 7
                    self._feed(data)
        return heard + self._bells()

    def _bells(self) -> list[Alert | Clipboard]:
        count = min(self._vt.bells, BELLS_PER_BATCH)
        self._vt.bells = 0
        return [Bell()] * count

    def _feed(self, data: bytes) -> None:
        if self._beyond is not None:
            still = _STILL.match(data)
            assert still is not None
            self._vt.feed(still[0])
            self._edits.is_pen_stale = True
            data = data[still.end() :]
            if not data:
                return
            self._leave_beyond(data)
        if self._is_alt:
            self._vt.feed(data)
            self._edits.is_pen_stale |= b"\x1b" in data
            return
        if b"\n" in data and self._may_have_styled_newline(data):
            for line in _LINES.findall(data):
                self._feed_styled_line(line)
            return
        for at in range(0, len(data), SAFE_BYTES):
            self._vt.feed(data[at : at + SAFE_BYTES])
            self._measure()
        self._edits.is_pen_stale |= b"\x1b" in data

    def _may_have_styled_newline(self, data: bytes) -> bool:
        first = data.find(b"\x1b")
        before = data if first < 0 else data[:first]
        if b"\n" in before and not self._edits.has_plain_pen():
            return True
        return _STYLED_NEWLINE.search(data) is not None

    def _feed_styled_line(self, line: bytes) -> None:
        """A row that scrolls in at a line feed while the pen has a style is a row of blanks in WezTerm."""
        text = line.removesuffix(b"\n")
        for at in range(0, len(text), SAFE_BYTES):
            self._vt.feed(text[at : at + SAFE_BYTES])
            self._measure()
        self._edits.is_pen_stale |= b"\x1b" in text
        if text != line:
            bottom = self._physical_top + self.rows
            self._vt.feed(b"\n")
            self._measure()
            if self._physical_top + self.rows > bottom and not self._edits.has_plain_pen():
                self._edits.padding.set(bottom, self.cols)

    def _measure(self) -> None:
        history = self._vt.state().history
        self._first = self._marked - self._vt.mark(Mark.TOP)
        self._physical_top = self._edits.top = self._first + history
        if self._physical_top != self._marked:
            self._mark(self._physical_top)

    def _mark(self, index: int) -> None:
        self._vt.set_mark(Mark.TOP, index - self._first)
        self._marked = index

    def _history_is_gone(self) -> None:
        """After libghostty-vt has erased its history: the viewport keeps its numbers."""
        self._first = self._erased_to = self._physical_top - self._vt.state().history
        self._mark(self._physical_top)
        self._changes.history.reset(self._physical_top, self._physical_top, self.seqno)

    def _reset(self, data: bytes) -> None:
        self._edits.is_pen_stale = True
        if self._is_alt:
            self._vt.feed(b"\x1b[?1047l\x1b[?1049l")
            self._measure()
        padding, top = self._edits.padding, self._physical_top
        viewport = enumerate(self._vt.read_cells(0, self.rows))
        written = [y for y, cells in viewport if row_lengths(cells)[0] or padding.length(top + y)]
        self._vt.feed(data)
        self._edits.padding.is_tracking = True
        self._edits.padding.forget(self._physical_top)
        for y in written:
            self._edits.padding.set(self._physical_top + y, self.cols)
        self._is_alt = False
        self._cursor_shape = 0
        self.messages.reset()
        self._history_is_gone()
        self._changes.touch(range(self._physical_top, self._physical_top + self.rows), self.seqno, is_alt=self._is_alt)

    def _erase_history(self, data: bytes) -> None:
        self._vt.feed(data)
        if not self._is_alt:
            self._history_is_gone()

    def _switch(self, data: bytes) -> None:
        """To the alternate screen WezTerm goes with a plain pen, and by 1049 with the cursor at home."""
        was_alt = self._is_alt
        if was_alt == data.endswith(b"h"):
            # there already: WezTerm passes over it, libghostty-vt would move the cursor
            others = [mode for mode in data[3:-1].split(b";") if int(mode) not in ALTERNATE_SCREEN_MODES]
            if others:
                self._vt.feed(b"\x1b[?" + b";".join(others) + data[-1:])
            return
        if not was_alt:
            self._kept_top = self._oldest
            self._primary_size = (self.cols, self.rows)
            self._saved = mark_place(self._vt, self._cursor_x())
            self._mark(self._kept_top)
        self._vt.feed(data)
        self._edits.is_pen_stale = True
        self._is_alt = self._vt.state().is_alt
        if self._is_alt and not was_alt:
            self._vt.feed(b"\x1b[m\x1b[H" if b"1049" in data else b"\x1b[m")
            self._changes.touch(range(self.rows), self.seqno, is_alt=self._is_alt)
        elif not self._is_alt:
            self._measure()
            if was_alt:
                if self._primary_size != (self.cols, self.rows):
                    self._renumber_history(self._primary_size[0] != self.cols)
                    if b"1049" in data:
                        self._put_cursor(self._saved)
                        # libghostty-vt does not drop a blank row that has a mark
                        state = self._vt.state()
                        self._vt.set_mark(Mark.LINE, state.history + state.cursor_y)
                        resize_primary(self._vt, self.cols, self.rows, self._edits.pen())
                        self._measure()
                        self._put_cursor(self._saved._replace(rows_in=0))
                self._changes.touch(range(self._oldest, self._oldest + self.rows), self.seqno, is_alt=self._is_alt)

    def _edit(self, data: bytes) -> None:
        if self._edits.feed(data) and not self._is_alt:
            self._measure()

    def resize(self, cols: int, rows: int) -> None:
        """Wraps the primary screen anew; the alternate screen is cut or padded."""
        if (cols, rows) == (self.cols, self.rows):
            return
        self.seqno += 1
        old_cols = self.cols
        self.cols, self.rows = cols, rows
        self._changes.forget(is_alt=True)
        if self._is_alt:
            self._saved = move_place(self._saved, old_cols, cols, has_row_above=True)
            self._vt.resize(cols, rows)
            return
        replies = len(self._vt.replies)
        self._kept_top = self._oldest
        self._mark(self._kept_top)
        place = mark_place(self._vt, self._cursor_x())
        resize_primary(self._vt, cols, rows, self._edits.pen())
        del self._vt.replies[replies:]
        place = move_place(place, old_cols, cols, has_row_above=self._vt.mark(Mark.LINE) > 0)
        self._measure()
        self._renumber_history(old_cols != cols)
        self._put_cursor(place)

    def _cursor_x(self) -> int:
        return self._vt.state().cursor_x if self._beyond is None else self._beyond

    def _put_cursor(self, place: Place) -> None:
        row = self._vt.mark(Mark.LINE) + place.rows_in
        y = min(max(row - self._vt.state().history, 0), self.rows - 1)
        self._vt.feed(b"\x1b[%d;%dH" % (y + 1, min(place.x, self.cols - 1) + 1))
        self._beyond = place.x if place.x >= self.cols else None

    def _leave_beyond(self, data: bytes) -> None:
        """What is printed behind the last column goes on in the next row; anything else finds the cursor at the end."""
        self._beyond = None
        if data[0] >= 0x20 and data[0] != 0x7F:
            state = self._vt.state()
            length = row_lengths(self._vt.read_cells(state.cursor_y, 1)[0])[0]
            start = min(length, self.cols - 1)
            self._vt.feed(b"\x1b[%d;%dH" % (state.cursor_y + 1, start + 1) + b" " * (self.cols - start))

    def _renumber_history(self, width_changed: bool) -> None:
        self._changes.forget(is_alt=False)
        if width_changed:
            self._edits.padding.forget()
            self._wrapped_at = min(self.cols, self._wrapped_at or self.cols)
            self._wrapped_to = self._physical_top + self.rows
            self._changes.history.reset(self._oldest, self._physical_top, self.seqno)
        elif self._physical_top < self._changes.history.end:
            self._changes.history.cut(self._physical_top)
        else:
            self._changes.history.append(self._physical_top, self.seqno)

    # What has changed.

    def sync(self) -> None:
        """Finds out which rows have changed since the last call and dates them with `seqno`."""
        cursor = self.cursor().y
        padding = self._edits.padding
        self._changes.sync(self._vt, self._shown(), cursor, self.seqno, self._as_wezterm, padding.touched)
        if not self._is_alt:
            padding.touched.clear()
            padding.trim(self._oldest)

    def _shown(self) -> Shown:
        if self._is_alt:
            return Shown(is_alt=True, top=0, height=self.rows, oldest=0)
        return Shown(is_alt=False, top=self._physical_top, height=self.rows, oldest=self._oldest)

    def changed_since(self, seqno: int) -> tuple[list[tuple[int, RawRow]], tuple[range, ...]]:
        """Rows of the viewport that changed after *seqno* as of the last `sync`, and those of history by index."""
        return self._changes.since(seqno, is_alt=self._is_alt)

    def row(self, index: int) -> RawRow | None:
        """A row of the viewport as of the last `sync`."""
        return self._changes.row(index, is_alt=self._is_alt)
