"""What agents said and did, read back."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from wa.model.errors import NotFound
from wa.store.agent_records import (
    CompactionRecord,
    EventRecord,
    LimitRecord,
    ModelRecord,
    SessionDetail,
    SessionRecord,
    TransitionRecord,
    TurnModelRecord,
    TurnRecord,
    UsageRecord,
)
from wa.store.prepare import pane_number

_EVENTS = """
SELECT id, 'p' || pane, 's' || session, at_ms, agent, event, rule, severity, present, region, row, text, fields
FROM events
"""
_TRANSITIONS = """
SELECT id, 'p' || pane, 's' || session, at_ms, agent, before, after, confidence, signals, dialog, limited
FROM transitions
"""
_SESSIONS = """
SELECT 's' || id, 'p' || pane, number, agent, session_id, id_confidence, id_source, 's' || continues, version, model,
  plan, project, joined, started_ms, ended_ms, end_mode,
  coalesce(total_tokens, (SELECT sum(total) FROM turn_models WHERE session = s.id)),
  coalesce(input_tokens, (SELECT sum(input) FROM turn_models WHERE session = s.id)),
  coalesce(cached_tokens, (SELECT sum(cached) FROM turn_models WHERE session = s.id)),
  coalesce(output_tokens, (SELECT sum(output) FROM turn_models WHERE session = s.id)),
  coalesce(reasoning_tokens, (SELECT sum(reasoning) FROM turn_models WHERE session = s.id)),
  wall_s, active_s, api_s, tool_s, tool_calls, tool_calls_ok, tool_calls_failed,
  (SELECT count(*) FROM turns WHERE session = s.id), (SELECT count(*) FROM limits WHERE session = s.id),
  (SELECT count(*) FROM compactions WHERE session = s.id)
FROM agent_sessions s
"""

_TURN_MODELS = """
SELECT turn, model, sum(reqs), sum(total), sum(input), sum(cached), sum(output), sum(reasoning) FROM turn_models
WHERE session = ? GROUP BY turn, model ORDER BY turn, model
"""
_MODELS = """
SELECT model, sum(reqs), sum(input), sum(cached), sum(output) FROM turn_models WHERE session = ?
GROUP BY model ORDER BY model
"""


class Conditions:
    """`WHERE` from what is asked; a None asks nothing."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.values: list[object] = []

    def add(self, condition: str, *values: object) -> None:
        if None not in values:
            self._parts.append(condition)
            self.values += values

    def __str__(self) -> str:
        return f"WHERE {' AND '.join(self._parts)}" if self._parts else ""


def _newest_or_next(
    connection: sqlite3.Connection, query: str, where: Conditions, limit: int | None, after_id: int | None
) -> list[tuple[Any, ...]]:
    """Oldest first: the newest *limit*, or, after an id, the next *limit*."""
    where.add("id > ?", after_id)
    order = "id" if after_id is not None else "at_ms DESC, id DESC"
    found = connection.execute(
        f"{query} {where} ORDER BY {order} LIMIT ?", (*where.values, -1 if limit is None else limit)
    ).fetchall()
    return found if after_id is not None else found[::-1]


def events(
    connection: sqlite3.Connection,
    *,
    pane: str | None,
    event: str | None,
    since_ms: int | None,
    until_ms: int | None,
    limit: int | None,
    after_id: int | None,
) -> list[EventRecord]:
    where = Conditions()
    where.add("pane = ?", None if pane is None else pane_number(pane))
    if event is not None:
        # `usage` is `usage.limit` too, and not `usages`: `/` comes next after the dot.
        where.add("(event = ? OR (event > ? AND event < ?))", event, f"{event}.", f"{event}/")
    where.add("at_ms >= ?", since_ms)
    where.add("at_ms < ?", until_ms)
    found = _newest_or_next(connection, _EVENTS, where, limit, after_id)
    return [
        EventRecord._make(fields)._replace(present=bool(fields[8]), fields=json.loads(fields[12])) for fields in found
    ]


