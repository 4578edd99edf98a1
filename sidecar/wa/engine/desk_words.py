"""Decisions, records and outcomes turned into each other; nothing here waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from wa.act.composing import has_ended
from wa.decide.rules import Policy, guarded
from wa.engine.desk_seams import Order
from wa.model.action import Acted, Action, ActionKind, ActOutcome, Allow, Ask, Decision, Deny, Ledger, PaneView
from wa.model.errors import NotFound, TerminalUnreachable, TimedOut, WaError
from wa.model.sight import Sight
from wa.store.acting_records import ActionRecord, Intent
from wa.store.acting_words import what_of

OUTCOMES: Mapping[str, ActOutcome] = {
    "never.gone": ActOutcome.PANE_GONE,
    "never.dialog": ActOutcome.DIALOG_OPEN,
    "never.no_dialog": ActOutcome.NO_DIALOG,
    "never.other_dialog": ActOutcome.NO_DIALOG,
    "never.no_option": ActOutcome.NO_OPTION,
    "never.another": ActOutcome.SCREEN_MOVED,
    "never.draft": ActOutcome.DRAFT,
    "human": ActOutcome.HUMAN_TYPING,
    "pause": ActOutcome.HUMAN_TYPING,
    "itself": ActOutcome.BUSY,
}
"""Rules whose denial has a name of its own; the others are `refused`."""
TYPED_NOTHING = frozenset(
    {
        *(ActOutcome.REFUSED, ActOutcome.ASKED, ActOutcome.BUSY, ActOutcome.DIALOG_OPEN, ActOutcome.NO_DIALOG),
        *(ActOutcome.NO_OPTION, ActOutcome.HUMAN_TYPING, ActOutcome.DRAFT, ActOutcome.NO_COMPOSER),
        *(ActOutcome.SCREEN_MOVED, ActOutcome.UNREACHABLE),
    }
)
"""Outcomes after which a workflow tries again: they must not be told of what may have been typed."""
ANOTHER = Deny("another program has the pane now than the one that was meant", "Look at the pane.", "never.another")
MAY_WAIT = frozenset({ActOutcome.BUSY, ActOutcome.DIALOG_OPEN, ActOutcome.DRAFT, ActOutcome.HUMAN_TYPING})


class Judged(NamedTuple):
    decision: Decision
    view: PaneView
    action: Action
    """With the effects that were judged."""


def is_for_another(action: Action, sight: Sight, meant: str | None) -> bool:
    """Texts and keys go to the agent that was there when it was decided, to no other, nor to the shell after it."""
    return action.kind in (ActionKind.SEND, ActionKind.KEYS) and agent_in(sight) != meant


def unlooked(acted: Acted, record: ActionRecord) -> Acted:
    """Of an action that an earlier run may have typed, and that was ended without looking what became of that."""
    return acted if record.typed_ms is None else acted._replace(evidence={**acted.evidence, "left": True})


def agent_in(sight: Sight) -> str | None:
    """The agent that has the pane; None for a shell, or a program that nobody knows."""
    return None if has_ended(sight) else sight.agent


def said(decision: Decision) -> tuple[str, str, str]:
    """Word, rule and reason, as they are stored."""
    word = {Allow: "allow", Deny: "deny", Ask: "ask"}[type(decision)]
    return word, decision.rule, decision.reason


def cooldown_s(decision: Decision, policy: Policy, ledger: Ledger, now_ms: int) -> float:
    """How long until the cooldown that denied it is over; 0 where something else decided."""
    if not isinstance(decision, Deny) or decision.rule != "budget.cooldown" or ledger.pane_last_ms is None:
        return 0.0
    return policy.pane_cooldown_s - max(0.0, (now_ms - ledger.pane_last_ms) / 1000)


def intent_of(order: Order, decision: Decision, at_ms: int) -> Intent:
    return Intent(
        order.key,
        order.pane_uid,
        at_ms,
        order.actor,
        order.action,
        *said(decision),
        order.dry_run,
        order.run,
        order.step,
    )


def acted_of(record: ActionRecord) -> Acted:
    """What came of an action that has ended."""
    evidence = record.evidence
    return Acted(
        ActOutcome(record.outcome or ActOutcome.INTERRUPTED),
        record.detail or "",
        evidence,
        seen_after_ms=evidence.get("seen_after_ms"),
        taken_after_ms=evidence.get("taken_after_ms"),
        action_id=record.id,
    )


def refusal(judged: Judged, evidence: Mapping[str, Any]) -> Acted:
    """In the words of the decision, with what was seen then."""
    decision, view = judged.decision, judged.view
    seen: dict[str, Any] = {**evidence, "rule": decision.rule, "state": view.state.value}
    if view.agent is not None:
        seen["agent"] = view.agent
    if view.dialog is not None:
        seen |= {"question": view.dialog.question, "options": list(view.dialog.options)}
    if judged.action.effects:
        seen["effects"] = sorted(judged.action.effects)
    if isinstance(decision, Ask):
        return Acted(ActOutcome.ASKED, sentence(decision.reason), seen)
    if isinstance(decision, Deny):
        seen["next_step"] = decision.next_step
        return Acted(OUTCOMES.get(decision.rule, ActOutcome.REFUSED), sentence(decision.reason), seen)
    raise TypeError("what is allowed is no refusal")


def planned(action: Action, judged: Judged) -> Acted:
    """With the very words that would be typed."""
    what = what_of(judged.action)
    return Acted(
        ActOutcome.PLANNED,
        f"It would be done: {in_words(what)}. Nothing was typed.",
        {"plan": what, "rule": judged.decision.rule, "state": judged.view.state.value, "submit": action.submit},
    )


def in_words(what: Mapping[str, Any]) -> str:
    """One line: `send "proceed." and Return`."""
    kind = str(what.get("kind", "?"))
    if "text" in what:
        text = what["text"]
        shown = text if len(text) <= 60 else f"{text[:59]}…"
        return f"{kind} “{' '.join(shown.split())}”{' and Return' if what.get('submit') else ''}"
    if "labels" in what:
        return f"{kind} {' or '.join(f'“{label}”' for label in what['labels'])}"
    if "keys" in what:
        return f"{kind} {' '.join(what['keys'])}"
    return f"{kind}{' (Return)' if what.get('submit') else ''}"


def outcome_of(error: WaError) -> ActOutcome:
    if isinstance(error, TerminalUnreachable):
        return ActOutcome.UNREACHABLE
    if isinstance(error, NotFound):
        return ActOutcome.PANE_GONE
    return ActOutcome.NOT_SEEN if isinstance(error, TimedOut) else ActOutcome.REFUSED


def is_refusal(acted: Acted) -> bool:
    """What the hands say when the judgement right before a write was no."""
    return acted.outcome in (ActOutcome.REFUSED, ActOutcome.ASKED, ActOutcome.PANE_GONE)


def may_wait(acted: Acted) -> bool:
    """Nothing was typed, and another moment may be better."""
    return acted.outcome in MAY_WAIT and not acted.evidence.get("left") and not acted.evidence.get("wrote")


def for_a_workflow(action: Action, acted: Acted, *, typed_before: bool) -> Acted:
    """A workflow goes by the outcome alone, so a text that may stand there, or have been taken, ends as `interrupted`."""
    typed = typed_before or acted.evidence.get("wrote") or acted.evidence.get("left")
    if action.kind not in (ActionKind.SEND, ActionKind.RUN) or acted.outcome not in TYPED_NOTHING or not typed:
        return acted
    return acted._replace(outcome=ActOutcome.INTERRUPTED, evidence={**acted.evidence, "was": acted.outcome.value})


def only_ends(part: Action) -> bool:
    """An option that does no more than end or stop the agent."""
    return guarded(part.effects) <= {"stop", "exit"} and bool(part.effects)


def sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}{'' if reason.endswith(('.', '?', '!')) else '.'}"
