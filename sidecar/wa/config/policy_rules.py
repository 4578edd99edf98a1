"""`[[policy.rule]]`: a person's own rules of who may do what to which pane."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from wa.decide.rules import GUARDED, HARMLESS, Rule, Verdict
from wa.model.action import ActionKind, ActorKind
from wa.model.agent import PaneState

Word = TypeVar("Word", bound=StrEnum)

STATES = frozenset({*(state.value for state in PaneState), *(state.value.partition(".")[0] for state in PaneState)})
EFFECTS = GUARDED | HARMLESS
KEYS = ("action", "actor", "workflow", "agent", "state", "pane", "effects", "decision", "reason")


class RuleTrouble(ValueError):
    """Why a rule cannot be; *number* counts the tables from 0, None where there are none."""

    def __init__(self, key: str, reason: str, number: int | None = None) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason
        self.number = number


def policy_rules(tables: object) -> tuple[Rule, ...]:
    """Raises RuleTrouble. A rule is called `rule 1`, `rule 2` … after its place in the file."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise RuleTrouble("policy.rule", "must be written as [[policy.rule]] tables")
    found: list[Rule] = []
    for number, table in enumerate(tables):
        try:
            found.append(_rule(number, table))
        except RuleTrouble as trouble:
            trouble.number = number
            raise
    return tuple(found)


def _rule(number: int, table: Mapping[str, Any]) -> Rule:
    for key in table:
        if key not in KEYS:
            raise RuleTrouble(key, f"no such key; a [[policy.rule]] has {', '.join(KEYS)}")
    if "decision" not in table:
        raise RuleTrouble("decision", "must say allow, deny or ask")
    decision = _one("decision", table["decision"], Verdict)
    reason = table.get("reason", "")
    if not isinstance(reason, str) or not reason.isprintable() or len(reason) > 200:
        raise RuleTrouble("reason", "must be one line of text, 200 characters at most")
    rule = Rule(
        name=f"rule {number + 1}",
        decision=decision,
        reason=reason,
        actions=_enums(table, "action", ActionKind),
        actors=_enums(table, "actor", ActorKind),
        workflows=_names(table, "workflow"),
        agents=_names(table, "agent"),
        states=_known(table, "state", STATES),
        panes=_names(table, "pane", _is_uid, "a pane's uid such as p17"),
        effects=_known(table, "effects", EFFECTS),
    )
    if rule.workflows and rule.actors and ActorKind.WORKFLOW not in rule.actors:
        raise RuleTrouble("workflow", "no workflow is among the actors of this rule")
    return rule


def _is_uid(name: str) -> bool:
    return name[:1] == "p" and name[1:].isascii() and name[1:].isdecimal()


def _texts(table: Mapping[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(one, str) and one for one in values):
        raise RuleTrouble(key, f"must be a text or a list of texts, not {value!r:.60}")
    if key in table and not values:
        raise RuleTrouble(key, "an empty list would fit nothing; leave the key out")
    return values


def _names(
    table: Mapping[str, Any], key: str, fits: Callable[[str], bool] = str.isprintable, what: str = "a name"
) -> frozenset[str]:
    values = _texts(table, key)
    for value in values:
        if not fits(value):
            raise RuleTrouble(key, f"must be {what}, not {value!r:.60}")
    return frozenset(values)


def _known(table: Mapping[str, Any], key: str, words: Iterable[str]) -> frozenset[str]:
    values, known = _texts(table, key), sorted(words)
    for value in values:
        if value not in known:
            raise RuleTrouble(key, f"{value!r:.60} is none of {', '.join(known)}{_near(value, known)}")
    return frozenset(values)


def _enums(table: Mapping[str, Any], key: str, kind: type[Word]) -> frozenset[Word]:
    return frozenset(kind(value) for value in _known(table, key, [one.value for one in kind]))


def _one(key: str, value: object, kind: type[Word]) -> Word:
    words = [one.value for one in kind]
    if not isinstance(value, str) or value not in words:
        raise RuleTrouble(key, f"must be one of {', '.join(words)}, not {value!r:.60}")
    return kind(value)


def _near(value: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(value, known, n=1, cutoff=0.75)
    return f"; did you mean `{near[0]}`?" if near else ""
