"""Virtual time for a whole sidecar: a loop that jumps to what comes next, and the database in the loop's own turns.

The database's threads are left out, and nothing else of it: which of two threads is first must be the seed's to say. What is asked of
a connection is done in its order, after a time that is drawn, also when nobody waits for it any more.
"""

import asyncio
import sqlite3
from contextlib import contextmanager, suppress
from functools import partial

from wa.store import reader, writer
from wa.store.connection import Database

TICK_S = 1e-6
"""Between two pieces of work of one connection."""
TURNS = 3_000_000
"""Of one life, each trial has some thousands: one that stands still ends by name, and does not hang."""


class Stuck(Exception):
    """Nothing will ever happen again."""


class Loop(asyncio.BaseEventLoop):
    """One life of a sidecar. The stage's time goes on while nothing of the loop is ready, and stands still otherwise."""

    def __init__(self, stage, life):
        super().__init__()
        self.stage, self.life = stage, life
        self.databases = []
        self._turns = 0
        self._selector = self
        self._clock_resolution = 1e-9
        self._after_s = None
        """How long the loop has gone on after its life, for what must be closed; the stage's time stands still."""

    @property
    def is_over(self):
        return self._after_s is not None

    def time(self):
        return self.stage.now + (self._after_s or 0.0)

    def select(self, timeout):
        self._turn()
        if self.is_over:
            if timeout is None:
                raise Stuck("a task of a killed sidecar does not end")
            self._after_s += timeout
            return []
        give_up = float("inf") if timeout is None else self.stage.now + timeout
        while not self._ready and not self._stopping and self.stage.now < give_up:
            at = min(self.stage.next_at(), give_up)
            if at == float("inf"):
                raise Stuck("nothing will ever happen again")
            self.stage.go(at)
            self._turn()
        return []

    def _turn(self):
        self._turns += 1
        if self._turns > TURNS:
            raise Stuck("it goes round and round")

    def run_in_executor(self, executor, func, *args):
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def bury(self):
        """Nothing that is left reaches the stage or the database any more."""
        self._after_s = 0.0
        for database in self.databases:
            database.cut()
        for _ in range(50):
            left = asyncio.all_tasks(self)
            if not left:
                break
            for task in left:
                task.cancel()
            with suppress(Stuck):
                self.run_until_complete(_ended(left))
        self.run_until_complete(self.shutdown_asyncgens())
        self.close()

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass


async def _ended(tasks):
    await asyncio.gather(*tasks, return_exceptions=True)


class Inline(Database):
    """The real connection; each piece of work in a turn of the loop. At both ends of it the sidecar may be killed."""

    def __await__(self):
        return self._opened().__await__()

    async def _opened(self):
        self._free_at = 0.0
        asyncio.get_running_loop().databases.append(self)
        self._connection = await self._later(self._connector, may_fail=False)
        return self

    async def _execute(self, fn, *args, **kwargs):
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")
        return await self._later(partial(fn, *args, **kwargs))

    async def close(self):
        if self._connection is None:
            return
        try:
            await self._later(self._connection.close, may_fail=False)
        finally:
            self._connection, self._running = None, False

    def cut(self):
        """As the kernel does: the file is let go of, and what was not committed never was."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection, self._running = None, False

    def _later(self, work, *, may_fail=True):
        loop = asyncio.get_running_loop()
        if loop.is_over:
            raise ValueError("Connection closed")
        future = loop.create_future()
        self._free_at = max(loop.time() + loop.stage.disk_s(), self._free_at + TICK_S)
        loop.call_at(self._free_at, self._do, loop, work, future, may_fail)
        return future

    def _do(self, loop, work, future, may_fail):
        if loop.is_over or not loop.life.goes_on("store"):
            return
        try:
            if may_fail:
                loop.stage.disk_fails()
            result, error = work(), None
        except Exception as raised:
            result, error = None, raised
        if not loop.life.goes_on("stored") or future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


@contextmanager
def inline_databases():
    before = writer.Database, reader.Database
    writer.Database = reader.Database = Inline
    try:
        yield
    finally:
        writer.Database, reader.Database = before
