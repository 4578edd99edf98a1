from __future__ import annotations

import pytest

from support.session_files import agent_of, read, recorded
from wa.model.agent import PaneState, SignalSource
from wa.protocol.session_files import LiveSession, TurnStarted
from wa.sources.session_signals import SessionSignals, live_signal

ONE = "01a1fe02-0ec0-7892-83ab-1e87b8d16840"


@pytest.mark.parametrize(
    ("build", "scenario", "states"),
    [
        ("codex-0.169.0", "slow", ["working", "working", "idle"]),
        ("codex-0.87.0", "slow", ["working", "working"]),
        ("codex-0.169.0", "hang", ["working", "idle"]),
        ("codex-0.169.0", "e401", ["working", "auth_error"]),
        ("codex-0.169.0", "cx-limit-plus", ["working", "limited"]),
        ("claude_code-2.1.328", "cc-limit-5h", ["working", "limited"]),
        ("claude_code-2.1.12", "cc-credit", ["working", "error"]),
        ("gemini-0.61.0", "gm-cc-exhausted", ["working", "idle"]),
        ("gemini-0.24.0", "gm-400-key", ["working", "error"]),
    ],
)
def test_a_recorded_session_speaks_for_states(build: str, scenario: str, states: list[str]) -> None:
    """Turns, limits and errors become signals with the file's own instants."""
    path = recorded(build, scenario)
    signals = SessionSignals(agent_of(path))
    told = [signal for record in read(path) if (signal := signals.feed(record)) is not None]
    assert [signal.says for signal in told] == states
    assert all(signal.source is SignalSource.SESSION_FILE and signal.agent == agent_of(path) for signal in told)


def test_a_turn_without_an_end_is_not_believed_for_ever() -> None:
    """Longer where the file has shown that ends are written; a limit lasts until its reset."""
    signals = SessionSignals("gemini")
    first = signals.feed(TurnStarted(1_000, None))
    assert first is not None
    assert first.expires_ms == 61_000
    path = recorded("claude_code-2.1.328", "cc-limit-5h")
    (*_, limited) = filter(None, map(SessionSignals("claude_code").feed, read(path)))
    assert limited.expires_ms == 1795274301000


@pytest.mark.parametrize(
    ("status", "waiting_for", "state"),
    [
        ("busy", None, PaneState.WORKING),
        ("idle", None, PaneState.IDLE),
        ("waiting", "permission prompt", PaneState.WAITING_APPROVAL),
        ("waiting", "input needed", PaneState.WAITING_QUESTION),
        ("waiting", "dialog open", PaneState.WAITING_CHOICE),
    ],
)
def test_a_running_claude_speaks_for_its_state(status: str, waiting_for: str | None, state: PaneState) -> None:
    """Words that were not seen say nothing."""
    live = LiveSession(1, "2", ONE, "/a", 3, "2.1.328", status, waiting_for, 4)
    signal = live_signal(live)
    assert signal is not None
    assert (signal.says, signal.at_ms) == (state, 4)
    assert live_signal(live._replace(status="dreaming")) is None
    assert live_signal(live._replace(status="waiting", waiting_for="the moon")) is None
