"""Which of the things that a pane shows are new."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from wa.model.agent import Detection

KEPT = 64
REMEMBERED = 512


class News:
    """Compares each reading with the one before: rows scroll, are wrapped anew, painted again, and say nothing new by that.

    Records are compared as a sequence, so that a second turn that took as long as the first counts. What is found above the newest
    known record is new only if nothing like it was seen in this session: history that a program prints again is old.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._before: list[str] = []
        self._present: frozenset[str] = frozenset()
        self._seen: deque[str] = deque(known, REMEMBERED)
        self._told_ms: dict[str, int] = {}
        self._first = True

    def forget(self) -> None:
        """Another session: what was said before may be said again."""
        self._before, self._present = [], frozenset()
        self._seen.clear()
        self._told_ms.clear()

    def of(self, detections: Sequence[Detection], at_ms: int) -> list[Detection]:
        """What is new in *detections*, which come from the top down."""
        records = [detection for detection in detections if not detection.present]
        present = [detection for detection in detections if detection.present]
        fresh = [record for record in self._records(records) if self._untold(record, at_ms)]
        fresh += [
            one
            for one in present
            if one.event not in ("state.idle", "turn.working") and one.identity not in self._present
        ]
        self._present = frozenset(one.identity for one in present)
        return fresh

    def _records(self, records: list[Detection]) -> list[Detection]:
        names = [record.identity for record in records]
        if names == self._before:
            return []
        matcher = SequenceMatcher(a=self._before, b=names, autojunk=False)
        matched: set[int] = set()
        for block in matcher.get_matching_blocks():
            matched.update(range(block.b, block.b + block.size))
        newest = max(matched, default=-1)
        first, self._first = self._first, False
        fresh = []
        for at, record in enumerate(records):
            if at in matched:
                continue
            known = names[at] in self._seen
            if not known or (at > newest and self._before and not first):
                fresh.append(record)
        for name in names:
            if name not in self._seen:
                self._seen.append(name)
        self._before = names[-KEPT:]
        return fresh

    def _untold(self, record: Detection, at_ms: int) -> bool:
        """Not told within the window in which it counts as the same."""
        told = self._told_ms.get(record.identity)
        if told is not None and record.window_ms and at_ms - told < record.window_ms:
            return False
        self._told_ms[record.identity] = at_ms
        return True
