"""The end of one pane's log as the Writer holds it in memory.

Rows gather in an open chunk, which is rewritten with each commit and not indexed; once it is whole it is closed and
indexed, once. So a pane that prints a row at a time leaves no thousands of chunks, and costs the index no more than a
burst does.

The last logical line may still go on (its last row is wrapped). Its rows so far are kept as they were printed, here
and nowhere else: when more of it comes, the joined line is redacted anew, and rows of it in the open chunk are
rewritten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import itemgetter

from wa.model.log import RowKind
from wa.model.screen import Row
from wa.store.chunks import Chunk, Cut, Run, cut, encode, is_accented
from wa.store.redact import NEUTRAL, Carry, redact_rows

# Half the time of an attribute; this is done for every row.
_TEXT: Callable[[Row], str] = itemgetter(Row._fields.index("text"))
_WRAPPED: Callable[[Row], bool] = itemgetter(Row._fields.index("wrapped"))
HOLD_ROWS = 16
HOLD_BYTES = 4096
"""So much of an open line stays in the open chunk, where it can still be rewritten."""
LINE_CONTEXT = 16_384
"""So many characters of an open line are remembered as printed; no secret is longer."""


@dataclass(slots=True)
class PaneLog:
    """Changed only through its methods, on a copy that replaces it after the commit."""

    pane: int
    next_row: int = 0
    kind: str = RowKind.OUTPUT
    continues: bool = False
    """The open chunk begins inside a logical line."""
    texts: list[str] = field(default_factory=list)
    """The open chunk's rows, redacted; the last of them stands at next_row - 1."""
    wraps: list[bool] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    """The open line's rows as printed; some of the first may stand in closed chunks. Empty: no line is open."""
    line_stored: int = 0
    """So many of them are known redacted only: they come from the database."""
    carry: Carry = NEUTRAL
    """What stood before the open line means for it and what follows."""
    is_torn: bool = False
    """What stands before the next row is not known."""
    is_forgotten: bool = False
    """The user had all rows deleted; the next row's position may be any."""

    def copy(self) -> PaneLog:
        return replace(self, texts=self.texts[:], wraps=self.wraps[:], runs=self.runs[:], line=self.line[:])

    @property
    def first_ms(self) -> int:
        """When the oldest row of the open chunk was captured; only while it has one."""
        return self.runs[0].at_ms

    def append(self, rows: tuple[Row, ...], at_ms: int, kind: str) -> list[Chunk]:
        """Take rows that stand at `next_row`; answers with the chunks that are whole now."""
        closed: list[Chunk] = []
        if kind != self.kind or kind == RowKind.SCREEN:
            if kind != self.kind:
                closed = self.close()
                self.kind = kind
            # Pages are pictures: no line goes on from one to the next.
            self.break_off()
        if not rows:
            return closed
        self._take(list(map(_TEXT, rows)), list(map(_WRAPPED, rows)))
        if self.runs and self.runs[-1].at_ms == at_ms:
            self.runs[-1] = Run(self.runs[-1].rows + len(rows), at_ms)
        else:
            self.runs.append(Run(len(rows), at_ms))
        self.next_row += len(rows)
        return closed + self._close_whole()

    def _take(self, texts: list[str], wraps: list[bool]) -> None:
        before = len(self.line)
        whole = self.line + texts if before else texts
        marks = [True] * before + wraps if before else wraps
        redacted, self.carry = redact_rows(whole, marks, carry=self.carry, stored=self.line_stored, torn=self.is_torn)
        if held := min(before, self._open_rows()):
            self.texts[-held:] = redacted[before - held : before]
        self.texts += redacted[before:] if before else redacted
        self.wraps += wraps
        self._remember_line(whole, marks)

    def _remember_line(self, whole: list[str], marks: list[bool]) -> None:
        if not marks[-1]:
            self.line, self.line_stored, self.is_torn = [], 0, False
            return
        start = len(marks)
        while start and marks[start - 1]:
            start -= 1
        kept, characters = start, sum(map(len, whole[start:]))
        while characters > LINE_CONTEXT and kept < len(whole) - 1:
            characters -= len(whole[kept])
            kept += 1
        self.line_stored = max(0, self.line_stored - kept) if start == 0 else 0
        self.is_torn = self.is_torn and start == 0 and kept == 0
        self.line = whole[kept:]

    def _open_rows(self) -> int:
        """How many rows of the open chunk belong to the open line."""
        count = 0
        while count < len(self.wraps) and self.wraps[-1 - count]:
            count += 1
        return count

    def break_off(self) -> None:
        """What comes next does not go on from what stands here."""
        self.line, self.line_stored, self.carry, self.is_torn = [], 0, NEUTRAL, True

    def skip(self, missing: int) -> list[Chunk]:
        """Rows are missing here, *missing* of them (0 where nobody knows how many)."""
        closed = self.close()
        self.next_row += missing
        self.continues = False
        self.break_off()
        return closed

    def close(self, *, but_open_line: bool = False) -> list[Chunk]:
        """Make chunks of all rows; with *but_open_line* the newest rows of a line that may go on stay."""
        keep = self._hold() if but_open_line else 0
        rows = len(self.texts) - keep
        if not rows:
            return []
        cuts = [one for one in cut(self.texts, self.wraps, keep) if one.end < rows]
        return self._split([*cuts, Cut(rows, self._is_accented())])

    def _close_whole(self) -> list[Chunk]:
        return self._split(cut(self.texts, self.wraps, self._hold()))

    def _hold(self) -> int:
        rows, characters = 0, 0
        limit = min(self._open_rows(), HOLD_ROWS)
        while rows < limit and (not rows or characters + len(self.texts[-1 - rows]) <= HOLD_BYTES):
            characters += len(self.texts[-1 - rows])
            rows += 1
        return rows

    def _is_accented(self) -> bool:
        return is_accented("".join(self.texts).encode())

    def _split(self, cuts: list[Cut]) -> list[Chunk]:
        """Take the chunks that end at *cuts* out of the open one."""
        chunks: list[Chunk] = []
        start, first = 0, self.next_row - len(self.texts)
        for end, accented in cuts:
            runs = self._take_runs(end - start)
            texts, wraps = self.texts[start:end], self.wraps[start:end]
            about = (self.pane, first + start, self.kind, self.continues)
            chunks.append(encode(*about, texts, wraps, runs, accented=accented))
            self.continues = wraps[-1]
            start = end
        del self.texts[:start], self.wraps[:start]
        return chunks

    def _take_runs(self, rows: int) -> list[Run]:
        taken: list[Run] = []
        while rows:
            count, at_ms = self.runs[0]
            taken.append(Run(min(count, rows), at_ms))
            if count > rows:
                self.runs[0] = Run(count - rows, at_ms)
                break
            del self.runs[0]
            rows -= count
        return taken

    def encoded(self) -> Chunk | None:
        """The open chunk as it is stored."""
        if not self.texts:
            return None
        first = self.next_row - len(self.texts)
        about = (self.pane, first, self.kind, self.continues)
        return encode(*about, self.texts, self.wraps, self.runs, accented=self._is_accented())
