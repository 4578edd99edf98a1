"""Migrations: in order, each whole or not at all, with a record of it."""

import sqlite3

import pytest

from store.world import new_log, opened, run
from wa.store.schema import LATEST, MIGRATIONS, Migration, examine, migrate, statements, version_of

TWO = (
    Migration(1, "0001_one.sql", "CREATE TABLE one (x);\nINSERT INTO one VALUES ('a;b');"),
    Migration(2, "0002_two.sql", "CREATE TABLE two (x);\nINSERT INTO nowhere VALUES (1);"),
)


@pytest.fixture
def connection():
    opened = sqlite3.connect(":memory:", isolation_level=None)
    yield opened
    opened.close()


def tables(connection):
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def test_the_shipped_migrations_are_numbered_without_gaps():
    """From 1 on, and the newest is what this wa reads."""
    assert [migration.version for migration in MIGRATIONS] == list(range(1, LATEST + 1))


def test_each_is_applied_once_and_recorded(connection):
    """With its name and the instant; a second run does nothing."""
    first = migrate(connection, 5, TWO[:1])
    again = migrate(connection, 6, TWO[:1])

    assert (first, again) == ([TWO[0]], [])
    assert version_of(connection) == 1
    assert connection.execute("SELECT * FROM migrations").fetchall() == [(1, "0001_one.sql", 5)]
    assert connection.execute("SELECT x FROM one").fetchall() == [("a;b",)]


def test_one_that_fails_leaves_nothing_of_itself(connection):
    """What came before it stays; the database is at the version it had."""
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(connection, 5, TWO)

    assert version_of(connection) == 1
    assert tables(connection) == {"one", "migrations"}
    assert not connection.in_transaction


def test_an_empty_file_is_told_from_a_used_one(connection, tmp_path):
    """Only an empty one may be made wa's."""
    assert examine(connection, tmp_path) is True
    migrate(connection, 5, TWO[:1])

    assert examine(connection, tmp_path) is False


def test_a_script_is_taken_apart_at_its_statements():
    """Semicolons in strings and comments end none."""
    found = list(statements("-- a; b\nCREATE TABLE a (x);\nINSERT INTO a\nVALUES ('y;z');\n"))

    assert [text.split()[-1] for text in found] == ["(x);", "('y;z');"]


def test_a_clean_end_leaves_no_mark_of_use(tmp_path):
    """While a writer runs the file says so, with the machine's boot; after a clean end it does not."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, _):
            await new_log(writer)
            read = "SELECT count(*) FROM meta WHERE key = 'in_use_since_boot'"
            return await writer._database.run(lambda connection: connection.execute(read).fetchone()[0])

    during = run(test)
    connection = sqlite3.connect(tmp_path / "wa.db")
    after = connection.execute("SELECT count(*) FROM meta").fetchone()[0]
    connection.close()

    assert (during, after) == (1, 0)


def test_the_index_is_consistent_with_the_chunks(tmp_path):
    """After captures, closing, forgetting and retention FTS5's own check of external content finds nothing."""

    async def test():
        async with opened(tmp_path / "wa.db", retain_age_ms=1000) as (writer, _):
            logs = [await new_log(writer, number) for number in range(4)]
            for turn in range(30):
                for log in logs:
                    await log.add(*(f"turn {turn} row {number} of café" for number in range(25)), at_ms=turn * 100)
            await writer.forget(pane_uid="p1")
            await writer.forget(since_ms=2500)
            await writer.close_panes(["p2"], 9)
            await writer.retain(2300)
            check = "INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('integrity-check', 1)"
            await writer._database.run(lambda connection: connection.execute(check))

    run(test)
