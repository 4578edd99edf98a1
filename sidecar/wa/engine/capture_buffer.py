"""Captured and not yet committed: bounded memory between the trackers and the one writer.

Putting something here never waits. One task writes: it gathers for a moment, so that one commit serves all panes, takes
whole panes at a time and their checkpoints in the same breath, so that a checkpoint speaks exactly of the rows it is
committed with. What cannot be written stays and is tried again; past the bound, rows are counted and dropped, and the
count is what the log will say.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from wa.model.clock import Clock
from wa.model.errors import StoreError
from wa.model.log import Gap, GapReason, Segment
from wa.model.screen import Row, Screen
from wa.store.errors import StorePositionError
from wa.store.records import Capture, PaneUpdate

log = logging.getLogger(__name__)

GATHER_S = 0.075
"""How long the first of a commit waits for others."""
EAGER_BYTES = 1024 * 1024
"""With this much waiting, nothing is gained by gathering more."""
SEAL_BYTES = 2 * 1024 * 1024
"""A pane's rows are closed into a Capture of their own at this size, which bounds a transaction."""
BATCH_BYTES = 4 * 1024 * 1024
RETRY_FIRST_S = 0.25
RETRY_LIMIT_S = 5.0
ROW_OVERHEAD_BYTES = 200
"""What CPython needs for a Row and its text beside the characters (3.11, 64 bit)."""


class CaptureStore(Protocol):
    """The Writer, as far as it is needed here. Each returns after the commit; after a StoreError nothing is stored."""

    async def capture(self, captures: Sequence[Capture]) -> None: ...
    async def update_panes(self, records: Sequence[PaneUpdate]) -> None: ...
    async def close_panes(self, uids: Sequence[str], at_ms: int) -> None: ...


class CapturedPane(Protocol):
    """What the buffer needs of a pane."""

    @property
    def uid(self) -> str: ...
    @property
    def screen(self) -> Screen | None: ...
    def checkpoint(self) -> bytes | None: ...
    def stored(self, capture: Capture) -> None:
        """Told after the commit."""
        ...


@dataclass(slots=True)
class _Open:
    """What has come of one pane since it was last sealed."""

    segments: list[Segment] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    screen: bool = False
    bytes: int = 0


@dataclass(slots=True)
class _Sealed:
    pane: CapturedPane
    capture: Capture
    bytes: int


