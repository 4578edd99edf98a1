"""Erasing, inserting and deleting as WezTerm does it, on top of libghostty-vt.

The two differ in what is left at a row's end, and `get-text` shows it. In WezTerm a row is as long as what was ever
written to it; erasing writes blanks in the pen's style and then drops plain blanks at the end, unless nothing else is
left: then they all stay. So a row that was cleared is a row of blanks, and one that was never written is empty.
(termwiz/src/surface/line/line.rs `fill_range`, term/src/terminalstate/mod.rs `perform_csi_edit`, 2025-02-23.)

libghostty-vt tells a written blank from none, so that a row's length is known. Where it would differ, the primary
screen's rows get Padding; the alternate screen, which is never wrapped anew, gets real blanks.
"""

from __future__ import annotations

import re

from wa.embedded.cells import blanks, is_plain_blank, is_written, row_lengths
from wa.embedded.ghostty import Vt, VtState
from wa.embedded.padding import Padding

_REPORT_PEN = b"\x1bP$qm\x1b\\"
_REPORT_MARGINS = b"\x1bP$qr\x1b\\"
_PEN = re.compile(rb"\x1bP1\$r([0-9;:]*)m\x1b\\")
_MARGINS = re.compile(rb"\$r([0-9]+);([0-9]+)r")


