"""What of a full-screen program's document may go into the log."""

from __future__ import annotations

from wa.ingest.ledger import BLANK
from wa.ingest.sheet import BOUND_ROWS, SETTLED_MS, Sheet
from wa.ingest.shown import Line
from wa.model.log import GapReason


def take_gone(sheet: Sheet) -> list[Line]:
    """Rows that left the screen upwards, in order. Should they come back, they are known."""
    stop = min(sheet.shown.top, sheet.content) if sheet.covered is None else sheet.covered.top
    return _take(sheet, max(sheet.stored, stop))


def take_all(sheet: Sheet, at_ms: int) -> list[Line]:
    """The screen closes: everything that is content, with what stands there."""
    below = sheet.shown.top + sheet.shown.length
    del sheet.lines[sheet.content :]
    for at in range(len(sheet.lines) - 1, max(below, sheet.stored) - 1, -1):
        line = sheet.lines[at]
        if line.block is not sheet.block or (line.below_ms or at_ms) - line.since_ms < SETTLED_MS:
            del sheet.lines[at]
    sheet.drop_flickering_end(at_ms)
    sheet.block.page = sheet.block.page and sheet.pages > 1
    end = len(sheet.lines)
    while end > sheet.stored and sheet.lines[end - 1].key == BLANK:
        end -= 1
    return _take(sheet, end)


def _take(sheet: Sheet, end: int) -> list[Line]:
    taken: list[Line] = []
    lost: GapReason | None = None
    for line in sheet.lines[sheet.stored : end]:
        lost = lost or line.lost
        if _worth_keeping(sheet, line) and (sheet.begun or taken or line.key != BLANK):
            line.lost, lost = lost, None
            taken.append(line)
    if lost is not None and end < len(sheet.lines):
        sheet.lines[end].lost = sheet.lines[end].lost or lost
    sheet.begun = sheet.begun or bool(taken)
    if sheet.cut is not None and sheet.stored <= sheet.cut.row < end:
        at = sheet.lines[sheet.cut.row]
        at.row = at.row._replace(text=at.row.text[sheet.cut.column :])
        sheet.cut = None
    sheet.stored = max(sheet.stored, end)
    _forget_oldest(sheet)
    return taken


def _worth_keeping(sheet: Sheet, line: Line) -> bool:
    """Pages that nobody could have read are not kept."""
    block = line.block
    return not block.page or block is sheet.block or block.until_ms - block.since_ms >= SETTLED_MS


def _forget_oldest(sheet: Sheet) -> None:
    surplus = min(sheet.stored, len(sheet.lines) - BOUND_ROWS)
    if surplus <= 0:
        return
    sheet.earlier = []
    del sheet.lines[:surplus]
    sheet.stored -= surplus
    sheet.sure = max(0, sheet.sure - surplus)
    sheet.shown = sheet.shown._replace(top=sheet.shown.top - surplus)
    if sheet.covered is not None:
        shown = sheet.covered.shown
        sheet.covered = sheet.covered._replace(
            top=sheet.covered.top - surplus,
            shown=shown._replace(top=shown.top - surplus),
            sure=max(0, sheet.covered.sure - surplus),
        )
    if sheet.cut is not None:
        sheet.cut = sheet.cut._replace(row=sheet.cut.row - surplus)


def mark(sheet: Sheet, at_ms: int) -> None:
    top, _, length = sheet.shown
    for at in range(sheet.stored, len(sheet.lines)):
        line = sheet.lines[at]
        line.below_ms = (line.below_ms or at_ms) if at >= top + length else None
