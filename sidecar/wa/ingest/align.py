"""Where rows known before stand among rows seen now, by their keys.

Both lists tell the same history, one of them longer at either end, and a few rows may have been changed, inserted or
dropped. Whole passages may occur twice in it (two equal answers), so no row is trusted by itself: the shift on which
most rows agree is found first, then the rows are walked side by side from where they meet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wa.ingest.ledger import BLANK, UNKNOWN

COMMON = 8
"""A key that occurs more often than this among the rows seen now votes only if no rarer one does (`}`, `│`)."""
LOOK_AHEAD = 60
"""Rows that may have been inserted or dropped in one place."""

_DUMB = (BLANK, UNKNOWN)
"""Tell nothing about where a row is."""


class Shift(NamedTuple):
    """`seen[i + offset] == known[i]` for most i."""

    offset: int
    agreeing: int
    distinct: int
    first: int
    """The first known row on this shift that agrees."""
    alone: bool
    """No other shift has half as much in its favour."""


class Walk(NamedTuple):
    boundary: int
    """The row seen now that follows the last row known."""
    inserted: tuple[int, ...]
    """Rows seen now, before the boundary, that were not there before."""
    short: bool = False
    """What is seen now ended before what is known did."""


def best_shift(
    known: Sequence[int], seen: Sequence[int], *, near: int | None = None, from_first: bool = False
) -> Shift | None:
    """None where no row that is not blank occurs in both. *near*: the offset expected, to decide between equals.
    *from_first*: nothing is older than the first row known.
    """
    places: dict[int, list[int]] = defaultdict(list)
    for at, name in enumerate(seen):
        if name not in _DUMB:
            places[name].append(at)
    votes: Counter[int] = Counter()
    for limit in (COMMON, len(seen)):
        for at, name in enumerate(known):
            found = places.get(name, ())
            if len(found) <= limit:
                votes.update([place - at for place in found if not from_first or place <= at])
        if votes:
            break
    if not votes:
        return None
    most = max(votes.values())
    best = [offset for offset, count in votes.items() if count == most]
    offset = min(best, key=lambda o: (abs(o - near), o)) if near is not None else min(best)
    rival = max((count for other, count in votes.items() if other != offset), default=0)
    return _measure(known, seen, offset, alone=rival * 2 < most)


def _measure(known: Sequence[int], seen: Sequence[int], offset: int, *, alone: bool) -> Shift:
    pairs = range(max(0, -offset), min(len(known), len(seen) - offset))
    agreeing = [at for at in pairs if known[at] not in _DUMB and known[at] == seen[at + offset]]
    distinct = len({known[at] for at in agreeing})
    return Shift(offset, len(agreeing), distinct, agreeing[0] if agreeing else 0, alone)


def walk(
    known: Sequence[int],
    seen: Sequence[int],
    shift: Shift,
    boundary: int,
    alike: Callable[[int, int], bool] | None = None,
) -> Walk:
    """From where *shift* first agrees to `known[boundary:]`, which is not stored yet.

    A few rows that differ where others take them up again were changed: as many as were known count as known, further
    ones are insertions. Where nothing is taken up again, everything that follows is new; *alike* tells rows that read
    nearly the same, as those do from which a secret was struck out.
    """
    at, place = shift.first, shift.first + shift.offset
    if at >= boundary:
        return Walk(max(0, min(boundary + shift.offset, len(seen))), ())
    inserted: list[int] = []
    while at < boundary and place < len(seen):
        if known[at] == seen[place] or UNKNOWN in (known[at], seen[place]):
            at, place = at + 1, place + 1
            continue
        skip = _resume(known, seen, at, place, boundary)
        if skip is None:
            if alike is None or not alike(at, place):
                break
            at, place = at + 1, place + 1
            continue
        dropped, added = skip
        inserted.extend(range(place + dropped, place + added))
        at, place = at + dropped, place + added
    return Walk(place, tuple(inserted), at < boundary and all(name == BLANK for name in seen[place:]))


def _resume(known: Sequence[int], seen: Sequence[int], at: int, place: int, boundary: int) -> tuple[int, int] | None:
    """The least number of rows (known, seen) to pass over until both agree again, on a row that is not blank.

    They agree on two rows running, or on one that occurs nowhere else near. Looks beyond *boundary* too: rows that were
    on the screen tell as well as stored ones.
    """
    ahead = known[at : at + LOOK_AHEAD]
    coming = seen[place : place + LOOK_AHEAD]
    counts, places = Counter(coming), defaultdict[int, list[int]](list)
    for added, name in enumerate(coming):
        if name not in _DUMB:
            places[name].append(added)
    often = Counter(ahead)
    best: tuple[int, int] | None = None
    for dropped, name in enumerate(ahead):
        if best is not None and dropped >= sum(best):
            break
        for added in places.get(name, ()):
            if best is not None and dropped + added >= sum(best):
                break
            alone = often[name] == counts[name] == 1
            if alone or ahead[dropped + 1 : dropped + 2] == coming[added + 1 : added + 2]:
                best = (dropped, added)
    while best is not None and min(best) > 0 and ahead[best[0] - 1] == coming[best[1] - 1]:
        best = (best[0] - 1, best[1] - 1)  # blank rows in front of it
    if best is not None and at + best[0] > boundary:
        # The stored rows end inside what was changed: what stands for them cannot be told from what is new.
        short = boundary - at
        return (short, min(short, best[1]))
    return best
