"""Frames that show an earlier part of the document: it was scrolled back."""

from __future__ import annotations

from wa.ingest.anchor import Anchor, Known
from wa.ingest.ledger import BLANK
from wa.ingest.sheet import STATIC_SHARE, Sheet
from wa.ingest.shown import Seen

SEEN_BEFORE_ROWS = 3


def seen_before(sheet: Sheet, anchor: Anchor, known: Known, seen: Seen) -> int | None:
    """The frame shows a part of the document that is known already, with more content below: it was scrolled back.

    How many rows of it, or None.
    """
    row, at = anchor.first
    keys, names = known.names, seen.names
    length = 0
    while row + length < len(names) and at + length < sheet.content and names[row + length] == keys[at + length]:
        length += 1
    below = range(at + length, known.end)
    shown = sum(1 for name in names[row : row + length] if name != BLANK)
    if shown < SEEN_BEFORE_ROWS or all(keys[at] == BLANK for at in below):
        return None
    if _same_bottom(sheet, seen, row + length):
        return length
    moved = at - row - (sheet.shown.top - sheet.shown.head)
    if len(names) - row - length > max(sheet.foot, len(names) // 3) or (moved >= 0 and sheet.at_end):
        return None
    # Another composer. What stood in its place never scrolled, and has closed; a list that is scrolled back did.
    end = max((at + 1 for at in below if sheet.lines[at].scrolled and keys[at] != BLANK), default=None)
    if end is None:
        return None
    del sheet.lines[end:]
    sheet.sure = end
    return length


def _same_bottom(sheet: Sheet, seen: Seen, first: int) -> bool:
    """From row *first* on nothing has changed, or next to nothing in a composer in which nobody types."""
    names, before = seen.names, sheet.frame
    size = min(len(names) - first, len(before))
    rest = [(names[-at], before[-at]) for at in range(1, size + 1)]
    if size > sheet.foot and any(now != was for now, was in rest):
        return False
    static = sum(1 for now, was in rest if now == was != BLANK)
    if static < STATIC_SHARE * sum(1 for now, _ in rest if now != BLANK):
        return False
    cursor_y = seen.cursor_y
    if cursor_y < first or sheet.composer.cursor_y < 0:
        return True
    return cursor_y == sheet.composer.cursor_y and names[cursor_y : cursor_y + 1] == before[cursor_y : cursor_y + 1]
