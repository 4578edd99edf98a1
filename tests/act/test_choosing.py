from pathlib import Path

import pytest

from wa.act.choosing import choose
from wa.act.steps import Look, Press, Ready
from wa.agents.loader import Agents
from wa.detect.page import page_of_rows
from wa.model.action import Action, ActionKind, ActOutcome, HumanSign
from wa.model.agent import NO_AGENT
from wa.model.screen import Cursor, Row, Screen
from wa.model.sight import Sight

AGENTS = Agents(None)
CAPTURES = Path(__file__).parents[1] / "data" / "agents"
APPROVALS = (
    ("codex", "codex-0.169.0", "Yes, proceed"),
    ("claude_code", "claude-code-2.1.328", "Yes"),
    ("gemini", "gemini-cli-0.61.0", "Allow once"),
)


def seen(agent, texts):
    """What a screen of these rows is read as."""
    rows = tuple(Row(at, text) for at, text in enumerate(texts))
    cols = max(80, *map(len, texts))
    reading = AGENTS.detectors[agent].read(page_of_rows(rows, cols, len(rows)), at_ms=0, zone="UTC")
    screen = Screen(0, 0, cols, len(rows), rows, Cursor(0, 0), "", None, None)
    return Sight(0, screen, True, agent, reading.state, reading.dialog, None, None, NO_AGENT, HumanSign())


def capture(folder):
    return (CAPTURES / folder / "approve-shell.prompt-120.txt").read_text("utf-8").rstrip("\n").split("\n")


@pytest.mark.parametrize(("agent", "folder", "label"), APPROVALS)
def test_an_approval_of_another_command_is_not_answered(agent, folder, label):
    """Real dialogs: the same question with the same options, about something else, took the place of the one that was looked at."""
    texts = capture(folder)
    about = [text if "don't ask" in text else text.replace("make all", "rm -rf /") for text in texts]
    first, other = seen(agent, texts), seen(agent, about)
    assert (first.dialog.options, first.dialog.selected) == (other.dialog.options, other.dialog.selected)
    steps = choose(Action(ActionKind.CHOOSE, labels=(label,)), AGENTS.profiles[agent])
    assert isinstance(next(steps), Look)
    assert isinstance(steps.send(first), Ready)

    with pytest.raises(StopIteration) as ended:
        steps.send(other)
    assert ended.value.value.outcome is ActOutcome.SCREEN_MOVED


@pytest.mark.parametrize(("agent", "folder", "label"), APPROVALS)
def test_the_option_that_is_selected_is_confirmed_after_another_look(agent, folder, label):
    """One Return, judged by what the option does."""
    sight = seen(agent, capture(folder))
    steps = choose(Action(ActionKind.CHOOSE, labels=(label,)), AGENTS.profiles[agent])
    assert [type(next(steps)), type(steps.send(sight)), type(steps.send(sight))] == [Look, Ready, Ready]

    press = steps.send(sight)
    assert isinstance(press, Press)
    assert (press.data, press.judged_as.effects) == (b"\r", frozenset({"approve"}))