class Edits:
    """`top` is the stable index of the viewport's first row; whoever feeds escape sequences sets `is_pen_stale`."""

    def __init__(self, vt: Vt) -> None:
        self.padding = Padding()
        self.top = 0
        self.is_pen_stale = True
        self._vt = vt
        self._plain_pen = True

    def feed(self, sequence: bytes) -> bool:
        """One CSI sequence that ends in J, K, X, @, P, L, M or T. Whether rows may have scrolled into history."""
        vt, state = self._vt, self._vt.state()
        final = sequence[-1:]
        if sequence[2:3] == b"?":
            return False  # selective erase: WezTerm has none
        if state.has_odd_modes:
            vt.feed(sequence)
        elif final == b"K":
            self._erase_in_line(state, sequence)
            return False
        elif final == b"J":
            self._erase_in_display(state, sequence)
            return state.pending_wrap  # it was left to libghostty-vt
        elif final in (b"L", b"M"):
            self._shift_lines(state, sequence, final)
        elif final == b"T":
            self._scroll_down(sequence, _count(sequence))
        else:
            self._edit_line(state, sequence, final, _count(sequence))
            return False
        return True

    def reverse_index(self) -> None:
        """RI."""
        if self._vt.state().cursor_y:
            self._vt.feed(b"\x1bM")
        else:
            self._scroll_down(b"\x1bM", 1)

    def _scroll_down(self, sequence: bytes, count: int) -> None:
        self._vt.feed(sequence)
        if not self._vt.state().is_alt:
            self.padding.shift(self._viewport(0), count)

    def set_margins(self, sequence: bytes) -> None:
        """DECSTBM, or a soft reset. Rows in a region move without a word: there, padding becomes real blanks."""
        self._vt.feed(sequence)
        state = self._vt.state()
        if not state.is_alt:
            self.padding.is_tracking = self.margins() == (0, self._vt.rows - 1)
            if not self.padding.is_tracking and any(self.padding.length(index) for index in self._viewport(0)):
                self._write_padding(state)

    def _write_padding(self, state: VtState) -> None:
        out = []
        for y, cells in enumerate(self._vt.read_cells(0, self._vt.rows)):
            written, _ = row_lengths(cells)
            blanks = min(self.padding.length(self.top + y), self._vt.cols) - written
            if blanks > 0:
                out.append(_go(written, y) + b" " * blanks)
        self.padding.forget(self.top)
        if not state.has_odd_modes:
            self._vt.feed(b"\x1b[m" + b"".join(out) + self.pen() + _go(state.cursor_x, state.cursor_y))

    # Asking the terminal.

    def _ask(self, question: bytes) -> bytes:
        before = len(self._vt.replies)
        self._vt.feed(question)
        reply = bytes(self._vt.replies[before:])
        del self._vt.replies[before:]
        return reply

    def pen(self) -> bytes:
        """The SGR sequence that sets the present pen."""
        match = _PEN.fullmatch(self._ask(_REPORT_PEN))
        return b"\x1b[" + (match[1] if match else b"") + b"m"

    def has_plain_pen(self) -> bool:
        if self.is_pen_stale:
            self._plain_pen = self._vt.has_default_pen() or self.pen() in (b"\x1b[0m", b"\x1b[m")
            self.is_pen_stale = False
        return self._plain_pen

    def margins(self) -> tuple[int, int]:
        """First and last row of the scroll region, from 0."""
        match = _MARGINS.search(self._ask(_REPORT_MARGINS))
        return (0, self._vt.rows - 1) if match is None else (int(match[1]) - 1, int(match[2]) - 1)

    # Rows of the viewport.

    def _viewport(self, first: int) -> range:
        return range(self.top + first, self.top + self._vt.rows)

    def _length(self, y: int, cells: bytes, *, is_alt: bool) -> int:
        written, _ = row_lengths(cells)
        return written if is_alt else max(written, self.padding.length(self.top + y))

    def _lengthen(self, y: int, written: int, wanted: int, *, is_alt: bool) -> bytes:
        """What to feed, if anything, so that a row of *written* cells counts as one of *wanted*."""
        cols = self._vt.cols
        wanted = min(wanted, cols)
        if wanted < written:
            self.padding.set(self.top + y, 0)
            return _go(wanted, y) + b"\x1b[%dX" % (written - wanted)
        if is_alt:
            return _go(written, y) + b" " * (wanted - written) if wanted > written else b""
        self.padding.set(self.top + y, wanted if wanted > written else 0)
        return b""

    def fill(self, cells: bytes, y: int, start: int, stop: int, *, is_alt: bool) -> bytes:
        """What to feed so that the cells `start … stop` of a row become blanks of the pen; leaves the cursor astray."""
        cols = self._vt.cols
        if not self.has_plain_pen():
            if not is_alt:
                self.padding.set(self.top + y, 0)
            return _go(start, y) + (b"\x1b[K" if stop >= cols else b"") + b" " * (stop - start)
        length = self._length(y, cells, is_alt=is_alt)
        if not length:
            return b""
        written_left, last_left = row_lengths(cells[: start * 8])
        written_right, last_right = row_lengths(cells[stop * 8 :])
        erase = _go(start, y) + (b"\x1b[K" if stop >= cols else b"\x1b[%dX" % (stop - start))
        wanted = stop + last_right if last_right else last_left or max(length, stop)
        written = stop + written_right if written_right else written_left
        return erase + self._lengthen(y, written, wanted, is_alt=is_alt)

    def _erase_in_line(self, state: VtState, sequence: bytes) -> None:
        how = _parameter(sequence)
        cols, x, y = self._vt.cols, state.cursor_x, state.cursor_y
        if how > 2 or (how == 0 and state.pending_wrap):
            return  # after the last column was written, WezTerm's cursor stands behind it
        if state.pending_wrap:
            self._vt.feed(sequence)
            return
        start, stop = ((x, cols), (0, x + 1), (0, cols))[how]
        erasing = self._fill_to_end(y, start, is_alt=state.is_alt) if stop == cols else None
        if erasing is None:
            erasing = self.fill(self._vt.read_cells(y, 1)[0], y, start, stop, is_alt=state.is_alt)
        self._vt.feed(erasing + _go(x, y))

    def _fill_to_end(self, y: int, start: int, *, is_alt: bool) -> bytes | None:
        """What `fill` gives, where one cell is enough to tell; None where it is not. A row is dear to read."""
        if not self.has_plain_pen():
            return None
        cell = self._vt.cell(max(start - 1, 0), y)
        if not is_written(cell) or (start and is_plain_blank(cell)):
            return None
        wanted = start or self._vt.cols
        return _go(start, y) + b"\x1b[K" + self._lengthen(y, start, wanted, is_alt=is_alt)

    def _erase_in_display(self, state: VtState, sequence: bytes) -> None:
        how = _parameter(sequence)
        if how > 2:
            return  # libghostty-vt would scroll the screen away for 22
        if state.pending_wrap:
            self._vt.feed(sequence)
            return
        x, y, rows, cols = state.cursor_x, state.cursor_y, self._vt.rows, self._vt.cols
        whole = (range(y + 1, rows), range(y), range(rows))[how]
        viewport = self._vt.read_cells(0, rows)
        out = []
        if how < 2:
            start, stop = ((x, cols), (0, x + 1))[how]
            out.append(self.fill(viewport[y], y, start, stop, is_alt=state.is_alt))
        out.extend(
            [
                self.fill(viewport[other], other, 0, cols, is_alt=state.is_alt)
                for other in whole
                if not self._stays(viewport[other], other, is_alt=state.is_alt)
            ]
        )
        self._vt.feed(b"".join(out) + _go(x, y))

    def _stays(self, cells: bytes, y: int, *, is_alt: bool) -> bool:
        """Whether clearing the row leaves it as it is: most rows of most screens that are cleared are empty."""
        cols = self._vt.cols
        if not self.has_plain_pen():
            return False
        if cells == bytes(8 * cols):
            return is_alt or self.padding.length(self.top + y) in (0, cols)
        return is_alt and cells == blanks(cols)

    def _shift_lines(self, state: VtState, sequence: bytes, final: bytes) -> None:
        """IL and DL. WezTerm leaves the cursor's column alone, and lets lines deleted at the top go into history."""
        top, bottom = self.margins()
        if not top <= state.cursor_y <= bottom:
            return
        back = b"" if state.pending_wrap else _go(state.cursor_x, state.cursor_y)
        if final == b"M" and state.cursor_y == 0 and not state.is_alt:
            self._vt.feed(sequence[:-1] + b"S" + back)
            return
        self._vt.feed(sequence + back)
        if not state.is_alt:
            count = _count(sequence)
            self.padding.shift(self._viewport(state.cursor_y), count if final == b"L" else -count)

    def _edit_line(self, state: VtState, sequence: bytes, final: bytes, count: int) -> None:
        """ECH, ICH, DCH."""
        x, y, cols = state.cursor_x, state.cursor_y, self._vt.cols
        length = self._length(y, self._vt.read_cells(y, 1)[0], is_alt=state.is_alt)
        self._vt.feed(sequence)
        if state.pending_wrap:
            return
        if final == b"X":
            wanted = max(length, min(x + count, cols)) if x <= length else length
        elif final == b"@":
            wanted = min(cols, max(length, x) + count)
        elif length >= cols:
            wanted = cols
        else:
            wanted = max(length - count, min(length, x))
        written, _ = row_lengths(self._vt.read_cells(y, 1)[0])
        self._vt.feed(self._lengthen(y, written, wanted, is_alt=state.is_alt) + _go(x, y))


def _parameter(sequence: bytes) -> int:
    first = sequence[2:-1].partition(b";")[0]
    return int(first) if first.isdigit() and len(first) < 6 else 0


def _count(sequence: bytes) -> int:
    return min(max(_parameter(sequence), 1), 65535)


def _go(x: int, y: int) -> bytes:
    return b"\x1b[%d;%dH" % (y + 1, x + 1)
