"""A bare client of the sidecar's wire for tests, and a way to wait for conditions."""

import asyncio
import itertools
from contextlib import asynccontextmanager, suppress

from wa.protocol import sidecar_wire


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.frames = sidecar_wire.FrameReader()
        self.waiting = []
        self.idents = itertools.count(1)

    async def next(self, within_s=10.0):
        """The next message; None at the end of the connection."""
        async with asyncio.timeout(within_s):
            while not self.waiting:
                data = await self.reader.read(1 << 16)
                if not data:
                    return None
                self.waiting += self.frames.feed(data)
        return self.waiting.pop(0)

    async def ask(self, method, **params):
        """The reply's data; raises what the sidecar reports."""
        ident = next(self.idents)
        self.writer.write(sidecar_wire.request(ident, method, params))
        while (message := await self.next()) is not None:
            if message["kind"] == "reply" and message["id"] == ident:
                if not message["ok"]:
                    raise sidecar_wire.error_from(message["error"])
                return message["data"]
        raise ConnectionResetError("closed before the reply")

    def begin(self, method, **params):
        """Ask without waiting; the request's id."""
        ident = next(self.idents)
        self.writer.write(sidecar_wire.request(ident, method, params))
        return ident

    async def items(self):
        """Data of the items as they come, until the stream ends."""
        while (message := await self.next()) is not None and message["kind"] != "end":
            if message["kind"] == "item":
                yield message["data"]


@asynccontextmanager
async def connected(path, *, limit=1 << 16):
    reader, writer = await asyncio.open_unix_connection(path, limit=limit)
    client = Client(reader, writer)
    client.hello = await client.next()
    try:
        yield client
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def until(condition, within_s=10.0):
    """Waits for a condition that has no event of its own."""
    async with asyncio.timeout(within_s):
        while not (found := condition()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return found
