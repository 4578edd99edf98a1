"""Records of acting in the shapes of wa.protocol.results_acting; also for those who read the database beside the sidecar."""

from __future__ import annotations

from wa.decide.policy import sign_age_s
from wa.decide.rules import SHIPPED, Policy, Rule, effects_of
from wa.engine.desk_words import Judged, in_words, said
from wa.model.action import Actor, Deny
from wa.protocol.envelope import iso, iso_or_none
from wa.protocol.results_acting import (
    ActionResult,
    ActorResult,
    ApprovalItem,
    PauseItem,
    PolicyResult,
    PolicyRuleResult,
    QueuedItem,
)
from wa.store.acting_records import ActionRecord, GrantRecord, PauseRecord, QueuedRecord
from wa.store.acting_words import clean, what_of
from wa.store.redact import redact

FORGOTTEN = "(forgotten)"


def action_result(record: ActionRecord) -> ActionResult:
    return ActionResult(
        id=record.id,
        pane_uid=record.pane_uid,
        at=iso(record.at_ms),
        actor=ActorResult(kind=record.actor_kind, name=record.actor_name),
        what=record.what,
        summary=in_words(record.what) if record.what else f"{record.kind} {FORGOTTEN}",
        decision=record.decision,
        rule=record.rule,
        reason=record.reason,
        dry_run=record.dry_run,
        stage=record.stage,
        typed_at=iso_or_none(record.typed_ms),
        outcome=record.outcome,
        detail=record.detail,
        evidence=record.evidence,
        ended_at=iso_or_none(record.ended_ms),
        run=record.run,
        step=record.step,
    )


def pause_item(record: PauseRecord) -> PauseItem:
    return PauseItem(
        scope=record.scope,
        name=record.name,
        since=iso(record.since_ms),
        until=iso_or_none(record.until_ms),
        reason=redact(record.reason),
    )


def approval_item(record: GrantRecord) -> ApprovalItem:
    return ApprovalItem(
        id=record.id,
        pane_uid=record.pane_uid,
        what=record.what,
        summary=in_words(record.what),
        asked_at=iso(record.asked_ms),
        asked_by=record.asked_by,
        reason=record.reason,
        status=record.status,
        decided_at=iso_or_none(record.decided_ms),
        expires_at=iso(record.expires_ms),
    )


def queued_item(record: QueuedRecord) -> QueuedItem:
    return QueuedItem(
        id=record.id,
        pane_uid=record.pane_uid,
        at=iso(record.at_ms),
        actor=ActorResult(kind=record.actor_kind, name=record.actor_name),
        text=record.text,
        submit=record.submit,
        expires_at=iso(record.expires_ms),
        status=record.status,
        action=record.action,
        detail=record.detail,
    )


def policy_result(judged: Judged, actor: Actor, policy: Policy) -> PolicyResult:
    """With every rule, whether it fits, and what is known of the pane. The draft itself is not told."""
    word, rule, reason = said(judged.decision)
    view, what = judged.view, what_of(judged.action)
    dialog = view.dialog
    rules = [_rule(one, one.fits(judged.action, actor, view)) for one in (*policy.rules, *SHIPPED)]
    return PolicyResult(
        pane_uid=view.uid,
        actor=ActorResult(kind=actor.kind.value, name=actor.name),
        what=what,
        summary=in_words(what),
        decision=word,
        rule=rule,
        reason=redact(reason),
        next_step=judged.decision.next_step if isinstance(judged.decision, Deny) else None,
        agent=view.agent,
        state=view.state.value,
        dialog=None if dialog is None else redact(dialog.question),
        options=[] if dialog is None else clean(dialog.options),
        has_draft=bool(view.draft),
        paused=view.paused,
        person_s=sign_age_s(view.human),
        effects=sorted(effects_of(judged.action)),
        rules=rules,
    )


def _rule(rule: Rule, fits: bool) -> PolicyRuleResult:
    decision, reason = rule.decision.value, rule.reason
    return PolicyRuleResult(name=rule.name, decision=decision, reason=reason, fits=fits, says=rule.says())
