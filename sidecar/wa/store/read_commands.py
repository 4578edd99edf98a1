"""What shells ran, read back."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from wa.store.command_records import CommandRecord, ShellRecord
from wa.store.prepare import pane_number
from wa.store.read_agents import Conditions

_COMMANDS = """
SELECT c.id, revision, 'p' || c.pane, token, number, command, cut, c.cwd, proven, started_ms, ended_ms, exit_status,
  duration_ms, p.alive
FROM commands c JOIN panes p ON p.id = c.pane
"""
_SHELLS = """
SELECT token, shell, pid, tty, host, version, proven, at_ms,
  coalesce((SELECT max(number) FROM commands c WHERE c.pane = s.pane AND c.token = s.token), 0)
FROM shells s WHERE pane = ? ORDER BY at_ms, token
"""


class Asked(NamedTuple):
    """Which commands; all of what is named."""

    pane: str | None = None
    text: str | None = None
    """Is part of the command, in capitals or not."""
    failed: bool = False
    """Ended with another status than 0."""
    slower_ms: int | None = None
    """Lasted at least so long; one that still runs, up to `now_ms`."""
    now_ms: int = 0
    since_ms: int | None = None
    until_ms: int | None = None


def commands(
    connection: sqlite3.Connection, asked: Asked, *, limit: int | None = None, after_revision: int | None = None
) -> list[CommandRecord]:
    """Oldest first: the newest *limit* by their beginning; after a revision the next ones, by their last change."""
    where = Conditions()
    where.add("c.pane = ?", None if asked.pane is None else pane_number(asked.pane))
    where.add("instr(lower(command), lower(?)) > 0", asked.text or None)
    if asked.failed:
        where.add("exit_status <> ?", 0)
    if asked.slower_ms is not None:
        where.add("(ended_ms IS NOT NULL OR p.alive)")
        lasted = "coalesce(duration_ms, coalesce(ended_ms, ?) - started_ms) >= ?"
        where.add(lasted, asked.now_ms, asked.slower_ms)
    where.add("started_ms >= ?", asked.since_ms)
    where.add("started_ms < ?", asked.until_ms)
    where.add("revision > ?", after_revision)
    order = "started_ms DESC, c.id DESC" if after_revision is None else "revision"
    found = connection.execute(
        f"{_COMMANDS} {where} ORDER BY {order} LIMIT ?", (*where.values, -1 if limit is None else limit)
    ).fetchall()
    records = [_record(fields) for fields in found]
    return records if after_revision is not None else records[::-1]


def last_revision(connection: sqlite3.Connection) -> int:
    """Of the newest change ever; 0 where there was none."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'command_changes'").fetchone()
    return 0 if found is None else int(found[0])


def shells(connection: sqlite3.Connection, pane_uid: str) -> list[ShellRecord]:
    """Those that are known in a pane, oldest first."""
    found = connection.execute(_SHELLS, (pane_number(pane_uid),)).fetchall()
    return [ShellRecord._make(fields)._replace(proven=bool(fields[6])) for fields in found]


def running(connection: sqlite3.Connection, pane_uid: str) -> list[CommandRecord]:
    """Commands of a pane of which no end is known, oldest first."""
    query = f"{_COMMANDS} WHERE c.pane = ? AND ended_ms IS NULL ORDER BY started_ms, c.id"
    return [_record(fields) for fields in connection.execute(query, (pane_number(pane_uid),))]


def _record(fields: tuple[object, ...]) -> CommandRecord:
    record = CommandRecord._make(fields)
    return record._replace(cut=bool(record.cut), proven=bool(record.proven), alive=bool(record.alive))
