import asyncio
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wire import until
from wa.engine import capture_buffer as module
from wa.engine import tasks
from wa.engine.capture_buffer import CaptureBuffer
from wa.model.errors import StoreError
from wa.model.log import Gap, GapReason, Segment
from wa.model.screen import Cursor, Row, Screen
from wa.store.records import PaneUpdate


class Pane:
    """A pane whose checkpoint is the number of positions its tracker has given out."""

    def __init__(self, uid):
        self.uid, self.next_row, self.screen, self.told = uid, 0, None, []

    def checkpoint(self):
        return str(self.next_row).encode()

    def stored(self, capture):
        self.told.append(capture)

    def print(self, buffer, count, width=10):
        first, self.next_row = self.next_row, self.next_row + count
        rows = tuple(Row(first + n, f"{first + n}".ljust(width, ".")) for n in range(count))
        buffer.put(self, [Segment(first, rows, 5)] if rows else [], [])

    def lose(self, buffer, count):
        first, self.next_row = self.next_row, self.next_row + count
        buffer.put(self, [], [Gap(first, count, GapReason.TRIMMED, 5)])

    def show(self, buffer, text):
        self.screen = Screen(1, 1, 80, 1, (Row(0, text),), Cursor(0, 0), "t", None, None)
        buffer.screen_changed(self)


class Store:
    """Keeps what is committed, and fails as told: `failures` are raised one a call."""

    def __init__(self):
        self.captures, self.commits, self.other, self.failures, self.hold = [], 0, [], [], None
        self.refuses = lambda captures: None

    async def capture(self, captures):
        await self._obey()
        if error := self.refuses(captures):
            raise error
        self.commits += 1
        self.captures += captures

    async def update_panes(self, records):
        await self._obey()
        self.other.append(("update", list(records)))

    async def close_panes(self, uids, at_ms):
        await self._obey()
        self.other.append(("close", list(uids), at_ms))

    async def _obey(self):
        if self.hold is not None:
            await self.hold.wait()
        await asyncio.sleep(0)
        if self.failures and (error := self.failures.pop(0)) is not None:
            raise error

    def of(self, uid):
        return [capture for capture in self.captures if capture.pane_uid == uid]


def covered(captures):
    """Positions stored and positions given up, in order; each once."""
    spans = [(s.first_row, s.first_row + len(s.rows), "rows") for c in captures for s in c.segments]
    spans += [(g.row, g.row + (g.missing or 0), g.reason.value) for c in captures for g in c.gaps]
    return sorted(spans)


def assert_whole(pane, captures):
    at = 0
    for start, stop, _ in covered(captures):
        assert start == at
        at = stop
    assert at == pane.next_row


@asynccontextmanager
async def running(store, *, limit=1 << 26, interval=0.01):
    buffer = CaptureBuffer(store, None, limit_bytes=limit, screen_interval_s=interval)
    task = tasks.spawn(buffer.run(), name="writer")
    try:
        yield buffer
    finally:
        await tasks.cancel([task])


def run(scenario, **options):
    async def inside():
        store = Store()
        async with running(store, **options) as buffer:
            return await asyncio.wait_for(scenario(buffer, store), 20)

    return asyncio.run(inside())


@pytest.fixture(autouse=True)
def short_retries(monkeypatch):
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.001)
    monkeypatch.setattr(module, "RETRY_LIMIT_S", 0.002)


def test_one_commit_serves_many_panes():
    """What comes within the gathering time goes into one call."""

    async def scenario(buffer, store):
        panes = [Pane(f"p{n}") for n in range(20)]
        for pane in panes:
            pane.print(buffer, 3)
        await buffer.flush()
        assert store.commits == 1
        assert [capture.checkpoint for capture in store.captures] == [b"3"] * 20
        assert buffer.bytes == 0
        assert all(len(pane.told) == 1 for pane in panes)

    run(scenario)


