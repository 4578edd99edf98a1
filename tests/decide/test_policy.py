import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.decide.policy import MAX_PASTE_CHARS, decide
from wa.model.action import Action, ActionKind, Actor, ActorKind, Allow, Deny, PaneView
from wa.model.agent import PaneState

HUMAN = Actor(ActorKind.HUMAN)
LIVE = PaneView(alive=True)


def send(text, *, forced=False, submit=True):
    return Action(ActionKind.SEND, text=text, submit=submit, forced=forced)


@pytest.mark.parametrize("kind", list(ActionKind))
@pytest.mark.parametrize("actor", [ActorKind.AGENT, ActorKind.REMOTE])
@pytest.mark.parametrize("view", [LIVE, None, LIVE._replace(started_by_wa=True, bracketed_paste=True)])
def test_nobody_but_a_person_and_workflows_may_act_as_shipped(kind, actor, view):
    """Whatever the action and the pane."""
    assert isinstance(decide(Action(kind, text="x", submit=True, forced=True), Actor(actor), view), Deny)


def test_a_person_may_send_a_line_to_a_live_pane():
    """Shell or full screen alike: the person named the pane."""
    assert isinstance(decide(send("echo hi"), HUMAN, LIVE), Allow)
    assert isinstance(decide(send("do part 1"), HUMAN, LIVE._replace(is_alt=True)), Allow)
    assert isinstance(decide(send("日本 é ‍"), HUMAN, LIVE), Allow)


@pytest.mark.parametrize("view", [None, PaneView(alive=False), LIVE._replace(excluded=True)])
def test_nothing_goes_to_panes_that_cannot_be_seen(view):
    """Dead, unknown, or never to be looked at."""
    assert isinstance(decide(send("x"), HUMAN, view), Deny)


@pytest.mark.parametrize("text", ["a\nb", "a\n", "\r", "a\tb", "ls\r\n"])
def test_line_breaks_and_tabs_need_a_paste_that_is_one_piece(text):
    """Where bracketed paste is unknown they would act; known or forced, they may go."""
    refusal = decide(send(text), HUMAN, LIVE)

    assert isinstance(refusal, Deny)
    assert "--force" in refusal.next_step
    assert isinstance(decide(send(text), HUMAN, LIVE._replace(bracketed_paste=False)), Deny)
    assert isinstance(decide(send(text, submit=False), HUMAN, LIVE), Deny)
    assert isinstance(decide(send(text, forced=True), HUMAN, LIVE), Allow)
    assert isinstance(decide(send(text), HUMAN, LIVE._replace(bracketed_paste=True)), Allow)


@given(st.sampled_from("\x00\x01\x03\x04\x08\x0b\x1a\x1b\x7f\x80\x9b\u2028\ud800\udcff"), st.text(), st.text())
def test_keystrokes_never_hide_in_a_text(control, before, after):
    """Escape, Ctrl-C, C1 introducers: refused wherever they stand, forced or not."""
    text = before + control + after
    for view in (LIVE, LIVE._replace(bracketed_paste=True)):
        assert isinstance(decide(send(text, forced=True), HUMAN, view), Deny)


def test_size_and_emptiness():
    """An empty text is a bare Enter and must be meant as one; a text without end is no message."""
    assert isinstance(decide(send("", submit=False), HUMAN, LIVE), Deny)
    assert isinstance(decide(send(""), HUMAN, LIVE), Allow)
    assert isinstance(decide(send("x" * MAX_PASTE_CHARS), HUMAN, LIVE), Allow)
    assert isinstance(decide(send("x" * (MAX_PASTE_CHARS + 1)), HUMAN, LIVE), Deny)


def test_wa_ends_only_what_it_started():
    """A person closes the rest in WezTerm."""
    kill = Action(ActionKind.KILL)

    assert isinstance(decide(kill, HUMAN, LIVE), Deny)
    assert isinstance(decide(kill, HUMAN, LIVE._replace(started_by_wa=True)), Allow)
    assert isinstance(decide(kill, HUMAN, LIVE._replace(started_by_wa=True, alive=False)), Deny)


def test_spawning_needs_no_pane():
    """There is none yet."""
    assert isinstance(decide(Action(ActionKind.SPAWN), HUMAN, None), Allow)


@pytest.mark.parametrize("kind", [ActionKind.SEND, ActionKind.KEYS, ActionKind.INTERRUPT])
def test_automations_leave_alone_what_goes_on_by_itself(kind):
    """Any key would stop it; a choice in a dialog, and a way out that somebody chose, are no such key."""
    waits = LIVE._replace(agent="claude_code", state=PaneState.LIMITED, draft="", resumes_itself=True)
    flow = Actor(ActorKind.WORKFLOW, "handle_compaction")
    action = Action(kind, text="go on", submit=True, keys=("x",))

    assert decide(action, flow, waits).rule == "itself"
    assert isinstance(decide(action, flow, waits._replace(resumes_itself=False)), Allow)
    assert isinstance(decide(action, HUMAN, waits), Allow)
    assert decide(Action(ActionKind.EXIT), flow, waits).rule != "itself"
