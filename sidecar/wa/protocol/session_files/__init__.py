"""What the agents' own session files say: bytes in, records out; nothing raises, whatever the bytes."""

from __future__ import annotations

import re
from typing import Protocol

from wa.protocol.session_files.claude_code import ClaudeCodeReader, LiveSession, live_session
from wa.protocol.session_files.codex import CodexReader
from wa.protocol.session_files.gemini import GeminiReader
from wa.protocol.session_files.lines import MAX_LINE_BYTES, LineFeed
from wa.protocol.session_files.records import (
    Compacted,
    ErrorSeen,
    LimitHit,
    RateLimits,
    RateWindow,
    Record,
    Rewritten,
    SessionMeta,
    TokenCount,
    Tokens,
    TurnEnded,
    TurnStarted,
    Unknown,
)

__all__ = [
    "AGENTS",
    "MAX_LINE_BYTES",
    "Compacted",
    "ErrorSeen",
    "LimitHit",
    "LiveSession",
    "RateLimits",
    "RateWindow",
    "Record",
    "Rewritten",
    "SessionMeta",
    "SessionReader",
    "TokenCount",
    "Tokens",
    "TurnEnded",
    "TurnStarted",
    "Unknown",
    "file_session_id",
    "live_session",
]


class _LineReader(Protocol):
    def line(self, line: bytes | str) -> list[Record]: ...


AGENTS = frozenset({"codex", "claude_code", "gemini"})
_ID_AT_END = re.compile(r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\.jsonl?$")


def file_session_id(name: str) -> str | None:
    """The session id in a file's name. Gemini's names hold only its first eight letters: None."""
    found = _ID_AT_END.search(name)
    return None if found is None else found[1].lower()


class SessionReader:
    """Reads one file of one agent from where the caller begins.

    `whole_file` tells which of the two is to be called: `feed` with what was appended, or `replaced` with all of it after
    every change.
    """

    def __init__(
        self,
        agent: str,
        name: str,
        *,
        from_start: bool = True,
        known: SessionMeta | None = None,
        max_line_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        """*from_start* False: the first bytes fed stand in the middle of the file; what precedes the first line's end is dropped,
        and *known* is what the file's beginning said of the session.

        ValueError for an agent that has no reader; AGENTS are those that have.
        """
        self._agent, self._file_session = agent, file_session_id(name)
        self._reader = self._make(from_start=from_start, known=known)
        self._lines = LineFeed(max_line_bytes)
        self._torn = not from_start
        self.whole_file = agent == "gemini" and name.endswith(".json")

    def _make(self, *, from_start: bool, known: SessionMeta | None) -> _LineReader:
        match self._agent:
            case "codex":
                return CodexReader(from_start=from_start, file_session=self._file_session, known=known)
            case "claude_code":
                return ClaudeCodeReader(from_start=from_start, file_session=self._file_session, known=known)
            case "gemini":
                return GeminiReader(from_start=from_start, known=known)
            case _:
                raise ValueError(f"no reader for the session files of {self._agent}")

    def feed(self, data: bytes) -> list[Record]:
        if self._torn:
            _, end, data = data.partition(b"\n")
            if not end:
                return []
            self._torn = False
        found: list[Record] = []
        for line in self._lines.feed(data):
            found += self._reader.line(line) if isinstance(line, bytes) else self._passed_over(line.head)
        return found

    def _passed_over(self, head: bytes) -> list[Record]:
        told = self._reader.passed_over(head) if isinstance(self._reader, CodexReader) else []
        return told or [Unknown("line too long")]

    def replaced(self, data: bytes) -> list[Record] | None:
        """What is new since the last time; None while the file is half written."""
        if not isinstance(self._reader, GeminiReader):
            raise TypeError("only Gemini's .json files are written anew")
        return self._reader.document(data)

    def restart(self) -> list[Record]:
        """The file was cut or replaced: it is read again from its first byte."""
        self._lines.forget()
        self._torn = False
        self._reader = self._make(from_start=True, known=None)
        return [Rewritten()]
