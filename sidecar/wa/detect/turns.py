"""The turns of one session: from work to idle, limit or error, and what the agent prints about their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wa.detect.session_ops import CloseTurn, OpenTurn, Operation, Outcome, SessionRef
from wa.model.agent import PaneState

LATE_MS = 5000
"""So long after a turn's end what is printed about it is still taken, and so long an error explains an end."""

BUSY = frozenset({PaneState.WORKING, PaneState.COMPACTING}) | {
    state for state in PaneState if state.startswith("waiting.")
}
"""While they last a turn that is open stays open, whatever is printed."""
_ENDS = {
    PaneState.IDLE: Outcome.DONE,
    PaneState.LIMITED: Outcome.LIMITED,
    PaneState.ERROR: Outcome.FAILED,
    PaneState.AUTH_ERROR: Outcome.FAILED,
}


class _Said(NamedTuple):
    """What was printed about the end of a turn."""

    outcome: Outcome
    at_ms: int
    duration: str | None = None
    duration_s: float | None = None


class _Closed(NamedTuple):
    at_ms: int
    outcome: Outcome
    is_told: bool
    """What was printed about its end is in it."""


class ShownTurn(NamedTuple):
    number: int
    started_ms: int
    ended_ms: int | None


class Turns:
    def __init__(self, session: SessionRef, free_ms: int, known: Sequence[ShownTurn] = ()) -> None:
        self._session = session
        self.shown = list(known)
        """All of them, oldest first."""
        newest = self.shown[-1] if self.shown else None
        self.free_ms = max(free_ms, newest.ended_ms or 0) if newest is not None else free_ms
        """No turn begins before: the session's beginning, then the end of the newest turn."""
        self.count = newest.number if newest is not None else 0
        self.started_ms: int | None = newest.started_ms if newest is not None else None
        """Of the newest turn, open or closed; None before the first."""
        self.is_open = newest is not None and newest.ended_ms is None
        self._said: _Said | None = None
        self._closed: _Closed | None = None
        self._tokens: int | None = None
        self._is_doubted = False
        """The agent is at work, and nothing shows yet that it is a turn."""

    def state(self, state: PaneState, at_ms: int, *, is_startup: bool = False) -> list[Operation]:
        """*is_startup*: all that is seen of the work may be that of an agent that starts, whom nobody asked anything."""
        self._is_doubted = is_startup and state is PaneState.WORKING and self.count == 0
        if state in (PaneState.WORKING, PaneState.WAITING_APPROVAL) and not self.is_open and not self._is_doubted:
            return self._begin(at_ms)
        outcome = _ENDS.get(state)
        if outcome is None or not self.is_open:
            return []
        return self._end(at_ms, outcome)

    def spinner(self, tokens: int | None, at_ms: int) -> list[Operation]:
        """What the row of work shows."""
        begun = []
        if self._is_doubted:
            self._is_doubted = False
            begun = self._begin(at_ms)
        if tokens is not None and self.is_open:
            self._tokens = tokens
        return begun

    def error(self, at_ms: int) -> None:
        if self.is_open and (self._said is None or self._said.outcome is Outcome.FAILED):
            self._said = _Said(Outcome.FAILED, at_ms)

    def limited(self, at_ms: int) -> None:
        if self.is_open:
            self._said = _Said(Outcome.LIMITED, at_ms)

    def told(
        self, outcome: Outcome, at_ms: int, state: PaneState | None, duration: str | None, duration_s: float | None
    ) -> list[Operation]:
        """The agent printed that a turn is over. While it is seen at work the turn goes on until that ends."""
        said = _Said(outcome, at_ms, duration, duration_s)
        if self.is_open:
            if state in BUSY and at_ms == self.started_ms:
                return []  # Read in the very look that saw the turn: it is the one before's.
            self._said = said
            return [] if state in BUSY else self._end(at_ms, outcome)
        if self._closed is not None and not self._closed.is_told and at_ms - self._closed.at_ms <= LATE_MS:
            closed = self._closed._replace(outcome=outcome, is_told=True)
            if closed.outcome is Outcome.DONE and self._closed.outcome is not Outcome.DONE:
                closed = closed._replace(outcome=self._closed.outcome)
            self._closed = closed
            return [CloseTurn(self._session, self.count, closed.at_ms, closed.outcome, duration, duration_s)]
        return self._unseen(said)

    def close(self, at_ms: int) -> list[Operation]:
        """The session is over."""
        return self._end(at_ms, Outcome.INTERRUPTED) if self.is_open else []

    def _unseen(self, said: _Said) -> list[Operation]:
        """A turn so short that nobody saw it at work, if there is room for it since the one before."""
        if said.duration_s is None or not 0 <= said.duration_s < 1e9:
            return []
        started_ms = said.at_ms - int(said.duration_s * 1000)
        if started_ms < self.free_ms:
            return []
        begun = self._begin(started_ms)
        self._said = said
        return [*begun, *self._end(said.at_ms, said.outcome)]

    def _begin(self, at_ms: int) -> list[Operation]:
        self.count += 1
        self.started_ms = max(at_ms, self.free_ms)
        self.is_open = True
        self._said = self._closed = self._tokens = None
        self.shown.append(ShownTurn(self.count, self.started_ms, None))
        return [OpenTurn(self._session, self.count, self.started_ms)]

    def _end(self, at_ms: int, outcome: Outcome) -> list[Operation]:
        said, self._said = self._said, None
        at_ms = max(at_ms, self.started_ms or at_ms)
        explains = said is not None and (said.outcome is not Outcome.FAILED or at_ms - said.at_ms <= LATE_MS)
        if said is not None and explains and outcome in (Outcome.DONE, Outcome.INTERRUPTED):
            outcome = said.outcome
        self.is_open = False
        self.free_ms = at_ms
        self.shown[-1] = self.shown[-1]._replace(ended_ms=at_ms)
        is_told = said is not None and said.outcome in (Outcome.DONE, Outcome.INTERRUPTED)
        self._closed = _Closed(at_ms, outcome, is_told)
        duration, duration_s = (said.duration, said.duration_s) if said is not None and is_told else (None, None)
        return [CloseTurn(self._session, self.count, at_ms, outcome, duration, duration_s, self._tokens)]
