"""Runs are played, stopped anywhere and played again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from act.conversation import Conversation, context
from wa.act.journal import Entry, UnreadableError, command_json, command_of, context_json, context_of, reply_json
from wa.act.journal import reply_of as read_reply
from wa.act.runner import MAX_STEPS, Asked, Player, drawn
from wa.act.workflow import Workflow
from wa.model.action import Action, ActionKind, ActOutcome, WhileBusy
from wa.model.agent import PaneState
from wa.model.command import (
    Act,
    Did,
    Ending,
    Execute,
    Executed,
    Happened,
    Look,
    Notify,
    Park,
    Saw,
    Told,
    Until,
    Woke,
)

SEND = Act(Action(ActionKind.SEND, "proceed.", submit=True))
SAW = Saw(PaneState.IDLE, "codex", since_ms=5, options=("a", "b"), at_ms=9)


def play(about):
    """Looks, sends when the agent is idle, and waits for it to work; once more where it does not."""
    for _ in range(about.settings["tries"]):
        saw = yield Look()
        if saw.state is not PaneState.IDLE:
            yield Park(saw.at_ms + 60_000, 30.0)
            continue
        did = yield SEND
        if did.outcome is not ActOutcome.SUBMITTED:
            return Ending("not_sent", did.detail, failed=True)
        happened = yield Until(10, states=frozenset({PaneState.WORKING}))
        if happened.what:
            return Ending("resumed")
    yield Notify("gave up", "look at it")
    return Ending("gave_up", failed=True)


FLOW = Workflow("flow", frozenset({"manual"}), play, "For tests.", "1", settings={"tries": 2})


def test_a_run_is_a_conversation():
    """What it asks for and what it is answered, in order."""
    (
        Conversation(FLOW)
        << Look()
        >> SAW
        << SEND
        >> Did(ActOutcome.SUBMITTED)
        << Until
        >> Happened("working", 12)
        << Ending("resumed")
    )


REPLIES = st.sampled_from(
    [
        SAW,
        SAW._replace(state=PaneState.LIMITED),
        Did(ActOutcome.SUBMITTED, "taken", {"row": 3}),
        Did(ActOutcome.NOT_SEEN, "no"),
        Happened("working", 4, {"a": [1, None]}),
        Happened(""),
        Woke(77),
        Told(),
        Executed(0, {"x": [1]}),
    ]
)


@given(st.lists(REPLIES, max_size=8))
def test_wherever_a_run_is_cut_it_goes_on_at_the_same_place(replies):
    """The journal alone, as JSON, leads a new player to where the old one stood; replies of any kind lead to some end."""
    talk = Conversation(FLOW)
    for reply in replies:
        if isinstance(talk.now, Ending):
            break
        talk >> reply


def entries(talk):
    return list(talk.journal)


def taken_up(talk, journal, workflow=FLOW, version="1"):
    return Player(workflow, talk.context).begin(journal, version=version)


def test_a_journal_of_another_version_is_refused():
    """It may have been written by other code."""
    talk = Conversation(FLOW) << Look() >> SAW

    ending = taken_up(talk, entries(talk), version="0")

    assert ending == Ending("superseded", "it was begun by version 0, and this is 1", failed=True)


def test_a_journal_that_no_longer_fits_is_refused():
    """Another command stands there than the workflow asks for now, or it ends earlier: nothing is done on a guess."""
    talk = Conversation(FLOW) << Look() >> SAW << SEND >> Did(ActOutcome.SUBMITTED)
    journal = entries(talk)

    for broken in (
        [journal[0]._replace(command=command_json(SEND)), *journal[1:]],
        [journal[0]._replace(reply=reply_json(SAW._replace(state=PaneState.WORKING))), *journal[1:]],
        [journal[0]._replace(number=1), *journal[1:]],
        [journal[0]._replace(reply=None), *journal[1:]],
        [journal[0]._replace(reply={"kind": "Saw", "mood": "fine"}), *journal[1:]],
        [*journal[:1], journal[1]._replace(reply=reply_json(Did(ActOutcome.DRAFT))), *journal[2:]],
    ):
        ending = taken_up(talk, broken)
        assert isinstance(ending, Ending)
        assert (ending.outcome, ending.failed) == ("journal_misfit", True)


def test_a_step_without_reply_is_taken_up_under_its_number():
    """It was begun; its reply was never written."""
    talk = Conversation(FLOW) << Look() >> SAW << SEND

    assert taken_up(talk, entries(talk)) == Asked(1, SEND, recorded=True)


def test_a_workflow_that_raises_ends_its_run_by_name():
    """A fault of a workflow is its run's, and says which."""

    def bad(about):
        yield Look()
        raise KeyError("nothing")

    ending = (Conversation(FLOW._replace(play=bad)) << Look() >> SAW).ending

    assert (ending.outcome, ending.failed) == ("broken", True)
    assert "KeyError" in ending.detail


