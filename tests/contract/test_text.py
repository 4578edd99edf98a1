"""What `get-text` and GetLines give, and how they are clamped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.live import LiveMux, Player
from contract.wire import Wire
from wa.protocol import mux as p

RECORDED = sorted(
    path for path in (Path(__file__).parents[1] / "data/mux").glob("*.json") if "printed" in path.read_text()[:100_000]
)


def lines(first: int, last: int) -> bytes:
    return b"".join(b"line %d\r\n" % n for n in range(first, last + 1))


def texts(first: int, last: int) -> list[str]:
    return [f"line {n}" for n in range(first, last + 1)]


def get_text(mux: LiveMux, player: Player, *args: str) -> list[str]:
    return mux.ok("get-text", "--pane-id", str(player.pane_id), *args).split("\n")[:-1]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_recorded_program_gives_the_recorded_text(mux: LiveMux, wire: Wire, player: Player, path: Path) -> None:
    """The bytes that a recorded program printed, printed again, leave the text that was recorded with them."""
    case: dict[str, Any] = json.loads(path.read_text())
    for printed in case["printed"]:
        if isinstance(printed, str):
            player.print(bytes.fromhex(printed))
        elif isinstance(printed, dict):
            player.settle()
            cols, rows = printed["resize"]
            size = p.TerminalSize(rows, cols, cols * 8, rows * 16, 0)
            wire.ask(p.Resize(player.tab_id, player.pane_id, size), p.UnitResponse)
    player.settle()

    rows = case["rows"]
    assert case["get_text"] == "".join(
        line + "\n" for line in get_text(mux, player, "--start-line", "-999999", "--end-line", str(rows - 1))
    )


@pytest.mark.parametrize("name", ["styles", "wide-and-combining", "semantic-zones", "soft-wrap", "plain"])
def test_escapes_are_written_as_recorded(mux: LiveMux, player: Player, name: str) -> None:
    """`get-text --escapes` writes colours and styles in the recorded sequences."""
    case = json.loads((Path(__file__).parents[1] / f"data/mux/{name}.json").read_text())
    for printed in case["printed"]:
        if isinstance(printed, str):
            player.print(bytes.fromhex(printed))
    player.settle()

    got = mux.ok(
        "get-text", "--escapes", "--pane-id", str(player.pane_id), "--start-line", "-999999", "--end-line", "23"
    )

    assert case["get_text_escapes"].replace("\r\n", "\n") == got.replace("\r\n", "\n")


def test_by_default_two_rows_of_history_come_before_the_viewport(mux: LiveMux, player: Player) -> None:
    """The default end is one row too far, and the server then gives the newest rows, two more than the viewport has."""
    player.print(lines(1, 60))
    player.settle()

    assert [*texts(36, 60), ""] == get_text(mux, player)


def test_without_history_the_default_is_what_there_is(mux: LiveMux, player: Player) -> None:
    """A screen that never scrolled is given once, without rows from nowhere."""
    player.print(lines(1, 3))
    player.settle()

    assert [*texts(1, 3), *[""] * 21] == get_text(mux, player)


def test_lines_count_from_the_viewport(mux: LiveMux, player: Player) -> None:
    """Line 0 is the viewport's first row, negative lines are history, the end is inclusive."""
    player.print(lines(1, 60))
    player.settle()

    assert texts(38, 38) == get_text(mux, player, "--start-line", "0", "--end-line", "0")
    assert texts(35, 40) == get_text(mux, player, "--start-line", "-3", "--end-line", "2")
    assert [*texts(1, 60), ""] == get_text(mux, player, "--start-line", "-999999", "--end-line", "23")