def last_event_id(connection: sqlite3.Connection) -> int:
    """Of the newest event ever stored, forgotten ones included."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return 0 if found is None else int(found[0])


def transitions(
    connection: sqlite3.Connection,
    *,
    pane: str | None,
    since_ms: int | None,
    until_ms: int | None,
    limit: int | None,
    after_id: int | None,
) -> list[TransitionRecord]:
    where = Conditions()
    where.add("pane = ?", None if pane is None else pane_number(pane))
    where.add("at_ms >= ?", since_ms)
    where.add("at_ms < ?", until_ms)
    found = _newest_or_next(connection, _TRANSITIONS, where, limit, after_id)
    return [
        TransitionRecord._make(fields)._replace(
            signals=json.loads(fields[8]), dialog=_loaded(fields[9]), limit=_loaded(fields[10])
        )
        for fields in found
    ]


def sessions(
    connection: sqlite3.Connection,
    *,
    pane: str | None,
    agent: str | None,
    since_ms: int | None,
    until_ms: int | None,
    is_open: bool | None,
    limit: int | None,
) -> list[SessionRecord]:
    """Newest first; those that were under way between the instants."""
    where = Conditions()
    where.add("pane = ?", None if pane is None else pane_number(pane))
    where.add("agent = ?", agent)
    where.add("(ended_ms IS NULL OR ended_ms >= ?)", since_ms)
    where.add("started_ms < ?", until_ms)
    where.add("(ended_ms IS NULL) = ?", is_open)
    return _sessions(connection, where, limit)


def session(connection: sqlite3.Connection, name: str) -> SessionDetail:
    """`s12`, or the agent's own id: then the newest session that had it. Raises NotFound."""
    number = name[1:] if name[:1] == "s" else ""
    is_number = number.isascii() and number.isdecimal() and len(number) <= 18
    where = Conditions()
    where.add("id = ?", int(number)) if is_number else where.add("session_id = ?", name)
    found = _sessions(connection, where, 1)
    if not found:
        raise NotFound(f"there is no session {name!r}", next_step="Run `wa sessions` to see what exists.")
    ident = int(found[0].id[1:])

    def of_it(columns: str, table: str, order: str) -> list[tuple[Any, ...]]:
        # Only names from below are put into this.
        query = f"SELECT {columns} FROM {table} WHERE session = ? ORDER BY {order}"  # noqa: S608
        return connection.execute(query, (ident,)).fetchall()

    limits = of_it(", ".join(LimitRecord._fields), "limits", "number")
    printed = of_it(", ".join(ModelRecord._fields), "session_models", "model")
    models = printed or connection.execute(_MODELS, (ident,)).fetchall()
    return SessionDetail(
        found[0],
        tuple(map(ModelRecord._make, models)),
        tuple(map(TurnRecord._make, of_it(", ".join(TurnRecord._fields), "turns", "number"))),
        tuple(map(UsageRecord._make, of_it(", ".join(UsageRecord._fields), "token_usage", "at_ms, id"))),
        tuple(map(TurnModelRecord._make, connection.execute(_TURN_MODELS, (ident,)).fetchall())),
        tuple(LimitRecord._make(one)._replace(resumes_itself=bool(one[8])) for one in limits),
        tuple(map(CompactionRecord._make, of_it(", ".join(CompactionRecord._fields), "compactions", "number"))),
    )


def _sessions(connection: sqlite3.Connection, where: Conditions, limit: int | None) -> list[SessionRecord]:
    found = connection.execute(
        f"{_SESSIONS} {where} ORDER BY started_ms DESC, id DESC LIMIT ?",
        (*where.values, -1 if limit is None else limit),
    )
    return [SessionRecord._make(fields)._replace(joined=bool(fields[12])) for fields in found]


def _loaded(text: str | None) -> dict[str, Any] | None:
    loaded: dict[str, Any] | None = None if text is None else json.loads(text)
    return loaded
