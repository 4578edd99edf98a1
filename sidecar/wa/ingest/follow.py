"""Frames that show what is known, perhaps with more below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wa.ingest.anchor import HEADER_ROWS, Anchor, Known, Pair, find_anchor, has_room, one_scroll, telling
from wa.ingest.composer import staying
from wa.ingest.join import join
from wa.ingest.joint import reads_alike
from wa.ingest.jump import SAYS_SOMETHING
from wa.ingest.ledger import BLANK
from wa.ingest.scrolled_back import seen_before
from wa.ingest.sheet import FEW, FLICKERS, Sheet
from wa.ingest.shown import Seen, Shown

SPINNER_ROWS = 3
"""Above the composer, blank rows included."""


def follow(sheet: Sheet, seen: Seen) -> bool:
    """Whether the frame shows what is known, perhaps with more below it."""
    content, height = sheet.content, len(seen.names)
    keys = [BLANK if line.flickers >= FLICKERS and at < content else line.key for at, line in enumerate(sheet.lines)]
    # What stays at the bottom may be a dialog or a composer, under which the content scrolls.
    stays = staying(sheet.frame, seen.names) if sheet.at_end else 0
    if height != len(sheet.frame):
        stays = min(stays, sheet.foot)
    tail = min(content, len(keys) - stays)
    end = sheet.ordered_end(tail)
    known = Known(keys, sheet.shown.top, sheet.shown.head, end, tail, max(stays, sheet.foot))
    if sheet.at_end and _only_grew(sheet, known, seen):
        join(sheet, Anchor(Pair(sheet.shown.head, sheet.shown.top), ()), seen, known)
        return True
    weights = [telling(row.text) for row in seen.rows]
    lows = sorted({max(0, sheet.shown.top - height // 2), max(0, len(keys) - 3 * height), 0}, reverse=True)
    anchor = None
    for low in lows:
        found = find_anchor(known, seen.names, weights, low=min(low, end))
        anchor = found or anchor
        if found is not None and found.first.at - found.first.row >= low:
            break  # else the frame begins further up
    if anchor is None:
        anchor = _few_changed(sheet, known, seen, weights)
    if anchor is None:
        return False
    length = seen_before(sheet, anchor, known, seen)
    if length is None and anchor.first.at + height - anchor.first.row < sheet.stored:
        length = height - anchor.first.row  # it ends above what is stored: laid over it, those rows would come anew
    if length is not None:
        sheet.shown = Shown(anchor.first.at, anchor.first.row, length)
        sheet.block = sheet.lines[anchor.first.at].block
    else:
        join(sheet, anchor, seen, known)
    return True


def _only_grew(sheet: Sheet, known: Known, seen: Seen) -> bool:
    """At the beginning: what there was at most, a row still being written and a spinner above the composer, is
    there, and room is left.
    """
    top, head, _ = sheet.shown
    if not has_room(seen.names) or any(name != BLANK for name in known.names[top : known.end]):
        return False
    rows = range(head, min(head + known.tail - top, len(seen.rows)))
    return all(
        known.names[top + row - head] == BLANK
        or seen.rows[row].text.startswith(sheet.rows[row].text.rstrip())
        or (row >= rows.stop - SPINNER_ROWS and reads_alike(seen.rows[row].text, sheet.rows[row].text))
        for row in rows
    )


def _few_changed(sheet: Sheet, known: Known, seen: Seen, weights: Sequence[float]) -> Anchor | None:
    """A clock at the top, a counter in a list."""
    top, head, _ = sheet.shown
    if len(seen.names) != len(sheet.frame) or not sheet.at_end:
        return None
    if sum(1 for now, was in zip(seen.names, sheet.frame, strict=True) if now != was) > FEW:
        return None
    anchor = one_scroll(
        known._replace(end=sheet.content, tail=sheet.content, foot=sheet.foot), seen.names, weights, low=top
    )
    if anchor is not None and anchor.first.at - anchor.first.row == top - head:
        return anchor
    return Anchor(Pair(head, top), ()) if _only_spins(sheet, seen) else None


def _only_spins(sheet: Sheet, seen: Seen) -> bool:
    """What changed reads as before, or goes on, and a row that is like no other has not moved."""
    often = Counter(sheet.frame)
    stays = False
    for row in range(max(sheet.head, HEADER_ROWS), len(seen.names) - sheet.foot):
        now, was = seen.rows[row].text, sheet.rows[row].text
        if seen.names[row] == sheet.frame[row]:
            stays = stays or (often[seen.names[row]] == 1 and telling(now) >= SAYS_SOMETHING)
        elif not (now.startswith(was.rstrip()) or reads_alike(now, was)):
            return False
    return stays
