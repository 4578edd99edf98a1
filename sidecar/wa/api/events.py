"""What agents said: listed from the database, and followed as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from wa.api.client import Items, SidecarClient, SidecarGoneError, connected_if_any
from wa.api.history import open_history, stored_as_of
from wa.api.panes import pane_uid
from wa.api.times import now_ms, parse
from wa.config.paths import Paths
from wa.model.errors import UsageError, WaError
from wa.protocol.envelope import iso
from wa.protocol.results_agents import EventResult, EventsResult
from wa.store.agent_records import EventRecord
from wa.store.errors import StoreLockedError, StoreOlderError
from wa.store.reader import Reader

LOOK_EVERY_S = 0.25
"""Between two looks at whether the database has changed, where nobody tells; a look takes some microseconds."""
TOLD_WITHIN_S = 2.0
"""Where the sidecar tells, the database is looked at so often all the same: it may have been locked at the time."""
MADE_WITHIN_S = 10.0
"""How long a database may take to be brought up to date by a sidecar that has just begun."""
PAGE = 1000


@dataclass(frozen=True, slots=True)
class EventWish:
    pane: str | None = None
    event: str | None = None
    """`usage.limit`, or `usage` for all of usage."""
    since: str | None = None
    until: str | None = None
    limit: int = 100


async def list_events(paths: Paths, wish: EventWish) -> EventsResult:
    """The newest `limit`, oldest first. Raises NotFound for an unknown pane."""
    since_ms, until_ms = _instants(wish)
    async with recorded(paths, wish.pane) as records:
        found: list[EventRecord] = []
        if records.history is not None:
            found = await records.history.events(
                records.uid, _event(wish), since_ms=since_ms, until_ms=until_ms, limit=wish.limit + 1
            )
        more = len(found) > wish.limit
        return _result(found[-wish.limit :], live=records.live, as_of=records.as_of, more=more)


async def follow_events(paths: Paths, wish: EventWish) -> AsyncGenerator[EventsResult, None]:
    """First what there is, then what comes, without end; a sidecar may end and start anew meanwhile.

    The sidecar tells when something was said, and the database what. Without one the database itself is watched: its
    `data_version` changes with every commit of whoever writes it.
    """
    if wish.until is not None:
        raise UsageError("--until and --follow cannot both be", next_step="Leave one of them out.")
    since_ms, _ = _instants(wish)
    async with connected_if_any(paths.socket) as sidecar:
        uid = await pane_uid(paths, sidecar, wish.pane)
    after_id = -1
    while True:
        async with listening(paths) as heard, opened(paths) as history:
            if after_id < 0:
                newest = await history.last_event_id()
                first = await history.events(uid, _event(wish), since_ms=since_ms, limit=wish.limit)
                after_id = max([newest, *(one.id for one in first)])
                yield _now(first, live=heard.live)
            while True:
                await heard.mark(history)
                fresh = await history.events(uid, _event(wish), after_id=after_id, limit=PAGE)
                if fresh:
                    after_id = fresh[-1].id
                    yield _now(fresh, live=heard.live)
                if len(fresh) < PAGE and not await heard.more(history):
                    break


@asynccontextmanager
async def opened(paths: Paths) -> AsyncIterator[Reader]:
    """Waits for a database, and for one that is being made or brought up to date."""
    give_up: float | None = None
    async with AsyncExitStack() as stack:
        while True:
            try:
                exists = paths.database.exists()
                if exists and (history := await stack.enter_async_context(open_history(paths))) is not None:
                    break
            except (StoreOlderError, StoreLockedError):
                give_up = time.monotonic() + MADE_WITHIN_S if give_up is None else give_up
                if time.monotonic() > give_up:
                    raise
            await asyncio.sleep(LOOK_EVERY_S)
        yield history


class Heard:
    """Waits until there may be more. `live`: a sidecar tells."""

    def __init__(self, paths: Paths, items: Items | None, sidecar: SidecarClient | None) -> None:
        self._paths = paths
        self._items = items
        self._sidecar = sidecar
        self._version: int | None = None
        self.live = items is not None

    async def mark(self, history: Reader) -> None:
        """What is read from now on is not older than this."""
        self._version = await history.data_version()

    async def more(self, history: Reader) -> bool:
        """Waits. False: look anew who tells, since a sidecar has ended or may have begun."""
        if self._items is not None:
            try:
                return await self._told(history, self._items)
            except WaError:
                await asyncio.sleep(LOOK_EVERY_S)
                return False
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if await self._changed(history):
                # Whoever has written may tell from now on.
                return not self._paths.socket.exists()

    async def _told(self, history: Reader, items: Items) -> bool:
        while True:
            try:
                async with asyncio.timeout(TOLD_WITHIN_S):
                    if await anext(items, None) is None:
                        return False
            except TimeoutError:
                if await self._changed(history):
                    return True
            else:
                await flushed(self._sidecar)
                return True

    async def _changed(self, history: Reader) -> bool:
        return self._version != await history.data_version()


@asynccontextmanager
async def listening(paths: Paths) -> AsyncIterator[Heard]:
    """To the sidecar where one runs and tells of events, else to the database alone."""
    async with connected_if_any(paths.socket) as events, connected_if_any(paths.socket) as sidecar:
        items = None
        if events is not None and sidecar is not None:
            # A sidecar of an earlier wa tells of no events.
            with suppress(UsageError):
                _, items = await events.begin("subscribe", {"kinds": ["event"]})
                await flushed(sidecar)
        yield Heard(paths, items, sidecar)


class Records(NamedTuple):
    """What is stored, up to now where a sidecar runs."""

    history: Reader | None
    """None where nothing was ever stored."""
    uid: str | None
    """Of the pane that was named."""
    live: bool
    as_of: str | None


@asynccontextmanager
async def recorded(paths: Paths, pane: str | None = None) -> AsyncIterator[Records]:
    """The records for one answer; a sidecar has stored what it knew. Raises NotFound for an unknown pane."""
    async with connected_if_any(paths.socket) as sidecar:
        uid = await pane_uid(paths, sidecar, pane)
        await flushed(sidecar)
        async with open_history(paths) as history:
            live = sidecar is not None
            yield Records(history, uid, live, iso(now_ms()) if live else stored_as_of(paths))


async def flushed(sidecar: SidecarClient | None) -> None:
    """What was said before is in the database when this returns."""
    if sidecar is not None:
        with suppress(SidecarGoneError):
            await sidecar.call("flush")


def _instants(wish: EventWish) -> tuple[int | None, int | None]:
    at_ms = now_ms()
    since_ms = None if wish.since is None else parse(wish.since, at_ms=at_ms)
    return since_ms, None if wish.until is None else parse(wish.until, at_ms=at_ms, option="--until")


def _event(wish: EventWish) -> str | None:
    """`usage.` and `usage.*` are `usage` too."""
    return None if wish.event is None else wish.event.strip().removesuffix("*").rstrip(".") or None


def _now(found: Sequence[EventRecord], *, live: bool) -> EventsResult:
    return _result(found, live=live, as_of=iso(now_ms()), more=False)


def _result(found: Sequence[EventRecord], *, live: bool, as_of: str | None, more: bool) -> EventsResult:
    return EventsResult(live=live, as_of=as_of, events=[event_result(one) for one in found], more=more)


def event_result(found: EventRecord) -> EventResult:
    return EventResult(
        id=found.id,
        pane_uid=found.pane_uid,
        session=found.session,
        at=iso(found.at_ms),
        agent=found.agent,
        event=found.event,
        rule=found.rule,
        severity=found.severity,
        present=found.present,
        region=found.region,
        row=found.row,
        text=found.text,
        fields=found.fields,
    )
