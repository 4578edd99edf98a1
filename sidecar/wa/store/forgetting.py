"""Deleting for good.

Deleting rows is the smaller part. SQLite overwrites what it deletes (`secure_delete`), but the index only notes
deletions, and keeps words until its segments are merged; and the write-ahead log holds pages as they were. So all
segments are merged into one, in steps, and the log is written back and cut to nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time

from wa.model.log import GapReason
from wa.store import agent_upkeep
from wa.store.chunks import FIELDS, Chunk, encode
from wa.store.commit import delete_chunks, insert_document, store_open_chunk
from wa.store.connection import Database, transaction
from wa.store.errors import StoreLockedError

CHUNKS_AT_ONCE = 16
MERGE_PAGES = 64
"""Pages of the index that one step writes: 16 ms measured."""
RETRY_S = 0.05
ALWAYS = -(1 << 62)
"""Before every instant."""

# Only names of columns are put into these.
_NEXT = f"SELECT id, {FIELDS} FROM chunks WHERE last_ms >= ?1 AND pane = coalesce(?2, pane) ORDER BY id LIMIT ?3"  # noqa: S608
_NEXT_OF_PANE = f"SELECT id, {FIELDS} FROM chunks WHERE pane = ?2 AND last_ms >= ?1 ORDER BY first_row LIMIT ?3"  # noqa: S608
_OPEN = f"SELECT {FIELDS} FROM open_chunks WHERE last_ms >= ?1 AND pane = coalesce(?2, pane)"  # noqa: S608
_REWRITE = f"UPDATE chunks SET ({FIELDS}) = (?{', ?' * (len(Chunk._fields) - 1)}) WHERE id = ?"  # noqa: S608


def forget_some(connection: sqlite3.Connection, number: int | None, since_ms: int | None) -> int:
    """In a transaction: delete a few chunks' rows; how many. 0: `forget_rest` has its turn."""
    since = ALWAYS if since_ms is None else since_ms
    query = _NEXT if number is None else _NEXT_OF_PANE
    rows = 0
    for chunk_id, *fields in connection.execute(query, (since, number, CHUNKS_AT_ONCE)).fetchall():
        chunk = Chunk(*fields)
        kept = _before(chunk, since)
        delete_chunks(connection, [(chunk_id, chunk.pane, chunk.text)], keep=kept is not None)
        if kept is not None:
            connection.execute(_REWRITE, (*kept, chunk_id))
            insert_document(connection, chunk_id, kept)
        rows += _note(connection, chunk, kept, since_ms)
    return rows


def forget_rest(connection: sqlite3.Connection, number: int | None, since_ms: int | None) -> int:
    """In a transaction, after all whole chunks: open ones, screens, and panes that have lost all rows."""
    since = ALWAYS if since_ms is None else since_ms
    rows = forgotten = 0
    while forgotten := forget_some(connection, number, since_ms):
        rows += forgotten
    for fields in connection.execute(_OPEN, (since, number)).fetchall():
        chunk = Chunk(*fields)
        kept = _before(chunk, since)
        store_open_chunk(connection, chunk.pane, kept)
        rows += _note(connection, chunk, kept, since_ms)
    agent_upkeep.forget(connection, number, since)
    connection.execute("DELETE FROM screens WHERE at_ms >= ? AND pane = coalesce(?, pane)", (since, number))
    empty = "SELECT id FROM panes WHERE rows_stored = 0 AND id = coalesce(?, id) AND created_ms >= ?"
    if since_ms is None:
        empty = "SELECT id FROM panes WHERE id = coalesce(?, id) AND ? IS NOT NULL"
    for (pane,) in connection.execute(empty, (number, since)).fetchall():
        _forget_pane(connection, pane)
    connection.execute("DELETE FROM muxes WHERE id NOT IN (SELECT mux FROM panes)")
    return rows


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
    grown = connection.execute(
        "UPDATE gaps SET missing = missing + ? WHERE pane = ? AND reason = ? AND row + missing = ? RETURNING id",
        (rows, chunk.pane, GapReason.FORGOTTEN.value, first),
    ).fetchone()
    if grown is None:
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
    connection.execute("DELETE FROM panes WHERE id = ? AND NOT alive", (pane,))
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
    await database.run(lambda connection: merge(connection, -MERGE_PAGES))
    while await database.run(lambda connection: merge(connection, MERGE_PAGES)):
        pass
    deadline = time.monotonic() + within_s
    while not await database.run(_truncate_log):
        if time.monotonic() > deadline:
            raise StoreLockedError(
                "the rows are deleted, but a reader still looks at the old state, and keeps it in the write-ahead log",
                next_step="End what reads the database (`wa export`, a sqlite3 shell) and forget once more.",
                details={"path": str(database.path)},
            )
        await asyncio.sleep(RETRY_S)


def merge(connection: sqlite3.Connection, pages: int) -> bool:
    """One step towards an index of one segment; a negative number begins it. Is there more to do?"""
    before = connection.total_changes
    transaction(
        connection,
        lambda: connection.execute("INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('merge', ?)", (pages,)),
    )
    return connection.total_changes - before >= 2


def _truncate_log(connection: sqlite3.Connection) -> bool:
    """Write the log back and cut it off; False where a reader is in the way. Writes must not wait for that reader."""
    (timeout_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(timeout_ms)}")
    return not busy
