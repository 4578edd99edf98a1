"""The built-in workflows that mostly tell: the end of a session, a lost sign-in, work that does not get on."""

from __future__ import annotations

from typing import Any

import pytest

from act.builtin.world import START_MS, Turn, World, pane
from wa.act.builtin import BUILTINS
from wa.act.builtin.auth import HANDLE_AUTH_REQUIRED, SIGN_IN, WHAT
from wa.act.builtin.session_end import HANDLE_SESSION_END
from wa.act.builtin.stuck import STUCK
from wa.model.action import ActionKind, ActOutcome
from wa.model.command import Ending

SESSION = "0198c1f2-1111-7222-8333-444455556666"
INTERRUPT, SEND = ActionKind.INTERRUPT, ActionKind.SEND


# -- handle_session_end ----------------------------------------------------------------------------------------------


def test_the_end_of_a_session_is_told_with_what_reopens_it() -> None:
    """As something done, not as something that needs a person."""
    here = World(HANDLE_SESSION_END, pane("exited", "gemini"))

    ending = here.play(
        {"session_id": SESSION, "total": 12345}, profile={"resume": {"command": "gemini --resume {session_id}"}}
    )

    assert ending.outcome == "told"
    assert here.told[0].body == f"gemini has ended. 12,345 tokens. Go on with: gemini --resume {SESSION}"
    assert not here.told[0].needs_you
    assert here.typed == []


def test_an_agent_that_goes_without_a_word_is_told_once_like_all_others() -> None:
    """Claude Code 2.1.12 prints nothing, 2.1.328 a hint alone; its session's file knows the id. Who said so before is not told of again."""
    here = World(HANDLE_SESSION_END, pane("exited", "claude_code", session_id=SESSION, session_ms=START_MS))

    said = here.play({"total": 5}, event="session.end")
    gone = here.play({}, event="exited")

    assert (said.outcome, gone.outcome) == ("told", "told")
    assert gone.detail == f"claude_code has ended. Session {SESSION}."
    assert len({notice.key for notice in here.told}) == 1


def test_a_hint_that_comes_later_is_waited_for() -> None:
    """Claude prints the id a moment after."""
    here = World(
        HANDLE_SESSION_END, pane("exited"), turns=[Turn(1, {"fields": {"session_id": SESSION}}, "session.resume_hint")]
    )

    here.play({"total": 5})

    assert SESSION in here.told[0].body


def test_words_that_are_no_id_are_not_shown_as_a_command() -> None:
    """A command that a person would copy holds nothing that a pane made up."""
    here = World(HANDLE_SESSION_END, pane("exited"))

    here.play({"session_id": "x; rm -rf ~", "total": 1}, profile={"resume": {"command": "codex resume {session_id}"}})

    assert "rm" not in here.told[0].body


# -- handle_auth_required --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", sorted(WHAT))
@pytest.mark.parametrize("agent", sorted(SIGN_IN))
def test_a_lost_sign_in_is_told_with_the_next_step(event: str, agent: str) -> None:
    """What the agent shows, and what to do; never a code or an address."""
    here = World(HANDLE_AUTH_REQUIRED, pane("waiting.login", agent))

    ending = here.play({"code": "ABCD-12345", "url": "https://evil.example/?x=1"}, event=event)

    assert ending.outcome == "told"
    assert here.told[0].needs_you
    assert SIGN_IN[agent] in here.told[0].body
    assert "ABCD" not in here.told[0].body
    assert "http" not in here.told[0].body
    assert here.at == []


def test_a_refusal_that_passes_is_not_told() -> None:
    """The agent renewed its sign-in and works on."""
    here = World(HANDLE_AUTH_REQUIRED, pane("auth_error"), turns=[Turn(1, {"state": "working"})])

    assert here.play(event="error.auth").outcome == "passed"
    assert here.told == []


# -- stuck -----------------------------------------------------------------------------------------------------------


def slow(here: World, **settings: Any) -> Ending:
    return here.play({"attempt": 3}, event="rate.retry", settings=settings)


def test_a_retry_that_gets_on_is_nobodys_business() -> None:
    """Two minutes later the turn is done."""
    here = World(STUCK, pane("working"), turns=[Turn(120, {"state": "idle"})])

    assert slow(here).outcome == "moved_on"
    assert here.told == []


def test_a_retry_loop_is_warned_of_and_then_needs_a_person() -> None:
    """Five minutes, then ten more; nothing is typed."""
    here = World(STUCK, pane("working"))

    ending = slow(here)

    assert (ending.outcome, ending.failed) == ("escalated", True)
    assert [(notice.needs_you) for notice in here.told] == [False, True]
    assert here.elapsed_s == 900
    assert here.at == []


