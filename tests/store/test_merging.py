"""Who merges the index, and that a kill does not leave it to nobody."""

import sqlite3

import pytest

from store.world import new_log, opened, run
from wa.store import merging, retention
from wa.store.connection import transaction
from wa.store.schema import let_merge, merges_by_itself


async def fill(writer, number: int, turns: int) -> None:
    log = await new_log(writer, number)
    for turn in range(turns):
        await log.add(*(f"turn {turn} word{turn * 64 + at} and more" for at in range(128)), at_ms=1000 + turn)


def segments(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT count(DISTINCT segid) FROM chunks_fts_idx").fetchone()[0]


@pytest.mark.parametrize("work", ["age", "size", "forget"])
def test_the_index_merges_by_itself_again_after_deleting(tmp_path, work):
    """And not while deleting: no transaction but that of `merge` is to merge."""
    settings = {"retain_age_ms": 5 if work == "age" else None, "retain_bytes": 300_000 if work == "size" else None}
    seen = []

    async def test():
        async with opened(tmp_path / "wa.db", **settings) as (writer, _):
            await fill(writer, 1, 40)
            database, run_one = writer._database, writer._database.run

            async def watched(one):
                seen.append(await run_one(merges_by_itself))
                return await run_one(one)

            database.run = watched
            await (writer.forget(since_ms=1010) if work == "forget" else writer.retain(1040))
            database.run = run_one
            return await database.run(merges_by_itself), await database.run(segments)

    by_itself, left = run(test)

    assert by_itself
    assert left <= 1
    assert False in seen


def test_what_fails_inside_leaves_the_index_merging_by_itself(tmp_path, monkeypatch):
    """Whatever it is that fails."""

    def fail(*_: object) -> None:
        raise RuntimeError("no such luck")

    async def test():
        async with opened(tmp_path / "wa.db", retain_age_ms=5, retain_bytes=None) as (writer, _):
            await fill(writer, 1, 10)
            monkeypatch.setattr(retention, "delete_chunks", fail)
            with pytest.raises(RuntimeError):
                await writer.retain(2000)
            return await writer._database.run(merges_by_itself)

    assert run(test)


def test_a_writer_that_was_killed_while_deleting_leaves_no_trace_after_the_next_start(tmp_path):
    """What it told the index stands in the file."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, _):
            await fill(writer, 1, 2)
            await writer._database.run(
                lambda connection: transaction(connection, lambda: let_merge(connection, by_itself=False))
            )
            before = await writer._database.run(merges_by_itself)
        async with opened(tmp_path / "wa.db") as (writer, _):
            return before, await writer._database.run(merges_by_itself)

    assert run(test) == (False, True)


def test_catching_up_keeps_segments_few(tmp_path):
    """As many as FTS5 keeps by itself, at most."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, _):
            database, counts = writer._database, []
            async with merging.merged_by_hand(database) as merged:
                for number in range(30):
                    await fill(writer, number, 1)
                    await merged.catch_up()
                    counts.append(await database.run(segments))
            return counts

    assert max(run(test)) <= 3 * 4
