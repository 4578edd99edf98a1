"""restart_agent as a conversation with a pane."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from act.builtin.world import START_MS, Turn, World, pane
from wa.act.builtin.restart import RESTART_AGENT
from wa.model.action import ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import Ending

RUN = ActionKind.RUN
SESSION = "0198c1f2-1111-7222-8333-444455556666"
PROFILE = {"resume": {"command": "codex resume {session_id}"}}
RESUME = f"run codex resume {SESSION}"
BACK = {"state": "idle", "agent": "codex"}
UP = (RUN, ActOutcome.SUBMITTED, BACK)


def world(state: str = "exited", **more: Any) -> World:
    return World(RESTART_AGENT, pane(state, session_id=SESSION), **more)


def crashed(here: World, event: str = "error.crash", fields: dict[str, Any] | None = None, **settings: Any) -> Ending:
    return here.play(fields, event=event, settings=settings, profile=PROFILE)


def test_a_crashed_agent_is_resumed_by_its_id() -> None:
    """One command at the shell's prompt; then it stays up."""
    here = world(answers=[UP])

    assert crashed(here).outcome == "resumed"
    assert here.typed == [RESUME]
    assert here.told == []


def test_the_users_own_command_wins() -> None:
    """An alias, with the id in its place."""
    here = world(answers=[UP])

    assert crashed(here, commands={"codex": "cod resume {session_id}"}).outcome == "resumed"
    assert here.typed == [f"run cod resume {SESSION}"]


def test_the_id_may_come_with_the_last_words() -> None:
    """The hint is printed a moment after the crash."""
    here = world(answers=[UP], turns=[Turn(1, {"fields": {"session_id": SESSION}}, "session.resume_hint")])
    here.saw = here.saw._replace(session_id=None)

    assert crashed(here).outcome == "resumed"
    assert here.typed == [RESUME]


@pytest.mark.parametrize(
    "printed", ["", "x; rm -rf ~", "$(reboot)", "a b c d e f", "-rf-----", "id\nreboot", "`id`####"]
)
def test_an_id_that_is_none_never_becomes_part_of_a_command(printed: str) -> None:
    """What a pane prints is not trusted; without an id there is nothing to resume, and a person is told."""
    here = world()
    here.saw = here.saw._replace(session_id=None)

    ending = crashed(here, fields={"session_id": printed})

    assert (ending.outcome, ending.failed) == ("no_session_id", True)
    assert here.typed == []
    assert here.told[-1].needs_you


@pytest.mark.parametrize("template", ["codex", "codex {session_id} {session_id}", "codex {sessionid}"])
def test_a_command_without_a_place_for_the_id_is_not_run(template: str) -> None:
    """It would begin another session."""
    here = world()

    assert crashed(here, commands={"codex": template}).outcome == "no_session_id"
    assert here.typed == []


def test_an_agent_that_a_person_quit_stays_quit() -> None:
    """By default only a crash is mended."""
    here = world()

    assert crashed(here, "session.end").outcome == "not_configured"
    assert here.typed == []


def test_an_exit_is_mended_where_the_user_says_so() -> None:
    """`after` names it."""
    assert crashed(world(answers=[UP]), "session.end", after=["crash", "exit"]).outcome == "resumed"


def test_one_that_was_killed_says_nothing_and_is_mended_where_the_user_says_so() -> None:
    """It is gone; whether somebody quit it nobody can say."""
    assert crashed(world(answers=[UP]), "state").outcome == "not_configured"
    assert crashed(world(answers=[UP]), "state", after=["crash", "gone"]).outcome == "resumed"


def test_an_agent_that_ended_at_its_limit_is_not_started_into_it_again() -> None:
    """Whoever ended it there had a reason."""
    here = world()
    here.saw = here.saw._replace(limit_until_ms=START_MS + 1_000_000)

    assert crashed(here, "session.end", after=["exit"]).outcome == "limited"


def test_an_old_crash_is_left_alone() -> None:
    """The run was queued, or wa was down: a person has been there since."""
    here = world()

    assert here.play(event="error.crash", profile=PROFILE, after_s=61).outcome == "too_late"


