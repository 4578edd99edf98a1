"""What of an option's rows is its label, and what only describes it.

Agents draw descriptions in a column of their own beside the labels (Codex), or in rows below each label (Claude Code, Gemini
CLI); a label that is too long for its row goes on below it in either. Seen in Codex 0.169.0, Claude Code 2.1.12 and 2.1.328,
Gemini CLI 0.61.0, 2026-11-21.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from wa.detect.blocks import tidy
from wa.detect.page import BORDERS, width

BOX_MARGIN = 4
"""So much of the width a border with its blank takes, and what agents leave empty at the right."""
CUT_BLANKS = 2
"""So many blanks may stand where the terminal cut a row, and be lost."""
_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")


class OptionRow(NamedTuple):
    text: str
    """Inside its borders, indentation kept."""
    at: int
    """Where the label, or what goes on below it, begins in it."""
    is_loose: bool
    """It goes on with the row above, cut by the terminal."""
    goes_on: bool
    """What begins it had no place in the row above."""


def goes_on(above: str, bare: str, cols: int, *, deeper: bool) -> bool:
    """The label did not fit into the row *above*: its next word (*deeper*: in the agent's own column) had no place there."""
    length = len(bare.split(" ", 1)[0]) if deeper else 1
    return width(above.rstrip(BORDERS + " ")) + 1 + length > cols - (BOX_MARGIN if deeper else CUT_BLANKS)


def labels_of(options: Sequence[Sequence[OptionRow]]) -> tuple[str, ...]:
    """Each option's rows, the one with its number first."""
    column = _beside(options)
    if column is not None:
        return tuple(_left_of(column, rows) for rows in options)
    ends = [_end(rows) for rows in options]
    described = [len(rows) - end for end, rows in zip(ends, options, strict=True)]
    if any(described[:-1]):
        least = min(filter(None, described))
        ends = [end if told else _filled(rows, least) for end, told, rows in zip(ends, described, options, strict=True)]
    return tuple(_joined(rows[:end]) for end, rows in zip(ends, options, strict=True))


def _end(rows: Sequence[OptionRow]) -> int:
    """How many of the rows are the label, where descriptions stand below."""
    return next((place for place, row in enumerate(rows) if place and not (row.is_loose or row.goes_on)), len(rows))


def _filled(rows: Sequence[OptionRow], least: int) -> int:
    """The same where the label seems to take every row, though the others have *least* rows of description or more."""
    return 1 if len(rows) > least and not any(row.is_loose for row in rows) else len(rows)


def _joined(rows: Sequence[OptionRow]) -> str:
    label = ""
    for row in rows:
        label = tidy(label + ("" if row.is_loose or not label else " ") + row.text[row.at :])
    return label


def _beside(options: Sequence[Sequence[OptionRow]]) -> int | None:
    """The column of descriptions beside the labels: it begins where no label reaches, behind a gap in some row with a number."""
    begun = Counter(
        width(rows[0].text[: gap.end()]) for rows in options for gap in [_GAP.search(rows[0].text, rows[0].at)] if gap
    )
    if not begun:
        return None
    column, told = max(begun.items(), key=lambda entry: (entry[1], -entry[0]))
    begins = sum(width(row.text[: row.at]) == column for rows in options for row in rows[1:])
    if told + begins < 2 or any(_crosses(row.text, column) for rows in options for row in rows):
        return None
    return column


def _crosses(text: str, column: int) -> bool:
    """Something stands in the two cells before *column*."""
    left, _ = _cut(text, column)
    return width(left) > column - 2


def _cut(text: str, column: int) -> tuple[str, str]:
    """What stands before *column*, and from it on."""
    if text.isascii():
        return text[:column].rstrip(" "), text[column:]
    cells = 0
    for place, char in enumerate(text):
        if cells >= column:
            return text[:place].rstrip(" "), text[place:]
        cells += width(char)
    return text.rstrip(" "), ""


def _left_of(column: int, rows: Sequence[OptionRow]) -> str:
    lefts = [_cut(row.text, column)[0][row.at :] for row in rows]
    return tidy(" ".join(left for left in lefts if left.strip()))