STEPS = st.lists(
    st.tuples(st.sampled_from(["print", "print", "lose"]), st.integers(0, 2), st.integers(0, 60))
    | st.sampled_from([("wait",), ("turn",), ("fail",), ("show",)]),
    max_size=60,
)


@settings(deadline=None, max_examples=60)
@given(STEPS, st.sampled_from([1 << 26, 40_000, 3_000]), st.sampled_from([module.SEAL_BYTES, 2_000]))
def test_every_position_is_stored_once_or_counted_as_lost(steps, limit, seal):
    """Whatever is put, however writing fails: rows and gaps cover each pane's log without hole or overlap, and every
    committed checkpoint speaks of exactly the positions that are committed with it or before."""

    async def inside():
        store, panes = Store(), [Pane(f"p{n}") for n in range(3)]
        async with running(store, limit=limit, interval=0.001) as buffer:
            for step in steps:
                match step:
                    case ("print", which, count):
                        panes[which].print(buffer, count)
                    case ("lose", which, count):
                        panes[which].lose(buffer, count)
                    case ("show",):
                        panes[0].show(buffer, str(panes[0].next_row))
                    case ("fail",):
                        store.failures.append(StoreError("database is locked"))
                    case ("wait",):
                        await asyncio.sleep(0.002)
                    case ("turn",):
                        await asyncio.sleep(0)
            store.failures.clear()
            assert await buffer.finish(10) == 0
            assert buffer.bytes == 0
        for pane in panes:
            captures = store.of(pane.uid)
            assert_whole(pane, captures)
            for count in range(1, len(captures) + 1):
                known = covered(captures[:count])
                assert captures[count - 1].checkpoint == str(known[-1][1] if known else 0).encode()
        if panes[0].screen is not None:
            assert [c.screen for c in store.of("p0") if c.screen][-1] is panes[0].screen

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "GATHER_S", 0.001)
        patch.setattr(module, "SEAL_BYTES", seal)
        asyncio.run(inside())


def test_a_database_that_is_gone_costs_memory_up_to_the_bound_and_then_one_gap():
    """Rows beyond the bound are dropped, counted, and named where they are missing once the database is back."""

    async def scenario(buffer, store):
        pane = Pane("p1")
        store.refuses = lambda captures: StoreError("disk I/O error")
        for _ in range(100):
            pane.print(buffer, 100, width=100)
            await asyncio.sleep(0)
        assert buffer.bytes <= 310_000
        await until(lambda: buffer.trouble)
        with pytest.raises(StoreError, match="disk I/O"):
            await buffer.flush()
        store.refuses = lambda captures: None
        await until(lambda: buffer.trouble is None and buffer.bytes == 0)
        pane.print(buffer, 5)
        await buffer.flush()
        assert_whole(pane, store.captures)
        kinds = [kind for _, _, kind in covered(store.captures)]
        assert kinds.count("store_full") == 1
        assert buffer.rows_dropped == sum(
            stop - start for start, stop, kind in covered(store.captures) if kind != "rows"
        )

    run(scenario, limit=300_000)


def test_writing_slowly_holds_up_nobody():
    """While a commit hangs, putting returns at once, and all goes out in order afterwards."""

    async def scenario(buffer, store):
        pane, store.hold = Pane("p1"), asyncio.Event()
        for _ in range(50):
            pane.print(buffer, 10)
            await asyncio.sleep(0)
        assert store.commits == 0
        store.hold.set()
        await buffer.flush()
        assert_whole(pane, store.captures)

    run(scenario)


def test_large_amounts_go_in_bounded_transactions_with_exact_checkpoints(monkeypatch):
    """A pane that printed for long while the database was away is written in pieces, each resumable."""
    monkeypatch.setattr(module, "SEAL_BYTES", 20_000)
    monkeypatch.setattr(module, "BATCH_BYTES", 40_000)

    async def scenario(buffer, store):
        pane, store.hold = Pane("p1"), asyncio.Event()
        for _ in range(100):
            pane.print(buffer, 10)
            await asyncio.sleep(0)
        store.hold.set()
        await buffer.flush()
        assert_whole(pane, store.captures)
        assert len(store.captures) > 3
        assert max(sum(len(s.rows) for s in c.segments) for c in store.captures) <= 110
        assert store.commits >= len(store.captures) // 2

    run(scenario)


