"""What the Writer keeps and does on its connection's thread.

The ends of the panes' logs are kept in memory. A transaction stages copies and new counters; they take effect after
its commit, so that a failed one leaves memory and file as they were, and the same call can be made again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from wa.model.errors import WaError
from wa.model.identity import MuxInstance
from wa.store import agent_writing, panes
from wa.store.agent_records import AgentBatch
from wa.store.chunks import Chunk
from wa.store.commit import insert_chunks, load_log, store_open_chunk, store_rest
from wa.store.connection import transaction
from wa.store.forgetting import Forgetting
from wa.store.panelog import PaneLog
from wa.store.prepare import Prepared, prepare
from wa.store.read_log import stored_texts
from wa.store.records import Capture

T = TypeVar("T")

OPEN_FOR_MS = 600_000
"""A chunk is closed and indexed at this age though not whole: what a search reads beside the index stays small."""
SWEEP_EVERY_MS = 30_000
SWEEP_AT_ONCE = 32
"""So many chunks at most are closed for their age in one transaction."""


@dataclass(slots=True)
class Call:
    """One call of `capture` or `agent_events`, waiting for its commit."""

    captures: Sequence[Capture] = ()
    batches: Sequence[AgentBatch] = ()
    is_done: bool = False
    error: WaError | None = None

    @property
    def rows(self) -> int:
        captured = sum(len(segment.rows) for capture in self.captures for segment in capture.segments)
        return captured + sum(len(batch.operations) for batch in self.batches)


@dataclass(slots=True)
class Staged:
    """What will be so after the commit."""

    next_id: int
    closed_ms: int
    newest_ms: int
    swept_ms: int
    logs: dict[int, PaneLog] = field(default_factory=dict)
    closed: list[int] = field(default_factory=list)
    """Panes whose logs need not be kept in memory."""
    is_void: bool = False
    """Memory is to be read anew."""


class ThreadSide:
    def __init__(self) -> None:
        self._logs: dict[int, PaneLog] = {}
        self._next_id = 1
        self._closed_ms = 0
        """The newest instant of a row in a closed chunk."""
        self._newest_ms = 0
        """The newest instant that anything was captured at."""
        self._swept_ms = 0
        self._data_version: int | None = None

    def write(self, connection: sqlite3.Connection, work: Callable[[Staged], T]) -> T:
        """*work* in a transaction of its own."""

        def inside() -> tuple[Staged, T]:
            self._refresh(connection)
            staged = Staged(self._next_id, self._closed_ms, self._newest_ms, self._swept_ms)
            return staged, work(staged)

        staged, result = transaction(connection, inside)
        self._next_id, self._closed_ms = staged.next_id, staged.closed_ms
        self._newest_ms, self._swept_ms = staged.newest_ms, staged.swept_ms
        self._logs.update(staged.logs)
        for pane in staged.closed:
            self._logs.pop(pane, None)
        if staged.is_void:
            self._data_version = None
        return result

    def commit(self, connection: sqlite3.Connection, calls: Sequence[Call]) -> None:
        """All of *calls* in one transaction; one that asks for the impossible gets its error and is left out."""

        def work(staged: Staged) -> None:
            if abs(staged.newest_ms - staged.swept_ms) >= SWEEP_EVERY_MS:
                self.sweep(connection, staged, staged.newest_ms)
            for call in calls:
                call.error = None
                try:
                    prepared = prepare(
                        call.captures,
                        lambda pane: self._log(connection, staged, pane),
                        lambda pane, first, count: stored_texts(connection, pane, first, count),
                    )
                    said = agent_writing.prepare(connection, call.batches)
                except WaError as error:
                    call.error = error
                    continue
                staged.newest_ms = max(staged.newest_ms, _newest_of(prepared))
                self._insert(connection, staged, prepared.chunks)
                store_rest(connection, prepared)
                agent_writing.apply(connection, said)
                staged.logs.update(prepared.logs)

        self.write(connection, work)

    def sweep(self, connection: sqlite3.Connection, staged: Staged, now_ms: int) -> None:
        """Close chunks that have been open for long."""
        old = [pane for pane, end in self._logs.items() if end.texts and end.first_ms < now_ms - OPEN_FOR_MS]
        self._close_chunks(connection, staged, old[:SWEEP_AT_ONCE], but_open_line=True)
        if len(old) <= SWEEP_AT_ONCE:
            staged.swept_ms = now_ms

    def close_panes(self, connection: sqlite3.Connection, staged: Staged, numbers: Sequence[int], at_ms: int) -> None:
        panes.close(connection, numbers, at_ms)
        self._close_chunks(connection, staged, numbers, but_open_line=False)
        staged.closed += numbers

    def close_absent(
        self, connection: sqlite3.Connection, staged: Staged, mux: MuxInstance, present: Collection[int], at_ms: int
    ) -> int:
        numbers = panes.absent(connection, mux, present)
        panes.close_unseen(connection, mux, numbers, at_ms)
        self._close_chunks(connection, staged, numbers, but_open_line=False)
        staged.closed += numbers
        return len(numbers)

    def forget_rest(self, connection: sqlite3.Connection, staged: Staged, forgetting: Forgetting) -> None:
        staged.is_void = True
        forgetting.rest(connection)

    def forget_panes(self, connection: sqlite3.Connection, staged: Staged, forgetting: Forgetting) -> bool:
        staged.is_void = True
        return forgetting.panes(connection)

    def _close_chunks(
        self, connection: sqlite3.Connection, staged: Staged, numbers: Iterable[int], *, but_open_line: bool
    ) -> None:
        for pane in numbers:
            end = self._log(connection, staged, pane).copy()
            if chunks := end.close(but_open_line=but_open_line):
                self._insert(connection, staged, chunks)
                store_open_chunk(connection, pane, end.encoded())
                staged.logs[pane] = end

    def _insert(self, connection: sqlite3.Connection, staged: Staged, chunks: Sequence[Chunk]) -> None:
        staged.next_id, staged.closed_ms = insert_chunks(connection, staged.next_id, staged.closed_ms, chunks)

    def _log(self, connection: sqlite3.Connection, staged: Staged, pane: int) -> PaneLog:
        found = staged.logs.get(pane) or self._logs.get(pane)
        if found is None:
            found = self._logs[pane] = load_log(connection, pane)
        return found

    def _refresh(self, connection: sqlite3.Connection) -> None:
        """At the start of a transaction: memory is void if another program has written."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version == self._data_version:
            return
        self._logs.clear()
        (last_id,) = connection.execute("SELECT coalesce(max(id), 0) FROM chunks").fetchone()
        closed = connection.execute("SELECT closed_ms FROM chunks WHERE id = ?", (last_id,)).fetchone()
        (newest_ms,) = connection.execute("SELECT coalesce(max(last_ms), 0) FROM open_chunks").fetchone()
        self._next_id = max(self._next_id, last_id + 1)
        self._closed_ms = max(self._closed_ms, closed[0] if closed else 0)
        self._newest_ms = max(self._newest_ms, newest_ms, self._closed_ms)
        for (pane,) in connection.execute("SELECT pane FROM open_chunks").fetchall():
            self._logs[pane] = load_log(connection, pane)
        self._data_version = version


def _newest_of(prepared: Prepared) -> int:
    return max((counts.last_ms for counts in prepared.counts.values() if counts.last_ms is not None), default=0)
