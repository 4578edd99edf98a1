"""What a follower of a pane is shown: each row once, as soon as it can be trusted. Pure; time comes in.

Rows become final when they leave the screen, which on a quiet shell may be never. So rows above the cursor are shown
ahead of that, once they have stood still for a moment and nothing stands below the cursor (below it programs draw
composers and footers, and what such a program shows above may still change). When the final row comes it is shown again
only if it became another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from wa.api.lines import Hole, Item, Kind, Physical, logical_lines, physical_rows
from wa.protocol.results import LogRow

SETTLE_MS = 300
"""How long a row on the screen must stand still."""


class Standing(NamedTuple):
    """A row on the screen, above the cursor."""

    row: Physical
    since_ms: int


class Follower:
    """Fed with items of `subscribe` for one pane, in order; answers with what to show.

    `now_ms` is the follower's own clock; only differences count. Without *screens* only final rows are shown.
    """

    def __init__(self, *, screens: bool) -> None:
        self._screens = screens
        self._ahead: dict[int, str] = {}
        """Position → text of rows that were shown ahead and are not final yet."""
        self._final = 0
        """Every row before this position is final."""
        self._standing: dict[int, Standing] = {}
        """By position."""
        self._seen: list[tuple[str, bool, int]] = []
        """Text, wrap mark and time of the rows above the cursor on the newest screen."""

    def begin(self, next_row: int) -> None:
        self._final = next_row

    def feed(self, item: Mapping[str, Any], now_ms: int) -> list[Item]:
        kind = item["kind"]
        if kind == "rows":
            return self._rows(item, now_ms)
        if kind == "gap":
            self._final = max(self._final, item["row"] + (item["missing"] or 0))
            self._stand(now_ms)
            return [Hole(item["row"], item["missing"], item["reason"], item["at_ms"])]
        if kind == "screen" and self._screens:
            self._screen(item, now_ms)
            return self.settle(now_ms)
        return []

    def settle(self, now_ms: int) -> list[Item]:
        """Rows that have stood still for long enough, in order: nothing below a restless row is shown before it."""
        shown: list[Item] = []
        for position, (row, since_ms) in sorted(self._standing.items()):
            if now_ms - since_ms < SETTLE_MS:
                break
            if self._ahead.get(position) != row.text:
                self._ahead[position] = row.text
                shown.append(row)
        return shown

    def wake_in_ms(self, now_ms: int) -> int | None:
        """When to call `settle` though nothing is heard; None: not at all."""
        waiting = [one.since_ms for at, one in self._standing.items() if self._ahead.get(at) != one.row.text]
        return max(0, max(waiting) + SETTLE_MS - now_ms) if waiting else None

    def _rows(self, item: Mapping[str, Any], now_ms: int) -> list[Item]:
        shown: list[Item] = []
        kind: Kind = "page" if item["page"] else "output"
        stale = False
        for position, (text, wrapped) in enumerate(item["rows"], start=item["first_row"]):
            if self._ahead.pop(position, None) != text:
                shown.append(Physical(position, text, wrapped, item["at_ms"], kind))
            stood = self._standing.pop(position, None)
            stale = stale or (stood is not None and stood.row.text != text)
            self._final = max(self._final, position + 1)
        if stale:
            # The screen was seen before the rows above it had been read: it stands lower than was thought.
            self._ahead.clear()
            self._stand(now_ms)
        return shown

    def _screen(self, item: Mapping[str, Any], now_ms: int) -> None:
        logged = item["logged"]
        rows: Sequence[str] = item["rows"][logged:]
        cursor = int(item["cursor"][1]) - logged
        self._final = max(self._final, item["next_row"])
        below = any(text.strip() for text in rows[cursor + 1 :]) if cursor >= 0 else True
        if item["is_alt"] or below or cursor > len(rows):
            self._seen = []
        else:
            marks = zip(rows[:cursor], item["wrapped"][logged:], strict=False)
            self._seen = [(text, wrapped, item["at_ms"]) for text, wrapped in marks]
        self._stand(now_ms)

    def _stand(self, now_ms: int) -> None:
        """Places the newest screen right after the final rows; what stood there already keeps its time."""
        before, self._standing = self._standing, {}
        for position, (text, wrapped, at_ms) in enumerate(self._seen, start=self._final):
            known = before.get(position)
            since_ms = known.since_ms if known is not None and known.row.text == text else now_ms
            self._standing[position] = Standing(Physical(position, text, wrapped, at_ms, "screen"), since_ms)


class Joiner:
    """Rows as they come into lines; a line is held back until its end is here."""

    def __init__(self, *, physical: bool) -> None:
        self._physical = physical
        self._parts: list[Item] = []

    def feed(self, items: Sequence[Item]) -> list[LogRow]:
        if self._physical:
            return physical_rows(items)
        whole: list[Item] = []
        for item in items:
            last = self._parts[-1] if self._parts else None
            if isinstance(last, Physical) and isinstance(item, Physical) and not _continues(last, item):
                whole += self._parts
                whole[-1] = last._replace(wrapped=False)
                self._parts = []
            self._parts.append(item)
            if isinstance(item, Hole) or not item.wrapped:
                whole += self._parts
                self._parts = []
        return logical_lines(whole)

    def end(self) -> list[LogRow]:
        """What was held back."""
        parts, self._parts = self._parts, []
        return physical_rows(parts) if self._physical else logical_lines(parts)


def _continues(last: Physical, row: Physical) -> bool:
    return last.row is None or row.row is None or row.row == last.row + 1
