"""One SQLite connection in a thread of its own (aiosqlite's), and how the file is opened.

Whole pieces of work run in one call on that thread: a hop per statement would cost more than most statements. What is asked, or done,
while the other side is still on its way shares that hop: where processors are scarce, each is a turn of everybody's.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import aiosqlite

from wa.model.errors import StoreError
from wa.store import schema
from wa.store.errors import (
    StoreClosedError,
    StoreIOError,
    StoreMissingError,
    StoreModeError,
    corrupt,
    translate,
)

T = TypeVar("T")

PAGE_BYTES = 8192
WAL_LIMIT_BYTES = 64 * 1024 * 1024
READER_TIMEOUT_MS = 5000
CHECK_CLEAN_S = 0.5
CHECK_UNCLEAN_S = 5.0
"""How long the integrity check may hold up the start: some hundred MB are checked whole, more in part."""

_OURS = ("", "-wal", "-shm", "-journal")


class _Asked(NamedTuple):
    work: Callable[[], Any]
    answer: asyncio.Future[Any]


class _Done(NamedTuple):
    answer: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class Database(aiosqlite.Connection):
    """aiosqlite's connection, run a function at a time."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connect, 64)
        self.path = path
        self._asked: deque[_Asked] = deque()
        self._is_called = False
        """The thread is going to look what was asked."""
        self._done: deque[_Done] = deque()
        self._is_told = False
        """The loop is going to look what is done."""
        # Who forgets to close must still be able to end; commits are made by then, or were never reported.
        self._thread.daemon = True

    @classmethod
    async def open_writer(cls, path: Path, *, busy_timeout_ms: int) -> Database:
        """For the one writer: makes the file if there is none, and brings the schema up to date."""
        return await cls._open(path, lambda: _connect_writer(path, busy_timeout_ms))

    @classmethod
    async def open_reader(cls, path: Path) -> Database:
        """For any number of readers: never writes."""
        return await cls._open(path, lambda: _connect_reader(path))

    @classmethod
    async def _open(cls, path: Path, connect: Callable[[], sqlite3.Connection]) -> Database:
        failures: list[Exception] = []

        def connector() -> sqlite3.Connection:
            try:
                return connect()
            except (sqlite3.Error, OSError, StoreError) as error:
                # Left to itself aiosqlite would leave a thread behind that outlives the event loop.
                failures.append(error)
                return sqlite3.connect(":memory:")

        database = await cls(path, connector)
        for error in failures:
            await database.close()
            if isinstance(error, sqlite3.Error):
                raise translate(error, path) from error
            raise (_os_trouble(error, path) if isinstance(error, OSError) else error) from error.__cause__
        return cast("Database", database)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """*work* on the connection's thread, after what was asked before; to its end even if nobody waits any more."""
        try:
            result: T = await self._execute(work, self._conn)
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        except ValueError as error:
            if self._connection is None or not self._running:
                raise StoreClosedError(f"{self.path} was closed") from error
            raise
        return result

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """In place of aiosqlite's, by which its own calls go too: those take a hop each."""
        if self._connection is None or not self._running:
            raise ValueError("Connection closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._asked.append(_Asked(partial(fn, *args, **kwargs), answer))
        if not self._is_called:
            self._is_called = True
            # Not at once: what others ask in this turn of the loop goes with it.
            loop.call_soon(self._call)
        return await answer

    def _call(self) -> None:
        if self._asked:
            self._tx.put_nowait((None, self._work_off))
        else:
            # It was done on the way, with what was asked before.
            self._is_called = False

    def _work_off(self) -> None:
        """On the thread: all that was asked, in order."""
        # First: who asks from now on calls again, perhaps for nothing.
        self._is_called = False
        while self._asked:
            work, answer = self._asked.popleft()
            try:
                self._done.append(_Done(answer, work(), None))
            except BaseException as error:
                self._done.append(_Done(answer, None, error))
            if not self._is_told:
                self._is_told = True
                try:
                    answer.get_loop().call_soon_threadsafe(self._tell)
                except RuntimeError:
                    # The loop was closed: nobody waits any more.
                    self._is_told = False
                    self._done.clear()

    def _tell(self) -> None:
        """In the loop: to all who wait for what is done."""
        self._is_told = False
        while self._done:
            answer, result, error = self._done.popleft()
            if answer.done():
                continue
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(error)


def _connect_writer(path: Path, busy_timeout_ms: int) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_or_examine(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=busy_timeout_ms / 1000, cached_statements=64)
    try:
        is_new = schema.examine(connection, path)
        if is_new:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            # Lets retention give space back in small steps.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if (mode := connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]) != "wal":
            raise StoreIOError(
                f"{path} cannot use a write-ahead log (journal mode {mode})", details={"path": str(path)}
            )
        # A kill loses nothing with NORMAL; a power failure may lose the last commits, never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        # Deleted text is overwritten, in the file and in what the index leaves behind.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -8192")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        if not is_new:
            within_s = CHECK_CLEAN_S if schema.was_closed_cleanly(connection) else CHECK_UNCLEAN_S
            trouble, _ = quick_check(connection, within_s=within_s)
            if trouble:
                raise corrupt(path, trouble)
        schema.migrate(connection, int(time.time() * 1000))
        schema.mark_in_use(connection)
        if not schema.merges_by_itself(connection):
            schema.let_merge(connection, by_itself=True)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_reader(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise StoreMissingError(f"there is no database at {path}", details={"path": str(path)})
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=READER_TIMEOUT_MS / 1000
    )
    try:
        schema.examine(connection, path)
        schema.refuse_older(connection, path)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -16384")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_or_examine(path: Path) -> None:
    """Make the file with mode 0600, or refuse one that others can reach. -wal and -shm get the mode of the file."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        pass
    else:
        # A umask may have taken the owner's bits.
        path.chmod(0o600)
    for suffix in _OURS:
        _refuse_shared(path.with_name(path.name + suffix))


def _refuse_shared(path: Path) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if found.st_uid != os.geteuid():
        raise StoreModeError(
            f"{path} belongs to uid {found.st_uid}, not to you",
            next_step="Start wa as the user who owns it, or set WA_HOME to another folder.",
        )
    if found.st_mode & 0o077:
        raise StoreModeError(
            f"others may reach {path} (mode {found.st_mode & 0o777:03o})",
            next_step=f"`chmod 600 {path}`, once nobody else has read it.",
            details={"path": str(path)},
        )


def _os_trouble(error: OSError, path: Path) -> StoreIOError:
    return StoreIOError(f"{path} cannot be made or opened: {error.strerror or error}", details={"path": str(path)})


def quick_check(connection: sqlite3.Connection, *, within_s: float) -> tuple[str | None, bool]:
    """The first damage that SQLite finds, or None; and whether it came to the end in time."""
    deadline = time.monotonic() + within_s
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 20_000)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None, False
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return (None if found == "ok" else str(found)), True


def transaction(connection: sqlite3.Connection, work: Callable[[], T]) -> T:
    """*work* in a write transaction: all of it, or, when anything fails, none; the connection stays usable."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work()
        connection.execute("COMMIT")
    except BaseException:
        rollback(connection)
        raise
    return result


def rollback(connection: sqlite3.Connection) -> None:
    """SQLite has done it itself after some errors (a full disk), not after others."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def snapshot(connection: sqlite3.Connection, work: Callable[[], T]) -> T:
    """*work* on one state of the database, whatever the writer does meanwhile."""
    connection.execute("BEGIN")
    try:
        return work()
    finally:
        rollback(connection)
