import asyncio

import pytest

from engine.fakes import FakeServer
from engine.wire import until
from engine.world import play, shell
from wa.engine import feeding as module
from wa.engine.feeding import _order
from wa.model.errors import TerminalUnreachable
from wa.model.observation import RowsRead, ScreenPush
from wa.model.screen import Cursor, Dimensions


def seen(top, *, rows=24, scrollback=None, cols=80, seqno=1):
    dims = Dimensions(cols, rows, rows + top if scrollback is None else scrollback, top, 0)
    return ScreenPush(0, 5, dims, Cursor(0, top), (), (), "", None, seqno, False)


@pytest.mark.parametrize(
    ("push", "read", "order"),
    [
        (seen(9), seen(10), -1),
        (seen(10), seen(10), 1),
        (seen(11), seen(10), 1),
        (seen(0), seen(10), None),
        (seen(10), seen(0), None),
        (seen(0), seen(0), 1),
        (seen(9, cols=40), seen(10), None),
        (seen(9, rows=10, scrollback=19), seen(10), None),
        (seen(3), None, 1),
    ],
)
def test_a_push_around_a_reading_is_older_newer_or_unclear(push, read, order):
    """With history rows only scroll up; another screen or size says nothing about which came last."""
    assert _order(push, read) == order


def feeding(tmp_path, scenario, *panes):
    server = FakeServer()
    for pane in panes:
        server.add(pane)
    return play(tmp_path, scenario, server=server)


def test_a_reading_whose_order_is_unclear_is_made_again(tmp_path):
    """A push of another screen came during it: neither is taken at its word, the screen is read once more."""

    async def scenario(w):
        pane = await w.watched(0)
        gate = w.server.pauses["screen"] = asyncio.Event()
        reading = asyncio.ensure_future(w.session.refresh(pane, 5))
        await until(lambda: w.server.reads.count(("screen", 0)) == 2)
        fake = w.server.panes[0]
        push = fake.push(w.server.clock.now_ms())
        w.server.tell(push._replace(dims=push.dims._replace(physical_top=0, scrollback_rows=4)))
        await asyncio.sleep(0.02)
        gate.set()
        assert await reading
        await until(lambda: w.server.reads.count(("screen", 0)) >= 3)
        assert [row.text for row in pane.screen.rows] == ["old 3", "old 4", "old 5", "$ "]

    feeding(tmp_path, scenario, shell(0, 6))


def test_more_pushes_than_can_be_held_mean_another_reading(tmp_path, monkeypatch):
    """Memory is bounded while a server takes long to answer, and nothing is lost by it."""
    monkeypatch.setattr(module, "MAX_HELD", 5)

    async def scenario(w):
        pane = await w.watched(0)
        gate = w.server.pauses["screen"] = asyncio.Event()
        reading = asyncio.ensure_future(w.session.refresh(pane, 5))
        await until(lambda: w.server.reads.count(("screen", 0)) == 2)
        for n in range(40):
            w.server.print(0, f"line {n}\n")
        await until(lambda: pane.held_too_many)
        assert len(pane.held) == 5
        gate.set()
        assert await reading
        await w.stored("p1", [*(f"old {n}" for n in range(6)), "$ line 0", *(f"line {n}" for n in range(1, 37))])

    feeding(tmp_path, scenario, shell(0, 6))


def test_a_reading_that_fails_is_tried_again_with_pauses(tmp_path, monkeypatch):
    """A server that refuses is not asked in a loop, and what it pushes meanwhile still counts."""
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.02)
    server = FakeServer()
    server.add(shell(0, 3))
    failures = []

    async def scenario(w):
        await until(lambda: len(failures) >= 4)
        assert len(failures) < 12
        w.server.healthy = True
        pane = await w.watched(0)
        assert pane.screen.rows[-1].text == "$ "

    connect = server.connect

    async def connect_to_sick():
        terminal = await connect()
        read = terminal.read_screen

        async def read_screen(pane_id):
            if not getattr(server, "healthy", False):
                failures.append(pane_id)
                raise TerminalUnreachable("no answer to GetLines for 10 s")
            return await read(pane_id)

        terminal.read_screen = read_screen
        return terminal

    server.connect = connect_to_sick
    play(tmp_path, scenario, server=server)


def test_rows_that_cannot_be_read_now_are_read_later(tmp_path, monkeypatch):
    """Each read that the tracker asked for is answered, with a failure if it must be, and asked again."""
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.02)
    server = FakeServer()
    server.add(shell(0, 300))
    refused = []
    connect = server.connect

    async def connect_to_sick():
        terminal = await connect()
        read = terminal.read_rows

        async def read_rows(pane_id, start, stop):
            if len(refused) < 5:
                refused.append(range(start, stop))
                return RowsRead(pane_id, 0, range(start, stop), (), failed="starved")
            return await read(pane_id, start, stop)

        terminal.read_rows = read_rows
        return terminal

    async def scenario(w):
        pane = await w.watched(0)
        await w.stored("p1", [f"old {n}" for n in range(297)])
        assert len(refused) == 5
        assert pane.reads_of_rows == 0

    server.connect = connect_to_sick
    play(tmp_path, scenario, server=server)


def test_reads_that_a_broken_connection_left_open_are_made_on_the_next(tmp_path):
    """In the middle of fetching a long history."""

    async def scenario(w):
        gate = w.server.pauses["rows"] = asyncio.Event()
        await w.watched(0)
        await until(lambda: ("rows", 0) in w.server.reads)
        for _ in range(3):
            w.server.drop()
            await until(lambda: w.session.terminal is None)
            gate.set()
            await until(lambda: w.session.terminal is not None)
        w.server.pauses.clear()
        await w.stored("p1", [f"old {n}" for n in range(4997)])

    feeding(tmp_path, scenario, shell(0, 5000, scrollback=10_000))
