import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.fakes import FakeServer
from engine.wire import connected, until
from engine.world import play, shell
from store.world import MUX
from store.world import pane as listed_pane
from wa.config.paths import Paths
from wa.config.settings import Settings
from wa.engine.acting import acting
from wa.engine.methods import Methods
from wa.engine.server import Server
from wa.engine.status import Reports
from wa.model.errors import NotFound, Refused, TerminalUnreachable, UsageError
from wa.protocol import sidecar_wire as wire
from wa.store.writer import Writer as RealWriter


class Muxes:
    looked_in = None

    def __init__(self, session):
        self.sessions = {session.name: session}

    def session_of(self, pane_id, mux_key):
        return next((s for s in self.sessions.values() if pane_id in s.panes and s.mux.key == mux_key), None)


@asynccontextmanager
async def served(tmp_path, w, writer, stop):
    """The real methods behind a real socket; what is acted is written into a real database."""
    muxes = Muxes(w.session)
    reports = Reports(Paths.from_env({"WA_HOME": str(tmp_path)}), w.shared, muxes, 1, 2)
    hello = wire.hello(version="1", pid=1, started_ms=2)
    database = await RealWriter.open(Path(tmp_path) / "acting.db")
    try:
        for number in range(4):
            await database.pane_uid(MUX, listed_pane(number), 1)
        async with acting(w.shared, muxes, database, Settings.defaults().policy) as act:
            more = {"desk": act.desk, "actor": act.methods.actor}
            methods = Methods(w.shared, muxes, writer, reports, stop, **more)
            server = Server(lambda: hello, {**methods.handlers(), **act.methods.handlers()}, methods.streams())
            await server.start(Path(tmp_path) / "s")
            try:
                yield
            finally:
                await server.close()
    finally:
        await database.close()


class Writer:
    """Forgets as told."""

    def __init__(self, store):
        self.store, self.forgotten = store, []

    async def forget(self, *, pane_uid, since_ms):
        self.forgotten.append((pane_uid, since_ms))
        return len(self.store.rows.pop(pane_uid, {}))


def asking(tmp_path, scenario, *panes, **options):
    """Runs `scenario(world, client, writer)` with the real methods behind a real socket."""
    server = FakeServer()
    for pane in panes:
        server.add(pane)

    async def inside(w):
        stopped, writer = [], Writer(w.store)
        async with served(tmp_path, w, writer, lambda: stopped.append(True)):
            for pane in panes:
                await w.watched(pane.pane_id)
            async with connected(Path(tmp_path) / "s") as client:
                await scenario(w, client, writer)
        return stopped

    return play(tmp_path, inside, server=server, **options)


def test_a_screen_is_answered_by_any_name_of_its_pane(tmp_path):
    """Uid, MUX/ID, or the bare id where it is clear; the screen joins up with the log."""

    async def scenario(w, client, _):
        for name in ("p1", "fake/7", "7"):
            screen = await client.ask("screen", pane=name)
            assert screen["pane_uid"] == "p1"
        assert screen["rows"] == ["old 3", "old 4", "old 5", "$ "]
        assert screen["cursor"] == [2, 3]
        assert screen["next_row"] == 3
        assert await client.ask("screens") == {"screens": [screen]}
        assert await client.ask("screens", panes=["p1"]) == {"screens": [screen]}

    asking(tmp_path, scenario, shell(7, 6))


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("screen", {}, UsageError),
        ("screen", {"pane": 7}, UsageError),
        ("screen", {"pane": "p9"}, NotFound),
        ("screen", {"pane": "other/7"}, NotFound),
        ("screens", {"panes": ["p9"]}, NotFound),
        ("screens", {"panes": "p1"}, UsageError),
        ("send", {"pane": "p1"}, UsageError),
        ("send", {"pane": "p1", "text": "x", "submit": 1}, UsageError),
        ("send", {"pane": "p1", "text": "a\nb"}, Refused),
        ("kill", {"pane": "p1"}, Refused),
        ("spawn", {}, UsageError),
        ("spawn", {"mux": "nobody"}, NotFound),
        ("spawn", {"mux": "fake", "argv": [1]}, UsageError),
        ("forget", {}, UsageError),
        ("forget", {"since_ms": "x"}, UsageError),
        ("forget", {"since_ms": True}, UsageError),
        ("subscribe", {}, UsageError),
        ("subscribe", {"kinds": []}, UsageError),
        ("subscribe", {"kinds": ["smell"]}, UsageError),
        ("subscribe", {"kinds": ["rows"], "panes": ["p9"]}, NotFound),
        ("nonsense", {}, UsageError),
    ],
)
def test_wrong_questions_get_an_error_and_change_nothing(tmp_path, method, params, error):
    """Mistyped, unknown, or not allowed."""

    async def scenario(w, client, writer):
        with pytest.raises(error):
            await client.ask(method, **params)
        assert w.server.typed == []
        assert writer.forgotten == []
        assert (await client.ask("panes"))["panes"]

    asking(tmp_path, scenario, shell(7))


def test_what_is_unknown_names_what_exists(tmp_path):
    """The candidates stand in the details; an id that two panes have is no name."""

    async def scenario(w, client, _):
        with pytest.raises(NotFound) as caught:
            await client.ask("screen", pane="p99")
        assert caught.value.details == {"candidates": ["p1  fake/0  sh", "p2  fake/1  vim"]}

    asking(tmp_path, scenario, shell(0), shell(1, title="vim"))


