"""Age and size are both kept, oldest first, without holding up writes."""

import asyncio
import time

import pytest

from store.world import MUX, Log, new_log, opened, pane, run, texts_of
from wa.model.log import Gap, GapReason
from wa.store import forgetting, merging, retention, thread_side
from wa.store.chunks import MAX_ROWS
from wa.store.connection import transaction
from wa.store.records import Capture

LONG = "some words that make a row of ordinary length, number"


async def days(log: Log, count: int, rows: int = 130) -> None:
    for day in range(count):
        await log.add(*(f"day {day} {LONG} {number}" for number in range(rows)), at_ms=day * 1000)


def test_what_is_too_old_goes_and_the_rest_stays(tmp_path):
    """By chunks: a chunk goes once its newest row is too old."""

    async def test():
        async with opened(tmp_path / "wa.db", retain_age_ms=5000, retain_bytes=None) as (writer, reader):
            log = await new_log(writer)
            await days(log, 10)
            done = await writer.retain(10_000)
            record = await reader.pane(log.uid)
            texts = texts_of(await reader.log(log.uid))
            hits = await reader.search("day 4 length", limit=5), await reader.search("day 9 length", limit=5)
            return done, record, texts, [len(found.hits) for found in hits]

    done, record, texts, hits = run(test)

    assert texts[-1].startswith("day 9")
    assert texts[0].startswith(("day 4", "day 5"))
    assert done.rows + len(texts) == 1300
    assert (record.rows_stored, record.first_row, record.next_row) == (len(texts), 1300 - len(texts), 1300)
    assert record.rows_lost == 0
    assert hits == [len([t for t in texts if t.startswith("day 4")][:5]), 5]


def test_gaps_and_closed_panes_go_with_their_rows(tmp_path):
    """A gap in front of the oldest row tells nothing any more; a closed pane without rows is dropped."""

    async def test():
        async with opened(tmp_path / "wa.db", retain_age_ms=5000, retain_bytes=None) as (writer, reader):
            log, closed = await new_log(writer, 1), await new_log(writer, 2)
            await days(closed, 1)
            await writer.close_panes([closed.uid], 100)
            await days(log, 2)
            await writer.capture([Capture(log.uid, (), (Gap(log.next_row, 7, GapReason.TRIMMED, 1500),))])
            log.next_row += 7
            await log.add(*(f"new {number}" for number in range(70)), at_ms=9000)
            done = await writer.retain(10_000)
            return done, await reader.panes(), await reader.log(log.uid)

    done, panes, found = run(test)

    assert (done.rows, done.panes) == (390, 1)
    assert [(one.pane_uid, one.gaps, one.rows_lost, one.rows_stored) for one in panes] == [("p1", 0, 0, 70)]
    assert all(not isinstance(entry, Gap) for entry in found)


def test_the_file_shrinks_below_the_limit(tmp_path):
    """Oldest first over all panes; the newest rows stay and can be found."""
    limit = 3_000_000

    async def test():
        async with opened(tmp_path / "wa.db", retain_age_ms=None, retain_bytes=limit) as (writer, reader):
            logs = [await new_log(writer, number) for number in range(3)]
            for turn in range(60):
                for log in logs:
                    texts = (f"turn {turn} word{(turn * 7919 + at) % 5000} {LONG} {at}" for at in range(500))
                    await log.add(*texts, at_ms=turn * 10)
            before = (tmp_path / "wa.db").stat().st_size
            done = await writer.retain(10_000)
            health = await reader.health()
            newest = [texts_of(await reader.log(log.uid, tail=1)) for log in logs]
            firsts = [(await reader.pane(log.uid)).first_row for log in logs]
            found = await reader.search("turn 59", limit=1000)
            return before, done, health, newest, firsts, len(found.hits)

    before, done, health, newest, firsts, hits = run(test)

    assert before > 2 * limit
    assert limit * 0.5 < done.bytes <= limit
    assert done.bytes == health.bytes
    assert health.trouble is None
    assert done.rows + health.rows == 90_000
    assert all(text.startswith("turn 59") for (text,) in newest)
    assert max(firsts) - min(firsts) < 1500
    assert hits == 1000


