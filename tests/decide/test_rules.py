"""Rules in their order, the effects of options, a person's presence, approvals and budgets."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from decide.strategies import ACTIONS, ACTORS, LEDGERS, POLICIES, VIEWS
from wa.decide.policy import Policy, Rule, Verdict, decide, sign_age_s
from wa.decide.rules import GUARDED
from wa.model.action import Action, ActionKind, Actor, ActorKind, Allow, Ask, Deny, HumanSign, Ledger, PaneView
from wa.model.agent import Dialog, PaneState

HUMAN, AGENT, REMOTE = (Actor(kind, "x") for kind in (ActorKind.HUMAN, ActorKind.AGENT, ActorKind.REMOTE))
MINE = Actor(ActorKind.WORKFLOW, "mine")
LIMITS = Actor(ActorKind.WORKFLOW, "handle_usage_limits")
IDLE = PaneView(alive=True, uid="p1", agent="codex", state=PaneState.IDLE, draft="")
ASKING = IDLE._replace(
    state=PaneState.WAITING_APPROVAL, dialog=Dialog("r", "waiting.approval", "Run it?", ("Yes", "No"), 0), draft=None
)
SEND = Action(ActionKind.SEND, text="proceed.", submit=True)


def choice(*effects):
    return Action(ActionKind.CHOOSE, labels=("Yes",), effects=frozenset(effects))


def rule(decision, name="mine", **parts):
    sets = {key: frozenset([value] if isinstance(value, str) else value) for key, value in parts.items()}
    return Rule(name, decision, **sets)


def of(*rules, **more):
    return Policy(rules, **more)


def test_as_shipped_a_person_and_a_workflow_that_is_on_may_send_and_nobody_else():
    """Agents and remotes need a rule of the user's."""
    assert isinstance(decide(SEND, HUMAN, IDLE), Allow)
    assert isinstance(decide(SEND, MINE, IDLE), Allow)
    for actor in (AGENT, REMOTE):
        assert isinstance(decide(SEND, actor, IDLE), Deny)
        assert isinstance(decide(SEND, actor, IDLE, of(rule(Verdict.ALLOW, actors=actor.kind))), Allow)


@pytest.mark.parametrize("effect", sorted(GUARDED | {"surprise"}))
def test_what_costs_money_or_a_model_is_asked_of_a_person(effect):
    """By every workflow, and with an effect that nobody described too; a rule allows it by name."""
    assert isinstance(decide(choice(effect), MINE, ASKING), Ask)
    assert isinstance(decide(choice("close", effect), MINE, ASKING), Ask)
    assert isinstance(decide(choice(effect), HUMAN, ASKING), Allow)
    general = of(rule(Verdict.ALLOW))
    assert isinstance(decide(choice(effect), MINE, ASKING, general), Ask)
    named = of(rule(Verdict.ALLOW, effects=effect if effect in GUARDED else "unknown"))
    assert isinstance(decide(choice(effect), MINE, ASKING, named), Allow)


def test_an_option_that_nobody_described_is_unknown():
    """No effects at all are not harmless ones."""
    assert isinstance(decide(choice(), MINE, ASKING), Ask)
    assert isinstance(decide(choice("keep"), MINE, ASKING), Allow)


def test_the_shipped_limit_workflow_may_stop_and_wait_but_not_switch():
    """`stop` is allowed to it and asked of others; together with a model it is asked."""
    assert isinstance(decide(choice("stop"), LIMITS, ASKING), Allow)
    assert isinstance(decide(choice("stop"), MINE, ASKING), Ask)
    assert isinstance(decide(choice("stop", "model"), LIMITS, ASKING), Ask)


@given(ACTIONS, st.sampled_from([MINE, LIMITS, AGENT, REMOTE]), VIEWS, POLICIES, LEDGERS)
def test_no_guarded_effect_is_allowed_that_neither_a_rule_names_nor_a_person_approved(
    action, actor, view, policy, ledger
):
    """Whatever the order of the rules."""
    decided = decide(action, actor, view, policy, ledger, 30_000)

    if isinstance(decided, Allow) and not ledger.granted and (risky := action.effects & GUARDED):
        named = [one for one in policy.rules if one.decision is Verdict.ALLOW and risky <= one.effects]
        assert named or (actor == LIMITS and risky == {"stop"})


@given(ACTIONS, ACTORS, VIEWS, POLICIES, LEDGERS)
def test_the_first_rule_that_fits_decides(action, actor, view, policy, ledger):
    """A rule that denies all, put first, denies; put behind one that fits, it changes nothing."""
    assume(action.kind is not ActionKind.SPAWN)
    no = Rule("no", Verdict.DENY)
    first = policy._replace(rules=(no, *policy.rules))
    assert isinstance(decide(action, actor, view, first, ledger, 30_000), Deny)
    fitting = [one for one in policy.rules if one.fits(action, actor, view)]
    assume(fitting)
    last = policy._replace(rules=(*policy.rules, no))
    assert decide(action, actor, view, last, ledger, 30_000) == decide(action, actor, view, policy, ledger, 30_000)


@given(ACTIONS, ACTORS, VIEWS, POLICIES, LEDGERS)
def test_a_person_is_never_held_by_budgets_pauses_or_their_own_presence(action, actor, view, policy, ledger):
    """What is decided for a person does not depend on any of them."""
    bare = view._replace(human=HumanSign(), paused=None)
    assert decide(action, HUMAN, view, policy, ledger._replace(granted=False), 5) == decide(
        action, HUMAN, bare, policy, Ledger(), 30_000
    )


