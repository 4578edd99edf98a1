"""Work on the connection's thread: in order, told to whoever asked, and few hops for much work."""

import asyncio
import random
import sqlite3
import threading

import pytest

from wa.model.errors import StoreError
from wa.store.connection import Database
from wa.store.errors import StoreClosedError


def play(tmp_path, scenario):
    async def inside():
        database = await Database.open_writer(tmp_path / "wa.db", busy_timeout_ms=1000)
        try:
            async with asyncio.timeout(30):
                return await scenario(database)
        finally:
            await database.close()

    return asyncio.run(inside())


def test_what_is_asked_in_one_turn_goes_in_one_hop_and_in_order(tmp_path, monkeypatch):
    """A hundred pieces of work call the thread once."""

    async def scenario(database):
        calls, order = [], []
        monkeypatch.setattr(database, "_work_off", lambda work=database._work_off: (calls.append(1), work())[1])
        said = await asyncio.gather(
            *(database.run(lambda _, number=number: order.append(number) or number) for number in range(100))
        )
        assert said == order == list(range(100))
        assert len(calls) == 1

    play(tmp_path, scenario)


def test_what_fails_is_told_to_whoever_asked_for_it(tmp_path):
    """The others have their answers, and the thread goes on."""

    async def scenario(database):
        said = await asyncio.gather(
            database.run(lambda _: 1),
            database.run(lambda connection: connection.execute("no sql")),
            database.run(lambda _: {}["x"]),
            database.run(lambda _: 2),
            return_exceptions=True,
        )
        assert (said[0], said[3]) == (1, 2)
        assert isinstance(said[1], StoreError)
        assert isinstance(said[2], KeyError)
        assert await database.run(lambda connection: connection.execute("SELECT 3").fetchone()) == (3,)

    play(tmp_path, scenario)


def test_an_answer_waits_for_no_work_that_comes_after(tmp_path):
    """What is done is told though the next piece of the same hop takes long."""

    async def scenario(database):
        go_on = threading.Event()
        first = asyncio.ensure_future(database.run(lambda _: "first"))
        second = asyncio.ensure_future(database.run(lambda _: go_on.wait(20)))
        try:
            assert await first == "first"
            assert not second.done()
        finally:
            go_on.set()
        assert await second

    play(tmp_path, scenario)


def test_work_is_done_though_nobody_waits_any_more(tmp_path):
    """Whoever is cancelled has asked all the same; closing comes after what was asked, and nothing after that."""
    done = []

    async def scenario(database):
        asked = asyncio.ensure_future(database.run(lambda _: done.append("cancelled")))
        await asyncio.sleep(0)
        asked.cancel()
        last = asyncio.ensure_future(database.run(lambda _: done.append("last") or "told"))
        await asyncio.sleep(0)
        await database.close()
        assert done == ["cancelled", "last"]
        assert await last == "told"
        with pytest.raises(StoreClosedError):
            await database.run(lambda _: done.append("too late"))

    play(tmp_path, scenario)


@pytest.mark.parametrize("seed", range(5))
def test_no_answer_is_lost_however_asking_and_answering_fall_together(tmp_path, seed):
    """Twenty who ask at odd moments, some of them slow: each gets its own answers, in the order of its questions."""
    rng = random.Random(seed)

    async def scenario(database):
        async def asks(name):
            for number in range(100):
                pause_s = rng.choice((0.0, 0.0, 0.0, 0.0002))

                def work(connection: sqlite3.Connection, number=number, pause_s=pause_s):
                    if pause_s:
                        threading.Event().wait(pause_s)
                    return name, number

                assert await database.run(work) == (name, number)
                if rng.random() < 0.3:
                    await asyncio.sleep(rng.choice((0, 0.0005)))

        async with asyncio.TaskGroup() as group:
            for name in range(20):
                group.create_task(asks(name))

    play(tmp_path, scenario)
