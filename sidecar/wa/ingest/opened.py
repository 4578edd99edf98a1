"""What opens over the content and closes again: a list of commands, a dialog. It is no output."""

from __future__ import annotations

from wa.ingest.anchor import ENOUGH, telling
from wa.ingest.composer import staying
from wa.ingest.sheet import FEW, Sheet
from wa.ingest.shown import Seen, View

VIEWS = 4
"""So many are remembered, one over the other."""


def remember(sheet: Sheet, before: View, seen: Seen) -> None:
    """So that it is known when it is there again."""
    jumped = sheet.lines[sheet.shown.top].lost is not None
    if sheet.covered is not None or (sheet.shown.top != before.top and not jumped):
        sheet.earlier = []
    elif jumped or sum(1 for now, was in zip(seen.names, before.frame, strict=False) if now != was) > FEW:
        sheet.earlier = [*sheet.earlier[1 - VIEWS :], before]


def closed_again(sheet: Sheet, seen: Seen) -> bool:
    """All of the content is as it was before something opened over it, and has closed. The footer may differ."""
    for at in range(len(sheet.earlier) - 1, -1, -1):
        view = sheet.earlier[at]
        if len(view.frame) == len(seen.names) and _shows_again(sheet, view, seen):
            del sheet.earlier[at:]
            sheet.show(view)
            sheet.overwrite(
                seen, [i for i in range(view.shown.head, len(seen.names)) if seen.names[i] != view.frame[i]]
            )
            return True
    return False


def _shows_again(sheet: Sheet, view: View, seen: Seen) -> bool:
    stored = [line.key for line in sheet.lines[view.top : sheet.stored]]
    if stored != [line.key for line in view.lines[: len(stored)]]:
        return False
    same = staying(view.frame[::-1], seen.names[::-1])
    told = {seen.names[row]: telling(seen.rows[row].text) for row in range(view.shown.head, same)}
    return same >= len(view.frame) - sheet.composer.height(view.rows, view.frame) and sum(told.values()) >= ENOUGH
