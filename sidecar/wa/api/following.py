"""`wa logs --follow`: the log up to now, then what comes, each row once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from wa.api.client import Items, connected
from wa.api.follow import Follower, Joiner
from wa.api.history import open_history
from wa.api.lines import Item, newest
from wa.api.logs import ROWS_PER_LINE, LogWish, item_of, pane_name, stored_entries
from wa.api.panes import find_pane
from wa.api.times import now_ms, parse
from wa.config.paths import Paths
from wa.model.errors import NotFound
from wa.protocol.envelope import iso
from wa.protocol.results import LogRow, LogsResult, PaneResult

KINDS = ("screen", "rows", "gap", "pane")


async def follow_log(paths: Paths, wish: LogWish) -> AsyncGenerator[LogsResult, None]:
    """First what is stored, then what comes, until the pane closes. Raises SidecarError without a sidecar.

    What stands on the screen is shown as soon as it stands still (wa.api.follow); on an alternate screen only what
    becomes final.
    """
    since_ms = None if wish.since is None else parse(wish.since, at_ms=now_ms())
    async with connected(paths.socket) as events, connected(paths.socket) as sidecar:
        pane = await find_pane(paths, sidecar, wish.pane)
        if not pane["alive"]:
            raise NotFound(f"{pane['pane_uid']} is closed: nothing more will come", next_step="Leave --follow out.")
        uid = pane["pane_uid"]
        begun, items = await events.begin("subscribe", {"panes": [uid], "kinds": list(KINDS)})
        next_row = int(begun["panes"][uid])
        await sidecar.call("flush")
        joiner = Joiner(physical=wish.physical)
        wanted = pane["size"]["rows"] if wish.tail is None else wish.tail
        limited = since_ms is None and not wish.everything
        tail_rows = wanted * ROWS_PER_LINE if limited else None
        shown = joiner.feed(await _stored(paths, pane, next_row, since_ms=since_ms, tail_rows=tail_rows))
        if limited:
            shown = newest(shown, wanted)
        yield _result(pane, shown)
        follower = Follower(screens=not wish.stored_only)
        follower.begin(next_row)
        async for fresh in _fresh(items, follower):
            if lines := joiner.feed(fresh):
                yield _result(pane, lines)
        if rest := joiner.end():
            yield _result(pane, rest)


async def _stored(
    paths: Paths, pane: PaneResult, stop: int, *, since_ms: int | None, tail_rows: int | None
) -> Sequence[Item]:
    async with open_history(paths) as history:
        entries = await stored_entries(history, pane["pane_uid"], stop=stop, since_ms=since_ms, tail_rows=tail_rows)
    return [item_of(entry) for entry in entries]


async def _fresh(items: Items, follower: Follower) -> AsyncIterator[list[Item]]:
    """What the follower shows, until the pane closes."""
    while True:
        wake_ms = follower.wake_in_ms(_clock_ms())
        try:
            async with asyncio.timeout(None if wake_ms is None else wake_ms / 1000):
                item = await anext(items, None)
        except TimeoutError:
            yield follower.settle(_clock_ms())
            continue
        if item is None or (item["kind"] == "pane" and item["change"] == "closed"):
            return
        yield follower.feed(item, _clock_ms())


def _clock_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _result(pane: PaneResult, rows: list[LogRow]) -> LogsResult:
    return LogsResult(live=True, as_of=iso(now_ms()), pane=pane_name(pane), rows=rows, more=False)
