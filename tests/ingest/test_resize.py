"""A change of size: rows are wrapped anew and numbered anew, and nothing is lost or doubled."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st
from stage import Stage, joined
from terminal import Terminal

from wa.model.log import GapReason
from wa.model.screen import Row

OPS = st.one_of(
    st.tuples(st.just("lines"), st.integers(1, 40)),
    st.tuples(st.just("long"), st.integers(1, 90)),
    st.tuples(st.just("same"), st.integers(1, 10)),
    st.tuples(st.just("push"), st.just(0)),
    st.tuples(st.just("answer"), st.integers(0, 5)),
    st.tuples(st.just("all answers"), st.just(0)),
    st.tuples(st.just("tick"), st.integers(1, 900)),
    st.tuples(st.just("width"), st.integers(8, 40)),
    st.tuples(st.just("height"), st.integers(2, 14)),
)


def play(stage: Stage, ops: list[tuple[str, int]]) -> None:
    terminal = stage.terminal
    number = 0
    for name, value in ops:
        match name:
            case "lines":
                for _ in range(value):
                    number += 1
                    terminal.write(f"line {number}\n")
            case "long":
                number += 1
                terminal.write(f"line {number} " + "".join(chr(97 + (number + i) % 26) for i in range(value)) + "\n")
            case "same":
                terminal.write("}\n" * value)
            case "push":
                stage.push()
            case "answer":
                stage.answer_one(value)
            case "all answers":
                stage.answer()
            case "tick":
                stage.pass_time(value, answering=False)
            case "width":
                stage.resized(value, terminal.screen.rows)
            case "height":
                stage.resized(terminal.screen.cols, value)
            case _:
                raise AssertionError(name)
        stage.now_ms += 1


def watched(cols: int, rows: int, limit: int) -> Stage:
    """A pane that has printed more than will ever fit on its screen."""
    stage = Stage(Terminal(cols, rows, limit))
    stage.terminal.write("".join(f"before {i}\n" for i in range(20)))
    stage.push()
    stage.answer()
    return stage


def told(stage: Stage) -> list[Row]:
    """The log, then what of the screen is not in it."""
    screen = stage.log.screen
    assert screen is not None
    rows = list(screen.screen.rows[screen.screen.logged :])
    return stage.log.rows + stage.tracker._primary.mark.uncut(rows)


def truth(stage: Stage) -> list[Row]:
    return stage.terminal.ever_final() + stage.terminal.viewport()


@settings(max_examples=300, deadline=None)
@given(st.lists(OPS, max_size=25), st.integers(8, 30), st.integers(2, 10))
def test_wrapping_anew_loses_nothing_and_doubles_nothing(ops: list[tuple[str, int]], cols: int, rows: int) -> None:
    """Logical lines, joined from the log and the screen, are what was printed, whatever the sizes in between."""
    stage = watched(cols, rows, 20_000)
    play(stage, ops)
    stage.settle()
    assert joined(truth(stage)) == joined(told(stage))
    assert not stage.log.gaps


THERE_AND_BACK = [
    *[("lines", 1), ("lines", 15), ("long", 2), ("width", 9), ("push", 0), ("lines", 24), ("push", 0)],
    *[("width", 8), ("lines", 1), ("width", 9)],
]
"""The second and third change of width fall between two pushes, and rows are trimmed between them."""
BACK_ON_SCREEN = [("lines", 16), ("width", 9), ("lines", 16), ("push", 0), ("width", 8), ("width", 9)]
"""A final row is on the screen again, though the size is the same."""


@settings(max_examples=200, deadline=None)
@given(st.lists(OPS, max_size=25), st.integers(8, 30), st.integers(2, 10), st.sampled_from([25, 60]))
@example(THERE_AND_BACK, 8, 2, 60)
@example(BACK_ON_SCREEN, 8, 2, 60)
def test_wrapping_anew_while_rows_are_trimmed_leaves_gaps_and_no_doubles(
    ops: list[tuple[str, int]], cols: int, rows: int, limit: int
) -> None:
    """With a short history some rows cannot be had: no line is there twice or out of order, and a gap says so."""
    stage = watched(cols, rows, limit)
    play(stage, ops)
    stage.settle()
    numbers = [int(found) for line in joined(told(stage)) if (found := "".join(re.findall(r"^line (\d+)", line)))]
    printed = [int(found) for line in joined(truth(stage)) if (found := "".join(re.findall(r"^line (\d+)", line)))]
    assert numbers == sorted(set(numbers))
    if not stage.log.gaps:
        assert numbers == printed
    assert all(gap.reason in (GapReason.TRIMMED, GapReason.ERASED, GapReason.RESIZED) for gap in stage.log.gaps)
