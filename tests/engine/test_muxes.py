import asyncio
import os
import subprocess
import sys

import pytest

from engine.fakes import FakeServer
from engine.wire import until
from engine.world import World, shell
from wa.engine import muxes as module
from wa.engine import tasks
from wa.engine.muxes import Muxes, gui_pid_of
from wa.engine.session import State
from wa.model.identity import Client
from wa.wezterm.connect import Options
from wa.wezterm.discovery import Candidate, Discovery
from wa.wezterm.peers import Outcome
from wa.wezterm.targets import SocketTarget, SshTarget

GUI = 4242


class Place:
    """Servers by socket path, and what discovery would find of them."""

    def __init__(self, monkeypatch, clock):
        self.servers, self.pids, self.clock, self.looks, self.stamp = {}, {}, clock, 0, 0
        monkeypatch.setattr(module, "discover", self.discover)
        monkeypatch.setattr(module, "_signature", lambda *args, **options: self.stamp)

    def add(self, path, server, pid=None):
        server.clock = self.clock
        self.servers[path], self.pids[path] = server, pid if pid is not None else os.getpid()
        self.stamp += 1
        return server

    async def discover(self, explicit=(), *, wezterm=()):
        self.looks += 1
        by_hand = {target.path: target.name for target in explicit}
        found = []
        for path in [*by_hand, *(path for path in self.servers if path not in by_hand)]:
            server = self.servers.get(path)
            outcome = Outcome.LIVE if server is not None and not server.gone else Outcome.STALE
            name = by_hand.get(path, path.rpartition("/")[2].replace("gui-sock-", "gui-").replace("sock", "local"))
            found.append(Candidate(name, path, outcome, "", path in by_hand, self.pids.get(path), "x"))
        return Discovery("/run", tuple(found), None)

    def connector(self, target):
        async def connect():
            key = target.path if isinstance(target, SocketTarget) else target.host
            terminal = await self.servers[key].connect()
            terminal.mux = terminal.mux._replace(name=target.name)
            return terminal

        return connect


def watching(tmp_path, monkeypatch, scenario, *, targets=(), look=True, prepare=lambda place: None):
    async def inside():
        w = World(tmp_path)
        place = Place(monkeypatch, w.server.clock)
        prepare(place)
        muxes = Muxes(
            w.shared, targets, look_for_more=look, rescan_s=0.01, options=Options(), connector=place.connector
        )
        running = [tasks.spawn(w.buffer.run(), name="writer"), tasks.spawn(muxes.run(), name="muxes")]
        try:
            await asyncio.wait_for(scenario(w, muxes, place), 20)
        finally:
            await tasks.cancel(running)

    asyncio.run(inside())


def with_panes(name, *panes):
    server = FakeServer(name=name)
    for pane in panes:
        server.panes[pane.pane_id] = pane
    return server


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_every_mux_that_answers_is_watched_once(tmp_path, monkeypatch):
    """Those named by hand keep their name; the rest are found."""

    def prepare(place):
        place.add("/run/sock", with_panes("a", shell(0)))
        place.add("/elsewhere/sock", with_panes("b", shell(0)))
        place.add("host", with_panes("c", shell(0)))

    async def scenario(w, muxes, place):
        await until(lambda: len(w.panes) == 3)
        assert {pane.mux.name for pane in w.panes.values()} == {"local", "mine", "host"}
        assert muxes.session_of(0, w.panes["p1"].mux.key) is not None
        assert muxes.session_of(9, w.panes["p1"].mux.key) is None

    targets = [SocketTarget("mine", "/elsewhere/sock"), SshTarget("host")]
    watching(tmp_path, monkeypatch, scenario, targets=targets, prepare=prepare)


def test_with_discovery_off_only_the_named_ones_are_watched(tmp_path, monkeypatch):
    """What stands in the runtime folder is nobody's business then."""

    def prepare(place):
        place.add("/run/sock", with_panes("a", shell(0)))
        place.add("/elsewhere/sock", with_panes("b", shell(0)))

    async def scenario(w, muxes, place):
        await until(lambda: len(w.panes) == 1)
        await until(lambda: place.looks)
        assert list(muxes.sessions) == ["mine"]

    targets = [SocketTarget("mine", "/elsewhere/sock")]
    watching(tmp_path, monkeypatch, scenario, targets=targets, look=False, prepare=prepare)


def test_sockets_are_not_tried_again_without_a_reason(tmp_path, monkeypatch):
    """Each trial costs the server a connection: only news, or a mux that is down, is a reason."""

    async def scenario(w, muxes, place):
        await until(lambda: len(w.panes) == 1)
        looks = place.looks
        await asyncio.sleep(0.1)
        assert place.looks == looks
        place.add("/run/gui-sock-7", with_panes("b", shell(0)))
        await until(lambda: len(w.panes) == 2)
        assert place.looks == looks + 1

    watching(tmp_path, monkeypatch, scenario, prepare=lambda place: place.add("/run/sock", with_panes("a", shell(0))))


def test_a_found_mux_whose_process_is_dead_is_let_go(tmp_path, monkeypatch):
    """Its panes are over; one that merely does not answer keeps them."""

    async def scenario(w, muxes, place):
        await until(lambda: len(w.panes) == 2)
        for server in place.servers.values():
            server.gone = True
            server.drop()
        await until(lambda: list(muxes.sessions) == ["local"])
        assert [pane.mux.name for pane in w.panes.values()] == ["local"]
        assert muxes.sessions["local"].state is State.DISCONNECTED
        place.servers["/run/sock"].gone = False
        await until(lambda: muxes.sessions["local"].state is State.CONNECTED)
        assert len(w.panes) == 1

    def prepare(place):
        place.add("/run/sock", with_panes("a", shell(0)))
        place.add("/run/gui-sock-7", with_panes("b", shell(0)), pid=dead_pid())

    watching(tmp_path, monkeypatch, scenario, prepare=prepare)


