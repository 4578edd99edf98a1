"""What is done to panes, on disk: written through the one Writer, every method returns after the commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from wa.model.action import Acted, Action, Ledger, Stage
from wa.store import acting_reading as reading
from wa.store import acting_writing as writing
from wa.store.acting_records import ActionRecord, GrantRecord, Intent, PauseRecord, QueuedRecord
from wa.store.acting_words import fingerprint_of

if TYPE_CHECKING:
    # Whoever only reads beside the sidecar starts without a writer.
    from wa.store.reader import Reader
    from wa.store.writer import Writer

T = TypeVar("T")


class ActingStore:
    """Reads go through the writer's connection too: they see what was written just before. Raises StoreError, NotFound, Refused."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def ledger(
        self, pane_uid: str, action: Action, now_ms: int, *, run: int | None = None, but: int | None = None
    ) -> tuple[Ledger, int | None]:
        """What bears on a decision, and the grant that would be used."""
        fingerprint = fingerprint_of(action)
        return await self._do(lambda c: reading.ledger(c, pane_uid, fingerprint, now_ms, run=run, but=but))

    async def begin(self, intent: Intent) -> tuple[ActionRecord, bool]:
        """The intent on record, and whether it is new."""
        return await self._do(lambda c: writing.begin_action(c, intent))

    async def redecide(self, action: int, decision: str, rule: str, reason: str) -> None:
        await self._do(lambda c: writing.redecide(c, action, decision, rule, reason))

    async def advance(self, action: int, stage: Stage, at_ms: int, *, grant: int | None = None) -> None:
        await self._do(lambda c: writing.advance(c, action, stage, at_ms, grant=grant))

    async def end(self, action: int, acted: Acted, at_ms: int) -> ActionRecord:
        return await self._do(lambda c: writing.end_action(c, action, acted, at_ms))

    async def by_key(self, key: str) -> ActionRecord | None:
        return await self._do(lambda c: reading.by_key(c, key))

    async def ended_under(self, prefix: str) -> int:
        return await self._do(lambda c: reading.ended_under(c, prefix))

    async def newest_under(self, prefix: str) -> ActionRecord | None:
        return await self._do(lambda c: reading.newest_under(c, prefix))

    async def closed_panes(self) -> set[str]:
        return await self._do(reading.closed_panes)

    async def opened(self, since_ms: int) -> set[str]:
        """Panes that were opened for workflows since then, or shortly before."""
        return await self._do(lambda c: reading.opened(c, since_ms))

    async def open_actions(self) -> list[ActionRecord]:
        return await self._do(reading.open_actions)

    async def run_mode(self, run: int) -> str | None:
        return await self._do(lambda c: reading.run_mode(c, run))

    async def ask(self, intent: Intent, expires_ms: int, *, effects: frozenset[str] = frozenset()) -> GrantRecord:
        return await self._do(lambda c: writing.ask_grant(c, intent, expires_ms, effects=effects))

    async def settle_grant(self, ident: int, *, granted: bool, at_ms: int, expires_ms: int) -> GrantRecord:
        return await self._do(
            lambda c: writing.settle_grant(c, ident, granted=granted, at_ms=at_ms, expires_ms=expires_ms)
        )

    async def grants(self, now_ms: int) -> list[GrantRecord]:
        return await self._do(lambda c: reading.grants(c, now_ms))

    async def pause(self, record: PauseRecord) -> PauseRecord:
        return await self._do(lambda c: writing.pause(c, record))

    async def resume(self, scope: str | None, name: str | None) -> list[PauseRecord]:
        return await self._do(lambda c: writing.resume(c, scope, name))

    async def pauses(self, now_ms: int) -> list[PauseRecord]:
        return await self._do(lambda c: reading.pauses(c, now_ms))

    async def enqueue(self, wish: QueuedRecord) -> QueuedRecord:
        return await self._do(lambda c: writing.enqueue(c, wish))

    async def settle_queued(
        self, ident: int, status: str, *, action: int | None = None, detail: str | None = None
    ) -> QueuedRecord:
        return await self._do(lambda c: writing.settle_queued(c, ident, status, action=action, detail=detail))

    async def waiting(self, pane_uid: str | None = None) -> list[QueuedRecord]:
        return await self._do(lambda c: reading.queue(c, pane=pane_uid, waiting=True, limit=None))

    async def expire(self, now_ms: int) -> None:
        await self._do(lambda c: writing.expire(c, now_ms))

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._writer.transact(work)


class ActingHistory:
    """The same, read beside the sidecar."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def actions(
        self,
        pane: str | None = None,
        *,
        actor: str | None = None,
        outcome: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int | None = None,
    ) -> list[ActionRecord]:
        """Oldest first, the newest *limit*."""
        return await self._reader.read(
            lambda c: reading.actions(
                c, pane=pane, actor=actor, outcome=outcome, since_ms=since_ms, until_ms=until_ms, limit=limit
            )
        )

    async def action(self, ident: int) -> ActionRecord:
        return await self._reader.read(lambda c: reading.action(c, ident))

    async def grants(self, now_ms: int | None) -> list[GrantRecord]:
        return await self._reader.read(lambda c: reading.grants(c, now_ms))

    async def pauses(self, now_ms: int | None) -> list[PauseRecord]:
        return await self._reader.read(lambda c: reading.pauses(c, now_ms))

    async def queue(
        self, pane: str | None = None, *, waiting: bool = True, limit: int | None = None
    ) -> list[QueuedRecord]:
        return await self._reader.read(lambda c: reading.queue(c, pane=pane, waiting=waiting, limit=limit))
