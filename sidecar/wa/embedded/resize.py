"""A change of size as WezTerm makes it (term/src/screen.rs `resize`, `rewrap_lines`, `wrap`, 2025-02-23).

- Blank rows below the cursor are dropped first; then the viewport is the last rows of all.
- A cursor that lands in column 0 goes back to the row above, behind its end or to its old column.
- A logical line that has to be wrapped loses the blanks at its end.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import NamedTuple

from wa.embedded.cells import RawRow, row_lengths, row_text
from wa.embedded.ghostty import Mark, Vt

_LONGEST_LINE_ROWS = 4096


class Place(NamedTuple):
    """Where the cursor stands in its logical line, the first row of which is under Mark.LINE."""

    x: int
    rows_in: int
    logical_x: int


def mark_place(vt: Vt, x: int) -> Place:
    """Of the cursor on the primary screen, *x* being its column, which may be behind the last."""
    state = vt.state()
    row = first = state.history + state.cursor_y
    before = 0
    while first > 0 and row - first < _LONGEST_LINE_ROWS:
        above = vt.read(first - 1, 1)[0]
        if not above.wrapped:
            break
        before += row_lengths(above.cells)[0]
        first -= 1
    vt.set_mark(Mark.LINE, first)
    return Place(x, row - first, before + x)


def move_place(place: Place, old_cols: int, cols: int, *, has_row_above: bool) -> Place:
    """After wrapping to *cols*. `rows_in` may become -1: the row above the line."""
    if cols == old_cols:
        return place
    rows_in, x = divmod(place.logical_x, cols)
    if x == 0 and (rows_in or has_row_above):
        x = place.x if cols < old_cols else cols
        rows_in -= 1
    x = min(x, cols)
    return Place(x, rows_in, max(rows_in, 0) * cols + x)


def resize_primary(vt: Vt, cols: int, rows: int, pen: bytes) -> None:
    """Leaves the cursor in column 0: libghostty-vt would lengthen its row to keep a cursor that is behind the end.

    *pen* sets the present pen again. The cursor is saved anew: a blank row on which it was saved would not be dropped.
    """
    vt.feed(b"\x1b[1G")
    used = _used_rows(vt)
    if used < vt.rows:
        y = vt.state().cursor_y
        vt.feed(b"\x1b[m\x1b[%d;1H\x1b[J\x1b[%d;1H%b\x1b7" % (used + 1, y + 1, pen))
        vt.resize(vt.cols, used)
    if cols != vt.cols:
        vt.resize(cols, min(used, rows))
    if (cols, rows) != (vt.cols, vt.rows):
        vt.resize(cols, rows)


def _used_rows(vt: Vt) -> int:
    """Down to the cursor or the last row with more than blanks on it."""
    used = vt.state().cursor_y + 1
    viewport = vt.read_viewport(0, vt.rows)
    for y in range(used, len(viewport)):
        if row_text(viewport[y]).strip(" "):
            used = y + 1
    return used


def drop_blank_end(row: RawRow, cols: int, above: Callable[[], RawRow | None]) -> RawRow:
    """The last row of a logical line that had to be wrapped at *cols* once, without the plain blanks at its end.

    *above* gives the rows above this one, nearest first, None when there are no more.
    """
    written, last = row_lengths(row.cells)
    if row.wrapped or written == last:
        return row
    length = written
    while length <= cols:
        upper = above()
        if upper is None or not upper.wrapped:
            return row
        length += row_lengths(upper.cells)[0]
    if not last:
        return row
    packed = array("Q", row.cells)
    packed[last:written] = array("Q", bytes(8 * (written - last)))
    return row._replace(cells=packed.tobytes())