def test_writes_go_on_between_its_steps(tmp_path):
    """The median wait of a capture stays far below a step's length many times over."""

    async def test():
        async with opened(tmp_path / "wa.db", retain_age_ms=None, retain_bytes=1_000_000) as (writer, reader):
            log, busy = await new_log(writer, 1), await new_log(writer, 2)
            for turn in range(40):
                await log.add(*(f"turn {turn} {LONG} {at}" for at in range(1000)))
            waits = []
            async with asyncio.TaskGroup() as group:
                task = group.create_task(writer.retain(10_000))
                while not task.done():
                    begun = time.monotonic()
                    await busy.add("busy")
                    waits.append(time.monotonic() - begun)
            return waits, texts_of(await reader.log(busy.uid))

    waits, texts = run(test)

    assert len(texts) == len(waits) > 20
    assert sorted(waits)[len(waits) // 2] < 0.1


def test_nothing_to_do_does_nothing(tmp_path):
    """Within both limits, or without any."""

    async def test():
        results = []
        for settings in ({}, {"retain_age_ms": None, "retain_bytes": None}):
            async with opened(tmp_path / "wa.db", **settings) as (writer, reader):
                uid = await writer.pane_uid(MUX, pane(), 1)
                if not results:
                    await Log(writer, uid).add("text")
                results.append((await writer.retain(5000), texts_of(await reader.log(uid))))
        return results

    for done, texts in run(test):
        assert (done.rows, done.panes, texts) == (0, 0, ["text"])
        assert done.bytes > 0


def test_chunks_that_stay_open_for_long_are_closed(tmp_path):
    """So that what a search has to read beside the index stays small; a pane that goes on begins a new one."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            logs = [await new_log(writer, number) for number in range(40)]
            for log in logs:
                await log.add("early words", at_ms=1000)
            await logs[0].add("later", at_ms=2_000_000)
            await logs[0].add("later still", at_ms=2_000_001)
            await logs[0].add("and later", at_ms=2_000_002)
            database = writer._database
            count = "SELECT count(*) FROM open_chunks"
            left = await database.run(lambda connection: connection.execute(count).fetchone()[0])
            return left, len((await reader.search("early", limit=100)).hits), texts_of(await reader.log("p1"))

    assert run(test) == (1, 40, ["early words", "later", "later still", "and later"])


@pytest.mark.parametrize(
    "query",
    [retention.BY_AGE, retention.BY_SIZE, forgetting.SINCE, forgetting.OF_PANE],
    ids=["age", "size", "since", "pane"],
)
def test_what_is_to_be_deleted_is_found_without_looking_at_the_rest(tmp_path, query):
    """By an index and in its order: neither a scan nor a sort, also when there is nothing to find."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, _):
            plan = f"EXPLAIN QUERY PLAN {query}"
            values = (1,) * query.count("?")
            return await writer._database.run(lambda connection: connection.execute(plan, values).fetchall())

    steps = [detail for *_, detail in run(test)]

    assert all("SEARCH chunks" in step for step in steps)


class Work:
    """What each write transaction of retention and of forgetting does, told by SQLite and not by a clock."""

    def __init__(self, monkeypatch) -> None:
        self.instructions: list[int] = []
        self.rows: list[int] = []
        for module in (retention, merging, thread_side):
            monkeypatch.setattr(module, "transaction", self._transaction)

    def _transaction(self, connection, work):
        count = [0]

        def tick() -> bool:
            count[0] += 100
            return False

        def stored() -> int:
            return connection.execute("SELECT coalesce(sum(rows_stored), 0) FROM panes").fetchone()[0]

        before = stored()
        connection.set_progress_handler(tick, 100)
        try:
            return transaction(connection, work)
        finally:
            connection.set_progress_handler(None, 0)
            self.instructions.append(count[0])
            self.rows.append(before - stored())


@pytest.mark.parametrize("how", ["age", "age, nothing old", "size", "forget since", "forget a pane", "both", "nothing"])
def test_no_step_does_more_because_more_is_stored(tmp_path, monkeypatch, how):
    """Neither rows deleted nor instructions of SQLite under one write lock grow with the database."""
    deletes = how in ("age", "size", "forget since", "forget a pane", "both")

    async def test(rows: int) -> Work:
        path = tmp_path / f"{rows}.db"
        async with opened(path) as (writer, _):
            log, other = await new_log(writer, 1), await new_log(writer, 2)
            for turn in range(rows // 1000):
                for one in (log, other):
                    texts = (f"turn {turn} w{(turn * 7919 + at) % 997} {LONG} {at}" for at in range(500))
                    await one.add(*texts, at_ms=turn)
        last, size = rows // 1000, path.stat().st_size
        settings = {"retain_age_ms": None, "retain_bytes": None}
        if how.startswith("age"):
            settings["retain_age_ms"] = last // 2 if how == "age" else last
        elif how == "size":
            settings["retain_bytes"] = size // 2
        async with opened(path, **settings) as (writer, _):
            with monkeypatch.context() as patching:
                work = Work(patching)
                if how == "forget since":
                    await writer.forget(since_ms=last // 2)
                elif how == "forget a pane":
                    await writer.forget(pane_uid="p1")
                elif how == "both":
                    await writer.forget(pane_uid="p1", since_ms=last // 2)
                elif how == "nothing":
                    await writer.forget(since_ms=last + 1)
                else:
                    await writer.retain(last)
        return work

    small, large = run(lambda: test(8_000)), run(lambda: test(64_000))

    assert (sum(large.rows) > 4 * sum(small.rows)) if deletes else sum(large.rows) == 0
    assert max(large.rows) <= retention.MAX_STEP * MAX_ROWS
    assert max(large.instructions) < 4 * max(small.instructions) + 2000
