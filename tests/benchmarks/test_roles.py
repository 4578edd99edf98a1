"""Marks: when was which first seen."""

from __future__ import annotations

from benchmarks.roles import Marks
from hypothesis import given
from hypothesis import strategies as st


def test_a_mark_counts_once_at_its_first_sight() -> None:
    """Screens repeat their rows; only what is new gets an instant, and other rows are nothing."""
    marks = Marks()

    marks.look(["mark a 0 17", "make: nothing to be done", ""])
    first = marks.dump()
    marks.look(["mark a 0 17", "mark a 1 18", "mark b 0 18"])
    second = marks.dump()

    assert {tag: list(seen) for tag, seen in first.items()} == {"a": [0]}
    assert {tag: list(seen) for tag, seen in second.items()} == {"a": [1], "b": [0]}
    assert first["a"][0] <= second["a"][1]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 24)), max_size=30))
def test_each_mark_is_reported_at_most_once_whatever_part_of_the_screen_comes(frames: list[tuple[int, int]]) -> None:
    """Frames of any height, going back and forth, never give a mark a second instant."""
    marks = Marks()
    found: list[int] = []
    for top, height in frames:
        marks.look([f"mark x {number} 1" for number in range(top, top + height)])
        found += marks.dump().get("x", {})

    assert len(found) == len(set(found))
