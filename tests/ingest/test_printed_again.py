"""Programs that erase their history and print all of it again with every change, as Gemini CLI does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Stage
from terminal import Terminal

BOX = ["=" * 70, " >   Type your message", "=" * 70, "footer"]


@pytest.mark.parametrize(("delay_ms", "items"), [(5, 40), (50, 30), (100, 40), (150, 25), (400, 20)])
def test_a_history_printed_again_is_the_same_history(delay_ms: int, items: int) -> None:
    """However fast it is redrawn, and though every other row of a list reads like its neighbours."""
    terminal = Terminal(80, 24, 20_000)
    stage = Stage(terminal)
    history = ["app v1", "", "Tips:", "1. one", "2. two", ""]

    def draw() -> None:
        terminal.erase_screen()
        terminal.erase_history()
        terminal.move(0)
        terminal.write("\n".join(history + BOX))
        stage.push()
        stage.answer()
        stage.pass_time(delay_ms)

    for tag in ("alpha", "beta", "gamma"):
        history += ["=" * 70, f" > please do {tag}", "", f"begin {tag}", ""]
        for item in range(items):
            history += [f" - item {tag}-{item:03d} of", "   eighty columns wide"]
            if item % 5 == 4:
                history += ["  }", ""]
            draw()
        history += ["", f" Answer {tag} ends", ""]
        draw()
        stage.pass_time(2_500)
    stage.settle()

    told = [text.rstrip() for text in stage.log.all_texts()]
    while told and not told[-1]:
        told.pop()
    assert [text.rstrip() for text in history + BOX] == told
    assert not stage.log.gaps


class Redrawing:
    """Prints below what is there while an answer is small, and everything again once it is taller than the screen; when
    an answer ends it draws its last rows over those before them, and only the next redraw of everything is right.
    """

    def __init__(self, rows: int = 24) -> None:
        self.terminal = Terminal(80, rows, 20_000)
        self.stage = Stage(self.terminal)
        self.history = ["app v1", "", "Tips:", *[f"{i}. tip" for i in range(1, 30)], ""]
        self.drawn = 0
        self.head: list[str] = []
        """Printed above the history from some time on."""
        self.whole()

    def whole(self, *, upto: int | None = None) -> None:
        """All of it; a push may fall in the midst."""
        self.terminal.clear()
        lines = self.head + self.history + BOX
        if upto is not None and upto < len(lines):
            self.terminal.write("".join(f"{line}\n" for line in lines[:upto]))
            self.stage.push()
            lines = lines[upto:]
        self.terminal.write("\n".join(lines))
        self.drawn = len(self.history)

    def below(self) -> None:
        """What is new, in place of the box, and the box again."""
        self.terminal.up(len(BOX) - 1)
        self.terminal.erase_below()
        self.terminal.write("\n".join(self.history[self.drawn :] + BOX))
        self.drawn = len(self.history)

    def ends_wrongly(self, rows: int) -> None:
        self.terminal.up(len(BOX) - 1 + rows)
        self.terminal.erase_below()
        self.terminal.write("\n".join(self.history[-2:] + BOX))

    def seen(self, after_ms: int) -> None:
        self.stage.push()
        self.stage.answer()
        self.stage.pass_time(after_ms)

    def answers(self, tag: str, items: int, tall: int) -> None:
        self.history += ["=" * 70, f" > please do {tag}", "", f"begin {tag}", ""]
        self.below()
        self.seen(100)
        for item in range(items):
            self.history += [f" - item {tag}-{item:03d} of", "   eighty columns wide"]
            if item < tall:
                self.below()
            else:
                self.whole()
            self.seen(100)
        self.history += ["", f" Answer {tag} ends"]
        self.whole()
        self.seen(50)
        self.ends_wrongly(5)
        self.seen(3_000)


def bare(texts: list[str]) -> list[str]:
    told = [text.rstrip() for text in texts]
    while told and not told[-1]:
        told.pop()
    return told


def test_what_was_drawn_over_wrongly_is_told_as_it_is_drawn_later() -> None:
    """A row that stands in the history only once everything is printed again is in the log once, at its place."""
    program = Redrawing()
    for tag in ("alpha", "beta", "gamma"):
        program.answers(tag, 30, 12)
    program.whole()
    program.seen(5_000)

    assert bare(program.history + BOX) == bare(program.stage.log.all_texts())
    assert not program.stage.log.gaps


def test_a_row_that_turns_up_late_is_stored_once() -> None:
    """Where the log has what follows already, there is no place for it but the end; further redraws know it."""
    program = Redrawing()
    program.answers("alpha", 30, 12)
    program.history += [f"quiet {i}" for i in range(30)]
    program.below()
    program.seen(10_000)
    for _ in range(5):
        program.history.append("more")
        program.whole()
        program.seen(1_500)
    told = program.stage.log.all_texts()
    assert sorted(bare(program.history + BOX)) == sorted(bare(told))


@pytest.mark.parametrize("upto", [20, 60, 90])
@pytest.mark.parametrize("answered", [True, False])
def test_a_program_that_ends_in_a_redraw_loses_only_what_nobody_has_read(upto: int, answered: bool) -> None:
    """What was not read of the last redraw is no loss where the log has it."""
    program = Redrawing()
    program.answers("alpha", 30, 12)
    program.history += ["one more"] * 3
    program.whole(upto=upto)
    program.stage.push()
    if answered:
        program.stage.answer()
    program.stage.gone()

    told = bare(program.stage.log.texts)
    lost = sum(gap.missing or 0 for gap in program.stage.log.gaps)
    truth = bare(program.history + BOX)
    assert told[:40] == truth[:40]
    assert len(told) + lost == len(truth)
    assert lost <= 24


@pytest.mark.parametrize("news", [[], ["a new version is there"]])
def test_a_history_that_is_printed_with_a_second_head_is_the_same(news: list[str]) -> None:
    """What is new above is told once, and what follows is not told again."""
    program = Redrawing()
    for items in (30, 40):
        program.answers(f"with {items}", items, 12)
        program.head = program.history[:12] + news
    program.whole()
    program.seen(5_000)

    told = bare(program.stage.log.all_texts())
    assert [text for text in told if text not in news] == bare(program.history + BOX)
    assert [text for text in told if text in news] == news
    assert not program.stage.log.gaps


@pytest.mark.parametrize("upto", [0, 3, 20, 60])
def test_a_redraw_that_takes_its_time_is_one(upto: int) -> None:
    """A program that is stopped in the midst of a redraw, or slowed down, prints no second history."""
    program = Redrawing()
    program.answers("alpha", 30, 12)
    lines = program.history + BOX
    program.terminal.clear()
    program.terminal.write("\n".join(lines[:upto]) + "\n" * (upto > 0))
    program.seen(3_000)
    program.terminal.write("\n".join(lines[upto:]))
    program.seen(10_000)

    assert bare(lines) == bare(program.stage.log.all_texts())
    assert not program.stage.log.gaps


DRAWS = st.one_of(
    st.tuples(st.just("rows"), st.integers(1, 12)),
    st.tuples(st.just("common"), st.integers(1, 3)),
    st.tuples(st.just("below"), st.just(0)),
    st.tuples(st.just("whole"), st.just(0)),
    st.tuples(st.just("cut redraw"), st.integers(0, 120)),
    st.tuples(st.just("redraws"), st.integers(2, 6)),
    st.tuples(st.just("push"), st.just(0)),
    st.tuples(st.just("answer"), st.integers(0, 3)),
    st.tuples(st.just("all answers"), st.just(0)),
    st.tuples(st.just("tick"), st.sampled_from([5, 60, 300, 900, 2_500])),
    st.tuples(st.just("kill"), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(DRAWS, max_size=40), st.integers(6, 24))
def test_however_it_is_drawn_the_history_is_told_once(ops: list[tuple[str, int]], rows: int) -> None:
    """Redraws of everything and of the end only, read late or never, with restarts in between: row by row what the
    program has printed, or a gap.
    """
    program = Redrawing(rows)
    stage = program.stage
    program.seen(1_000)
    for name, value in ops:
        match name:
            case "rows":
                program.history += [f"row {len(program.history) + i}" for i in range(value)]
                program.below()
            case "common":
                program.history += ["}", "", "}"][:value]
                program.below()
            case "below":
                program.below()
            case "whole":
                program.whole()
            case "cut redraw":
                program.whole(upto=value)
            case "redraws":
                for _ in range(value):
                    program.whole()
                    stage.push()
                    stage.pass_time(100, answering=False)
            case "push":
                stage.push()
            case "answer":
                stage.answer_one(value)
            case "all answers":
                stage.answer()
            case "tick":
                stage.pass_time(value, answering=False)
            case "kill":
                stage.restart()
                stage.begin()
            case _:
                raise AssertionError(name)
        stage.now_ms += 1
    program.whole()
    stage.settle()
    stage.settle()
    told = bare(stage.log.all_texts())
    unique = [text for text in told if text.startswith("row ")]
    printed = [text for text in program.history if text.startswith("row ")]
    assert len(unique) == len(set(unique))
    assert unique == [text for text in printed if text in set(unique)]
    if not stage.log.gaps:
        assert told == bare(program.history + BOX)


@pytest.mark.parametrize("delay_ms", [5, 20, 50, 150])
def test_a_redraw_costs_few_wake_ups(delay_ms: int) -> None:
    """However often the history is printed again, and however late reads are answered."""
    terminal = Terminal(80, 24, 20_000)
    stage = Stage(terminal)
    history = [f"row {i}" for i in range(60)]
    for frame in range(200):
        history.append(f"new {frame}")
        terminal.clear()
        terminal.write("\n".join(history + BOX))
        stage.push()
        stage.pass_time(delay_ms, answering=False)
        if frame % 10 == 9:
            stage.answer()
    assert stage.ticks <= 200 * 2
