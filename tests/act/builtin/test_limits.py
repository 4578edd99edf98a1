"""handle_usage_limits as a conversation with a pane that behaves as the CLIs were seen to."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from act.builtin.world import START_MS, Turn, World, pane
from wa.act.builtin.limits import HANDLE_USAGE_LIMITS
from wa.model.action import ActionKind, ActOutcome
from wa.model.agent import PaneState

CHOOSE, SEND, EXIT = ActionKind.CHOOSE, ActionKind.SEND, ActionKind.EXIT
RESET_S = 3600.0
RESET_MS = START_MS + 3_600_000
RESET = {"resets_at": RESET_MS, "reset": "at 1:08 AM"}
PROCEED = "send proceed."
CODEX_BOX = {
    "state": "waiting.choice",
    "question": "Approaching rate limits Switch to gpt-6-luna for lower credit usage?",
    "options": ("Switch to gpt-6-luna", "Keep current model", "Keep current model (never show again)"),
    "selected": 0,
}
GEMINI_BOX = {
    "state": "waiting.choice",
    "question": "Usage limit reached for gemini-3-flash-preview.",
    "options": ("Switch to gemini-3-pro-preview", "Upgrade for higher limits", "Stop"),
    "selected": 0,
}
CLAUDE_BOX = {
    "state": "waiting.choice",
    "question": "What do you want to do?",
    "options": ("Stop and wait for limit to reset", "Request more", "Upgrade your plan"),
    "selected": 0,
}
LABELS = {
    "codex": ("Keep current model",),
    "claude_code": ("Stop and wait for limit to reset",),
    "gemini": ("Stop",),
}
LIMITED = {"state": "limited", "limit_until_ms": RESET_MS}
LAPSES = Turn(RESET_S + 60, {"state": "idle", "limit_until_ms": None})
"""A minute after the printed reset wa itself takes the limit for over."""
AT_WORK = {"state": "working"}


def world(agent: str = "codex", first: dict[str, Any] | None = None, **more: Any) -> World:
    here = World(HANDLE_USAGE_LIMITS, pane("working", agent), **more)
    here.change(first or LIMITED)
    return here


def played(here: World, **settings: Any) -> str:
    profile = {"limits": {"close": LABELS[here.saw.agent or "codex"]}}
    return here.play(RESET, settings=settings, profile=profile).outcome


@pytest.mark.parametrize(
    ("agent", "box", "label"),
    [
        ("codex", CODEX_BOX, "Keep current model"),
        ("gemini", GEMINI_BOX, "Stop"),
        ("claude_code", CLAUDE_BOX, "Stop and wait for limit to reset"),
    ],
)
def test_the_box_is_closed_by_its_label_and_work_goes_on_after_the_reset(
    agent: str, box: dict[str, Any], label: str
) -> None:
    """The box comes a second after the limit; then the reset, a minute because it has no seconds, and the pane's share of the spread."""
    here = world(
        agent,
        turns=[Turn(1, box), LAPSES],
        answers=[(CHOOSE, ActOutcome.CHOSEN, LIMITED), (SEND, ActOutcome.SUBMITTED, AT_WORK)],
    )

    assert played(here) == "resumed"
    assert here.typed == [f"choose {label}", PROCEED]
    assert here.at[1][0] == RESET_S + 60 + 15
    assert not any(notice.needs_you for notice in here.told)


def test_without_a_box_it_parks_at_once() -> None:
    """Claude Code 2.1.12 prints two rows and no box."""
    here = world("claude_code", turns=[LAPSES], answers=[(SEND, ActOutcome.SUBMITTED, AT_WORK)])

    assert played(here) == "resumed"
    assert here.typed == [PROCEED]


def test_no_option_that_switches_is_ever_the_one() -> None:
    """The labels that may be chosen are gone from the box: nothing is chosen, a person is told, and the pane parked all the same."""
    box = CODEX_BOX | {"options": ("Switch to gpt-6-luna", "Upgrade")}
    here = world(first=box, turns=[Turn(40, LIMITED), LAPSES], answers=[(SEND, ActOutcome.SUBMITTED, AT_WORK)])

    assert played(here) == "resumed"
    assert here.typed == [PROCEED]
    assert any(notice.needs_you for notice in here.told)


