"""Stable row indices, the alternate screen and changes of size."""

from __future__ import annotations

from contract.live import SCROLLBACK, Player
from contract.test_text import lines, texts
from contract.wire import Wire
from wa.protocol import mux as p


def tops(wire: Wire, player: Player) -> tuple[int, int, int]:
    """scrollback_top, physical_top, scrollback_rows."""
    dims = wire.dims(player.pane_id).dims
    return dims.scrollback_top, dims.physical_top, dims.scrollback_rows


def test_history_grows_by_what_scrolls_away(wire: Wire, player: Player) -> None:
    """physical_top counts the rows that have left the viewport; scrollback_rows counts the viewport too."""
    assert tops(wire, player) == (0, 0, 24)

    player.print(lines(1, 60))
    player.settle()

    assert tops(wire, player) == (0, 37, 61)
    assert [(row.index, row.text) for row in wire.rows(player.pane_id, 40, 41)] == [(40, "line 41")]


def test_old_rows_are_dropped_at_the_limit_exactly(wire: Wire, player: Player) -> None:
    """Of more rows than are kept, the newest stay, with their numbers."""
    player.print(lines(1, SCROLLBACK + 500))
    player.settle()

    top = SCROLLBACK + 500 + 1 - 24
    assert (top - SCROLLBACK, top, SCROLLBACK + 24) == tops(wire, player)
    assert [(top - SCROLLBACK, f"line {top - SCROLLBACK + 1}")] == [
        (row.index, row.text) for row in wire.rows(player.pane_id, 0, 1)
    ]


def test_erasing_history_leaves_its_numbers_unused(wire: Wire, player: Player) -> None:
    """CSI 3 J moves scrollback_top to physical_top; rows keep their numbers and go on from there."""
    player.print(lines(1, 60) + b"\x1b[3J")
    player.settle()
    assert tops(wire, player) == (37, 37, 24)

    player.print(lines(61, 70))
    player.settle()

    assert tops(wire, player) == (37, 47, 34)
    assert [row.text for row in wire.rows(player.pane_id, 37, 38)] == ["line 38"]


def test_erasures_and_reprints_in_one_write_are_counted(wire: Wire, player: Player) -> None:
    """However often history is erased and printed again within one piece of output, no row is counted twice."""
    again = b"\x1b[2J\x1b[3J\x1b[H" + lines(1, 40)
    player.print(again * 50)
    player.settle()

    assert tops(wire, player) == (50 * 17 - 17, 50 * 17, 41)
    assert [*texts(1, 40), ""] == [row.text.rstrip() for row in wire.all_rows(player.pane_id)]


def test_a_reset_goes_on_counting(wire: Wire, player: Player) -> None:
    """RIS erases everything and does not begin again at 0."""
    player.print(lines(1, 60) + b"\x1bc" + lines(1, 3))
    player.settle()

    assert tops(wire, player) == (37, 37, 24)
    assert texts(1, 3) == [text.rstrip() for text in wire.viewport(player.pane_id)[:3]]


def test_the_alternate_screen_has_rows_of_its_own(wire: Wire, player: Player) -> None:
    """On it there is no history and rows are 0 … R-1; behind it the primary screen keeps its numbers."""
    player.print(lines(1, 60) + b"\x1b[?1049hfull screen" + b"\r\nmore" * 40)
    player.settle()
    assert tops(wire, player) == (0, 0, 24)
    assert [row.text for row in wire.all_rows(player.pane_id)] == ["more"] * 24

    player.print(b"\x1b[?1049lafter")
    player.settle()

    assert tops(wire, player) == (0, 37, 61)
    assert [*texts(59, 60), "after"] == [row.text for row in wire.rows(player.pane_id, 58, 61)]


def test_a_scroll_region_from_the_top_feeds_history(wire: Wire, player: Player) -> None:
    """What scrolls out of a region that begins at the top is history; the rows below the region are numbered anew."""
    player.print(b"\x1b[1;20r\x1b[22;1Hcomposer\x1b[20;1H" + b"".join(b"\r\nhist %d" % n for n in range(40)))
    player.settle()

    rows = {row.index: row.text for row in wire.all_rows(player.pane_id)}
    assert tops(wire, player) == (0, 40, 64)
    assert rows[40 + 21] == "composer"
    assert [f"hist {n}" for n in range(40)] == [rows[n + 20] for n in range(40)]


def test_a_scroll_region_below_the_top_feeds_nothing(wire: Wire, player: Player) -> None:
    """What scrolls out of a region inside the screen is gone."""
    player.print(b"title\x1b[2;20r\x1b[20;1H" + b"\r\nx" * 40)
    player.settle()

    assert tops(wire, player) == (0, 0, 24)


def test_deleted_lines_at_the_top_become_history(wire: Wire, player: Player) -> None:
    """CSI M on the first row lets the rows go into history, as a scroll would."""
    player.print(lines(1, 5) + b"\x1b[H\x1b[2M")
    player.settle()

    assert tops(wire, player) == (0, 2, 26)
    assert texts(1, 5) == [row.text for row in wire.rows(player.pane_id, 0, 5)]


def resize(wire: Wire, player: Player, cols: int, rows: int) -> None:
    size = p.TerminalSize(rows, cols, cols * 8, rows * 16, 0)
    wire.ask(p.Resize(player.tab_id, player.pane_id, size), p.UnitResponse)


def test_a_change_of_width_wraps_everything_anew(wire: Wire, player: Player) -> None:
    """Long lines are wrapped to the new width in history too, and joined again when there is room."""
    player.print(b"".join(b"%02d " % n + b"x" * 97 + b"\r\n" for n in range(30)) + b"$ ")
    player.settle()
    assert tops(wire, player) == (0, 37, 61)

    resize(wire, player, 40, 24)
    rows = wire.all_rows(player.pane_id)
    assert tops(wire, player) == (0, 67, 91)
    assert [(len(row.text), row.wrapped) for row in rows[:3]] == [(40, True), (40, True), (20, False)]

    resize(wire, player, 120, 24)
    assert tops(wire, player) == (0, 7, 31)
    assert [len(row.text) for row in wire.all_rows(player.pane_id)[:30]] == [100] * 30


def test_a_taller_screen_takes_rows_back_from_history(wire: Wire, player: Player) -> None:
    """The viewport is always the last rows of all; a lower one gives rows back."""
    player.print(lines(1, 60) + b"$ ")
    player.settle()

    resize(wire, player, 80, 40)
    assert tops(wire, player) == (0, 21, 61)
    resize(wire, player, 80, 10)
    assert tops(wire, player) == (0, 51, 61)
    assert [*texts(1, 60), "$ "] == [row.text for row in wire.all_rows(player.pane_id)]


def test_blank_rows_below_the_cursor_do_not_survive_a_resize(wire: Wire, player: Player) -> None:
    """After a clear, the next change of size brings the erased screen's history back into view."""
    player.print(lines(1, 60) + b"\x1b[2J\x1b[H$ ")
    player.settle()
    assert tops(wire, player) == (0, 37, 61)

    resize(wire, player, 80, 30)

    assert tops(wire, player) == (0, 8, 38)
