"""A mux that nobody has proven wa against: everything passes through, but the codec version it reports is unknown.

python -m benchmarks.unknown_codec LISTEN TARGET
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from benchmarks.harness import Stage
from benchmarks.roles import Orders, Role
from wa.protocol.mux import FrameReader, GetCodecVersionResponse, decode, encode, encode_frame, ident_of

UNKNOWN_CODEC = 9_999


def front(here: Stage, target: Path) -> Path:
    """Starts one before *target*; its socket."""
    listen = here.fresh("front") / "sock"
    Role(here, "benchmarks.unknown_codec", str(listen), str(target))
    return listen


def disguise(reader: FrameReader, data: bytes) -> bytes:
    """What the server said, with another codec version in it."""
    found: list[bytes] = []
    for frame in reader.feed(data):
        payload = frame.payload()
        if frame.ident == ident_of(GetCodecVersionResponse):
            said = decode(frame.ident, payload, 44)
            assert isinstance(said, GetCodecVersionResponse)
            _, payload = encode(said._replace(codec_vers=UNKNOWN_CODEC), 44)
        found.append(encode_frame(frame.serial, frame.ident, payload))
    return b"".join(found)


async def serve(listen: str, target: str) -> None:
    async def forward(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, disguised: bool) -> None:
        frames = FrameReader()
        with suppress(ConnectionError):
            while data := await source.read(1 << 18):
                sink.write(disguise(frames, data) if disguised else data)
                await sink.drain()
        sink.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            server_reader, server_writer = await asyncio.open_unix_connection(target)
            async with asyncio.TaskGroup() as group:
                group.create_task(forward(reader, server_writer, disguised=False))
                group.create_task(forward(server_reader, writer, disguised=True))

    server = await asyncio.start_unix_server(join, listen)
    orders = Orders()
    orders.say(ready=True)
    async with server:
        # Nothing is ever asked of this role: the harness's hanging up is the only word.
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
