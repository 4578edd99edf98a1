"""From captures to rows of tables: in order, redacted, cut into chunks. Touches no database."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack  # type: ignore[import-untyped]

from wa.model.errors import NotFound
from wa.model.log import Gap, GapReason, RowKind, Segment
from wa.model.screen import Cursor, Row, Screen
from wa.store.chunks import Chunk
from wa.store.errors import StorePositionError
from wa.store.panelog import PaneLog
from wa.store.records import Capture
from wa.store.redact import NEUTRAL, redact, redact_rows

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """What a pane's row in `panes` grows by."""

    rows: int = 0
    lost: int = 0
    gaps: int = 0
    last_ms: int | None = None


@dataclass(slots=True)
class Prepared:
    """What one call stores: all of it in one transaction."""

    logs: dict[int, PaneLog] = field(default_factory=dict)
    """The panes' logs as they will be."""
    grown: set[int] = field(default_factory=set)
    """Those whose open chunk is another now."""
    chunks: list[Chunk] = field(default_factory=list)
    gaps: list[tuple[int, Gap]] = field(default_factory=list)
    counts: dict[int, Counts] = field(default_factory=dict)
    screens: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    checkpoints: dict[int, bytes] = field(default_factory=dict)

    def count(self, pane: int) -> Counts:
        return self.counts.setdefault(pane, Counts())


StoredRows = Callable[[int, int, int], list[str] | None]
"""Rows of a pane from a position on, so many; None where they are not all there."""


def pane_number(pane_uid: str) -> int:
    """17 for `p17`."""
    number = pane_uid[1:]
    if pane_uid[:1] != "p" or not (number.isascii() and number.isdecimal()) or len(number) > 18:
        raise NotFound(f"{pane_uid!r} is no pane_uid")
    return int(number)


def prepare(captures: Sequence[Capture], log_of: Callable[[int], PaneLog], stored_rows: StoredRows) -> Prepared:
    """Raises NotFound for a pane that does not exist, StorePositionError for rows that fit no log."""
    prepared = Prepared()
    for capture in captures:
        pane = pane_number(capture.pane_uid)
        if pane not in prepared.logs:
            prepared.logs[pane] = log_of(pane).copy()
        end = prepared.logs[pane]
        if capture.segments or capture.gaps:
            prepared.grown.add(pane)
            _take(prepared, end, capture, stored_rows)
        if capture.screen is not None:
            prepared.screens[pane] = capture.screen.at_ms, pack_screen(_redacted_screen(end, capture.screen))
        if capture.checkpoint is not None:
            prepared.checkpoints[pane] = capture.checkpoint
    return prepared


def _take(prepared: Prepared, end: PaneLog, capture: Capture, stored_rows: StoredRows) -> None:
    """Segments and gaps of one pane, by position; a gap stands before the rows at its position."""
    gaps = deque(sorted(capture.gaps, key=lambda gap: gap.row))
    for segment in capture.segments:
        first, rows = segment.first_row, segment.rows
        while gaps and gaps[0].row < first + len(rows):
            before = max(0, gaps[0].row - first)
            _take_rows(prepared, end, segment._replace(first_row=first, rows=rows[:before]), stored_rows)
            first, rows = first + before, rows[before:]
            _take_gap(prepared, end, gaps.popleft())
        _take_rows(prepared, end, segment._replace(first_row=first, rows=rows), stored_rows)
    for gap in gaps:
        _take_gap(prepared, end, gap)


def _take_rows(prepared: Prepared, end: PaneLog, segment: Segment, stored_rows: StoredRows) -> None:
    if not segment.rows:
        return
    if segment.first_row < end.next_row:
        segment = _without_stored(end, segment, stored_rows)
        if not segment.rows:
            return
    if segment.first_row > end.next_row:
        missing = segment.first_row - end.next_row
        reason = GapReason.FORGOTTEN if end.is_forgotten else GapReason.UNREADABLE
        if reason is GapReason.UNREADABLE:
            log.error("rows missing without a gap", extra={"pane": end.pane, "row": end.next_row, "missing": missing})
        _take_gap(prepared, end, Gap(end.next_row, missing, reason, segment.at_ms))
    end.is_forgotten = False
    prepared.chunks += end.append(segment.rows, segment.at_ms, segment.kind)
    counts = prepared.count(end.pane)
    counts.rows += len(segment.rows)
    counts.last_ms = segment.at_ms if counts.last_ms is None else max(counts.last_ms, segment.at_ms)


def _without_stored(end: PaneLog, segment: Segment, stored_rows: StoredRows) -> Segment:
    """*segment* without rows that were handed in before, as after a call whose answer nobody waited for."""
    again = min(end.next_row - segment.first_row, len(segment.rows))
    texts = [row.text for row in segment.rows[:again]]
    redacted, _ = redact_rows(texts, [row.wrapped for row in segment.rows[:again]])
    stored = stored_rows(end.pane, segment.first_row, again)
    if stored is None or stored not in (texts, redacted):
        raise StorePositionError(
            f"rows from {segment.first_row} on do not fit the log of p{end.pane}, which goes up to {end.next_row}",
            details={"pane_uid": f"p{end.pane}", "first_row": segment.first_row, "next_row": end.next_row},
        )
    return segment._replace(first_row=segment.first_row + again, rows=segment.rows[again:])


def _take_gap(prepared: Prepared, end: PaneLog, gap: Gap) -> None:
    if gap.row != end.next_row:
        if gap.row > end.next_row:
            missing = gap.row - end.next_row
            reason = GapReason.FORGOTTEN if end.is_forgotten else GapReason.UNREADABLE
            _take_gap(prepared, end, Gap(end.next_row, missing, reason, gap.at_ms))
        elif gap.missing is not None and gap.row + gap.missing <= end.next_row:
            return  # Handed in before.
        else:
            raise StorePositionError(
                f"a gap at {gap.row} does not fit the log of p{end.pane}, which goes up to {end.next_row}",
                details={"pane_uid": f"p{end.pane}", "row": gap.row, "next_row": end.next_row},
            )
    end.is_forgotten = False
    prepared.chunks += end.skip(gap.missing or 0)
    prepared.gaps.append((end.pane, gap))
    counts = prepared.count(end.pane)
    counts.gaps += 1
    if gap.reason is not GapReason.FORGOTTEN:
        counts.lost += gap.missing or 0


def _redacted_screen(end: PaneLog, screen: Screen) -> Screen:
    """The screen goes on where the log ends, unless it is another one altogether."""
    texts = [row.text for row in screen.rows]
    wraps = [row.wrapped for row in screen.rows]
    goes_on = screen.is_alt is not True and end.kind == RowKind.OUTPUT
    before = end.line if goes_on else []
    redacted, _ = redact_rows(
        before + texts,
        [True] * len(before) + wraps,
        carry=end.carry if goes_on else NEUTRAL,
        stored=end.line_stored if goes_on else 0,
        torn=not before,
    )
    rows = zip(screen.rows, redacted[len(before) :], strict=True)
    return screen._replace(
        rows=tuple(Row(row.index, text, row.wrapped) for row, text in rows),
        title=redact(screen.title),
        cwd=None if screen.cwd is None else redact(screen.cwd),
    )


def pack_screen(screen: Screen) -> bytes:
    packed: bytes = msgpack.packb(screen, use_bin_type=True)
    return packed


def unpack_screen(data: bytes) -> Screen:
    fields: list[Any] = msgpack.unpackb(data, raw=False)
    screen = Screen(*fields)
    return screen._replace(rows=tuple(Row(*row) for row in screen.rows), cursor=Cursor(*screen.cursor))
