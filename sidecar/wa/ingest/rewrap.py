"""Frames of another size."""

from __future__ import annotations

from collections.abc import Sequence

from wa.ingest.joint import by_words, where_it_begins
from wa.ingest.ledger import key
from wa.ingest.lines import Place
from wa.ingest.sheet import Sheet
from wa.ingest.shown import Line, Seen, Shown
from wa.model.screen import Row


def drawn_anew(sheet: Sheet, frame: Sequence[Row]) -> bool:
    """The frame is no longer the old one with its rows cut off; or moved, where the height has changed."""
    old = [row.text.rstrip() for row in sheet.before_resize or ()]
    now = [row.text.rstrip() for row in frame]
    if sheet.other_width:
        return any(not any(before.startswith(text) for before in old) for text in now if text)
    grown = len(now) - len(old)
    old += [""] * grown
    # In a taller window rows that had been cut off above may be there again.
    moves = range(-max(0, grown), max(0, -grown) + 1)
    return not any(all(now[at] == old[at + by] for at in range(max(0, -by), len(now))) for by in moves)


def wrap_anew(sheet: Sheet, seen: Seen) -> bool:
    """Words tell where the frame begins in the document; rows above keep the width they had. False: they do not."""
    frame, names, at_ms = seen.rows, seen.names, seen.at_ms
    sheet.composer.forget_heights()
    height = max(len(frame), len(sheet.frame))
    low = max(0, sheet.shown.top - 2 * height)
    before = [line.row for line in sheet.lines[low : sheet.content]]
    begins = where_it_begins(before, frame)
    if begins is None:
        return False
    (known, column), first = begins
    stored = sheet.stored - low
    place = by_words(before[:stored], before[stored:], frame) if stored > known else None
    kept = low + known
    del sheet.lines[kept + (1 if column else 0) :]
    if column:
        line = sheet.lines[-1]
        line.row = line.row._replace(text=line.row.text[:column])
        line.key = key(line.row.text)
    at = len(sheet.lines)
    sheet.lines += [Line(frame[i], names[i], sheet.block, at_ms) for i in range(first, len(frame))]
    if place is not None:
        sheet.stored = at + max(0, place.place.row - first)
        sheet.cut = Place(sheet.stored, place.place.column) if place.place.column else None
    sheet.shown = Shown(at, first, len(frame) - first)
    sheet.sure = at
    return True
