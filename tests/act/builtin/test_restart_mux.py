"""restart_agent after a restart of the mux, as a conversation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from act.builtin.world import Turn, World, pane
from wa.act.builtin.restart import RESTART_AGENT
from wa.model.action import ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import MUX_RESTARTED, Ending, Open, Opened

RUN = ActionKind.RUN
SESSION = "0198c1f2-1111-7222-8333-444455556666"
PROFILE = {"resume": {"command": "codex resume {session_id}"}}
RESUME = f"run codex resume {SESSION}"
UP = (RUN, ActOutcome.SUBMITTED, {"state": "idle", "agent": "codex"})
LOST = {
    "session_id": SESSION,
    "confidence": 1.0,
    "state": "idle",
    "cwd": "/src/shop",
    "workspace": "default",
    "mux": "local",
    "watched": True,
    "gone_s": 4.0,
    "twin": "",
    "place": 0,
}


def world(**more: Any) -> World:
    """The pane that ended; what is opened is a shell."""
    return World(RESTART_AGENT, pane("unknown", alive=False), **more)


def restarted(here: World, settings: dict[str, Any] | None = None, **fields: Any) -> Ending:
    return here.play(
        {**LOST, **fields}, event=MUX_RESTARTED, settings={"after": ["mux"], **(settings or {})}, profile=PROFILE
    )


def test_it_is_resumed_in_a_pane_of_its_own_where_it_was() -> None:
    """In its folder and its workspace, by its id; the person is told where, and that it waits for a word."""
    here = world(answers=[UP])

    assert restarted(here, state="working").outcome == "resumed_in_new_pane"
    assert [wish for _, wish in here.opens_asked] == [Open("/src/shop", "default", "codex", SESSION, had_ended=False)]
    assert here.typed == [RESUME]
    (told,) = here.told
    assert (told.title, told.needs_you) == ("codex was resumed in p9", False)
    assert "It was in p1 when local ended." in told.body
    assert "say how it goes on" in told.body


def test_the_users_own_command_is_the_one_that_is_typed() -> None:
    """An alias, with the id in its place."""
    here = world(answers=[UP])

    assert restarted(here, {"commands": {"codex": "cod resume {session_id}"}}).outcome == "resumed_in_new_pane"
    assert here.typed == [f"run cod resume {SESSION}"]


@pytest.mark.parametrize("after", [[], ["crash"], ["crash", "exit", "gone"]])
def test_nobody_is_resumed_where_the_user_did_not_ask_for_it(after: list[str]) -> None:
    """By default only a crash is mended."""
    here = world()

    assert restarted(here, {"after": after}).outcome == "not_configured"
    assert (here.opens_asked, here.typed, here.told) == ([], [], [])


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"session_id": ""}, "no_session_id"),
        ({"session_id": "x; rm -rf ~"}, "no_session_id"),
        ({"confidence": 0.8}, "unsure_session_id"),
        ({"twin": "p3"}, "same_session"),
        ({"cwd": ""}, "no_folder"),
        ({"watched": False}, "not_watched"),
        ({"gone_s": 3_601.0}, "too_late"),
    ],
)
def test_what_is_not_known_for_sure_is_left_to_the_person_with_the_command(
    fields: dict[str, Any], outcome: str
) -> None:
    """Nothing is opened and nothing typed."""
    here = world()

    ending = restarted(here, **fields)

    assert (ending.outcome, ending.failed) == (outcome, True)
    assert (here.opens_asked, here.typed) == ([], [])
    (told,) = here.told
    assert told.needs_you
    if fields.get("session_id") is None:
        assert f"codex resume {SESSION}" in told.body
    else:
        assert "type:" not in told.body


def test_a_command_without_a_place_for_the_id_is_not_run() -> None:
    """It would begin another session."""
    here = world()

    assert restarted(here, {"commands": {"codex": "codex resume"}}).outcome == "no_command"
    assert here.opens_asked == []


def test_the_folder_in_the_command_for_a_person_is_quoted() -> None:
    """It is pasted into a shell."""
    here = world()

    restarted(here, cwd="/src/a b; rm -rf ~", confidence=0.5)

    assert f"cd '/src/a b; rm -rf ~' && codex resume {SESSION}" in here.told[0].body


def test_one_that_nobody_saw_end_is_resumed_where_the_user_says_so() -> None:
    """A restart of the machine ends the sidecar, too."""
    here = world(answers=[UP])

    assert restarted(here, {"unwatched_s": 600.0}, watched=False, gone_s=590.0).outcome == "resumed_in_new_pane"


def test_a_session_that_runs_already_is_left_alone() -> None:
    """A person was faster."""
    here = world(opens=[Opened(ActOutcome.REFUSED, None, "the session runs in p4 already", runs_already=True)])

    ending = restarted(here)

    assert (ending.outcome, ending.failed) == ("already_back", False)
    assert (here.typed, here.told) == ([], [])


def test_a_mux_that_does_not_answer_is_asked_again_later_and_later_and_not_for_ever() -> None:
    """Nothing was opened."""
    here = world(opens=[Opened(ActOutcome.UNREACHABLE, None, "local is not connected")] * 9)

    ending = restarted(here)

    assert (ending.outcome, ending.failed) == ("unreachable", True)
    assert [at for at, _ in here.opens_asked] == [0, 5, 25]
    assert here.told[-1].needs_you


def test_a_pause_is_waited_for_and_is_no_try() -> None:
    """As long as a person at the keyboard is."""
    paused = Opened(ActOutcome.HUMAN_TYPING, None, "everything is paused")
    here = world(opens=[paused] * 6, answers=[UP])

    assert restarted(here).outcome == "resumed_in_new_pane"
    here = world(opens=[paused] * 99)
    assert restarted(here).outcome == "human_typing"
    assert here.typed == []


@pytest.mark.parametrize(
    ("state", "had_ended"), [("idle", True), ("waiting.approval", True), ("limited", False), ("", False)]
)
def test_it_says_whether_the_agent_had_anything_to_do(state: str, had_ended: bool) -> None:
    """What is left of one that worked, or that goes on by itself after a limit, must not be doubled."""
    here = world(answers=[UP])

    restarted(here, state=state)

    assert here.opens_asked[0][1].had_ended is had_ended


@pytest.mark.parametrize(
    ("answer", "outcome"), [("granted", "resumed_in_new_pane"), ("denied", "denied"), ("expired", "asked")]
)
def test_a_pane_that_must_be_asked_for_waits_for_the_answer(answer: str, outcome: str) -> None:
    """A yes lets it go on at once."""
    asked = Opened(ActOutcome.ASKED, None, "ask me", approval=3)
    turns = [Turn(17, {"fields": {"answer": answer}}, "approval.3")]
    here = world(opens=[asked], turns=turns, answers=[UP])

    assert restarted(here).outcome == outcome
    assert [at_s for at_s, _ in here.opens_asked] == ([0, 17] if answer == "granted" else [0])


def test_a_pane_that_may_have_been_opened_is_not_opened_again() -> None:
    """A person looks."""
    here = world(opens=[Opened(ActOutcome.INTERRUPTED, None, "a pane may have been opened")])

    assert restarted(here).outcome == "interrupted"
    assert len(here.opens_asked) == 1
    assert f"cd /src/shop && codex resume {SESSION}" in here.told[0].body


def test_one_that_dies_again_and_again_ends_loudly() -> None:
    """In one pane, three times at most; the person is told which shell stands there now."""
    died = (RUN, ActOutcome.SUBMITTED, {"state": "exited"})
    here = world(answers=[died] * 9)

    ending = restarted(here)

    assert (ending.outcome, ending.failed) == ("gave_up", True)
    assert (len(here.opens_asked), len(here.typed)) == (1, 3)
    assert "A shell stands in p9." in here.told[-1].body


def test_a_pane_that_closes_under_it_is_told() -> None:
    """The mux may have ended once more."""
    here = world(turns=[Turn(0.5, {"alive": False})])

    ending = restarted(here)

    assert (ending.outcome, ending.failed) == ("pane_gone", True)
    assert here.told[-1].needs_you


def test_the_agents_of_one_mux_do_not_start_all_at_once() -> None:
    """The tenth begins some seconds later."""
    here = world(answers=[UP])

    restarted(here, place=9)

    assert here.opens_asked[0][0] == 4.5


def test_in_observe_mode_nothing_is_opened() -> None:
    """What would be is its ending."""
    here = world(opens=[Opened(ActOutcome.PLANNED)])

    ending = restarted(here)

    assert (ending.outcome, ending.detail) == (
        "planned",
        f"Would have opened a pane in /src/shop and run: codex resume {SESSION}",
    )
    assert (here.typed, here.told) == ([], [])


OPENED = st.builds(
    lambda outcome, already: Opened(outcome, "p9" if outcome is ActOutcome.PRESSED else None, "said", already),
    st.sampled_from(list(ActOutcome)),
    st.booleans(),
)


@given(
    st.lists(OPENED, max_size=4),
    st.lists(st.tuples(st.floats(0, 400), st.sampled_from([state.value for state in PaneState])), max_size=8),
    st.lists(st.sampled_from(list(ActOutcome)), max_size=4),
    st.fixed_dictionaries(
        {},
        optional={
            "session_id": st.sampled_from(["", SESSION, "$(reboot)", "a b c d e f", "-rf-----"]),
            "confidence": st.floats(0, 1),
            "watched": st.booleans(),
            "gone_s": st.floats(0, 10_000),
            "cwd": st.sampled_from(["", "/src/shop"]),
            "twin": st.sampled_from(["", "p3"]),
        },
    ),
)
def test_whatever_happens_one_pane_is_opened_and_only_the_resume_command_is_typed_into_a_shell(
    opens: list[Opened], turns: list[tuple[float, str]], outcomes: list[ActOutcome], fields: dict[str, Any]
) -> None:
    """And a person is told of whatever did not come off."""
    here = world(
        opens=opens,
        turns=[Turn(at_s, {"state": state}) for at_s, state in sorted(turns)],
        answers=[(RUN, outcome, {}) for outcome in outcomes],
    )

    ending = restarted(here, **fields)

    assert set(here.typed) <= {RESUME}
    assert len(here.typed) <= 3
    assert set(here.seen_at_act) <= {PaneState.SHELL, PaneState.EXITED}
    given = [one for one, _ in zip(opens, here.opens_asked, strict=False) if one.pane_uid]
    assert len(given) <= 1
    assert len(here.told) == (ending.failed or ending.outcome == "resumed_in_new_pane")
