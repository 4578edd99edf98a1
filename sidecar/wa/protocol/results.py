"""What each command answers: the `data` of its envelope.

The JSON Schemas beside this file (`schemas/<command>.json`, name `wa.<command>/1`) say the same for programs that are
not Python; tests hold the two together. Instants are ISO 8601 in UTC with milliseconds (`2026-11-21T08:42:29.123Z`).
Fields may be added under the same name `/1`; none is renamed or taken away.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, NewType, TypedDict

from wa.protocol.results_acting import ActingStatus

Offset = NewType("Offset", int)
"""May be negative."""

SCHEMAS = (
    "status",
    "panes",
    "logs",
    "search",
    "forget",
    "export",
    "config",
    "send",
    "stop",
    "watch",
    "doctor",
    "demo",
    "help",
    "completion",
    "explain",
    "events",
    "sessions",
    "record",
    "rules",
    "rules-test",
    "rules-lint",
)
"""Commands that have a schema, `wa.<name>/1` each."""


def schema_name(command: str) -> str:
    """`wa.panes/1` for `panes`."""
    return f"wa.{command}/1"


class Size(TypedDict):
    cols: int
    rows: int


class LimitResult(TypedDict):
    printed: str
    """The reset in the agent's words; "" where it prints none."""
    until: str | None
    """The same as an instant, with the minute's precision of what is printed; None where it cannot be known."""
    window: str | None
    plan: str | None
    resumes_itself: bool
    """The agent says that it goes on by itself: leave it alone."""


class DialogResult(TypedDict):
    event: str
    """`waiting.approval`, `usage.popup` …"""
    question: str
    options: list[str]
    selected: int | None
    """Index into `options`."""


class AgentDetail(TypedDict):
    confidence: float
    """0 to 1."""
    why: str
    """What settled the state, in short; `wa explain` tells all."""
    version: str | None
    model: str | None
    plan: str | None
    project: str | None
    session_id: str | None
    background: int
    """Tasks that run on behind an idle composer."""
    draft: bool | None
    """A human has typed something and not sent it; None where no composer is seen."""
    limit: LimitResult | None
    dialog: DialogResult | None


class LastEvent(TypedDict):
    event: str
    at: str


class AgentPart(TypedDict):
    """The part of a pane that tells of its agent."""

    agent: str | None
    """`codex`, `claude_code`, `gemini` or one of the user's own; None where none is known."""
    state: str
    """What is going on there: `working`, `idle`, `waiting.approval`, `limited` … (docs/topics/detection.md)."""
    since: str | None
    """Since when; None where nothing is known."""
    detail: AgentDetail | None
    last_event: LastEvent | None


class PaneResult(AgentPart):
    """One pane of `wa panes` and `wa status`."""

    pane_uid: str
    """`p17`: never used again for another pane."""
    mux: str
    """How people name the multiplexer: `local`, `gui-PID`, the ssh host, or NAME of `--socket NAME=PATH`."""
    host: str
    """"" for this machine."""
    pane_id: int
    """The multiplexer's own number, reused after it restarts."""
    title: str
    cwd: str | None
    """A plain path where it lies on the pane's own host; None where the terminal does not say."""
    workspace: str
    size: Size
    alive: bool
    source: Literal["push", "cli"] | None
    """How it is watched; None when nobody watches it now."""
    excluded: bool
    """The configuration says never to capture it."""
    rows_stored: int
    rows_lost: int
    """Sum of the gaps whose size is known."""
    gaps: int
    last_output_at: str | None


class ExplainSignal(TypedDict):
    source: str
    """`dialog`, `hook`, `screen`, `title`, `process` … strongest first."""
    says: str | None
    rule: str
    text: str
    age_s: float
    expires_in_s: float | None
    won: bool


class ExplainMatch(TypedDict):
    rule: str
    event: str
    region: str
    rows: list[Offset] | None
    """First and last row, counted from the top of the screen; negative ones have scrolled away."""
    text: str
    fields: dict[str, Any]


class ExplainResult(AgentPart):
    """`wa explain`."""

    pane_uid: str
    signals: list[ExplainSignal]
    matches: list[ExplainMatch]
    silent: list[str]
    """Rules of which an anchor is on the screen and that say nothing all the same."""
    composer: bool | None
    """The place where a human types is seen; None where nobody looked for it."""
    would_change: list[str]


