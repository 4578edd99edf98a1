"""A command line goes to a shell at its prompt; what a killed agent drew around that prompt is cleared away first."""

from __future__ import annotations

import pytest

from wa.act.shells import REDRAW
from wa.act.steps import Look, Paste, Press, Ready, WaitFor
from wa.act.typing import send
from wa.model.action import Acted, Action, ActionKind, ActOutcome, HumanSign
from wa.model.agent import NO_AGENT, PaneState
from wa.model.profile import NO_PROFILE
from wa.model.screen import Cursor, Row, Screen
from wa.model.sight import Sight

RUN = Action(ActionKind.RUN, "codex resume 0198c1f2", submit=True)
BELOW = ("› Killeddex to do anything", "$ ", "  ← for agents · ? for shortcuts")
"""Codex CLI 0.169.0 after kill -9, bash; 2026-11-21."""
BESIDE = ("❯\xa0Killed", "$ " + "─" * 70, "  ⏵⏵ auto mode on (shift+tab to cycle)")
"""Claude Code 2.1.328, the same."""
CLEAN = ("$ ", "", "")


def sight(*rows: str, cursor: tuple[int, int], state: PaneState = PaneState.SHELL) -> Sight:
    made = tuple(Row(at, text, False) for at, text in enumerate(rows))
    screen = Screen(0, 1, 80, len(rows), made, Cursor(*cursor), "", None, None)
    return Sight(0, screen, True, None, state, None, None, None, NO_AGENT, HumanSign())


@pytest.mark.parametrize("rows", [BELOW, BESIDE])
def test_leftovers_are_cleared_by_the_shell_itself(rows: tuple[str, ...]) -> None:
    """Ctrl+L, once, and then the command; each after a reading of its own."""
    left = sight(*rows, cursor=(2, 1))
    run = send(RUN, NO_PROFILE)

    assert next(run) == run.send(left) == Look()
    assert isinstance(run.send(left), Ready)
    assert run.send(left) == Press(REDRAW)
    waited = run.send(left)
    assert isinstance(waited, WaitFor)
    clean = sight(*CLEAN, cursor=(2, 0))
    assert waited.until(clean)
    assert not waited.until(left)
    asked = run.send(clean)
    while not isinstance(asked, Paste):
        assert isinstance(asked, Ready | Look)
        asked = run.send(clean)
    assert asked.text == RUN.text


@pytest.mark.parametrize(
    ("rows", "cursor", "state"),
    [
        (("$ rm -rf", "footer"), (8, 0), PaneState.SHELL),
        (("Password: ", "footer"), (10, 0), PaneState.SHELL),
        (("some output", "footer"), (11, 0), PaneState.SHELL),
        (BELOW, (2, 1), PaneState.WORKING),
        (BELOW, (2, 1), PaneState.UNKNOWN),
        (BELOW, (9, 0), PaneState.SHELL),
    ],
)
def test_where_no_empty_prompt_has_the_cursor_no_key_is_pressed(
    rows: tuple[str, ...], cursor: tuple[int, int], state: PaneState
) -> None:
    """Something is typed there, or it is no shell."""
    seen = sight(*rows, cursor=cursor, state=state)
    run = send(RUN, NO_PROFILE)
    next(run)
    run.send(seen)

    with pytest.raises(StopIteration) as ended:
        run.send(seen)

    acted: Acted = ended.value.value
    assert acted.outcome is ActOutcome.REFUSED


def test_a_shell_that_does_not_clear_its_screen_gets_no_command() -> None:
    """dash takes the key for a character."""
    left = sight(*BELOW, cursor=(2, 1))
    run = send(RUN, NO_PROFILE)
    next(run)
    for _ in range(4):
        asked = run.send(left)
    assert isinstance(asked, WaitFor)

    with pytest.raises(StopIteration) as ended:
        run.send(left)

    assert ended.value.value.outcome is ActOutcome.REFUSED
