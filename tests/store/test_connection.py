"""The thread behind a connection: it ends when it should, and says nothing about it."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

from store.world import new_log, opened, run
from wa.model.errors import StoreError
from wa.store.connection import Database
from wa.store.errors import StoreClosedError, StoreMissingError
from wa.store.reader import Reader
from wa.store.writer import Writer

WITHIN_S = 30.0


def ends(condition) -> bool:
    """Within WITHIN_S; looks now and then."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture(autouse=True)
def threads_end():
    """Whatever a test does, no thread outlives it, and none ends in a traceback (pytest raises those)."""
    before = set(threading.enumerate())
    yield
    gc.collect()
    assert ends(lambda: set(threading.enumerate()) <= before), threading.enumerate()


def filled(path: Path) -> Path:
    async def test():
        async with opened(path) as (writer, _):
            await (await new_log(writer)).add("a row")

    run(test)
    return path


@pytest.mark.parametrize("kind", [Reader, Writer])
@pytest.mark.parametrize("what", ["missing", "folder", "text", "nowhere"])
def test_no_thread_is_left_by_an_open_that_fails(tmp_path, what, kind):
    """Whatever is in the way, though the loop ends at once."""
    path = tmp_path / "wa.db"
    if what == "folder":
        path.mkdir(mode=0o700)
    elif what == "text":
        path.write_text("no database, and long enough to be looked at " * 40)
        path.chmod(0o600)
    elif what == "nowhere":
        (tmp_path / "file").write_text("")
        path = tmp_path / "file" / "wa.db"
    elif kind is Writer:
        tmp_path.chmod(0o700)
        (tmp_path / "wa.db").symlink_to(tmp_path / "absent" / "wa.db")

    with pytest.raises(StoreError, match=r"wa\.db"):
        asyncio.run(kind.open(path))


def test_no_thread_is_left_by_an_open_that_is_given_up(tmp_path):
    """At whatever moment: before the thread has begun, while it opens, right after."""
    path = filled(tmp_path / "wa.db")

    async def test(turns):
        opening = asyncio.ensure_future(Reader.open(path))
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        try:
            reader = await opening
        except asyncio.CancelledError:
            return
        await reader.close()

    for turns in range(12):
        asyncio.run(test(turns))


def test_a_call_that_outlives_its_loop_ends_in_silence(tmp_path):
    """The work is done to its end; there is nobody left to tell."""
    path, release, begun, done = filled(tmp_path / "wa.db"), threading.Event(), threading.Event(), []

    async def test():
        database = await Database.open_reader(path)

        def work(_):
            begun.set()
            release.wait(WITHIN_S)
            done.append(True)

        call = asyncio.ensure_future(database.run(work))
        await asyncio.to_thread(begun.wait, WITHIN_S)
        call.cancel()
        return database

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        kept = asyncio.run(test())
        release.set()
        assert ends(lambda: done == [True])
        del kept
        gc.collect()


def test_a_reader_that_nobody_closes_is_closed_when_nobody_holds_it(tmp_path):
    """With a warning; its thread and its file do not stay."""
    path = filled(tmp_path / "wa.db")

    async def test():
        reader = await Reader.open(path)
        await reader.panes()

    with pytest.warns(ResourceWarning, match=r"wa\.db"):
        run(test)


def test_a_process_ends_though_readers_and_writers_are_open(tmp_path):
    """Held by a global, in the middle of a call, after its loop: none keeps the process alive or prints a word."""
    program = f"""
import asyncio, pathlib, threading, time
from wa.store.reader import Reader
from wa.store.writer import Writer
path = pathlib.Path({str(tmp_path / "wa.db")!r})
kept = []
begun = threading.Event()
def work(connection):
    begun.set()
    time.sleep(0.5)
async def main():
    kept.append(await Writer.open(path))
    kept.append(await Reader.open(path))
    kept.append(asyncio.ensure_future(kept[1]._database.run(work)))
    await asyncio.to_thread(begun.wait)
    print("open", flush=True)
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=WITHIN_S)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "open\n", "")


def test_closing_twice_or_from_several_tasks_is_closing_once(tmp_path):
    """And whoever calls afterwards is told that it is closed."""
    path = filled(tmp_path / "wa.db")

    async def test():
        reader = await Reader.open(path)
        await asyncio.gather(reader.close(), reader.close())
        await reader.close()
        with pytest.raises(StoreClosedError, match=r"wa\.db"):
            await reader.panes()

    run(test)


def test_what_waits_when_a_connection_is_closed_is_done_first(tmp_path):
    """Closing is in the line like any other call."""
    path = filled(tmp_path / "wa.db")

    async def test():
        database = await Database.open_reader(path)
        calls = [asyncio.ensure_future(database.run(lambda _, turn=turn: turn)) for turn in range(20)]
        await asyncio.sleep(0)
        await database.close()
        return await asyncio.gather(*calls)

    assert run(test) == list(range(20))


def test_a_missing_database_is_missing_and_not_made(tmp_path):
    """A reader leaves no file, no folder, no log."""
    with pytest.raises(StoreMissingError):
        run(lambda: Reader.open(tmp_path / "wa.db"))

    assert list(tmp_path.iterdir()) == []