def test_a_workflow_that_finds_no_end_is_ended():
    """So many steps are a circle."""

    def round_and_round(about):
        while True:
            yield Look()

    player = Player(FLOW._replace(play=round_and_round), context(FLOW))
    now = player.begin()
    while isinstance(now, Asked):
        now = player.answer(SAW)

    assert (now.outcome, now.failed) == ("too_many_steps", True)
    assert player._number == MAX_STEPS


def test_the_generator_gets_what_the_journal_keeps():
    """Secrets are taken out before the workflow sees a reply, else a replay would get another one."""
    heard = []

    def listen(about):
        heard.append((yield Look()).draft)
        return Ending("done")

    def clean(value):
        return json.loads(json.dumps(value).replace("hunter2", "[REDACTED]"))

    player = Player(FLOW._replace(play=listen), context(FLOW), clean=clean)
    player.begin()
    player.answer(SAW._replace(draft="my hunter2"))

    assert heard == ["my [REDACTED]"]


COMMANDS = [
    Look(),
    SEND,
    Act(
        Action(
            ActionKind.CHOOSE,
            labels=("Stop", "No"),
            question="q",
            effects=frozenset({"model", "money"}),
            while_busy=WhileBusy.QUEUE,
        )
    ),
    Until(3.5, frozenset({"turn.done", "usage.limit"}), frozenset({PaneState.IDLE, PaneState.SHELL}), 2),
    Park(12, 3),
    Notify("t", "b", needs_you=False, key="k"),
    Execute(("prog", "a"), {"x": [1, {"y": None}]}, 4),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_commands_go_through_json(command):
    """What is read back is what was written."""
    assert command_of(json.loads(json.dumps(command_json(command)))) == command


@given(REPLIES)
def test_replies_go_through_json(reply):
    """What is read back is what was written."""
    assert read_reply(json.loads(json.dumps(reply_json(reply)))) == reply


def test_a_context_goes_through_json():
    """What is read back is what was written."""
    about = context(FLOW, fields={"reset": "3pm", "n": 4}, profile={"limits": {"close": ["Stop"]}})

    assert context_of(json.loads(json.dumps(context_json(about)))) == about


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"kind": "Nothing"},
        {"kind": "Saw", "state": "merry"},
        {"kind": "Saw"},
        {"kind": "Woke", "at_ms": "soon"},
        {"kind": "Woke", "at_ms": True},
        {"kind": "Saw", "state": "idle", "options": "abc"},
        {"kind": "Did", "outcome": "submitted", "more": 1},
    ],
)
def test_what_is_no_reply_is_refused(said):
    """Another name, another field, another type."""
    with pytest.raises(UnreadableError):
        read_reply(said)


@given(st.integers(), st.integers(0, 100))
def test_a_jitter_is_drawn_once(seed, number):
    """The same for the same run and step, between 0 and 1."""
    assert drawn(seed, number) == drawn(seed, number)
    assert 0 <= drawn(seed, number) < 1


def test_an_entry_may_be_open():
    """A command without reply is the last one of its journal."""
    assert Entry(0, 1, {}).reply is None
