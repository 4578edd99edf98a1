import asyncio
import os
import socket
import stat
import struct
from contextlib import suppress

import pytest

from engine.wire import connected, until
from wa.engine import server as server_module
from wa.engine.server import MAX_REQUESTS, MAX_STREAMS, MAX_UNREAD_BYTES, Server
from wa.model.errors import NotFound, SidecarError, UsageError
from wa.protocol import sidecar_wire as wire


def serving(tmp_path, scenario, handlers=None, streams=None):
    """Runs `scenario(server, path)` beside a server with these handlers."""

    async def run():
        server = Server(lambda: wire.hello(version="9", pid=1, started_ms=2), handlers or {}, streams or {})
        path = tmp_path / "s.sock"
        await server.start(path)
        try:
            return await scenario(server, path)
        finally:
            await server.close()

    return asyncio.run(run())


def test_greets_answers_and_reports_errors(tmp_path):
    """Hello first; plain and awaited answers; errors of handlers as what they are."""

    async def slow(params):
        await asyncio.sleep(0)
        return params["n"] + 1

    async def missing(params):
        raise NotFound("no p9", details={"candidates": ["p1"]})

    async def scenario(server, path):
        async with connected(path) as client:
            assert client.hello == {"v": 1, "kind": "hello", "version": "9", "pid": 1, "started_ms": 2}
            assert await client.ask("quick", a=1) == {"a": 1}
            assert await client.ask("slow", n=1) == 2
            with pytest.raises(NotFound, match="no p9") as caught:
                await client.ask("missing")
            assert caught.value.details == {"candidates": ["p1"]}

    serving(tmp_path, scenario, {"quick": lambda params: dict(params), "slow": slow, "missing": missing})


def test_answers_overtake_each_other(tmp_path):
    """A slow request holds up no other on the same connection."""

    async def scenario(server, path):
        gate = asyncio.Event()
        server.handlers["slow"] = lambda params: gate.wait()
        async with connected(path) as client:
            first = client.begin("slow")
            assert await client.ask("quick") == "q"
            gate.set()
            assert (await client.next())["id"] == first

    serving(tmp_path, scenario, {"quick": lambda params: "q"})


def test_a_bug_in_a_handler_is_reported_and_survived(tmp_path):
    """The asker hears that it failed and where to look; the connection and the server go on."""

    def broken(params):
        raise ZeroDivisionError

    async def broken_later(params):
        raise ZeroDivisionError

    async def scenario(server, path):
        async with connected(path) as client:
            for method in ("broken", "later"):
                with pytest.raises(wire.RemoteError, match="ZeroDivisionError"):
                    await client.ask(method)
            assert await client.ask("good") is True

    serving(tmp_path, scenario, {"broken": broken, "later": broken_later, "good": lambda params: True})


def test_an_answer_too_large_for_a_frame_is_an_error(tmp_path):
    """Said so, with what to do."""

    async def scenario(server, path):
        async with connected(path) as client:
            with pytest.raises(wire.OversizeError, match="does not fit"):
                await client.ask("huge")
            assert await client.ask("good") is True

    serving(tmp_path, scenario, {"huge": lambda params: "x" * wire.MAX_FRAME_BYTES, "good": lambda params: True})


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", 1 << 30),
        struct.pack(">I", 3) + b"\xc1\xc1\xc1",
        wire.pack({"v": 1, "kind": "hello"}),
        wire.pack({"v": 1, "kind": "item", "id": 1}),
        wire.pack({"v": 1, "kind": "request", "id": -1, "method": "good"}),
        wire.pack({"v": 7, "kind": "request", "id": 1, "method": "good"}),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_nonsense_ends_that_connection_and_no_other(tmp_path, data):
    """The reason comes under id 0, then the end; others are served on."""

    async def scenario(server, path):
        async with connected(path) as bystander, connected(path) as client:
            client.writer.write(data)
            last = await client.next()
            assert (last["id"], last["ok"], last["error"]["code"]) == (0, False, "sidecar.wire")
            assert await client.next() is None
            assert await bystander.ask("good") is True

    serving(tmp_path, scenario, {"good": lambda params: True})


