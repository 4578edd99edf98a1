"""The badges of one mux: what is asked of it and written to it, and what is not."""

import asyncio
import socket
from types import SimpleNamespace

from engine.wire import until
from store.world import MUX
from store.world import pane as listed_pane
from wa.engine import tasks
from wa.engine.announced import Announced
from wa.engine.badge_mux import MuxBadges
from wa.model.errors import TerminalRefused, TerminalUnreachable
from wa.model.identity import Client
from wa.protocol.badges import marked, unnumbered
from wa.wezterm.terminal import SourceKind

GUI = int(MUX.started.partition("-")[0])


class Terminal:
    mux = MUX

    def __init__(self, source=SourceKind.PUSH):
        self.source, self.asked, self.written = source, 0, []
        self.failure = None
        self.guis = [Client(socket.gethostname(), "me", GUI, None, None, 1.0, 1.0)]

    async def clients(self):
        self.asked += 1
        if self.failure:
            raise self.failure
        return self.guis

    async def set_tab_title(self, tab_id, title):
        if tab_id == 404:
            raise TerminalRefused("no such tab 404")
        self.written.append((tab_id, unnumbered(title)))


class World:
    """A mux with tabs 0, 1 and 404, all written to without a push, as by an equal title."""

    def __init__(self, tmp_path, terminal, *, announces=True):
        self.announced = Announced(tmp_path / "announced.json", proc=tmp_path)
        if announces:
            self.hello()
        self.enabled, self.terminal, self.told, self.heard = True, terminal, {}, []
        self.session_of = SimpleNamespace(name="m", mux=MUX, terminal=terminal, hear_within=self.heard.append)
        self.badges = MuxBadges(MUX.key, self)
        self.badges.listed([listed_pane(n)._replace(tab_id=n, tty_name="/dev/pts/1") for n in (0, 1, 404)])

    def hello(self):
        said = {"gui": GUI, "host": socket.gethostname(), "plugin": "1", "wezterm": "", "badges": True, "at_ms": 1}
        assert self.announced.add(said)
        return True

    def session(self, mux):
        return self.session_of

    def counts(self, mux):
        return self.told

    def own_mux(self, client):
        return None

    def tell(self, **counts):
        self.told = {0: counts} if counts else {}
        self.badges.look()


def play(tmp_path, scenario, terminal=None, **options):
    async def inside():
        world = World(tmp_path, terminal or Terminal(), **options)
        running = tasks.spawn(world.badges.run(), name="badges")
        try:
            await asyncio.wait_for(scenario(world, world.terminal), 20)
        finally:
            await tasks.cancel([running])

    asyncio.run(inside())


async def a_while(seconds=0.4):
    """So long nothing is to happen."""
    await asyncio.sleep(seconds)


def test_without_a_plugin_nothing_is_asked_and_nothing_written(tmp_path):
    """Whatever the agents do; the first announcement changes that."""

    async def scenario(world, terminal):
        world.tell(working=1)
        await a_while()
        assert (terminal.asked, terminal.written) == (0, [])
        world.hello()
        world.badges.hint()
        await until(lambda: terminal.written == [(0, marked({"working": 1}, ""))])
        assert world.heard[-1] < 0.1

    play(tmp_path, scenario, announces=False)


def test_where_no_agent_is_nobody_is_asked(tmp_path):
    """A mux that rests is left alone, however much is hinted."""

    async def scenario(world, terminal):
        for _ in range(20):
            world.badges.hint()
            await asyncio.sleep(0.02)
        assert (terminal.asked, terminal.written) == (0, [])

    play(tmp_path, scenario)


def test_who_is_attached_is_asked_once_a_second_at_most(tmp_path):
    """However many hints come."""

    async def scenario(world, terminal):
        world.tell(idle=1)
        for _ in range(100):
            world.badges.hint()
            await asyncio.sleep(0.015)
        assert 1 <= terminal.asked <= 3

    play(tmp_path, scenario)


def test_equal_titles_are_written_once_and_the_last_of_many_wins(tmp_path):
    """States that flap within a quarter of a second are one title."""

    async def scenario(world, terminal):
        for number in range(30):
            world.tell(**({"working": 1} if number % 2 else {"idle": 1}))
            await asyncio.sleep(0.01)
        world.tell(waiting=1)
        await until(lambda: terminal.written[-1:] == [(0, marked({"waiting": 1}, ""))])
        assert len(terminal.written) <= 6
        before = len(terminal.written)
        for _ in range(20):
            world.tell(waiting=1)
        await a_while()
        assert len(terminal.written) == before

    play(tmp_path, scenario)


def test_a_mux_heard_by_polling_has_no_badges(tmp_path):
    """A rename could not be told from wa's own title there."""

    async def scenario(world, terminal):
        world.tell(working=1)
        await a_while()
        assert (terminal.asked, terminal.written) == (0, [])

    play(tmp_path, scenario, Terminal(SourceKind.CLI))


def test_a_tab_that_refuses_does_not_keep_others_from_theirs(tmp_path):
    """It has closed meanwhile; and a mux that does not say who is attached gets no marker."""

    async def scenario(world, terminal):
        terminal.failure = TerminalUnreachable("busy")
        world.told = {404: {"idle": 1}, 1: {"idle": 1}}
        world.badges.look()
        await until(lambda: terminal.asked)
        await a_while(0.1)
        assert terminal.written == []
        terminal.failure = None
        await until(lambda: terminal.written == [(1, marked({"idle": 1}, ""))])

    play(tmp_path, scenario)
