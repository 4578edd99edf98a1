"""What `wa sessions` answers."""

from __future__ import annotations

from typing import TypedDict


class SessionTurn(TypedDict):
    number: int
    started_at: str
    ended_at: str | None
    outcome: str | None
    """`done`, `interrupted`, `failed`, `limited`; None while it runs."""
    duration: str | None
    """As printed."""
    duration_s: float | None
    tokens: int | None
    """The last figure that its spinner showed."""


class SessionLimit(TypedDict):
    at: str
    window: str | None
    model: str | None
    printed: str
    """The reset in the agent's words."""
    kind: str | None
    """`absolute`, `relative` or `none`."""
    resets_at: str | None
    plan: str | None
    resumes_itself: bool
    lifted_at: str | None


class SessionCompaction(TypedDict):
    at: str
    trigger: str | None
    before: int | None
    after: int | None


class SessionModel(TypedDict):
    model: str
    reqs: int | None
    input: int | None
    cached: int | None
    output: int | None


class SessionTurnModel(TypedDict):
    """Tokens of one model in one turn, as the session's file tells them."""

    turn: int | None
    """None: in no turn that the pane has shown."""
    model: str
    reqs: int
    total: int
    input: int
    """Without what came from a cache."""
    cached: int
    output: int
    reasoning: int


class SessionUsage(TypedDict):
    """Tokens of a session so far, when they were told."""

    at: str
    source: str
    total: int | None
    input: int | None
    cached: int | None
    output: int | None
    reasoning: int | None


class SessionParts(TypedDict):
    """Each list oldest first."""

    models: list[SessionModel]
    """As printed at its end; else the sums of `turn_models`."""
    turn_models: list[SessionTurnModel]
    turns: list[SessionTurn]
    usage: list[SessionUsage]
    limits: list[SessionLimit]
    compactions: list[SessionCompaction]


class SessionCalls(TypedDict):
    """Of tools."""

    total: int | None
    ok: int | None
    failed: int | None


class SessionTokens(TypedDict):
    """As the agent printed them at its end; else what the session's file tells, input without what came from a cache."""

    total: int | None
    input: int | None
    cached: int | None
    output: int | None
    reasoning: int | None


class SessionResult(TypedDict):
    session: str
    """`s12`"""
    pane_uid: str
    agent: str
    session_id: str | None
    """The agent's own; None where it is not known, or two fit."""
    id_confidence: float | None
    id_source: str | None
    continues: str | None
    """The session of the same id that it goes on with."""
    version: str | None
    model: str | None
    plan: str | None
    project: str | None
    joined: bool
    """Its beginning was not seen."""
    started_at: str
    ended_at: str | None
    """None: it goes on."""
    end_mode: str | None
    """`closed`, `detached`, `stopped`, `exited`, `replaced`, `pane_closed` or `mux_ended`."""
    tokens: SessionTokens
    tool_calls: SessionCalls
    wall_s: float | None
    active_s: float | None
    api_s: float | None
    tool_s: float | None
    turns: int
    limits: int
    compactions: int
    parts: SessionParts | None
    """In `wa sessions show` alone."""


class SessionsResult(TypedDict):
    live: bool
    as_of: str | None
    sessions: list[SessionResult]
    """Newest first."""
    more: bool
    """Older ones are stored than those shown."""


RESULTS: dict[str, type] = {
    "sessions": SessionsResult,
}
