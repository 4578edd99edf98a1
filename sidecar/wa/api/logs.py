"""What a pane printed: its log from the database, then its screen from the sidecar, nothing twice at the seam."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from wa.api.client import SidecarClient, connected_if_any
from wa.api.follow import Joiner
from wa.api.history import open_history, stored_as_of
from wa.api.lines import Hole, Item, Kind, Physical, logical_lines, newest, physical_rows, without_blank_end
from wa.api.panes import find_pane
from wa.api.times import now_ms, parse
from wa.config.paths import Paths
from wa.model.errors import NotFound
from wa.model.log import Gap, RowKind
from wa.model.screen import Screen
from wa.protocol.envelope import iso
from wa.protocol.results import LogRow, LogsResult, PaneName, PaneResult
from wa.store.reader import Reader
from wa.store.records import LogEntry

STEADY_WITHIN_S = 3.0
"""How long to wait for rows between log and screen that are still being fetched. In a flood some always are."""
LOOK_EVERY_S = 0.02
PAGE_ROWS = 5000
ROWS_PER_LINE = 4
"""How many rows are read for each line wanted, before it is seen how long the lines are."""


@dataclass(frozen=True, slots=True)
class LogWish:
    pane: str
    tail: int | None = None
    everything: bool = False
    physical: bool = False
    """Rows as the terminal has them, not lines."""
    stored_only: bool = False
    since: str | None = None


async def read_log(paths: Paths, wish: LogWish) -> LogsResult:
    """Raises NotFound for an unknown pane, StoreError for a database that cannot be read."""
    async with _opened(paths, wish) as log:
        rows, more = await log.newest() if log.wanted is not None else await log.whole()
        return log.result(rows, more=more)


async def read_log_in_pages(paths: Paths, wish: LogWish) -> AsyncGenerator[LogsResult, None]:
    """As `read_log`, but a long log comes in parts, so that it need not fit into memory."""
    async with _opened(paths, wish) as log:
        if log.wanted is not None:
            rows, more = await log.newest()
            yield log.result(rows, more=more)
            return
        async for rows in log.pages():
            yield log.result(rows, more=False)


@asynccontextmanager
async def _opened(paths: Paths, wish: LogWish) -> AsyncIterator[_Log]:
    """The pane's screen as it is now, and the log as it was right before."""
    since_ms = None if wish.since is None else parse(wish.since, at_ms=now_ms())
    async with connected_if_any(paths.socket) as sidecar:
        pane = await find_pane(paths, sidecar, wish.pane)
        screen = await steady_screen(sidecar, pane) if sidecar is not None and pane["alive"] else None
        async with open_history(paths) as history:
            tail = [] if wish.stored_only else await _screen(screen, history, pane)
            if not wish.physical:
                tail = without_blank_end(tail)
            if since_ms is not None:
                tail = [item for item in tail if (item.at_ms or 0) >= since_ms]
            stop = None if screen is None else int(screen["next_row"])
            as_of = iso(now_ms()) if sidecar is not None else stored_as_of(paths)
            yield _Log(history, pane, wish, tail, since_ms, stop, as_of, live=sidecar is not None)


