"""Claude Code: `$CLAUDE_CONFIG_DIR/projects/<cwd, all but letters and digits as ->/<session id>.jsonl`, appended.

Seen with 2.1.12 and 2.1.328, 2026-11-21. The file appears with the first prompt and is opened only to write. 2.1.12 writes
no end of a turn, no tokens after a compaction, no machine-readable reset of a limit, and an answer's output tokens as they
stood at its first block. 2.1.328 keeps `sessions/<pid>.json` besides: `live_session`.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from wa.protocol.session_files import values as v
from wa.protocol.session_files.records import (
    Compacted,
    ErrorSeen,
    LimitHit,
    Record,
    SessionMeta,
    TokenCount,
    Tokens,
    TurnEnded,
    TurnStarted,
    Unknown,
)
from wa.protocol.session_files.usage import Usage

_SILENT = frozenset(
    {
        *(
            "mode",
            "permission-mode",
            "atis-latch",
            "session-owner",
            "file-history-snapshot",
            "last-prompt",
            "attachment",
        ),
        *(
            "api-request",
            "api-request-shape",
            "api-request-blob",
            "summary",
            "queue-operation",
            "progress",
            "tools-used",
        ),
        *("custom-title", "ai-title", "agent-name", "pr-link", "worktree-state", "content-replacement"),
    }
)
_SYNTHETIC = "<synthetic>"
_LIMIT = re.compile(r"hit your (?:\S+ ){0,3}limit\b", re.IGNORECASE)
_NO_TURN = re.compile(
    r"<(?:local-command-|command-name>|command-message>|bash-(?:input|stdout|stderr)>|task-notification>)"
)
_INTERRUPTED = "[Request interrupted by user"


class LiveSession(NamedTuple):
    """What a running Claude Code says of itself in `sessions/<pid>.json`; the file stays when it is killed."""

    pid: int
    process_start: str | None
    """Linux: field 22 of /proc/PID/stat. With the pid it names one process for good."""
    session_id: str
    cwd: str | None
    started_ms: int | None
    version: str | None
    status: str | None
    """idle, busy or waiting."""
    waiting_for: str | None
    status_ms: int | None


def live_session(data: bytes) -> LiveSession | None:
    """None for anything else, and for sessions that no person sits in front of."""
    try:
        fields = v.table(v.parse(data))
    except ValueError:
        return None
    pid, session_id = v.count(fields.get("pid")), v.session_id(fields.get("sessionId"))
    if not pid or session_id is None or fields.get("kind") not in (None, "interactive"):
        return None
    return LiveSession(
        pid,
        v.text(fields.get("procStart"), 40),
        session_id,
        v.text(fields.get("cwd"), 4096),
        v.instant_ms(fields.get("startedAt")),
        v.text(fields.get("version"), 40),
        v.text(fields.get("status"), 40),
        v.text(fields.get("waitingFor"), 80),
        v.instant_ms(fields.get("statusUpdatedAt")),
    )


class ClaudeCodeReader:
    agent = "claude_code"

    def __init__(
        self, *, from_start: bool = True, file_session: str | None = None, known: SessionMeta | None = None
    ) -> None:
        """*file_session*: the id in the file's name. Lines of other sessions are history that was carried over."""
        self._usage = Usage(from_start=from_start)
        self._from_start = from_start
        self._session = file_session
        self._meta = known
        self._turn_id: str | None = None

    def line(self, line: bytes | str) -> list[Record]:
        try:
            fields = v.table(v.parse(line))
        except ValueError:
            return [Unknown("not JSON")]
        kind = fields.get("type")
        session_id = v.session_id(fields.get("sessionId"))
        if self._session is None:
            self._session = session_id
        if session_id is not None and session_id != self._session:
            return []
        at_ms = v.instant_ms(fields.get("timestamp"))
        found = self._known(fields, at_ms)
        match kind:
            case "user":
                found += self._user(fields, at_ms)
            case "assistant":
                found += self._assistant(fields, at_ms)
            case "system":
                found += self._system(fields, at_ms)
            case "cost-state":
                found += self._costs(fields, at_ms)
            case str() if kind in _SILENT:
                pass
            case _:
                found.append(Unknown(f"type {v.text(kind, 40)}"))
        return found

    def _known(self, fields: v.Object, at_ms: int | None) -> list[Record]:
        """What every line of the conversation says of the session. `cwd` follows the agent about: the first one holds."""
        if self._session is None or fields.get("isSidechain") is True:
            return []
        cwd, version = v.text(fields.get("cwd"), 4096), v.text(fields.get("version"), 40)
        if cwd is None or version is None:
            return []
        model = v.text(v.table(fields, "message").get("model"), 80)
        known = self._meta
        if known is None:
            headless = fields.get("entrypoint") not in (None, "cli")
            started_ms = at_ms if self._from_start else None
            meta = SessionMeta(self._session, cwd, started_ms, version, None, "headless" if headless else "main")
        else:
            meta = known._replace(version=version)
        if model is not None and model != _SYNTHETIC:
            meta = meta._replace(model=model)
        if meta == known:
            return []
        self._meta = meta
        return [meta]

    def _user(self, fields: v.Object, at_ms: int | None) -> list[Record]:
        if any(fields.get(mark) is True for mark in ("isMeta", "isCompactSummary", "isSidechain")):
            return []
        said = _said(v.table(fields, "message").get("content"))
        if said is None:
            return []
        if said.startswith(_INTERRUPTED):
            return [TurnEnded(at_ms, self._turn_id, None, "interrupted")]
        if _NO_TURN.match(said):
            return []
        self._turn_id = v.text(fields.get("promptId"), 64) or v.text(fields.get("uuid"), 64)
        self._usage.turn_began()
        return [TurnStarted(at_ms, self._turn_id)]

    def _assistant(self, fields: v.Object, at_ms: int | None) -> list[Record]:
        message = v.table(fields, "message")
        if fields.get("isApiErrorMessage") is True:
            return [_refused(fields, _said(message.get("content")) or "", at_ms)]
        model, tokens = v.text(message.get("model"), 80), _tokens(message.get("usage"))
        if model in (None, _SYNTHETIC) or tokens is None:
            return []
        counted = self._usage.counted(at_ms, model, v.text(message.get("id"), 80), tokens)
        return [] if counted is None else [counted]

    def _system(self, fields: v.Object, at_ms: int | None) -> list[Record]:
        match fields.get("subtype"):
            case "turn_duration":
                return [TurnEnded(at_ms, self._turn_id, v.count(fields.get("durationMs")), "done")]
            case "compact_boundary":
                how = v.table(fields, "compactMetadata")
                said = how.get("trigger")
                trigger: Literal["auto", "manual"] | None = said if said in ("auto", "manual") else None
                before, after = v.count(how.get("preTokens")), v.count(how.get("postTokens"))
                return [Compacted(at_ms, trigger, before, after)]
            case _:
                return []

    def _costs(self, fields: v.Object, at_ms: int | None) -> list[Record]:
        """Written when the session closes: the agent's own totals."""
        found: list[Record] = []
        for model, counts in v.table(fields, "modelUsage").items():
            counted = v.table(counts)
            sums = [
                v.count(counted.get(name)) or 0
                for name in (
                    "inputTokens",
                    "cacheReadInputTokens",
                    "cacheCreationInputTokens",
                    "outputTokens",
                    "thinkingTokens",
                )
            ]
            total = Tokens(sum(sums[:3]), sums[1], sums[3], sums[4])
            found.append(TokenCount(at_ms, v.text(model, 80), None, None, None, total, None, None))
        return found