def test_requests_without_sense_are_refused_one_by_one(tmp_path):
    """An unknown method, params that are no map: usage errors, and the connection goes on."""

    async def scenario(server, path):
        async with connected(path) as client:
            with pytest.raises(UsageError, match="no such method") as caught:
                await client.ask("nope")
            assert caught.value.details == {"methods": ["good"]}
            client.writer.write(wire.pack({"v": 1, "kind": "request", "id": 50, "method": "good", "params": [1]}))
            assert (await client.next())["error"]["code"] == "usage"
            client.writer.write(wire.pack({"v": 1, "kind": "event", "source": "lua"}))
            assert await client.ask("good") is True

    serving(tmp_path, scenario, {"good": lambda params: True})


def test_an_event_is_handed_over_with_its_sender_and_its_size(tmp_path):
    """Who sent it, the kernel says; nothing is answered."""
    heard = []

    async def scenario(server, path):
        server.events = lambda message, pid, size: heard.append((message["key"], pid, size))
        async with connected(path) as client:
            frame = wire.pack({"v": 1, "kind": "event", "source": "lua", "key": "k"})
            client.writer.write(frame)
            assert await client.ask("good") is True
            assert heard == [("k", os.getpid(), len(frame) - 4)]

    serving(tmp_path, scenario, {"good": lambda params: True})


def test_a_sender_that_shuts_its_side_down_is_read_to_the_end(tmp_path):
    """It writes, says that this was all, and reads until the sidecar hangs up: then everything was taken."""
    heard = []

    async def scenario(server, path):
        server.events = lambda message, pid, size: heard.append(message["key"])
        reader, writer = await asyncio.open_unix_connection(path)
        for number in range(500):
            writer.write(wire.pack({"v": 1, "kind": "event", "source": "lua", "key": str(number), "pad": "x" * 2_000}))
        writer.write_eof()
        await reader.read()
        assert heard == [str(number) for number in range(500)]
        writer.close()

    serving(tmp_path, scenario)


def test_streams_end_by_either_side(tmp_path):
    """Items until the client cancels, or the server ends it; `ended` is told once each time."""
    ended = []

    def ticks(params, stream):
        stream.ended = lambda: ended.append(stream.ident)
        for n in range(3):
            stream.send(wire.pack_value(n))
        if params.get("once"):
            stream.end()

    async def scenario(server, path):
        async with connected(path) as client:
            client.begin("ticks")
            assert [(await client.next())["data"] for _ in range(3)] == [0, 1, 2]
            client.writer.write(wire.cancel(1))
            assert await client.next() == {"v": 1, "kind": "end", "id": 1, "error": None}
            client.begin("ticks", once=True)
            assert [data async for data in client.items()] == [0, 1, 2]
            client.begin("ticks")
        await until(lambda: len(ended) == 3)
        assert ended == [1, 2, 3]

    serving(tmp_path, scenario, streams={"ticks": ticks})


def test_a_client_that_does_not_read_is_cut_off(tmp_path):
    """Its memory is bounded, it hears why if it reads again, and nobody waits for it."""
    streams = []

    async def scenario(server, path):
        async with connected(path) as lazy, connected(path) as client:
            lazy.begin("flood")
            await until(lambda: streams)
            chunk = wire.pack_value("x" * 1_000_000)
            sent = 0
            while server_is_sending(streams[0]):
                streams[0].send(chunk)
                sent += 1
                assert sent < 100
                # The lazy one's own socket buffers take some before the server's do.
                await asyncio.sleep(0)
            assert sent * 1_000_000 > MAX_UNREAD_BYTES
            assert await client.ask("good") is True
            last = None
            while (message := await lazy.next()) is not None:
                last = message
            assert (last["kind"], last["error"]["code"]) == ("end", "too_slow")

    def server_is_sending(stream):
        return stream.ident in stream._connection._streams

    serving(tmp_path, scenario, {"good": lambda params: True}, {"flood": lambda params, stream: streams.append(stream)})


