"""Merging the index's segments, some pages at a time.

Left to itself FTS5 merges in whatever transaction happens to have filled another 64 pages, and then 64 pages for each
level that the index has: the larger the index, the longer that one holds the lock (35 ms at ten million rows). So
where much is deleted it is told not to, and steps of MERGE_PAGES are taken between the other transactions. SQLite is
told not to write its log back after commits either: that too has steps of its own, which need no lock.

A term's list of places is never parted between two steps: of the commonest words it takes some hundred pages at ten
million rows.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator

from wa.store.connection import Database, transaction
from wa.store.schema import let_merge

MERGE_PAGES = 32
"""Of the index, that one step writes."""
STEPS_A_CHECKPOINT = 8
"""After so many steps the log is written back: about as often as SQLite would."""
AUTOCHECKPOINT = 1000
"""Pages of the log after which SQLite writes it back: its default."""


class Merging:
    """The steps, one after the other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._steps = 0

    async def catch_up(self) -> None:
        """Merge what FTS5 would have merged by itself. To be called after each transaction that deletes."""
        while await self._step():
            pass

    async def merge_all(self) -> None:
        """Make one segment of all: that drops the words of what was deleted."""
        await self._database.run(lambda connection: merge(connection, -MERGE_PAGES))
        await self.catch_up()

    async def _step(self) -> bool:
        is_more = await self._database.run(lambda connection: merge(connection, MERGE_PAGES))
        self._steps += 1
        if self._steps % STEPS_A_CHECKPOINT == 0:
            await write_back(self._database)
        return is_more


@contextlib.asynccontextmanager
async def merged_by_hand(database: Database) -> AsyncIterator[Merging]:
    """Inside, nothing else merges segments; after a kill the next start undoes that."""
    await database.run(lambda connection: transaction(connection, lambda: let_merge(connection, by_itself=False)))
    try:
        async with _written_back_by_hand(database):
            yield Merging(database)
    finally:
        await database.run(lambda connection: transaction(connection, lambda: let_merge(connection, by_itself=True)))


@contextlib.asynccontextmanager
async def _written_back_by_hand(database: Database) -> AsyncIterator[None]:
    await database.run(lambda connection: connection.execute("PRAGMA wal_autocheckpoint = 0").fetchall())
    try:
        yield
    finally:
        await database.run(
            lambda connection: connection.execute(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT}").fetchall()
        )
        await write_back(database)


async def merge_all(database: Database) -> None:
    """As `Merging.merge_all`, where nothing else is to be done."""
    async with _written_back_by_hand(database):
        await Merging(database).merge_all()


async def write_back(database: Database) -> None:
    """Pages of the write-ahead log into the file, as far as no reader needs the old ones. Waits for nobody."""
    await database.run(lambda connection: connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())


def merge(connection: sqlite3.Connection, pages: int) -> bool:
    """One step towards an index of one segment; a negative number begins it. Is there more to do?"""
    before = connection.total_changes
    transaction(
        connection,
        lambda: connection.execute("INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('merge', ?)", (pages,)),
    )
    return connection.total_changes - before >= 2