class MuxResult(TypedDict):
    """One multiplexer of `wa status`."""

    name: str
    host: str
    socket: str
    state: Literal["connected", "connecting", "disconnected"]
    source: Literal["push", "cli"] | None
    """None while not connected."""
    codec: int | None
    version: str
    """The server's version text; "" where unknown."""
    panes: int
    """Live panes."""
    connected_at: str | None
    notice: str | None
    """What a person should know: that the CLI stands in, and why; why it is not connected."""


class SidecarResult(TypedDict):
    running: bool
    pid: int | None
    version: str | None
    started_at: str | None
    socket: str
    database: str
    database_bytes: int | None
    """The database file and its write-ahead log; None where the file does not exist."""
    log_file: str
    buffered_bytes: int
    """Captured and not yet committed."""
    notices: list[str]
    """What is wrong now, for people: the database is locked, memory's bound was reached …"""


class StatusResult(TypedDict):
    live: bool
    """A sidecar answered. False: read from the database, which describes `as_of`."""
    as_of: str | None
    """The instant this answer describes; None where nothing was ever stored."""
    sidecar: SidecarResult
    muxes: list[MuxResult]
    panes: list[PaneResult]
    """Live panes; without a sidecar those that were alive at `as_of`."""
    acting: ActingStatus


class PanesResult(TypedDict):
    live: bool
    as_of: str | None
    panes: list[PaneResult]


class GapResult(TypedDict):
    missing: int | None
    """Rows lost; None where nobody can know."""
    reason: str
    """One of the reasons of `docs/topics/commands.md`."""


class LogRow(TypedDict):
    """A line (or, with `--rows`, a physical row) of `wa logs`, or a gap."""

    row: int | None
    """Position in the pane's log, the first physical row's; None for rows of a screen that has no place in it yet."""
    text: str
    """"" for a gap."""
    wrapped: bool
    """The line goes on in the next row; always false for whole lines."""
    at: str | None
    gap: GapResult | None
    kind: Literal["output", "page", "screen", "gap"]
    """Final output; a page of a full-screen program; what stands on the screen now; a gap."""


class PaneName(TypedDict):
    pane_uid: str
    mux: str
    pane_id: int
    title: str


class LogsResult(TypedDict):
    live: bool
    as_of: str | None
    pane: PaneName
    rows: list[LogRow]
    more: bool
    """Older rows are stored than those shown."""


class SearchHit(TypedDict):
    pane_uid: str
    mux: str
    pane_id: int
    title: str
    at: str | None
    row: int | None
    text: str
    """The whole logical line."""
    before: list[str]
    after: list[str]
    kind: Literal["output", "page", "screen"]


class SearchResult(TypedDict):
    live: bool
    as_of: str | None
    query: str
    hits: list[SearchHit]
    """Newest first."""
    more: bool
    """`--limit` cut the list short."""
    complete: bool
    """False: time ran out, and output older than the last hit's was not looked at."""


class ForgetResult(TypedDict):
    rows_deleted: int
    pane_uid: str | None
    since: str | None


class ExportResult(TypedDict):
    format: Literal["jsonl", "db"]
    path: str
    panes: int
    rows: int
    gaps: int
    bytes: int


class ConfigResult(TypedDict):
    path: str
    exists: bool
    settings: dict[str, Any] | None
    """Every setting with its value in force (`wa config show`); None for `wa config path`."""


class SendResult(TypedDict):
    pane_uid: str
    outcome: str
    """`submitted`, `pasted` (`--no-submit`) or `planned` (`--dry-run`); all else is an error that carries it."""
    characters: int
    lines: int
    dry_run: bool
    seen_after_ms: float | None
    """From the paste to the screen that shows it."""
    taken_after_ms: float | None
    """From the carriage return to the screen that shows it taken."""
    detail: str
    """One sentence for a person."""


class StopResult(TypedDict):
    stopped: bool
    pid: int


class WatchResult(TypedDict):
    """What `wa watch` says once it serves its socket."""

    pid: int
    version: str
    socket: str
    database: str
    log_file: str
    detached: bool


