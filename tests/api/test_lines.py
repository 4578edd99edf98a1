"""Rows, lines and gaps of a log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wa.api.lines import Hole, Item, Physical, logical_lines, newest, physical_rows, without_blank_end

ROWS = st.builds(
    Physical,
    row=st.integers(0, 99),
    text=st.text(max_size=8),
    wrapped=st.booleans(),
    at_ms=st.integers(0, 10**12),
    kind=st.sampled_from(["output", "page", "screen"]),
)
HOLES = st.builds(
    Hole, row=st.integers(0, 99), missing=st.none() | st.integers(1, 9), reason=st.just("trimmed"), at_ms=st.just(0)
)
ITEMS = st.lists(ROWS | HOLES, max_size=30)


def out(row: int, text: str, *, wrapped: bool = False) -> Physical:
    return Physical(row, text, wrapped, 1000, "output")


def on_screen(row: int | None, text: str, *, wrapped: bool = False) -> Physical:
    return Physical(row, text, wrapped, 2000, "screen")


def test_soft_wraps_are_joined_across_the_seam() -> None:
    """A line that begins in the log and ends on the screen is one line, placed where it begins, and not final."""
    rows = [
        out(7, "https://exam", wrapped=True),
        out(8, "ple.org/a/lo", wrapped=True),
        on_screen(9, "ng/path"),
        on_screen(10, "$ "),
    ]
    lines = logical_lines(rows)

    assert [(line["row"], line["text"], line["kind"]) for line in lines] == [
        (7, "https://example.org/a/long/path", "screen"),
        (10, "$ ", "screen"),
    ]


def test_a_gap_breaks_a_line_and_is_told() -> None:
    """What stood before and after missing rows is never glued together."""
    lines = logical_lines([out(0, "begin", wrapped=True), Hole(1, 5, "trimmed", 1500), out(6, "end")])

    assert [line["text"] for line in lines] == ["begin", "", "end"]
    assert lines[1]["gap"] == {"missing": 5, "reason": "trimmed"}


def test_rows_are_shown_as_they_are() -> None:
    """Physical rows keep their wrap mark and their text."""
    assert [(row["text"], row["wrapped"]) for row in physical_rows([out(0, "ab", wrapped=True), out(1, "c ")])] == [
        ("ab", True),
        ("c ", False),
    ]


def test_the_newest_lines_bring_their_gap() -> None:
    """Gaps do not count as lines, and one right before the first line shown is not hidden."""
    rows = logical_lines([out(0, "a"), Hole(1, 3, "erased", 0), out(4, "b"), out(5, "c")])

    assert [row["text"] for row in newest(rows, 2)] == ["", "b", "c"]
    assert [row["text"] for row in newest(rows, 9)] == ["a", "", "b", "c"]
    assert newest(rows, 0) == []


def test_empty_rows_below_the_output_are_dropped_only_from_a_screen() -> None:
    """Blank rows that were printed stay."""
    rows: list[Item] = [out(0, "a"), out(1, ""), on_screen(2, " "), on_screen(3, "")]

    assert rows[:2] == without_blank_end(rows)


@given(ITEMS)
def test_joining_loses_and_doubles_no_character(items: list[Item]) -> None:
    """All text of the rows stands in the lines, in order; every gap stands between the same texts."""

    def outline(rows: list[str | None]) -> str:
        return "".join("\0" if text is None else text for text in rows)

    lines = logical_lines(items)
    assert outline([None if row["gap"] else row["text"] for row in lines]) == outline(
        [None if isinstance(item, Hole) else item.text for item in items]
    )
    assert not any(line["wrapped"] for line in lines)


@given(ITEMS, st.integers(1, 40))
def test_newest_is_an_end_of_the_log(items: list[Item], count: int) -> None:
    """At most that many lines, and exactly the end of what there is."""
    rows = physical_rows(items)
    tail = newest(rows, count)

    assert tail == rows[len(rows) - len(tail) :]
    assert sum(row["gap"] is None for row in tail) <= count
