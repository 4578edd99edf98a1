"""What each command answers: the `data` of its envelope.

The JSON Schemas beside this file (`schemas/<command>.json`, name `wa.<command>/1`) say the same for programs that are
not Python; tests hold the two together. Instants are ISO 8601 in UTC with milliseconds (`2026-11-21T08:42:29.123Z`).
Fields may be added under the same name `/1`; none is renamed or taken away.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypedDict

from wa.protocol.results_acting import ActingStatus
from wa.protocol.results_agents import AgentPart

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
    reads_waiting: int
    """Rows that the terminal has and wa has not: so many reads of them are still to be made."""
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


class PluginResult(TypedDict):
    folder: str
    """Where the plugin lies now: `wa_plugin` beside wezterm.lua."""
    written: list[str]
    """Files that were new or differed; empty where all was right already."""
    snippet: str
    """The lines for wezterm.lua."""


class ShellResult(TypedDict):
    shell: str
    path: str
    """The script that wa ships."""
    line: str
    """What reads it, for the shell's start-up file; silent where wa is gone."""
    startup_file: str


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


class FixableFinding(Finding):
    fix: list[str] | None
    """The command that mends it, where one does: `wa …` or a program. Never for a shell."""
    safe: bool
    """It takes nothing from the user and ends nothing: `wa doctor --fix` runs it."""


class FixResult(TypedDict):
    """What `wa doctor --fix` did about one finding."""

    argv: list[str]
    what: str
    """The finding."""
    state: Literal["to_do", "done", "failed", "left"]
    """`left`: it is not safe, and is for a person."""
    trouble: str | None
    next_step: str | None


class DoctorResult(TypedDict):
    version: str
    findings: list[FixableFinding]
    """With `--fix`: as they are afterwards."""
    worst: Literal["ok", "note", "warning", "error"]
    fixes: list[FixResult]
    """Empty without `--fix`."""
    elapsed_ms: float


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
    "plugin": PluginResult,
    "shell": ShellResult,
    "stop": StopResult,
    "watch": WatchResult,
    "doctor": DoctorResult,
    "demo": DemoResult,
    "help": HelpResult,
    "completion": CompletionResult,
}
"""Which type answers which command."""
