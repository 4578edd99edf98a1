"""Writing what agents said and did. `prepare` touches no database but to see that the panes exist; `apply` cannot refuse."""

from __future__ import annotations

import logging
import math
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wa.detect import session_ops as ops
from wa.model.agent import Dialog, Limit, Signal
from wa.store import command_writing
from wa.store.agent_records import AgentBatch
from wa.store.agent_redact import cleaned, to_json
from wa.store.read_panes import known_number

log = logging.getLogger(__name__)

_GREATEST = 1 << 62
"""Figures are read off screens: one above this is no figure."""

_EVENT = """
INSERT INTO events (pane, session, at_ms, agent, event, rule, severity, present, region, row, text, fields)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 WHERE NOT EXISTS (
  SELECT 1 FROM events WHERE pane = ?1 AND at_ms = ?3 AND event = ?5 AND rule = ?6 AND text = ?11 AND fields = ?12
)
"""
_TRANSITION = """
INSERT INTO transitions (pane, session, at_ms, agent, before, after, confidence, signals, dialog, limited)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (
  SELECT 1 FROM transitions WHERE pane = ?1 AND at_ms = ?3 AND before = ?5 AND after = ?6
)
"""
_SESSION = "INSERT OR IGNORE INTO agent_sessions (pane, number, agent, joined, started_ms) VALUES (?, ?, ?, ?, ?)"
_SESSION_ID = """
UPDATE agent_sessions AS this SET session_id = ?1, id_confidence = ?2, id_source = ?3, id_ms = ?4, continues = (
  SELECT max(id) FROM agent_sessions WHERE session_id = ?1 AND agent = this.agent AND id < this.id
) WHERE id = ?5
"""
_CLOSE = """
UPDATE agent_sessions SET ended_ms = coalesce(ended_ms, max(started_ms, ?1)),
  end_mode = CASE WHEN end_mode IS NULL OR ?2 IN ('detached', 'stopped')
    OR (?2 = 'closed' AND end_mode NOT IN ('detached', 'stopped'))
    OR (?2 = 'mux_ended' AND end_mode = 'pane_closed') THEN ?2 ELSE end_mode END
WHERE id = ?3
"""
_OPEN_TURN = """
INSERT INTO turns (session, number, started_ms)
SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM agent_sessions WHERE id = ?1 AND ended_ms IS NULL)
  AND NOT EXISTS (SELECT 1 FROM turns WHERE session = ?1 AND (number >= ?2 OR ended_ms IS NULL))
"""
_CLOSE_TURN = """
UPDATE turns SET ended_ms = max(started_ms, ?1), outcome = ?2, duration = coalesce(?3, duration),
  duration_s = coalesce(?4, duration_s), tokens = coalesce(?5, tokens) WHERE session = ?6 AND number = ?7
"""
_TOTALS = """
UPDATE agent_sessions SET total_tokens = coalesce(?1, total_tokens), input_tokens = coalesce(?2, input_tokens),
  cached_tokens = coalesce(?3, cached_tokens), output_tokens = coalesce(?4, output_tokens),
  reasoning_tokens = coalesce(?5, reasoning_tokens) WHERE id = ?6
"""
_USAGE = """
INSERT INTO token_usage (session, at_ms, source, total, input, cached, output, reasoning)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
WHERE NOT EXISTS (SELECT 1 FROM token_usage WHERE session = ?1 AND at_ms = ?2 AND source = ?3)
"""
_TIMES = """
UPDATE agent_sessions SET wall_s = coalesce(?1, wall_s), active_s = coalesce(?2, active_s),
  api_s = coalesce(?3, api_s), tool_s = coalesce(?4, tool_s), tool_calls = coalesce(?5, tool_calls),
  tool_calls_ok = coalesce(?6, tool_calls_ok), tool_calls_failed = coalesce(?7, tool_calls_failed) WHERE id = ?8
"""
_DESCRIBE = """
UPDATE agent_sessions SET version = coalesce(?1, version), model = coalesce(?2, model), plan = coalesce(?3, plan),
  project = coalesce(?4, project), described_ms = ?5 WHERE id = ?6
"""
_LIMIT = """
INSERT INTO limits (session, number, at_ms, window, model, printed, kind, resets_ms, plan, resumes_itself)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (session, number) DO UPDATE SET
  window = coalesce(?4, window), model = coalesce(?5, model), printed = ?6, kind = coalesce(?7, kind),
  resets_ms = coalesce(?8, resets_ms), plan = coalesce(?9, plan), resumes_itself = ?10, lifted_ms = NULL
"""
_COMPACTION = """
INSERT INTO compactions (session, number, at_ms, trigger, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (session, number) DO UPDATE SET
  at_ms = ?3, trigger = coalesce(?4, trigger), before = coalesce(?5, before), after = coalesce(?6, after)
"""


