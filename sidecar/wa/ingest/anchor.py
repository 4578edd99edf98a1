"""Where a frame of an alternate screen stands in the document that the frames before it have shown.

A frame is a window on a document that follows its end: between two frames it has scrolled by any number of rows, rows
at its end have been rewritten, a list was laid out anew with blank rows between its items, a title bar sticks to the
top, a composer and a status line to the bottom. Or it has scrolled by more than its height, and rows went by that
nobody saw: it must never be taken for a frame that follows, and what agrees by accident is a brace, a blank row, the
beginning of one more list item. So each row weighs what it tells (in bits: how rare it is, and how much is written in
it), and a place counts only if it explains the frame far better than any other, no place included.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from math import log2
from typing import NamedTuple

from wa.ingest.ledger import BLANK

ENOUGH = 8.0
"""Bits that join two frames: two rows that tell something, or many that tell little."""
LITTLE = 4.0
"""The same where nothing more is there to be told: one row."""
SMOOTHING = 16
"""Rows that have not been seen yet: in a short document no row is rare."""
WRONG = 4.0
"""Bits that a row counts against a place that it contradicts."""
RIVAL_SHARE = 0.5
"""Another place that explains so much of what the best one explains leaves it open which of them is right."""
COMMON = 8
"""Far from where the screen was, rows that occur more often say nothing."""
SHARE = 0.5
"""Of the frame's rows from the first witness to the last, so many must be witnesses."""
OVERLAP_SHARE = 0.6
"""After a jump only the block that was at the end of the content before bears witness: then most of that block must."""
ROWS_CAME = 0.8
"""Bits it costs two witnesses that rows came in between them, as they do above a composer."""
ROWS_WENT = 3.0
"""The same for rows that are there no more."""
MIN_ROOM = 4
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


class Known(NamedTuple):
    """What a frame is laid against."""

    names: Sequence[int]
    """The document's rows by their keys."""
    shown: int
    """Its first row that the frame before showed."""
    head: int
    """Rows that stick to the top of that frame."""
    end: int
    """`names[:end]` is content that keeps its order."""
    tail: int
    """`names[end:tail]` are rows still being written: others may yet come in above them. They bear witness only beside
    rows that keep their order. Below stand composer and footer.
    """
    foot: int
    """Height of composer and footer, as far as it is known."""


@lru_cache(4096)
def telling(text: str) -> float:
    """Bits that a row's text may tell at most: braces and rules are much alike everywhere."""
    letters = sum(1 for char in text if char.isalnum())
    return min(1.0 + 0.6 * letters, 8.0) if letters else 1.0


def find_anchor(known: Known, frame: Sequence[int], weights: Sequence[float], *, low: int) -> Anchor | None:
    """Look at `known.names[low:]`. *weights*: `telling` of each row of the frame."""
    return one_scroll(known, frame, weights, low=low) or _laid_out_anew(
        known, frame, _bits(known, frame, weights, low), low
    )


def _bits(known: Known, frame: Sequence[int], weights: Sequence[float], low: int) -> list[float]:
    before, now = Counter(known.names[low : known.tail]), Counter(frame)
    total = SMOOTHING + known.end - low
    return [
        0.0 if name == BLANK else min(weight, log2(max(1.0, total / max(before[name], now[name]))))
        for name, weight in zip(frame, weights, strict=True)
    ]


# -- all rows moved alike -------------------------------------------------------------------------------------------


def one_scroll(known: Known, frame: Sequence[int], weights: Sequence[float], *, low: int) -> Anchor | None:
    """The frame shows what was shown before, all of it moved by the same number of rows."""
    names = known.names
    bits = _bits(known, frame, weights, low)
    votes: defaultdict[int, float] = defaultdict(float)
    where: defaultdict[int, list[int]] = defaultdict(list)
    for at in range(low, known.tail):
        if names[at] != BLANK:
            where[names[at]].append(at)
    near = low >= known.shown - len(frame)
    for row, name in enumerate(frame):
        found = where.get(name, ())
        if near or len(found) <= COMMON:
            for at in found:
                votes[at - row] += bits[row]
    best, best_score, rival = 0, 0.0, 0.0
    for shift, bound in sorted(votes.items(), key=lambda vote: -vote[1]):
        if bound <= rival or bound < RIVAL_SHARE * best_score:
            break
        score = _score(known, frame, bits, low, shift)
        if score > best_score:
            best, best_score, rival = shift, score, best_score
        else:
            rival = max(rival, score)
    if best_score <= max(0.0, rival / RIVAL_SHARE) or best_score < _needed(known, frame, low, best):
        return None
    begin = max(0, low - best)
    for row in range(begin, min(HEADER_ROWS + 1, known.end - best)):
        if frame[row] != names[best + row]:
            begin = row + 1  # what agrees above it sticks there, or does so by accident
    rows = range(begin, min(len(frame), len(names) - best))
    pairs = tuple(Pair(row, best + row) for row in rows if frame[row] != BLANK and frame[row] == names[best + row])
    return Anchor(pairs[0], pairs) if pairs else None


