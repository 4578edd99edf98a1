"""Running a program to its end, with a bound on its time, its output and its children."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar, cast

MAX_OUTPUT_BYTES = 64 * 1024 * 1024
"""More than 20,000 rows of 800 columns of four-byte characters; a program that prints on is ended."""

_LAST_WORDS_S = 0.25
"""How long stderr is listened to after the program has ended: a child it left behind may hold it open (ssh does)."""

_REAP_POLL_S = 0.002
_REAP_S = 2.0
"""How long a killed program may take to vanish; only one stuck in the kernel takes that long."""


P = TypeVar("P", bound=asyncio.SubprocessProtocol)


class Completed(NamedTuple):
    status: int
    """Exit status; negative: the signal that ended it."""
    stdout: bytes
    stderr: bytes
    pid: int = 0


async def run(
    argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> Completed:
    """Run *argv* and collect what it prints. TimeoutError when it takes too long, OSError when it cannot start.

    In a session of its own, so that the whole of it can be ended, and so that nothing asks on the terminal. It never
    outlives this call.
    """
    async with asyncio.timeout(timeout_s):
        transport, collector = await start(_Collector, argv, env)
        try:
            pipe = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
            if stdin:
                pipe.write(stdin)
            pipe.close()  # after what is still to be written
            await collector.exited.wait()
            await collector.stdout_closed.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    await collector.stderr_closed.wait()
            status = transport.get_returncode() or 0
            return Completed(status, bytes(collector.stdout), bytes(collector.stderr), transport.get_pid())
        finally:
            await _put_away(transport)


async def start(
    protocol: Callable[[], P], argv: Sequence[str], env: Mapping[str, str] | None = None
) -> tuple[asyncio.SubprocessTransport, P]:
    """Start *argv* in a session of its own, with pipes. OSError where it cannot start.

    Cancelled half-way, asyncio would wait for ever for pipes that were never connected (CPython 3.11.7), so a start is
    seen through, a matter of milliseconds, and undone.
    """
    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            protocol, *argv, env=None if env is None else dict(env), start_new_session=True
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        while not starting.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([starting])
        if starting.exception() is None:
            await _put_away(starting.result()[0])
        raise


async def _put_away(transport: asyncio.SubprocessTransport) -> None:
    """End a program that has not ended, and wait until the loop knows: closing earlier races it for the status."""
    end_group(transport)
    give_up_at = time.monotonic() + _REAP_S
    try:
        while transport.get_returncode() is None and time.monotonic() < give_up_at:  # noqa: ASYNC110 - tells by no event
            await asyncio.sleep(_REAP_POLL_S)
    finally:
        transport.close()


def end_group(transport: asyncio.SubprocessTransport, how: int = signal.SIGKILL) -> None:
    """Signal a program started in a session of its own, and what it started, unless it has ended."""
    if transport.get_returncode() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), how)


class _Collector(asyncio.SubprocessProtocol):
    def __init__(self) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        # Events, not futures: a cancelled wait cancels the future it waits for, and `run` waits again afterwards.
        self.exited = asyncio.Event()
        self.stdout_closed = asyncio.Event()
        self.stderr_closed = asyncio.Event()
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        collected = self.stdout if fd == 1 else self.stderr
        if len(collected) + len(data) > MAX_OUTPUT_BYTES:
            if self._transport is not None:
                end_group(self._transport)
            return
        collected += data

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if fd in (1, 2):
            (self.stdout_closed if fd == 1 else self.stderr_closed).set()

    def process_exited(self) -> None:
        self.exited.set()
