"""Final rows of one numbering, brought into order.

Rows below `end` are final. Each of them is *ready* (its text is known), *asked* (a read is under way), a *hole* (to be
asked), or lost. `drain` hands on what is ready, in order and without a jump; a lost stretch is handed on as Lost.

Two properties of the server (WezTerm 2025-02-23, term/src/screen.rs `stable_range`) make every reply checkable:
a range whose first row is gone is answered with the *oldest* rows there are, and a range whose last row does not exist
with the *newest*. So rows trimmed show as a first index above the one asked for; and while the alternate screen shows,
whose rows are numbered 0 … R-1, a range that starts at R or later comes back with a first index below, and a range that
starts earlier comes back without row R. Therefore a read below R always reaches to R.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from wa.model.log import ReadRows
from wa.model.observation import RowsRead
from wa.model.screen import Row

CHUNK_ROWS = 500
"""Rows per read: the server serializes a reply twice on its main thread."""
UNDER_WAY = 8
"""Reads at once. One alone is bound by round trips (29,000 rows/s on a real mux)."""
GIVE_UP_AFTER = 3
"""Failed reads of one single row."""
STALE_MS = 20_000
"""A read without any answer for so long is made again."""
PAUSE_MS = 250
"""After a read that failed or showed another screen, times the number of such reads in a row."""
MAX_LEAD_ROWS = 8_000


class Lost(NamedTuple):
    """Final rows whose text cannot be had. `trimmed` False: the terminal has them and does not give them."""

    size: int
    trimmed: bool = True


class _Asked(NamedTuple):
    wanted: range
    at_ms: int
    oldest: int


def _size(piece: Sequence[Row] | Lost) -> int:
    return piece.size if isinstance(piece, Lost) else len(piece)


class Fetch:
    def __init__(self, start: int) -> None:
        self.next = start
        """First row not handed on."""
        self.end = start
        """Rows below are final."""
        self.oldest = 0
        """Older rows than this are known to be gone."""
        self.alien = False
        """A reply showed rows of another screen: look at the screen before asking again."""
        self._ready: dict[int, Sequence[Row] | Lost] = {}
        self._holes: list[range] = []
        self._asked: dict[range, _Asked] = {}
        self._void: Counter[range] = Counter()
        self._failures: Counter[int] = Counter()
        self._bad_in_a_row = 0
        self._not_before_ms = 0
        self._lead = 0

    @property
    def complete(self) -> bool:
        return not self._holes and not self._asked and not self._ready and self.next == self.end

    @property
    def waiting(self) -> bool:
        """Rows are still missing."""
        return bool(self._holes or self._asked)

    # -- what becomes final -----------------------------------------------------------------------------------------

    def extend(self, end: int, known: Mapping[int, Row]) -> None:
        """Rows up to *end* are final now; *known* holds those whose final text has been seen."""
        at = self.end
        run: list[Row] = []
        for index in sorted(index for index in known if at <= index < end):
            if index != at + len(run):
                self._put(at, run)
                self._hole(range(at + len(run), index))
                at, run = index, []
            run.append(known[index])
        self._put(at, run)
        self._hole(range(at + len(run), end))
        self.end = max(self.end, end)

    def forget_old(self, oldest: int) -> None:
        """The terminal dropped everything before *oldest*: what has not been asked for is lost."""
        self.oldest = max(self.oldest, oldest)
        while self._holes and self._holes[0].start < oldest:
            hole = self._holes.pop(0)
            gone = range(hole.start, min(hole.stop, oldest))
            self._ready[gone.start] = Lost(len(gone))
            if gone.stop < hole.stop:
                self._holes.insert(0, range(gone.stop, hole.stop))

    def retract(self, end: int) -> None:
        """Rows from *end* on that were not handed on are on the screen again."""
        self.end = max(min(self.end, end), self.next)
        self._holes = [range(hole.start, min(hole.stop, self.end)) for hole in self._holes if hole.start < self.end]
        for start in [start for start, piece in self._ready.items() if start + _size(piece) > self.end]:
            piece = self._ready.pop(start)
            if start < self.end:
                keep = self.end - start
                self._ready[start] = piece._replace(size=keep) if isinstance(piece, Lost) else piece[:keep]

    def void(self) -> None:
        """Answers to what is under way mean nothing any more."""
        self._void.update(self._asked.keys())
        for asked in self._asked.values():
            self._hole(asked.wanted)
        self._asked.clear()

    def ask_again(self) -> None:
        """What is under way may never be answered. An answer that comes all the same is as good as another."""
        for asked in self._asked.values():
            self._hole(asked.wanted)
        self._asked.clear()
        self._void.clear()

    def abandoned(self) -> Counter[range]:
        """Reads whose answers may still come, for whoever takes over."""
        return self._void + Counter(self._asked.keys())

    def expect_strays(self, strays: Counter[range]) -> None:
        self._void.update(strays)

    # -- reading ----------------------------------------------------------------------------------------------------

    def ask(self, viewport_rows: int, at_ms: int) -> list[ReadRows]:
        """Reads to make now, oldest rows first.

        While the terminal drops rows faster than they are read, a read of the very oldest comes too late: then a lead
        is kept, as long as the drop during the last read's flight. What is skipped is read later if it is still there.
        """
        for late in [asked for asked in self._asked.values() if at_ms - asked.at_ms > STALE_MS]:
            self._hole(late.wanted)
        self._asked = {name: asked for name, asked in self._asked.items() if at_ms - asked.at_ms <= STALE_MS}
        reads: list[ReadRows] = []
        if self.alien or at_ms < self._not_before_ms:
            return []
        while self._holes and len(self._asked) < UNDER_WAY:
            wanted = self._pick()
            beyond_alternate = viewport_rows + 1 if wanted.start < viewport_rows else 0
            request = range(wanted.start, max(wanted.stop, beyond_alternate))
            if request in self._asked:
                self._hole(wanted)
                break
            self._asked[request] = _Asked(wanted, at_ms, self.oldest)
            reads.append(ReadRows(request.start, request.stop))
        return reads

    @property
    def wake_ms(self) -> int | None:
        """When to ask again."""
        return self._not_before_ms if self._holes and not self._asked and not self.alien else None

    def _pick(self) -> range:
        edge = min(self.oldest + self._lead, (self.oldest + self.end) // 2)
        at = next((i for i, hole in enumerate(self._holes) if hole.stop > edge), 0)
        hole = self._holes.pop(at)
        start = max(hole.start, edge) if hole.stop > edge else hole.start
        size = max(1, CHUNK_ROWS >> 3 * self._failures.get(start, 0))
        wanted = range(start, min(hole.stop, start + size))
        if wanted.stop < hole.stop:
            self._holes.insert(at, range(wanted.stop, hole.stop))
        if hole.start < start:
            self._holes.insert(at, range(hole.start, start))
        return wanted

    def answer(self, reply: RowsRead) -> None:
        name = reply.requested
        if self._void.get(name):
            self._void[name] -= 1
            if not self._void[name]:
                del self._void[name]
            return
        asked = self._asked.pop(name, None)
        if asked is None:
            return
        first, last = (reply.rows[0].index, reply.rows[-1].index) if reply.rows else (0, -1)
        if reply.failed is not None or last - first + 1 != len(reply.rows) or not reply.rows:
            self._pause(reply.at_ms)
            self._failed(asked.wanted)
        elif first < name.start or (first == name.start and last < name.stop - 1):
            self._pause(reply.at_ms)
            self.alien = True
            self._hole(asked.wanted)
        else:
            self._bad_in_a_row = 0
            self._take(asked, reply.rows)

    def _pause(self, at_ms: int) -> None:
        self._bad_in_a_row += 1
        if self._bad_in_a_row > 1:
            self._not_before_ms = at_ms + PAUSE_MS * min(self._bad_in_a_row - 1, 8)

    def _take(self, asked: _Asked, rows: Sequence[Row]) -> None:
        wanted = asked.wanted
        first, last = rows[0].index, rows[-1].index
        if first == wanted.start:
            self._lead -= self._lead >> 3
            if last + 1 == wanted.stop:
                self._put(first, rows)
                return
        else:
            self._lead = min(max(self._lead, 2 * (first - asked.oldest)), MAX_LEAD_ROWS)
            gone = range(wanted.start, min(first, wanted.stop))
            self._ready[gone.start] = Lost(len(gone))
        inside = range(max(first, wanted.start), min(last + 1, wanted.stop))
        if inside:
            self._put(inside.start, rows[inside.start - first : inside.stop - first])
        if last + 1 < wanted.stop:
            self._hole(range(max(last + 1, wanted.start), wanted.stop))
        if last >= wanted.stop:
            self._offer(rows, max(first, wanted.stop))

    @property
    def first_hole(self) -> int | None:
        return self._holes[0].start if self._holes else None

    def offer(self, rows: Sequence[Row]) -> None:
        """Rows that came unasked, one after the other, fill holes."""
        if rows:
            self._offer(rows, rows[0].index)

    def _offer(self, rows: Sequence[Row], start: int) -> None:
        first, stop = rows[0].index, rows[-1].index + 1
        holes, self._holes = self._holes, []
        for hole in holes:
            part = range(max(hole.start, start), min(hole.stop, stop))
            if not part:
                self._holes.append(hole)
                continue
            self._put(part.start, rows[part.start - first : part.stop - first])
            for rest in (range(hole.start, part.start), range(part.stop, hole.stop)):
                if rest:
                    self._holes.append(rest)

    def _failed(self, wanted: range) -> None:
        """Read again in smaller pieces, so that one row that cannot be read costs one row."""
        self._failures[wanted.start] += 1
        if len(wanted) == 1 and self._failures[wanted.start] > GIVE_UP_AFTER + 2:
            self._ready[wanted.start] = Lost(1, trimmed=False)
            del self._failures[wanted.start]
        else:
            self._hole(wanted)

    def _put(self, start: int, rows: Sequence[Row]) -> None:
        if rows:
            self._ready[start] = rows

    def _hole(self, hole: range) -> None:
        if not hole:
            return
        if not self._holes or self._holes[-1].stop <= hole.start:
            self._holes.append(hole)
        else:
            self._holes.insert(bisect_right([other.start for other in self._holes], hole.start), hole)

    # -- what is in order -------------------------------------------------------------------------------------------

    def drain(self) -> Iterator[Sequence[Row] | Lost]:
        """What can be handed on now. A lost stretch waits until the terminal itself says that it is gone: an erased
        history looks the same in a reply, and may be printed again.
        """
        while (piece := self._ready.get(self.next)) is not None:
            if isinstance(piece, Lost) and piece.trimmed and self.oldest < self.next + piece.size:
                return
            del self._ready[self.next]
            self.next += _size(piece)
            yield piece

    @property
    def has_next(self) -> bool:
        """`drain` would hand on something, or wait for the terminal's word."""
        return self.next in self._ready

    @property
    def ready_to(self) -> int:
        """Up to here, `drain` would hand on rows."""
        at = self.next
        while (piece := self._ready.get(at)) is not None and not isinstance(piece, Lost):
            at += len(piece)
        return at

    @property
    def wants_dims(self) -> bool:
        """A reply showed that rows are gone, and no push has said so yet."""
        piece = self._ready.get(self.next)
        return isinstance(piece, Lost) and piece.trimmed and self.oldest < self.next + piece.size

    def rest(self, stop: int) -> Iterator[Sequence[Row] | Lost]:
        """Everything to *stop*, where it cannot be read any more: what is not ready is lost. A piece may reach beyond."""
        stop = min(stop, self.end)
        while self.next < stop:
            piece = self._ready.pop(self.next, None)
            if piece is None:
                later = min((start for start in self._ready if start > self.next), default=stop)
                piece = Lost(min(later, stop) - self.next)
            self.next += _size(piece)
            yield piece