class CaptureBuffer:
    def __init__(self, store: CaptureStore, clock: Clock, *, limit_bytes: int, screen_interval_s: float) -> None:
        self._store = store
        self._clock = clock
        self._limit = limit_bytes
        self._screen_interval_s = screen_interval_s
        self._open: dict[CapturedPane, _Open] = {}
        self._sealed: deque[_Sealed] = deque()
        self._writing: list[_Sealed] = []
        self._updates: dict[str, PaneUpdate] = {}
        self._closes: dict[str, int] = {}
        self._screens: dict[CapturedPane, None] = {}
        self._screens_due = False
        self._screen_timer: asyncio.TimerHandle | None = None
        self._bytes = 0
        self._dropping = False
        self._wanted = asyncio.Event()
        self._eager = asyncio.Event()
        self._hurried = 0.0
        self._flushes: list[asyncio.Future[None]] = []
        self.trouble: StoreError | None = None
        """Why nothing can be written just now."""
        self.rows_dropped = 0

    @property
    def bytes(self) -> int:
        """Held in memory, what is being written just now included."""
        return self._bytes

    # -- what comes in ----------------------------------------------------------------------------------------------

    def put(self, pane: CapturedPane, segments: Sequence[Segment], gaps: Sequence[Gap]) -> None:
        """Everything that one feeding of the pane's tracker gave, in order."""
        waiting = self._open.get(pane)
        if waiting is None:
            waiting = self._open[pane] = _Open()
        for gap in gaps:
            waiting.gaps.append(gap)
            self._grow(waiting, ROW_OVERHEAD_BYTES)
        for segment in segments:
            cost = _cost(segment.rows)
            if self._is_full(cost):
                self._drop(waiting, segment)
            else:
                waiting.segments.append(segment)
                self._grow(waiting, cost)
        if waiting.bytes >= SEAL_BYTES:
            self._seal(pane, waiting)
        self._want()

    def screen_changed(self, pane: CapturedPane) -> None:
        """The pane's screen is to be written, together with all others that changed, when their time comes."""
        self._screens[pane] = None
        if self._screen_timer is None:
            loop = asyncio.get_running_loop()
            self._screen_timer = loop.call_later(self._screen_interval_s, self._screens_are_due)

    def touch(self, panes: Iterable[CapturedPane]) -> None:
        """Write screens and checkpoints of *panes* anew with the next commit."""
        for pane in panes:
            self._open.setdefault(pane, _Open()).screen = True
        self._want()

    def update(self, update: PaneUpdate) -> None:
        """What a later one of the same pane says replaces what an earlier one said."""
        if (earlier := self._updates.get(update.pane_uid)) is not None:
            said = {name: value for name, value in update._asdict().items() if value is not None}
            update = earlier._replace(**said)
        self._updates[update.pane_uid] = update
        self._want()

    def close_pane(self, pane: CapturedPane, at_ms: int) -> None:
        """After everything of the pane that was put before."""
        self._screens.pop(pane, None)
        if (waiting := self._open.get(pane)) is not None:
            self._seal(pane, waiting)
        self._closes[pane.uid] = at_ms
        self._want()

    def discard_screen(self, pane: CapturedPane) -> None:
        """The pane's screen is not to be written any more."""
        self._screens.pop(pane, None)

    def _is_full(self, cost: int) -> bool:
        if self._bytes + cost > self._limit:
            self._dropping = True
        elif self._bytes < self._limit * 3 // 4:
            # Not at once below the bound: one gap of a thousand rows is better than a hundred of ten.
            self._dropping = False
        return self._dropping

    def _drop(self, waiting: _Open, segment: Segment) -> None:
        count = len(segment.rows)
        self.rows_dropped += count
        last = waiting.gaps[-1] if waiting.gaps else None
        if (
            last is not None
            and last.reason is GapReason.STORE_FULL
            and last.missing is not None
            and last.row + last.missing == segment.first_row
        ):
            waiting.gaps[-1] = last._replace(missing=last.missing + count)
            return
        log.warning("rows dropped", extra={"buffered_bytes": self._bytes})
        waiting.gaps.append(Gap(segment.first_row, count, GapReason.STORE_FULL, segment.at_ms))
        self._grow(waiting, ROW_OVERHEAD_BYTES)

    def _grow(self, waiting: _Open, cost: int) -> None:
        waiting.bytes += cost
        self._bytes += cost

    def _seal(self, pane: CapturedPane, waiting: _Open) -> None:
        """Close what came so far. No await stands between the last feeding of the tracker and its checkpoint."""
        screen = pane.screen if waiting.screen else None
        capture = Capture(pane.uid, tuple(waiting.segments), tuple(waiting.gaps), screen, pane.checkpoint())
        self._sealed.append(_Sealed(pane, capture, waiting.bytes))
        self._open.pop(pane, None)

    def _screens_are_due(self) -> None:
        self._screen_timer = None
        self._screens_due = True
        self._want()

    def _want(self) -> None:
        self._wanted.set()
        if self._bytes >= EAGER_BYTES:
            self._eager.set()

    # -- what goes out ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wanted.wait()
            await self._gather()
            while self._has_work():
                await self._write_all(self._take())

    async def flush(self) -> None:
        """Returns when everything put before is committed. Raises StoreError when it cannot be just now."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flushes.append(done)
        self._wanted.set()
        self._eager.set()
        await done

    def hurry(self) -> None:
        """Nothing more will come for a while: what waits for others need not."""
        if self._open and asyncio.get_running_loop().time() >= self._hurried + GATHER_S:
            self._hurried = asyncio.get_running_loop().time()
            self._eager.set()

    def take_screens(self) -> None:
        """Let the next commit carry every changed screen, due or not."""
        self._screens_due = True
        self._want()

    async def finish(self, within_s: float) -> int:
        """Write everything, screens included; the rows that could not be written in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    self.take_screens()
                    try:
                        await self.flush()
                        break
                    except StoreError:
                        await asyncio.sleep(RETRY_FIRST_S)
        held = [segment for sealed in (*self._writing, *self._sealed) for segment in sealed.capture.segments]
        held += [segment for waiting in self._open.values() for segment in waiting.segments]
        return sum(len(segment.rows) for segment in held)

    async def _gather(self) -> None:
        self._wanted.clear()
        if not self._eager.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_S):
                    await self._eager.wait()
        self._eager.clear()

    def _has_work(self) -> bool:
        return bool(self._sealed or self._open or self._updates or self._closes or self._flushes) or (
            self._screens_due and bool(self._screens)
        )

    def _take(self) -> _Batch:
        """The next batch. Everything here happens between two feedings of any tracker."""
        if self._screens_due:
            self._screens_due = False
            for pane in self._screens:
                self._open.setdefault(pane, _Open()).screen = True
            self._screens.clear()
        for pane, waiting in list(self._open.items()):
            self._seal(pane, waiting)
        batch, size = _Batch(), 0
        while self._sealed and (not batch.captures or size + self._sealed[0].bytes <= BATCH_BYTES):
            sealed = self._sealed.popleft()
            size += sealed.bytes
            batch.captures.append(sealed)
        if not self._sealed:
            # Updates, ends and flushes speak of all that was put before them.
            batch.updates, self._updates = list(self._updates.values()), {}
            batch.closes, self._closes = self._closes, {}
            batch.flushes, self._flushes = self._flushes, []
        return batch

    async def _write_all(self, batch: _Batch) -> None:
        """Until it is written, however long that takes; what is put meanwhile waits behind it."""
        delay_s = RETRY_FIRST_S
        self._writing = batch.captures
        while True:
            try:
                await self._write(batch)
            except Exception as error:
                if isinstance(error, StoreError) and not isinstance(error, StorePositionError):
                    self._failed(error, batch)
                else:
                    # A fault of wa's own: the same would fail again, but the other panes' rows can be saved.
                    log.error("writing failed", exc_info=error)
                    self._failed(StoreError(f"writing failed inside wa: {type(error).__name__}: {error}"), batch)
                    await self._write_apart(batch)
            else:
                if self.trouble is not None:
                    log.info("database writes again", extra={"buffered_bytes": self._bytes})
                self.trouble = None
                return
            await asyncio.sleep(delay_s)
            delay_s = min(RETRY_LIMIT_S, delay_s * 2)

    async def _write(self, batch: _Batch) -> None:
        if batch.captures:
            await self._store.capture([sealed.capture for sealed in batch.captures])
            for sealed in batch.captures:
                self._written(sealed)
            batch.captures.clear()
        if batch.updates:
            await self._store.update_panes(batch.updates)
            batch.updates.clear()
        while batch.closes:
            at_ms = next(iter(batch.closes.values()))
            uids = [uid for uid, when in batch.closes.items() if when == at_ms]
            await self._store.close_panes(uids, at_ms)
            for uid in uids:
                del batch.closes[uid]
        for done in batch.flushes:
            if not done.done():
                done.set_result(None)
        batch.flushes.clear()

    async def _write_apart(self, batch: _Batch) -> None:
        """One by one; what cannot be written even alone becomes a gap of its size."""
        for at, sealed in enumerate(batch.captures):
            try:
                await self._store.capture([sealed.capture])
            except Exception as error:
                if isinstance(error, StoreError) and not isinstance(error, StorePositionError):
                    return
                rows = sum(len(segment.rows) for segment in sealed.capture.segments)
                log.error("rows given up", extra={"pane": sealed.capture.pane_uid, "rows": rows}, exc_info=error)
                self.rows_dropped += rows
                batch.captures[at] = _Sealed(sealed.pane, _without_rows(sealed.capture), sealed.bytes)
            else:
                # Committed already: nothing is left of it to write with the others.
                self._written(sealed)
                batch.captures[at] = _Sealed(sealed.pane, Capture(sealed.pane.uid), 0)

    def _written(self, sealed: _Sealed) -> None:
        self._bytes -= sealed.bytes
        sealed.pane.stored(sealed.capture)

    def _failed(self, error: StoreError, batch: _Batch) -> None:
        if self.trouble is None or self.trouble.message != error.message:
            log.warning("database refused", extra={"reason": error.message, "buffered_bytes": self._bytes})
        self.trouble = error
        for done in (*batch.flushes, *self._flushes):
            if not done.done():
                done.set_exception(error)
        batch.flushes.clear()
        self._flushes.clear()


@dataclass(slots=True)
class _Batch:
    captures: list[_Sealed] = field(default_factory=list)
    updates: list[PaneUpdate] = field(default_factory=list)
    closes: dict[str, int] = field(default_factory=dict)
    flushes: list[asyncio.Future[None]] = field(default_factory=list)


def _cost(rows: Sequence[Row]) -> int:
    return sum((len(row.text) if row.text.isascii() else 4 * len(row.text)) + ROW_OVERHEAD_BYTES for row in rows)


def _without_rows(capture: Capture) -> Capture:
    gaps = [Gap(found.first_row, len(found.rows), GapReason.UNREADABLE, found.at_ms) for found in capture.segments]
    return Capture(capture.pane_uid, (), (*capture.gaps, *gaps), None, capture.checkpoint)
