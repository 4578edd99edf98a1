"""Whatever the rules, their order and the approvals say: these things are never allowed."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from decide.strategies import ACTIONS, ACTORS, DIALOGS, GENEROUS, KEYS, LEDGERS, POLICIES, VIEWS
from wa.decide.never import MOVING_KEYS, folded_key, may_submit
from wa.decide.policy import Policy, decide
from wa.decide.rules import AUTOMATIONS
from wa.model.action import Action, ActionKind, Actor, ActorKind, Allow, Deny, PaneView
from wa.model.agent import Dialog, PaneState

AUTOMATIC = st.builds(Actor, st.sampled_from(sorted(AUTOMATIONS)), st.sampled_from(["", "mine", "handle_usage_limits"]))
ALL = Policy((GENEROUS,), human_quiet_s=0, pane_cooldown_s=0)
OPEN = Dialog("r", "waiting.approval", "Do you want to proceed?", ("Yes", "No"), 0)
IDLE = PaneView(alive=True, uid="p1", agent="codex", state=PaneState.IDLE, draft="")
KEYBOARD = {ActionKind.CHOOSE, ActionKind.KEYS}
OF_PANES = st.sampled_from([kind for kind in ActionKind if kind is not ActionKind.SPAWN])


@given(ACTIONS, ACTORS, VIEWS, POLICIES, LEDGERS, DIALOGS)
def test_no_dialog_is_answered_by_a_text(action, actor, view, policy, ledger, dialog):
    """Not by a send, a command, an interrupt or an exit: whoever acts."""
    assume(action.kind not in KEYBOARD | {ActionKind.KILL, ActionKind.SPAWN})

    assert isinstance(decide(action, actor, view._replace(dialog=dialog), policy, ledger, 9999), Deny)


@given(ACTIONS, AUTOMATIC, VIEWS, POLICIES, LEDGERS, DIALOGS, KEYS)
def test_no_automation_answers_a_dialog_by_keys(action, actor, view, policy, ledger, dialog, key):
    """It may move the selection; what takes an option, or might, is denied."""
    assume(folded_key(key) not in MOVING_KEYS)
    pressed = action._replace(kind=ActionKind.KEYS, keys=(*action.keys, key))

    assert isinstance(decide(pressed, actor, view._replace(dialog=dialog), policy, ledger, 9999), Deny)


@given(
    ACTIONS, AUTOMATIC, VIEWS, POLICIES, LEDGERS, st.sampled_from(["enter", "Return", "ctrl-j", "\r", "shift+enter"])
)
def test_no_automation_presses_a_bare_return(action, actor, view, policy, ledger, key):
    """Whatever is open, or seems not to be: what it would answer nobody knows."""
    pressed = action._replace(kind=ActionKind.KEYS, keys=(*action.keys, key))

    assert isinstance(decide(pressed, actor, view, policy, ledger, 9999), Deny)


@given(ACTIONS, AUTOMATIC, VIEWS, POLICIES, LEDGERS)
def test_where_nobody_can_read_what_is_asked_no_automation_types(action, actor, view, policy, ledger):
    """The state says that something is asked, or no composer is to be seen for keys."""
    assume(action.kind not in {ActionKind.SPAWN, ActionKind.KILL})
    asked = view._replace(dialog=None, state=PaneState.WAITING_CHOICE, draft=None)

    assert isinstance(decide(action, actor, asked, policy, ledger, 9999), Deny)


@given(ACTIONS, ACTORS, VIEWS, POLICIES, LEDGERS, st.text(min_size=1))
def test_nobody_submits_or_loses_a_persons_draft(action, actor, view, policy, ledger, draft):
    """A send, a command and an exit are denied to all; a key that submits too, unless a dialog has the keys."""
    assume(action.kind in {ActionKind.SEND, ActionKind.RUN, ActionKind.EXIT})

    assert isinstance(decide(action, actor, view._replace(draft=draft), policy, ledger, 9999), Deny)


@given(ACTIONS, ACTORS, VIEWS, POLICIES, LEDGERS, st.sampled_from(["enter", "Return", "ctrl-m", "\r", "shift+enter"]))
def test_nobody_submits_a_draft_by_a_key(action, actor, view, policy, ledger, key):
    """Under whatever name Return comes."""
    pressed = action._replace(kind=ActionKind.KEYS, keys=(*action.keys, key))
    seen = view._replace(draft="half a thought", dialog=None)

    assert isinstance(decide(pressed, actor, seen, policy, ledger, 9999), Deny)


@given(ACTIONS, AUTOMATIC, VIEWS, POLICIES, LEDGERS, st.sampled_from([PaneState.SHELL, PaneState.EXITED]))
def test_no_automation_types_prose_or_keys_into_a_shell(action, actor, view, policy, ledger, state):
    """Nor into a program that nobody knows."""
    assume(action.kind in {ActionKind.SEND, ActionKind.KEYS, ActionKind.INTERRUPT, ActionKind.EXIT})

    assert isinstance(decide(action, actor, view._replace(state=state), policy, ledger, 9999), Deny)
    assert isinstance(decide(action, actor, view._replace(agent=None), policy, ledger, 9999), Deny)


@given(ACTIONS, ACTORS, VIEWS, POLICIES, LEDGERS)
def test_a_command_is_run_at_a_shells_prompt_only(action, actor, view, policy, ledger):
    """In one line, whatever is forced."""
    decided = decide(action._replace(kind=ActionKind.RUN), actor, view, policy, ledger, 9999)

    if isinstance(decided, Allow):
        assert view.state in (PaneState.SHELL, PaneState.EXITED)
        assert "\n" not in action.text


@given(ACTIONS, ACTORS, VIEWS, POLICIES, LEDGERS, OF_PANES)
def test_nothing_reaches_panes_that_cannot_be_seen(action, actor, view, policy, ledger, kind):
    """Dead, unknown, or never to be looked at."""
    for seen in (None, view._replace(alive=False), view._replace(excluded=True)):
        assert isinstance(decide(action._replace(kind=kind), actor, seen, policy, ledger, 9999), Deny)


@given(ACTIONS, ACTORS, VIEWS, POLICIES, LEDGERS)
def test_wa_ends_only_what_it_started(action, actor, view, policy, ledger):
    """Whatever is allowed."""
    decided = decide(action._replace(kind=ActionKind.KILL), actor, view, policy, ledger, 9999)

    assert view.started_by_wa or isinstance(decided, Deny)


@given(ACTIONS, AUTOMATIC, VIEWS, POLICIES, LEDGERS, st.sampled_from(["all", "codex", "p1"]))
def test_a_pause_holds_every_automation(action, actor, view, policy, ledger, paused):
    """No rule and no approval opens it; a person goes on."""
    assume(action.kind is not ActionKind.SPAWN)

    assert isinstance(decide(action, actor, view._replace(paused=paused), policy, ledger, 9999), Deny)
    assert isinstance(
        decide(Action(ActionKind.SEND, "x", True), Actor(ActorKind.HUMAN), IDLE._replace(paused=paused)), Allow
    )


@given(ACTIONS, ACTORS, VIEWS, POLICIES, LEDGERS)
def test_a_choice_without_its_dialog_is_denied(action, actor, view, policy, ledger):
    """No dialog, or another than the one that was meant."""
    choice = action._replace(kind=ActionKind.CHOOSE, labels=("Yes",))

    assert isinstance(decide(choice, actor, view._replace(dialog=None), policy, ledger, 9999), Deny)
    asked = choice._replace(question="another question")
    assert isinstance(decide(asked, actor, view._replace(dialog=OPEN), policy, ledger, 9999), Deny)


@pytest.mark.parametrize("question", ["", "Do you want", "  do YOU   want to proceed? "])
def test_a_choice_in_its_dialog_is_for_the_policy(question):
    """The words of the question, however spaced."""
    choice = Action(ActionKind.CHOOSE, labels=("Yes",), question=question, effects=frozenset({"approve"}))

    assert isinstance(decide(choice, Actor(ActorKind.AGENT, "codex"), IDLE._replace(dialog=OPEN), ALL), Allow)


@pytest.mark.parametrize(
    "key", ["enter", "Enter", "return", "ctrl+m", "Ctrl-J", "\r", "\n", "shift+enter", "alt-return", "kp_enter"]
)
def test_return_is_known_under_all_its_names(key):
    """Also with modifiers: programs differ."""
    assert may_submit(key)


@pytest.mark.parametrize("key", ["m", "j", "escape", "ctrl+c", "up", "e", "-", "+"])
def test_other_keys_do_not_submit(key):
    """Letters and movement."""
    assert not may_submit(key)


def test_a_person_may_press_keys_that_do_not_submit_a_draft():
    """And answer a dialog in front of one: the person sees it."""
    human, drafted = Actor(ActorKind.HUMAN), IDLE._replace(draft="half")

    assert isinstance(decide(Action(ActionKind.KEYS, keys=("escape",)), human, drafted), Allow)
    assert isinstance(decide(Action(ActionKind.KEYS, keys=("enter",)), human, drafted), Deny)
    assert isinstance(decide(Action(ActionKind.KEYS, keys=("enter",)), human, drafted._replace(dialog=OPEN)), Allow)
    assert isinstance(decide(Action(ActionKind.INTERRUPT), human, drafted), Allow)


@given(ACTIONS, LEDGERS)
def test_nothing_empty_is_done(action, ledger):
    """No keys, no label, no command, no text."""
    human = Actor(ActorKind.HUMAN)
    for empty in (
        action._replace(kind=ActionKind.KEYS, keys=()), action._replace(kind=ActionKind.CHOOSE, labels=("", " ")),
        action._replace(kind=ActionKind.RUN, text=" "), action._replace(kind=ActionKind.SEND, text="", submit=False),
    ):  # fmt: skip
        for view in (IDLE, IDLE._replace(dialog=OPEN), IDLE._replace(state=PaneState.SHELL, agent=None)):
            assert isinstance(decide(empty, human, view, ALL, ledger), Deny)
