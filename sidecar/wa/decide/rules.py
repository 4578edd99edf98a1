"""What a policy is made of: rules that are tried in order, and bounds."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from wa.model.action import Action, ActionKind, Actor, ActorKind, PaneView


class Verdict(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"


AUTOMATIONS = frozenset({ActorKind.AGENT, ActorKind.WORKFLOW, ActorKind.REMOTE})
"""All but a person at the command line."""
GUARDED = frozenset(
    {
        *("model", "money", "login", "destructive", "unknown"),
        *("approve", "always", "trust", "update", "settings"),
        *("stop", "exit"),
    }
)
"""Effects that a rule must name to allow them. What is not listed here and not harmless either counts as `unknown`."""
HARMLESS = frozenset({"close", "keep", "wait", "deny", "none"})
"""Effects that need no mention."""


class Rule(NamedTuple):
    """Fits where every part of it that says something fits; an empty part says nothing."""

    name: str
    decision: Verdict
    reason: str = ""
    actions: frozenset[ActionKind] = frozenset()
    actors: frozenset[ActorKind] = frozenset()
    workflows: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    """`none` is a pane without an agent."""
    states: frozenset[str] = frozenset()
    """`waiting` is `waiting.approval` and its kin too."""
    panes: frozenset[str] = frozenset()
    """Uids."""
    effects: frozenset[str] = frozenset()
    """A rule that denies or asks fits where the action has one of them, a rule that allows where it names every guarded one."""

    def says(self) -> dict[str, list[str]]:
        """Its parts that say something, by the keys of a `[[policy.rule]]`."""
        parts: dict[str, frozenset[str]] = {
            "action": self.actions,
            "actor": self.actors,
            "workflow": self.workflows,
            "agent": self.agents,
            "state": self.states,
            "pane": self.panes,
            "effects": self.effects,
        }
        return {name: sorted(values) for name, values in parts.items() if values}

    def fits(self, action: Action, actor: Actor, view: PaneView) -> bool:
        of_workflow = actor.kind is ActorKind.WORKFLOW and actor.name in self.workflows
        return (
            (not self.actions or action.kind in self.actions)
            and (not self.actors or actor.kind in self.actors)
            and (not self.workflows or of_workflow)
            and (not self.agents or (view.agent or "none") in self.agents)
            and (not self.states or any(_is_state(view.state.value, state) for state in self.states))
            and (not self.panes or view.uid in self.panes)
            and self._fits_effects(effects_of(action))
        )

    def _fits_effects(self, effects: frozenset[str]) -> bool:
        if self.decision is Verdict.ALLOW:
            return guarded(effects) <= self.effects
        return not self.effects or bool(effects & self.effects)


class Policy(NamedTuple):
    rules: tuple[Rule, ...] = ()
    """A person's own, tried before the shipped ones."""
    human_quiet_s: float = 20.0
    """So long after a sign of a person at a pane nothing but the person acts there."""
    pane_actions_per_hour: int = 60
    """Of automations; 0: no bound."""
    actions_per_minute: int = 300
    """Of automations, on all panes; 0: no bound."""
    pane_cooldown_s: float = 3.0
    """Between two actions of automations on one pane; the steps of one run are free of it."""


def effects_of(action: Action) -> frozenset[str]:
    """Those that rules may name. What an option does that nobody described is `unknown`, whatever else is said."""
    if action.kind is ActionKind.CHOOSE and not action.effects:
        return frozenset({"unknown"})
    odd = action.effects - GUARDED - HARMLESS
    return action.effects | {"unknown"} if odd else action.effects


def guarded(effects: Iterable[str]) -> frozenset[str]:
    return frozenset(effects) & GUARDED


def _is_state(state: str, wanted: str) -> bool:
    return state == wanted or state.startswith(f"{wanted}.")


_ENDS = frozenset({"stop", "exit"})

SHIPPED: tuple[Rule, ...] = (
    Rule("shipped.human", Verdict.ALLOW, "asked for by a person", actors=frozenset({ActorKind.HUMAN}), effects=GUARDED),
    Rule(
        "shipped.effects",
        Verdict.ASK,
        "what it does is for a person to decide",
        actors=AUTOMATIONS,
        effects=GUARDED - _ENDS,
    ),
    Rule(
        "shipped.limits",
        Verdict.ALLOW,
        "it closes a usage limit's box as shipped",
        actions=frozenset({ActionKind.CHOOSE}),
        workflows=frozenset({"handle_usage_limits"}),
        effects=frozenset({"stop"}),
    ),
    Rule("shipped.stop", Verdict.ASK, "it stops what the agent does", actors=AUTOMATIONS, effects=_ENDS),
    Rule(
        "shipped.restart",
        Verdict.ALLOW,
        "an agent whose mux was restarted needs a pane",
        actions=frozenset({ActionKind.SPAWN}),
        workflows=frozenset({"restart_agent"}),
    ),
    Rule(
        "shipped.workflow",
        Verdict.ALLOW,
        "its workflow is on",
        actors=frozenset({ActorKind.WORKFLOW}),
        actions=frozenset(ActionKind) - {ActionKind.KILL, ActionKind.SPAWN},
    ),
)
"""After a person's rules. Where none fits, the answer is no."""