@pytest.mark.parametrize(
    ("sign", "age_s"),
    [
        (HumanSign(), None),
        (HumanSign(focused=True), None),
        (HumanSign(focused=True, input_s=3.0), 3.0),
        (HumanSign(focused=False, input_s=3.0), None),
        (HumanSign(typed_s=5.0), 5.0),
        (HumanSign(focused=True, input_s=9.0, typed_s=5.0), 5.0),
    ],
)
def test_a_person_shows_by_typing_or_by_using_a_terminal_that_has_the_pane_in_focus(sign, age_s):
    """Focus alone is a terminal that somebody walked away from."""
    assert sign_age_s(sign) == age_s


@given(ACTIONS, st.sampled_from([MINE, LIMITS, AGENT]), VIEWS, POLICIES, LEDGERS, st.floats(0, 19.9))
def test_a_recent_sign_of_a_person_holds_automations(action, actor, view, policy, ledger, age_s):
    """Whatever is allowed or approved; after `human_quiet_s` no more."""
    assume(action.kind is not ActionKind.SPAWN)
    near = view._replace(human=HumanSign(typed_s=age_s))
    assert isinstance(decide(action, actor, near, policy._replace(human_quiet_s=20.0), ledger, 9999), Deny)
    decided = decide(SEND, MINE, IDLE._replace(human=HumanSign(typed_s=20.0)), Policy(human_quiet_s=20.0))
    assert isinstance(decided, Allow)
    held = decide(SEND, MINE, IDLE._replace(human=HumanSign(True, 1.0)), Policy())
    assert isinstance(held, Deny)
    assert held.rule == "human"


def test_an_approval_turns_ask_into_allow_and_nothing_else():
    """A denial stays one, and so does a bound."""
    granted = Ledger(granted=True)
    assert isinstance(decide(choice("model"), MINE, ASKING, Policy(), granted), Allow)
    assert isinstance(decide(SEND, AGENT, IDLE, Policy(), granted), Deny)
    assert isinstance(decide(SEND, MINE, ASKING, Policy(), granted), Deny)
    assert isinstance(decide(choice("model"), MINE, ASKING, Policy(), granted._replace(pane_hour=60)), Deny)
    asked = of(rule(Verdict.ASK, actors=ActorKind.HUMAN))
    assert isinstance(decide(SEND, HUMAN, IDLE, asked), Ask)
    assert isinstance(decide(SEND, HUMAN, IDLE, asked, granted), Allow)


@pytest.mark.parametrize(
    ("ledger", "now_ms", "rule"),
    [
        (Ledger(pane_last_ms=1000), 3999, "budget.cooldown"),
        (Ledger(pane_last_ms=1000), 4000, "shipped.workflow"),
        (Ledger(pane_last_ms=9000), 4000, "budget.cooldown"),
        (Ledger(pane_hour=60), 0, "budget.pane"),
        (Ledger(pane_hour=59), 0, "shipped.workflow"),
        (Ledger(all_minute=300), 0, "budget.all"),
        (Ledger(all_minute=299), 0, "shipped.workflow"),
    ],
)
def test_budgets_hold_at_their_bounds(ledger, now_ms, rule):
    """A clock that was set back makes nothing older."""
    assert decide(SEND, MINE, IDLE, Policy(), ledger, now_ms).rule == rule


def test_a_budget_of_nothing_is_no_bound():
    """0 turns it off."""
    free = Policy(pane_actions_per_hour=0, actions_per_minute=0, pane_cooldown_s=0)

    assert isinstance(decide(SEND, MINE, IDLE, free, Ledger(5, 1000, 1000), 5), Allow)


@pytest.mark.parametrize(
    ("parts", "fits"),
    [
        ({}, True),
        ({"actions": ActionKind.SEND}, True),
        ({"actions": ActionKind.KEYS}, False),
        ({"actors": ActorKind.WORKFLOW}, True),
        ({"actors": ActorKind.HUMAN}, False),
        ({"workflows": "mine"}, True),
        ({"workflows": "other"}, False),
        ({"agents": "codex"}, True),
        ({"agents": "gemini"}, False),
        ({"agents": "none"}, False),
        ({"states": "idle"}, True),
        ({"states": ("waiting", "limited")}, False),
        ({"panes": ("p1", "p9")}, True),
        ({"panes": "p9"}, False),
        ({"effects": "model"}, False),
        ({"actions": ActionKind.SEND, "agents": "gemini"}, False),
    ],
)
def test_a_rule_fits_where_all_of_its_parts_do(parts, fits):
    """An empty part says nothing."""
    decided = decide(SEND, MINE, IDLE, of(rule(Verdict.DENY, **parts)))

    assert isinstance(decided, Deny) is fits
    assert not fits or decided.rule == "mine"


def test_a_state_covers_its_kin():
    """`waiting` is `waiting.approval`, and `wait` is not."""
    assert isinstance(decide(choice("keep"), MINE, ASKING, of(rule(Verdict.DENY, states="waiting"))), Deny)
    assert isinstance(decide(choice("keep"), MINE, ASKING, of(rule(Verdict.DENY, states="wait"))), Allow)


def test_a_workflow_named_like_another_actor_is_none_of_its():
    """The name of a workflow fits workflows only."""
    allow = of(rule(Verdict.ALLOW, workflows="mine"))

    assert isinstance(decide(SEND, Actor(ActorKind.AGENT, "mine"), IDLE, allow), Deny)


def test_reasons_are_a_persons_own_words():
    """And a denial says which rule it was."""
    decided = decide(SEND, MINE, IDLE, of(Rule("rule 1", Verdict.DENY, "not on Fridays")))

    assert (decided.reason, decided.rule) == ("not on Fridays", "rule 1")
    assert "rule 1" in decided.next_step
