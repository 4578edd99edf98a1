"""Keeping within age and size: oldest first, in steps short enough for writes to go on in between."""

from __future__ import annotations

import sqlite3
import time
from functools import partial

from wa.model.log import GapReason
from wa.store import acting_upkeep, agent_upkeep, command_writing, run_upkeep
from wa.store.commit import delete_chunks
from wa.store.connection import Database, transaction
from wa.store.merging import merge_all, merged_by_hand, write_back
from wa.store.records import Retained, StoreSettings

STEP_S = 0.01
"""What a step aims at; the next takes more or fewer chunks."""
FIRST_STEP = 8
MAX_STEP = 64
PANES_AT_ONCE = 64
VACUUM_PAGES = 64
SLACK = 0.9
"""Down to this share of the limit, so that the index need not be merged again at once."""
ROUNDS = 8

BY_AGE = """
SELECT id, pane, text, row_count, first_row + row_count FROM chunks INDEXED BY chunks_time
WHERE last_ms < ? ORDER BY last_ms, first_ms LIMIT ?
"""
BY_SIZE = "SELECT id, pane, text, row_count, first_row + row_count FROM chunks WHERE id >= ? ORDER BY id LIMIT ?"


class _Step:
    """Deletes the oldest chunks that *query* finds, as many at a time as STEP_S allows."""

    def __init__(self, query: str, value: int) -> None:
        self._query = query
        self._value = value
        self._at_once = FIRST_STEP
        self.rows = 0

    def __call__(self, connection: sqlite3.Connection, at_most: int = MAX_STEP) -> int:
        """How many chunks are gone."""
        begun = time.monotonic()
        count = transaction(connection, lambda: self._delete(connection, min(self._at_once, at_most)))
        took = max(time.monotonic() - begun, 0.0001)
        self._at_once = max(1, min(MAX_STEP, int(self._at_once * min(2.0, STEP_S / took))))
        return count

    def _delete(self, connection: sqlite3.Connection, count: int) -> int:
        found = connection.execute(self._query, (self._value, count)).fetchall()
        delete_chunks(connection, [(number, pane, text) for number, pane, text, _, _ in found])
        ends: dict[int, tuple[int, int]] = {}
        for _, pane, _, rows, end in found:
            gone, before = ends.get(pane, (0, 0))
            ends[pane] = gone + rows, max(end, before)
            self.rows += rows
        for pane, (rows, end) in ends.items():
            _cut_front(connection, pane, rows, end)
        return len(found)


def _cut_front(connection: sqlite3.Connection, pane: int, rows: int, end: int) -> None:
    """The pane's log begins at *end* or later now."""
    gone = connection.execute(
        "DELETE FROM gaps WHERE pane = ? AND row <= ? RETURNING missing, reason", (pane, end)
    ).fetchall()
    connection.execute(
        "DELETE FROM cwds WHERE pane = ?1 AND row < (SELECT max(row) FROM cwds WHERE pane = ?1 AND row <= ?2)",
        (pane, end),
    )
    lost = sum(missing or 0 for missing, reason in gone if reason != GapReason.FORGOTTEN)
    connection.execute(
        "UPDATE panes SET rows_stored = rows_stored - ?, gaps = gaps - ?, rows_lost = rows_lost - ? WHERE id = ?",
        (rows, len(gone), lost, pane),
    )


async def retain(database: Database, settings: StoreSettings, now_ms: int) -> Retained:
    rows = panes = 0
    if settings.retain_age_ms is not None:
        by_age = _Step(BY_AGE, now_ms - settings.retain_age_ms)
        async with merged_by_hand(database) as merging:
            while await database.run(by_age):
                await merging.catch_up()
        rows += by_age.rows
        while await database.run(partial(_drop_said, before_ms=now_ms - settings.retain_age_ms)):
            pass
        while some := await database.run(partial(_drop_panes, before_ms=now_ms - settings.retain_age_ms)):
            panes += some
        if by_age.rows:
            await _give_back(database)
    if settings.retain_bytes is not None:
        rows += await _shrink(database, settings.retain_bytes)
    return Retained(rows, panes, await database.run(_file_bytes))


