"""What session files tell, in one set of words for every agent.

Fields are None where the agent does not write them; nothing is worked out that is not in the file, but for the sums that
TokenCount names. Instants are milliseconds since the epoch, by the agent's clock. Texts are cut at 400 characters and may
hold secrets.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class SessionMeta(NamedTuple):
    """Which session this is. Comes again when more of it is known; the newest holds."""

    session_id: str
    cwd: str | None
    """The folder that the session was begun in."""
    started_ms: int | None
    version: str | None
    model: str | None
    kind: Literal["main", "headless", "subagent"] = "main"
    """headless: one prompt without a screen (`codex exec`, `claude -p`), as far as the agent writes it. A subagent's file
    belongs to a session that another file holds; no pane runs it."""
    cwd_sha256: str | None = None
    """Gemini CLI writes this in place of the folder's path."""


class TurnStarted(NamedTuple):
    at_ms: int | None
    turn_id: str | None


class TurnEnded(NamedTuple):
    at_ms: int | None
    turn_id: str | None
    duration_ms: int | None
    outcome: Literal["done", "interrupted", "failed"]


class Tokens(NamedTuple):
    """Counts of one or of many requests."""

    input: int
    """All that was sent, what came from a cache included."""
    cached: int
    """The part of `input` that was read from a cache."""
    output: int
    """As the agent counts it: codex and claude_code with reasoning, gemini without."""
    reasoning: int

    def plus(self, other: Tokens) -> Tokens:
        return Tokens(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other: Tokens) -> Tokens:
        return Tokens(*(a - b for a, b in zip(self, other, strict=True)))


class TokenCount(NamedTuple):
    at_ms: int | None
    model: str | None
    request_id: str | None
    """The same id again: the request is counted anew in place of what was said before."""
    request: Tokens | None
    """This request alone."""
    turn: Tokens | None
    """All requests of this model in this turn; None where the turn's beginning was not read."""
    total: Tokens | None
    """All requests of this model in this session; None where the session's beginning was not read."""
    session: Tokens | None
    """The agent's own count over all models."""
    context_window: int | None


class RateWindow(NamedTuple):
    used_percent: float
    window_minutes: int | None
    resets_at_ms: int | None


class RateLimits(NamedTuple):
    """How much of the plan's windows is used, as the server told the agent."""

    at_ms: int | None
    primary: RateWindow | None
    secondary: RateWindow | None
    plan: str | None


class LimitHit(NamedTuple):
    """No more turns until a reset."""

    at_ms: int | None
    text: str
    window: str | None
    """The agent's own name for it: five_hour, seven_day, …"""
    resets_at_ms: int | None


class Compacted(NamedTuple):
    at_ms: int | None
    trigger: Literal["auto", "manual"] | None
    before: int | None
    """Tokens in the context."""
    after: int | None


class ErrorSeen(NamedTuple):
    at_ms: int | None
    text: str
    kind: str | None
    """The agent's own name for it: rate_limit, billing_error, context_window_exceeded, …"""
    status: int | None
    """Of HTTP."""


class Rewritten(NamedTuple):
    """The file was cut or replaced: what follows stands in place of everything before."""


class Unknown(NamedTuple):
    """A line that is broken, too long, or of a kind not seen in the versions that were looked at."""

    why: str


Record = (
    SessionMeta
    | TurnStarted
    | TurnEnded
    | TokenCount
    | RateLimits
    | LimitHit
    | Compacted
    | ErrorSeen
    | Rewritten
    | Unknown
)
