"""Forgetting and retention of what was done to panes.

What was typed, and what was seen then, is output like any other: it goes. That something was done, by whom and with what
outcome, stays as long as the pane is known, since budgets and idempotency keys rest on it.
"""

from __future__ import annotations

import sqlite3

AT_ONCE = 500
KEPT_FOR_BUDGETS_MS = 7_200_000
"""Before the newest action: what a budget may still ask for, however full the disk."""

_BLANK = """
UPDATE actions SET fingerprint = '', what = '{}', reason = '', detail = NULL, evidence = NULL
WHERE max(at_ms, coalesce(ended_ms, 0)) >= ?1 AND pane = coalesce(?2, pane)
"""
_OLD = """
DELETE FROM actions WHERE id IN (
  SELECT id FROM actions WHERE at_ms < ?1 AND at_ms < (SELECT max(at_ms) FROM actions) - ?2 AND stage = 'ended'
    AND (run IS NULL OR run NOT IN (SELECT id FROM workflow_runs WHERE ended_ms IS NULL))
    AND id NOT IN (SELECT action FROM queued WHERE status = 'waiting' AND action IS NOT NULL)
  ORDER BY at_ms LIMIT ?3
)
"""


def forget(connection: sqlite3.Connection, number: int | None, since_ms: int) -> None:
    """In a transaction: the words of a pane (None: of every pane) since then. Texts that wait are not sent any more."""
    where = (since_ms, number)
    connection.execute(_BLANK, where)
    connection.execute(
        "DELETE FROM grants WHERE max(asked_ms, coalesce(decided_ms, 0)) >= ? AND pane = coalesce(?, pane)", where
    )
    connection.execute("DELETE FROM queued WHERE at_ms >= ? AND pane = coalesce(?, pane)", where)


def drop_panes(connection: sqlite3.Connection, numbers: list[int]) -> None:
    """In a transaction: all of panes of which nothing is left."""
    for number in numbers:
        for table in ("actions", "grants", "queued"):
            connection.execute(f"DELETE FROM {table} WHERE pane = ?", (number,))  # noqa: S608 - a name from above
        connection.execute("DELETE FROM pauses WHERE scope = 'pane' AND name = ?", (f"p{number}",))


def drop_old(connection: sqlite3.Connection, before_ms: int) -> int:
    """In a transaction: some of what is older than *before_ms* and over; how many rows. 0: nothing of it is left."""
    gone = connection.execute(_OLD, (before_ms, KEPT_FOR_BUDGETS_MS, AT_ONCE)).rowcount
    for query in (
        "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE expires_ms < ? LIMIT ?)",
        "DELETE FROM queued WHERE id IN (SELECT id FROM queued WHERE at_ms < ? AND status <> 'waiting' LIMIT ?)",
    ):
        gone += connection.execute(query, (before_ms, AT_ONCE)).rowcount
    return gone