async def _shrink(database: Database, limit: int) -> int:
    """Delete the oldest chunks until the file is within *limit*; the rows deleted.

    How much a chunk takes with its part of the index is told by the whole, so the first round comes close.
    """
    rows = 0
    for _ in range(ROUNDS):
        size, chunks = await database.run(_size)
        if size <= limit or not chunks:
            break
        surplus = max(1, int(chunks * (1 - limit * SLACK / size)))
        by_size = _Step(BY_SIZE, 0)
        async with merged_by_hand(database) as merging:
            while surplus > 0 and (gone := await database.run(partial(by_size, at_most=surplus))):
                surplus -= gone
                await merging.catch_up()
        rows += by_size.rows
        while await database.run(_drop_said):
            pass
        await _give_back(database)
    return rows


async def _give_back(database: Database) -> None:
    """Take deleted words out of the index, and free pages out of the file."""
    await merge_all(database)
    while await database.run(_vacuum_step):
        pass
    # The file gets shorter when the write-ahead log is written back; PASSIVE waits for nobody.
    await write_back(database)


def _vacuum_step(connection: sqlite3.Connection) -> int:
    """Some free pages out of the file's end; how many are left."""

    def free() -> int:
        return int(connection.execute("PRAGMA freelist_count").fetchone()[0])

    def step() -> int:
        # The pragma takes one page a call here: Python's sqlite3 does not step through rows without columns.
        for _ in range(min(VACUUM_PAGES, free())):
            connection.execute("PRAGMA incremental_vacuum(1)")
        return free()

    return transaction(connection, step)


def _size(connection: sqlite3.Connection) -> tuple[int, int]:
    """Bytes of the file, and chunks in it."""
    return _file_bytes(connection), int(connection.execute("SELECT count(*) FROM chunks").fetchone()[0])


def _file_bytes(connection: sqlite3.Connection) -> int:
    pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * size)


def _drop_said(connection: sqlite3.Connection, *, before_ms: int | None = None) -> int:
    """Some of what agents said, and of what was done, before *before_ms*, or before the oldest row that is kept; how many records."""

    def work() -> int:
        oldest: int | None = before_ms
        if oldest is None:
            (oldest,) = connection.execute("SELECT first_ms FROM chunks ORDER BY id LIMIT 1").fetchone() or (None,)
        if oldest is None:
            return 0
        drops = (agent_upkeep.drop_old, acting_upkeep.drop_old, run_upkeep.drop_old, command_writing.drop_old)
        return sum(drop(connection, oldest) for drop in drops)

    return transaction(connection, work)


def _drop_panes(connection: sqlite3.Connection, before_ms: int) -> int:
    """Some closed panes of which nothing is left and that were closed before *before_ms*; how many."""

    def work() -> int:
        gone = [
            number
            for (number,) in connection.execute(
                "SELECT id FROM panes WHERE NOT alive AND rows_stored = 0 AND closed_ms < ? LIMIT ?",
                (before_ms, PANES_AT_ONCE),
            ).fetchall()
        ]
        agent_upkeep.drop_panes(connection, gone)
        acting_upkeep.drop_panes(connection, gone)
        run_upkeep.drop_panes(connection, gone)
        command_writing.drop_panes(connection, gone)
        for number in gone:
            for table in ("gaps", "screens", "checkpoints", "cwds", "open_chunks"):
                connection.execute(f"DELETE FROM {table} WHERE pane = ?", (number,))  # noqa: S608 - names from above
            connection.execute("DELETE FROM panes WHERE id = ?", (number,))
        connection.execute("DELETE FROM muxes WHERE id NOT IN (SELECT mux FROM panes)")
        return len(gone)

    return transaction(connection, work)
