"""The primary screen: rows that leave it upwards are final and go into the log once, in order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from wa.ingest.checkpoint import History
from wa.ingest.fetch import Fetch, Lost
from wa.ingest.hold import Hold
from wa.ingest.joint import by_lines
from wa.ingest.ledger import UNREAD, Ledger, is_blank
from wa.ingest.limit import ROUND_ROWS, Limit
from wa.ingest.lines import logical_lines
from wa.ingest.losses import report_missing, report_orphans
from wa.ingest.mark import Mark
from wa.ingest.rejoin import Rejoin, Verdict
from wa.ingest.uncertain import FIRST_LOOK_ROWS, Cause
from wa.ingest.viewport import Viewport
from wa.model.log import GapReason, ReadRows
from wa.model.observation import RowsRead, ScreenPush
from wa.model.screen import Dimensions, Row


class Primary:
    """One numbering at a time. `next_index` is the high-water mark: every row below it is in the log or in a gap."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.view = Viewport()
        self.fetch = Fetch(0)
        self.rejoin: Rejoin | None = None
        self.mark = Mark()
        self.limit = Limit()
        self.hold = Hold()
        self._resumed_from: History | None = None
        self._unheard_loss = False
        self._perhaps_resized = False
        """The size may have changed, there and back, since the last push."""
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
        self.mark.from_top, self.mark.run = 0, seen.dims.scrollback_top
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
        self.limit = Limit((history.limit or None) if history is not None else None)
        # A full history drops its oldest rows; one that is not full was erased.
        erased = oldest > end if end is not None else False
        if history is not None and 0 <= history.oldest < oldest:
            erased = erased or oldest >= history.physical_top
        printed_again = (erased and not self.limit.full(dims)) or (
            end is not None and history is not None and history.renumbered
        )
        start = oldest if printed_again else max(oldest, min(top if end is None else end, top) - FIRST_LOOK_ROWS)
        rejoin = self.rejoin = Rejoin(Cause.RESUMED, start, oldest, (), seen.at_ms)
        rejoin.missed, rejoin.printed_again = missed, printed_again
        rejoin.log_end = self.fetch.next
        if history is not None and not (missed and printed_again) and not history.renumbered:
            rejoin.number, rejoin.column = end, history.column
        self.push(seen)

    def saved(self) -> History | None:
        """For a restart."""
        dims = self.view.dims
        if dims is None:
            return None
        if self.rejoin is not None and self.rejoin.cause is Cause.RESUMED:
            return self._resumed_from
        rows, top, limit = dims.viewport_rows, dims.physical_top, self.limit.rows or 0
        if self.rejoin is not None:
            cols = dims.cols if self.rejoin.cause is Cause.ERASED and not self.rejoin.rewrapped else 0
            return History(self.rejoin.log_end, cols, rows, top, 0, True, limit, dims.scrollback_top)
        column = self.mark.column(self.fetch.next)
        return History(self.fetch.next, dims.cols, rows, top, column, False, limit, dims.scrollback_top)

    # -- what is seen -----------------------------------------------------------------------------------------------

    def push(self, seen: ScreenPush) -> None:
        before, now = self.view.dims, seen.dims
        self.hold.pushed(seen.at_ms)
        if before is not None:
            erased = self.limit.erased(before, now, same_size=not self._perhaps_resized)
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
            self.mark.from_top = None
            # Rows that were told and are gone may have been changed on their way, and no push can name them any more.
            for index in [index for index in self.view.rows if index < now.scrollback_top]:
                del self.view.rows[index]
        changed = self.mark.changed(self.view.fresh, self.view.rows)
        if changed is not None and self.rejoin is None and changed < self.fetch.next:
            self._go_on_at(changed, self.fetch)
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
            self._drain(at_ms)
            return
        rejoin.collect()
        viewport = self.view.shown()
        verdict = rejoin.judge(self.ledger, viewport, at_ms)
        if verdict is not None:
            self._conclude(rejoin, verdict, at_ms)
        else:
            if rejoin.printed_again:
                self.mark.from_top = None
            self.ledger.store(rejoin.sample(self.ledger, viewport, at_ms), at_ms)

    # -- what is wanted ---------------------------------------------------------------------------------------------

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
        if self.rejoin is None:
            wakes.append(self.hold.wake_ms())
        # What is due already waits for something else: an answer, a size, a generation that has settled.
        return min((wake for wake in wakes if wake is not None and wake > at_ms), default=None)

    # -- into the log -----------------------------------------------------------------------------------------------

    def _drain(self, at_ms: int) -> None:
        if self.hold.holds(at_ms, waiting=self.fetch.has_next):
            return
        self.hold.release()
        for piece in self.fetch.drain():
            if isinstance(piece, Lost):
                self._lost(piece, GapReason.TRIMMED, at_ms)
            else:
                self._store(piece, at_ms)

    def _lost(self, piece: Lost, reason: GapReason, at_ms: int) -> None:
        self.mark.pass_gap(self.fetch.next)
        self.ledger.gap(piece.size, reason if piece.trimmed else GapReason.UNREADABLE, at_ms)

    def _store(self, rows: Sequence[Row], at_ms: int) -> None:
        self.ledger.store(self.mark.pass_by(rows), at_ms)

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
        return self.mark.shown_and_logged(self.view.dims.physical_top) if self.view.dims is not None else 0

    def _go_on_at(self, index: int, before: Fetch) -> None:
        self.fetch = Fetch(index)
        self.mark.run = index
        self.fetch.oldest = before.oldest
        self.fetch.expect_strays(before.abandoned())
        self.fetch.extend(before.end, {})

    # -- numbers that break -----------------------------------------------------------------------------------------

    def _erase(self, seen: ScreenPush) -> None:
        start = seen.dims.scrollback_top
        if self.rejoin is not None:
            self.rejoin.erased_again(start, seen.at_ms)
            return
        rejoin = Rejoin(Cause.ERASED, start, start, self._shown_unlogged(), seen.at_ms)
        rejoin.log_end = self.fetch.next
        rejoin.behind = tuple(row for row in self.mark.behind if row.index >= start)
        rejoin.unknown_loss = self._unheard_loss
        rejoin.history_rows = seen.dims.scrollback_rows - seen.dims.viewport_rows
        if self._generation_start is not None:
            rejoin.log_ended_at = self.fetch.next - self._generation_start
        self.fetch.retract(start)
        rejoin.unread(self.fetch.rest(self.fetch.end))
        rejoin.abandon(self.fetch, (), start)
        rejoin.fetch.expect_strays(self.fetch.abandoned())
        self.rejoin = rejoin
        self.mark.cut = None

    def _shown_unlogged(self) -> list[Row]:
        """What the viewport shows and the log does not hold."""
        return self.mark.uncut([row for row in self.view.shown() if row.index >= self.fetch.next])

    def hidden(self) -> None:
        """The alternate screen shows. What the last push told may be of either screen: it was put together while they
        changed places.
        """
        for index in self.view.fresh:
            self.view.rows.pop(index, None)

    def _text_of(self, index: int) -> str | None:
        row = self.view.rows.get(index)
        return row.text if row is not None else self.mark.text(index)

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
        self._unheard_loss = broken and len(history) >= ROUND_ROWS

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
            self.mark.back_on_screen(range(now.physical_top, self.fetch.next))

    def _rewrapped(self, seen: ScreenPush, before: Dimensions, *, erased: bool) -> None:
        """At the same width too: what was wrapped anew, trimmed and wrapped as before has other numbers than before,
        what was only trimmed has the same ones.
        """
        dims = seen.dims
        numbered = before.cols == dims.cols
        self._reader.void()
        rejoin = self.rejoin
        if rejoin is None:
            self._give_up_to(max(before.scrollback_top, self.fetch.ready_to), seen.at_ms)
            shown = () if self.fetch.waiting else self._shown_unlogged()
            rejoin = self.rejoin = Rejoin(Cause.RESIZED, 0, 0, shown, seen.at_ms)
            rejoin.log_end = self.fetch.next
            if numbered:
                rejoin.number = self.fetch.next
                rejoin.column = self.mark.column(self.fetch.next)
            rejoin.from_top = self.mark.counted(self.fetch.next, before.scrollback_top)
            rejoin.fetch.expect_strays(self.fetch.abandoned())
        oldest = dims.scrollback_top
        if oldest > before.scrollback_top:
            rejoin.from_top = None
        whole = rejoin.cause is Cause.ERASED or rejoin.printed_again or not self.ledger.rows
        whole = whole or (rejoin.from_top is not None and rejoin.from_top <= len(self.ledger.rows))
        near = min(dims.physical_top, rejoin.log_end) if numbered else dims.physical_top
        rejoin.renumbered(oldest if whole else max(oldest, near - FIRST_LOOK_ROWS), oldest, perhaps=numbered)
        rejoin.perhaps_erased = rejoin.perhaps_erased or erased
        rejoin.trimmed = oldest > 0
        if not self.ledger.rows and oldest > rejoin.log_end:
            rejoin.orphans.append(Lost(oldest - rejoin.log_end))
            rejoin.log_end = oldest
        self.view.rows.clear()
        self.mark.forget_numbers()
        self._generation_start = None

    # -- the log's end was found, or not ----------------------------------------------------------------------------

    def _conclude(self, rejoin: Rejoin, verdict: Verdict, at_ms: int) -> None:
        self.rejoin = None
        if not verdict.joined:
            report_missing(self.ledger, rejoin, at_ms, limit=self.limit.rows)
        elif not self.ledger.rows and not verdict.place.row:
            report_orphans(self.ledger, rejoin, at_ms, limit=self.limit.rows)
        elif rejoin.unknown_loss and rejoin.cause is Cause.RESIZED:
            self.ledger.gap(None, GapReason.RESIZED, at_ms)
        rows, final, place = verdict.rows, verdict.final, verdict.place
        if not verdict.joined or rejoin.orphans or verdict.inserted or place.row > final:
            self.mark.from_top = None
        if rejoin.cause is Cause.RESUMED:
            self.mark.from_top = None
        if verdict.inserted:
            self.ledger.insert([rows[at] for at in verdict.inserted], verdict.older, rows[: place.row], at_ms)
        self.fetch = rejoin.fetch
        self.mark.put(rejoin.start, place, rows)
        if place.row < final:
            for read, part in groupby(rows[place.row : final], lambda row: row is not UNREAD):
                if read:
                    self._store(list(part), at_ms)
                else:
                    self.ledger.gap(len(list(part)), GapReason.CLOSED, at_ms)
        elif place.row > final:
            self.mark.logged = {row.index: row.text for row in rows[final : place.row]}
            self._go_on_at(rejoin.start + place.row, rejoin.fetch)
        if rejoin.pending is not None:
            self._lost(rejoin.pending, GapReason.TRIMMED, at_ms)
        self._generation_start = rejoin.start if rejoin.cause is Cause.ERASED else None
        if rejoin.cause is Cause.ERASED:
            self.hold.printed_again(rejoin.generations, joined=verdict.joined)
        self._drain(at_ms)


def _inked(rows: Sequence[Row]) -> int:
    return sum(1 for line in logical_lines(rows) if line.text.strip())
