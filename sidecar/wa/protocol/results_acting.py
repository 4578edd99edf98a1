"""What the commands about acting answer: `wa audit`, `why`, `pause`, `resume`, `approvals`, `approve`, `deny`, `queue`, `policy`."""

from __future__ import annotations

from typing import Any, TypedDict


class ActorResult(TypedDict):
    kind: str
    """`human`, `agent`, `workflow` or `remote`."""
    name: str


class ActionResult(TypedDict):
    id: int
    pane_uid: str | None
    """None where the pane was forgotten."""
    at: str
    actor: ActorResult
    what: dict[str, Any]
    """The action: `kind`, `text`, `keys`, `labels` …, secrets taken out; empty once it was forgotten."""
    summary: str
    """The same on one line."""
    decision: str
    """`allow`, `deny` or `ask`."""
    rule: str
    """The rule that decided: a person's (`rule 1`), a shipped one, `never.…`, `budget.…`, `pause`, `human` or `granted`."""
    reason: str
    dry_run: bool
    """It was planned, and would not have been typed."""
    stage: str
    """`decided`, `typing`, `submitting` or `ended`."""
    typed_at: str | None
    """When the first key was about to be sent; None: nothing was typed."""
    outcome: str | None
    """None: it is under way, or its sidecar was killed."""
    detail: str | None
    evidence: dict[str, Any]
    """What was seen."""
    ended_at: str | None
    run: int | None
    """The workflow's run."""
    step: int | None


class AuditResult(TypedDict):
    live: bool
    as_of: str | None
    actions: list[ActionResult]
    """Oldest first."""
    more: bool
    """Older ones are stored than those shown."""


class WhyResult(TypedDict):
    action: ActionResult
    said: list[str]
    """Sentences for a person: who, what, where, by which rule, on what evidence, with what result."""


class PauseItem(TypedDict):
    scope: str
    """`all`, `agent` or `pane`."""
    name: str
    """The agent's, or the pane's uid; "" for all."""
    since: str
    until: str | None
    """None: until somebody resumes."""
    reason: str


class PauseResult(TypedDict):
    pauses: list[PauseItem]
    """In force now."""


class ResumeResult(TypedDict):
    ended: list[PauseItem]
    pauses: list[PauseItem]
    """Still in force."""


class ApprovalItem(TypedDict):
    id: int
    pane_uid: str
    what: dict[str, Any]
    summary: str
    asked_at: str
    asked_by: str
    reason: str
    status: str
    """`asked`, `granted`, `denied` or `used`."""
    decided_at: str | None
    expires_at: str


class ApprovalsResult(TypedDict):
    live: bool
    as_of: str | None
    approvals: list[ApprovalItem]
    """Those that wait for a yes, and those that have one and are not used."""


class ApprovalResult(TypedDict):
    approval: ApprovalItem


class QueuedItem(TypedDict):
    id: int
    pane_uid: str
    at: str
    actor: ActorResult
    text: str
    submit: bool
    expires_at: str
    status: str
    """`waiting`, `sent`, `cancelled`, `expired` or `failed`."""
    action: int | None
    """The action that ended it: `wa why`."""
    detail: str | None


class QueueResult(TypedDict):
    live: bool
    as_of: str | None
    queued: list[QueuedItem]
    """In the order in which they are sent."""


class ActingStatus(TypedDict):
    """What holds automations, and what waits; part of `wa status`."""

    pauses: list[PauseItem]
    approvals: list[ApprovalItem]
    """That wait for a person's yes, or have it and are not used."""
    queued: list[QueuedItem]


class PolicyRuleResult(TypedDict):
    name: str
    decision: str
    reason: str
    fits: bool
    says: dict[str, Any]
    """Its parts that say something."""


class PolicyResult(TypedDict):
    pane_uid: str
    actor: ActorResult
    what: dict[str, Any]
    summary: str
    decision: str
    rule: str
    reason: str
    next_step: str | None
    agent: str | None
    state: str
    dialog: str | None
    """The question of the dialog that is open."""
    options: list[str]
    has_draft: bool
    """Somebody's text stands in the composer."""
    paused: str | None
    """Which pause holds the pane: `all`, an agent's name, or its uid."""
    person_s: float | None
    """So many seconds ago a person showed there."""
    effects: list[str]
    """What the option does."""
    rules: list[PolicyRuleResult]
    """All of them, in their order; the first that fits decides what nothing before them has."""


class ActResult(TypedDict):
    """What came of one action on one pane."""

    pane_uid: str
    action: int | None
    """`wa why` tells the rest."""
    outcome: str
    detail: str
    dry_run: bool
    evidence: dict[str, Any]


RESULTS: dict[str, type] = {
    "audit": AuditResult,
    "why": WhyResult,
    "pause": PauseResult,
    "resume": ResumeResult,
    "approvals": ApprovalsResult,
    "approve": ApprovalResult,
    "deny": ApprovalResult,
    "queue": QueueResult,
    "policy": PolicyResult,
}
"""Which type answers which command."""
