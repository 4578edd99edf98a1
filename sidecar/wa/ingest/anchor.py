"""Where a frame of an alternate screen stands in the document that the frames before it have shown.

A frame is a window on a document that follows its end: between two frames it has scrolled by any number of rows, rows
at its end have been rewritten, a list was laid out anew with blank rows between its items, a title bar sticks to the
top, a composer and a status line to the bottom. Rows are compared by their keys; only rows that occur once in the
frame and once in the part of the document looked at bear witness.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from wa.ingest.ledger import BLANK

SHARE = 0.5
"""Of the frame's rows from the first witness to the last, so many must be witnesses."""
OVERLAP_SHARE = 0.6
"""After a jump only the block that was at the end of the content before bears witness: then most of that block must."""
HEADER_ROWS = 2
"""So many rows above the first witness, or a third of the frame's, may be a header that was redrawn."""
REWRITTEN = 3
"""Rows at the end of the content that may have been rewritten while it scrolled."""


class Pair(NamedTuple):
    row: int
    """In the frame."""
    at: int
    """In the document."""


class Anchor(NamedTuple):
    """From `first.row` on the frame is the truth, above it the document is."""

    first: Pair
    pairs: tuple[Pair, ...]


def find_anchor(document: Sequence[int], frame: Sequence[int], *, low: int, content: int) -> Anchor | None:
    """Look at `document[low:]`; `document[:content]` is content, the rest the last frame's composer and footer."""
    pairs = _longest_rising(_witnesses(document, frame, low))
    if not pairs:
        return None
    frame_rank = [0, *accumulate(name != BLANK for name in frame)]
    rank = [0, *accumulate(name != BLANK for name in document[low:])]

    def ranks(pair: Pair) -> tuple[int, int]:
        return frame_rank[pair.row], rank[pair.at - low]

    pairs = _without_header(pairs, ranks, len(frame) // 3)
    first, last = ranks(pairs[0]), ranks(pairs[-1])
    if first[0] > max(HEADER_ROWS, frame_rank[-1] // 3):
        return None  # only the composer and the footer are known
    if _agreeing(document, frame, pairs) >= max(2, SHARE * (last[0] - first[0] + 1)):
        return Anchor(pairs[0], tuple(pairs))
    block = [pair for pair in pairs if _shift(ranks(pair)) == _shift(first)]
    end = ranks(block[-1])
    content_rank = rank[min(max(content - low, 0), len(rank) - 1)]
    reaches_end = end[1] >= content_rank - 1 - REWRITTEN and block[0].at < content
    dense = _agreeing(document, frame, block) >= OVERLAP_SHARE * (end[0] - first[0] + 1)
    return Anchor(pairs[0], tuple(pairs)) if reaches_end and dense else None


def _agreeing(document: Sequence[int], frame: Sequence[int], pairs: Sequence[Pair]) -> int:
    """Inked rows from the first witness to the last that are the same in both, those that are no witnesses included."""
    rows = {pair.row for pair in pairs}
    for pair, after in pairwise(pairs):
        row, at = pair
        while row + 1 < after.row and at + 1 < after.at and frame[row + 1] == document[at + 1]:
            row, at = row + 1, at + 1
            rows.add(row)
        row, at = after
        while row - 1 > pair.row and at - 1 > pair.at and frame[row - 1] == document[at - 1]:
            row, at = row - 1, at - 1
            rows.add(row)
    return sum(1 for row in rows if frame[row] != BLANK)


def _shift(ranks: tuple[int, int]) -> int:
    return ranks[1] - ranks[0]


def _witnesses(document: Sequence[int], frame: Sequence[int], low: int) -> list[Pair]:
    once = {name for name, count in Counter(frame).items() if count == 1 and name != BLANK}
    where: dict[int, int] = {}
    for at in range(low, len(document)):
        name = document[at]
        if name in once:
            where[name] = -1 if name in where else at
    return [Pair(row, where[name]) for row, name in enumerate(frame) if where.get(name, -1) >= 0]


def _longest_rising(pairs: Sequence[Pair]) -> list[Pair]:
    """The longest run of pairs that keeps the order in both (patience sorting)."""
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for i, pair in enumerate(pairs):
        at = bisect_left(tops, pair.at)
        before.append(piles[at - 1] if at else -1)
        if at == len(tops):
            tops.append(pair.at)
            piles.append(i)
        else:
            tops[at], piles[at] = pair.at, i
    chain: list[Pair] = []
    i = piles[-1] if piles else -1
    while i >= 0:
        chain.append(pairs[i])
        i = before[i]
    return chain[::-1]


def _without_header(pairs: list[Pair], ranks: Callable[[Pair], tuple[int, int]], zone: int) -> list[Pair]:
    """Drop what sticks to the top: rows above others that stand further down in the document than they should."""
    cut = 0
    for i in range(1, len(pairs)):
        if pairs[i].row > zone:
            break
        if _shift(ranks(pairs[i])) > _shift(ranks(pairs[i - 1])):
            cut = i
    return pairs[cut:]


def head_above(anchor: Anchor, document: Sequence[int], frame: Sequence[int]) -> int:
    """How many of the frame's first rows do not belong to the document: down to the last one that it contradicts."""
    row, at = anchor.first
    for i in range(row - 1, -1, -1):
        known = at - (row - i)
        if known < 0 or frame[i] != document[known]:
            return i + 1
    return 0
