"""When each row of history last changed: WezTerm's sequence number per line, kept as runs of rows with the same one."""

from __future__ import annotations

from typing import NamedTuple


class _Run(NamedTuple):
    start: int
    seqno: int
    newest: int
    """The highest seqno up to here. They mostly grow downwards, so that a search from the end can stop early."""


class Ages:
    """Covers rows `top … end`, gapless."""

    def __init__(self) -> None:
        self.top = self.end = 0
        self._runs: list[_Run] = []
        self._first = 0

    def reset(self, top: int, end: int, seqno: int) -> None:
        """Forgets all: rows `top … end` changed at *seqno*."""
        self.top = self.end = top
        self._runs, self._first = [], 0
        self.append(end, seqno)

    def append(self, end: int, seqno: int) -> None:
        """The rows from the present end to *end* follow."""
        if end <= self.end:
            return
        if len(self._runs) == self._first or self._runs[-1].seqno != seqno:
            newest = max(seqno, self._runs[-1].newest) if len(self._runs) > self._first else seqno
            self._runs.append(_Run(self.end, seqno, newest))
        self.end = end

    def cut(self, end: int) -> None:
        """Rows from *end* on are history no longer."""
        if end >= self.end:
            return
        self.end = max(end, self.top)
        while len(self._runs) > self._first and self._runs[-1].start >= self.end:
            self._runs.pop()

    def touch(self, rows: range, seqno: int) -> None:
        """These rows have changed; for rare events, as it goes through all runs."""
        start, stop = max(rows.start, self.top), min(rows.stop, self.end)
        if start >= stop:
            return
        old = self._runs[self._first :]
        ends = [*(run.start for run in old[1:]), self.end]
        self._runs, self._first, self.end = [], 0, self.top
        for run, end in zip(old, ends, strict=True):
            self.append(min(end, start), run.seqno)
            self.append(min(end, stop), seqno)
            self.append(end, run.seqno)

    def trim(self, top: int) -> None:
        """Rows above *top* are gone."""
        self.top = max(self.top, top)
        if self.top >= self.end:
            self.end = self.top
            self._runs, self._first = [], 0
            return
        runs = self._runs
        while self._first + 1 < len(runs) and runs[self._first + 1].start <= self.top:
            self._first += 1
        if self._first > 1024 and self._first * 2 > len(runs):
            del runs[: self._first]
            self._first = 0

    def since(self, seqno: int) -> tuple[range, ...]:
        """Rows that changed after *seqno*, ascending."""
        found: list[range] = []
        end = self.end
        for at in range(len(self._runs) - 1, self._first - 1, -1):
            run = self._runs[at]
            if run.newest <= seqno:
                break
            if run.seqno > seqno:
                start = max(run.start, self.top)
                if found and found[-1].start == end:
                    found[-1] = range(start, found[-1].stop)
                else:
                    found.append(range(start, end))
            end = run.start
        return tuple(reversed(found))