def _score(known: Known, frame: Sequence[int], bits: Sequence[float], low: int, shift: int) -> float:
    """Bits that speak for a place, less those that speak against it."""
    names = known.names
    total = 0.0
    begun = False
    body = len(frame) - known.foot
    for row in range(max(0, low - shift), min(len(frame), known.end - shift)):
        now, was = frame[row], names[shift + row]
        if now == was:
            total += bits[row]
            begun = begun or now != BLANK
        elif row < body and (begun or row > HEADER_ROWS):
            total -= WRONG if was != BLANK else WRONG / 2
    stays = shift == known.shown - known.head
    if total < LITTLE and not stays:
        return total
    tail = range(max(0, low - shift, known.end - shift), min(len(frame), known.tail - shift))
    return total + sum(bits[row] for row in tail if frame[row] == names[shift + row])


def _needed(known: Known, frame: Sequence[int], low: int, shift: int) -> float:
    """Where all that was shown before still is, no row has gone by unless as many of the same text went by with it."""
    stays = shift == known.shown - known.head
    first = max(low, known.shown)
    inked = [at for at in range(first, known.end) if known.names[at] != BLANK]
    if stays and not inked:
        inked = [at for at in range(first, known.tail) if known.names[at] != BLANK]
    if not inked or not all(0 <= at - shift < len(frame) and frame[at - shift] == known.names[at] for at in inked):
        return ENOUGH
    return 0.0 if has_room(frame) else LITTLE


def has_room(frame: Sequence[int]) -> bool:
    """Blank rows are left, above content that grows upwards or below content that grows downwards: it has not filled
    the screen yet, so nothing can have left it.
    """
    room = max(MIN_ROOM, len(frame) // 3)
    return any(all(name == BLANK for name in frame[at : at + room]) for at in range(len(frame) - room + 1))


# -- rows came in between, or went -----------------------------------------------------------------------------------


def _laid_out_anew(known: Known, frame: Sequence[int], bits: Sequence[float], low: int) -> Anchor | None:
    """Rows that occur once in the frame and once in the document bear witness, each for itself."""
    document = known.names
    frame_rank = [0, *accumulate(name != BLANK for name in frame)]
    rank = [0, *accumulate(name != BLANK for name in document[low:])]

    def ranks(pair: Pair) -> tuple[int, int]:
        return frame_rank[pair.row], rank[pair.at - low]

    def weigh(pairs: Sequence[Pair]) -> float:
        return sum(bits[pair.row] for pair in pairs if pair.at < known.end)

    pairs = _without_header(_most_credible(_witnesses(document, frame, low), ranks, bits), len(frame) // 3)
    if not pairs or pairs[0].at >= known.end or weigh(pairs) < ENOUGH:
        return None
    first, last = ranks(pairs[0]), ranks(pairs[-1])
    if first[0] > max(HEADER_ROWS, frame_rank[-1] // 3):
        return None  # only the composer and the footer are known
    if _agreeing(document, frame, pairs) >= SHARE * (last[0] - first[0] + 1):
        return Anchor(pairs[0], tuple(pairs))
    block = [pair for pair in pairs if _shift(ranks(pair)) == _shift(first)]
    end = ranks(block[-1])
    reaches_end = end[1] >= rank[known.end - low] - 1 - REWRITTEN
    dense = _agreeing(document, frame, block) >= OVERLAP_SHARE * (end[0] - first[0] + 1)
    return Anchor(pairs[0], tuple(pairs)) if reaches_end and dense and weigh(block) >= ENOUGH else None


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


def _most_credible(
    pairs: Sequence[Pair], ranks: Callable[[Pair], tuple[int, int]], bits: Sequence[float]
) -> list[Pair]:
    """The witnesses that keep the order in both and contradict each other least."""
    shifts = [_shift(ranks(pair)) for pair in pairs]
    scores: list[float] = []
    before: list[int] = []
    for i, pair in enumerate(pairs):
        best, link = 0.0, -1
        for j in range(i):
            if pairs[j].at < pair.at:
                apart = shifts[i] - shifts[j]
                score = scores[j] - (0 if not apart else ROWS_WENT if apart > 0 else ROWS_CAME)
                if score > best:
                    best, link = score, j
        scores.append(best + bits[pair.row])
        before.append(link)
    chain: list[Pair] = []
    i = max(range(len(pairs)), key=scores.__getitem__, default=-1)
    while i >= 0:
        chain.append(pairs[i])
        i = before[i]
    return chain[::-1]


def _without_header(pairs: list[Pair], zone: int) -> list[Pair]:
    """Drop what sticks to the top: rows above others that stand further down in the document than they should."""
    cut = 0
    for i in range(1, len(pairs)):
        if pairs[i].row > zone:
            break
        if pairs[i].at - pairs[i].row > pairs[i - 1].at - pairs[i - 1].row:
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
