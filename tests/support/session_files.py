"""Session files that the real CLIs wrote (tests/data/session_files), and records in short."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from wa.protocol.session_files import (
    Compacted,
    ErrorSeen,
    LimitHit,
    RateLimits,
    Record,
    SessionMeta,
    SessionReader,
    TokenCount,
    Tokens,
    TurnEnded,
    TurnStarted,
    Unknown,
)

RECORDED = Path(__file__).parents[1] / "data/session_files"
FILES = sorted(path for path in RECORDED.rglob("*.json*") if path.is_file())
REQUEST = Tokens(12345, 10240, 321, 128)
"""What the model API of the recordings says of most requests."""
BIG = Tokens(100_000, 60_000, 4000, 1500)


def recorded(build: str, scenario: str) -> Path:
    """The one file of *build* (`codex-0.87.0`) in *scenario*."""
    (path,) = (RECORDED / build / scenario).iterdir()
    return path


def agent_of(path: Path) -> str:
    return path.relative_to(RECORDED).parts[0].rpartition("-")[0]


def read(path: Path) -> list[Record]:
    reader = SessionReader(agent_of(path), path.name)
    data = path.read_bytes()
    found = reader.replaced(data) if reader.whole_file else reader.feed(data)
    assert found is not None
    return found


def brief(records: Iterable[Record]) -> list[str]:
    """One word or two a record, times and ids left out."""
    return [_brief(record) for record in records]


def _brief(record: Record) -> str:
    match record:
        case SessionMeta():
            return f"session {record.model}" if record.model else "session"
        case TurnStarted():
            return "turn"
        case TurnEnded():
            return record.outcome
        case TokenCount():
            return f"tokens {record.request.input if record.request else None}"
        case RateLimits():
            return f"used {[w.used_percent for w in (record.primary, record.secondary) if w]}"
        case LimitHit():
            return "limit"
        case Compacted():
            return f"compacted {record.trigger} {record.before} {record.after}"
        case ErrorSeen():
            return f"error {record.kind} {record.status}"
        case Unknown():
            return f"unknown: {record.why}"
        case _:
            return type(record).__name__.lower()
