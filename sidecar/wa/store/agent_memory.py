"""What a session book must know of a pane after a restart."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from wa.detect.once import MOST, identity
from wa.detect.session_book import Remembered
from wa.detect.session_ops import NoteCompaction, NoteLimit, SessionRef
from wa.detect.turns import ShownTurn
from wa.model.agent import Detection, FieldValue, Place, Severity
from wa.store.read_panes import known_number

_SESSION = """
SELECT id, number, agent, started_ms, ended_ms, version, model, plan, project, session_id, id_confidence, id_source
FROM agent_sessions WHERE pane = ? ORDER BY number DESC LIMIT 1
"""
_EVENTS = """
SELECT agent, event, rule, severity, present, fields, row, at_ms FROM events WHERE session = ? ORDER BY id DESC LIMIT ?
"""
_LIMITS = """
SELECT number, at_ms, window, model, printed, kind, resets_ms, plan, resumes_itself, lifted_ms IS NULL FROM limits
WHERE session = ? ORDER BY number
"""
_TURNS = "SELECT number, started_ms, ended_ms FROM turns WHERE session = ? ORDER BY number"
_COMPACTIONS = "SELECT number, at_ms, trigger, before, after FROM compactions WHERE session = ? ORDER BY number"
STATE_LEAD_MS = 2000
"""What is true in a state may have been read so long before the state was settled."""


def remembered(connection: sqlite3.Connection, pane_uid: str) -> Remembered | None:
    """None where no session is known. Raises NotFound for a pane that does not exist."""
    pane = known_number(connection, pane_uid)
    found = connection.execute(_SESSION, (pane,)).fetchone()
    if found is None:
        return None
    ident, number, agent, started_ms, ended_ms, *about, session_id, confidence, source = found
    ref = SessionRef(number, agent)
    found = connection.execute(_EVENTS, (ident, MOST // 2)).fetchall()
    events = [(_detection(row), row[-1]) for row in found]
    rows = [row[-2] for row in found]
    (moved_ms,) = connection.execute("SELECT max(at_ms) FROM transitions WHERE session = ?", (ident,)).fetchone()
    turns = tuple(map(ShownTurn._make, connection.execute(_TURNS, (ident,)).fetchall()))
    turn_ms = max((one.ended_ms or one.started_ms for one in turns), default=None)
    limits = connection.execute(_LIMITS, (ident,)).fetchall()
    compactions = connection.execute(_COMPACTIONS, (ident,)).fetchall()
    since_ms = (moved_ms or started_ms) - STATE_LEAD_MS
    said = [at_ms for at_ms in (started_ms, ended_ms, moved_ms, turn_ms) if at_ms is not None]
    return Remembered(
        session=ref,
        at_ms=max([*said, *(at_ms for _, at_ms in events)]),
        started_ms=started_ms,
        ended_ms=ended_ms,
        about=(about[0], about[1], about[2], about[3]),
        session_id=session_id,
        id_confidence=confidence or 0.0,
        id_source=source or "",
        turns=turns,
        compactions=tuple(NoteCompaction(ref, *row) for row in compactions),
        limits=tuple(NoteLimit._make((ref, *row[:8], bool(row[8]))) for row in limits),
        is_limited=bool(limits and limits[-1][9]),
        # Oldest first: of several the newest stays.
        recorded={
            identity(one): row for (one, _), row in list(zip(events, rows, strict=True))[::-1] if not one.present
        },
        shown=tuple((one.event, identity(one)) for one, at_ms in events if one.present and at_ms >= since_ms),
    )


def last_event(connection: sqlite3.Connection, pane_uid: str) -> tuple[str, int] | None:
    """Name and instant. Raises NotFound for a pane that does not exist."""
    found = connection.execute(
        "SELECT event, at_ms FROM events WHERE pane = ? ORDER BY at_ms DESC, id DESC LIMIT 1",
        (known_number(connection, pane_uid),),
    ).fetchone()
    return None if found is None else (str(found[0]), int(found[1]))


def _detection(row: tuple[Any, ...]) -> Detection:
    agent, event, rule, severity, present, fields, _, _ = row
    values = {name: _value(value) for name, value in json.loads(fields).items()}
    return Detection(event, agent, rule, Severity(severity), values, bool(present), Place("", None, None, ""))


def _value(value: Any) -> FieldValue:
    """As a detection has it; lists are tuples there."""
    if isinstance(value, dict):
        return {name: _value(one) for name, one in value.items()}
    if isinstance(value, list):
        return tuple(map(_value, value))
    plain: FieldValue = value
    return plain
