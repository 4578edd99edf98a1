"""The one judgement before anything reaches a pane.

First what no rule can allow (never.py), then pauses and signs of a person, then rules in their order, then budgets. Whatever
the rules say, an automation that nothing allows may not.
"""

from __future__ import annotations

from wa.decide.never import MAX_PASTE_CHARS, never
from wa.decide.rules import AUTOMATIONS, SHIPPED, Policy, Rule, Verdict
from wa.model.action import (
    Action,
    ActionKind,
    Actor,
    ActorKind,
    Allow,
    Ask,
    Decision,
    Deny,
    HumanSign,
    Ledger,
    PaneView,
)

__all__ = ["MAX_PASTE_CHARS", "SHIPPED", "Policy", "Rule", "Verdict", "decide", "sign_age_s"]

GRANTED = "granted"
_CANCELS = frozenset({ActionKind.SEND, ActionKind.KEYS, ActionKind.INTERRUPT})
NOWHERE = PaneView(alive=False)


def decide(
    action: Action,
    actor: Actor,
    view: PaneView | None,
    policy: Policy = Policy(),  # noqa: B008 - immutable
    ledger: Ledger = Ledger(),  # noqa: B008 - immutable
    now_ms: int = 0,
) -> Decision:
    """May *actor* do this? *view* is None for an action without a pane."""
    if (refused := never(action, actor, view)) is not None:
        return refused
    if actor.kind in AUTOMATIONS and view is not None and (held := _held(action, view, policy)) is not None:
        return held
    judged = _by_rules(action, actor, view or NOWHERE, policy)
    if isinstance(judged, Ask) and ledger.granted:
        judged = Allow("a person approved exactly this", GRANTED)
    if isinstance(judged, Allow) and actor.kind in AUTOMATIONS:
        return _within_budget(policy, ledger, now_ms) or judged
    return judged


def sign_age_s(human: HumanSign) -> float | None:
    """How long ago a person last showed at the pane: typed in its composer, or used a terminal that has it in focus."""
    signs = [human.typed_s, human.input_s if human.focused else None]
    return min((age for age in signs if age is not None), default=None)


def _held(action: Action, view: PaneView, policy: Policy) -> Deny | None:
    if view.paused is not None:
        whose = {"all": "everything"}.get(view.paused, view.paused)
        return Deny(f"{whose} is paused", "`wa resume` lets automations go on.", "pause")
    age_s = sign_age_s(view.human)
    if age_s is not None and age_s < policy.human_quiet_s:
        return Deny(
            f"somebody used this pane {max(0.0, age_s):.0f} s ago",
            f"Automations wait until nobody has for {policy.human_quiet_s:g} s (`policy.human_quiet_s`).",
            "human",
        )
    if view.resumes_itself and action.kind in _CANCELS:
        return Deny(
            "the agent says that it goes on by itself when its limit is over, and any key would stop that",
            "Wait until it has; a person may send all the same.",
            "itself",
        )
    return None


def _by_rules(action: Action, actor: Actor, view: PaneView, policy: Policy) -> Decision:
    for rule in (*policy.rules, *SHIPPED):
        if rule.fits(action, actor, view):
            return _judgement(rule, actor)
    if actor.kind is ActorKind.WORKFLOW:
        return Deny("no rule allows this to a workflow", "Name it in a `[[policy.rule]]`.", "shipped.none")
    return Deny(
        f"no rule allows {actor.kind.value} to act on panes",
        "A person at the command line may; or allow it in a `[[policy.rule]]`.",
        "shipped.none",
    )


def _judgement(rule: Rule, actor: Actor) -> Decision:
    if rule.decision is Verdict.ALLOW:
        return Allow(rule.reason or "a rule allows it", rule.name)
    if rule.decision is Verdict.ASK:
        return Ask(rule.reason or "a rule wants a person to say yes first", rule.name)
    step = f"See rule {rule.name} (`wa policy explain`)."
    return Deny(rule.reason or f"a rule denies it to {actor.kind.value}", step, rule.name)


def _within_budget(policy: Policy, ledger: Ledger, now_ms: int) -> Deny | None:
    if ledger.pane_last_ms is not None:
        # A clock that was set back makes nothing older than it is.
        passed_s = max(0.0, (now_ms - ledger.pane_last_ms) / 1000)
        if passed_s < policy.pane_cooldown_s:
            return Deny(
                f"an automation acted here {passed_s:.1f} s ago",
                f"Try again in {policy.pane_cooldown_s - passed_s:.1f} s (`policy.pane_cooldown_s`).",
                "budget.cooldown",
            )
    if 0 < policy.pane_actions_per_hour <= ledger.pane_hour:
        return Deny(
            f"automations acted {ledger.pane_hour} times on this pane in the last hour",
            "Something may be going in circles: `wa audit --pane PANE`. The bound is `policy.pane_actions_per_hour`.",
            "budget.pane",
        )
    if 0 < policy.actions_per_minute <= ledger.all_minute:
        return Deny(
            f"automations acted {ledger.all_minute} times in the last minute",
            "Try again in a minute. The bound is `policy.actions_per_minute`.",
            "budget.all",
        )
    return None
