"""What is paused: on disk for the next run, in memory for the judgement right before a write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from wa.model.clock import Clock
from wa.model.errors import NotFound, UsageError
from wa.store.acting_records import PauseRecord

SCOPES = ("all", "agent", "pane")


class PauseStore(Protocol):
    async def pause(self, record: PauseRecord) -> PauseRecord: ...
    async def resume(self, scope: str | None, name: str | None) -> list[PauseRecord]: ...
    async def pauses(self, now_ms: int) -> list[PauseRecord]: ...


class Pauses:
    def __init__(self, store: PauseStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[tuple[str, str], PauseRecord] = {}
        self.changed: Callable[[], None] = lambda: None
        """Told after a pause has begun or was ended; not when its time is over."""

    async def load(self) -> None:
        """What an earlier run left."""
        self._known = {one[:2]: one for one in await self._store.pauses(self._clock.now_ms())}

    def holding(self, pane_uid: str, agent: str | None) -> str | None:
        """Which pause holds the pane: `all`, an agent's name, or its uid. No await: it may be asked right before a write."""
        for scope, name in (("all", ""), ("agent", agent or ""), ("pane", pane_uid)):
            found = self._known.get((scope, name))
            if found is not None and not self._is_over(found):
                return name or scope
        return None

    def in_force(self) -> list[PauseRecord]:
        """Oldest first."""
        return sorted((one for one in self._known.values() if not self._is_over(one)), key=lambda one: one.since_ms)

    async def pause(self, scope: str, name: str, *, for_ms: int | None, reason: str) -> PauseRecord:
        """In force before it is on disk, and also where the disk takes nothing. Raises UsageError, NotFound, StoreError."""
        if scope not in SCOPES or (scope == "all") != (name == ""):
            raise UsageError(f"{scope!r:.20} {name!r:.60} cannot be paused", next_step="Name a pane, --agent or --all.")
        now_ms = self._clock.now_ms()
        record = PauseRecord(scope, name, now_ms, None if for_ms is None else now_ms + for_ms, reason)
        before = self._known.get((scope, name))
        self._known[scope, name] = record
        self.changed()
        try:
            return await self._store.pause(record)
        except (UsageError, NotFound):
            self._known.pop((scope, name), None)
            if before is not None:
                self._known[scope, name] = before
            self.changed()
            raise

    async def resume(self, scope: str | None, name: str | None) -> list[PauseRecord]:
        """Those that have ended; None: of every scope, or name. Still in force where the disk takes nothing."""
        await self._store.resume(scope, name)
        gone = [one for one in self.in_force() if scope in (None, one.scope) and name in (None, one.name)]
        for one in gone:
            del self._known[one.scope, one.name]
        self.changed()
        return gone

    def _is_over(self, record: PauseRecord) -> bool:
        return record.until_ms is not None and record.until_ms <= self._clock.now_ms()
