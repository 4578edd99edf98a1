"""What session files say about an agent's state, as signals for the arbitration."""

from __future__ import annotations

from wa.model.agent import PaneState, Signal, SignalSource
from wa.protocol.session_files import (
    Compacted,
    ErrorSeen,
    LimitHit,
    LiveSession,
    Record,
    Rewritten,
    TokenCount,
    TurnEnded,
    TurnStarted,
)

WORKING_MS = 60_000
"""A turn that was begun is believed for this long after the last sign of it: not every build writes its end."""
WORKING_WITH_END_MS = 600_000
"""The same once this file has shown that ends are written."""
_AUTH = frozenset({401, 403})
_WAITING = {
    "permission prompt": PaneState.WAITING_APPROVAL,
    "input needed": PaneState.WAITING_QUESTION,
    "dialog open": PaneState.WAITING_CHOICE,
}
"""Claude Code 2.1.328, 2026-11-21. A plan to be approved is a permission prompt too."""


class SessionSignals:
    """One per session file; feed it every record, in order."""

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self._ends = False
        self._in_turn = False

    def feed(self, record: Record) -> Signal | None:
        """The state that the newest record speaks for; None where it says nothing of it."""
        match record:
            case TurnStarted():
                self._in_turn = True
                return self._signal("turn_started", PaneState.WORKING, "a turn began", record.at_ms, self._working_ms())
            case TokenCount() if self._in_turn and record.request is not None:
                return self._signal(
                    "token_count", PaneState.WORKING, "a request of the turn", record.at_ms, self._working_ms()
                )
            case TurnEnded():
                self._in_turn = False
                self._ends = self._ends or record.outcome == "done"
                if record.outcome == "failed":
                    return None  # the error or limit beside it says more
                return self._signal("turn_ended", PaneState.IDLE, f"turn {record.outcome}", record.at_ms, None)
            case LimitHit():
                self._in_turn = False
                left_ms = None if record.resets_at_ms is None else record.resets_at_ms - (record.at_ms or 0)
                return self._signal("limit", PaneState.LIMITED, record.text, record.at_ms, left_ms)
            case ErrorSeen():
                self._in_turn = False
                state = PaneState.AUTH_ERROR if record.status in _AUTH else PaneState.ERROR
                return self._signal("error", state, record.text, record.at_ms, None)
            case Compacted() if not self._in_turn:
                return self._signal("compacted", PaneState.IDLE, "the context was compacted", record.at_ms, None)
            case Rewritten():
                self._in_turn = False
        return None

    def _working_ms(self) -> int:
        return WORKING_WITH_END_MS if self._ends else WORKING_MS

    def _signal(self, rule: str, says: PaneState, text: str, at_ms: int | None, lasts_ms: int | None) -> Signal | None:
        if at_ms is None:
            return None
        expires_ms = None if lasts_ms is None else at_ms + lasts_ms
        source = SignalSource.SESSION_FILE
        return Signal(source, says, self._agent, f"{self._agent}.session_file.{rule}", text, at_ms, expires_ms)


def live_signal(live: LiveSession) -> Signal | None:
    """From what a running Claude Code says of itself; true until it says something else or its process ends."""
    says = {
        "busy": PaneState.WORKING,
        "idle": PaneState.IDLE,
        "waiting": _WAITING.get(live.waiting_for or ""),
    }.get(live.status or "")
    if says is None or live.status_ms is None:
        return None
    text = f"{live.status}: {live.waiting_for}" if live.waiting_for else live.status or ""
    source = SignalSource.SESSION_FILE
    return Signal(source, says, "claude_code", "claude_code.session_file.live", text, live.status_ms, None)
