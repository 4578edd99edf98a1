"""Forgetting is for good: no byte of it in any file, and the rest as it was."""

import asyncio
import sqlite3

import pytest

from store.world import MUX, Log, everything_in, new_log, opened, pane, run, screen, texts_of
from wa.model.errors import NotFound, UsageError
from wa.model.log import Gap, GapReason
from wa.store import writer as writer_module
from wa.store.errors import StoreLockedError
from wa.store.records import LogRow

WORDS = ["zebracorn", "quillwort", "marzipanic"]


async def fill(log: Log, word: str, count: int = 150) -> None:
    """In captures of several sizes, so that chunks are whole, cut and open."""
    for size in (1, 7, 40, count - 48):
        await log.add(*(f"{word} row {number} of the filling" for number in range(size)))


def test_of_a_pane_nothing_stays_in_any_file(tmp_path):
    """Not in rows, index, screen, log or free pages, while the writer runs; other panes keep all of theirs."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            kept, gone = await new_log(writer, 1), await new_log(writer, 2)
            for log, word in ((kept, "quillwort"), (gone, "zebracorn"), (kept, "marzipanic"), (gone, "zebracorn")):
                await fill(log, word)
            await gone.add("zebracorn last", screen=screen("zebracorn on the screen"))
            before = everything_in(tmp_path).count(b"zebracorn")
            rows = await writer.forget(pane_uid=gone.uid)
            found = everything_in(tmp_path)
            record = await reader.pane(gone.uid)
            others = (await reader.search("quillwort", limit=500)).hits + (
                await reader.search("marzipanic", limit=500)
            ).hits
            none = (await reader.search("zebracorn")).hits, await reader.log(gone.uid), len(await reader.screens())
            return before > 300, rows, found, record, len(others), none, (await reader.health()).trouble

    before, rows, found, record, others, none, trouble = run(test)

    assert (before, rows) == (True, 301)
    assert b"zebracorn" not in found
    assert b"ebracor" not in found
    assert b"quillwort" in found
    assert (record.rows_stored, record.gaps, record.rows_lost) == (0, 0, 0)
    assert (others, none, trouble) == (300, ((), [], 0), None)


@pytest.mark.parametrize("named", [True, False])
def test_rows_forgotten_in_many_steps_leave_one_gap(tmp_path, named):
    """However many chunks they were; what is captured afterwards goes on behind it."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            for turn in range(40):
                await log.add(*(f"row {turn} {number}" for number in range(70)), at_ms=turn)
            rows = await writer.forget(pane_uid=log.uid if named else None, since_ms=10)
            await log.add("after", at_ms=50)
            found = await reader.log(log.uid, tail=2)
            return rows, [entry for entry in await reader.log(log.uid) if isinstance(entry, Gap)], texts_of(found)

    rows, gaps, texts = run(test)

    assert rows == 2100
    assert gaps == [Gap(700, 2100, GapReason.FORGOTTEN, 10)]
    assert texts == ["row 9 69", "after"]


def test_since_an_instant_nothing_stays_and_what_was_before_does(tmp_path):
    """A gap tells how many rows are gone; a chunk over the instant keeps its older rows and is still found by them."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            one, two = await new_log(writer, 1), await new_log(writer, 2)
            for log in (one, two):
                await log.add(*(f"quillwort {number}" for number in range(30)), at_ms=1000)
                await log.add(*(f"zebracorn {number}" for number in range(100)), at_ms=2000)
            await two.add("zebracorn last", at_ms=2001, screen=screen("zebracorn", at_ms=2001))
            rows = await writer.forget(since_ms=2000)
            await one.add("after", at_ms=3000)
            found = everything_in(tmp_path)
            logs = [await reader.log(log.uid) for log in (one, two)]
            records = [await reader.pane(log.uid) for log in (one, two)]
            return rows, found, logs, records, len((await reader.search("quillwort", limit=100)).hits)

    rows, found, logs, records, hits = run(test)

    assert rows == 201
    assert b"zebracorn" not in found
    assert [len(texts_of(log)) for log in logs] == [31, 30]
    assert logs[0][30:] == [Gap(30, 100, GapReason.FORGOTTEN, 2000), LogRow(130, "after", False, 3000, "output")]
    assert logs[1][30:] == [Gap(30, 101, GapReason.FORGOTTEN, 2000)]
    assert [(one.rows_stored, one.rows_lost, one.gaps) for one in records] == [(31, 0, 1), (30, 0, 1)]
    assert hits == 60


def test_one_pane_since_an_instant(tmp_path):
    """Both limits together; other panes keep what is as new."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            one, two = await new_log(writer, 1), await new_log(writer, 2)
            for log in (one, two):
                await log.add("old", at_ms=1000)
                await log.add("new", at_ms=2000)
            rows = await writer.forget(pane_uid=one.uid, since_ms=1500)
            return rows, texts_of(await reader.log(one.uid)), texts_of(await reader.log(two.uid))

    assert run(test) == (1, ["old"], ["old", "new"])