def test_another_dialog_is_not_answered() -> None:
    """An approval stands there, and one of its options happens to be called like the limit's."""
    approval = {"state": "waiting.approval", "question": "Run rm -rf build?", "options": ("Yes", "Stop"), "selected": 0}
    here = world("gemini", first=approval, turns=[LAPSES], answers=[(SEND, ActOutcome.DIALOG_OPEN, {})] * 2)

    assert played(here) == "resumed"
    assert here.typed == [PROCEED]
    assert here.told[0].needs_you


def test_a_box_that_stays_is_told_and_never_pressed_through() -> None:
    """Three tries by label, then a person."""
    here = world(
        first=CODEX_BOX,
        answers=[(CHOOSE, ActOutcome.NOT_TAKEN, {})] * 9 + [(SEND, ActOutcome.DIALOG_OPEN, {})] * 99,
    )

    assert played(here) == "dialog_open"
    assert here.typed == []
    assert any("box" in notice.title for notice in here.told)


@pytest.mark.parametrize("outcome", [ActOutcome.REFUSED, ActOutcome.ASKED, ActOutcome.INTERRUPTED])
def test_a_choice_that_policy_refuses_is_not_tried_again(outcome: ActOutcome) -> None:
    """The desk's word holds; the person is told."""
    here = world(
        first=CODEX_BOX,
        answers=[(CHOOSE, outcome, {}), (SEND, ActOutcome.DIALOG_OPEN, {})]
        + [(CHOOSE, outcome, {})]
        + [(SEND, ActOutcome.DIALOG_OPEN, {})] * 99,
    )

    assert played(here) == "dialog_open"
    assert [words for _, words in here.at][:2] == [f"choose Keep current model: {outcome.value}"] * 2


def test_a_person_at_the_keyboard_is_waited_for_before_the_box_is_closed() -> None:
    """Who has just typed the prompt that hit the limit is there still: the desk holds the choice back, and that is no try."""
    held = (CHOOSE, ActOutcome.HUMAN_TYPING, {})
    here = world(
        first=CODEX_BOX,
        turns=[LAPSES],
        answers=[held] * 6 + [(CHOOSE, ActOutcome.CHOSEN, LIMITED), (SEND, ActOutcome.SUBMITTED, AT_WORK)],
    )

    assert played(here) == "resumed"
    assert here.typed == ["choose Keep current model", PROCEED]
    assert here.told[0].title == "Usage limit"


def test_a_person_who_closes_the_box_leaves_the_rest_to_wa() -> None:
    """The box was gone when the hands looked."""
    here = world(
        first=CODEX_BOX,
        turns=[LAPSES],
        answers=[(CHOOSE, ActOutcome.NO_DIALOG, LIMITED), (SEND, ActOutcome.SUBMITTED, AT_WORK)],
    )

    assert played(here) == "resumed"
    assert here.typed == [PROCEED]


def test_a_draft_at_the_reset_is_waited_for_and_never_sent() -> None:
    """A person writes there: after a quarter of an hour the run gives up and says so."""
    here = world(turns=[LAPSES], answers=[(SEND, ActOutcome.DRAFT, {})] * 99)

    assert played(here) == "draft"
    assert here.typed == []
    assert here.told[-1].needs_you


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        ({"alive": False}, "pane_gone"),
        ({"state": "shell"}, "agent_gone"),
        ({"state": "exited"}, "agent_gone"),
        ({"agent": None, "state": "unknown"}, "agent_gone"),
    ],
)
def test_nothing_is_typed_where_the_agent_has_gone_meanwhile(change: dict[str, Any], ended: str) -> None:
    """The person quit, or closed the pane, while it was parked: no prose into a shell."""
    here = world(turns=[Turn(600, change)])

    assert played(here) == ended
    assert here.typed == []


def test_an_agent_that_was_set_to_work_meanwhile_is_left_alone() -> None:
    """Another account, another model: a turn began and ended while it was parked."""
    here = world(
        turns=[
            Turn(600, {"state": "working", "turn_ms": START_MS + 600_000}),
            Turn(900, {"state": "idle", "limit_until_ms": None}),
        ]
    )

    assert played(here) == "already_gone_on"
    assert here.typed == []


def test_an_agent_that_works_at_the_reset_is_left_alone() -> None:
    """Somebody was faster."""
    here = world(turns=[Turn(RESET_S + 5, AT_WORK)])

    assert played(here) == "already_gone_on"
    assert here.typed == []


