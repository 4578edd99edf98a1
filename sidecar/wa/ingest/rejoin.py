"""A history whose row numbers say nothing about the log: read it, find where the log ends in it, go on from there.

Three causes. *Erased*: the program cleared the scrollback; it may now print the same history again, fifteen times a
second for as long as an answer grows (Ink programs), or something new (`clear`). Nothing of such a generation is final
while it lasts, so the newest is read whole when it is quiet, and about once a second while it is not. *Resized*: the
terminal wrapped every row anew. *Resumed*: nobody was listening for a while.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from wa.ingest.fetch import Lost
from wa.ingest.joint import Joint, at_number, by_lines, by_rows, by_text, by_words
from wa.ingest.ledger import BLANK, UNREAD, Ledger, is_blank, key, keys
from wa.ingest.lines import Place
from wa.ingest.uncertain import MAX_ORPHANS, SAMPLE_MS, SETTLE_MS, Cause, UncertainHistory
from wa.model.screen import Row

QUIET_MS = 700
"""So long after the last erasure a generation is final: redraws come every 20–300 ms, longest while a model thinks."""
UNFINISHED_MS = 5_000
"""So long a generation is given that is blank, or that ends before the log does: it may still be printed."""
NEW_AFTER_ROWS = 40
"""So many rows, none of which the log knows, are no reprint."""
TOO_LONG_ROWS = 8_000
"""A generation longer than this with no likeness to the log is taken for new output."""
WORD_ROWS = 100
STILL_SHARE = 0.6
RESUMED_SHARE = 0.5
"""A log that comes back from the store has its secrets struck out."""
UNMOVED_SHARE = 0.9


class Verdict(NamedTuple):
    """`rows[:final]` are final, what follows is the viewport; `rows[i]` has the index `start + i`.

    What follows `place` is not in the log, and the rows at `inserted` are not. `joined` False: the log does not end in
    there. *older*: of the rows remembered of the log, so many do not stand there.
    """

    rows: Sequence[Row]
    final: int
    place: Place
    inserted: tuple[int, ...]
    older: int
    joined: bool


class Rejoin(UncertainHistory):
    """Says where the log ends in it, as soon as that can be told."""

    def quiet(self, at_ms: int) -> bool:
        return self.cause is not Cause.ERASED or at_ms - self._began_ms >= QUIET_MS

    def wake_ms(self, at_ms: int) -> int | None:
        if self.cause is not Cause.ERASED:
            return None
        due = [self._began_ms + QUIET_MS, self._sampled_ms + SAMPLE_MS, self._began_ms + SETTLE_MS]
        due.append(self._began_ms + UNFINISHED_MS)
        return min((wake for wake in due if wake > at_ms), default=None)

    def judge(self, ledger: Ledger, viewport: Sequence[Row], at_ms: int) -> Verdict | None:
        """None: not yet."""
        quiet = self.quiet(at_ms)
        if quiet and self._goal is None:
            self._goal = self.fetch.end
        if not quiet or (self.pending is None and self.fetch.next < min(self._goal or 0, self.fetch.end)):
            return self._plainly_new(ledger) if self.cause is Cause.ERASED else None
        seen = self._seen(viewport)
        tail = tuple(ledger.rows)
        if self.printed_again:
            found = self._as_printed_again(ledger, seen)
            if found is None and self.number is not None and self.number >= self.start:
                found = self._numbered(tail, seen, RESUMED_SHARE)
            if self._unfinished(ledger, seen, found, at_ms):
                self._goal = None
                return None
            return self._verdict(seen, found)
        resized = self.cause is Cause.RESIZED
        if self.number is not None and self.number < self.start and not resized:
            self.missed = self.start - self.number
            return self._verdict(seen, None)
        if not tail:
            at = 0 if self.number is None else self.number - self.start
            return self._verdict(seen, Joint(Place(min(max(at, 0), len(seen)), self.column), (), 0))
        found = None
        if self.number is not None:
            found = self._numbered(tail, seen, UNMOVED_SHARE if resized else RESUMED_SHARE)
        at_top = self.start <= max(self.oldest, self.fetch.oldest)
        lines = self._whole_lines(seen)
        if self.from_top is not None and at_top and self.from_top <= len(tail):
            counted = tail[len(tail) - self.from_top :]
            found = by_lines(counted, self.shown, lines, strict=True, at_top=True, from_top=True)
            if not counted:
                found = Joint(Place(0, 0), (), 0)
        whole = ledger.whole and len(ledger.keys) == len(tail)
        found = found or by_lines(tail, self.shown, lines, strict=True, whole=whole, at_top=at_top)
        if (found is None or not found.sure) and self.look_further_back():
            return None
        if found is None and self._more_is_coming():
            return None
        if found is None and self.perhaps_erased:
            found = self._as_printed_again(ledger, seen)
        if found is None and resized and (found := by_text(tail, seen)) is None:
            self.unknown_loss = True
            found = by_lines(tail, self.shown, lines, strict=False, whole=whole, at_top=True)
        if found is not None and not found.sure and resized and self.trimmed:
            self.unknown_loss = True
        return self._verdict(seen, found)

    def _unfinished(self, ledger: Ledger, seen: Sequence[Row], found: Joint | None, at_ms: int) -> bool:
        """Nothing of it is new so far."""
        if self.cause is not Cause.ERASED or at_ms - self._began_ms >= UNFINISHED_MS:
            return False
        return found.short if found is not None else {BLANK, *ledger.keys}.issuperset(keys(seen))

    def _numbered(self, tail: Sequence[Row], seen: Sequence[Row], share: float) -> Joint | None:
        found = at_number(tail, seen, (self.number or 0) - self.start, share)
        return None if found is None else found._replace(place=found.place._replace(column=self.column))

    def sample(self, ledger: Ledger, viewport: Sequence[Row], at_ms: int) -> Sequence[Row]:
        """Rows that may go into the log while the history is still being redrawn: new ones that two looks, a second
        apart, agree on.
        """
        if self.cause is not Cause.ERASED or not self.fetch.complete or self.pending or not self.rows:
            return ()
        if self.quiet(at_ms) or at_ms - self._sampled_ms < SAMPLE_MS:
            return ()
        self._sampled_ms = at_ms
        seen = self._seen(viewport)
        found = self._as_printed_again(ledger, seen)
        if found is None:
            return ()
        new = self.rows[found.place.row :]
        agreed = 0
        for row, before in zip(new, self._candidates, strict=False):
            if row.text != before:
                break
            agreed += 1
        self._candidates = [row.text for row in new[agreed:]]
        self.log_ended_at = found.place.row + agreed
        if agreed:
            self.shown = tuple(seen[self.log_ended_at :])
        return new[:agreed]

    def _seen(self, viewport: Sequence[Row]) -> Sequence[Row]:
        return (*self.rows, *viewport) if self.fetch.complete and self.pending is None else tuple(self.rows)

    def _whole_lines(self, seen: Sequence[Row]) -> Sequence[Row]:
        """Without the beginning of a line whose rest was not read yet."""
        stop = len(seen)
        while stop and seen[stop - 1].wrapped and not self.fetch.complete:
            stop -= 1
        return seen[:stop]

    def _as_printed_again(self, ledger: Ledger, seen: Sequence[Row]) -> Joint | None:
        if self.cause is Cause.ERASED and self._generations == 1 and self._still_numbered(seen):
            return Joint(Place(self.log_end - self.start, 0), (), 0) if self.log_end > self.start else None
        tail = tuple(ledger.rows)
        found = None
        if self.rewrapped:
            found = by_words(tail[-WORD_ROWS:], () if any(row is UNREAD for row in self.shown) else self.shown, seen)
        if found is None:
            near = None if self.log_ended_at is None else self.log_ended_at - len(ledger.keys)
            found = by_rows(tuple(ledger.keys), tail, self.shown, seen, whole=ledger.whole, near=near)
        return found

    def _still_numbered(self, seen: Sequence[Row]) -> bool:
        """What was on the screen has the numbers it had: it was not printed again, only rows above it are gone.

        Only rows that occur once bear witness: in a list printed again every other row may stand where its like stood.
        """
        often = Counter(row.text for row in seen)
        pairs = [
            (row, seen[row.index - self.start])
            for row in (*self.behind, *self.shown)
            if self.start <= row.index < self.start + len(seen) and row.text.strip() and often[row.text] < 2
        ]
        same = sum(1 for was, now in pairs if was.text == now.text)
        return bool(pairs) and same >= STILL_SHARE * len(pairs)

    def _plainly_new(self, ledger: Ledger) -> Verdict | None:
        """Output after `clear` need not wait, lest the terminal trims it meanwhile."""
        if self._in_storm or len(self.rows) < NEW_AFTER_ROWS:
            return None
        if len(self.rows) < TOO_LONG_ROWS and self.pending is None:
            if self._compared:
                return None
            self._compared = True
            names = {*ledger.keys, *keys(self.shown)}
            if any(key(row.text) in names for row in self.rows[:NEW_AFTER_ROWS] if not is_blank(row)):
                return None
        return self._verdict(tuple(self.rows), None)

    def _verdict(self, seen: Sequence[Row], found: Joint | None) -> Verdict:
        if found is None:
            return Verdict(seen, len(self.rows), Place(0, 0), (), 0, joined=False)
        return Verdict(seen, len(self.rows), found.place, found.inserted, found.older, joined=True)

    def last_word(self, ledger: Ledger, viewport: Sequence[Row]) -> Verdict | None:
        """For a pane that is gone. None: too little was read to tell what is new. What was not read is UNREAD."""
        if self.cause is Cause.ERASED and self.pending is None and self.fetch.end - self.fetch.next <= MAX_ORPHANS:
            complete = self.fetch.complete
            for piece in self.fetch.rest(self.fetch.end):
                self.rows.extend([UNREAD] * piece.size if isinstance(piece, Lost) else piece)
            everything = (*self.rows, *viewport)
            found = self._as_printed_again(ledger, everything)
            return self._verdict(everything, found) if found or complete or not self._in_storm else None
        seen = self._seen(viewport)
        found = None if self.cause is Cause.ERASED else by_lines(tuple(ledger.rows), self.shown, seen, strict=True)
        return None if found is None else self._verdict(seen, found)
