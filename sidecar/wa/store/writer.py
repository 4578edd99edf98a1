"""The one writer.

One connection in one thread. Calls of `capture` and `agent_events` that wait at the same time share a transaction: whichever comes first
on the thread takes all that are waiting, and the others find their work done.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from wa.model.errors import StoreError, UsageError
from wa.model.identity import MuxInstance, Pane
from wa.store import panes, retention
from wa.store.agent_records import AgentBatch
from wa.store.connection import Database
from wa.store.errors import translate
from wa.store.forgetting import Forgetting, purge
from wa.store.merging import merged_by_hand
from wa.store.prepare import pane_number
from wa.store.read_panes import known_number
from wa.store.records import Capture, PaneUpdate, Retained, StoreSettings
from wa.store.schema import mark_closed
from wa.store.thread_side import Call, Staged, ThreadSide

log = logging.getLogger(__name__)
T = TypeVar("T")

GROUP_ROWS = 20_000
"""A shared transaction takes no further call once it has so many rows."""
FORGET_WITHIN_S = 10.0
"""How long `forget` waits for readers that still look at what was deleted."""


class Writer:
    """Open with `Writer.open`. Every method returns after the commit, or raises a WaError and has written nothing."""

    def __init__(self, database: Database, settings: StoreSettings) -> None:
        self._database = database
        self._settings = settings
        self._waiting: deque[Call] = deque()
        self._side = ThreadSide()

    @classmethod
    async def open(cls, path: Path, *, settings: StoreSettings | None = None) -> Writer:
        """Makes the file (0600) or brings it up to date. Raises a StoreError that says why it cannot be used."""
        settings = settings or StoreSettings()
        return cls(await Database.open_writer(path, busy_timeout_ms=settings.busy_timeout_ms), settings)

    @property
    def path(self) -> Path:
        return self._database.path

    async def close(self) -> None:
        """Also after a failure. The next Writer goes on where this one ends."""
        try:
            await self._database.run(mark_closed)
        except StoreError as error:
            log.warning("database not marked as closed", extra={"error": str(error)})
        finally:
            await self._database.close()

    async def pane_uid(self, mux: MuxInstance, pane: Pane, at_ms: int) -> str:
        """The uid of a pane, a new one at its first sight. A pane that had been closed is open again."""
        return f"p{await self._write(lambda connection, _: panes.find_or_add(connection, mux, pane, at_ms))}"

    async def update_panes(self, updates: Sequence[PaneUpdate]) -> None:
        """Raises NotFound for a pane that does not exist; then none is changed."""
        await self._write(lambda connection, _: panes.update(connection, updates))

    async def close_panes(self, uids: Iterable[str], at_ms: int) -> None:
        """The panes are gone; what they printed stays."""
        numbers = [pane_number(uid) for uid in uids]
        await self._write(lambda connection, staged: self._side.close_panes(connection, staged, numbers, at_ms))

    async def close_absent(self, mux: MuxInstance, present: Collection[int], at_ms: int) -> int:
        """Close the panes that ended while nobody watched: all but *present*, the ids that *mux* lists. How many."""
        return await self._write(
            lambda connection, staged: self._side.close_absent(connection, staged, mux, present, at_ms)
        )

    async def mux_lost(self, mux: MuxInstance, at_ms: int | None) -> None:
        """When the connection to this run of a mux broke; None once it stands. All that was heard before is to be written first."""
        await self.transact(lambda connection: panes.lost(connection, mux, at_ms))

    async def capture(self, captures: Sequence[Capture]) -> None:
        """Store. If this fails nothing of *captures* is stored, and it may be called again with the same.

        Raises StorePositionError for rows that fit no log, NotFound for a pane that does not exist.
        """
        await self._call(Call(captures))

    async def agent_events(self, batches: Sequence[AgentBatch]) -> None:
        """What agents said and did. As `capture`, and in the same transactions; raises NotFound for an unknown pane."""
        await self._call(Call(batches=batches))

    async def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """*work* in a transaction of its own, for what is written seldom; raises what it raises, and then nothing was written.

        It must redact, and leave the tables of the log alone.
        """
        return await self._write(lambda connection, _: work(connection))

    async def forget(self, *, pane_uid: str | None = None, since_ms: int | None = None) -> int:
        """Delete what was captured of a pane, since an instant, or both, for good: no byte of it stays in any file.

        Answers with the number of rows. Other writes go on in between. Raises StoreLockedError if a reader holds on to
        the old state for too long: the rows are deleted then, and calling again takes their last traces away.
        """
        if pane_uid is None and since_ms is None:
            raise UsageError("nothing says what to forget", next_step="Name a pane or an instant.")
        number = None if pane_uid is None else pane_number(pane_uid)
        if number is not None:
            await self._write(lambda connection, _: known_number(connection, f"p{number}"))
        forgetting = Forgetting(number, since_ms)
        async with merged_by_hand(self._database) as merging:
            while await self._write(lambda connection, _: forgetting.step(connection)):
                await merging.catch_up()
        await self._write(lambda connection, staged: self._side.forget_rest(connection, staged, forgetting))
        while await self._write(lambda connection, staged: self._side.forget_panes(connection, staged, forgetting)):
            pass
        await purge(self._database, within_s=FORGET_WITHIN_S)
        return forgetting.rows

    async def retain(self, now_ms: int) -> Retained:
        """Delete what is older than the settings allow, then the oldest until the file is small enough.

        In steps of some ten milliseconds, between which other writes go on.
        """
        await self._write(lambda connection, staged: self._side.sweep(connection, staged, now_ms))
        return await retention.retain(self._database, self._settings, now_ms)

    async def _call(self, call: Call) -> None:
        self._waiting.append(call)
        await self._database.run(lambda connection: self._commit_waiting(connection, call))
        if call.error is not None:
            raise call.error

    async def _write(self, work: Callable[[sqlite3.Connection, Staged], T]) -> T:
        """*work* in a transaction of its own."""
        return await self._database.run(
            lambda connection: self._side.write(connection, lambda staged: work(connection, staged))
        )

    def _commit_waiting(self, connection: sqlite3.Connection, call: Call) -> None:
        """On the thread: store *call*, and what waits with it, unless an earlier one has done so."""
        if call.is_done:
            return
        group: list[Call] = []
        rows = 0
        while self._waiting and (rows < GROUP_ROWS or call not in group):
            group.append(self._waiting.popleft())
            rows += group[-1].rows
        try:
            self._commit(connection, group)
        finally:
            for one in group:
                one.is_done = True

    def _commit(self, connection: sqlite3.Connection, group: Sequence[Call]) -> None:
        try:
            self._side.commit(connection, group)
        except sqlite3.OperationalError as error:
            for one in group:
                one.error = translate(error, self.path)
        except (sqlite3.Error, OverflowError) as error:
            # The data of one call may be the trouble (a text of a gigabyte): the others need not suffer for it.
            if len(group) > 1:
                for one in group:
                    self._commit(connection, [one])
            elif isinstance(error, sqlite3.Error):
                group[0].error = translate(error, self.path)
            else:
                group[0].error = StoreError(f"the rows cannot be stored: {error}")
