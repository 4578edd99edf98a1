"""Which readings are new: the same words stay on a screen for hours, and are painted again.

What happened and stays true is one event for as long as its session lasts, or for the window its rule names. Limits, errors
and the ends of turns may read the same each time: such a one is new once a turn has begun since, and it stands further down
than any before, or was out of sight. Rows say nothing of that where all of them have moved, and just after a pane was given
another size, when agents lay out or print again all that they said: there what stands in the order in which it was recorded
is not new. What is true of this moment is one event until the state it belongs to is over.
Banners and exit texts of an earlier session stay that session's: while they are in sight, and where they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from wa.model.agent import Detection, FieldValue, PaneState

MOST_ENDS = 200
MOST = 4096
"""Identities kept; beyond, those read longest ago go."""

_REPEATED = frozenset({"turn.done", "turn.interrupted", "compaction.done", "usage.limit"})
_CARRIED = frozenset({"session.start", "session.end", "session.resume_hint"})
_STATE_OF = {
    "turn.working": PaneState.WORKING,
    "state.idle": PaneState.IDLE,
    "compaction.running": PaneState.COMPACTING,
}
_STANDS_BESIDE = frozenset({"usage.popup", "usage.autoresume", "auth.paste_code", "background.tasks"})
"""True beside several states; over when work goes on or the agent is gone."""
_BEFORE_LIFE = frozenset({PaneState.STARTING, PaneState.UNKNOWN, PaneState.EXITED, PaneState.SHELL})
_NEW_CHAPTER = frozenset({PaneState.WORKING, PaneState.EXITED, PaneState.SHELL, PaneState.STARTING})
_VOLATILE = frozenset({"selected", "elapsed_s", "tokens", "verb", "wait"})
"""Fields that change while the thing stays the same: a marker moved, a counter ran."""

_NAMES_A_DIALOG = frozenset({"question", "command", "path"})
"""Where one is printed, the options are no part of what the dialog is: agents paint them one after another, and again."""

Clean = Callable[[Detection], Detection]


def identity(detection: Detection) -> str:
    """Begins with the event. Equal for two readings of one thing, also where a counter in it has run on."""
    lasting: Mapping[str, FieldValue] = detection.fields
    if detection.event in ("turn.working", "state.idle"):
        lasting = {}
    elif detection.present or detection.event == "rate.retry":
        volatile = _VOLATILE if _NAMES_A_DIALOG.isdisjoint(lasting) else _VOLATILE | {"options"}
        lasting = {name: value for name, value in lasting.items() if name not in volatile}
    return f"{detection._replace(fields=lasting).identity}|{detection.agent}"


def _repeats(event: str) -> bool:
    return event in _REPEATED or event.startswith("error.")


def _recorded(shown: Sequence[str], ends: list[str]) -> list[str]:
    """Which of *shown* were recorded: all where it ends as *ends* does, else those that it begins with as some end of that."""
    shown = list(dict.fromkeys(reversed(shown)))[::-1]  # each where it stands lowest
    # Gemini CLI tells a limit in a box, and boxes close.
    ends = [name for name in ends if name in shown or not name.startswith("usage.limit|")]
    least = min(len(shown), len(ends))
    if least and shown[-least:] == ends[-least:]:
        return shown
    return next((shown[:size] for size in range(least, 0, -1) if shown[:size] == ends[-size:]), [])


def _moved(before: list[tuple[str, int | None]], now: list[tuple[str, int | None]]) -> bool:
    """Something above the lowest stands elsewhere than it did: rows are counted anew. The lowest may be another in the same words."""
    known, stood = {name for name, _ in before}, set(before)
    return any(one[0] in known and one not in stood and one[0] != now[-1][0] for one in now)


def _stands(before: list[tuple[str, int | None]], now: list[tuple[str, int | None]]) -> bool:
    """All stands where it stood, some of it perhaps gone at the top, and at most one more below."""
    return any(
        now[: len(before) - gone] == before[gone:] and len(now) <= len(before) - gone + 1 for gone in range(len(before))
    )


@dataclass(slots=True)
class _Read:
    look: int
    """The number of the look that last showed it."""
    last_ms: int
    row: int | None
    """The lowest that it was seen at."""
    recorded_in: int
    """How many turns and compactions had begun in its session when it was recorded; then, when it was last read."""
    read_in: int


@dataclass(slots=True)
class _Shown:
    """Of one event that is true of the moment: what the newest look with it showed, and the one before."""

    look: int
    now: set[str]
    before: set[str]


class Once:
    """*clean* takes secrets out. What was recorded is known without them, so that a restart knows it again."""

    def __init__(self, clean: Clean) -> None:
        self._clean = clean
        self._names: dict[str, str] = {}
        """Identities as read, and without secrets."""
        self._read: dict[str, _Read] = {}
        self._earlier: dict[str, _Read] = {}
        """Banners and exit texts of sessions before this one."""
        self._shown: dict[str, _Shown] = {}
        self._look = 0
        self._ends: list[str] = []
        """What may be said again, each once, as it was recorded last."""
        self._stood: list[tuple[str, int | None]] = []
        """What the newest look showed of that, and where."""
        self._old: set[str] = set()
        """In the look under way: they were recorded, whatever their rows say."""
        self._was_relaid = False
        """The rows of the look before may have been new ones: the next one is the first to show where they came to rest."""
        self._is_over = False
        """The newest session has ended."""
        self._is_live = False
        """It has shown a state of its own."""

    def restore(
        self, recorded: Mapping[str, int | None], shown: Iterable[tuple[str, str]], at_ms: int, begun: int
    ) -> None:
        """What an earlier run recorded in its newest session; *shown* are pairs of event and identity."""
        self._ends = [name for name in recorded if _repeats(name.partition("|")[0])]
        self._read.update({name: _Read(self._look, at_ms, row, begun, begun) for name, row in recorded.items()})
        for event, name in shown:
            self._shown.setdefault(event, _Shown(self._look, set(), set())).now.add(name)

    def look(
        self, shown: Sequence[Detection] = (), rows: Sequence[int | None] | None = None, *, relaid: bool = False
    ) -> None:
        """What is read from now on is what another look shows, *shown*, from the top down. *relaid*: its rows may be new ones."""
        self._look += 1
        self._old = set()
        before, self._stood = (
            self._stood,
            [
                (self._name(one), None if rows is None else rows[place])
                for place, one in enumerate(shown)
                if _repeats(one.event)
            ],
        )
        relaid, self._was_relaid = relaid or self._was_relaid, relaid
        if (relaid and not _stands(before, self._stood)) or _moved(before, self._stood):
            self._old = set(_recorded([name for name, _ in self._stood], self._ends))

    def new(self, found: Detection, at_ms: int, row: int | None, begun: int) -> Detection | None:
        """*found* without secrets, or None where it was recorded before.

        *begun*: how many turns and compactions have begun in the session.
        """
        if found.event.startswith("command."):
            # Told by the shell when it happens, not read off a screen.
            return self._clean(found)
        name = self._name(found)
        if name in self._old:
            if (known := self._read.get(name)) is not None:
                self._see(known, at_ms, None)
                known.row, known.read_in = row, begun
            return None
        if found.present:
            is_new = self._is_new_now(found.event, name)
        elif (known := self._read.get(name)) is not None:
            is_new = self._is_again(found, known, at_ms, row, begun)
            self._see(known, at_ms, row)
            known.read_in = begun
            known.recorded_in = begun if is_new else known.recorded_in
        elif (known := self._earlier.get(name)) is not None and not self._is_own(found, known, row):
            is_new = False
            self._see(known, at_ms, None)
        else:
            is_new = True
            self._make_room()
            self._earlier.pop(name, None)
            self._read[name] = _Read(self._look, at_ms, row, begun, begun)
        if is_new and _repeats(found.event):
            self._ends = [*(one for one in self._ends[-MOST_ENDS:] if one != name), name]
        return self._clean(found) if is_new else None

    def caused(self, found: Detection, begun: int) -> None:
        """What was new has begun a turn or a compaction of itself; so many have begun now."""
        if (known := self._read.get(self._name(found))) is not None:
            known.recorded_in = known.read_in = begun

    def state_became(self, state: PaneState) -> None:
        def goes_on(event: str) -> bool:
            if event in _STANDS_BESIDE:
                return state not in _NEW_CHAPTER
            own = _STATE_OF.get(event)
            return own is state if own is not None else event == state.value or not event.startswith("waiting.")

        self._shown = {event: shown for event, shown in self._shown.items() if goes_on(event)}
        self._is_live = self._is_live or state not in _BEFORE_LIFE

    def session_ended(self) -> None:
        """Its banner stays its own while it is in sight."""
        self._carry({"session.start"})
        self._is_over = True

    def session_began(self, said: Detection | None = None) -> None:
        """What the one before said may be said again. *said*, read already, is this one's."""
        self._carry(_CARRIED)
        own = None if said is None else self._name(said)
        known = None if own is None else self._read.get(own) or self._earlier.get(own)
        self._read, self._ends = {}, []
        if own is not None and known is not None:
            self._read[own] = known
            self._earlier.pop(own, None)
        self._names.clear()
        self._is_over = self._is_live = False

    def _is_own(self, found: Detection, known: _Read, row: int | None) -> bool:
        """The words of an earlier session: are they said by this one now?"""
        if self._is_over and found.event == "session.start":
            return False
        if row is not None and known.row is not None and row > known.row:
            return True
        return not self._is_in_sight(found, known) and (found.event == "session.start" or self._is_live)

    def _is_again(self, found: Detection, known: _Read, at_ms: int, row: int | None, begun: int) -> bool:
        """The same words once more in one session: has it happened again?"""
        rows_known = row is not None and known.row is not None
        if found.window_ms:
            return not (rows_known and row == known.row) and at_ms - known.last_ms > found.window_ms
        if not _repeats(found.event):
            return False
        if begun <= known.recorded_in:
            return False
        if row is not None and known.row is not None:
            return row > known.row
        return not self._is_in_sight(found, known) and begun > known.read_in

    def _is_in_sight(self, found: Detection, known: _Read) -> bool:
        """It was there at the last look too. What is told by a file or a process is in sight of nobody."""
        return found.place.first_row is not None and known.look >= self._look - 1

    def _see(self, known: _Read, at_ms: int, row: int | None) -> None:
        known.look, known.last_ms = self._look, at_ms
        if row is not None:
            known.row = row if known.row is None else max(row, known.row)

    def _carry(self, events: Collection[str]) -> None:
        carried = {name: known for name, known in self._read.items() if name.partition("|")[0] in events}
        self._earlier = carried if len(self._earlier) > MOST else {**self._earlier, **carried}
        self._read = {name: known for name, known in self._read.items() if name not in carried}

    def _is_new_now(self, event: str, name: str) -> bool:
        shown = self._shown.setdefault(event, _Shown(self._look, set(), set()))
        if shown.look != self._look:
            shown.look, shown.before, shown.now = self._look, shown.now, set()
        if name in shown.now:
            return False
        shown.now.add(name)
        return name not in shown.before

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
