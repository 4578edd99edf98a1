"""A history whose row numbers say nothing about the log, as it is read, from its start to the viewport."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum

from wa.ingest.fetch import Fetch, Lost
from wa.ingest.ledger import UNREAD
from wa.model.screen import Row

STORM_MS = 2_000
"""Erasures closer together than this are redraws."""
SETTLE_MS = 80
"""In a storm a generation is not read before it is this old: most are gone by then."""
SAMPLE_MS = 1_000
MAX_ORPHANS = 3_000
FIRST_LOOK_ROWS = 120
"""How far above the place where the log should end a wrapped or resumed history is read at first."""
MAX_POSTPONED = 5


class Cause(Enum):
    ERASED = "erased"
    RESIZED = "resized"
    RESUMED = "resumed"


class UncertainHistory:
    """`fetch` is its reader, `rows` what has been read in order."""

    def __init__(self, cause: Cause, start: int, oldest: int, shown: Sequence[Row], at_ms: int) -> None:
        self.cause = cause
        self.start = start
        self.oldest = oldest
        self.shown = tuple(shown)
        """What stood below the log when that was last certain; rows that nobody has read are UNREAD."""
        self.behind: tuple[Row, ...] = ()
        """The newest rows of the log, where a history that was erased may still have them."""
        self.number: int | None = None
        """The row at which the log ended, if the numbers still hold."""
        self.log_end = start
        """The same row, whether they hold or not."""
        self.log_ended_at: int | None = None
        """The same row of the last generation, counted from its first."""
        self.rewrapped = cause is Cause.RESIZED
        self.orphans: list[Row | Lost] = []
        """Final rows of erased generations, and how many of them were never read."""
        self.unknown_loss = False
        """Rows may be gone whose number cannot be told."""
        self.printed_again = cause is Cause.ERASED
        """The whole history is to be compared: it may have been erased and printed anew."""
        self.column = 0
        """So many characters of the row at `number` are in the log."""
        self.trimmed = False
        """The history may have lost its oldest rows since it began."""
        self.perhaps_erased = False
        """The history became shorter at its old end while it was wrapped anew: trimmed, or erased and printed again."""
        self.from_top: int | None = None
        """So many of the newest stored rows are all of the history that is in the log."""
        self.history_rows = 0
        """Length of the history when it was erased."""
        self.missed = 0
        """Rows that were printed and erased while nobody listened."""
        self.pending: Lost | None = None
        """Rows lost right after `rows`: the reading ends there."""
        self.rows: list[Row] = []
        self.fetch = Fetch(start)
        self._began_ms = at_ms
        self._in_storm = False
        self._sampled_ms = at_ms
        self._candidates: list[str] = []
        """New rows as the last sample showed them."""
        self._goal: int | None = None
        """Rows to have read before comparing; the history may grow faster than it is read."""
        self._postponed = 0
        self._generations = 1
        """Histories since the log's end was known; `shown` speaks of the screen before the last of them."""
        self._compared = False

    @property
    def generations(self) -> int:
        return self._generations

    # -- the history becomes another one ----------------------------------------------------------------------------

    def erased_again(self, start: int, at_ms: int) -> None:
        self._generations += 1
        if self.cause is Cause.ERASED:
            self.retract(start)
            self.abandon(self.fetch, self.rows, start)
            self._in_storm = at_ms - self._began_ms <= STORM_MS
        else:
            self._erased_while_looking(start)
        self._began_ms = at_ms
        self._read_anew(start)

    def _erased_while_looking(self, start: int) -> None:
        """What was read may be in the log or not; only numbers that still hold tell how much is gone."""
        numbered = self.cause is Cause.RESUMED and (self.number is not None or self.missed > 0)
        if numbered and start > self.log_end:
            self.orphans = [Lost(start - self.log_end)]
        self.unknown_loss = self.unknown_loss or not numbered
        self.cause, self.printed_again = Cause.ERASED, True
        self.number, self.missed = None, 0

    def renumbered(self, start: int, oldest: int, *, perhaps: bool) -> None:
        """Wrapped at another width; nothing is gone but what was trimmed. *perhaps*: the old numbers may still hold."""
        if self.cause is Cause.ERASED and oldest > self.start:
            self.orphans.append(Lost(oldest - self.start))
        self.rewrapped = True
        if not perhaps:
            self.number = None
        self.log_ended_at = None
        self._read_anew(start)
        self.oldest = oldest

    def _read_anew(self, start: int) -> None:
        strays = self.strays()
        self.start = self.oldest = start
        self.fetch = Fetch(start)
        self.fetch.expect_strays(strays)
        self.rows = []
        self.pending = self._goal = None
        self._compared = False

    def unread(self, pieces: Iterable[Sequence[Row] | Lost]) -> None:
        """Final rows between the log and the screen, which was seen below them: they keep their place, read or not."""
        for piece in pieces:
            if isinstance(piece, Lost):
                self.orphans.append(piece)
            else:
                self.orphans.extend(piece)
        if sum(_size(piece) for piece in self.orphans) > MAX_ORPHANS:
            self.shown = ()
            return
        between: list[Row] = []
        for orphan in self.orphans:
            between.extend([UNREAD] * orphan.size if isinstance(orphan, Lost) else [orphan])
        self.shown = (*between, *self.shown)

    def abandon(self, fetch: Fetch, read: Sequence[Row], stop: int) -> None:
        """Rows up to *stop* were final and are gone from the terminal."""
        self.orphans.extend(read)
        if self.pending is not None:
            self.orphans.append(self.pending)
        fetch.extend(stop, {})
        for piece in fetch.rest(fetch.end):
            if isinstance(piece, Lost):
                self.orphans.append(piece)
            else:
                self.orphans.extend(piece)
        if len(self.orphans) > MAX_ORPHANS:
            self.orphans = [Lost(sum(_size(piece) for piece in self.orphans))]

    # -- reading ----------------------------------------------------------------------------------------------------

    def readable(self, at_ms: int) -> bool:
        if self.cause is not Cause.ERASED or not self._in_storm:
            return True
        return at_ms - self._began_ms >= SETTLE_MS or at_ms - self._sampled_ms >= SAMPLE_MS

    def collect(self) -> None:
        """Take what has been read, down to the first row that is lost."""
        while self.pending is None and (piece := next(self.fetch.drain(), None)) is not None:
            if not isinstance(piece, Lost):
                self.rows.extend(piece)
            elif self.rows:
                self.pending = piece
            else:
                self.start = self.fetch.next
                self.orphans.append(piece)
                self.from_top = None

    def retract(self, end: int) -> None:
        """Rows from *end* on are on the screen again."""
        self.fetch.retract(end)
        if self.fetch.next > end:
            self.start = min(self.start, end)
            del self.rows[end - self.start :]
            self.fetch.next = self.fetch.end = end

    def look_further_back(self) -> bool:
        """Read several times as much, upwards. False: there is no more."""
        before = self.fetch
        oldest = max(self.oldest, before.oldest)
        if self.start <= oldest:
            return False
        self.start = max(oldest, self.start - max(4 * len(self.rows), FIRST_LOOK_ROWS))
        self.fetch = Fetch(self.start)
        self.fetch.expect_strays(before.abandoned())
        self.fetch.extend(before.end, {row.index: row for row in self.rows})
        self.fetch.forget_old(before.oldest)
        self.rows, self.pending = [], None
        return True

    def _more_is_coming(self) -> bool:
        """The log may end in rows that have come since. Not for ever, where output never ends."""
        if self.fetch.complete or self.pending is not None or self._postponed >= MAX_POSTPONED:
            return False
        self._postponed += 1
        self._goal = self.fetch.end
        return True

    def strays(self) -> Counter[range]:
        """Reads under way, whose answers would mean nothing to another reader."""
        return self.fetch.abandoned()


def _size(piece: Row | Lost) -> int:
    return piece.size if isinstance(piece, Lost) else 1