def test_sends_go_through_and_come_back_with_their_outcome(tmp_path):
    """Over the socket as in the process."""

    async def scenario(w, client, _):
        result = await client.ask("send", pane="p1", text="make")
        assert (result["outcome"], w.server.typed) == ("submitted", [(0, "make"), (0, b"\r")])

    asking(tmp_path, scenario, shell(0))


def test_wa_ends_what_it_started(tmp_path):
    """A spawned pane is named and may be killed."""

    async def scenario(w, client, _):
        spawned = await client.ask("spawn", mux="fake", argv=["sh"])
        assert spawned == {"pane_uid": "p2", "pane_id": 1}
        assert await client.ask("kill", pane="p2") == {"pane_uid": "p2"}
        with pytest.raises(Refused):
            await client.ask("kill", pane="p1")
        await until(lambda: list(w.panes) == ["p1"])

    asking(tmp_path, scenario, shell(0))


def test_acting_needs_a_connection(tmp_path):
    """A mux that is away is unreachable, not unknown."""

    async def scenario(w, client, _):
        w.server.gone = True
        w.server.drop()
        await until(lambda: w.session.terminal is None)
        for method, params in (("spawn", {"mux": "fake"}), ("send", {"pane": "p1", "text": "x"})):
            with pytest.raises(TerminalUnreachable):
                await client.ask(method, **params)

    asking(tmp_path, scenario, shell(0))


def test_forgetting_takes_what_waits_along_and_leaves_a_fresh_checkpoint(tmp_path):
    """Rows still in memory are written first; afterwards the checkpoint says that they were seen."""

    async def scenario(w, client, writer):
        pane = w.panes["p1"]
        await until(lambda: len(w.store.rows.get("p1", {})) == 27)
        w.server.print(0, "".join(f"new {n}\n" for n in range(10)))
        await until(lambda: pane.tracker.next_row == 37)
        w.store.checkpoints.pop("p1", None)
        assert await client.ask("forget", pane="p1") == {"rows_deleted": 37}
        assert writer.forgotten == [("p1", None)]
        assert w.store.checkpoints["p1"] == pane.tracker.checkpoint()
        assert pane.rows_stored == 0

    asking(tmp_path, scenario, shell(0, 30))


def test_a_subscription_begins_with_positions_and_screens(tmp_path):
    """The reply says from where on everything is told; then the screens there are; then what happens."""

    async def scenario(w, client, _):
        ident = client.begin("subscribe", kinds=["screen", "rows"], panes=["p1"])
        reply = await client.next()
        assert reply == {"v": 1, "kind": "reply", "id": ident, "ok": True, "data": {"panes": {"p1": 3}}}
        first = await client.next()
        assert (first["kind"], first["data"]["kind"], first["data"]["rows"][-1]) == ("item", "screen", "$ ")
        w.server.print(1, "unheard\n" * 9)
        w.server.print(0, "a\nb\n")
        heard = []
        while sum(len(item["rows"]) for item in heard if item["kind"] == "rows") < 2:
            heard.append((await client.next())["data"])
        assert {item["pane_uid"] for item in heard} == {"p1"}
        assert next(item["first_row"] for item in heard if item["kind"] == "rows") == 3
        client.writer.write(wire.cancel(ident))
        while (await client.next())["kind"] != "end":
            pass
        assert len(w.shared.hub) == 0

    asking(tmp_path, scenario, shell(0, 6), shell(1))


def test_a_stop_is_answered_and_passed_on(tmp_path):
    """Whoever asked hears that it is heard."""

    async def scenario(w, client, _):
        assert await client.ask("stop") == {"stopped": True, "pid": 1}
        assert await client.ask("flush") == {}

    assert asking(tmp_path, scenario, shell(0)) == [True]


def test_an_excluded_pane_has_no_screen_and_takes_no_text(tmp_path):
    """It is listed, and that is all."""

    async def scenario(w, client, _):
        assert [pane["excluded"] for pane in (await client.ask("panes"))["panes"]] == [True, False]
        with pytest.raises(NotFound, match="never captured"):
            await client.ask("screen", pane="p1")
        with pytest.raises(Refused):
            await client.ask("send", pane="p1", text="x")
        assert [screen["pane_uid"] for screen in (await client.ask("screens"))["screens"]] == ["p2"]
        client.begin("subscribe", kinds=["screen", "rows"])
        assert (await client.next())["data"] == {"panes": {"p2": 0}}
        assert w.server.typed == []

    async def excluded(w, client, writer):
        await until(lambda: len(w.panes) == 2)
        await w.watched(1)
        await scenario(w, client, writer)

    asking_excluded(tmp_path, excluded)


def asking_excluded(tmp_path, scenario):
    server = FakeServer()
    server.add(shell(0, title="vault"))
    server.add(shell(1))

    async def inside(w):
        async with served(tmp_path, w, Writer(w.store), lambda: None), connected(Path(tmp_path) / "s") as client:
            await scenario(w, client, None)

    play(tmp_path, inside, server=server, never={"title": ("vault",)})


def test_requests_end_with_their_client(tmp_path):
    """A send whose asker has gone types nothing more."""

    async def scenario(w, client, _):
        gate = w.server.pauses["screen"] = asyncio.Event()
        async with connected(Path(tmp_path) / "s") as other:
            other.begin("send", pane="p1", text="make")
            await until(lambda: w.server.reads.count(("screen", 0)) == 2)
        await asyncio.sleep(0.05)
        gate.set()
        await asyncio.sleep(0.05)
        assert w.server.typed == []

    asking(tmp_path, scenario, shell(0))
