"""A pane's log as rows and as lines: what is stored and what stands on the screen, in one sequence, nothing twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from wa.protocol.envelope import iso_or_none
from wa.protocol.results import GapResult, LogRow

Kind = Literal["output", "page", "screen"]


class Physical(NamedTuple):
    """One row. `row` is its position in the log; None on a screen that has no place in it."""

    row: int | None
    text: str
    wrapped: bool
    at_ms: int | None
    kind: Kind


class Hole(NamedTuple):
    """A gap, before position `row`."""

    row: int
    missing: int | None
    reason: str
    at_ms: int


Item = Physical | Hole


def physical_rows(items: Iterable[Item]) -> list[LogRow]:
    """Each row as it stands."""
    return [_shown(item) for item in items]


def logical_lines(items: Iterable[Item]) -> list[LogRow]:
    """Rows that wrapped softly joined into the lines they were; a gap or a change of pages breaks a line."""
    lines: list[LogRow] = []
    parts: list[Physical] = []

    def finish() -> None:
        if parts:
            whole = "".join(part.text for part in parts)
            # A line whose end is still on the screen may yet change.
            lines.append(_shown(parts[0]._replace(text=whole, wrapped=False, kind=parts[-1].kind)))
            parts.clear()

    for item in items:
        if isinstance(item, Hole):
            finish()
            lines.append(_shown(item))
            continue
        if parts and "page" in (item.kind, parts[-1].kind) and item.kind != parts[-1].kind:
            finish()
        parts.append(item)
        if not item.wrapped:
            finish()
    finish()
    return lines


def without_blank_end(items: Sequence[Item]) -> list[Item]:
    """*items* without the empty rows at the end of a screen that is not full."""
    stop = len(items)
    while stop:
        last = items[stop - 1]
        if isinstance(last, Hole) or last.kind != "screen" or last.text.strip():
            break
        stop -= 1
    return list(items[:stop])


def newest(rows: Sequence[LogRow], count: int) -> list[LogRow]:
    """The last *count* lines, with the gaps among them."""
    if count <= 0:
        return []
    seen = 0
    for at in range(len(rows) - 1, -1, -1):
        seen += rows[at]["gap"] is None
        if seen == count:
            # A gap right before the oldest line shown is told, not hidden.
            first = at
            while first and rows[first - 1]["gap"] is not None:
                first -= 1
            return list(rows[first:])
    return list(rows)


def _shown(item: Item) -> LogRow:
    at = iso_or_none(item.at_ms)
    if isinstance(item, Hole):
        gap = GapResult(missing=item.missing, reason=item.reason)
        return LogRow(row=item.row, text="", wrapped=False, at=at, gap=gap, kind="gap")
    return LogRow(row=item.row, text=item.text, wrapped=item.wrapped, at=at, gap=None, kind=item.kind)
