"""Tables fit the terminal that they are shown on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.surfaces.output import Style, Terminal
from wa.surfaces.panes import COLUMNS
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import width

ROW = [
    "p17",
    "buildhost/12",
    "a rather long title of a pane ✳ 日本語",
    "/home/somebody/projects/wa",
    "120x40",
    "push",
    "39,187",
    "0",
    "12 min",
]
SGR = re.compile(r"\x1b\[\d+m")


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    """From 20 to 200 columns every line fits, and the pane's name is whole."""
    lines = table(COLUMNS, [ROW, ROW], Terminal(columns, False))

    assert max(map(width, lines)) <= columns
    assert all(line.startswith("p17") for line in lines[1:])


def test_nothing_is_cut_in_a_pipe() -> None:
    """Without a terminal every cell is whole and no colour is written."""
    lines = table(COLUMNS, [[Cell("p17", Style.BOLD), *ROW[1:]]], Terminal(None, False))

    assert all(cell in lines[1] for cell in ROW)
    assert "\x1b" not in "".join(lines)


def test_columns_stand_below_each_other_with_wide_characters() -> None:
    """The second column begins at the same place on the screen in each line."""
    columns = (Column("NAME"), Column("X"))
    lines = table(columns, [["日本語", "|"], ["e\u0301", "|"], ["abc", "|"]], Terminal(80, False))

    assert {8} == {width(line[: line.index("|")]) for line in lines[1:]}


def test_colour_does_not_shift_columns() -> None:
    """Styled and plain tables are the same once the colour is taken off."""
    rows = [[Cell("p1", Style.BOLD), *ROW[1:]], ["p22", *ROW[1:]]]
    plain = table(COLUMNS, rows, Terminal(80, False))
    coloured = table(COLUMNS, rows, Terminal(80, True))

    assert plain == [SGR.sub("", line).rstrip() for line in coloured]
    assert plain != coloured


@given(st.lists(st.lists(st.text(max_size=30), min_size=9, max_size=9), max_size=4), st.integers(20, 200))
def test_any_text_fits_any_terminal(rows: list[list[str]], columns: int) -> None:
    """Hostile cells neither widen a line nor break it."""
    lines = table(COLUMNS, rows, Terminal(columns, False))

    assert 1 + len(rows) == len(lines)
    assert all(width(line) <= columns and "\n" not in line for line in lines)