class PreparedBatch(NamedTuple):
    pane: int
    operations: tuple[ops.Operation, ...]
    """Redacted."""


def prepare(connection: sqlite3.Connection, batches: Iterable[AgentBatch]) -> list[PreparedBatch]:
    """Raises NotFound for a pane that does not exist."""
    return [
        PreparedBatch(known_number(connection, batch.pane_uid), tuple(map(cleaned, batch.operations)))
        for batch in batches
    ]


def apply(connection: sqlite3.Connection, batches: Sequence[PreparedBatch]) -> None:
    """In a transaction."""
    for batch in batches:
        for operation in batch.operations:
            _apply(connection, batch.pane, operation)


def close_of_panes(
    connection: sqlite3.Connection, numbers: Sequence[int], at_ms: int, mode: ops.EndMode = ops.EndMode.PANE_CLOSED
) -> None:
    """Sessions that are open in panes that close, or closed while nobody watched."""
    for pane in numbers:
        for (session,) in connection.execute(
            "SELECT id FROM agent_sessions WHERE pane = ? AND ended_ms IS NULL", (pane,)
        ).fetchall():
            _close(connection, session, at_ms, mode)


def _apply(connection: sqlite3.Connection, pane: int, operation: ops.Operation) -> None:
    if isinstance(operation, ops.NoteEvent):
        _note_event(connection, pane, operation)
        return
    if isinstance(operation, ops.NoteTransition):
        _note_transition(connection, pane, operation)
        return
    if isinstance(operation, ops.NoteShell | ops.BeginCommand | ops.EndCommand):
        command_writing.apply(connection, pane, operation)
        return
    session = _known(connection, pane, operation.session)
    if session is None:
        session = _begun_anew(connection, pane, operation)
        if session is None:
            log.debug("nothing known of the session any more", extra={"pane": pane, "number": operation.session.number})
            return
    _of_session(connection, session, operation)


def _of_session(connection: sqlite3.Connection, session: int, operation: ops.Operation) -> None:
    """One branch per operation."""
    if isinstance(operation, ops.DescribeSession):
        connection.execute(_DESCRIBE, (*operation[2:], operation.at_ms, session))
    elif isinstance(operation, ops.NoteSessionId):
        about = (operation.session_id, operation.confidence, operation.source)
        known = about if operation.session_id is not None else (None, None, None)
        connection.execute(_SESSION_ID, (*known, operation.at_ms, session))
    elif isinstance(operation, ops.CloseSession):
        _close(connection, session, operation.at_ms, operation.mode)
    elif isinstance(operation, ops.NoteUsage):
        figures = tuple(map(_figure, operation[3:]))
        connection.execute(_USAGE, (session, operation.at_ms, operation.source, *figures))
        connection.execute(_TOTALS, (*figures, session))
    elif isinstance(operation, ops.NoteTimes):
        connection.execute(_TIMES, (*operation[1:5], *map(_figure, operation[5:]), session))
    elif isinstance(operation, ops.NoteModels):
        connection.execute("DELETE FROM session_models WHERE session = ?", (session,))
        connection.executemany(
            "INSERT OR REPLACE INTO session_models (session, model, reqs, input, cached, output)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(session, one.model, *map(_figure, one[1:])) for one in operation.models],
        )
    elif isinstance(operation, ops.NoteSpent):
        _note_spent(connection, session, operation)
    elif isinstance(operation, ops.OpenTurn):
        connection.execute(_OPEN_TURN, (session, operation.turn, operation.at_ms))
    elif isinstance(operation, ops.CloseTurn):
        said = operation.outcome.value, operation.duration, operation.duration_s, _figure(operation.tokens)
        connection.execute(_CLOSE_TURN, (operation.at_ms, *said, session, operation.turn))
    elif isinstance(operation, ops.NoteLimit):
        resets = operation._replace(resets_ms=_figure(operation.resets_ms))
        connection.execute(_LIMIT, (session, *resets[1:]))
    elif isinstance(operation, ops.LiftLimit):
        connection.execute(
            "UPDATE limits SET lifted_ms = max(at_ms, ?) WHERE session = ? AND number = ?",
            (operation.at_ms, session, operation.limit),
        )
    elif isinstance(operation, ops.NoteCompaction):
        about_it = operation.compaction, operation.at_ms, operation.trigger
        connection.execute(_COMPACTION, (session, *about_it, _figure(operation.before), _figure(operation.after)))


