"""What a reader gives, beside a writer and from another process."""

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import wa
from store.world import MUX, new_log, opened, pane, rows, run, screen, texts_of
from wa.model.errors import NotFound, StoreError
from wa.model.log import Gap, GapReason, RowKind, Segment
from wa.model.screen import Row
from wa.protocol.envelope import to_json
from wa.store.reader import Reader
from wa.store.records import Capture, LogRow
from wa.store.schema import LATEST

ENV = {**os.environ, "PYTHONPATH": str(Path(wa.__file__).parents[1])}


def test_a_pane_is_told_with_all_that_is_known_of_it(tmp_path):
    """Names, place, size, and what was stored and lost."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer, 5, title="vim", cwd="file:///src")
            await log.add("a", "b", at_ms=1500)
            await writer.capture([Capture(log.uid, (), (Gap(2, 40, GapReason.TRIMMED, 1600),))])
            return (await reader.panes())[0], await reader.pane(log.uid)

    record, same = run(test)

    assert record == same
    assert record._asdict() == {
        "pane_uid": "p1", "mux": "local", "mux_key": MUX.key, "host": "", "socket": MUX.socket, "pane_id": 5,
        "tab_id": 1, "window_id": 1,
        "title": "vim", "cwd": "file:///src", "workspace": "default", "cols": 80, "rows": 24,
        "alive": True, "source": None, "created_ms": 1000, "closed_ms": None, "first_row": 0, "next_row": 42,
        "rows_stored": 2, "rows_lost": 40, "gaps": 1, "last_output_ms": 1500,
    }  # fmt: skip


def test_the_log_in_parts(tmp_path):
    """From a row on, so many, the newest, since and until: each with its gaps; pages put together are the whole."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            for turn in range(10):
                await log.add(*(f"{turn}.{number}" for number in range(30)), at_ms=turn * 100)
                await writer.capture(
                    [Capture(log.uid, (), (Gap(log.next_row, turn or None, GapReason.ERASED, turn * 100),))]
                )
                log.next_row += turn
            whole = await reader.log(log.uid)
            pages, first = [], 0
            while page := await reader.log(log.uid, first_row=first, limit=7):
                pages += page
                counted = [entry.row for entry in page if isinstance(entry, LogRow)]
                if len(counted) < 7:
                    break
                first = counted[-1] + 1
            return (
                whole,
                pages,
                await reader.log(log.uid, tail=40),
                await reader.log(log.uid, since_ms=300, until_ms=500),
                await reader.log(log.uid, tail=5, until_ms=200),
                await reader.log(log.uid, tail=0),
                await reader.log(log.uid, first_row=10_000),
            )

    whole, pages, tail, middle, earlier, none, beyond = run(test)

    assert len(texts_of(whole)) == 300
    assert pages == whole
    assert texts_of(tail) == texts_of(whole)[-40:]
    assert tail == whole[-len(tail) :]
    assert texts_of(middle) == [f"{turn}.{number}" for turn in (3, 4) for number in range(30)]
    assert [(gap.missing, gap.at_ms) for gap in middle if isinstance(gap, Gap)] == [(3, 300), (4, 400)]
    assert texts_of(earlier) == [f"1.{number}" for number in range(25, 30)]
    assert texts_of(none) == []
    assert beyond == []


def test_the_tail_is_what_a_tracker_needs(tmp_path):
    """The newest rows with their positions and wraps, oldest first; and the last checkpoint."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            nothing = await reader.tail(log.uid, 5), await reader.checkpoint(log.uid)
            await log.add(*(f"row {number}" for number in range(100)), "wrapped\\", "on", checkpoint=b"state")
            return (
                nothing,
                await reader.tail(log.uid, 3),
                len(await reader.tail(log.uid, 400)),
                await reader.checkpoint("p1"),
            )

    assert run(test) == (
        ([], None),
        [Row(99, "row 99"), Row(100, "wrapped", True), Row(101, "on")],
        102,
        b"state",
    )


def test_a_pane_that_does_not_exist_is_an_error(tmp_path):
    """Whatever is asked of it."""

    async def test():
        async with opened(tmp_path / "wa.db") as (_, reader):
            for uid in ("p1", "x", "", "p-1", "p1.5", "p" + "9" * 30):
                for ask in (reader.pane, reader.log, partial(reader.tail, rows=5), reader.checkpoint):
                    with pytest.raises(NotFound):
                        await ask(uid)

    run(test)


def test_only_live_panes_have_a_screen_unless_asked(tmp_path):
    """The last screens of panes that ended unseen are kept apart."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add("x", screen=screen("last"))
            await writer.close_absent(MUX, [], 5)
            return await reader.screens(), [one.screen.rows[0].text for one in await reader.screens(closed=True)]

    assert run(test) == ([], ["last"])


