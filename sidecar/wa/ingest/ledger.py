"""What the tracker hands out: positions, the segments and gaps of one feed, and a memory of the rows it stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from wa.model.log import Effect, Gap, GapReason, RowKind, Segment
from wa.model.screen import Row

REMEMBERED_KEYS = 4096
"""Stored rows that a history printed again is compared with. 8 bytes each."""
REMEMBERED_ROWS = 400
"""Stored rows kept with their text, as many as the store gives back after a restart."""
MAX_RUNS = 32
MERGE_UP_TO = 512
"""Rows of one feed that follow each other become one Segment up to this size."""

BLANK = hash("")
UNREAD = Row(-1, "")
"""Stands where a row was whose text nobody has read. Known by its identity."""
UNKNOWN = hash("\n")
"""Its key, which agrees with every other."""


def key(text: str) -> int:
    """Equal for rows that read the same; trailing blanks do not count. Differs between two runs of the process."""
    return hash(text.rstrip())


def keys(rows: Iterable[Row]) -> list[int]:
    return [UNKNOWN if row is UNREAD else key(row.text) for row in rows]


def is_blank(row: Row) -> bool:
    return not row.text or row.text.isspace()


class Ledger:
    """The only maker of Segments and Gaps, so that positions are given out once."""

    def __init__(self, next_row: int = 0, rows_lost: int = 0, tail: Sequence[Row] = ()) -> None:
        self.next_row = next_row
        self.rows_lost = rows_lost
        self.rows: deque[Row] = deque(tail, REMEMBERED_ROWS)
        """Of the primary screen: what an alternate screen showed never comes back in a history."""
        self.keys: deque[int] = deque((key(row.text) for row in tail), REMEMBERED_KEYS)
        self.runs: deque[tuple[bool, int]] = deque(maxlen=MAX_RUNS)
        """Newest stored rows by where they come from: (an alternate screen, how many), oldest first."""
        self.effects: list[Effect] = []
        self._whole = next_row == 0

    def store(self, rows: Sequence[Row], at_ms: int, kind: RowKind = RowKind.OUTPUT, *, numbered: bool = True) -> None:
        """*numbered* False: the rows' indices are those of an alternate screen and name nothing."""
        if not rows:
            return
        last = self.effects[-1] if self.effects else None
        if (
            isinstance(last, Segment)
            and last.kind is kind
            and last.at_ms == at_ms
            and len(last.rows) + len(rows) <= MERGE_UP_TO
        ):
            self.effects[-1] = last._replace(rows=(*last.rows, *rows))
        else:
            self.effects.append(Segment(self.next_row, tuple(rows), at_ms, kind))
        self.next_row += len(rows)
        if numbered:
            self.keys.extend([hash(row[1].rstrip()) for row in rows])
            self.rows.extend(rows[-REMEMBERED_ROWS:])
        self.count(not numbered, len(rows))

    def insert(self, rows: Sequence[Row], older: int, history: Sequence[Row], at_ms: int) -> None:
        """*rows* belong in between rows that are stored, where a log that only grows has no place for them. Remembered
        is the order of the history: the first *older* of `keys`, then *history*.
        """
        known_keys, known_rows = list(self.keys), list(self.rows)
        self.store(rows, at_ms)
        with_text = older - (len(known_keys) - len(known_rows))
        self.keys = deque([*known_keys[:older], *keys(history)], REMEMBERED_KEYS)
        self.rows = deque([*known_rows[: max(0, with_text)], *history], REMEMBERED_ROWS)

    @property
    def whole(self) -> bool:
        """Every row of the primary screen that was ever stored is among `keys`."""
        return self._whole and len(self.keys) < REMEMBERED_KEYS

    def count(self, of_alternate: bool, rows: int) -> None:
        if self.runs and self.runs[-1][0] is of_alternate:
            rows += self.runs.pop()[1]
        self.runs.append((of_alternate, min(rows, REMEMBERED_ROWS)))

    def gap(self, missing: int | None, reason: GapReason, at_ms: int) -> None:
        """*missing* 0 is no gap. One gap directly after another of the same kind is the same gap."""
        if missing == 0:
            return
        last = self.effects[-1] if self.effects else None
        if isinstance(last, Gap) and last.reason is reason and (last.missing is None) is (missing is None):
            both = None if last.missing is None or missing is None else last.missing + missing
            self.effects[-1] = last._replace(missing=both)
        else:
            self.effects.append(Gap(self.next_row, missing, reason, at_ms))
        self.next_row += missing or 0
        self.rows_lost += missing or 0

    def take(self) -> list[Effect]:
        effects, self.effects = self.effects, []
        return effects
