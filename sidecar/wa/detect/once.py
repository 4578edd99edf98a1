"""Which readings are new: the same words stay on a screen for hours, and are painted again.

What happened and stays true is one event for as long as its session lasts, or for the window its rule names. What is
true of this moment is one event until the state it belongs to is over. The end of a turn may read the same each time: it
is a new one once a turn has begun since, and it stands further down or was out of sight. Banners and exit texts of an
earlier session stay that session's for as long as they stay in sight.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from wa.model.agent import Detection, FieldValue, PaneState

MOST = 4096
"""Identities kept; beyond, those read longest ago go."""

_REPEATED = frozenset({"turn.done", "turn.interrupted", "compaction.done"})
"""Ends, which may read the same each time."""
_CARRIED = frozenset({"session.start", "session.end", "session.resume_hint"})
_STATE_OF = {
    "turn.working": PaneState.WORKING,
    "state.idle": PaneState.IDLE,
    "compaction.running": PaneState.COMPACTING,
}
_STANDS_BESIDE = frozenset({"usage.popup", "usage.autoresume", "auth.paste_code", "background.tasks"})
"""True beside several states; over when work goes on or the agent is gone."""
_NEW_CHAPTER = frozenset({PaneState.WORKING, PaneState.EXITED, PaneState.SHELL, PaneState.STARTING})
_VOLATILE = frozenset({"selected", "elapsed_s", "tokens", "verb", "wait"})
"""Fields that change while the thing stays the same: a marker moved, a counter ran."""

Clean = Callable[[Detection], Detection]


def identity(detection: Detection) -> str:
    """Begins with the event. Equal for two readings of one thing, also where a counter in it has run on."""
    lasting: Mapping[str, FieldValue] = detection.fields
    if detection.event in ("turn.working", "state.idle"):
        lasting = {}
    elif detection.present or detection.event == "rate.retry":
        lasting = {name: value for name, value in lasting.items() if name not in _VOLATILE}
    return f"{detection._replace(fields=lasting).identity}|{detection.agent}"


@dataclass(slots=True)
class _Read:
    first_ms: int
    """When it was taken for new."""
    last_ms: int
    row: int | None


@dataclass(slots=True)
class _Shown:
    """Of one event that is true of the moment: what the last look showed, and the one before."""

    look_ms: int
    now: set[str]
    before: set[str]


class Once:
    """*clean* takes secrets out. What was recorded is known without them, so that a restart knows it again.

    Readings with the same `at_ms` are of one look, which shows all that is in sight.
    """

    def __init__(self, clean: Clean) -> None:
        self._clean = clean
        self._names: dict[str, str] = {}
        """Identities as read, and without secrets."""
        self._read: dict[str, _Read] = {}
        self._earlier: dict[str, _Read] = {}
        """Banners and exit texts of sessions before this one."""
        self._shown: dict[str, _Shown] = {}
        self._is_over = False
        """The newest session has ended."""
        self._looks = (-1, -1)
        """The look before the newest, and the newest."""

    def restore(self, recorded: Iterable[str], shown: Iterable[tuple[str, str]], at_ms: int) -> None:
        """What an earlier run recorded in its newest session; *shown* are pairs of event and identity."""
        self._looks = (-1, at_ms)
        self._read.update({name: _Read(at_ms, at_ms, None) for name in recorded})
        for event, name in shown:
            self._shown.setdefault(event, _Shown(at_ms, set(), set())).now.add(name)

    def new(self, found: Detection, at_ms: int, row: int | None, begun_ms: int | None) -> Detection | None:
        """*found* without secrets, or None where it was recorded before.

        *begun_ms*: when the newest turn or compaction began.
        """
        if found.event.startswith("command."):
            # Told by the shell when it happens, not read off a screen.
            return self._clean(found)
        if at_ms != self._looks[1] and found.place.first_row is not None:
            self._looks = self._looks[1], at_ms
        name = self._name(found)
        if found.present:
            is_new = self._is_new_now(found.event, name, at_ms)
        elif (known := self._read.get(name)) is not None:
            is_new = self._is_again(found, known, at_ms, row, begun_ms)
            self._see(known, at_ms, row, is_new=is_new)
        elif (known := self._earlier.get(name)) is not None and self._is_still_there(known, row):
            is_new = False
            # The row stays: only what stands below it is another one's.
            known.last_ms = at_ms
        else:
            is_new = True
            self._earlier.pop(name, None)
            self._make_room()
            self._read[name] = _Read(at_ms, at_ms, row)
        return self._clean(found) if is_new else None

    def state_became(self, state: PaneState) -> None:
        def goes_on(event: str) -> bool:
            if event in _STANDS_BESIDE:
                return state not in _NEW_CHAPTER
            own = _STATE_OF.get(event)
            return own is state if own is not None else event == state.value or not event.startswith("waiting.")

        self._shown = {event: shown for event, shown in self._shown.items() if goes_on(event)}

    def session_ended(self) -> None:
        """Its banner stays its own while it is in sight; the same one later is another session's."""
        self._carry({"session.start"})
        self._is_over = True

    def session_began(self, said: Detection | None = None) -> None:
        """What the one before said may be said again. *said*, read already, is this one's."""
        self._carry(_CARRIED)
        own = None if said is None else self._name(said)
        known = None if own is None else self._read.get(own) or self._earlier.get(own)
        self._read = {}
        if own is not None and known is not None:
            self._read[own] = known
            self._earlier.pop(own, None)
        self._names.clear()
        self._is_over = False

    def _carry(self, events: Collection[str]) -> None:
        carried = {name: known for name, known in self._read.items() if name.partition("|")[0] in events}
        self._earlier = carried if len(self._earlier) > MOST else {**self._earlier, **carried}
        self._read = {name: known for name, known in self._read.items() if name not in carried}

    def _is_new_now(self, event: str, name: str, at_ms: int) -> bool:
        shown = self._shown.setdefault(event, _Shown(at_ms, set(), set()))
        if shown.look_ms != at_ms:
            shown.look_ms, shown.before, shown.now = at_ms, shown.now, set()
        if name in shown.now:
            return False
        shown.now.add(name)
        return name not in shown.before

    def _is_again(self, found: Detection, known: _Read, at_ms: int, row: int | None, begun_ms: int | None) -> bool:
        """The same words once more in one session: has it happened again?"""
        if found.window_ms:
            is_same_row = row is not None and row == known.row
            return not is_same_row and at_ms - known.last_ms > found.window_ms
        if found.event not in _REPEATED or begun_ms is None or begun_ms <= known.first_ms:
            return False
        return not self._is_still_there(known, row)

    def _is_still_there(self, known: _Read, row: int | None) -> bool:
        if row is not None and known.row is not None and not self._is_over:
            return row <= known.row
        return known.last_ms in self._looks

    @staticmethod
    def _see(known: _Read, at_ms: int, row: int | None, *, is_new: bool) -> None:
        known.last_ms = at_ms
        known.row = known.row if row is None else row
        if is_new:
            known.first_ms = at_ms

    def _name(self, found: Detection) -> str:
        raw = identity(found)
        name = self._names.get(raw)
        if name is None:
            if len(self._names) >= MOST:
                self._names.clear()
            name = self._names[raw] = identity(self._clean(found))
        return name

    def _make_room(self) -> None:
        if len(self._read) >= MOST:
            newest = sorted(self._read, key=lambda name: self._read[name].last_ms)[MOST // 2 :]
            self._read = {name: self._read[name] for name in newest}