def test_health_counts_and_checks(tmp_path):
    """Sizes of the files as they are, rows and gaps as stored, and the newest commit."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add(*(f"row {number}" for number in range(100)))
            await writer.capture([Capture(log.uid, (), (Gap(100, 1, GapReason.CLOSED, 1),))])
            return await reader.health(), (tmp_path / "wa.db").stat(), (tmp_path / "wa.db-wal").stat()

    health, file, wal = run(test)

    assert (health.rows, health.gaps, health.panes, health.live_panes, health.chunks) == (100, 1, 1, 1, 2)
    assert (health.bytes, health.wal_bytes) == (file.st_size, wal.st_size)
    assert (health.trouble, health.checked, health.schema) == (None, True, LATEST)
    assert abs(health.last_commit_ms - wal.st_mtime * 1000) < 1000


def test_a_reader_can_change_nothing(tmp_path):
    """Not even by mistake."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            await new_log(writer)
            with pytest.raises(StoreError):
                await reader._database.run(lambda connection: connection.execute("DELETE FROM panes"))
            return len(await reader.panes())

    assert run(test) == 1


def test_reading_works_when_no_writer_runs(tmp_path):
    """After a clean end, and after a kill that left a write-ahead log behind."""

    async def fill():
        async with opened(tmp_path / "wa.db") as (writer, _):
            log = await new_log(writer)
            await log.add("closed")

    async def read():
        reader = await Reader.open(tmp_path / "wa.db")
        try:
            return texts_of(await reader.log("p1"))
        finally:
            await reader.close()

    run(fill)
    assert run(read) == ["closed"]
    code = (
        "import asyncio, os, sys; from pathlib import Path; from wa.store.writer import Writer\n"
        "from wa.store.records import Capture; from wa.model.log import Segment; from wa.model.screen import Row\n"
        "async def main():\n"
        "    writer = await Writer.open(Path(sys.argv[1]))\n"
        "    await writer.capture([Capture('p1', (Segment(1, (Row(0, 'killed'),), 5),))])\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "wa.db")], env=ENV, check=False)
    assert (tmp_path / "wa.db-wal").stat().st_size > 0
    assert run(read) == ["closed", "killed"]


def test_export_gives_everything_as_json(tmp_path):
    """Each pane, its rows and gaps in order, its screen; over many pages, with instants as text."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            one, two = await new_log(writer, 1), await new_log(writer, 2)
            await one.add(*(f"row {number}" for number in range(4500)), screen=screen("shown\x00", "é"))
            await writer.capture([Capture(one.uid, (), (Gap(4500, 3, GapReason.TRIMMED, 1600),))])
            await writer.capture([Capture(one.uid, (Segment(4503, rows("page"), 2000, RowKind.SCREEN),))])
            await two.add("of two", at_ms=5000)
            everything = [json.loads(to_json(record)) async for record in reader.export()]
            some = [record async for record in reader.export(panes=["p2"])]
            late = [record["text"] async for record in reader.export(since_ms=1900) if record["type"] == "row"]
            return everything, some, late

    everything, some, late = run(test)

    kinds = [record["type"] for record in everything]
    assert kinds == ["pane", *["row"] * 4500, "gap", "row", "screen", "pane", "row"]
    assert [record["row"] for record in everything[1:4502]] == list(range(4501))
    assert everything[1] == {
        "type": "row", "pane_uid": "p1", "row": 0, "text": "row 0", "wrapped": False, "kind": "output",
        "at": "1970-01-01T00:00:01.001Z",
    }  # fmt: skip
    assert everything[4501] == {
        "type": "gap", "pane_uid": "p1", "row": 4500, "missing": 3, "reason": "trimmed",
        "at": "1970-01-01T00:00:01.600Z",
    }  # fmt: skip
    assert everything[4502]["kind"] == "screen"
    assert everything[4503]["rows"] == [["shown\x00", False], ["é", False]]
    assert [record["type"] for record in some] == ["pane", "row"]
    assert late == ["page", "of two"]


def test_a_copy_is_whole_private_and_never_overwrites(tmp_path):
    """Made beside a running writer; a file that is there stays as it is."""
    target = tmp_path / "copy.db"

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add(*(f"needle {number}" for number in range(200)))
            size = await reader.copy(target)
            await log.add("later")
            with pytest.raises(StoreError, match="exists"):
                await reader.copy(target)
            with pytest.raises(StoreError):
                await reader.copy(tmp_path / "no" / "folder.db")
        copied = await Reader.open(target)
        try:
            return size, texts_of(await copied.log("p1")), len((await copied.search("needle", limit=500)).hits)
        finally:
            await copied.close()

    size, texts, hits = run(test)

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert size == target.stat().st_size
    assert (len(texts), hits) == (200, 200)


def test_another_process_reads_while_this_one_writes(tmp_path):
    """It sees each commit whole, as it comes, and holds nobody up."""
    code = (
        "import asyncio, sys; from pathlib import Path; from wa.store.reader import Reader\n"
        "async def main():\n"
        "    reader = await Reader.open(Path(sys.argv[1])); last = -1\n"
        "    while last < 600:\n"
        "        rows = await reader.log('p1')\n"
        "        assert [row.row for row in rows] == list(range(len(rows))) and len(rows) % 3 == 0, len(rows)\n"
        "        assert len(rows) >= last; last = len(rows)\n"
        "    await reader.close(); print('seen', last)\n"
        "asyncio.run(main())"
    )

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, _):
            log = await new_log(writer)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", code, str(tmp_path / "wa.db"), env=ENV, stdout=-1, stderr=-1
            )
            for turn in range(200):
                await log.add(*(f"{turn}.{number}" for number in range(3)))
            out, err = await asyncio.wait_for(process.communicate(), 60)
            return out.decode(), err.decode()

    out, err = run(test)

    assert (out, err) == ("seen 600\n", "")


def test_numbers_beyond_sqlites_are_no_crash(tmp_path):
    """Bounds from a command line may be anything."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            await (await new_log(writer)).add("text")
            huge = 1 << 90
            return (
                texts_of(await reader.log("p1", since_ms=-huge, until_ms=huge)),
                texts_of(await reader.log("p1", first_row=huge)),
                len((await reader.search("text", since_ms=-huge, until_ms=huge, limit=10**6)).hits),
            )

    assert run(test) == (["text"], [], 1)


def test_the_writer_asks_for_no_more_than_it_is_given(tmp_path):
    """A pane without a directory, a title with anything in it, sizes of nothing."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            odd = pane(2**31, title="a\x00b\ud800\n│é", cwd=None)._replace(cols=0, rows=0, tab_id=-1)
            uid = await writer.pane_uid(MUX, odd, -5)
            record = await reader.pane(uid)
            return record.title, record.cwd, record.pane_id, record.cols, record.created_ms

    assert run(test) == ("a\x00b\ufffd\n│é", None, 2**31, 0, -5)


def test_the_file_is_plain_sqlite(tmp_path):
    """Anybody's SQLite can open it and read the text."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, _):
            await (await new_log(writer)).add(*(f"plain row {number}" for number in range(70)))

    run(test)
    connection = sqlite3.connect(tmp_path / "wa.db")
    (text,) = connection.execute("SELECT text FROM chunks").fetchone()
    connection.close()

    assert text.split("\n")[0] == "plain row 0"
