"""handle_compaction as a conversation with a pane."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from act.builtin.world import START_MS, Turn, World, pane
from wa.act.builtin.compaction import HANDLE_COMPACTION
from wa.model.action import ActionKind, ActOutcome
from wa.model.agent import PaneState

PROMPT = "send Reread AGENTS.md so it's still fresh in your mind."
SEND = ActionKind.SEND


def world(state: str = "idle", **more: object) -> World:
    return World(HANDLE_COMPACTION, pane(state), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("agent", ["codex", "claude_code", "gemini"])
def test_the_prompt_goes_out_once_when_the_composer_is_back(agent: str) -> None:
    """A compaction by hand: the composer is back after some seconds, and gets the prompt."""
    here = World(HANDLE_COMPACTION, pane("compacting", agent), turns=[Turn(4, {"state": "idle"})])

    assert here.play().outcome == "primed"
    assert here.typed == [PROMPT]
    assert here.elapsed_s == 6.0


def test_nothing_is_typed_into_a_turn_that_goes_on_by_itself() -> None:
    """The agent compacted in the middle of its work: the prompt waits for the end of that turn."""
    here = world(
        "compacting", turns=[Turn(3, {"state": "idle"}), Turn(4, {"state": "working"}), Turn(900, {"state": "idle"})]
    )

    assert here.play().outcome == "primed"
    assert here.at == [(902.0, f"{PROMPT}: submitted")]


def test_two_compactions_of_one_turn_are_one_prompt() -> None:
    """A long turn compacts again before the composer comes back: its instructions are read again once."""
    here = world("working", turns=[Turn(60, event="compaction.done"), Turn(120, {"state": "idle"})])

    assert here.play().outcome == "primed"
    assert here.typed == [PROMPT]


def test_a_turn_that_begins_in_the_last_moment_is_waited_out() -> None:
    """Between the look and the send somebody else submitted: the hands refuse, and the prompt waits."""
    here = world(
        answers=[(SEND, ActOutcome.BUSY, {"state": "working"})],
        turns=[Turn(100, {"state": "idle"})],
    )

    assert here.play().outcome == "primed"
    assert [state for _, state in here.at] == [f"{PROMPT}: busy", f"{PROMPT}: submitted"]


def test_a_draft_is_waited_for_and_never_sent() -> None:
    """A person is writing: tried again until it is gone, for a quarter of an hour."""
    here = world(answers=[(SEND, ActOutcome.DRAFT, {}), (SEND, ActOutcome.HUMAN_TYPING, {})])

    assert here.play().outcome == "primed"
    assert here.typed == [PROMPT]
    assert here.at[-1][0] >= 40


def test_a_draft_that_stays_ends_the_run() -> None:
    """After the patience is over the outcome says what stood in the way, and nothing was typed."""
    here = world(answers=[(SEND, ActOutcome.DRAFT, {})] * 100)

    ending = here.play()

    assert (ending.outcome, ending.failed) == ("draft", True)
    assert here.typed == []
    assert here.elapsed_s <= 2 + 900 + 20


@pytest.mark.parametrize(
    "outcome", [ActOutcome.NOT_SEEN, ActOutcome.NOT_TAKEN, ActOutcome.INTERRUPTED, ActOutcome.REFUSED]
)
def test_what_may_have_typed_something_is_not_tried_again(outcome: ActOutcome) -> None:
    """In doubt there is no second send; the ending is named after what happened."""
    here = world(answers=[(SEND, outcome, {})])

    ending = here.play()

    assert (ending.outcome, ending.failed, len(here.at)) == (outcome.value, True, 1)


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        ({"alive": False}, "pane_gone"),
        ({"state": "shell"}, "agent_gone"),
        ({"state": "exited"}, "agent_gone"),
        ({"agent": "gemini", "state": "idle"}, "agent_gone"),
        ({"state": "limited"}, "limited"),
        ({"state": "auth_error"}, "auth_error"),
    ],
)
def test_what_came_in_between_ends_it(change: dict[str, object], ended: str) -> None:
    """The pane, the agent or the account went away while the composer was waited for."""
    here = world("working", turns=[Turn(5, change), Turn(6, {})])

    assert here.play().outcome == ended
    assert here.typed == []


def test_a_dialog_is_left_to_the_person() -> None:
    """A question stands in the way: nothing is typed while it does."""
    here = world("working", turns=[Turn(1, {"state": "waiting.approval"}), Turn(500, {"state": "idle"})])

    assert here.play().outcome == "primed"
    assert here.seen_at_act == [PaneState.IDLE]


def test_a_composer_that_never_comes_back_ends_it() -> None:
    """Two hours of work without a pause: given up."""
    here = world("working")

    assert here.play().outcome == "no_composer"
    assert here.elapsed_s == 7200


def test_a_resumed_session_that_prints_its_old_compaction_is_left_alone() -> None:
    """The words stand in the transcript that a resume prints again."""
    here = World(HANDLE_COMPACTION, pane("idle", session_ms=START_MS - 1_000))

    assert here.play().outcome == "printed_again"
    assert here.typed == []


def test_observe_mode_says_what_it_would_have_done() -> None:
    """Nobody turned it on: planned."""
    assert world(answers=[(SEND, ActOutcome.PLANNED, {})]).play().outcome == "planned"


STATES = st.sampled_from([state.value for state in PaneState])


@given(st.lists(st.tuples(st.floats(0, 8000), STATES), max_size=12), STATES)
def test_one_send_at_most_and_only_into_an_idle_composer(turns: list[tuple[float, str]], first: str) -> None:
    """Whatever the pane does."""
    here = world(first, turns=[Turn(at_s, {"state": state}) for at_s, state in sorted(turns)])

    here.play()

    assert len(here.typed) <= 1
    assert here.seen_at_act in ([], [PaneState.IDLE])