def test_a_named_mux_whose_process_is_dead_is_waited_for(tmp_path, monkeypatch):
    """Its panes are over, the session stays."""

    async def scenario(w, muxes, place):
        await until(lambda: len(w.panes) == 1)
        server = place.servers["/elsewhere/sock"]
        server.gone = True
        server.drop()
        await until(lambda: not w.panes)
        assert list(muxes.sessions) == ["mine"]
        server.run, server.gone = 2, False
        await until(lambda: list(w.panes) == ["p2"])

    def prepare(place):
        place.add("/elsewhere/sock", with_panes("b", shell(0)), pid=dead_pid())

    targets = [SocketTarget("mine", "/elsewhere/sock")]
    watching(tmp_path, monkeypatch, scenario, targets=targets, prepare=prepare)


def test_mirrors_of_panes_that_are_read_at_their_mux_are_hidden(tmp_path, monkeypatch):
    """The GUI is attached to the server: its copy is not watched a second time, its own pane is."""

    def prepare(place):
        server = place.add("/run/sock", with_panes("a", shell(3, title="zsh", cwd="file://h/x")))
        server.clients = [Client("h", "me", GUI, None, None, 0, 0)]
        copy, own = shell(0, title="zsh", cwd="file://h/x", tty=None), shell(1)
        place.add(f"/run/gui-sock-{GUI}", with_panes("b", copy, own))

    async def scenario(w, muxes, place):
        await until(lambda: len(w.panes) == 2 and all(session.settled.is_set() for session in muxes.sessions.values()))
        assert {(pane.mux.name, pane.pane_id) for pane in w.panes.values()} == {("local", 3), (f"gui-{GUI}", 1)}
        gui = muxes.sessions[f"gui-{GUI}"]
        await until(lambda: gui.hidden == {0})
        # Its title comes by another way than the original's, and at another time.
        place.servers[f"/run/gui-sock-{GUI}"].panes[0].title = "vim"
        await gui.list_now()
        assert gui.hidden == {0}
        # The mux drops out for a while: the copy is no way round.
        place.servers["/run/sock"].gone = True
        place.servers["/run/sock"].drop()
        await until(lambda: muxes.sessions["local"].state is State.DISCONNECTED)
        await gui.list_now()
        assert gui.hidden == {0}
        assert len(w.panes) == 2

    watching(tmp_path, monkeypatch, scenario, prepare=prepare)


def test_a_pane_without_a_tty_is_watched_where_nobody_reads_its_host(tmp_path, monkeypatch):
    """A plain ssh pane of a GUI, alone or beside a server that the GUI is not attached to."""

    def prepare(place):
        place.add("/run/sock", with_panes("a", shell(3, title="zsh")))
        place.add(f"/run/gui-sock-{GUI}", with_panes("b", shell(0, title="zsh", tty=None)))

    async def scenario(w, muxes, place):
        await until(lambda: len(w.panes) == 2)

    watching(tmp_path, monkeypatch, scenario, prepare=prepare)


def test_names_that_collide_are_kept_apart(tmp_path, monkeypatch):
    """A mux named by hand as a found one would be."""

    def prepare(place):
        place.add("/run/sock", with_panes("a", shell(0)))
        place.add("/elsewhere/sock", with_panes("b", shell(0)))

    async def scenario(w, muxes, place):
        await until(lambda: len(w.panes) == 2)
        assert {name: session.where for name, session in muxes.sessions.items()} == {
            "local": "/elsewhere/sock",
            "local-2": "/run/sock",
        }

    targets = [SocketTarget("local", "/elsewhere/sock")]
    watching(tmp_path, monkeypatch, scenario, targets=targets, prepare=prepare)


def test_guis_are_known_by_their_socket():
    """WezTerm names it by its process."""
    assert gui_pid_of("/run/user/1000/wezterm/gui-sock-4711") == 4711
    assert gui_pid_of("/run/user/1000/wezterm/sock") is None
    assert gui_pid_of("build.example") is None


@pytest.mark.parametrize("lives", [True, False])
def test_a_mux_that_lives_on_without_its_connection_is_not_watched_to_its_end(tmp_path, monkeypatch, lives):
    """What its agents do then nobody sees; one whose process is gone took them along."""

    async def scenario(w, muxes, place):
        await until(lambda: len(w.panes) == 1)
        server = place.servers["/elsewhere/sock"]
        server.gone = True
        server.drop()
        await until(lambda: w.store.lost[server.instance.key] is not None)
        looks = place.looks
        await until(lambda: place.looks > looks + 5)
        assert (w.store.lost[server.instance.key] is None) is lives
        assert len(w.panes) == (1 if lives else 0)

    def prepare(place):
        place.add("/elsewhere/sock", with_panes("b", shell(0)), pid=os.getpid() if lives else dead_pid())

    targets = [SocketTarget("mine", "/elsewhere/sock")]
    watching(tmp_path, monkeypatch, scenario, targets=targets, prepare=prepare)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_process_that_has_ended_is_dead_before_its_parent_asks():
    """A mux whose starter does not look after it."""
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout.read() == b""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not module._lives(process.pid)
    process.communicate()
    assert module._lives(os.getpid())
