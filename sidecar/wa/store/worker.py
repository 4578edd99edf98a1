"""A connection's own thread, which does what is asked of it, one call after the other.

The connection is opened, used and closed there and nowhere else. Nobody need wait for a call, or be there when it
ends: it is done all the same. The thread ends with `close`, or when nobody holds its Worker any more; it never keeps
a process from ending.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class _Call(NamedTuple):
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    work: Callable[[sqlite3.Connection], Any] | None
    """None: close the connection."""


_Line = SimpleQueue[_Call | None]
"""None: close it, and tell nobody."""


class Worker:
    """Open with `Worker.open`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._line: _Line = SimpleQueue()
        self._end: asyncio.Future[None] | None = None
        self.is_closed = True

    @classmethod
    async def open(cls, name: str, connect: Callable[[], sqlite3.Connection]) -> Worker:
        """Raises what *connect* raises, and leaves no thread then; nor when nobody waits for it to the end."""
        worker = cls(name)
        loop = asyncio.get_running_loop()
        opened = _Call(loop, loop.create_future(), None)
        # A daemon: whoever ends the process has not waited for the calls under way, as after a kill.
        threading.Thread(target=_serve, args=(worker._line, connect, opened), name=name, daemon=True).start()
        try:
            await opened.answer
        except BaseException:
            worker._line.put(None)
            raise
        worker.is_closed = False
        return worker

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """*work* on the thread, after what was asked before. Only while it is not closed."""
        result: T = await self._ask(work)
        return result

    async def close(self) -> None:
        """After what was asked before."""
        if self._end is None:
            self.is_closed = True
            self._end = self._ask(None)
        await asyncio.shield(self._end)

    def __del__(self) -> None:
        if not self.is_closed:
            self._line.put(None)
            warnings.warn(f"{self.name} was not closed", ResourceWarning, stacklevel=1, source=self)

    def _ask(self, work: Callable[[sqlite3.Connection], Any] | None) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        call = _Call(loop, loop.create_future(), work)
        self._line.put(call)
        return call.answer


def _serve(line: _Line, connect: Callable[[], sqlite3.Connection], opened: _Call) -> None:
    """The thread. It holds no call while it waits for the next, nor the Worker."""
    connection = _open(connect, opened)
    if connection is None:
        return
    del opened
    while _do(line.get(), connection):
        pass


def _open(connect: Callable[[], sqlite3.Connection], opened: _Call) -> sqlite3.Connection | None:
    try:
        connection = connect()
    except BaseException as error:
        _tell(opened, error=error)
        return None
    _tell(opened)
    return connection


def _do(call: _Call | None, connection: sqlite3.Connection) -> bool:
    """False when it was the last."""
    if call is None:
        connection.close()
        return False
    try:
        if call.work is None:
            connection.close()
            result = None
        else:
            result = call.work(connection)
    except BaseException as error:
        _tell(call, error=error)
    else:
        _tell(call, result)
    return call.work is not None


def _tell(call: _Call, result: object = None, *, error: BaseException | None = None) -> None:
    # The loop may have been closed since.
    with suppress(RuntimeError):
        call.loop.call_soon_threadsafe(_settle, call.answer, result, error)


def _settle(answer: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
