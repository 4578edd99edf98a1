"""What the store is told of actions, and what it answers."""

from __future__ import annotations

from typing import Any, NamedTuple

from wa.model.action import Action, Actor


class Intent(NamedTuple):
    """An action as it is decided, before its effect."""

    key: str
    """The caller's; an action is written down once under it."""
    pane_uid: str
    """"" for an action without a pane."""
    at_ms: int
    actor: Actor
    action: Action
    decision: str
    """`allow`, `deny` or `ask`."""
    rule: str
    reason: str
    dry_run: bool = False
    run: int | None = None
    step: int | None = None


class ActionRecord(NamedTuple):
    id: int
    key: str
    pane_uid: str | None
    at_ms: int
    actor_kind: str
    actor_name: str
    kind: str
    fingerprint: str
    what: dict[str, Any]
    """The fields of wa.model.action.Action that say something, secrets taken out; empty once it was forgotten."""
    decision: str
    rule: str
    reason: str
    dry_run: bool
    stage: str
    typed_ms: int | None
    outcome: str | None
    detail: str | None
    evidence: dict[str, Any]
    ended_ms: int | None
    run: int | None
    step: int | None


class GrantRecord(NamedTuple):
    id: int
    pane_uid: str
    fingerprint: str
    what: dict[str, Any]
    asked_ms: int
    asked_by: str
    """`workflow handle_usage_limits`, `agent codex` …"""
    reason: str
    status: str
    """`asked`, `granted`, `denied` or `used`."""
    decided_ms: int | None
    expires_ms: int


class PauseRecord(NamedTuple):
    scope: str
    """`all`, `agent` or `pane`."""
    name: str
    """The agent's, or the pane's uid; "" for all."""
    since_ms: int
    until_ms: int | None
    """None: until somebody resumes."""
    reason: str


class QueuedRecord(NamedTuple):
    id: int
    pane_uid: str
    key: str
    at_ms: int
    actor_kind: str
    actor_name: str
    text: str
    submit: bool
    expires_ms: int
    status: str
    """`waiting`, `sent`, `cancelled`, `expired` or `failed`."""
    action: int | None
    detail: str | None