def test_in_doubt_whether_it_went_on_nothing_is_typed() -> None:
    """Idle since some time within the limit, and nobody remembers a turn."""
    here = world(turns=[Turn(1000, {"state": "idle", "limit_until_ms": None})])

    assert played(here) == "already_gone_on"
    assert here.typed == []


def test_gemini_that_shows_no_limit_after_stop_is_told_to_go_on() -> None:
    """After "Stop" the composer is back and nothing on the screen speaks of a limit; the event told when it ends."""
    idle = {"state": "idle", "limit_until_ms": None}
    here = world(
        "gemini", first=GEMINI_BOX, answers=[(CHOOSE, ActOutcome.CHOSEN, idle), (SEND, ActOutcome.SUBMITTED, AT_WORK)]
    )

    assert played(here) == "resumed"
    assert here.typed == ["choose Stop", PROCEED]
    assert here.at[1][0] >= RESET_S + 60


def test_gemini_that_switches_the_model_by_itself_after_stop_is_not_pushed() -> None:
    """It says that it switched, and works on: that is nobody's choice of wa's, and needs no prompt."""
    here = world(
        "gemini",
        first=GEMINI_BOX,
        answers=[(CHOOSE, ActOutcome.CHOSEN, {"state": "idle", "limit_until_ms": None})],
        turns=[
            Turn(20, {"state": "working", "turn_ms": START_MS + 20_000}, "model.switched"),
            Turn(90, {"state": "idle"}),
        ],
    )

    assert played(here) == "already_gone_on"
    assert here.typed == ["choose Stop"]


def test_a_limit_that_still_holds_parks_again_at_its_new_time() -> None:
    """The first prompt hits the next window's limit: once more, later."""
    later = RESET_MS + 7_200_000
    again = {"state": "limited", "limit_until_ms": later}
    here = world(
        turns=[
            LAPSES,
            Turn(RESET_S + 80, again, "usage.limit"),
            Turn(RESET_S + 7200 + 60, {"state": "idle", "limit_until_ms": None}),
        ],
        answers=[(SEND, ActOutcome.SUBMITTED, AT_WORK), (SEND, ActOutcome.SUBMITTED, AT_WORK)],
    )

    assert played(here) == "resumed"
    assert [at_s for at_s, _ in here.at] == [RESET_S + 75, RESET_S + 7200 + 75]


def test_a_limit_without_a_later_time_is_asked_less_and_less_often() -> None:
    """The same words again and again: given up, loudly, after six times."""
    here = world(first=LIMITED, answers=[(SEND, ActOutcome.SUBMITTED, {"state": "limited"})] * 9)
    here.saw = here.saw._replace(limit_until_ms=None)

    assert played(here) == "still_limited"
    assert len(here.typed) == 6
    gaps = [later - sooner for (sooner, _), (later, _) in itertools.pairwise(here.at)]
    assert gaps == sorted(gaps)
    assert gaps[0] >= 900
    assert here.told[-1].needs_you


def test_the_same_clock_time_read_on_the_next_day_is_the_old_limit() -> None:
    """After a restart of wa `1:08 AM` on the screen means tomorrow's; the limit is over all the same."""
    here = world(
        turns=[Turn(RESET_S + 30, {"limit_until_ms": RESET_MS + 86_400_000})],
        answers=[(SEND, ActOutcome.SUBMITTED, AT_WORK)],
    )

    assert played(here) == "resumed"
    assert here.elapsed_s < RESET_S + 200


def test_a_limit_without_a_reset_is_told_to_a_person() -> None:
    """A workspace out of credits: nothing is typed, and somebody has to see to it."""
    here = world(first={"state": "limited"})

    ending = here.play({}, profile={"limits": {"close": LABELS["codex"]}})

    assert (ending.outcome, ending.failed) == ("no_reset", True)
    assert here.typed == []
    assert here.told[-1].needs_you


# -- an agent that goes on by itself ---------------------------------------------------------------------------------

BY_ITSELF = LIMITED | {"resumes_itself": True}


def test_claude_that_goes_on_by_itself_is_never_touched() -> None:
    """2.1.328: no key until three minutes after the reset; it goes on 75 s after it."""
    here = world(
        "claude_code",
        first=BY_ITSELF,
        turns=[Turn(RESET_S + 75, AT_WORK | {"resumes_itself": False, "limit_until_ms": None})],
    )

    assert played(here) == "resumed_itself"
    assert here.at == []


