"""A sidecar that was killed goes on where the log ends."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stage import Stage, joined
from terminal import Terminal
from test_primary import OPS
from test_primary import play as play_one

from wa.model.log import GapReason

KILLS = st.one_of(OPS, st.tuples(st.just("kill"), st.integers(0, 3)))


def play(stage: Stage, ops: list[tuple[str, object]]) -> None:
    """`kill N`: the sidecar dies, the program goes on for N lines, then the sidecar is back."""
    for op in ops:
        if op[0] == "kill":
            stage.restart()
            stage.terminal.write("while away\n" * int(str(op[1])))
            stage.begin()
        else:
            play_one(stage, [op])


@settings(max_examples=300, deadline=None)
@given(st.lists(KILLS, max_size=40), st.integers(2, 7))
def test_a_kill_between_any_two_feedings_loses_and_doubles_nothing(ops: list[tuple[str, object]], rows: int) -> None:
    """What was printed before, meanwhile and after is in the log once, as long as the terminal still had it."""
    stage = Stage(Terminal(12, rows, 20_000))
    play(stage, ops)
    stage.settle()
    assert joined(stage.terminal.ever_final()) == joined(stage.log.rows)
    assert not stage.log.gaps


@settings(max_examples=200, deadline=None)
@given(st.lists(KILLS, max_size=40), st.integers(2, 7), st.sampled_from([12, 40]))
@example([("lines", 4), ("push", 0), ("lines", 10), ("push", 0), ("kill", 0)], 2, 12)
def test_what_was_trimmed_meanwhile_is_a_gap(ops: list[tuple[str, object]], rows: int, limit: int) -> None:
    """With a short history rows can be gone before the sidecar is back: then a gap holds their number."""
    stage = Stage(Terminal(12, rows, limit))
    play(stage, ops)
    stage.settle()
    stage.check_numbers()


ERASING = st.one_of(KILLS, st.tuples(st.sampled_from(["erase_screen", "erase_history", "clear", "reset"]), st.just(0)))


@settings(max_examples=200, deadline=None)
@given(st.lists(ERASING, max_size=40), st.integers(2, 7))
def test_what_was_erased_meanwhile_is_a_gap(ops: list[tuple[str, object]], rows: int) -> None:
    """Rows that were printed and erased while nobody listened are counted, and what came after is there."""
    stage = Stage(Terminal(12, rows, 20_000))
    play(stage, ops)
    stage.settle()
    stage.check_numbers()
    assert all(gap.reason in (GapReason.ERASED, GapReason.DISCONNECTED) for gap in stage.log.gaps)


@pytest.mark.parametrize("again", [10, 40])
def test_output_that_repeats_itself_is_not_what_was_stored(again: int) -> None:
    """The history is full, so its numbers tell what was dropped, though it reads like the end of the log."""
    stage = Stage(Terminal(12, 4, 500))
    output = "".join(f"line {i}\n" for i in range(40))
    stage.terminal.write(output)
    stage.settle()
    stage.restart()
    stage.terminal.write(output * again)
    stage.begin()
    stage.settle()
    stage.check_numbers()
    assert [gap.reason for gap in stage.log.gaps] == ([GapReason.DISCONNECTED] if again == 40 else [])
