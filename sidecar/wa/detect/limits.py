"""The limits of one session: noted once, filled in as more is printed, lifted when work goes on."""

from __future__ import annotations

from collections.abc import Iterable

from wa.detect.session_ops import LiftLimit, NoteLimit, Operation, SessionRef
from wa.model.agent import Limit

SAME_RESET_MS = 90_000
"""Resets are printed to the minute, and relative ones are reckoned from when they were read."""
SAME_NOTICE_MS = 10_000
"""A row, a footer and a menu tell of one limit within so long."""


class Limits:
    def __init__(self, session: SessionRef, known: Iterable[NoteLimit] = (), *, lifted: bool = True) -> None:
        self._session = session
        self._known = list(known)
        self._active = [] if lifted else [one.limit for one in self._known]

    def note(
        self,
        at_ms: int,
        *,
        printed: str,
        window: str | None = None,
        model: str | None = None,
        kind: str | None = None,
        resets_ms: int | None = None,
        plan: str | None = None,
        resumes_itself: bool = False,
    ) -> list[Operation]:
        new = NoteLimit(self._session, 0, at_ms, window, model, printed, kind, resets_ms, plan, resumes_itself)
        for place, known in enumerate(self._known):
            if self._is_same(known, new):
                merged = _merged(known, new)
                is_back = known.limit not in self._active
                if merged == known and not is_back:
                    return []
                self._known[place] = merged
                if is_back:
                    self._active.append(known.limit)
                return [merged]
        new = new._replace(limit=1 + max((one.limit for one in self._known), default=0))
        self._known.append(new)
        self._active.append(new.limit)
        return [new]

    def state(self, limit: Limit, at_ms: int) -> list[Operation]:
        """The pane's state carries it."""
        if self._active and not limit.printed and limit.until_ms is None:
            return self.resumes_itself() if limit.resumes_itself else []
        return self.note(
            at_ms,
            printed=limit.printed,
            window=limit.window,
            kind="none" if limit.until_ms is None and not limit.printed else None,
            resets_ms=limit.until_ms,
            plan=limit.plan,
            resumes_itself=limit.resumes_itself,
        )

    def again(self) -> list[Operation]:
        """Limited, in words that were read before: the newest one was not lifted after all."""
        if self._active or not self._known:
            return []
        self._active.append(self._known[-1].limit)
        return [self._known[-1]]

    def resumes_itself(self) -> list[Operation]:
        """The agent said that it goes on by itself."""
        changed: list[Operation] = []
        for place, known in enumerate(self._known):
            if known.limit in self._active and not known.resumes_itself:
                self._known[place] = known._replace(resumes_itself=True)
                changed.append(self._known[place])
        return changed

    def lift(self, at_ms: int) -> list[Operation]:
        active, self._active = self._active, []
        return [LiftLimit(self._session, number, at_ms) for number in active]

    def _is_same(self, known: NoteLimit, new: NoteLimit) -> bool:
        for one, other in ((known.window, new.window), (known.model, new.model)):
            if one is not None and other is not None and one.casefold() != other.casefold():
                return False
        if known.resets_ms is not None and new.resets_ms is not None:
            return abs(known.resets_ms - new.resets_ms) <= SAME_RESET_MS
        if known.printed and known.printed == new.printed:
            return True
        return known.limit in self._active and abs(new.at_ms - known.at_ms) <= SAME_NOTICE_MS


def _merged(known: NoteLimit, new: NoteLimit) -> NoteLimit:
    return known._replace(
        window=known.window or new.window,
        model=known.model or new.model,
        printed=known.printed or new.printed,
        kind=new.kind if known.kind in (None, "none") and new.kind is not None else known.kind,
        resets_ms=known.resets_ms if known.resets_ms is not None else new.resets_ms,
        plan=known.plan or new.plan,
        resumes_itself=known.resumes_itself or new.resumes_itself,
    )
