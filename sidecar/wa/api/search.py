"""Finding what was printed: in the database, and on the screens that panes show now."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from wa.api.client import SidecarClient, connected_if_any
from wa.api.history import open_history, stored_as_of
from wa.api.lines import Item, Kind, logical_lines, without_blank_end
from wa.api.logs import item_of, screen_items, stored_screen_items
from wa.api.panes import panes_of, resolve
from wa.api.times import now_ms, parse
from wa.config.paths import Paths
from wa.model.log import RowKind
from wa.protocol.envelope import iso
from wa.protocol.results import LogRow, PaneResult, SearchHit, SearchResult
from wa.store.query import Matcher
from wa.store.reader import Reader, make_matcher
from wa.store.records import Found, Hit

THIS_HOST = ("local", "localhost")
ROWS_PER_LINE = 8
"""How many rows are read for each line of context."""


@dataclass(frozen=True, slots=True)
class SearchWish:
    query: str
    pane: str | None = None
    host: str | None = None
    project: str | None = None
    since: str | None = None
    until: str | None = None
    limit: int = 20
    context: int = 0
    regex: bool = False


async def find(paths: Paths, wish: SearchWish) -> SearchResult:
    """Newest first. Raises UsageError for a query that says nothing, NotFound for an unknown pane."""
    at_ms = now_ms()
    since_ms = None if wish.since is None else parse(wish.since, at_ms=at_ms)
    until_ms = None if wish.until is None else parse(wish.until, at_ms=at_ms, option="--until")
    matcher = make_matcher(wish.query, regex=wish.regex)
    async with connected_if_any(paths.socket) as sidecar:
        panes = {pane["pane_uid"]: pane for pane in (await panes_of(paths, sidecar, closed=True))["panes"]}
        wanted = panes if wish.pane is None else {(one := resolve(wish.pane, [*panes.values()]))["pane_uid"]: one}
        live = await _live_screens(sidecar, wanted)
        async with open_history(paths) as history:
            found = await _search(history, wish, wanted, since_ms, until_ms)
            unwatched = wanted if live is None else {uid: pane for uid, pane in wanted.items() if not pane["alive"]}
            screens = {**await _stored_screens(history, unwatched), **(live or {})}
            looking = _Looking(history, matcher, wish, screens)
            hits = []
            for uid in screens:
                if _matches(wanted[uid], wish):
                    hits += await looking.screen_hits(wanted[uid], since_ms, until_ms)
            known = [hit for hit in found.hits if hit.pane_uid in panes and looking.is_final(hit)]
            hits += [await looking.stored_hit(panes[hit.pane_uid], hit) for hit in known]
    hits = _newest_first(hits)
    return SearchResult(
        live=sidecar is not None,
        as_of=iso(now_ms()) if sidecar is not None else stored_as_of(paths),
        query=wish.query,
        hits=hits[: wish.limit],
        more=found.more or len(hits) > wish.limit,
        complete=found.complete and looking.complete,
    )


class _Looking:
    """Hits with what stands around them, in the log and on the screen below it."""

    def __init__(
        self, history: Reader | None, matcher: Matcher, wish: SearchWish, screens: Mapping[str, Sequence[Item]]
    ) -> None:
        self._history = history
        self._matcher = matcher
        self._wish = wish
        self._screens = screens
        self.complete = True

    def is_final(self, hit: Hit) -> bool:
        """False for what left the screen after the screen was looked at: it is found there."""
        top = self._top(hit.pane_uid)
        return top is None or hit.row is None or hit.row < top

    async def stored_hit(self, pane: PaneResult, hit: Hit) -> SearchHit:
        after = list(hit.after)
        if len(after) < self._wish.context and hit.row is not None and self._top(hit.pane_uid) is not None:
            # The log may end here, and go on on the screen.
            after = await self._below(pane["pane_uid"], hit.row)
        kind: Kind = "page" if hit.kind is RowKind.SCREEN else "output"
        return _hit(pane, hit.at_ms, hit.row, hit.text, list(hit.before), after, kind)

    async def screen_hits(self, pane: PaneResult, since_ms: int | None, until_ms: int | None) -> list[SearchHit]:
        """Lowest first: what stands lower is newer."""
        uid, context = pane["pane_uid"], self._wish.context
        items = self._screens[uid]
        at_ms = next((item.at_ms for item in items if item.at_ms is not None), None)
        if at_ms is None or not (since_ms or at_ms) <= at_ms < (until_ms or at_ms + 1):
            return []
        lines = logical_lines(items)
        try:
            places = self._matcher.find("\n".join(line["text"].replace("\n", " ") for line in lines))
        except TimeoutError:
            self.complete = False
            return []
        above = await self._above(uid) if context and any(place < context for place in places) else []
        texts = [*above, *(line["text"] for line in lines)]
        hits = []
        for place in reversed(places):
            at = len(above) + place
            before, after = texts[max(0, at - context) : at], texts[at + 1 : at + 1 + context]
            hits.append(_hit(pane, at_ms, lines[place]["row"], texts[at], before, after, "screen"))
        return hits

    def _top(self, uid: str) -> int | None:
        """Where the screen's first row stands in the log."""
        first = next(iter(self._screens.get(uid, ())), None)
        return first.row if first is not None else None

    async def _below(self, uid: str, row: int) -> list[str]:
        """The lines after the one at *row*, up to a gap."""
        context, top = self._wish.context, self._top(uid)
        if self._history is None or top is None:
            return []
        limit = (context + 1) * ROWS_PER_LINE
        entries = [entry for entry in await self._history.log(uid, first_row=row, limit=limit) if entry.row < top]
        items = [item_of(entry) for entry in entries]
        if len(entries) < limit:
            items += self._screens[uid]
        return _until_gap(logical_lines(items)[1:])[:context]

    async def _above(self, uid: str) -> list[str]:
        """The last lines of the log, where the screen goes on with it; back to a gap."""
        context, top = self._wish.context, self._top(uid)
        if self._history is None or top is None:
            return []
        entries = await self._history.log(uid, tail=context * ROWS_PER_LINE)
        lines = logical_lines([item_of(entry) for entry in entries if entry.row < top])
        return _until_gap(lines[::-1])[:context][::-1]