def _note_event(connection: sqlite3.Connection, pane: int, operation: ops.NoteEvent) -> None:
    found = operation.detection
    connection.execute(
        _EVENT,
        (
            *(pane, _known(connection, pane, operation.session), operation.at_ms, found.agent, found.event, found.rule),
            *(found.severity.value, found.present, found.place.region, operation.row, found.place.text),
            to_json(found.fields),
        ),
    )


def _note_spent(connection: sqlite3.Connection, session: int, operation: ops.NoteSpent) -> None:
    key = (session, operation.own_id, operation.turn)
    connection.execute("DELETE FROM turn_models WHERE session = ? AND own_id = ? AND turn = ?", key)
    connection.executemany(
        "INSERT OR REPLACE INTO turn_models VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*key, one.model, operation.at_ms, *(_figure(figure) or 0 for figure in one[1:])) for one in operation.models],
    )


def _note_transition(connection: sqlite3.Connection, pane: int, operation: ops.NoteTransition) -> None:
    at_ms, before, after = operation.transition
    connection.execute(
        _TRANSITION,
        (
            *(pane, _known(connection, pane, operation.session), at_ms, after.agent, before.value, after.state.value),
            *(after.confidence if math.isfinite(after.confidence) else 0.0, to_json(list(map(_signal, after.signals)))),
            *(None if about is None else to_json(_said(about)) for about in (after.dialog, after.limit)),
        ),
    )


def _signal(signal: Signal) -> dict[str, object]:
    return dict(signal._asdict())


def _said(about: Dialog | Limit) -> dict[str, object]:
    return dict(about._asdict())


def _known(connection: sqlite3.Connection, pane: int, session: ops.SessionRef | None) -> int | None:
    if session is None:
        return None
    found = connection.execute(
        "SELECT id FROM agent_sessions WHERE pane = ? AND number = ?", (pane, session.number)
    ).fetchone()
    return None if found is None else int(found[0])


def _begun_anew(connection: sqlite3.Connection, pane: int, operation: ops.Operation) -> int | None:
    """A session that goes on though what was known of it is forgotten begins where something new is said of it.

    None for what was said of a session that had ended: nothing brings that back.
    """
    if not isinstance(operation, ops.OpenSession | ops.OpenTurn | ops.NoteLimit):
        return None
    session, at_ms = operation.session, operation.at_ms
    (newest,) = connection.execute(
        "SELECT coalesce(max(number), 0) FROM agent_sessions WHERE pane = ?", (pane,)
    ).fetchone()
    if newest > session.number:
        return None
    for (other,) in connection.execute(
        "SELECT id FROM agent_sessions WHERE pane = ? AND ended_ms IS NULL", (pane,)
    ).fetchall():
        _close(connection, other, at_ms, ops.EndMode.REPLACED)
    joined = operation.joined if isinstance(operation, ops.OpenSession) else True
    connection.execute(_SESSION, (pane, session.number, session.agent, joined, at_ms))
    return _known(connection, pane, session)


def _close(connection: sqlite3.Connection, session: int, at_ms: int, mode: ops.EndMode) -> None:
    connection.execute(
        "UPDATE turns SET ended_ms = max(started_ms, ?), outcome = coalesce(outcome, ?)"
        " WHERE session = ? AND ended_ms IS NULL",
        (at_ms, ops.Outcome.INTERRUPTED.value, session),
    )
    connection.execute(_CLOSE, (at_ms, mode.value, session))


def _figure(value: int | None) -> int | None:
    return value if value is not None and -_GREATEST < value < _GREATEST else None
