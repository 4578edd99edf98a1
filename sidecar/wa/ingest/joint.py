"""Where the log ends in a history that was printed again, wrapped anew or left alone for a while."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from wa.ingest.align import Shift, best_shift, walk
from wa.ingest.ledger import BLANK, UNKNOWN, keys
from wa.ingest.lines import Line, Place, logical_lines, place_in, words
from wa.model.screen import Row

LIKELY_ROWS = 5
"""Different rows, not blank, that must agree before a history counts as printed again rather than as new output that
happens to read the same."""
SURELY_ROWS = 20
LIKELY_SHARE = 0.5
LIKELY_WORDS = 12
LIKELY_CHARACTERS = 12
SURE_CHARACTERS = 40
AGAIN_SHARE = 0.7
"""Of the rows that count as printed again, so many must be known, if all that was printed before is."""
RECENT_LINES = 200


class Joint(NamedTuple):
    """What follows `place` among the rows seen now is not in the log; neither are the rows at `inserted`."""

    place: Place
    inserted: tuple[int, ...]
    agreeing: int
    sure: bool = True
    """False: so little agrees, or it agrees so well elsewhere, that rows in between may be gone."""
    older: int = 0
    """So many rows of the log are older than all that is seen now."""
    short: bool = False
    """What is seen now ends before the log does."""


def by_rows(
    stored: Sequence[int],
    tail: Sequence[Row],
    shown: Sequence[Row],
    seen: Sequence[Row],
    *,
    whole: bool,
    near: int | None = None,
) -> Joint | None:
    """For a history printed again by its program: *stored* are the keys of the log's rows, *tail* the newest of them
    with their text, *shown* what stood on the screen below them. *whole*: nothing older was ever stored.
    """
    known = [*stored, *keys(shown)]
    now = keys(seen)
    shift = best_shift(known, now, near=near, from_first=whole)
    if whole and (free := best_shift(known, now, near=near)) is not None:
        # Programs print their heads twice at times; but only long passages tell that from new output that begins like it.
        unlikely = shift is None or not _likely(known, now, shift) or free.agreeing >= 2 * shift.agreeing
        if unlikely and free.distinct >= SURELY_ROWS:
            shift = free
    if shift is None or not _likely(known, now, shift) or len(stored) + shift.offset < 0:
        return None

    def alike(at: int, place: int) -> bool:
        from_end = len(stored) - at
        return 0 < from_end <= len(tail) and reads_alike(tail[-from_end].text, seen[place].text)

    found = walk(known, now, shift, len(stored), alike)
    if whole:
        names = set(known)
        again = [name in names for name in now[: found.boundary] if name not in (BLANK, UNKNOWN)]
        if sum(again) < AGAIN_SHARE * len(again):
            return None
    on_top = [at for at in range(shift.offset) if now[at] not in (BLANK, UNKNOWN, *known)] if whole else []
    inserted = (*on_top, *[at for at in found.inserted if now[at] != UNKNOWN])
    return Joint(Place(found.boundary, 0), inserted, shift.agreeing, older=max(0, -shift.offset), short=found.short)


def _likely(known: Sequence[int], now: Sequence[int], shift: Shift) -> bool:
    """Agreement of whole passages, not of a prompt or a few common rows."""
    if shift.distinct < LIKELY_ROWS:
        return False
    overlap = min(len(known), len(now) - shift.offset) - max(0, -shift.offset)
    comparable = sum(
        1
        for at in range(max(0, -shift.offset), max(0, -shift.offset) + overlap)
        if {known[at], now[at + shift.offset]}.isdisjoint((BLANK, UNKNOWN))
    )
    return shift.distinct >= SURELY_ROWS or shift.agreeing >= LIKELY_SHARE * comparable


def at_number(tail: Sequence[Row], seen: Sequence[Row], at: int, share: float) -> Joint | None:
    """For a history whose numbers should still hold: `seen[at]` is the first row that is not in the log. *share* of
    the rows above it are the newest of the log.
    """
    pairs = [
        (row, seen[at - back])
        for back, row in enumerate(reversed(tail), start=1)
        if 0 <= at - back < len(seen) and row.text.strip()
    ]
    same = sum(1 for row, now in pairs if row.text.rstrip() == now.text.rstrip())
    return Joint(Place(at, 0), (), same) if 0 <= at <= len(seen) and same >= share * len(pairs) else None


def by_lines(
    tail: Sequence[Row],
    shown: Sequence[Row],
    seen: Sequence[Row],
    *,
    strict: bool,
    whole: bool = False,
    at_top: bool = False,
    from_top: bool = False,
) -> Joint | None:
    """For a history that the terminal itself wrapped anew, or that nobody touched: logical lines are what they were.

    *strict* asks for most of the newest lines to agree; else any agreement will do. *whole*: nothing older than *tail*
    was ever stored. *at_top*: *seen* begins with the oldest row there is. *from_top*: *tail* and *seen* begin
    with the same row, which decides where lines repeat themselves; otherwise a line that may be new counts as new.
    """
    known_rows = [*tail, *shown]
    known = logical_lines(known_rows)[-RECENT_LINES:]
    now = logical_lines(seen)
    if not known or not now:
        return None
    boundary = len(tail)
    at = next((i for i, line in enumerate(known) if line.stop > boundary), len(known))
    if at == len(known) and tail and tail[-1].wrapped:
        at -= 1  # the line goes on, and nobody has seen how
    stored_part = sum(len(row.text) for row in known_rows[known[at].first : boundary]) if at < len(known) else 0
    all_known = len(known) < RECENT_LINES
    near = 0 if from_top and all_known else None
    known_keys, now_keys = [line.key for line in known], [line.key for line in now]
    if near == 0 and at < len(now) and known_keys[:at] == now_keys[:at]:
        return Joint(_place_at(known[at : at + 1], seen, now[at], stored_part), (), at)
    shift = best_shift(known_keys, now_keys, near=near, from_first=whole and all_known)
    if shift is None:
        return None
    if strict:
        there = range(max(0, at - 30, -shift.offset), min(at + bool(stored_part), len(now_keys) - shift.offset))
        window = [i for i in there if known_keys[i] != BLANK]
        same = sum(1 for i in window if known_keys[i] == now_keys[i + shift.offset])
        if -shift.offset in window and now_keys[0] not in (BLANK, known_keys[-shift.offset]):
            # Its beginning may have been trimmed, or was not read.
            same += known[-shift.offset].text.rstrip().endswith(now[0].text.rstrip())
        if same * 2 < len(window):
            return None
    if at + shift.offset < (0 if at_top else 1):
        return None  # the log ends above
    found = walk(known_keys, now_keys, shift, at)
    line = found.boundary
    sure = shift.alone and shift.distinct >= LIKELY_ROWS
    if line >= len(now):
        more = stored_part or (strict and found.short)
        return None if more else Joint(Place(len(seen), 0), (), shift.agreeing, sure)
    place = _place_at(known[at : at + 1], seen, now[line], stored_part)
    return Joint(place, (), shift.agreeing, sure)


def _place_at(known: Sequence[Line], seen: Sequence[Row], line: Line, stored: int) -> Place:
    """Where the stored characters of a line end: at its start, if it is another line."""
    if stored and known and known[0].text[:stored].rstrip() == line.text[:stored].rstrip():
        return place_in(seen, line, stored)
    return Place(line.first, 0)


def by_text(tail: Sequence[Row], seen: Sequence[Row]) -> Joint | None:
    """For a history wrapped anew of which so little is left that no whole line of the log is in it: the end of the log
    is the beginning of what is seen, character by character.
    """
    known, now = _stream(tail), _stream(seen)
    ends = [n for n in range(1, min(len(known), len(now)) + 1) if known.endswith(now[:n])]
    ends = [n for n in ends if len(now[:n].replace(" ", "").replace("\n", "")) >= LIKELY_CHARACTERS]
    if len(ends) != 1:
        return None
    left = ends[0]
    for at, row in enumerate(seen):
        part = _stream([row])
        if left < len(part):
            return Joint(Place(at, left), (), 0, ends[0] >= SURE_CHARACTERS)
        left -= len(part)
    return Joint(Place(len(seen), 0), (), 0, ends[0] >= SURE_CHARACTERS)


def _stream(rows: Sequence[Row]) -> str:
    return "".join([row.text if row.wrapped else row.text.rstrip() + "\n" for row in rows])


def by_words(tail: Sequence[Row], shown: Sequence[Row], seen: Sequence[Row]) -> Joint | None:
    """For a history that its program printed again at another width."""
    known_rows = [*tail, *shown]
    known, now = words(known_rows), words(seen)
    boundary = next((i for i, word in enumerate(known) if word.row >= len(tail)), len(known))
    known_keys, now_keys = _pairs([word.key for word in known]), _pairs([word.key for word in now])
    shift = best_shift(known_keys, now_keys)
    if shift is None or shift.distinct < LIKELY_WORDS or boundary + shift.offset < 0:
        return None
    found = walk(known_keys, now_keys, shift, boundary).boundary
    if found >= len(now):
        return Joint(Place(len(seen), 0), (), shift.agreeing)
    return Joint(Place(now[found].row, now[found].column), (), shift.agreeing)


def where_it_begins(known_rows: Sequence[Row], seen: Sequence[Row]) -> tuple[Place, int] | None:
    """The point of *known_rows* from which *seen* repeats them at another width, and the row of *seen* where that
    is.
    """
    known, now = words(known_rows), words(seen)
    known_keys, now_keys = _pairs([word.key for word in known]), _pairs([word.key for word in now])
    shift = best_shift(known_keys, now_keys)
    if shift is None or shift.distinct < LIKELY_WORDS:
        return None
    for at in range(shift.first, len(known)):
        run = slice(at, at + 3)
        if known_keys[run] == now_keys[at + shift.offset : at + shift.offset + 3]:
            return Place(known[at].row, known[at].column), now[at + shift.offset].row
    return None


def _pairs(keys: Sequence[int]) -> list[int]:
    """Each word with the one after it: rarer than the word alone."""
    return [hash(pair) for pair in pairwise([*keys, 0])]


def reads_alike(one: str, other: str) -> bool:
    """Most characters stand in the same columns."""
    one, other = one.rstrip(), other.rstrip()
    if not one or not other:
        return False
    same = sum(1 for a, b in zip(one, other, strict=False) if a == b and a != " ")
    return same * 2 >= max(len(one) - one.count(" "), len(other) - other.count(" "))
