"""Byte pipes to a mux: its Unix socket, or the stdio of a child such as `ssh HOST wezterm cli proxy`.

A pipe hands bytes on as they come and never waits for whoever takes them; how it ended, it tells once.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

from wa.model.errors import TerminalUnreachable
from wa.wezterm.processes import end_group, start

_STDERR_BYTES = 8192
_LAST_WORDS_S = 0.25
"""A child that ssh left behind can hold the pipes open after ssh has ended."""
_TERM_GRACE_S = 1.0


class Sink(Protocol):
    def received(self, data: bytes) -> None: ...

    def ended(self, error: TerminalUnreachable) -> None:
        """Called once; nothing is received afterwards."""
        ...


class Pipe(Protocol):
    def send(self, data: bytes) -> None:
        """Queue bytes; silently nothing after the end."""
        ...

    def listen(self, *, on: bool) -> None:
        """Whether to read what arrives; it waits meanwhile, and so does word of the end."""
        ...

    def finish(self) -> None:
        """Nothing more will be sent: a sound server hangs up then, and `Sink.ended` follows."""
        ...

    def close(self) -> None:
        """Drop the connection now. `Sink.ended` follows."""
        ...

    async def closed(self) -> None:
        """Until everything behind it (a child process) is gone."""
        ...


Explain = Callable[[int, bytes], TerminalUnreachable]
"""(exit status, stderr) to the error that a person reads."""


async def open_socket(sock: socket.socket, sink: Sink, *, name: str) -> Pipe:
    """Take over the connected *sock*."""
    loop = asyncio.get_running_loop()
    _, pipe = await loop.create_unix_connection(lambda: _SocketPipe(sink, name), sock=sock)
    return pipe


async def open_process(
    argv: Sequence[str], sink: Sink, *, explain: Explain, env: Mapping[str, str] | None = None
) -> Pipe:
    """Start *argv* and speak through its stdin and stdout. OSError where it cannot start.

    In a session of its own: Ctrl-C in wa's terminal is for wa, and nothing may ask on that terminal.
    """
    _, pipe = await start(lambda: _ProcessPipe(sink, explain), argv, env)
    return pipe


def _listen(transport: asyncio.ReadTransport | None, listens: bool, *, on: bool) -> bool:
    """Whether it listens now. The transport is not asked: that of a process's output cannot say in Python 3.11.2, which Debian 12 has."""
    if transport is None or transport.is_closing() or listens is on:
        return listens
    if on:
        transport.resume_reading()
    else:
        transport.pause_reading()
    return on


class _SocketPipe(asyncio.Protocol):
    def __init__(self, sink: Sink, name: str) -> None:
        self._sink = sink
        self._name = name
        self._transport: asyncio.Transport | None = None
        self._listens = True
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._sink.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        how = f"the connection broke: {exc}" if exc else "the connection was closed"
        self._sink.ended(TerminalUnreachable(f"{self._name}: {how}"))
        if not self._gone.done():
            self._gone.set_result(None)

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def listen(self, *, on: bool) -> None:
        self._listens = _listen(self._transport, self._listens, on=on)

    def finish(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def closed(self) -> None:
        await asyncio.shield(self._gone)


class _ProcessPipe(asyncio.SubprocessProtocol):
    def __init__(self, sink: Sink, explain: Explain) -> None:
        self._sink = sink
        self._explain = explain
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._listens = True
        self._stderr = bytearray()
        self._open_pipes = {1, 2}
        self._exited = False
        self._told = False
        self._gone: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._stdin = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self._stderr += data
            del self._stderr[:-_STDERR_BYTES]
        elif not self._told:
            self._sink.received(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._open_pipes.discard(fd)
        if fd == 1 and not self._exited:
            # Its output has ended, so it is of no more use; the status comes with its end.
            self._loop.call_later(_LAST_WORDS_S, self.close)
        if self._exited and not self._open_pipes:
            self._finish()

    def process_exited(self) -> None:
        self._exited = True
        if self._open_pipes:
            self._loop.call_later(_LAST_WORDS_S, self._finish)
        else:
            self._finish()

    def _finish(self) -> None:
        if self._told or self._transport is None:
            return
        self._told = True
        status = self._transport.get_returncode()
        self._transport.close()
        self._sink.ended(self._explain(status if status is not None else -1, bytes(self._stderr)))
        if not self._gone.done():
            self._gone.set_result(None)

    def send(self, data: bytes) -> None:
        if self._stdin is not None and not self._exited and not self._stdin.is_closing():
            self._stdin.write(data)

    def listen(self, *, on: bool) -> None:
        if self._transport is not None:
            output = cast("asyncio.ReadTransport | None", self._transport.get_pipe_transport(1))
            self._listens = _listen(output, self._listens, on=on)

    def finish(self) -> None:
        if self._stdin is not None:
            self._stdin.close()

    def close(self) -> None:
        if self._exited or self._transport is None:
            return
        end_group(self._transport, signal.SIGTERM)
        self._loop.call_later(_TERM_GRACE_S, self._kill)

    def _kill(self) -> None:
        if not self._exited and self._transport is not None:
            end_group(self._transport)

    async def closed(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TERM_GRACE_S + 2.0):
                await asyncio.shield(self._gone)
