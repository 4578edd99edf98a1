"""Frames that show nothing known: rewritten in place, scrolled by more than the content's height, or another page."""

from __future__ import annotations

from collections.abc import Sequence

from wa.ingest.anchor import HEADER_ROWS, telling
from wa.ingest.composer import speaks, staying
from wa.ingest.joint import reads_alike
from wa.ingest.jump import part
from wa.ingest.ledger import BLANK
from wa.ingest.sheet import BOUND_ROWS, SETTLED_MS, STATIC_SHARE, Sheet
from wa.ingest.shown import Block, Seen
from wa.model.log import GapReason

SIMILAR_SHARE = 0.5


def unlike(sheet: Sheet, seen: Seen) -> None:
    """Nothing that `follow` knows."""
    if jumped(sheet, seen):
        return
    stays = staying(sheet.frame, seen.names)
    if _in_place(sheet, seen):
        changed = [i for i, (now, was) in enumerate(zip(seen.names, sheet.frame, strict=True)) if now != was]
        sheet.overwrite(seen, [i for i in changed if i >= sheet.shown.head])
    elif _scrolled_on(sheet, seen, stays):
        _jump(sheet, seen, stays)
    elif any(name != BLANK for name in seen.names):
        sheet.pages += 1
        sheet.covered = sheet.covered or sheet.view(sheet.shown.top)
        sheet.block = Block(seen.at_ms, page=True)
        new = sheet.all_new(seen)
        del sheet.lines[sheet.content :]
        sheet.drop_flickering_end(seen.at_ms)
        sheet.append(new, 0)
        if len(sheet.lines) > BOUND_ROWS:
            del sheet.lines[sheet.covered.top + len(sheet.covered.lines) : -len(new)]
            sheet.shown = sheet.shown._replace(top=len(sheet.lines) - len(new))
            sheet.sure = sheet.shown.top
            sheet.lines[sheet.shown.top].lost = GapReason.UNSEEN


def jumped(sheet: Sheet, seen: Seen) -> bool:
    """It scrolled on, since rows have come in above the composer before."""
    stays = staying(sheet.frame, seen.names)
    if not sheet.composer.has_worked or not _scrolled_on(sheet, seen, stays):
        return False
    _jump(sheet, seen, stays)
    return True


def _scrolled_on(sheet: Sheet, seen: Seen, stays: int) -> bool:
    raw = seen.names[-1] == BLANK and seen.cursor_y == len(seen.names) - 1 and sheet.block.grown > 0
    return raw or sheet.composer.is_there(seen.rows, seen.names, stays, seen.cursor_y)


def _in_place(sheet: Sheet, seen: Seen) -> bool:
    """Half of the screen stays, or what changed reads much as before: counters, clocks, a dialog."""
    names = seen.names
    if len(names) != len(sheet.frame) or not sheet.at_end:
        return False
    if sheet.composer.has_worked and speaks(sheet.rows, sheet.foot):
        return False  # without the composer it is something else
    region = range(sheet.head, len(names) - sheet.foot)
    pairs = [(i, names[i] == sheet.frame[i]) for i in region if BLANK not in (names[i], sheet.frame[i])]
    static = sum(1 for _, same in pairs if same)
    similar = sum(1 for i, same in pairs if not same and reads_alike(seen.rows[i].text, sheet.rows[i].text))
    inked = sum(1 for i in region if sheet.frame[i] != BLANK)
    return static >= STATIC_SHARE * inked or similar >= SIMILAR_SHARE * (len(pairs) - static) > 0


def _jump(sheet: Sheet, seen: Seen, stays: int) -> None:
    """Rows went by unseen. What was still being written is not told: the gap holds it."""
    names, new = seen.names, sheet.all_new(seen)
    head = _stuck(sheet, names)
    content = max(sheet.stored, min(sheet.content, len(sheet.lines) - stays))
    end = sheet.ordered_end(content, spare=1, old_ms=seen.at_ms - SETTLED_MS, floor=sheet.stored)
    keys = [line.key for line in sheet.lines[:end]]
    weights = [telling(row.text) for row in seen.rows[: len(names) - stays]]
    cut, first = part(keys, sheet.stored, names[: len(weights)], weights, min(head, len(weights)))
    del sheet.lines[cut:]
    sheet.append(new, min(first, len(new) - 1))
    sheet.lines[sheet.shown.top].lost = seen.missed
    sheet.block.grown += sheet.shown.length
    sheet.scrolled += 1


def _stuck(sheet: Sheet, names: Sequence[int]) -> int:
    """Rows at the top that stick there. Taking one too many for such only makes the gap longer."""
    head = sheet.head
    if head == 0 and names[0] != BLANK and any(line.key == names[0] for line in sheet.lines[-2 * len(names) :]):
        head = 1
    while head <= HEADER_ROWS and names[head] != BLANK and names[head] == sheet.frame[head]:
        head += 1
    return head
