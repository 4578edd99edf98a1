import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from wa.model.errors import TerminalRefused, TerminalUnreachable, WezTermError
from wa.model.identity import Pane
from wa.model.observation import Connected, Disconnected, PaneGone, TextFrame, TopologyChanged
from wa.wezterm.cli_calls import CONCURRENCY, ServerChanged, Starved
from wa.wezterm.cli_plan import Pace, PollPlan
from wa.wezterm.cli_poller import LOST_AFTER, CliPoller
from wa.wezterm.timekeeping import SystemClock
from wezterm.waiting import Heard, run, until

QUICK = Pace(list_ms=10, moved_ms=1, hot_ms=5, cold_ms=20, limit_ms=40)


def pane(pane_id: int, **changes: object) -> Pane:
    base = Pane(pane_id, 0, 0, "w", "sh", None, 80, 2, True, False, None, "", "", None, (0, 0))
    return base._replace(**changes)


class Server:
    """Panes and their texts, and the troubles a test gives it."""

    def __init__(self) -> None:
        self.panes = {1: pane(1)}
        self.texts = {1: ("a", "b")}
        self.list_error: WezTermError | None = None
        self.read_error: WezTermError | None = None
        self.lists = 0
        self.reads: list[int] = []
        self.reading = 0
        self.most_reading = 0
        self.before_read: Callable[[], Awaitable[object]] | None = None

    async def list(self) -> list[Pane]:
        self.lists += 1
        if self.list_error is not None:
            raise self.list_error
        return list(self.panes.values())

    async def read(self, pane_id: int) -> TextFrame:
        self.reads.append(pane_id)
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        try:
            if self.before_read is not None:
                await self.before_read()
            if self.read_error is not None:
                raise self.read_error
            if pane_id not in self.panes:
                raise TerminalRefused(f"no such pane {pane_id}")
            p = self.panes[pane_id]
            return TextFrame(pane_id, 0, self.texts[pane_id], 0, p.rows, p.cols, p.cursor, p.title, p.cwd, False)
        finally:
            self.reading -= 1


@asynccontextmanager
async def polling(server: Server) -> AsyncIterator[tuple[CliPoller, Heard]]:
    poller = CliPoller("local", server.list, server.read, PollPlan(QUICK), SystemClock())
    heard = Heard()

    async def listen() -> None:
        async for seen in poller.observations():
            heard.append(seen)

    async with asyncio.TaskGroup() as group:
        group.create_task(listen())
        try:
            yield poller, heard
        finally:
            await poller.stop()


def test_tells_frames_when_they_change_and_only_then() -> None:
    """Connected, the pane's first frame, then one for each change; a pane that stands still costs no words."""

    async def scene() -> None:
        server = Server()
        async with polling(server) as (_, heard):
            await until(lambda: len(server.reads) > 5)
            assert [frame.texts for frame in heard.of(TextFrame)] == [("a", "b")]
            server.texts[1] = ("b", "c")
            await until(lambda: len(heard.of(TextFrame)) == 2)
        assert isinstance(heard[0], Connected)
        assert isinstance(heard[-1], Disconnected)
        assert heard.of(TextFrame)[1].texts == ("b", "c")

    run(scene())


def test_panes_come_and_go_by_lists_that_succeeded() -> None:
    """A pane missing from a list has gone; a failed list closes nothing."""

    async def scene() -> None:
        server = Server()
        async with polling(server) as (_, heard):
            await until(lambda: heard.of(TextFrame))
            server.list_error = Starved("slow")
            before = server.lists
            await until(lambda: server.lists > before + 1)
            assert not heard.of(PaneGone)
            server.list_error = None
            server.panes = {2: pane(2)}
            server.texts[2] = ("new", "")
            await until(lambda: any(frame.pane_id == 2 for frame in heard.of(TextFrame)))
        assert [gone.pane_id for gone in heard.of(PaneGone)] == [1]
        assert heard.of(TopologyChanged)

    run(scene())


def test_a_resize_names_the_tab() -> None:
    """Panes of another size are told so that they are read anew; a title alone is no change of topology."""

    async def scene() -> None:
        server = Server()
        async with polling(server) as (_, heard):
            await until(lambda: heard.of(TextFrame))
            first = len(heard.of(TopologyChanged))
            server.panes[1] = pane(1, title="⠋ busy")
            await until(lambda: heard.of(TextFrame)[-1].title == "⠋ busy")
            assert len(heard.of(TopologyChanged)) == first
            server.panes[1] = pane(1, cols=40, tab_id=0)
            await until(lambda: len(heard.of(TopologyChanged)) > first)
        assert heard.of(TopologyChanged)[-1].resized_tab == 0

    run(scene())