def test_work_in_which_nothing_has_come_for_long_is_warned_of_at_once() -> None:
    """It has lasted before the run began."""
    here = World(STUCK, pane("working"))

    ending = here.play({"state": "working", "held_s": 600}, event="state")

    assert ending.outcome == "escalated"
    assert here.told[0].body == "It works, and nothing new has come since 10 minutes."
    assert here.elapsed_s == 600


@pytest.mark.parametrize("event", ["state", "rate.retry"])
def test_a_pane_that_gets_on_after_the_warning_is_left_alone(event: str) -> None:
    """A row, a word, a token: it need not end its turn."""
    here = World(STUCK, pane("working"), turns=[Turn(500, {}, "progress")])

    assert here.play({"held_s": 600, "attempt": 3}, event=event).outcome == "moved_on"
    assert [notice.needs_you for notice in here.told] == [False]


def test_where_the_user_allows_it_the_turn_is_ended_and_the_agent_poked() -> None:
    """Once."""
    here = World(STUCK, pane("working"), answers=[(INTERRUPT, ActOutcome.PRESSED, {"state": "idle"})])

    assert slow(here, poke="go on").outcome == "poked"
    assert here.typed == ["interrupt", "send go on"]


def test_an_agent_that_a_poke_does_not_move_needs_a_person() -> None:
    """It is not poked again: the run lasts until it has got on, or a person is told."""
    here = World(
        STUCK,
        pane("working"),
        answers=[
            (INTERRUPT, ActOutcome.PRESSED, {"state": "idle"}),
            (SEND, ActOutcome.SUBMITTED, {"state": "working"}),
        ],
    )

    ending = slow(here, poke="go on")

    assert (ending.outcome, ending.failed) == ("escalated", True)
    assert here.typed == ["interrupt", "send go on"]
    assert "was told to go on" in here.told[-1].body


def test_an_agent_that_was_interrupted_and_could_not_be_told_needs_a_person() -> None:
    """Its composer holds the prompt of the turn again: nothing is typed over that, and it must not just stand there."""
    here = World(
        STUCK,
        pane("working"),
        answers=[(INTERRUPT, ActOutcome.PRESSED, {"state": "idle"}), *[(SEND, ActOutcome.DRAFT, {})] * 40],
    )

    ending = slow(here, poke="go on")

    assert (ending.outcome, ending.failed) == ("escalated", True)
    assert "could not be sent" in here.told[-1].body


def test_a_poke_that_does_not_come_off_ends_with_a_person() -> None:
    """The keys had no effect."""
    here = World(STUCK, pane("working"), answers=[(INTERRUPT, ActOutcome.NOT_TAKEN, {})])

    assert slow(here, poke="go on").outcome == "escalated"
    assert here.typed == []


@pytest.mark.parametrize(("event", "needs_you"), [("context.low", False), ("error.context", True)])
def test_a_full_context_is_told(event: str, needs_you: bool) -> None:
    """Nearly full is a warning; full needs a person."""
    here = World(STUCK, pane("idle"))

    assert here.play({"percent": 8}, event=event).outcome == "told"
    assert here.told[0].needs_you is needs_you
    assert here.at == []


def test_a_full_context_is_poked_where_the_user_allows_it() -> None:
    """With a text of the user's, once the agent is idle; where that does not come off a person is asked for."""
    here = World(STUCK, pane("working"), turns=[Turn(30, {"state": "idle"})], answers=[(SEND, ActOutcome.BUSY, {})])

    assert here.play({"percent": 8}, event="context.low", settings={"poke_full": "/compact"}).outcome == "poked"
    assert here.typed == ["send /compact"]
    assert [notice.needs_you for notice in here.told] == [False]

    here = World(STUCK, pane("idle"), answers=[(SEND, ActOutcome.DRAFT, {})] * 99)
    assert here.play(event="error.context", settings={"poke_full": "/compact"}).outcome == "escalated"
    assert [notice.needs_you for notice in here.told] == [False, True]
    assert here.typed == []


# -- all of them -----------------------------------------------------------------------------------------------------


def test_what_types_is_off_until_somebody_turns_it_on() -> None:
    """Only those that tell and type nothing are on by themselves."""
    assert {workflow.name for workflow in BUILTINS if workflow.default_enabled} == {
        "handle_session_end",
        "handle_auth_required",
    }


@pytest.mark.parametrize("workflow", BUILTINS, ids=lambda workflow: workflow.name)
@pytest.mark.parametrize("change", [{"alive": False}, {"state": "unknown", "agent": None}])
def test_nothing_is_typed_into_a_pane_that_is_gone(workflow: Any, change: dict[str, Any]) -> None:
    """By none of them, whatever event began it."""
    for event in sorted(workflow.events):
        here = World(workflow, pane("idle"))
        here.change(change)

        assert here.play(event=event).outcome
        assert here.at == []
