"""What version the database has, and how it gets to the newest: numbered files, each applied with its record."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from wa.store.errors import StoreForeignError, StoreNewerError, StoreOlderError

_RECORD = """
CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms INTEGER NOT NULL)
"""
APPLICATION_ID = 0x77614442
"""`waDB`, in the file's header."""
_NAME = re.compile(r"(?P<version>\d{4})_[a-z0-9_]+\.sql")


class Migration(NamedTuple):
    version: int
    name: str
    sql: str


def _load() -> tuple[Migration, ...]:
    entries = [(_NAME.fullmatch(entry.name), entry) for entry in files("wa.store").joinpath("migrations").iterdir()]
    found = [Migration(int(name["version"]), entry.name, entry.read_text("utf-8")) for name, entry in entries if name]
    return tuple(sorted(found))


MIGRATIONS = _load()
LATEST = MIGRATIONS[-1].version


def examine(connection: sqlite3.Connection, path: Path) -> bool:
    """Is it an empty file? Refuses a database of another program, and one that a newer wa has written."""
    version = version_of(connection)
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application == APPLICATION_ID:
        if version > LATEST:
            raise StoreNewerError(
                f"{path} was written by a newer wa (schema {version}, this one knows {LATEST})",
                details={"path": str(path), "schema": version, "known": LATEST},
            )
        return False
    if application or version or connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise StoreForeignError(f"{path} is a database of another program", details={"path": str(path)})
    return True


def refuse_older(connection: sqlite3.Connection, path: Path) -> None:
    """A reader cannot migrate."""
    if (version := version_of(connection)) < LATEST:
        raise StoreOlderError(
            f"{path} has schema {version}, this wa reads {LATEST}",
            details={"path": str(path), "schema": version, "known": LATEST},
        )


def version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(
    connection: sqlite3.Connection, now_ms: int, migrations: tuple[Migration, ...] = MIGRATIONS
) -> list[Migration]:
    """Apply what is missing, oldest first; answers with what was applied. One that fails leaves nothing of itself."""
    applied = []
    for migration in migrations:
        if migration.version > version_of(connection):
            _apply(connection, migration, now_ms)
            applied.append(migration)
    return applied


def _apply(connection: sqlite3.Connection, migration: Migration, now_ms: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements(migration.sql):
            connection.execute(statement)
        connection.execute(_RECORD)
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (migration.version, migration.name, now_ms))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {migration.version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def statements(sql: str) -> Iterator[str]:
    """The statements of a script, one at a time: `executescript` would commit before it begins."""
    gathered = ""
    for line in sql.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered
            gathered = ""


def was_closed_cleanly(connection: sqlite3.Connection) -> bool:
    """The last writer closed it, or the machine has run on since: then the system holds all that was written."""
    if version_of(connection) == 0:
        return True
    found = connection.execute("SELECT value FROM meta WHERE key = 'in_use_since_boot'").fetchone()
    return found is None or (found[0] != "" and found[0] == boot_id())


def mark_in_use(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('in_use_since_boot', ?)", (boot_id(),))


def mark_closed(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM meta WHERE key = 'in_use_since_boot'")


AUTOMERGE = 4
"""Segments of one level at which FTS5 begins to merge them by itself: its default."""


def let_merge(connection: sqlite3.Connection, *, by_itself: bool) -> None:
    """Whether FTS5 merges segments of the index within the transactions of others. Kept in the file."""
    connection.execute(
        "INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('automerge', ?)", (AUTOMERGE if by_itself else 0,)
    )


def merges_by_itself(connection: sqlite3.Connection) -> bool:
    """Not so after a writer was killed in the middle of deleting."""
    return connection.execute("SELECT 1 FROM chunks_fts_config WHERE k = 'automerge' AND v = 0").fetchone() is None


def boot_id() -> str:
    """Differs between two starts of the machine; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