def _newest_first(hits: Sequence[SearchHit]) -> list[SearchHit]:
    """By instant; of one pane what stands on its screen is newer than its log, whatever the clock said."""
    newest: dict[str, str] = {}
    for hit in hits:
        newest[hit["pane_uid"]] = max(newest.get(hit["pane_uid"], ""), hit["at"] or "")

    def instant(hit: SearchHit) -> tuple[str, bool]:
        on_screen = hit["kind"] == "screen"
        return (newest[hit["pane_uid"]] if on_screen else hit["at"] or "", on_screen)

    # Stable: hits of one screen, and rows of one instant, stay as they were.
    return sorted(hits, key=instant, reverse=True)


def _until_gap(lines: Sequence[LogRow]) -> list[str]:
    return [line["text"] for line in takewhile(lambda line: line["gap"] is None, lines)]


async def _search(
    history: Reader | None,
    wish: SearchWish,
    wanted: Mapping[str, PaneResult],
    since_ms: int | None,
    until_ms: int | None,
) -> Found:
    if history is None:
        return Found((), more=False, complete=True)
    return await history.search(
        wish.query,
        panes=None if wish.pane is None else list(wanted),
        host=wish.host,
        project=None if wish.project is None else _folder(wish.project),
        since_ms=since_ms,
        until_ms=until_ms,
        limit=wish.limit,
        context=wish.context,
        regex=wish.regex,
    )


async def _live_screens(
    sidecar: SidecarClient | None, wanted: Mapping[str, PaneResult]
) -> dict[str, Sequence[Item]] | None:
    """By pane; None without a sidecar. What was captured before is committed when this returns."""
    if sidecar is None:
        return None
    found = (await sidecar.call("screens"))["screens"]
    await sidecar.call("flush")
    return {one["pane_uid"]: without_blank_end(screen_items(one)) for one in found if one["pane_uid"] in wanted}


async def _stored_screens(history: Reader | None, wanted: Mapping[str, PaneResult]) -> dict[str, Sequence[Item]]:
    if history is None:
        return {}
    found = await history.screens(closed=True)
    return {one.pane_uid: stored_screen_items(one.screen) for one in found if one.pane_uid in wanted}


def _matches(pane: PaneResult, wish: SearchWish) -> bool:
    """As the database tells panes apart."""
    if wish.host is not None:
        host = "" if wish.host in THIS_HOST else wish.host
        if pane["host"] != host and pane["mux"] != wish.host:
            return False
    if wish.project is not None:
        folder, stands = _folder(wish.project), (pane["cwd"] or "").rstrip("/") or "/"
        return stands == folder or stands.startswith(folder.rstrip("/") + "/")
    return True


def _folder(project: str) -> str:
    return os.path.normpath(Path(project).expanduser().absolute())


def _hit(
    pane: PaneResult, at_ms: int, row: int | None, text: str, before: list[str], after: list[str], kind: Kind
) -> SearchHit:
    return SearchHit(
        pane_uid=pane["pane_uid"],
        mux=pane["mux"],
        pane_id=pane["pane_id"],
        title=pane["title"],
        at=iso(at_ms),
        row=row,
        text=text,
        before=before,
        after=after,
        kind=kind,
    )