class Finding(TypedDict):
    level: Literal["ok", "note", "warning", "error"]
    what: str
    next_step: str | None
    """None where there is nothing to do."""


class DoctorResult(TypedDict):
    version: str
    findings: list[Finding]
    worst: Literal["ok", "note", "warning", "error"]


class Latency(TypedDict):
    """From a program's write to the screen that shows it, in another task's hands; milliseconds."""

    samples: int
    p50_ms: float
    p95_ms: float
    max_ms: float


class DemoResult(TypedDict):
    seconds: float
    panes: list[PaneResult]
    steps_printed: int
    """Steps that the demo's programs say they printed."""
    steps_found: int
    """Of those, found in the logs."""
    steps_doubled: int
    """Of those, found more than once."""
    rows_stored: int
    rows_lost: int
    gaps: int
    latency: Latency | None
    """None where no mark was seen."""
    search: SearchResult
    cleaned: bool
    """No process, file or socket is left."""


class CommandHelp(TypedDict):
    name: str
    summary: str
    usage: str


class HelpResult(TypedDict):
    version: str
    commands: list[CommandHelp]


class CompletionResult(TypedDict):
    shell: str
    script: str


class RuleResult(TypedDict):
    """One rule of `wa rules list` and `wa rules show`."""

    id: str
    agent: str
    event: str
    severity: str
    anchors: list[str]
    """Without blanks: that is how they are looked for."""
    regions: list[str]
    match: list[str]
    unless: list[str]
    seen: str
    """Versions and date."""


class RulesResult(TypedDict):
    rules: list[RuleResult]


class SaidResult(TypedDict):
    event: str
    rule: str
    severity: str
    present: bool
    region: str
    first_row: int | None
    last_row: int | None
    text: str
    """The matched span."""
    fields: dict[str, Any]


class RulesTestResult(TypedDict):
    """What the rules say about one file, and where a test stands beside it whether that is as it should be."""

    file: str
    agent: str
    cols: int
    state: str
    why: str
    said: list[SaidResult]
    silent: list[str]
    """Rules whose anchor is there and that say nothing all the same."""
    wrong: list[str]
    """Differences to what the test expects; empty where there are none, or no test."""


class LintResult(TypedDict):
    agents: list[str]
    rules: int
    problems: list[str]


class RecordResult(TypedDict):
    pane_uid: str
    screen: str
    """The file with the text."""
    test: str
    agent: str
    state: str
    events: list[str]
    replaced: int
    """Places where a name or an address of yours was replaced by a neutral one; secrets are redacted besides."""


class EventResult(TypedDict):
    id: int
    """Rises with every event stored."""
    pane_uid: str
    session: str | None
    """`s12`; None for an event outside of any session."""
    at: str
    agent: str
    event: str
    rule: str
    severity: str
    present: bool
    """It was true of that moment (a dialog, a menu); False: it happened and stays true."""
    region: str
    """Where it was read, in the rule's words."""
    row: int | None
    """Position in the pane's log; None where it stands in none."""
    text: str
    """The matched span, secrets redacted."""
    fields: dict[str, Any]


class EventsResult(TypedDict):
    live: bool
    as_of: str | None
    events: list[EventResult]
    """Oldest first."""
    more: bool
    """Older ones are stored than those shown."""


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
    """`closed`, `detached`, `stopped`, `exited`, `replaced` or `pane_closed`."""
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


class ErrorResult(NamedTuple):
    """What stands under `error` in an envelope; its schema is `schemas/error.json`."""

    code: str
    message: str
    next_step: str
    details: dict[str, Any]


RESULTS: dict[str, type] = {
    "status": StatusResult,
    "panes": PanesResult,
    "logs": LogsResult,
    "search": SearchResult,
    "forget": ForgetResult,
    "export": ExportResult,
    "config": ConfigResult,
    "send": SendResult,
    "stop": StopResult,
    "watch": WatchResult,
    "doctor": DoctorResult,
    "demo": DemoResult,
    "help": HelpResult,
    "completion": CompletionResult,
    "explain": ExplainResult,
    "events": EventsResult,
    "sessions": SessionsResult,
    "record": RecordResult,
    "rules": RulesResult,
    "rules-test": RulesTestResult,
    "rules-lint": LintResult,
}
"""Which type answers which command."""
