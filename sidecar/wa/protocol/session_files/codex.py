"""Codex: `$CODEX_HOME/sessions/YYYY/MM/DD/rollout-<local time>-<uuid>.jsonl`, one line an event, appended.

Seen with 0.87.0 and 0.169.0, 2026-11-21. 0.87 writes the file when it starts, 0.169 with the first prompt. Both hold it
open for as long as the session lasts. 0.87 writes no end of a turn, unless it was
interrupted, and no error.
"""

from __future__ import annotations

import re
from typing import Literal

from wa.protocol.session_files import values as v
from wa.protocol.session_files.records import (
    Compacted,
    ErrorSeen,
    LimitHit,
    RateLimits,
    RateWindow,
    Record,
    SessionMeta,
    Tokens,
    TurnEnded,
    TurnStarted,
    Unknown,
)
from wa.protocol.session_files.usage import Usage

_SILENT = frozenset({"response_item", "world_state", "token_usage_record", "inter_agent_communication"})
_BULK = b'"type":"response_item"'
_BULK_WITHIN = 200
"""Nine tenths of a rollout are such lines, up to megabytes each; where the words stand this near the start, that is what it is."""
_COMPACTED = b'"type":"compacted"'
_TIMESTAMP = re.compile(rb'\{"timestamp":"([0-9TZ:.-]+)"')
_LIMITS = frozenset({"usage_limit_exceeded", "usage_limit_reached"})