def test_a_live_pane_goes_on_where_its_tracker_is(tmp_path):
    """Its positions go on; the ones that were forgotten are a gap, and no rows count as lost."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add(*(f"row {number}" for number in range(90)), checkpoint=b"90")
            await writer.forget(pane_uid=log.uid)
            await log.add("goes on")
            record = await reader.pane(log.uid)
            return await reader.log(log.uid), record.rows_stored, record.rows_lost, record.next_row

    found, *counts = run(test)

    assert found == [Gap(0, 90, GapReason.FORGOTTEN, 1002), LogRow(90, "goes on", False, 1002, "output")]
    assert counts == [1, 0, 91]


def test_of_a_closed_pane_not_even_the_name_stays(tmp_path):
    """Title and directory are gone with its output, and so is a mux that has no other pane."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            mux = MUX._replace(socket="/run/zebracorn")
            log = await new_log(writer, 1, mux, title="zebracorn", cwd="file:///zebracorn")
            await new_log(writer, 2)
            await log.add("zebracorn")
            await writer.close_panes([log.uid], 5)
            await writer.forget(pane_uid=log.uid)
            with pytest.raises(NotFound):
                await reader.pane(log.uid)
            return everything_in(tmp_path), [one.pane_uid for one in await reader.panes()]

    found, panes = run(test)

    assert b"zebracorn" not in found
    assert panes == ["p2"]


def test_panes_that_began_after_the_instant_go_altogether(tmp_path):
    """Forgetting the last hour leaves no trace of what began in it and has ended."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            await new_log(writer, 1)
            uid = await writer.pane_uid(MUX, pane(2, title="zebracorn"), 5000)
            log = Log(writer, uid)
            await log.add("zebracorn", at_ms=5001)
            await writer.close_panes([uid], 5002)
            await writer.forget(since_ms=4000)
            return everything_in(tmp_path), [one.pane_uid for one in await reader.panes()]

    found, panes = run(test)

    assert b"zebracorn" not in found
    assert panes == ["p1"]


def test_captures_go_on_meanwhile(tmp_path):
    """Forgetting a large pane is many small transactions; what others print is stored in between, and none is lost."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            gone, busy = await new_log(writer, 1), await new_log(writer, 2)
            await gone.add(*(f"zebracorn {number} of many words in a row" for number in range(20_000)))
            during = 0
            async with asyncio.TaskGroup() as group:
                task = group.create_task(writer.forget(pane_uid=gone.uid))
                while not task.done():
                    await busy.add(f"quillwort {during}")
                    during += 1
            return task.result(), during, texts_of(await reader.log(busy.uid)), everything_in(tmp_path)

    rows, during, texts, found = run(test)

    assert rows == 20_000
    assert during > 10
    assert texts == [f"quillwort {number}" for number in range(during)]
    assert b"zebracorn" not in found


def test_a_reader_that_holds_on_to_the_old_state_is_told_of(tmp_path, monkeypatch):
    """The rows are deleted, the error says what keeps their last traces; once more finishes the work."""
    monkeypatch.setattr(writer_module, "FORGET_WITHIN_S", 0.2)

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await fill(log, "zebracorn")
            holder = sqlite3.connect(f"file:{tmp_path / 'wa.db'}?mode=ro", uri=True, isolation_level=None)
            holder.execute("BEGIN")
            holder.execute("SELECT count(*) FROM chunks").fetchall()
            with pytest.raises(StoreLockedError, match="a reader still looks"):
                await writer.forget(pane_uid=log.uid)
            gone = texts_of(await reader.log(log.uid))
            holder.close()
            return gone, await writer.forget(pane_uid=log.uid), everything_in(tmp_path)

    gone, again, found = run(test)

    assert (gone, again) == ([], 0)
    assert b"zebracorn" not in found


def test_forgetting_needs_a_pane_or_an_instant(tmp_path):
    """Everything is never meant by saying nothing; an unknown pane is an error."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, _):
            with pytest.raises(UsageError):
                await writer.forget()
            for uid in ("p99", "17", "p", "p1; DROP TABLE panes"):
                with pytest.raises(NotFound):
                    await writer.forget(pane_uid=uid)

    run(test)