def test_one_that_never_reads_again_is_dropped(tmp_path, monkeypatch):
    """After the time to linger its connection and its buffer are gone."""
    monkeypatch.setattr(server_module, "LINGER_S", 0.05)
    streams = []

    async def scenario(server, path):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(os.fspath(path))
        sock.sendall(wire.request(1, "flood"))
        await until(lambda: streams)
        for _ in range(100):
            streams[0].send(wire.pack_value("x" * 1_000_000))
        await until(lambda: not server.connections)
        sock.close()

    serving(tmp_path, scenario, streams={"flood": lambda params, stream: streams.append(stream)})


def test_each_connection_has_its_limits(tmp_path):
    """So many requests and streams at once; more are refused, and places come free again."""

    async def scenario(server, path):
        gate = asyncio.Event()
        server.handlers["wait"] = lambda params: gate.wait()
        async with connected(path) as client:
            for _ in range(MAX_REQUESTS):
                client.begin("wait")
            with pytest.raises(SidecarError, match="too many requests"):
                await client.ask("wait")
            gate.set()
            for _ in range(MAX_REQUESTS):
                assert (await client.next())["ok"]
            for _ in range(MAX_STREAMS):
                client.begin("quiet")
            with pytest.raises(SidecarError, match="too many streams"):
                await client.ask("quiet")

    serving(tmp_path, scenario, streams={"quiet": lambda params, stream: None})


def test_too_many_connections_are_told_so(tmp_path, monkeypatch):
    """The last one hears why, those before it go on."""
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 2)

    async def scenario(server, path):
        async with connected(path) as first, connected(path), connected(path) as third:
            assert (await third.next())["error"]["message"] == "too many connections"
            assert await first.ask("good") is True

    serving(tmp_path, scenario, {"good": lambda params: True})


def test_a_client_that_leaves_takes_its_requests_along(tmp_path):
    """What nobody waits for any more is cancelled."""
    states = []

    async def wait(params):
        states.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            states.append("cleaned")

    async def scenario(server, path):
        async with connected(path) as client:
            client.begin("wait")
            await until(lambda: states == ["began"])
        await until(lambda: states == ["began", "cleaned"])

    serving(tmp_path, scenario, {"wait": wait})


def test_strangers_are_turned_away(tmp_path, monkeypatch):
    """Another user who gets at the socket all the same hears nothing."""
    monkeypatch.setattr(server_module, "peer_uid", lambda sock: os.getuid() + 1)

    async def scenario(server, path):
        reader, writer = await asyncio.open_unix_connection(path)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()

    serving(tmp_path, scenario)


def test_knows_the_user_at_the_other_end(tmp_path):
    """The kernel's word, not the client's."""
    ours, theirs = socket.socketpair()

    assert server_module.peer_uid(ours) == os.getuid()
    ours.close()
    theirs.close()


def test_the_socket_is_private_and_goes_with_the_server(tmp_path):
    """Mode 0600; a dead sidecar's socket is replaced; nothing is left; a stop is said to those who listen."""
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(os.fspath(tmp_path / "s.sock"))
    stale.close()

    async def scenario(server, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        async with connected(path) as client:
            client.begin("quiet")
            await client.ask("good")
            await server.close()
            assert (await client.next())["error"]["message"] == "the sidecar stops"
            assert await client.next() is None
        assert not path.exists()

    serving(tmp_path, scenario, {"good": lambda params: 1}, {"quiet": lambda params, stream: None})


def test_a_file_in_the_way_is_not_removed(tmp_path):
    """Only a socket is taken for a left-over."""
    (tmp_path / "s.sock").write_text("precious")

    with pytest.raises(SidecarError, match="cannot listen"):
        serving(tmp_path, None)
    assert (tmp_path / "s.sock").read_text() == "precious"
