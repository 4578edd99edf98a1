"""What a session book wants remembered, in order; the store's Writer performs it.

A session is named by its pane and a number that counts the pane's sessions from 1; turns, limits and compactions count
within their session. An operation that is performed twice changes nothing the second time, and one that repeats a
number amends what was noted under it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from wa.model.agent import Detection, Transition


class EndMode(StrEnum):
    CLOSED = "closed"
    """The exit summary says that the agent ended the session."""
    DETACHED = "detached"
    """It says that running work continues."""
    STOPPED = "stopped"
    """It says that the turn under way was stopped."""
    EXITED = "exited"
    """The agent is gone and printed no summary."""
    REPLACED = "replaced"
    """Another agent, or the same one anew, began in the pane, and nobody saw the end of this one."""
    PANE_CLOSED = "pane_closed"
    MUX_ENDED = "mux_ended"
    """Its pane ended because the multiplexer did."""


class Outcome(StrEnum):
    DONE = "done"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    LIMITED = "limited"


class IdSource(StrEnum):
    """Where a session's own id was read; files name themselves (docs/topics/events.md)."""

    PRINTED = "printed"
    """An exit summary, a resume hint, a row about a compaction."""
    STATE = "state"
    COMMAND = "command"
    """The shell command that reopened the session."""
    HOOK = "hook"
    """The agent itself told it, by a hook."""


class SessionRef(NamedTuple):
    number: int
    agent: str


class NoteEvent(NamedTuple):
    at_ms: int
    detection: Detection
    session: SessionRef | None
    row: int | None
    """Position in the pane's log of the last row it was read from; None where it stands in none."""


class NoteTransition(NamedTuple):
    transition: Transition
    session: SessionRef | None
    """The session as it was when the state began; an end belongs to the session that it ends."""


class OpenSession(NamedTuple):
    session: SessionRef
    at_ms: int
    joined: bool
    """Its beginning was not seen: `at_ms` is when wa first saw the agent."""


class DescribeSession(NamedTuple):
    """None leaves a field as it is."""

    session: SessionRef
    at_ms: int
    version: str | None = None
    model: str | None = None
    plan: str | None = None
    project: str | None = None


class NoteSessionId(NamedTuple):
    session: SessionRef
    at_ms: int
    session_id: str | None
    """None: what was believed is withdrawn, since two fit."""
    confidence: float
    source: str


class CloseSession(NamedTuple):
    session: SessionRef
    at_ms: int
    mode: EndMode


class NoteUsage(NamedTuple):
    """Tokens of the session so far, as printed; None where a figure is not."""

    session: SessionRef
    at_ms: int
    source: str
    """The event, or the source, that told."""
    total: int | None
    input: int | None
    cached: int | None
    output: int | None
    reasoning: int | None


class NoteTimes(NamedTuple):
    """Times in seconds and tool calls of a session, as its exit summary prints them."""

    session: SessionRef
    wall_s: float | None
    active_s: float | None
    api_s: float | None
    tool_s: float | None
    tool_calls: int | None
    tool_calls_ok: int | None
    tool_calls_failed: int | None


class ModelUsage(NamedTuple):
    model: str
    reqs: int | None
    input: int | None
    cached: int | None
    output: int | None


class NoteModels(NamedTuple):
    """Replaces what was noted of the session's models."""

    session: SessionRef
    models: tuple[ModelUsage, ...]


class ModelSpent(NamedTuple):
    """Tokens of one model, as exit texts count them: what came from a cache is no input."""

    model: str
    reqs: int
    total: int
    input: int
    cached: int
    output: int
    reasoning: int


class NoteSpent(NamedTuple):
    """Replaces what was noted of the turn from the file of session *own_id*."""

    session: SessionRef
    at_ms: int
    """The last that the file tells of it."""
    own_id: str
    turn: int
    """0: of no turn that the pane has shown."""
    models: tuple[ModelSpent, ...]
    """Empty: nothing of what was noted holds."""


class OpenTurn(NamedTuple):
    session: SessionRef
    turn: int
    at_ms: int


class CloseTurn(NamedTuple):
    session: SessionRef
    turn: int
    at_ms: int
    outcome: Outcome
    duration: str | None = None
    """As printed."""
    duration_s: float | None = None
    tokens: int | None = None
    """The last figure that its spinner showed."""


class NoteLimit(NamedTuple):
    session: SessionRef
    limit: int
    at_ms: int
    window: str | None
    model: str | None
    printed: str
    kind: str | None
    """`absolute`, `relative` or `none`: what was printed of the reset."""
    resets_ms: int | None
    plan: str | None
    resumes_itself: bool


class LiftLimit(NamedTuple):
    session: SessionRef
    limit: int
    at_ms: int


class NoteCompaction(NamedTuple):
    session: SessionRef
    compaction: int
    at_ms: int
    trigger: str | None
    before: int | None
    after: int | None


class NoteShell(NamedTuple):
    """A shell in the pane has told of itself."""

    token: str
    shell: str
    pid: int
    tty: str
    host: str
    version: str
    proven: bool
    at_ms: int


class BeginCommand(NamedTuple):
    """Known by its pane, *token* and *number*."""

    token: str
    number: int
    command: str | None
    """None: not told."""
    cut: bool
    cwd: str | None
    proven: bool
    started_ms: int


class EndCommand(NamedTuple):
    token: str
    number: int
    ended_ms: int
    exit_status: int | None
    """None: nobody saw how it ended."""
    duration_ms: int | None


ShellOperation = NoteShell | BeginCommand | EndCommand
"""Of no agent's session."""

Operation = (
    NoteEvent
    | NoteTransition
    | OpenSession
    | DescribeSession
    | NoteSessionId
    | CloseSession
    | NoteUsage
    | NoteTimes
    | NoteModels
    | NoteSpent
    | OpenTurn
    | CloseTurn
    | NoteLimit
    | LiftLimit
    | NoteCompaction
    | NoteShell
    | BeginCommand
    | EndCommand
)
