"""Deleting for good.

Deleting rows is the smaller part. SQLite overwrites what it deletes (`secure_delete`), but the index only notes
deletions, and keeps words until its segments are merged; and the write-ahead log holds pages as they were. So all
segments are merged into one, in steps, and the log is written back and cut to nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from typing import Any

from wa.model.log import GapReason
from wa.store import acting_upkeep, agent_upkeep, command_writing, run_upkeep
from wa.store.chunks import FIELDS, Chunk, encode
from wa.store.commit import delete_chunks, insert_document, store_open_chunk
from wa.store.connection import Database
from wa.store.errors import StoreLockedError
from wa.store.merging import merge_all

CHUNKS_AT_ONCE = 16
"""So many chunks a step looks at, however many are stored."""
PANES_AT_ONCE = 64
RETRY_S = 0.05
ALWAYS = -(1 << 62)
"""Before every instant."""

# Only names of columns are put into these.
SINCE = f"""
SELECT id, {FIELDS} FROM chunks INDEXED BY chunks_time WHERE last_ms >= ? ORDER BY last_ms, first_ms LIMIT ?
"""  # noqa: S608
OF_PANE = f"""
SELECT id, {FIELDS} FROM chunks WHERE pane = ? AND first_row >= ? ORDER BY first_row LIMIT ?
"""  # noqa: S608
OPEN = f"SELECT {FIELDS} FROM open_chunks WHERE last_ms >= ?1 AND pane = coalesce(?2, pane)"  # noqa: S608
_REWRITE = f"UPDATE chunks SET ({FIELDS}) = (?{', ?' * (len(Chunk._fields) - 1)}) WHERE id = ?"  # noqa: S608


class Forgetting:
    """What of one pane, or of all, was captured since an instant, or ever; and how far its deletion has come.

    Each method runs in a transaction: `step` until it says no, then `rest` once, then `panes` until it says no.
    """

    def __init__(self, number: int | None, since_ms: int | None) -> None:
        self.rows = 0
        """Deleted so far."""
        self._number = number
        self._since_ms = since_ms
        self._since = ALWAYS if since_ms is None else since_ms
        self._row = 0
        """Chunks of the pane that begin before it have been looked at."""
        self._pane = 0

    def step(self, connection: sqlite3.Connection) -> bool:
        """A few chunks; False when none is left."""
        found = self._next(connection)
        for chunk_id, *fields in found:
            chunk = Chunk(*fields)
            if chunk.last_ms < self._since:
                continue
            kept = _before(chunk, self._since)
            delete_chunks(connection, [(chunk_id, chunk.pane, chunk.text)], keep=kept is not None)
            if kept is not None:
                connection.execute(_REWRITE, (*kept, chunk_id))
                insert_document(connection, chunk_id, kept)
            self.rows += _note(connection, chunk, kept, self._since_ms)
        return bool(found)

    def _next(self, connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
        if self._number is None:
            return connection.execute(SINCE, (self._since, CHUNKS_AT_ONCE)).fetchall()
        of_pane = (self._number, self._row, CHUNKS_AT_ONCE)
        found: list[tuple[Any, ...]] = connection.execute(OF_PANE, of_pane).fetchall()
        if found:
            self._row = Chunk(*found[-1][1:]).first_row + 1
        return found

    def rest(self, connection: sqlite3.Connection) -> None:
        """What has become whole chunks meanwhile, open ones, screens; a pane that was named and has lost all rows."""
        while self.step(connection):
            pass
        for fields in connection.execute(OPEN, (self._since, self._number)).fetchall():
            chunk = Chunk(*fields)
            kept = _before(chunk, self._since)
            store_open_chunk(connection, chunk.pane, kept)
            self.rows += _note(connection, chunk, kept, self._since_ms)
        agent_upkeep.forget(connection, self._number, self._since)
        acting_upkeep.forget(connection, self._number, self._since)
        run_upkeep.forget(connection, self._number, self._since)
        command_writing.forget(connection, self._number, self._since)
        where = (self._since, self._number)
        connection.execute("DELETE FROM screens WHERE at_ms >= ? AND pane = coalesce(?, pane)", where)
        if self._number is not None and (self._since_ms is None or _is_empty(connection, self._number, self._since)):
            _forget_pane(connection, self._number)

    def panes(self, connection: sqlite3.Connection) -> bool:
        """A few of the panes that have lost all rows, if none was named; False when none is left."""
        empty = "SELECT id FROM panes WHERE rows_stored = 0 AND created_ms >= ? AND id > ? ORDER BY id LIMIT ?"
        where = (self._since, self._pane, PANES_AT_ONCE)
        found = connection.execute(empty, where).fetchall() if self._number is None else []
        for (pane,) in found:
            _forget_pane(connection, pane)
            self._pane = pane
        if not found:
            connection.execute("DELETE FROM muxes WHERE id NOT IN (SELECT mux FROM panes)")
        return bool(found)


def _is_empty(connection: sqlite3.Connection, pane: int, since: int) -> bool:
    found = "SELECT 1 FROM panes WHERE id = ? AND rows_stored = 0 AND created_ms >= ?"
    return connection.execute(found, (pane, since)).fetchone() is not None


def _before(chunk: Chunk, since: int) -> Chunk | None:
    """What of *chunk* was captured before *since*; later rows with an earlier clock go too."""
    keep = next((row for row, at_ms in enumerate(chunk.at()) if at_ms >= since), chunk.row_count)
    if keep == 0:
        return None
    runs, left = [], keep
    for run in chunk.runs():
        if left > 0:
            runs.append(run._replace(rows=min(run.rows, left)))
        left -= run.rows
    texts, wraps = chunk.texts()[:keep], chunk.wrapped()[:keep]
    about = (chunk.pane, chunk.first_row, chunk.kind, chunk.continues)
    return encode(*about, texts, wraps, runs, accented=chunk.accented)


def _note(connection: sqlite3.Connection, chunk: Chunk, kept: Chunk | None, since_ms: int | None) -> int:
    """Count what is gone; where rows of the pane stay, a gap says so. How many rows are gone."""
    first = chunk.first_row if kept is None else kept.end
    rows = chunk.end - first
    connection.execute("UPDATE panes SET rows_stored = rows_stored - ? WHERE id = ?", (rows, chunk.pane))
    if since_ms is None:
        return rows
    before = connection.execute(
        "SELECT id, row + missing, reason FROM gaps WHERE pane = ? AND row <= ? ORDER BY row DESC, id DESC LIMIT 1",
        (chunk.pane, first),
    ).fetchone()
    if before is not None and before[1:] == (first, GapReason.FORGOTTEN.value):
        connection.execute("UPDATE gaps SET missing = missing + ? WHERE id = ?", (rows, before[0]))
    else:
        connection.execute(
            "INSERT INTO gaps (pane, row, missing, reason, at_ms) VALUES (?, ?, ?, ?, ?)",
            (chunk.pane, first, rows, GapReason.FORGOTTEN.value, since_ms),
        )
        connection.execute("UPDATE panes SET gaps = gaps + 1 WHERE id = ?", (chunk.pane,))
    return rows


def _forget_pane(connection: sqlite3.Connection, pane: int) -> None:
    """A closed one goes; a live one begins a new log, at whatever position its tracker has reached."""
    for table in ("gaps", "screens", "checkpoints", "cwds"):
        connection.execute(f"DELETE FROM {table} WHERE pane = ?", (pane,))  # noqa: S608 - a name from the line above
    if connection.execute("DELETE FROM panes WHERE id = ? AND NOT alive", (pane,)).rowcount:
        acting_upkeep.drop_panes(connection, [pane])
        run_upkeep.drop_panes(connection, [pane])
        command_writing.drop_panes(connection, [pane])
    connection.execute(
        "UPDATE panes SET next_row = 0, rows_stored = 0, rows_lost = 0, gaps = 0, last_output_ms = NULL, forgotten = 1"
        " WHERE id = ?",
        (pane,),
    )
    connection.execute(
        "INSERT INTO cwds (pane, row, at_ms, cwd)"
        " SELECT id, 0, created_ms, cwd FROM panes WHERE id = ? AND cwd IS NOT NULL",
        (pane,),
    )


async def purge(database: Database, *, within_s: float) -> None:
    """Take what was deleted out of the index and out of the write-ahead log."""
    await merge_all(database)
    deadline = time.monotonic() + within_s
    while not await database.run(_truncate_log):
        if time.monotonic() > deadline:
            raise StoreLockedError(
                "the rows are deleted, but a reader still looks at the old state, and keeps it in the write-ahead log",
                next_step="End what reads the database (`wa export`, a sqlite3 shell) and forget once more.",
                details={"path": str(database.path)},
            )
        await asyncio.sleep(RETRY_S)


def _truncate_log(connection: sqlite3.Connection) -> bool:
    """Write the log back and cut it off; False where a reader is in the way. Writes must not wait for that reader."""
    (timeout_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(timeout_ms)}")
    return not busy
