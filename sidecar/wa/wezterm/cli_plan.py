"""When to ask what, where nothing is pushed. Pure: time comes in as a value.

`list` is cheap for the server and shows which panes moved (cursor, title, size); those are read first. Panes whose text
changed lately are read often, for output at the bottom of a screen moves nothing that the list shows. Every other pane
is read at least every `cold_ms`. A time-out means a starved server, so each one doubles all intervals until answers
come again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wa.model.identity import Pane


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds."""

    list_ms: int = 300
    moved_ms: int = 120
    """Between two readings of a pane that the list shows to have moved."""
    hot_ms: int = 200
    """Between two readings of a pane whose text changed within `hot_for_ms`."""
    hot_for_ms: int = 20_000
    cold_ms: int = 1_800
    limit_ms: int = 30_000
    """No interval grows beyond this."""


class _PaneState:
    __slots__ = ("asked_ms", "busy", "changed_ms", "entry", "moved")

    def __init__(self, entry: Pane) -> None:
        self.entry = entry
        self.moved = True
        self.busy = False
        self.asked_ms = -1_000_000
        self.changed_ms = -1_000_000


class PollPlan:
    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._panes: dict[int, _PaneState] = {}
        self._list_due_ms = 0
        self._list_busy = False
        self.strain = 0
        """Time-outs not yet made up for by answers."""

    # -- what happened ----------------------------------------------------------------------------------------------

    def list_started(self) -> None:
        self._list_busy = True

    def listed(self, panes: Iterable[Pane], at_ms: int, took_ms: int) -> None:
        """A list came. A server that needs long for it is asked as much less often."""
        self._eased()
        self._list_busy = False
        self._list_due_ms = at_ms + self._stretched(max(self._pace.list_ms, took_ms))
        before, self._panes = self._panes, {}
        for pane in panes:
            state = before.get(pane.pane_id) or _PaneState(pane)
            state.moved = state.moved or state.entry != pane
            state.entry = pane
            self._panes[pane.pane_id] = state

    def list_failed(self, at_ms: int, *, timed_out: bool) -> None:
        self._list_busy = False
        self._strained(timed_out)
        self._list_due_ms = at_ms + self._stretched(self._pace.list_ms)

    def list_soon(self) -> None:
        """The list is out of date: a pane is not as it says."""
        self._list_due_ms = 0

    def read_started(self, pane_id: int, at_ms: int) -> None:
        if state := self._panes.get(pane_id):
            state.busy, state.moved, state.asked_ms = True, False, at_ms

    def read(self, pane_id: int, at_ms: int, *, changed: bool) -> None:
        self._eased()
        if state := self._panes.get(pane_id):
            if changed:
                state.changed_ms = at_ms
            else:
                state.busy = False

    def taken(self, pane_id: int) -> None:
        """The frame that a reading gave has been taken: only then is the pane read again."""
        if state := self._panes.get(pane_id):
            state.busy = False

    def read_failed(self, pane_id: int, *, timed_out: bool) -> None:
        self._strained(timed_out)
        if state := self._panes.get(pane_id):
            state.busy = False

    # -- what to do -------------------------------------------------------------------------------------------------

    def entry(self, pane_id: int) -> Pane | None:
        state = self._panes.get(pane_id)
        return None if state is None else state.entry

    def list_is_due(self, at_ms: int) -> bool:
        return not self._list_busy and at_ms >= self._list_due_ms

    def due(self, at_ms: int) -> list[int]:
        """Panes to read now, the most urgent first: moved, then longest overdue."""
        ready = [
            (not state.moved, due_ms, pane_id)
            for pane_id, state in self._panes.items()
            if (due_ms := self._due_ms(state)) is not None and due_ms <= at_ms
        ]
        return [pane_id for _, _, pane_id in sorted(ready)]

    def next_due_ms(self) -> int | None:
        """When something will be due if nothing happens before; None while everything is under way."""
        times = [due_ms for state in self._panes.values() if (due_ms := self._due_ms(state)) is not None]
        if not self._list_busy:
            times.append(self._list_due_ms)
        return min(times, default=None)

    def _due_ms(self, state: _PaneState) -> int | None:
        if state.busy:
            return None
        pace = self._pace
        hot = state.asked_ms - state.changed_ms <= pace.hot_for_ms
        interval = pace.moved_ms if state.moved else pace.hot_ms if hot else pace.cold_ms
        return state.asked_ms + self._stretched(interval)

    # -- strain -----------------------------------------------------------------------------------------------------

    def _stretched(self, interval_ms: int) -> int:
        return min(self._pace.limit_ms, interval_ms << min(self.strain, 16))

    def _strained(self, timed_out: bool) -> None:
        self.strain += timed_out

    def _eased(self) -> None:
        self.strain = max(0, self.strain - 1)
