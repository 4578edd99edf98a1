"""Lays a frame over the document from the row on where they meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wa.ingest.anchor import Anchor, Known, Pair, head_above, telling
from wa.ingest.composer import staying
from wa.ingest.jump import SAYS_SOMETHING
from wa.ingest.ledger import BLANK
from wa.ingest.sheet import FLICKERS, Sheet
from wa.ingest.shown import Seen, Shown
from wa.model.log import GapReason

TAILS_LOOKED_AT = 7
LONGEST_TAIL = 4
"""Rows still being written at the end of the content. More are a dialog that closed, or a table."""


def join(sheet: Sheet, anchor: Anchor, seen: Seen, known: Known) -> None:
    frame, names = seen.rows, seen.names
    row, at = anchor.first
    moved = at - row - (sheet.shown.top - sheet.shown.head)
    head = head_above(anchor, known.names, names)
    if moved == 0 and row > sheet.shown.head:
        # Rows at the top changed in their places.
        head = sheet.shown.head
        row, at = head, sheet.shown.top
    _learn(sheet, anchor, seen, moved, head)
    feet = sheet.composer.names
    last_content = max(
        (pair for pair in anchor.pairs if pair.at < known.end and names[pair.row] not in feet), default=None
    )
    sheet.stored, inserted = _still_stored(sheet, Anchor(Pair(row, at), anchor.pairs), seen)
    old = {line.key: line for line in sheet.lines[at:]}
    lost = _lost_from(sheet, at, anchor.pairs)
    block = sheet.lines[at].block
    sheet.block = block
    if moved > 0:
        block.grown += moved
        sheet.scrolled += moved
        if block.page and block.grown >= len(frame):
            sheet.covered = None  # no dialog, but a program of its own
    scrolled = {pair.row for pair in anchor.pairs if moved and names[pair.row] != sheet.name_at(pair.row)}
    sheet.lines[at:] = [sheet.line(seen, i, old, scrolled=i in scrolled) for i in range(row, len(frame))]
    for after, reason in lost:
        sheet.lines[at + min(max(after, row), len(frame) - 1) - row].lost = reason
    if inserted and sheet.stored < len(sheet.lines):
        sheet.lines[sheet.stored].lost = GapReason.UNSEEN  # a log that only grows has no place for them
    sheet.shown = Shown(at - (row - head), head, len(frame) - head)
    sheet.sure = at if last_content is None else at + last_content.row - row + 1


def _lost_from(sheet: Sheet, first: int, pairs: Sequence[Pair]) -> list[tuple[int, GapReason]]:
    """Gaps below the first row that the frame lays out anew, and before which of its rows they stand now."""
    lost: list[tuple[int, GapReason]] = []
    for at in range(first, len(sheet.lines)):
        if (reason := sheet.lines[at].lost) is not None:
            above = max((pair.row + 1 for pair in pairs if pair.at < at), default=0)
            below = min((pair.row - (pair.at - at) for pair in pairs if pair.at >= at), default=above)
            lost.append((max(above, below), reason))
    return lost


def _still_stored(sheet: Sheet, anchor: Anchor, seen: Seen) -> tuple[int, bool]:
    """Stored rows stay stored where the frame lays them out anew; and whether rows stand among them that never were."""
    row, at = anchor.first
    if sheet.stored <= at:
        return sheet.stored, False
    inside = [pair for pair in anchor.pairs if pair.at < sheet.stored]
    last = inside[-1] if inside else Pair(row - 1, at - 1)
    later = next((pair.row for pair in anchor.pairs if pair.at >= sheet.stored), len(sheet.frame))
    often = Counter(seen.names)
    for known in range(last.at + 1, sheet.stored):
        name = sheet.lines[known].key
        if often[name] == 1 and telling(sheet.lines[known].row.text) >= SAYS_SOMETHING:
            found = next((i for i in range(last.row + 1, min(later, len(seen.names))) if seen.names[i] == name), None)
            last = last if found is None else Pair(found, known)
    stored = {BLANK, *(line.key for line in sheet.lines[at : sheet.stored])}
    grew = last.row - row > last.at - at
    inserted = grew and any(name not in stored for name in seen.names[row : last.row])
    rest = sheet.stored - 1 - last.at
    return at + (last.row - row) + 1 + max(0, min(rest, later - last.row - 1)), inserted


def _learn(sheet: Sheet, anchor: Anchor, seen: Seen, moved: int, head: int) -> None:
    """Rows at the bottom that stay while the content scrolls are no content."""
    names = seen.names
    if len(names) != len(sheet.frame) or moved < 0 or not anchor.pairs:
        return
    last = max((pair.at for pair in anchor.pairs if pair.at < sheet.content), default=anchor.first.at)
    tail = sum(1 for line in sheet.lines[last + 1 : sheet.content] if line.key != BLANK and line.flickers < FLICKERS)
    if tail <= LONGEST_TAIL:
        sheet.tails = [*sheet.tails[1 - TAILS_LOOKED_AT :], tail]
    last_moved = max((pair.row for pair in anchor.pairs if names[pair.row] != sheet.frame[pair.row]), default=-1)
    if 0 < moved < len(names) and last_moved >= 0:
        first = len(names) - min(staying(sheet.frame, names), len(names) - 1 - last_moved)
        while first < len(names) and names[first] in (BLANK, names[max(0, first - moved)]):
            first += 1  # content that reads the same where it stood and where it has gone
        sheet.composer.learn(seen.rows, names, len(names) - first)
        sheet.head = head
