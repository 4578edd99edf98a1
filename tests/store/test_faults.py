"""What can be wrong with a database, each with an error that says so and a next step; and nothing is lost by it."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from store.world import new_log, opened, run, texts_of
from wa.model.errors import StoreError
from wa.store import schema
from wa.store.errors import (
    StoreCorruptError,
    StoreForeignError,
    StoreFullError,
    StoreIOError,
    StoreLockedError,
    StoreMissingError,
    StoreModeError,
    StoreNewerError,
    StoreOlderError,
)
from wa.store.reader import Reader
from wa.store.writer import Writer


def fill(path: Path, rows: int = 400) -> None:
    async def test():
        async with opened(path) as (writer, _):
            log = await new_log(writer)
            await log.add(*(f"row number {number} of the filling, with some words" for number in range(rows)))

    run(test)


def refused(path: Path, kind: type[StoreError], *, by: type = Writer) -> StoreError:
    before = path.read_bytes() if path.is_file() else None

    async def test():
        with pytest.raises(kind) as caught:
            await by.open(path)
        return caught.value

    error = run(test)
    assert error.next_step
    assert str(path) in error.message
    assert before is None or before == path.read_bytes()
    return error


def test_a_database_of_a_newer_wa_is_left_alone(tmp_path):
    """Reading it with old eyes could destroy what it holds; the error names both versions."""
    fill(tmp_path / "wa.db")
    with sqlite3.connect(tmp_path / "wa.db") as connection:
        connection.execute(f"PRAGMA user_version = {schema.LATEST + 1}")
    connection.close()

    error = refused(tmp_path / "wa.db", StoreNewerError)
    refused(tmp_path / "wa.db", StoreNewerError, by=Reader)

    assert error.code == "store.newer"
    assert error.details["schema"] == schema.LATEST + 1


def test_a_database_of_another_program_is_left_alone(tmp_path):
    """Its tables are not ours to add to."""
    connection = sqlite3.connect(tmp_path / "wa.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    (tmp_path / "wa.db").chmod(0o600)

    assert refused(tmp_path / "wa.db", StoreForeignError).code == "store.foreign"


def test_a_reader_does_not_migrate(tmp_path):
    """It says that a sidecar must run once."""
    fill(tmp_path / "wa.db")
    with sqlite3.connect(tmp_path / "wa.db") as connection:
        connection.execute("PRAGMA user_version = 0")
    connection.close()

    assert refused(tmp_path / "wa.db", StoreOlderError, by=Reader).code == "store.older"


def test_no_database_yet_is_told_from_a_broken_one(tmp_path):
    """A reader makes none."""
    assert refused(tmp_path / "wa.db", StoreMissingError, by=Reader).code == "store.missing"
    assert not (tmp_path / "wa.db").exists()


def garble(path: Path, place: slice) -> None:
    data = bytearray(path.read_bytes())
    data[place] = b"\xa5" * len(data[place])
    path.write_bytes(data)


@pytest.mark.parametrize(
    "place",
    [slice(0, 16), slice(0, 100), slice(8192, 16384), slice(16384, 60_000), slice(100, None)],
    ids=["magic", "header", "second page", "some pages", "all but the header"],
)
def test_a_damaged_file_is_named_and_kept(tmp_path, place):
    """Not a byte of it is changed; the next step says how to put it aside."""
    fill(tmp_path / "wa.db", 3000)
    garble(tmp_path / "wa.db", place)

    error = refused(tmp_path / "wa.db", StoreCorruptError)

    assert error.code == "store.corrupt"
    assert "mv " in error.next_step


def test_a_file_that_was_cut_off_is_damaged(tmp_path):
    """As by a copy that did not end."""
    fill(tmp_path / "wa.db", 3000)
    os.truncate(tmp_path / "wa.db", 8192 * 5)

    refused(tmp_path / "wa.db", StoreCorruptError)


def test_damage_that_shows_while_running_is_told_and_the_writer_stays(tmp_path):
    """What meets it fails with the same error; closing still works."""
    path = tmp_path / "wa.db"
    fill(path, 3000)

    async def test():
        async with opened(path) as (writer, _):
            garble(path, slice(8192, None))
            await writer._database.run(lambda connection: connection.execute("PRAGMA shrink_memory").fetchall())
            with pytest.raises(StoreCorruptError, match="is damaged"):
                await writer.forget(pane_uid="p1")

    run(test)


@pytest.mark.parametrize("name", ["wa.db", "wa.db-wal"])
def test_a_file_that_others_can_read_is_refused(tmp_path, name):
    """What is in it may be known by now; the user must hear of that."""
    fill(tmp_path / "wa.db")
    (tmp_path / name).touch()
    (tmp_path / name).chmod(0o644)

    async def test():
        with pytest.raises(StoreModeError, match="mode 644") as caught:
            await Writer.open(tmp_path / "wa.db")
        return caught.value

    assert "chmod 600" in run(test).next_step


def test_a_place_where_nothing_can_be_made_is_named(tmp_path):
    """A file where the folder should be, for one."""
    (tmp_path / "file").touch()

    assert refused(tmp_path / "file" / "wa.db", StoreIOError).code == "store.io"


def test_while_another_program_holds_the_database_a_capture_fails_and_can_be_repeated(tmp_path):
    """Nothing of it is stored; after the lock is gone the same call stores it once."""
    path = tmp_path / "wa.db"

    async def test():
        async with opened(path, busy_timeout_ms=50) as (writer, reader):
            log = await new_log(writer)
            await log.add("before")
            holder = sqlite3.connect(path, isolation_level=None)
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreLockedError) as caught:
                await log.add("during", checkpoint=b"cp")
            readable = texts_of(await reader.log(log.uid))
            holder.execute("ROLLBACK")
            holder.close()
            await log.add("during", checkpoint=b"cp")
            return caught.value.code, readable, texts_of(await reader.log(log.uid)), await reader.checkpoint(log.uid)

    assert run(test) == ("store.locked", ["before"], ["before", "during"], b"cp")


def test_a_full_disk_fails_captures_whole_and_is_got_over(tmp_path):
    """A limit on pages stands for the disk; once it is lifted the same capture goes in, once."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add("before", checkpoint=b"1")
            database = writer._database
            pages = await database.run(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
            await database.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 4}").fetchall())
            big = [f"row {number} " + "x" * 70 for number in range(5000)]
            with pytest.raises(StoreFullError) as caught:
                await log.add(*big, checkpoint=b"2")
            during = texts_of(await reader.log(log.uid)), await reader.checkpoint(log.uid)
            await database.run(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchall())
            await log.add(*big, checkpoint=b"2")
            after = texts_of(await reader.log(log.uid)), await reader.checkpoint(log.uid)
            return caught.value.code, during, after == (["before", *big], b"2"), (await reader.health()).trouble

    assert run(test) == ("store.full", (["before"], b"1"), True, None)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", "size=3m,mode=700", "tmpfs", str(folder)]
        mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    if not mounted:
        pytest.skip("needs root and a mount namespace in which tmpfs can be mounted")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_for_real(small_disk):
    """What was reported stored is there; what was not is not; with room again it goes on."""

    async def until_full(log):
        while True:
            await log.add(*(f"row {log.next_row + at} " + "x" * 60 for at in range(200)))

    async def test():
        async with opened(small_disk / "wa.db", busy_timeout_ms=100) as (writer, reader):
            log = await new_log(writer)
            with pytest.raises(StoreError) as caught:
                await until_full(log)
            stored = log.next_row
            found = len(texts_of(await reader.log(log.uid)))
            grown = await asyncio.create_subprocess_exec("mount", "-o", "remount,size=16m", str(small_disk))
            assert await grown.wait() == 0
            await log.add(*(f"row {log.next_row + at} " + "x" * 60 for at in range(200)))
            texts = texts_of(await reader.log(log.uid))
            return caught.value.code, stored > 400, found == stored, [int(text.split()[1]) for text in texts]

    code, some, same, numbers = run(test)

    assert (code, some, same) == ("store.full", True, True)
    assert numbers == list(range(len(numbers)))


def test_the_writer_survives_being_opened_while_another_program_writes(tmp_path):
    """It waits for the lock within its time, then opens."""
    path = tmp_path / "wa.db"
    fill(path)

    async def test():
        holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.2, holder.execute, "ROLLBACK")
        async with opened(path, busy_timeout_ms=5000) as (writer, reader):
            log = await new_log(writer)
            holder.close()
            return len(await reader.log(log.uid))

    assert run(test) == 400
