"""Forgetting and retention of runs and their journals."""

from __future__ import annotations

import json
import sqlite3

from wa.store import notices

AT_ONCE = 200
"""Runs that one transaction of retention deletes."""


def forget(connection: sqlite3.Connection, number: int | None, since_ms: int) -> None:
    """In a transaction: runs of a pane (None: all runs) that did something at or after *since_ms*, whole; one under way ends with it."""
    found = connection.execute(
        "SELECT id FROM workflow_runs WHERE coalesce(ended_ms, started_ms, 0) >= ?1 AND (?2 IS NULL OR pane = ?2)"
        " UNION SELECT run FROM workflow_steps JOIN workflow_runs ON id = run"
        " WHERE coalesce(replied_ms, at_ms) >= ?1 AND (?2 IS NULL OR pane = ?2)",
        (since_ms, number),
    ).fetchall()
    _drop(connection, [run for (run,) in found])
    notices.forget(connection, number, since_ms)


def drop_panes(connection: sqlite3.Connection, numbers: list[int]) -> None:
    """In a transaction: all that belongs to panes of which nothing is left."""
    runs: list[int] = []
    for number in numbers:
        runs += [run for (run,) in connection.execute("SELECT id FROM workflow_runs WHERE pane = ?", (number,))]
        connection.execute("DELETE FROM workflow_switches WHERE pane = ?", (number,))
    _drop(connection, runs)
    notices.drop_panes(connection, numbers)


def drop_old(connection: sqlite3.Connection, before_ms: int) -> int:
    """In a transaction: some of the runs that ended before; how many."""
    found = connection.execute(
        "SELECT id FROM workflow_runs WHERE ended_ms < ? ORDER BY id LIMIT ?", (before_ms, AT_ONCE)
    ).fetchall()
    _drop(connection, [run for (run,) in found])
    return len(found) + notices.drop_old(connection, before_ms)


def _drop(connection: sqlite3.Connection, runs: list[int]) -> None:
    if not runs:
        return
    # All at once: the actions are looked through whole.
    these, listed = "(SELECT value FROM json_each(?))", (json.dumps(runs),)
    # What was done to panes has an upkeep of its own.
    connection.execute(f"UPDATE actions SET run = NULL, step = NULL WHERE run IN {these}", listed)  # noqa: S608 - a text from above
    connection.execute(f"DELETE FROM workflow_steps WHERE run IN {these}", listed)  # noqa: S608 - a text from above
    connection.execute(f"DELETE FROM workflow_runs WHERE id IN {these}", listed)  # noqa: S608 - a text from above
