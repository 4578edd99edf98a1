"""The primary screen: rows that leave it upwards are final and go into the log once, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import groupby

from wa.ingest.checkpoint import History
from wa.ingest.fetch import Fetch, Lost
from wa.ingest.joint import by_lines
from wa.ingest.ledger import UNREAD, Ledger, is_blank
from wa.ingest.lines import Place, logical_lines
from wa.ingest.rejoin import FIRST_LOOK_ROWS, Cause, Rejoin, Verdict
from wa.ingest.viewport import Viewport
from wa.model.log import GapReason, ReadRows
from wa.model.observation import RowsRead, ScreenPush
from wa.model.screen import Dimensions, Row

BEHIND_ROWS = 200
"""A window is not made taller by more."""
HOLD_QUIET_MS = 2_000
HOLD_MS = 30_000
"""Rows that leave the screen of a program that prints its history again are not stored before the pane has been quiet
for so long, or they have waited for so long: Gemini CLI 0.61 (2026-11) draws over its last rows when an answer ends, and
only the next time that it prints everything they are right."""
REDRAWS = 3
"""So many generations in a row make such a program; a window that changes its size makes one or two."""
ROUND_LIMIT = 500
"""Nobody limits a history to other than a multiple of this (`scrollback_lines`: 3500 unless set)."""


class Primary:
    """One numbering at a time. `next_index` is the high-water mark: every row below it is in the log or in a gap.

    The mark may stand inside the viewport: a window made taller brings stored rows back onto the screen, and a history
    printed again may show more of itself. `logged` then holds those rows' texts, and a row that is changed before it
    leaves the screen again counts as new.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.view = Viewport()
        self.fetch = Fetch(0)
        self.rejoin: Rejoin | None = None
        self.logged: dict[int, str] = {}
        self._cut: Place | None = None
        """A row's index and a column: what stands before is in the log already."""
        self._behind: deque[Row] = deque(maxlen=BEHIND_ROWS)
        """Rows just below the mark, all in the log, by their present numbers."""
        self._from_top: int | None = None
        """So many of the newest stored rows are all of the history up to the mark; None if that is not certain."""
        self._run = 0
        """Rows from here to the mark are, one for one, the newest stored rows."""
        self._resumed_from: History | None = None
        self._limit: int | None = None
        """Rows of history at which the terminal drops its oldest, once that was seen."""
        self._unheard_loss = False
        self._perhaps_resized = False
        """The size may have changed, there and back, since the last push."""
        self._redraws = False
        """The program prints its history again and again."""
        self._pushed_ms = 0
        self._held_ms: int | None = None
        """Since when rows wait."""
        self._generation_start: int | None = None
        """Where the program's history began when it was last printed again."""

    @property
    def dims(self) -> Dimensions | None:
        """As last seen; None before."""
        return self.view.dims

    @property
    def next_index(self) -> int:
        return self.fetch.next

    # -- the first look ---------------------------------------------------------------------------------------------

    def begin(self, seen: ScreenPush) -> None:
        """What the pane still has of its past is output."""
        self.fetch = Fetch(seen.dims.scrollback_top)
        self._from_top, self._run = 0, seen.dims.scrollback_top
        self.push(seen)

    def resume(self, seen: ScreenPush, history: History | None) -> None:
        """*history*: as it was when somebody last listened; None if that is not known, or in other numbers."""
        dims = seen.dims
        oldest, top = dims.scrollback_top, dims.physical_top
        end = None
        if history is not None and history.cols == dims.cols and history.next_index <= top + dims.viewport_rows:
            end = history.next_index
        self._resumed_from = history
        self.fetch = Fetch(oldest if end is None else end)
        missed = 0 if end is None else max(0, oldest - end)
        self._limit = (history.limit or None) if history is not None else None
        # A full history drops its oldest rows; one that is not full was erased.
        erased = missed > 0 and not self._full(dims)
        printed_again = erased or (end is not None and history is not None and history.renumbered)
        start = oldest if printed_again else max(oldest, min(top if end is None else end, top) - FIRST_LOOK_ROWS)
        rejoin = self.rejoin = Rejoin(Cause.RESUMED, start, oldest, (), seen.at_ms)
        rejoin.missed, rejoin.printed_again = missed, printed_again
        rejoin.log_end = self.fetch.next
        if history is not None and not printed_again:
            rejoin.number, rejoin.column = end, history.column
        self.push(seen)

    def saved(self) -> History | None:
        """For a restart."""
        dims = self.view.dims
        if dims is None:
            return None
        if self.rejoin is not None and self.rejoin.cause is Cause.RESUMED:
            return self._resumed_from
        if self.rejoin is not None:
            cols = dims.cols if self.rejoin.cause is Cause.ERASED and not self.rejoin.rewrapped else 0
            return History(
                self.rejoin.log_end,
                cols,
                dims.viewport_rows,
                dims.physical_top,
                renumbered=True,
                limit=self._limit or 0,
            )
        return History(
            self.fetch.next, dims.cols, dims.viewport_rows, dims.physical_top, self._column, limit=self._limit or 0
        )

    @property
    def _column(self) -> int:
        """So many characters of the row at the mark are in the log."""
        return self._cut.column if self._cut is not None and self._cut.row == self.fetch.next else 0

    # -- what is seen -----------------------------------------------------------------------------------------------

    def push(self, seen: ScreenPush) -> None:
        before, now = self.view.dims, seen.dims
        self._pushed_ms = seen.at_ms
        if before is not None:
            erased = self._erased(before, now)
            if before.cols != now.cols:
                self._rewrapped(seen, before, erased=erased)
            elif erased:
                self._erase(seen)
            elif self._perhaps_resized and now.scrollback_top > before.scrollback_top:
                self._rewrapped(seen, before, erased=False)
            elif before.viewport_rows != now.viewport_rows or now.physical_top < before.physical_top:
                self._taller_or_lower(now)
        self._perhaps_resized = False
        cursor_y = self.view.cursor.y
        self.view.apply(seen)
        if before is not None and now.scrollback_top > before.scrollback_top:
            self._from_top = None
            # Rows that were told and are gone may have been changed on their way, and no push can name them any more.
            for index in [index for index in self.view.rows if index < now.scrollback_top]:
                del self.view.rows[index]
        self._compare_logged()
        # A read of the screen, unlike a push, does not say which rows changed on their way out.
        told = seen.seqno >= 0 or (before is not None and before.physical_top >= now.physical_top)
        if before is not None and before[:2] == now[:2] and self.view.renumbered(before, cursor_y, seen):
            self.view.distrust()
            told = False
        self._advance(seen, told=told)

    def _advance(self, seen: ScreenPush, *, told: bool) -> None:
        above = self.view.take_above(seen.dims.physical_top, seen.dirty)
        reader = self._reader
        reader.alien = False
        reader.extend(seen.dims.physical_top, above if told else {})
        reader.forget_old(seen.dims.scrollback_top)
        self.view.prune()
        self.settle(seen.at_ms)

    @property
    def _reader(self) -> Fetch:
        return self.fetch if self.rejoin is None else self.rejoin.fetch

    def read(self, reply: RowsRead) -> None:
        self._reader.answer(reply)
        self.settle(reply.at_ms)

    def settle(self, at_ms: int) -> None:
        """Hand on whatever has become certain, by an answer or by the passing of time."""
        rejoin = self.rejoin
        if rejoin is None:
            if not self._holds(at_ms):
                self._drain(at_ms)
            return
        rejoin.collect()
        viewport = self.view.shown()
        verdict = rejoin.judge(self.ledger, viewport, at_ms)
        if verdict is not None:
            self._conclude(rejoin, verdict, at_ms)
        else:
            self._from_top = None if rejoin.printed_again else self._from_top
            self.ledger.store(rejoin.sample(self.ledger, viewport, at_ms), at_ms)

    # -- what is wanted ---------------------------------------------------------------------------------------------

    def _holds(self, at_ms: int) -> bool:
        if not self._redraws or not self.fetch.has_next:
            self._held_ms = None
            return False
        self._held_ms = at_ms if self._held_ms is None else self._held_ms
        return at_ms < self._held_until(self._held_ms)

    def _held_until(self, since_ms: int) -> int:
        return min(self._pushed_ms + HOLD_QUIET_MS, since_ms + HOLD_MS)

    def requests(self, at_ms: int) -> list[ReadRows]:
        if self.view.dims is None or (self.rejoin is not None and not self.rejoin.readable(at_ms)):
            return []
        return self._reader.ask(self.view.dims.viewport_rows, at_ms)

    @property
    def wants_screen(self) -> bool:
        """A reply showed something that no push has told."""
        return self._reader.alien or self._reader.wants_dims

    def wake_ms(self, at_ms: int) -> int | None:
        wakes = [self._reader.wake_ms, self.rejoin.wake_ms(at_ms) if self.rejoin is not None else None]
        if self.rejoin is None and self._held_ms is not None:
            wakes.append(self._held_until(self._held_ms))
        # What is due already waits for something else: an answer, a size, a generation that has settled.
        return min((wake for wake in wakes if wake is not None and wake > at_ms), default=None)

    # -- into the log -----------------------------------------------------------------------------------------------

    def _drain(self, at_ms: int) -> None:
        self._held_ms = None
        for piece in self.fetch.drain():
            if isinstance(piece, Lost):
                self._lost(piece, GapReason.TRIMMED, at_ms)
            else:
                self._store(piece, at_ms)

    def _lost(self, piece: Lost, reason: GapReason, at_ms: int) -> None:
        self._from_top, self._run = None, self.fetch.next
        self.ledger.gap(piece.size, reason if piece.trimmed else GapReason.UNREADABLE, at_ms)

    def _store(self, rows: Sequence[Row], at_ms: int) -> None:
        self._behind.extend(rows[-BEHIND_ROWS:])
        cut = self._cut
        if cut is not None and rows[-1].index >= cut.row:
            self._run = max(self._run, cut.row + 1)
            rows = [_without(row, cut) for row in rows]
            self._cut = None
        if self.logged:
            self._run = rows[-1].index + 1
            rows = [row for row in rows if self.logged.pop(row.index, None) != row.text]
        if self._from_top is not None:
            self._from_top += len(rows)
        self.ledger.store(rows, at_ms)

    def _give_up_to(self, oldest: int, at_ms: int) -> None:
        """The terminal dropped everything before *oldest*: what was not read of it is lost."""
        for piece in self.fetch.rest(oldest):
            if isinstance(piece, Lost):
                self._lost(piece, GapReason.TRIMMED, at_ms)
            else:
                self._store(piece, at_ms)

    def close(self, at_ms: int) -> None:
        """The pane is gone: what can be told is told, with the rows on the screen, and the rest is a gap."""
        rejoin, self.rejoin = self.rejoin, None
        if rejoin is not None:
            verdict = rejoin.last_word(self.ledger, self.view.shown())
            if verdict is None:
                self.ledger.gap(None, GapReason.CLOSED, at_ms)
                return
            self._conclude(rejoin, verdict, at_ms)
        for piece in self.fetch.rest(self.fetch.end):
            if isinstance(piece, Lost):
                self.ledger.gap(piece.size, GapReason.CLOSED, at_ms)
            else:
                self._store(piece, at_ms)
        rest = [row for _, row in sorted(self.view.rows.items()) if row.index >= self.fetch.next]
        while rest and is_blank(rest[-1]):
            del rest[-1]
        if rest:
            self._store(rest, at_ms)

    # -- rows on the screen that are in the log ---------------------------------------------------------------------

    @property
    def shown_and_logged(self) -> int:
        """How many rows at the top of the viewport are in the log."""
        if not self.logged or self.view.dims is None:
            return 0
        top = self.view.dims.physical_top
        count = 0
        while top + count in self.logged:
            count += 1
        return count

    def _compare_logged(self) -> None:
        """A stored row that is changed on the screen is a new row, to be stored when it leaves."""
        if not self.logged:
            return
        changed = [
            index
            for index in self.view.fresh
            if index in self.logged and self.logged[index] != self.view.rows[index].text
        ]
        for index in changed:
            del self.logged[index]
        if changed and self.rejoin is None and min(changed) < self.fetch.next:
            self._go_on_at(min(changed), self.fetch)

    def _go_on_at(self, index: int, before: Fetch) -> None:
        self.fetch = Fetch(index)
        self._run = index
        self.fetch.oldest = before.oldest
        self.fetch.expect_strays(before.abandoned())
        self.fetch.extend(before.end, {})

    # -- numbers that break -----------------------------------------------------------------------------------------

    def _erased(self, before: Dimensions, now: Dimensions) -> bool:
        """`scrollback_top` moved because the history was erased, not because its oldest rows were dropped.

        Erasing moves it at least to where the old viewport began. Dropping does that only in a burst longer than the
        whole history, and leaves a history as long as its limit.
        """
        if now.scrollback_top <= before.scrollback_top:
            return False
        history = now.scrollback_rows - now.viewport_rows
        if now.cols == before.cols and now.scrollback_top < before.physical_top - max(0, now[1] - before[1]):
            if not self._perhaps_resized:
                self._limit = history
            return False
        return not self._full(now)

    def _full(self, dims: Dimensions) -> bool:
        history = dims.scrollback_rows - dims.viewport_rows
        return history == self._limit or (history >= ROUND_LIMIT and history % ROUND_LIMIT == 0)

    def _erase(self, seen: ScreenPush) -> None:
        start = seen.dims.scrollback_top
        if self.rejoin is not None:
            self.rejoin.erased_again(start, seen.at_ms)
            return
        rejoin = Rejoin(Cause.ERASED, start, start, self._shown_unlogged(), seen.at_ms)
        rejoin.log_end = self.fetch.next
        rejoin.behind = tuple(row for row in self._behind if row.index >= start)
        rejoin.unknown_loss = self._unheard_loss
        rejoin.history_rows = seen.dims.scrollback_rows - seen.dims.viewport_rows
        if self._generation_start is not None:
            rejoin.log_ended_at = self.fetch.next - self._generation_start
        self.fetch.retract(start)
        rejoin.unread(self.fetch.rest(self.fetch.end))
        rejoin.abandon(self.fetch, (), start)
        rejoin.fetch.expect_strays(self.fetch.abandoned())
        self.rejoin = rejoin
        self._cut = None

    def _shown_unlogged(self) -> list[Row]:
        """What the viewport shows and the log does not hold."""
        cut = self._cut
        rows = [row for row in self.view.shown() if row.index >= self.fetch.next]
        return rows if cut is None else [_without(row, cut) for row in rows]

    def hidden(self) -> None:
        """The alternate screen shows. What the last push told may be of either screen: it was put together while they
        changed places.
        """
        for index in self.view.fresh:
            self.view.rows.pop(index, None)

    def _text_of(self, index: int) -> str | None:
        row = self.view.rows.get(index)
        return row.text if row is not None else self._text_behind(index)

    def _text_behind(self, index: int) -> str | None:
        return next((row.text for row in reversed(self._behind) if row.index == index), None)

    def repeats(self, rows: Sequence[Row], cols: int) -> bool:
        """Whether a screen of another size shows the end of this history."""
        unique = sorted({row.index: row for row in rows}.values())
        if self.view.dims is not None and self.view.dims.cols == cols:
            known = [(self._text_of(row.index), row.text) for row in unique]
            pairs = [(was, now) for was, now in known if was is not None and was.strip()]
            if pairs:
                return sum(1 for was, now in pairs if was == now) * 2 >= len(pairs)
        tail, shown = tuple(self.ledger.rows), self._shown_unlogged()
        found = by_lines(tail, shown, unique, strict=False, at_top=True)
        if found is not None and found.agreeing >= min(_inked(unique) / 2, _inked((*tail, *shown))):
            return True
        ends, now = ("".join([row.text for row in part]).replace(" ", "") for part in (shown, unique))
        return bool(ends) and now.endswith(ends)

    # -- a source without row numbers -------------------------------------------------------------------------------

    def know(self, history: Sequence[Row], *, broken: bool) -> None:
        """Rows above the viewport as they are for good. What the screen showed before may have changed since."""
        self._reader.offer(history)
        self.view.rows = {row.index: row for row in history if row.index >= self._reader.end}
        self._unheard_loss = broken and len(history) >= ROUND_LIMIT

    def first_missing(self) -> int | None:
        """The first final row whose text is not known."""
        return self._reader.first_hole

    # -- numbers that may break -------------------------------------------------------------------------------------

    def void_reads(self) -> None:
        """The size may have changed: answers to reads under way may be numbered anew."""
        self._perhaps_resized = True
        self._reader.void()

    def distrust(self) -> None:
        """Pushes and answers may have been missed: what the viewport shows is not known any more."""
        self._reader.ask_again()
        self.view.rows.clear()

    def _taller_or_lower(self, now: Dimensions) -> None:
        """Same width: rows keep their numbers, some pass between history and viewport."""
        self.void_reads()
        if self.rejoin is not None:
            self.rejoin.retract(now.physical_top)
        else:
            self.fetch.retract(now.physical_top)
            for index in range(now.physical_top, self.fetch.next):
                text = self._text_behind(index)
                if text is not None:
                    self.logged[index] = text

    def _rewrapped(self, seen: ScreenPush, before: Dimensions, *, erased: bool) -> None:
        """At the same width too: what was wrapped anew, trimmed and wrapped as before has other numbers than before,
        what was only trimmed has the same ones.
        """
        dims = seen.dims
        numbered = before.cols == dims.cols
        self._reader.void()
        rejoin = self.rejoin
        if rejoin is None:
            self._drain(seen.at_ms)
            self._give_up_to(before.scrollback_top, seen.at_ms)
            shown = () if self.fetch.waiting else self._shown_unlogged()
            rejoin = self.rejoin = Rejoin(Cause.RESIZED, 0, 0, shown, seen.at_ms)
            rejoin.log_end = self.fetch.next
            if numbered:
                rejoin.number = self.fetch.next
                rejoin.column = self._column
            rejoin.from_top = self._from_top
            if self._run <= before.scrollback_top:
                rejoin.from_top = self.fetch.next - before.scrollback_top
            rejoin.fetch.expect_strays(self.fetch.abandoned())
        oldest = dims.scrollback_top
        if oldest > before.scrollback_top:
            rejoin.from_top = None
        whole = rejoin.cause is Cause.ERASED or rejoin.printed_again or not self.ledger.rows
        whole = whole or (rejoin.from_top is not None and rejoin.from_top <= len(self.ledger.rows))
        first_look = max(
            oldest, min(dims.physical_top, rejoin.log_end if numbered else dims.physical_top) - FIRST_LOOK_ROWS
        )
        rejoin.renumbered(oldest if whole else first_look, oldest, perhaps=numbered)
        rejoin.perhaps_erased = rejoin.perhaps_erased or erased
        rejoin.trimmed = oldest > 0
        if not self.ledger.rows and oldest > rejoin.log_end:
            rejoin.orphans.append(Lost(oldest - rejoin.log_end))
            rejoin.log_end = oldest
        self.view.rows.clear()
        self.logged.clear()
        self._behind.clear()
        self._cut = self._generation_start = None

    # -- the log's end was found, or not ----------------------------------------------------------------------------

    def _conclude(self, rejoin: Rejoin, verdict: Verdict, at_ms: int) -> None:
        self.rejoin = None
        if not verdict.joined:
            self._report_missing(rejoin, at_ms)
        elif not self.ledger.rows and not verdict.place.row:
            self._report_orphans(rejoin, at_ms)
        elif rejoin.unknown_loss and rejoin.cause is Cause.RESIZED:
            self.ledger.gap(None, GapReason.RESIZED, at_ms)
        rows, final, place = verdict.rows, verdict.final, verdict.place
        if not verdict.joined or verdict.inserted or place.row > final or rejoin.cause is Cause.RESUMED:
            self._from_top = None
        if verdict.inserted:
            self.ledger.insert([rows[at] for at in verdict.inserted], verdict.older, rows[: place.row], at_ms)
        self._behind.clear()
        self._behind.extend(rows[max(0, place.row - BEHIND_ROWS) : place.row])
        self.fetch = rejoin.fetch
        self._run = rejoin.start + place.row + bool(place.column)
        self._cut = Place(rejoin.start + place.row, place.column) if place.column else None
        if place.row < final:
            for read, part in groupby(rows[place.row : final], lambda row: row is not UNREAD):
                if read:
                    self._store(list(part), at_ms)
                else:
                    self.ledger.gap(len(list(part)), GapReason.CLOSED, at_ms)
        elif place.row > final:
            self._log_ends_on_screen(rejoin, verdict)
        if rejoin.pending is not None:
            self._lost(rejoin.pending, GapReason.TRIMMED, at_ms)
        self._generation_start = rejoin.start if rejoin.cause is Cause.ERASED else None
        if rejoin.cause is Cause.ERASED:
            self._redraws = verdict.joined and (self._redraws or rejoin.generations >= REDRAWS)
        if not self._holds(at_ms):
            self._drain(at_ms)

    def _log_ends_on_screen(self, rejoin: Rejoin, verdict: Verdict) -> None:
        rows, final, place = verdict.rows, verdict.final, verdict.place
        known = range(final, min(place.row, len(rows)))
        self.logged = {rows[at].index: rows[at].text for at in known}
        self._go_on_at(rejoin.start + place.row, rejoin.fetch)

    def _report_missing(self, rejoin: Rejoin, at_ms: int) -> None:
        """The log does not end in what the terminal has: rows in between are gone."""
        if rejoin.cause is Cause.RESUMED:
            lost = rejoin.missed if rejoin.missed or rejoin.printed_again else None
            self.ledger.gap(lost, GapReason.DISCONNECTED, at_ms)
        elif rejoin.cause is Cause.RESIZED:
            self.ledger.gap(None, GapReason.RESIZED, at_ms)
        elif rejoin.missed or rejoin.unknown_loss:
            reason = GapReason.RESIZED if rejoin.rewrapped else GapReason.DISCONNECTED
            self.ledger.gap(rejoin.missed or None, reason, at_ms)
        self._report_orphans(rejoin, at_ms)

    def _report_orphans(self, rejoin: Rejoin, at_ms: int) -> None:
        # A burst longer than a limit that was not known yet looks like an erasure at first.
        full = rejoin.cause is not Cause.ERASED or (self._limit is not None and rejoin.history_rows >= self._limit)
        for piece in rejoin.orphans:
            if isinstance(piece, Lost):
                self._lost(piece, GapReason.TRIMMED if full else GapReason.ERASED, at_ms)
            else:
                self.ledger.store((piece,), at_ms)


def _without(row: Row, cut: Place) -> Row:
    return row._replace(text=row.text[cut.column :]) if row.index == cut.row else row


def _inked(rows: Sequence[Row]) -> int:
    return sum(1 for line in logical_lines(rows) if line.text.strip())