class _Log:
    """One pane's log before position `stop`, and the screen that goes on from there."""

    def __init__(
        self,
        history: Reader | None,
        pane: PaneResult,
        wish: LogWish,
        tail: Sequence[Item],
        since_ms: int | None,
        stop: int | None,
        as_of: str | None,
        *,
        live: bool,
    ) -> None:
        self._history = history
        self._pane = pane
        self._wish = wish
        self._tail = tail
        self._since_ms = since_ms
        self._stop = stop
        self._as_of = as_of
        self._live = live
        self.wanted: int | None = wish.tail
        """How many lines, counted from the end; None: all."""
        if wish.tail is None and not wish.everything and since_ms is None:
            self.wanted = pane["size"]["rows"] + len(tail)

    def result(self, rows: list[LogRow], *, more: bool) -> LogsResult:
        return LogsResult(live=self._live, as_of=self._as_of, pane=pane_name(self._pane), rows=rows, more=more)

    async def newest(self) -> tuple[list[LogRow], bool]:
        """The last lines wanted, and whether there are older ones."""
        wanted = self.wanted or 0
        read = max(1, wanted * (1 if self._wish.physical else ROWS_PER_LINE))
        while True:
            entries = await stored_entries(
                self._history, self._pane["pane_uid"], stop=self._stop, since_ms=self._since_ms, tail_rows=read
            )
            items = [*map(item_of, entries), *self._tail]
            shown = physical_rows(items) if self._wish.physical else logical_lines(items)
            cut = newest(shown, wanted)
            more = bool(entries) and entries[0].row > await self._first_row()
            if len(cut) < len(shown) or not more:
                return cut, more or len(cut) < len(shown)
            # Too little, or the first line may have begun before what was read.
            read *= 4

    async def whole(self) -> tuple[list[LogRow], bool]:
        rows = [row async for page in self.pages() for row in page]
        return rows, bool(rows) and (rows[0]["row"] or 0) > await self._first_row()

    async def pages(self) -> AsyncIterator[list[LogRow]]:
        """All of it, oldest first."""
        joiner = Joiner(physical=self._wish.physical)
        first_row = 0
        while self._history is not None:
            page = await self._history.log(
                self._pane["pane_uid"], first_row=first_row, limit=PAGE_ROWS, since_ms=self._since_ms
            )
            rows = [entry.row for entry in page if not isinstance(entry, Gap)]
            full = len(rows) == PAGE_ROWS
            # A gap after the last row of a full page comes again with the next one.
            end = rows[-1] + 1 if full else self._stop
            if self._stop is not None and (end is None or end > self._stop):
                end = self._stop
            yield joiner.feed([item_of(entry) for entry in page if end is None or entry.row < end])
            if not full:
                break
            first_row = rows[-1] + 1
        yield joiner.feed(self._tail) + joiner.end()

    async def _first_row(self) -> int:
        if self._history is None:
            return 0
        first_row = (await self._history.pane(self._pane["pane_uid"])).first_row
        return 0 if first_row is None else first_row


def pane_name(pane: PaneResult) -> PaneName:
    return PaneName(pane_uid=pane["pane_uid"], mux=pane["mux"], pane_id=pane["pane_id"], title=pane["title"])


async def steady_screen(sidecar: SidecarClient, pane: PaneResult) -> Mapping[str, Any] | None:
    """The pane's screen, with every row before its `next_row` committed. None where it has none, or closed just now."""
    give_up = time.monotonic() + STEADY_WITHIN_S
    while True:
        try:
            screen: Mapping[str, Any] = await sidecar.call("screen", {"pane": pane["pane_uid"]})
        except NotFound:
            await sidecar.call("flush")
            return None
        await sidecar.call("flush")
        # While rows are being read, some that stand between the log and this screen are in neither.
        if not screen["reading"] or time.monotonic() > give_up:
            return screen
        await asyncio.sleep(LOOK_EVERY_S)


async def stored_entries(
    history: Reader | None, uid: str, *, stop: int | None, since_ms: int | None, tail_rows: int | None
) -> list[LogEntry]:
    """The log before position *stop*, oldest first; with *tail_rows* about so many of its newest rows."""
    if history is None:
        return []
    entries = await history.log(uid, since_ms=since_ms, tail=tail_rows)
    return entries if stop is None else [entry for entry in entries if entry.row < stop]


async def _screen(screen: Mapping[str, Any] | None, history: Reader | None, pane: PaneResult) -> Sequence[Item]:
    if screen is not None:
        return screen_items(screen)
    stored = await stored_screen(history, pane["pane_uid"])
    if stored is None:
        return []
    return stored_screen_items(stored)


async def stored_screen(history: Reader | None, uid: str) -> Screen | None:
    """The last screen, of a pane that is open or ended while nobody watched; those of others are in their logs."""
    if history is None:
        return None
    return next((one.screen for one in await history.screens(closed=True) if one.pane_uid == uid), None)


def stored_screen_items(screen: Screen) -> list[Item]:
    """Those of its rows that the log does not have yet."""
    fresh = screen.rows[screen.logged :]
    return [Physical(None, row.text, row.wrapped, screen.at_ms, "screen") for row in fresh]


def screen_items(screen: Mapping[str, Any]) -> list[Item]:
    """As `stored_screen_items`, of a sidecar's `screen`.

    Rows of an alternate screen have no place in the log, and others none that is known while rows above them are read.
    """
    placed = screen["is_alt"] is not True and not screen["reading"]
    fresh = list(zip(screen["rows"], screen["wrapped"], strict=True))[screen["logged"] :]
    return [
        Physical(screen["next_row"] + at if placed else None, text, wrapped, screen["at_ms"], "screen")
        for at, (text, wrapped) in enumerate(fresh)
    ]


def item_of(entry: LogEntry) -> Item:
    if isinstance(entry, Gap):
        return Hole(entry.row, entry.missing, entry.reason.value, entry.at_ms)
    kind: Kind = "page" if entry.kind is RowKind.SCREEN else "output"
    return Physical(entry.row, entry.text, entry.wrapped, entry.at_ms, kind)