def test_nothing_is_typed_before_the_shell_is_back() -> None:
    """The agent hangs in its crash; the shell never comes."""
    here = world("working")

    ending = crashed(here)

    assert ending.outcome == "already_back"
    here = world("unknown")
    ending = crashed(here)
    assert (ending.outcome, ending.failed) == ("gave_up", True)
    assert here.at == []


def test_a_person_who_was_faster_is_left_alone() -> None:
    """The agent is there again before the shell had settled."""
    here = world("shell", turns=[Turn(0.5, BACK)])

    assert crashed(here).outcome == "already_back"
    assert here.typed == []


def test_an_agent_that_has_the_pane_before_its_command_was_seen_to_be_taken_is_resumed() -> None:
    """The hands say that another program came in between; it is the one that was called for."""
    here = world(answers=[(RUN, ActOutcome.INTERRUPTED, BACK)])

    assert crashed(here).outcome == "resumed"
    assert len(here.at) == 1


def test_a_person_at_the_shell_is_waited_for() -> None:
    """Held back is no try."""
    here = world(answers=[(RUN, ActOutcome.HUMAN_TYPING, {})] * 5 + [UP])

    assert crashed(here).outcome == "resumed"
    assert here.typed == [RESUME]


def test_a_shell_that_has_not_drawn_its_prompt_is_waited_for() -> None:
    """It reads its own files first; for as long as a shell is waited for, and no longer."""
    here = world(answers=[(RUN, ActOutcome.REFUSED, {})] * 4 + [UP], evidence={"no_prompt": True})
    assert crashed(here).outcome == "resumed"
    assert [round(at_s, 1) for at_s, _ in here.at] == [1.0, 1.5, 2.5, 4.5, 8.5]
    here = world(answers=[(RUN, ActOutcome.REFUSED, {})] * 99, evidence={"no_prompt": True})
    assert crashed(here).outcome == "refused"
    assert here.elapsed_s < 60


def test_a_crash_loop_ends_loudly_and_later_and_later() -> None:
    """Three tries with growing pauses."""
    died = (RUN, ActOutcome.SUBMITTED, {"state": "exited"})
    here = world(answers=[died] * 9)

    ending = crashed(here)

    assert (ending.outcome, ending.failed) == ("gave_up", True)
    assert len(here.typed) == 3
    pauses = [later - sooner for (sooner, _), (later, _) in itertools.pairwise(here.at)]
    assert pauses == sorted(pauses)
    assert here.told[-1].needs_you


def test_an_agent_that_comes_up_and_dies_again_counts_as_a_try() -> None:
    """It lived for half a minute."""
    here = world(answers=[UP, UP], turns=[Turn(31, {"state": "exited"}, "error.crash")])

    assert crashed(here).outcome == "resumed"
    assert len(here.typed) == 2


@pytest.mark.parametrize("outcome", [ActOutcome.REFUSED, ActOutcome.DRAFT, ActOutcome.NOT_SEEN, ActOutcome.INTERRUPTED])
def test_what_may_have_typed_something_or_is_refused_is_not_tried_again(outcome: ActOutcome) -> None:
    """Half a command may stand at the prompt: a person sees to it."""
    here = world(answers=[(RUN, outcome, {})])

    assert crashed(here).outcome == outcome.value
    assert len(here.at) == 1
    assert here.told[-1].needs_you


@given(
    st.lists(st.tuples(st.floats(0, 400), st.sampled_from([state.value for state in PaneState])), max_size=10),
    st.lists(st.sampled_from(list(ActOutcome)), max_size=4),
)
def test_whatever_happens_only_the_resume_command_is_typed_and_only_where_the_agent_is_gone(
    turns: list[tuple[float, str]], outcomes: list[ActOutcome]
) -> None:
    """Three times at most."""
    here = world(
        turns=[Turn(at_s, {"state": state}) for at_s, state in sorted(turns)],
        answers=[(RUN, outcome, {}) for outcome in outcomes],
    )

    assert crashed(here).outcome
    assert set(here.typed) <= {RESUME}
    assert len(here.typed) <= 3
    assert set(here.seen_at_act) <= {PaneState.SHELL, PaneState.EXITED}
