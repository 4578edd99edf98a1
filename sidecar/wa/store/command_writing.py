"""Writing, forgetting and retention of what shells ran."""

from __future__ import annotations

import sqlite3

from wa.detect import session_ops as ops

AT_ONCE = 500
MAX_SHELLS = 8
"""Of one pane; as docs/protocol/pane-vars.md says."""

_SHELL = """
INSERT INTO shells (pane, token, shell, pid, tty, host, version, proven, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (pane, token) DO NOTHING
"""
_OLD_SHELLS = """
DELETE FROM shells WHERE pane = ?1 AND token NOT IN (
  SELECT token FROM shells WHERE pane = ?1 ORDER BY at_ms DESC, token LIMIT ?2
)
"""
_BEGIN = """
INSERT OR IGNORE INTO commands (revision, pane, token, number, command, cut, cwd, proven, started_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_END = """
UPDATE commands SET revision = ?, ended_ms = max(started_ms, ?), exit_status = ?, duration_ms = ?
WHERE pane = ? AND token = ? AND number = ? AND ended_ms IS NULL
"""


def apply(connection: sqlite3.Connection, pane: int, operation: ops.ShellOperation) -> None:
    """In a transaction; twice is once."""
    if isinstance(operation, ops.NoteShell):
        connection.execute(_SHELL, (pane, *operation))
        connection.execute(_OLD_SHELLS, (pane, MAX_SHELLS))
    elif isinstance(operation, ops.BeginCommand):
        connection.execute(_BEGIN, (_revision(connection), pane, *operation))
    else:
        about = operation.ended_ms, operation.exit_status, operation.duration_ms
        connection.execute(_END, (_revision(connection), *about, pane, operation.token, operation.number))


def _revision(connection: sqlite3.Connection) -> int:
    """Greater than all that were given before, to forgotten ones too."""
    found = connection.execute("INSERT INTO command_changes DEFAULT VALUES").lastrowid
    connection.execute("DELETE FROM command_changes")
    assert found is not None
    return found


def forget(connection: sqlite3.Connection, number: int | None, since_ms: int) -> None:
    """In a transaction: commands that ran at or after *since_ms*, and shells that came then."""
    where = (since_ms, number)
    connection.execute(
        "DELETE FROM commands WHERE max(started_ms, coalesce(ended_ms, started_ms)) >= ? AND pane = coalesce(?, pane)",
        where,
    )
    connection.execute("DELETE FROM shells WHERE at_ms >= ? AND pane = coalesce(?, pane)", where)


def drop_panes(connection: sqlite3.Connection, numbers: list[int]) -> None:
    """In a transaction: all that ran in panes of which nothing is left."""
    for number in numbers:
        forget(connection, number, -(1 << 62))


def drop_old(connection: sqlite3.Connection, before_ms: int) -> int:
    """In a transaction: some of the commands that began before *before_ms*; how many."""
    return connection.execute(
        "DELETE FROM commands WHERE id IN (SELECT id FROM commands WHERE started_ms < ? ORDER BY started_ms LIMIT ?)",
        (before_ms, AT_ONCE),
    ).rowcount
