"""The compactions of one session: what the screen shows and what its file says of one are one."""

from __future__ import annotations

from collections.abc import Iterable

from wa.detect.session_ops import NoteCompaction, Operation, SessionRef
from wa.protocol.session_files import Compacted

MERGE_MS = 15_000
"""Between the two tellings of one compaction. Seen below 1 s; a busy machine draws late."""
LONGEST_MS = 1_800_000
"""So long one that was seen running may take."""


class _Known:
    def __init__(self, note: NoteCompaction, begun_ms: int, *, shown: bool) -> None:
        self.note = note
        self.begun_ms = begun_ms
        self.is_running = False
        self.shown = shown
        self.filed_ms: int | None = None
        """When its file says that it was."""

    def off_ms(self, at_ms: int) -> int | None:
        """How far from it *at_ms* is; None: too far to be of it."""
        end_ms = self.begun_ms + LONGEST_MS if self.is_running else self.note.at_ms
        off_ms = max(self.begun_ms - at_ms, at_ms - end_ms, 0)
        return off_ms if off_ms <= MERGE_MS else None


class Compactions:
    def __init__(self, session: SessionRef, known: Iterable[NoteCompaction] = ()) -> None:
        self._session = session
        # Who told of those is not remembered: their file tells them again, the screen does not.
        self._known = [_Known(note, note.at_ms, shown=True) for note in known]

    @property
    def shown(self) -> int:
        """How many the screen told of."""
        return sum(one.shown for one in self._known)

    def running(self, at_ms: int, trigger: str | None, before: int | None, after: int | None) -> list[Operation]:
        for one in self._known:
            one.is_running = False
        known = self._begin(at_ms, shown=True)
        known.is_running = True
        return self._noted(known, at_ms, trigger, before, after)

    def done(self, at_ms: int, trigger: str | None, before: int | None, after: int | None) -> list[Operation]:
        """Told by the screen: of the one that was seen running, or that only the file told of; else of another one."""
        known = next((one for one in self._known if one.is_running), None)
        if known is None:
            known = self._nearest(at_ms, [one for one in self._known if not one.shown])
        if known is None:
            known = self._begin(at_ms, shown=True)
        known.shown, known.is_running = True, False
        if known.filed_ms is not None:
            # The file is exact where the screen rounds.
            said = known.note
            trigger, before, after = said.trigger or trigger, _either(said.before, before), _either(said.after, after)
        return self._noted(known, at_ms, trigger, before, after)

    def hooked(self, at_ms: int, trigger: str | None) -> list[Operation]:
        """Told by the agent's hook, and by nobody else in time: of the one that is known by now, or else of another one."""
        known = next((one for one in self._known if one.is_running), None) or self._nearest(at_ms, self._known)
        if known is not None:
            known.is_running = False
            return []
        return self._noted(self._begin(at_ms, shown=False), at_ms, trigger, None, None)

    def filed(self, said: Compacted, *, alone: bool) -> list[Operation] | None:
        """Told by the session's file. Not *alone*: None while the screen has not told of it too."""
        if said.at_ms is None:
            return []
        known = next((one for one in self._known if one.filed_ms == said.at_ms), None)
        if known is None:
            known = self._nearest(said.at_ms, [one for one in self._known if one.filed_ms is None])
        if known is None and not alone:
            return None
        is_new = known is None
        known = known or self._begin(said.at_ms, shown=False)
        known.filed_ms = said.at_ms
        before = known.note
        noted = self._noted(known, before.at_ms, said.trigger, said.before, said.after)
        return noted if is_new or known.note != before else []

    def _nearest(self, at_ms: int, among: list[_Known]) -> _Known | None:
        found = [(off_ms, -one.note.compaction, one) for one in among if (off_ms := one.off_ms(at_ms)) is not None]
        return min(found, key=lambda entry: entry[:2])[2] if found else None

    def _begin(self, at_ms: int, *, shown: bool) -> _Known:
        number = 1 + max((one.note.compaction for one in self._known), default=0)
        known = _Known(NoteCompaction(self._session, number, at_ms, None, None, None), at_ms, shown=shown)
        self._known.append(known)
        return known

    def _noted(
        self, known: _Known, at_ms: int, trigger: str | None, before: int | None, after: int | None
    ) -> list[Operation]:
        old = known.note
        known.note = old._replace(
            at_ms=at_ms,
            trigger=trigger or old.trigger,
            before=_either(before, old.before),
            after=_either(after, old.after),
        )
        return [known.note]


def _either(new: int | None, known: int | None) -> int | None:
    return known if new is None else new