def test_lists_that_fail_again_and_again_end_it() -> None:
    """After a handful of time-outs in a row the server counts as gone."""

    async def scene() -> None:
        server = Server()
        server.list_error = Starved("slow")
        async with polling(server) as (poller, heard):
            await until(lambda: heard.of(Disconnected))
            assert isinstance(poller.error, Starved)
        assert server.lists == LOST_AFTER

    run(scene())


def test_another_server_ends_it_at_once() -> None:
    """Pane ids of a restarted server mean other panes: no second question."""

    async def scene() -> None:
        server = Server()
        async with polling(server) as (poller, heard):
            await until(lambda: heard.of(TextFrame))
            server.read_error = ServerChanged("restarted")
            await until(lambda: heard.of(Disconnected))
            assert isinstance(poller.error, ServerChanged)

    run(scene())


def test_a_pane_that_vanishes_between_list_and_reading_is_no_trouble() -> None:
    """The reading is refused, the list is asked again, the end is told once."""

    async def scene() -> None:
        server = Server()
        server.panes[2] = pane(2)
        server.texts[2] = ("x", "y")
        async with polling(server) as (poller, heard):
            await until(lambda: len({frame.pane_id for frame in heard.of(TextFrame)}) == 2)
            del server.panes[2]
            await until(lambda: heard.of(PaneGone))
            before = len(server.reads)
            await until(lambda: len(server.reads) > before + 3)
            assert poller.error is None
        assert [gone.pane_id for gone in heard.of(PaneGone)] == [2]

    run(scene())


def test_readings_are_bounded_in_number() -> None:
    """A hundred panes that are due are read a few at a time, list included."""

    async def scene() -> None:
        server = Server()
        server.panes = {n: pane(n) for n in range(100)}
        server.texts = {n: ("a", str(n)) for n in range(100)}
        server.before_read = lambda: asyncio.sleep(0.001)
        async with polling(server) as (_, heard):
            await until(lambda: len(heard.of(TextFrame)) >= 100)
        assert server.most_reading <= CONCURRENCY

    run(scene())


def test_one_hanging_pane_does_not_hold_up_the_others() -> None:
    """While one reading hangs, changes of another pane are told."""

    async def scene() -> None:
        server = Server()
        server.panes[2] = pane(2)
        server.texts[2] = ("x", "y")
        never = asyncio.Event()
        hung = False

        async def hang_once() -> None:
            nonlocal hung
            if server.reads[-1] == 1 and not hung:
                hung = True
                await never.wait()

        server.before_read = hang_once
        async with polling(server) as (_, heard):
            await until(lambda: hung and heard.of(TextFrame))
            server.texts[2] = ("y", "z")
            await until(lambda: heard.of(TextFrame)[-1].texts == ("y", "z"))

    run(scene())


def test_a_consumer_that_does_not_take_has_one_frame_of_a_pane_waiting() -> None:
    """What nobody takes is not piled up."""

    async def scene() -> None:
        server = Server()
        poller = CliPoller("local", server.list, server.read, PollPlan(QUICK), SystemClock())
        seen = poller.observations()
        assert isinstance(await anext(seen), Connected)
        while not isinstance(await anext(seen), TextFrame):
            pass
        reads = len(server.reads)
        server.texts[1] = ("changed", "")
        await until(lambda: server.lists > 10)
        assert len(server.reads) == reads
        assert isinstance(await anext(seen), TextFrame)
        await seen.aclose()  # type: ignore[attr-defined]

    run(scene())


def test_whoever_stops_listening_stops_the_polling() -> None:
    """Leaving the loop ends the task behind it."""

    async def scene() -> None:
        server = Server()
        poller = CliPoller("local", server.list, server.read, PollPlan(QUICK), SystemClock())
        seen = poller.observations()
        await anext(seen)
        await seen.aclose()  # type: ignore[attr-defined]
        lists = server.lists
        await asyncio.sleep(0.05)
        assert server.lists == lists

    run(scene())


def test_unreachable_reads_are_told_with_their_reason() -> None:
    """The person reads why it ended."""

    async def scene() -> Disconnected:
        server = Server()
        server.read_error = TerminalUnreachable("cannot run wezterm")
        async with polling(server) as (_, heard):
            await until(lambda: heard.of(Disconnected))
        return heard.of(Disconnected)[0]

    assert run(scene()).reason == "cannot run wezterm"