def test_a_start_below_the_screen_gives_the_oldest_rows(mux: LiveMux, player: Player) -> None:
    """The server does not refuse a range that begins outside: it gives as many rows from the top of history."""
    player.print(lines(1, 60))
    player.settle()

    assert texts(1, 3) == get_text(mux, player, "--start-line", "100", "--end-line", "102")


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, 3, range(3)),
        (-5, -2, range(3)),
        (500, 502, range(2)),
        (55, 65, range(50, 61)),
        (60, 61, range(60, 61)),
        (5, 5, range(0)),
    ],
)
def test_rows_outside_are_clamped_and_say_so(
    wire: Wire, player: Player, start: int, stop: int, expected: range
) -> None:
    """GetLines is clamped, never refused; the indices of the rows that come tell."""
    player.print(lines(1, 60))
    player.settle()

    assert list(expected) == [row.index for row in wire.rows(player.pane_id, start, stop)]


def test_soft_wraps_are_marked(wire: Wire, player: Player) -> None:
    """A row that goes on in the next one carries the mark; the last one of the line does not."""
    player.print(b"x" * 200 + b"\r\n" + "日".encode() * 50 + b"\r\nend")
    player.settle()

    rows = wire.all_rows(player.pane_id)
    assert [(len(row.text), row.wrapped) for row in rows[:6]] == [
        (80, True),
        (80, True),
        (40, False),
        (40, True),
        (10, False),
        (3, False),
    ]


def test_blanks_are_kept_where_they_were_written(mux: LiveMux, player: Player) -> None:
    """Blanks that were printed are text; erasing drops them at a row's end, unless nothing else is left in the row."""
    player.print(b"ab   \r\nab   \x1b[K\r\nab\r\x1b[K\r\n\x1b[K\r\nred \x1b[41m\x1b[K\x1b[m\r\n")
    player.settle()

    assert get_text(mux, player, "--end-line", "4") == ["ab   ", "ab", " " * 80, "", "red " + " " * 76]


def test_bytes_that_are_not_utf8_never_break_a_row(mux: LiveMux, player: Player) -> None:
    """Broken UTF-8, NUL, DEL and C1 controls leave readable text."""
    player.print(b"caf\xe9 \xff\xfe ok\r\na\x00b\x7fc\r\none\xc2\x85two\r\n")
    player.settle()

    assert get_text(mux, player, "--end-line", "3") == ["caf\ufffd ok", "abc", "one", "two"]


NOT_TEXT = {
    b"a\xfe\xffb": "ab",
    b"\xa9 2020": " 2020",
    b"\xf5\x80\x80\x80z": "z",
    b"latin \xe4\xf6\xfc end": "latin \ufffd end",
    b"\xe9\xe8\xe7 abc": "\ufffd\ufffdabc",
    b"\xed\xa0\x80z": "\ufffdz",
    b"x\xc3\xc3\xa4y": "x\ufffdy",
    b"\xf0\x9f\xf0\x9f\x98\x80y": "\ufffdy",
    b"\xc3\x1b[31mred": "\ufffd[31mred",
}
"""Bytes that are not UTF-8, and what stands on the screen: what begins nothing is passed over, what was begun and broken
off is swallowed with the byte that breaks it off."""


def test_bytes_that_are_not_text_show_as_wezterm_shows_them(mux: LiveMux, player: Player) -> None:
    """Other terminals would show a U+FFFD for each: what is stored is what stands on the screen."""
    player.print(b"".join(data + b".\r\n" for data in NOT_TEXT))
    player.settle()

    assert get_text(mux, player, "--end-line", str(len(NOT_TEXT) - 1)) == [text + "." for text in NOT_TEXT.values()]


def test_a_line_of_a_megabyte_is_whole(wire: Wire, player: Player) -> None:
    """A long line is wrapped over thousands of rows and none of it is missing."""
    player.print(b"0123456789" * 100_000 + b"\r\n")
    player.settle()

    rows = wire.all_rows(player.pane_id)
    assert "".join(row.text for row in rows).rstrip() == "0123456789" * 100_000
    assert all(row.wrapped for row in rows[:12_499])
