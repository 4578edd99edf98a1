"""Programs that erase their history and print all of it again with every change, as Gemini CLI does."""

from __future__ import annotations

import pytest
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
        terminal.write("\r\n".join(history + BOX))
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


@pytest.mark.parametrize("delay_ms", [5, 20, 50, 150])
def test_a_redraw_costs_few_wake_ups(delay_ms: int) -> None:
    """However often the history is printed again, and however late reads are answered."""
    terminal = Terminal(80, 24, 20_000)
    stage = Stage(terminal)
    history = [f"row {i}" for i in range(60)]
    for frame in range(200):
        history.append(f"new {frame}")
        terminal.clear()
        terminal.write("\r\n".join(history + BOX))
        stage.push()
        stage.pass_time(delay_ms, answering=False)
        if frame % 10 == 9:
            stage.answer()
    assert stage.ticks <= 200 * 2