def _said(content: object) -> str | None:
    """The text of a message; None where it is a tool's result."""
    if isinstance(content, str):
        return v.text(content)
    parts = [v.table(part) for part in v.items(content)]
    if not parts or any(part.get("type") == "tool_result" for part in parts):
        return None
    return next((said for part in parts if (said := v.text(part.get("text")))), "")


def _tokens(value: object) -> Tokens | None:
    fields = v.table(value)
    sent, written, cached, output = (
        v.count(fields.get(name))
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    )
    if sent is None:
        return None
    reasoning = v.count(v.table(fields, "output_tokens_details").get("thinking_tokens"))
    return Tokens(sent + (written or 0) + (cached or 0), cached or 0, output or 0, reasoning or 0)


def _refused(fields: v.Object, said: str, at_ms: int | None) -> Record:
    kind = v.text(fields.get("error"), 60)
    quota = v.table(fields, "quotaLimits") or v.table(fields, "apiErrorParams", "rate_limit_info")
    rejected = fields.get("apiError") == "usage_limit_reached" or quota.get("status") == "rejected"
    if rejected or (kind == "rate_limit" and _LIMIT.search(said)):
        return LimitHit(at_ms, said, v.text(quota.get("rateLimitType"), 40), v.instant_ms(quota.get("resetsAt")))
    return ErrorSeen(at_ms, said, kind, v.count(fields.get("apiErrorStatus")))
