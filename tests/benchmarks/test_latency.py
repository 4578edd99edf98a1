"""How delays are counted."""

from __future__ import annotations

from benchmarks.latency import delays

MS = 1_000_000


def test_a_delay_runs_from_the_write_to_the_first_sight() -> None:
    """One per mark, in milliseconds."""
    assert sorted(delays({"a": [0, 10 * MS]}, {"a": {0: 4 * MS, 1: 15 * MS}})) == [4.0, 5.0]


def test_a_mark_that_no_screen_showed_alone_counts_with_the_next() -> None:
    """Two lines in one push are both on that screen: the older one waited longer, and is not left out."""
    assert sorted(delays({"a": [0, 10 * MS]}, {"a": {1: 15 * MS}})) == [5.0, 15.0]


def test_a_row_leaves_the_screen_when_enough_have_followed_it() -> None:
    """Committed counts from the write that pushed the row above the top; rows still on the screen have not begun."""
    stamps = [number * 100 * MS for number in range(4)]

    assert delays({"a": stamps}, {"a": {0: 230 * MS, 1: 350 * MS}}, passed_by=2) == [50.0, 30.0]
