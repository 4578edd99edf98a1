"""Events that an agent's hooks and its screen both tell: each counts once (docs/decisions/0062).

The screen has WAIT_MS to tell what a hook has told. Then the hook's word makes the event, and the screen's, if it comes later, does not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from wa.detect.session_ops import NoteEvent, OpenTurn, Operation

WAIT_MS = 2_000
START_MS = 5_000
"""So much earlier than its hook a session's start may be on the screen."""
TWICE_MS = 5_000
"""Between two hooks that tell one start or end of a session and do not name it."""
LATE_MS = 60_000
"""So long after a hook's event the screen's word of the same is still taken for that."""
MOST = 32
REGION = "hook"
"""Of a Detection that a hook has made."""


class Told(NamedTuple):
    agent: str
    event: str
    at_ms: int
    name: str
    """Of the hook."""
    ident: str | None
    """Of the turn or the session, where the agent names it."""
    session_id: str | None
    trigger: str | None = None


class HookEvents:
    """Of one pane."""

    def __init__(self) -> None:
        self._owed: list[Told] = []
        self._heard: deque[Told] = deque(maxlen=MOST)
        """By hooks, lately."""
        self._shown: dict[str, int] = {}
        """By the screen, when last, and no hook has told it."""
        self._made: dict[str, int] = {}

    def told(self, told: Told) -> bool:
        """By a hook. Whether the screen is waited for now."""
        if any(_is_same(told, one) for one in self._heard):
            return False
        self._heard.append(told)
        shown_ms = self._shown.get(told.event)
        before_ms = START_MS if told.event == "session.start" else WAIT_MS
        if shown_ms is not None and shown_ms >= told.at_ms - before_ms:
            del self._shown[told.event]
            return False
        self._owed.append(told)
        return True

    def saw(self, operations: Iterable[Operation]) -> list[Operation]:
        """What the screen has told; without what a hook has made an event of before."""
        kept: list[Operation] = []
        for one in operations:
            if isinstance(one, OpenTurn):
                self._forget_turn(one.at_ms)
            if isinstance(one, NoteEvent) and one.detection.place.region != REGION and not self._is_new(one):
                continue
            kept.append(one)
        return kept

    def due(self, now_ms: int) -> list[Told]:
        """What the screen has not told in time."""
        due = [one for one in self._owed if now_ms - one.at_ms >= WAIT_MS]
        self._owed = [one for one in self._owed if one not in due]
        self._made |= {one.event: now_ms for one in due}
        return due

    def rest(self) -> list[Told]:
        """All that is still waited for: the pane is gone."""
        rest, self._owed = self._owed, []
        return rest

    def _is_new(self, note: NoteEvent) -> bool:
        event = note.detection.event
        owed = next((one for one in self._owed if one.event == event), None)
        if owed is not None:
            self._owed.remove(owed)
            return True
        made_ms = self._made.pop(event, None)
        if made_ms is not None and note.at_ms - made_ms <= LATE_MS:
            return False
        self._shown[event] = note.at_ms
        return True

    def _forget_turn(self, began_ms: int) -> None:
        """What was said before is said of the turn before."""
        for known in (self._shown, self._made):
            if known.get("turn.done", began_ms) < began_ms:
                del known["turn.done"]


def _is_same(one: Told, other: Told) -> bool:
    if one.event != other.event:
        return False
    if one.ident is not None and other.ident is not None:
        return one.ident == other.ident and abs(one.at_ms - other.at_ms) <= LATE_MS
    return one.event.startswith("session.") and abs(one.at_ms - other.at_ms) <= TWICE_MS
