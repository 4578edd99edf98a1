"""The sidecar's wire, from asyncio. One request at a time on a connection: who wants two things at once opens two."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from wa.model.errors import SidecarError, TimedOut
from wa.protocol import sidecar_wire as wire

CONNECT_WITHIN_S = 2.0
ANSWER_WITHIN_S = 10.0
NOBODY_THERE = (FileNotFoundError, ConnectionRefusedError, NotADirectoryError)
"""What connecting raises where no sidecar listens."""


class SidecarGoneError(SidecarError):
    """It was there and went away in the middle of an answer."""

    code = "sidecar.gone"
    next_step = "See the end of its log (`wa status` names the file), then start it again with `wa watch --detach`."


class SidecarSilentError(TimedOut):
    code = "timed_out.sidecar"
    next_step = "Run `wa doctor`; if it stays silent, end it with `wa stop` and start it again."


class SidecarClient:
    """Made by `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: Path) -> None:
        self._reader = reader
        self._writer = writer
        self._path = path
        self._frames = wire.FrameReader()
        self._waiting: deque[wire.Message] = deque()
        self._idents = itertools.count(1)
        self.hello: wire.Message = {}
        """The sidecar's greeting: version, pid, started_ms."""

    @classmethod
    async def connect(cls, path: Path, *, within_s: float = CONNECT_WITHIN_S) -> Self:
        """Raises SidecarError where none runs, SidecarSilentError where one accepts and does not greet."""
        try:
            async with asyncio.timeout(within_s):
                reader, writer = await asyncio.open_unix_connection(path)
        except NOBODY_THERE as error:
            raise SidecarError("no sidecar runs", details={"socket": str(path)}) from error
        except TimeoutError as error:
            raise SidecarSilentError(f"the sidecar at {path} does not take connections") from error
        except OSError as error:
            raise SidecarError(f"the sidecar's socket {path} cannot be opened: {error.strerror or error}") from error
        client = cls(reader, writer, path)
        try:
            async with asyncio.timeout(within_s):
                client.hello = await client._next()
        except TimeoutError as error:
            await client.close()
            raise SidecarSilentError(f"the sidecar at {path} accepts and says nothing") from error
        except BaseException:
            await client.close()
            raise
        if client.hello["kind"] != "hello":
            await client.close()
            _raise_last_words(client.hello)
            raise wire.WireError(f"{path} greets with {client.hello['kind']!r:.40}: that is no sidecar")
        return client

    async def call(
        self, method: str, params: Mapping[str, Any] | None = None, *, within_s: float = ANSWER_WITHIN_S
    ) -> Any:
        """The reply's data. Raises what the sidecar reports, SidecarGoneError, or SidecarSilentError."""
        ident = next(self._idents)
        try:
            async with asyncio.timeout(within_s):
                await self._send(wire.request(ident, method, params))
                while True:
                    message = await self._next()
                    _raise_last_words(message)
                    if message["kind"] == "reply" and wire.ident_of(message) == ident:
                        break
        except TimeoutError as error:
            raise SidecarSilentError(f"the sidecar did not answer `{method}` within {within_s:g} s") from error
        if not message.get("ok"):
            raise wire.error_from(message.get("error"))
        return message.get("data")

    async def stream(self, method: str, params: Mapping[str, Any] | None = None) -> Items:
        """The items of a streaming method. Leave it early by closing the client."""
        ident = next(self._idents)
        await self._send(wire.request(ident, method, params))
        return Items(self._next, ident)

    async def begin(self, method: str, params: Mapping[str, Any] | None = None) -> tuple[Any, Items]:
        """As `stream`, for methods that reply first: that reply's data, and the items."""
        items = await self.stream(method, params)
        while True:
            message = await self._next()
            _raise_last_words(message)
            if message["kind"] == "reply" and message.get("id") == items.ident:
                break
        if not message.get("ok"):
            raise wire.error_from(message.get("error"))
        return message.get("data"), items

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return

    async def _send(self, frame: bytes) -> None:
        try:
            self._writer.write(frame)
            await self._writer.drain()
        except OSError as error:
            raise self._gone() from error

    async def _next(self) -> wire.Message:
        while not self._waiting:
            try:
                data = await self._reader.read(256 * 1024)
            except OSError as error:
                raise self._gone() from error
            if not data:
                raise self._gone()
            self._waiting.extend(self._frames.feed(data))
        return self._waiting.popleft()

    def _gone(self) -> SidecarGoneError:
        return SidecarGoneError(f"the sidecar at {self._path} closed the connection")


class Items:
    """What a streaming method sends, one by one. Waiting for the next one may be cancelled without losing anything."""

    def __init__(self, receive: Callable[[], Awaitable[wire.Message]], ident: int) -> None:
        self._receive = receive
        self.ident = ident

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        """Raises StopAsyncIteration when the sidecar ends the stream, or the error it ends it with."""
        while True:
            message = await self._receive()
            _raise_last_words(message)
            if message.get("id") != self.ident:
                continue
            if message["kind"] == "item":
                return message.get("data")
            if message["kind"] == "reply" and not message.get("ok"):
                raise wire.error_from(message.get("error"))
            if message["kind"] == "end":
                if message.get("error") is not None:
                    raise wire.error_from(message["error"])
                raise StopAsyncIteration


def _raise_last_words(message: wire.Message) -> None:
    """A sidecar that hangs up says why in a reply to nobody: id 0."""
    if message["kind"] == "reply" and message.get("id") == 0:
        raise wire.error_from(message.get("error"))


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator[SidecarClient]:
    """A client for the length of a `with`. Raises as `connect` does."""
    client = await SidecarClient.connect(path)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def connected_if_any(path: Path) -> AsyncIterator[SidecarClient | None]:
    """As `connected`, but None where no sidecar runs. One that runs and stays silent is still an error."""
    try:
        client = await SidecarClient.connect(path)
    except SidecarGoneError:
        raise
    except SidecarError:
        yield None
        return
    try:
        yield client
    finally:
        await client.close()
