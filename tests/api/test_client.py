"""The sidecar's wire from the asking side."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from wa.api.client import SidecarClient, SidecarGoneError, SidecarSilentError, connected, connected_if_any
from wa.engine.server import Server, Stream
from wa.model.errors import NotFound, SidecarError, WaError
from wa.protocol import sidecar_wire as wire

HELLO = wire.hello(version="9.9", pid=4711, started_ms=1)


def with_server(path: Path, use: Callable[[Server], Awaitable[None]], **handlers: Any) -> None:
    """Runs *use* beside a server of the engine that answers with *handlers*."""

    def count(params: Any, stream: Stream) -> None:
        for number in range(params["to"]):
            stream.send(wire.pack_value(number))
        stream.end(NotFound("no more") if params.get("fail") else None)

    async def body() -> None:
        server = Server(lambda: HELLO, handlers, {"count": count})
        await server.start(path)
        try:
            await use(server)
        finally:
            await server.close()

    asyncio.run(body())


def with_peer(path: Path, talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Any:
    """A context in which *talk* answers whoever connects."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    return asyncio.start_unix_server(serve, path)


def test_a_call_returns_what_the_handler_answered(tmp_path: Path) -> None:
    """The greeting is kept, params arrive, data comes back; calls follow each other on one connection."""

    async def use(_server: Server) -> None:
        async with connected(tmp_path / "s") as sidecar:
            assert (sidecar.hello["pid"], sidecar.hello["version"]) == (4711, "9.9")
            assert await sidecar.call("double", {"value": 21}) == 42
            assert await sidecar.call("double", {"value": "\udc80"}) == "\udc80\udc80"

    with_server(tmp_path / "s", use, double=lambda params: params["value"] * 2)


def test_a_refusal_comes_back_as_the_error_it_was(tmp_path: Path) -> None:
    """Class, exit status, next step and details survive the wire."""

    def refuse(_params: Any) -> None:
        raise NotFound("no such pane", next_step="Look.", details={"candidates": ["p1"]})

    async def use(_server: Server) -> None:
        async with connected(tmp_path / "s") as sidecar:
            with pytest.raises(NotFound, match="no such pane") as caught:
                await sidecar.call("refuse")
            assert (caught.value.exit_status, caught.value.next_step, caught.value.details) == (
                3,
                "Look.",
                {"candidates": ["p1"]},
            )

    with_server(tmp_path / "s", use, refuse=refuse)


def test_a_stream_ends_as_the_sidecar_says(tmp_path: Path) -> None:
    """Items come in order; a plain end is an end, an end with an error raises it."""

    async def use(_server: Server) -> None:
        async with connected(tmp_path / "s") as sidecar:
            assert [item async for item in await sidecar.stream("count", {"to": 500})] == list(range(500))
            seen = []
            stream = await sidecar.stream("count", {"to": 2, "fail": True})
            seen += [await anext(stream), await anext(stream)]
            with pytest.raises(NotFound, match="no more"):
                await anext(stream)
            assert seen == [0, 1]
            nothing = await sidecar.stream("nothing")
            with pytest.raises(WaError, match="no such method"):
                await anext(nothing)

    with_server(tmp_path / "s", use)


def test_a_sidecar_that_stops_says_so_to_those_who_wait(tmp_path: Path) -> None:
    """Its last words reach the caller as an error with exit status 4."""

    async def use(server: Server) -> None:
        async with connected(tmp_path / "s") as sidecar:

            async def stop_when_asked() -> None:
                await asked.wait()
                await server.close()

            async with asyncio.TaskGroup() as group:
                group.create_task(stop_when_asked())
                with pytest.raises(SidecarError) as caught:
                    await sidecar.call("hang")
            assert caught.value.exit_status == 4

    async def hang(_params: Any) -> None:
        asked.set()
        await asyncio.sleep(60)

    asked = asyncio.Event()
    with_server(tmp_path / "s", use, hang=hang)


@pytest.mark.parametrize("kind", ["missing", "stale", "folder"])
def test_no_sidecar_is_no_silence(tmp_path: Path, kind: str) -> None:
    """Nothing at the path, a dead sidecar's socket, or no folder: all say that none runs, and readers go on without."""
    path = tmp_path / "s"
    if kind == "stale":
        import socket

        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))
    elif kind == "folder":
        path = tmp_path / "file" / "s"
        (tmp_path / "file").write_text("")

    async def use() -> None:
        with pytest.raises(SidecarError, match="no sidecar runs") as caught:
            await SidecarClient.connect(path)
        assert (caught.value.exit_status, "wa watch" in caught.value.next_step) == (4, True)
        async with connected_if_any(path) as sidecar:
            assert sidecar is None

    asyncio.run(use())


def test_a_sidecar_that_dies_in_its_answer_is_gone(tmp_path: Path) -> None:
    """A torn frame at the end of a connection is an error, not an endless wait and not an answer."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO)
        await reader.read(10)
        writer.write(wire.reply(1, {"panes": []})[:-3])
        await writer.drain()

    async def use() -> None:
        async with await with_peer(tmp_path / "s", talk), connected(tmp_path / "s") as sidecar:
            with pytest.raises(SidecarGoneError):
                await sidecar.call("panes")

    asyncio.run(use())


def test_a_silent_sidecar_is_timed_out(tmp_path: Path) -> None:
    """One that greets and never answers costs *within_s* and exit status 6; one that does not greet costs the same."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO)
        await reader.read()

    async def keep_still(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def use() -> None:
        async with await with_peer(tmp_path / "a", greet), connected(tmp_path / "a") as sidecar:
            with pytest.raises(SidecarSilentError) as caught:
                await sidecar.call("panes", within_s=0.05)
            assert caught.value.exit_status == 6
        async with await with_peer(tmp_path / "b", keep_still):
            with pytest.raises(SidecarSilentError):
                await SidecarClient.connect(tmp_path / "b", within_s=0.05)

    asyncio.run(use())


@pytest.mark.parametrize(
    "greeting",
    [b"HTTP/1.1 200 OK\r\n\r\n", struct.pack(">I", 1 << 30), struct.pack(">I", 3) + b"\xc1\xc1\xc1", wire.reply(5, {})],
)
def test_whoever_else_listens_there_is_refused(tmp_path: Path, greeting: bytes) -> None:
    """Another program's socket, a giant length or broken msgpack is an error of its own, at once."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read()

    async def use() -> None:
        async with await with_peer(tmp_path / "s", talk):
            with pytest.raises(wire.WireError):
                await SidecarClient.connect(tmp_path / "s")

    asyncio.run(use())


def test_being_turned_away_has_a_reason(tmp_path: Path) -> None:
    """A refusal in place of a greeting is raised as what it says."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.refusal(0, SidecarError("too many connections")))
        await reader.read()

    async def use() -> None:
        async with await with_peer(tmp_path / "s", talk):
            with pytest.raises(SidecarError, match="too many connections"):
                await SidecarClient.connect(tmp_path / "s")

    asyncio.run(use())
