"""Rows that scroll into history."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Stage
from terminal import Terminal

from wa.model.log import GapReason

OPS = st.one_of(
    st.tuples(st.just("lines"), st.integers(1, 9)),
    st.tuples(st.just("lines"), st.integers(10, 60)),
    st.tuples(st.just("text"), st.text("ab ", min_size=1, max_size=30)),
    st.tuples(st.just("cr"), st.integers(0, 3)),
    st.tuples(st.just("up"), st.integers(1, 4)),
    st.tuples(st.just("box"), st.integers(1, 4)),
    st.tuples(st.just("region"), st.integers(2, 6)),
    st.tuples(st.just("push"), st.just(0)),
    st.tuples(st.just("answer"), st.integers(0, 5)),
    st.tuples(st.just("tick"), st.integers(1, 900)),
    st.tuples(st.just("interrupted"), st.just(0)),
)


def play(stage: Stage, ops: list[tuple[str, object]]) -> None:
    terminal = stage.terminal
    number = stage.number
    for name, value in ops:
        match name, value:
            case "lines", int(count):
                for _ in range(count):
                    number += 1
                    terminal.write(f"line {number}\n")
            case "text", str(text):
                terminal.write(text)
            case "cr", _:
                terminal.write("\n")
            case "up", int(count):
                terminal.up(count)
            case "box", int(height):
                number += 1
                terminal.up(height)
                terminal.erase_below()
                terminal.write("\n".join(f"box {number}/{i}" for i in range(height)))
            case "region", int(bottom):
                terminal.region(0, min(bottom, terminal.screen.rows))
                terminal.move(min(bottom, terminal.screen.rows) - 1)
                terminal.write("\nin region")
                terminal.region()
                terminal.move(terminal.screen.rows - 1)
            case "erase_screen", _:
                terminal.erase_screen()
                terminal.move(0)
            case "erase_history", _:
                terminal.erase_history()
            case "clear", _:
                terminal.clear()
            case "reset", _:
                terminal.reset()
            case "push", _:
                stage.push()
            case "answer", int(at):
                stage.answer_one(at)
            case "tick", int(by_ms):
                stage.pass_time(by_ms, answering=False)
            case "interrupted", _:
                stage.interrupted()
            case _:
                raise AssertionError(name)
        stage.now_ms += 1
    stage.number = number


@settings(max_examples=300, deadline=None)
@given(st.lists(OPS, max_size=40), st.integers(2, 7), st.sampled_from([12, 40, 500, 20_000]))
def test_every_final_row_is_stored_once_and_in_order(ops: list[tuple[str, object]], rows: int, limit: int) -> None:
    """Whatever is printed, however pushes and answers fall: position by position, a row or a gap."""
    stage = Stage(Terminal(12, rows, limit))
    play(stage, ops)
    stage.settle()
    stage.check_numbers()
    assert all(gap.reason in (GapReason.TRIMMED, GapReason.ERASED) for gap in stage.log.gaps)
    if limit == 20_000:
        assert not stage.log.gaps


ERASING = st.one_of(
    OPS,
    st.tuples(st.sampled_from(["erase_screen", "erase_history", "clear", "reset"]), st.just(0)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ERASING, max_size=40), st.integers(2, 7), st.sampled_from([12, 40, 500, 20_000]))
def test_an_erased_history_loses_what_was_never_read_and_nothing_else(
    ops: list[tuple[str, object]], rows: int, limit: int
) -> None:
    """After `clear` or a reset, rows printed later are stored, and rows that were gone before they could be read are
    counted.
    """
    stage = Stage(Terminal(12, rows, limit))
    play(stage, ops)
    stage.settle()
    stage.check_numbers()