def test_screens_are_written_at_most_once_an_interval():
    """A spinner's frames cost one write each interval, not each frame; the last one is never left out."""

    async def scenario(buffer, store):
        pane = Pane("p1")
        began = asyncio.get_running_loop().time()
        for frame in range(200):
            pane.show(buffer, f"frame {frame}")
            await asyncio.sleep(0.0005)
        intervals = (asyncio.get_running_loop().time() - began) / 0.01
        await buffer.finish(5)
        screens = [capture.screen.rows[0].text for capture in store.captures if capture.screen]
        assert len(screens) <= min(intervals, 190) + 2
        assert screens[-1] == "frame 199"

    run(scenario, interval=0.05)


def test_a_pane_ends_after_all_that_it_printed():
    """In the order of the calls: rows, then the end; an update of it in between is the newest one."""

    async def scenario(buffer, store):
        pane, order = Pane("p1"), []
        store.refuses = lambda captures: order.append("rows")
        pane.print(buffer, 3)
        pane.show(buffer, "last")
        buffer.update(PaneUpdate("p1", 5, title="a", cols=80))
        buffer.update(PaneUpdate("p1", 6, title="b", alive=False))
        buffer.close_pane(pane, 77)
        await buffer.flush()
        assert order == ["rows"]
        assert store.other == [
            ("update", [PaneUpdate("p1", 6, title="b", cols=80, alive=False)]),
            ("close", ["p1"], 77),
        ]

    run(scenario)


def test_a_fault_of_ours_costs_one_panes_rows_not_everybodys():
    """What cannot be written even alone becomes a gap of its size; the others are stored."""

    async def scenario(buffer, store):
        good, bad = Pane("good"), Pane("bad")

        def refuse(captures):
            return TypeError("no") if any(c.pane_uid == "bad" and c.segments for c in captures) else None

        store.refuses = refuse
        good.print(buffer, 4)
        bad.print(buffer, 6)
        await until(lambda: buffer.bytes == 0)
        bad.lose(buffer, 1)
        good.print(buffer, 1)
        await buffer.flush()
        assert covered(store.of("good")) == [(0, 4, "rows"), (4, 5, "rows")]
        assert covered(store.of("bad")) == [(0, 6, "unreadable"), (6, 7, "trimmed")]
        assert buffer.rows_dropped == 6

    run(scenario)


def test_finishing_says_what_could_not_be_saved():
    """A stop does not hang on a dead database, and knows the number."""

    async def scenario(buffer, store):
        pane = Pane("p1")
        store.refuses = lambda captures: StoreError("gone")
        pane.print(buffer, 7)
        await until(lambda: buffer.trouble)
        pane.print(buffer, 5)
        assert await buffer.finish(0.05) == 12

    run(scenario)


def test_a_lull_commits_what_waits_and_no_oftener_than_gathering_would(monkeypatch):
    """Whoever knows that nothing more comes need not wait for it; many who know it do not make many commits."""
    monkeypatch.setattr(module, "GATHER_S", 0.3)

    async def scenario(buffer, store):
        loop, pane = asyncio.get_running_loop(), Pane("p1")
        buffer.hurry()  # nothing is there
        begin = loop.time()
        pane.print(buffer, 3)
        buffer.hurry()
        await until(lambda: store.commits == 1)
        assert loop.time() - begin < 0.2
        pane.print(buffer, 3)
        buffer.hurry()
        await until(lambda: store.commits == 2)
        assert loop.time() - begin >= 0.25
        assert_whole(pane, store.captures)

    run(scenario)
