"""Forgetting and retention of what agents said and did."""

from __future__ import annotations

import sqlite3

AT_ONCE = 500
"""Rows that one transaction of retention deletes: some milliseconds."""

_OF_SESSION = ("session_models", "turn_models", "turns", "token_usage", "limits", "compactions")
_OF_PANE = ("events", "transitions")

_CUT_SESSION = """
UPDATE agent_sessions SET ended_ms = ?1, end_mode = NULL, total_tokens = NULL, input_tokens = NULL,
  cached_tokens = NULL, output_tokens = NULL, reasoning_tokens = NULL, wall_s = NULL, active_s = NULL, api_s = NULL,
  tool_s = NULL, tool_calls = NULL, tool_calls_ok = NULL, tool_calls_failed = NULL
WHERE id = ?2 AND ended_ms >= ?1
"""
_CUT_DESCRIPTION = """
UPDATE agent_sessions SET version = NULL, model = NULL, plan = NULL, project = NULL, described_ms = NULL
WHERE id = ?2 AND described_ms >= ?1
"""
_CUT_ID = """
UPDATE agent_sessions SET session_id = NULL, id_confidence = NULL, id_source = NULL, id_ms = NULL, continues = NULL
WHERE id = ?2 AND id_ms >= ?1
"""


def forget(connection: sqlite3.Connection, number: int | None, since_ms: int) -> None:
    """In a transaction: all of a pane (None: of every pane) that was noted at or after *since_ms*.

    A session that began before stays, without what was noted since; one that goes on has an end again later.
    """
    for table in _OF_PANE:
        connection.execute(
            f"DELETE FROM {table} WHERE at_ms >= ? AND pane = coalesce(?, pane)",  # noqa: S608 - a name from above
            (since_ms, number),
        )
    found = connection.execute(
        "SELECT id, started_ms FROM agent_sessions WHERE coalesce(ended_ms, ?1) >= ?1 AND pane = coalesce(?2, pane)",
        (since_ms, number),
    ).fetchall()
    _drop(connection, [session for session, started_ms in found if started_ms >= since_ms])
    for session, started_ms in found:
        if started_ms < since_ms:
            _cut(connection, session, since_ms)


def _cut(connection: sqlite3.Connection, session: int, since_ms: int) -> None:
    ended = connection.execute(_CUT_SESSION, (since_ms, session)).rowcount
    connection.execute(_CUT_ID, (since_ms, session))
    connection.execute(_CUT_DESCRIPTION, (since_ms, session))
    if ended:
        connection.execute("DELETE FROM session_models WHERE session = ?", (session,))
    connection.execute("DELETE FROM token_usage WHERE session = ? AND at_ms >= ?", (session, since_ms))
    connection.execute("DELETE FROM turn_models WHERE session = ? AND at_ms >= ?", (session, since_ms))
    connection.execute("DELETE FROM compactions WHERE session = ? AND at_ms >= ?", (session, since_ms))
    connection.execute("DELETE FROM limits WHERE session = ? AND at_ms >= ?", (session, since_ms))
    connection.execute("UPDATE limits SET lifted_ms = ?2 WHERE session = ?1 AND lifted_ms > ?2", (session, since_ms))
    connection.execute(
        "DELETE FROM turns WHERE session = ? AND max(started_ms, coalesce(ended_ms, 0)) >= ?", (session, since_ms)
    )


def drop_panes(connection: sqlite3.Connection, numbers: list[int]) -> None:
    """In a transaction: all that is known of panes of which nothing is left."""
    for number in numbers:
        forget(connection, number, -(1 << 62))


def drop_old(connection: sqlite3.Connection, before_ms: int) -> int:
    """In a transaction: some of what is older than *before_ms*; how many rows. 0: nothing of it is left."""
    gone = 0
    for table in _OF_PANE:
        gone += connection.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE at_ms < ? ORDER BY at_ms LIMIT ?)",  # noqa: S608 - a name from above
            (before_ms, AT_ONCE),
        ).rowcount
    old = connection.execute(
        "SELECT id FROM agent_sessions WHERE ended_ms < ? ORDER BY started_ms LIMIT ?", (before_ms, AT_ONCE // 10)
    ).fetchall()
    _drop(connection, [session for (session,) in old])
    return gone + len(old)


def _drop(connection: sqlite3.Connection, sessions: list[int]) -> None:
    for session in sessions:
        for table in _OF_SESSION:
            connection.execute(f"DELETE FROM {table} WHERE session = ?", (session,))  # noqa: S608 - a name from above
        connection.execute("UPDATE agent_sessions SET continues = NULL WHERE continues = ?", (session,))
        connection.execute("UPDATE events SET session = NULL WHERE session = ?", (session,))
        connection.execute("UPDATE transitions SET session = NULL WHERE session = ?", (session,))
        connection.execute("DELETE FROM agent_sessions WHERE id = ?", (session,))