def test_the_words_that_it_goes_on_may_come_after_the_limit() -> None:
    """The footer is drawn a moment later than the row."""
    here = world(
        "claude_code",
        turns=[Turn(0.4, BY_ITSELF, "usage.autoresume"), Turn(RESET_S + 75, AT_WORK | {"resumes_itself": False})],
    )

    assert played(here) == "resumed_itself"
    assert here.at == []


def test_a_turn_from_before_the_limit_is_not_the_going_on() -> None:
    """Printed resets have no seconds: the minute may have begun before the turn that met the limit (Claude Code 2.1.328, 2026-11-21)."""
    begun_ms = START_MS - 5_000
    here = world(
        "claude_code",
        first=BY_ITSELF | {"limit_until_ms": begun_ms, "turn_ms": START_MS - 300},
        turns=[
            Turn(120, AT_WORK | {"resumes_itself": False, "limit_until_ms": None, "turn_ms": START_MS + 120_000}),
            Turn(120.4, {"state": "idle"}),
        ],
    )

    assert here.play({"resets_at": begun_ms}).outcome == "resumed_itself"
    assert here.at == []
    assert here.elapsed_s < 125


def test_a_turn_of_its_own_that_was_over_soon_counts() -> None:
    """It went on and finished between two looks."""
    turn = {"state": "working", "resumes_itself": False, "limit_until_ms": None, "turn_ms": RESET_MS + 75_000}
    here = world(
        "claude_code", first=BY_ITSELF, turns=[Turn(RESET_S + 75, turn), Turn(RESET_S + 76, {"state": "idle"})]
    )

    assert played(here) == "resumed_itself"
    assert here.at == []


def test_its_own_promise_that_was_cancelled_is_kept_by_wa() -> None:
    """Somebody pressed Esc: three minutes after the reset wa sends the prompt."""
    here = world(
        "claude_code",
        first=BY_ITSELF,
        turns=[Turn(100, {"resumes_itself": False}), LAPSES],
        answers=[(SEND, ActOutcome.SUBMITTED, AT_WORK)],
    )

    assert played(here) == "resumed"
    assert here.at[0][0] >= RESET_S + 180


def test_a_promise_made_while_the_prompt_waits_is_kept() -> None:
    """A draft stood in the way; meanwhile the agent says that it goes on by itself: no key."""
    here = world("claude_code", turns=[LAPSES, Turn(RESET_S + 80, BY_ITSELF)], answers=[(SEND, ActOutcome.DRAFT, {})])

    assert played(here) == "resumes_itself"
    assert here.typed == []


def test_a_promise_that_is_not_kept_is_told() -> None:
    """`Continuing shortly` for nine minutes: nothing is typed into it."""
    here = world("claude_code", first=BY_ITSELF)

    assert played(here) == "did_not_resume"
    assert here.at == []
    assert here.told[-1].needs_you


# -- where the user chose to end the agent ---------------------------------------------------------------------------


def test_it_hands_over_with_what_the_agent_printed_at_its_end() -> None:
    """Box closed, agent ended, the session's id and tokens told; signing in is another's."""
    said = {"session_id": "0198c1f2-1111-7222-8333-444455556666", "total": 1234}
    here = world(
        first=CODEX_BOX,
        evidence=said,
        answers=[(CHOOSE, ActOutcome.CHOSEN, LIMITED), (EXIT, ActOutcome.EXITED, {"state": "shell"})],
    )

    ending = here.play(RESET, settings={"on_limit": "exit"}, profile={"limits": {"close": LABELS["codex"]}})

    assert ending.outcome == "handed_over"
    assert here.typed == ["choose Keep current model", "exit"]
    assert said["session_id"] in here.told[-1].body
    assert "1234 tokens" in here.told[-1].body
    assert here.told[-1].needs_you


def test_what_is_printed_after_the_end_is_collected_too() -> None:
    """The hands saw the shell; the resume hint came a second later."""
    session = "0198c1f2-1111-7222-8333-444455556666"
    here = world(
        answers=[(EXIT, ActOutcome.EXITED, {"state": "shell"})],
        turns=[Turn(6, {"fields": {"session_id": session, "total": 5}}, "session.end")],
    )

    assert played(here, on_limit="exit") == "handed_over"
    assert session in here.told[-1].body