class CodexReader:
    agent = "codex"

    def __init__(
        self, *, from_start: bool = True, file_session: str | None = None, known: SessionMeta | None = None
    ) -> None:
        self._usage = Usage(from_start=from_start)
        self._from_start = from_start
        self._file_session = file_session
        self._meta = known
        self._model = None if known is None else known.model
        self._session: Tokens | None = None
        self._limits = RateLimits(None, None, None, None)
        self._turn_id: str | None = None
        self._turn_written = False
        """This version writes `task_started`: a prompt is then not the start of a turn once more."""

    def line(self, line: bytes | str) -> list[Record]:
        if isinstance(line, bytes) and _BULK in line[:_BULK_WITHIN]:
            return []
        try:
            whole = v.table(v.parse(line))
        except ValueError:
            return [Unknown("not JSON")]
        at_ms = v.instant_ms(whole.get("timestamp"))
        payload = v.table(whole, "payload")
        match whole.get("type"):
            case "session_meta":
                return self._begun(payload)
            case "turn_context":
                return self._model_is(v.text(payload.get("model")))
            case "compacted":
                return [Compacted(at_ms, None, None, None)]
            case "event_msg":
                return self._event(at_ms, payload)
            case str(kind) if kind in _SILENT:
                return []
            case kind:
                return [Unknown(f"type {v.text(kind, 40)}")]

    def passed_over(self, head: bytes) -> list[Record]:
        """What the first bytes of a line that was too long tell: that history was replaced, which is what makes lines long."""
        if _COMPACTED not in head:
            return []
        at = _TIMESTAMP.match(head)
        return [Compacted(v.instant_ms(at[1].decode("ascii", "replace")) if at else None, None, None, None)]

    def _begun(self, payload: v.Object) -> list[Record]:
        session_id = v.session_id(payload.get("id"))
        if session_id is None:
            return [Unknown("session_meta without an id")]
        if self._meta is not None or (self._file_session or session_id) != session_id:
            return []  # a fork carries the first lines of the session it was forked from
        self._meta = SessionMeta(
            session_id,
            v.text(payload.get("cwd"), 4096),
            v.instant_ms(payload.get("timestamp")),
            v.text(payload.get("cli_version"), 40),
            None,
            _kind(payload.get("source"), payload.get("thread_source")),
        )
        return [self._meta]

    def _model_is(self, model: str | None) -> list[Record]:
        if model is None or model == self._model:
            return []
        self._model = model
        if self._meta is None:
            return []
        self._meta = self._meta._replace(model=model)
        return [self._meta]

    def _event(self, at_ms: int | None, payload: v.Object) -> list[Record]:
        turn_id = v.text(payload.get("turn_id"), 64)
        match payload.get("type"):
            case "task_started" | "turn_started":
                self._turn_written = True
                return self._turn(at_ms, turn_id)
            case "user_message" if not self._turn_written:
                return self._turn(at_ms, None)
            case "task_complete" | "turn_complete":
                failed = [self._error(at_ms, v.table(payload, "error"))] if v.table(payload, "error") else []
                duration_ms = v.count(payload.get("duration_ms"))
                return [*failed, TurnEnded(at_ms, turn_id, duration_ms, "failed" if failed else "done")]
            case "turn_aborted":
                outcome: Literal["interrupted", "failed"] = (
                    "interrupted" if payload.get("reason") in ("interrupted", "replaced", None) else "failed"
                )
                return [TurnEnded(at_ms, turn_id or self._turn_id, v.count(payload.get("duration_ms")), outcome)]
            case "thread_settings_applied":
                return self._model_is(v.text(v.table(payload, "thread_settings").get("model")))
            case "token_count":
                return self._counted(at_ms, payload)
            case "error":
                return [self._error(at_ms, payload)]
            case _:
                return []

    def _turn(self, at_ms: int | None, turn_id: str | None) -> list[Record]:
        self._turn_id = turn_id
        self._usage.turn_began()
        return [TurnStarted(at_ms, turn_id)]

    def _error(self, at_ms: int | None, payload: v.Object) -> Record:
        text = v.text(payload.get("message")) or ""
        info = payload.get("codex_error_info")
        inside = v.table(info)
        kind = v.text(info, 60) or next((v.text(name, 60) for name in inside), None)
        if kind in _LIMITS:
            return LimitHit(at_ms, text, None, self._reset_ms())
        return ErrorSeen(at_ms, text, kind, v.count(v.table(inside.get(kind or "")).get("http_status_code")))

    def _counted(self, at_ms: int | None, payload: v.Object) -> list[Record]:
        found: list[Record] = []
        info = v.table(payload, "info")
        session, last = _tokens(info.get("total_token_usage")), _tokens(info.get("last_token_usage"))
        # The same count comes again with every change of the rate limits, and after a compaction with an estimate in it.
        if session is not None and last is not None and session != self._session:
            if self._session is None and not self._from_start:
                last = None  # it may be the one before the place where reading began
            self._session = session
            found.append(
                self._usage.summed(at_ms, self._model, last, session, v.count(info.get("model_context_window")))
            )
        limits = v.table(payload, "rate_limits")
        primary, secondary = (_window(at_ms, limits.get(name)) for name in ("primary", "secondary"))
        used = RateLimits(at_ms, primary, secondary, v.text(limits.get("plan_type"), 40))
        if (primary or secondary) and used[1:] != self._limits[1:]:
            self._limits = used
            found.append(used)
        return found

    def _reset_ms(self) -> int | None:
        """Of the windows that are used up, the one that lasts longest."""
        used_up = [
            window for window in (self._limits.primary, self._limits.secondary) if window and window.used_percent >= 100
        ]
        return max((window.resets_at_ms for window in used_up if window.resets_at_ms is not None), default=None)


def _kind(source: object, thread_source: object) -> Literal["main", "headless", "subagent"]:
    if thread_source == "subagent" or isinstance(source, dict):
        return "subagent"
    return "headless" if source in ("exec", "mcp") else "main"


def _tokens(value: object) -> Tokens | None:
    fields = v.table(value)
    sent = v.count(fields.get("input_tokens"))
    if sent is None:
        return None
    cached, output, reasoning = (
        v.count(fields.get(name)) or 0 for name in ("cached_input_tokens", "output_tokens", "reasoning_output_tokens")
    )
    return Tokens(sent, cached, output, reasoning)


def _window(at_ms: int | None, value: object) -> RateWindow | None:
    fields = v.table(value)
    used = v.number(fields.get("used_percent"))
    if used is None:
        return None
    resets = v.instant_ms(fields.get("resets_at"))
    seconds = v.count(fields.get("resets_in_seconds"))
    if resets is None and seconds is not None and at_ms is not None:
        resets = at_ms + seconds * 1000
    return RateWindow(float(used), v.count(fields.get("window_minutes")), resets)
