"""What the two sides of a jump may share: rows that would otherwise be told twice, or out of order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

SAYS_SOMETHING = 2.0
"""Bits that set a row apart from braces and rules."""


def part(
    document: Sequence[int], stored: int, frame: Sequence[int], weights: Sequence[float], head: int
) -> tuple[int, int]:
    """(cut, row): `document[:cut]`, a gap, `frame[row:]`, where `document[:stored]` cannot be taken back.

    Nothing says that the frame follows the document, nor that it does not overlap it, so both must remain true:
    what may stand on both sides is kept on one.
    """
    window = max(0, len(document) - 2 * len(frame))
    before, now = Counter(document[window:]), Counter(frame)
    where = {document[at]: at for at in range(window, len(document))}
    shared = [
        (where[name], row)
        for row, name in enumerate(frame)
        if row >= head and weights[row] >= SAYS_SOMETHING and before[name] == 1 == now[name]
    ]
    first = max((row + 1 for at, row in shared if at < stored), default=head)
    cut, first = min(((at, row) for at, row in shared if at >= stored and row >= first), default=(len(document), first))
    most = min(cut - window, len(frame) - first)
    again = next((k for k in range(most, 0, -1) if document[cut - k : cut] == frame[first : first + k]), 0)
    taken_back = min(again, cut - stored)
    return cut - taken_back, first + again - taken_back