def test_a_session_id_that_is_none_is_not_passed_on() -> None:
    """Text of a pane is not trusted: what is no id is left out."""
    here = world(
        evidence={"session_id": "x; rm -rf /", "total": 1}, answers=[(EXIT, ActOutcome.EXITED, {"state": "shell"})]
    )

    assert played(here, on_limit="exit") == "handed_over"
    assert "rm" not in here.told[-1].body


def test_who_chose_the_end_gets_it_from_an_agent_that_would_go_on_by_itself_too() -> None:
    """It would go on with the account that is used up."""
    here = world("claude_code", first=BY_ITSELF, answers=[(EXIT, ActOutcome.EXITED, {"state": "shell"})])

    assert played(here, on_limit="exit") == "handed_over"
    assert here.typed == ["exit"]


def test_a_person_at_the_keyboard_is_waited_for_before_the_agent_is_ended() -> None:
    """Also while a draft stands there."""
    here = world(
        answers=[
            (EXIT, ActOutcome.HUMAN_TYPING, {}),
            (EXIT, ActOutcome.DRAFT, {}),
            (EXIT, ActOutcome.EXITED, {"state": "shell"}),
        ]
    )

    assert played(here, on_limit="exit") == "handed_over"
    assert here.typed == ["exit"]


def test_an_agent_that_does_not_end_is_told() -> None:
    """Nothing is typed after it."""
    here = world(answers=[(EXIT, ActOutcome.NOT_TAKEN, {})] * 9)

    assert played(here, on_limit="exit") == "not_exited"
    assert len(here.at) == 3
    assert here.typed == []
    assert here.told[-1].needs_you


# -- whatever happens ------------------------------------------------------------------------------------------------


def test_observe_mode_plays_it_through() -> None:
    """Everything is decided, nothing is done."""
    here = world(
        first=CODEX_BOX,
        answers=[(CHOOSE, ActOutcome.PLANNED, {}), (CHOOSE, ActOutcome.PLANNED, {}), (SEND, ActOutcome.PLANNED, {})],
    )

    assert played(here) == "planned"
    assert here.typed == []


def test_ten_panes_do_not_go_on_in_one_second() -> None:
    """Each draws its own share of the spread."""
    starts = []
    for share in range(10):
        here = world(turns=[LAPSES], spread=share / 10, answers=[(SEND, ActOutcome.SUBMITTED, AT_WORK)])
        assert played(here) == "resumed"
        starts.append(here.at[0][0])

    assert min(later - sooner for sooner, later in itertools.pairwise(starts)) >= 1
    assert min(starts) >= RESET_S + 60
    assert max(starts) <= RESET_S + 90


CHANGES = st.one_of(
    st.sampled_from([{"state": state.value} for state in PaneState if not state.startswith("waiting.")]),
    st.sampled_from([CODEX_BOX, GEMINI_BOX, LIMITED, BY_ITSELF, {"alive": False}, {"agent": None}]),
)
OUTCOMES = st.sampled_from([outcome for outcome in ActOutcome if outcome is not ActOutcome.PLANNED])


@given(
    st.lists(st.tuples(st.floats(0, 9000), CHANGES), max_size=10),
    st.lists(st.tuples(st.sampled_from([CHOOSE, SEND, EXIT]), OUTCOMES), max_size=10),
    st.sampled_from(["park", "exit"]),
)
def test_whatever_the_pane_does_the_rules_hold(
    turns: list[tuple[float, dict[str, Any]]], answers: list[tuple[ActionKind, ActOutcome]], on_limit: str
) -> None:
    """No prompt before the reset; only labels that may be chosen; nothing where the agent is not, or says that it goes on by itself."""
    here = world(
        turns=[Turn(at_s, change) for at_s, change in sorted(turns, key=lambda turn: turn[0])],
        answers=[(kind, outcome, {}) for kind, outcome in answers],
    )

    outcome = played(here, on_limit=on_limit)

    assert outcome
    assert all(state not in (PaneState.SHELL, PaneState.EXITED) for state in here.seen_at_act)
    assert on_limit == "exit" or not any(here.promised)
    assert {words for words in here.typed if words.startswith("choose")} <= {"choose Keep current model"}
    assert all(at_s >= RESET_S + 60 for at_s, words in here.at if words.startswith("send"))
