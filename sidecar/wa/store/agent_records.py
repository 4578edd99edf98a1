"""What agents said and did, as it goes into the store and comes out of it: docs/topics/events.md."""

from __future__ import annotations

from typing import Any, NamedTuple

from wa.detect.session_ops import Operation


class AgentBatch(NamedTuple):
    """What one pane's book wants remembered, in its order. Stored whole or not at all."""

    pane_uid: str
    operations: tuple[Operation, ...]


class EventRecord(NamedTuple):
    id: int
    """Rises with every event stored, in any pane."""
    pane_uid: str
    session: str | None
    """`s12`; None for an event outside of any session."""
    at_ms: int
    agent: str
    event: str
    rule: str
    severity: str
    present: bool
    region: str
    row: int | None
    text: str
    fields: dict[str, Any]


class TransitionRecord(NamedTuple):
    id: int
    pane_uid: str
    session: str | None
    at_ms: int
    agent: str | None
    before: str
    after: str
    confidence: float
    signals: list[dict[str, Any]]
    """The fields of wa.model.agent.Signal."""
    dialog: dict[str, Any] | None
    limit: dict[str, Any] | None


class SessionRecord(NamedTuple):
    id: str
    pane_uid: str
    number: int
    """Counts the pane's sessions."""
    agent: str
    session_id: str | None
    id_confidence: float | None
    id_source: str | None
    continues: str | None
    version: str | None
    model: str | None
    plan: str | None
    project: str | None
    joined: bool
    started_ms: int
    ended_ms: int | None
    end_mode: str | None
    total_tokens: int | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    wall_s: float | None
    active_s: float | None
    api_s: float | None
    tool_s: float | None
    tool_calls: int | None
    tool_calls_ok: int | None
    tool_calls_failed: int | None
    turns: int
    limits: int
    compactions: int


class ModelRecord(NamedTuple):
    model: str
    reqs: int | None
    input: int | None
    cached: int | None
    output: int | None


class TurnRecord(NamedTuple):
    number: int
    started_ms: int
    ended_ms: int | None
    outcome: str | None
    duration: str | None
    duration_s: float | None
    tokens: int | None


class TurnModelRecord(NamedTuple):
    """What a session's files say that one model used in a turn."""

    turn: int
    """0: in none that the pane has shown."""
    model: str
    reqs: int
    total: int
    input: int
    """Without what came from a cache."""
    cached: int
    output: int
    reasoning: int


class UsageRecord(NamedTuple):
    at_ms: int
    source: str
    total: int | None
    input: int | None
    cached: int | None
    output: int | None
    reasoning: int | None


class LimitRecord(NamedTuple):
    number: int
    at_ms: int
    window: str | None
    model: str | None
    printed: str
    kind: str | None
    resets_ms: int | None
    plan: str | None
    resumes_itself: bool
    lifted_ms: int | None


class CompactionRecord(NamedTuple):
    number: int
    at_ms: int
    trigger: str | None
    before: int | None
    after: int | None


class SessionDetail(NamedTuple):
    """A session with all that belongs to it, each list oldest first."""

    session: SessionRecord
    models: tuple[ModelRecord, ...]
    turns: tuple[TurnRecord, ...]
    usage: tuple[UsageRecord, ...]
    turn_models: tuple[TurnModelRecord, ...]
    limits: tuple[LimitRecord, ...]
    compactions: tuple[CompactionRecord, ...]
