"""Gemini CLI: `~/.gemini/tmp/<project>/chats/session-<UTC minute>-<first 8 of the id>.json` or `.jsonl`.

Seen with 0.24.0 and 0.61.0, 2026-11-21. 0.24 writes the whole JSON document anew with every change (cut to nothing, then
written), <project> is the SHA-256 of the folder's path, and the file appears with the first prompt. 0.61 appends lines, some of
which take messages back (`$rewindTo`) or list them all again (`$set.messages`); <project> is a name whose folder is in
`.project_root`; the file appears at start and is deleted at exit when nothing was said. Neither holds it open, and neither
writes when a turn ends.
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
    Rewritten,
    SessionMeta,
    Tokens,
    TurnEnded,
    TurnStarted,
    Unknown,
)
from wa.protocol.session_files.usage import Usage

MAX_MESSAGES = 50_000
_CONTEXT = "<session_context>"
_CANCELLED = "Request cancelled."
_LIMIT = re.compile(r"exhausted your (?:daily )?quota|Usage limit reached for|quota will reset after", re.IGNORECASE)
_COMPRESSED = re.compile(r"(?:Chat history|Context) compressed from (\d+)(%?) to (\d+)")
_STATUS = re.compile(r'"(?:code|status)":\s*(\d{3})\b|\bstatus:? (\d{3})\b')


class _Message(NamedTuple):
    tokens: Tokens | None
    spoken: bool
    """By a person or the model, not a remark of the CLI."""


class GeminiReader:
    agent = "gemini"

    def __init__(self, *, from_start: bool = True, known: SessionMeta | None = None) -> None:
        self._begin(from_start, known)

    def _begin(self, from_start: bool, known: SessionMeta | None) -> None:
        self._usage = Usage(from_start=from_start)
        self._meta = known
        self._messages: dict[str, _Message] = {}
        self._turn_id: str | None = None

    def line(self, line: bytes | str) -> list[Record]:
        """One line of 0.61's file."""
        try:
            fields = v.table(v.parse(line))
        except ValueError:
            return [Unknown("not JSON")]
        if "$rewindTo" in fields:
            return self._rewound(v.text(fields.get("$rewindTo"), 80))
        if isinstance(fields.get("$set"), dict):
            changed = v.table(fields, "$set")
            found = self._known(changed)
            if isinstance(changed.get("messages"), list):
                found += self._listing(v.items(changed.get("messages")), v.instant_ms(changed.get("lastUpdated")))
            return found
        if _name(fields) is not None:
            return self._message(fields)
        if "sessionId" in fields:
            return self._known(fields) + [
                record for message in v.items(fields.get("messages")) for record in self._message(v.table(message))
            ]
        return [Unknown("no message and no session")]

    def document(self, data: bytes | str) -> list[Record] | None:
        """0.24's whole file: what is new since the last time. None while it is only half written."""
        try:
            fields = v.table(v.parse(data))
        except ValueError:
            return None
        session_id = v.session_id(fields.get("sessionId"))
        if session_id is None or not isinstance(fields.get("messages"), list):
            return [Unknown("no session")]
        found: list[Record] = []
        if self._meta is not None and self._meta.session_id != session_id:
            self._begin(True, None)
            found.append(Rewritten())
        found += self._known(fields)
        return found + self._listing(v.items(fields.get("messages")), v.instant_ms(fields.get("lastUpdated")))

    def _known(self, fields: v.Object) -> list[Record]:
        session_id = v.session_id(fields.get("sessionId"))
        if session_id is None:
            return []
        known = self._meta
        meta = SessionMeta(
            session_id,
            None,
            v.instant_ms(fields.get("startTime")) or (known.started_ms if known else None),
            None,
            known.model if known else None,
            "subagent" if fields.get("kind") == "subagent" else known.kind if known else "main",
            v.text(fields.get("projectHash"), 80) or (known.cwd_sha256 if known else None),
        )
        if meta == known:
            return []
        self._meta = meta
        return [meta]

    def _rewound(self, message_id: str | None) -> list[Record]:
        names = list(self._messages)
        gone = names[names.index(message_id) :] if message_id in names else names
        for name in gone:
            del self._messages[name]
        return []

    def _listing(self, messages: list[object], at_ms: int | None) -> list[Record]:
        """All messages that stand. Where ones are missing that were spoken, the history was replaced by a summary."""
        listed = {name: fields for message in messages if (name := _name(fields := v.table(message))) is not None}
        lost = [name for name, message in self._messages.items() if message.spoken and name not in listed]
        if not lost:
            return [record for fields in listed.values() for record in self._message(fields)]
        for name in lost:
            del self._messages[name]
        for name in listed:  # what stands in their place, the summary and an answer to it, nobody has said
            self._messages.setdefault(name, _Message(None, spoken=True))
        return [Compacted(at_ms, None, None, None)]

    def _message(self, fields: v.Object) -> list[Record]:
        name = _name(fields)
        if name is None:
            return []
        at_ms, kind, said = v.instant_ms(fields.get("timestamp")), fields.get("type"), _said(fields.get("content"))
        known, tokens = self._messages.get(name), _tokens(fields.get("tokens"))
        spoken = kind in ("user", "gemini") and not (said or "").startswith(_CONTEXT)
        if known is not None and known.tokens == tokens:
            return []
        self._messages[name] = _Message(tokens, spoken)
        if len(self._messages) > MAX_MESSAGES:
            del self._messages[next(iter(self._messages))]
        found: list[Record] = []
        if kind == "gemini":
            found += self._answer(fields, name, tokens, at_ms)
        elif known is None and kind == "user" and spoken and said is not None:
            self._turn_id = name
            self._usage.turn_began()
            found.append(TurnStarted(at_ms, name))
        elif known is None and kind in ("info", "warning", "error"):
            found += self._remark(said or "", kind, at_ms)
        elif kind not in ("user", "info", "warning", "error"):
            found.append(Unknown(f"message of type {v.text(kind, 40)}"))
        return found

    def _answer(self, fields: v.Object, name: str, tokens: Tokens | None, at_ms: int | None) -> list[Record]:
        model = v.text(fields.get("model"), 80)
        found: list[Record] = []
        if self._meta is not None and model is not None and model != self._meta.model:
            self._meta = self._meta._replace(model=model)
            found.append(self._meta)
        counted = None if tokens is None else self._usage.counted(at_ms, model, name, tokens)
        return found if counted is None else [*found, counted]

    def _remark(self, said: str, kind: str, at_ms: int | None) -> list[Record]:
        if said == _CANCELLED:
            return [TurnEnded(at_ms, self._turn_id, None, "interrupted")]
        if (compressed := _COMPRESSED.search(said)) is not None:
            counts = None if compressed[2] else (int(compressed[1]), int(compressed[3]))
            trigger: Literal["manual"] | None = "manual" if counts else None
            return [Compacted(at_ms, trigger, *(counts or (None, None)))]
        if _LIMIT.search(said):
            return [LimitHit(at_ms, said, None, None)]
        if kind == "error":
            status = _STATUS.search(said)
            return [ErrorSeen(at_ms, said, None, int(status[1] or status[2]) if status else None)]
        return []


def _name(message: v.Object) -> str | None:
    return v.text(message.get("id"), 80)


def _said(content: object) -> str | None:
    """The text of a message; None where it is a tool's result."""
    if isinstance(content, str):
        return v.text(content) or ""
    parts = [v.table(part) for part in v.items(content)]
    if any("functionResponse" in part for part in parts):
        return None
    return next((said for part in parts if (said := v.text(part.get("text")))), "")


def _tokens(value: object) -> Tokens | None:
    fields = v.table(value)
    sent = v.count(fields.get("input"))
    if sent is None:
        return None
    cached, output, thoughts = (v.count(fields.get(name)) or 0 for name in ("cached", "output", "thoughts"))
    return Tokens(sent, cached, output, thoughts)
