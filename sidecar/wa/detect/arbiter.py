"""Several signals, one state: who beats whom, how long each is believed, and what has to be seen twice.

A dialog on the screen beats everything; then hooks, then what the screen shows, then the title. A hook beats what the screen said
already when it came, not what the screen begins to say afterwards: no hook tells that its state is over. A title that says "working" counts
while it is rewritten (Codex does so ten times a second); alone it holds back "idle", never a dialog, a limit or an end.
"""

from __future__ import annotations

from typing import NamedTuple

from wa.model.agent import PaneState, Signal, SignalSource

HOLD_MS = 250
"""What only stops being seen (a spinner, a dialog) must stay away this long."""
UNKNOWN_HOLD_MS = 2_000
"""A screen between two drawings says nothing: what was known holds so long."""
TITLE_MS = 3_000
"""A spinner in a title that stands still longer has stopped."""
HOOK_MS = 30_000
"""No hook is believed for longer."""
HOOK_ALONE_MS = 3_000
"""So long a hook is believed against a screen that goes on saying something else."""

_AT_ONCE = frozenset(
    {
        PaneState.WORKING,
        PaneState.COMPACTING,
        PaneState.LIMITED,
        PaneState.EXITED,
        PaneState.SHELL,
        PaneState.STARTING,
        *(state for state in PaneState if state.startswith("waiting.")),
    }
)
_RANK = {
    SignalSource.DIALOG: 0,
    SignalSource.HOOK: 1,
    SignalSource.SCREEN: 2,
    SignalSource.TITLE: 3,
    SignalSource.SESSION_FILE: 4,
    SignalSource.PROCESS: 5,
    SignalSource.SHELL_MARK: 6,
    SignalSource.ALERT: 7,
}


class Verdict(NamedTuple):
    state: PaneState
    signals: tuple[Signal, ...]
    """Those in force, the winner first."""
    wake_ms: int | None
    """Look again at this time: something is held back or expires then."""


class Arbiter:
    def __init__(self) -> None:
        self.state = PaneState.UNKNOWN
        self._signals: dict[SignalSource, Signal] = {}
        self._wanted: PaneState | None = None
        self._wanted_ms = 0
        self._shown: tuple[PaneState | None, int] | None = None
        """What the screen says, and since when."""

    def put(self, source: SignalSource, signal: Signal | None) -> None:
        """The newest word of one source; None takes it back."""
        if signal is None:
            self._signals.pop(source, None)
        else:
            self._signals[source] = signal

    def judge(self, now_ms: int) -> Verdict:
        alive = {
            source: signal
            for source, signal in self._signals.items()
            if signal.expires_ms is None or signal.expires_ms > now_ms
        }
        screen = alive.get(SignalSource.SCREEN)
        if screen is None:
            self._shown = None
        elif self._shown is None or self._shown[0] is not screen.says:
            self._shown = (screen.says, screen.at_ms)
        ordered = sorted(alive.values(), key=lambda signal: _RANK[signal.source])
        winner = self._winner(ordered, now_ms)
        wanted = winner.says if winner is not None and winner.says is not None else PaneState.UNKNOWN
        ends = [signal.expires_ms for signal in alive.values() if signal.expires_ms is not None]
        if winner is not None and winner.source is SignalSource.HOOK and SignalSource.SCREEN in alive:
            ends.append(winner.at_ms + HOOK_ALONE_MS)
        expiry = min((end for end in ends if end > now_ms), default=None)
        wake = expiry
        if wanted is self.state:
            self._wanted = None
        else:
            if wanted is not self._wanted:
                self._wanted, self._wanted_ms = wanted, now_ms
            hold = self._hold(wanted)
            if now_ms - self._wanted_ms >= hold:
                self.state, self._wanted = wanted, None
            else:
                due = self._wanted_ms + hold
                wake = due if wake is None else min(wake, due)
        if winner is not None and self.state is wanted:
            ordered.remove(winner)
            ordered.insert(0, winner)
        return Verdict(self.state, tuple(ordered), wake)

    def _winner(self, ordered: list[Signal], now_ms: int) -> Signal | None:
        """The strongest; but a title that works beats a screen that only looks idle."""
        says = [signal for signal in ordered if signal.says is not None]
        if any(signal.source is SignalSource.SCREEN and signal.says is None for signal in ordered):
            # Whatever owns the keyboard there, it is no composer: a hook, a title and a file may call that idle, and do.
            says = [signal for signal in says if signal.says is not PaneState.IDLE]
        if any(signal.source is SignalSource.HOOK and self._is_outdone(signal, now_ms) for signal in says):
            says = [signal for signal in says if signal.source is not SignalSource.HOOK]
        if not says:
            return None
        winner = says[0]
        if winner.source is SignalSource.SCREEN and winner.says in (PaneState.IDLE, PaneState.UNKNOWN):
            title = next((signal for signal in says if signal.source is SignalSource.TITLE), None)
            if title is not None and (winner.says is PaneState.UNKNOWN or title.says is PaneState.WORKING):
                return title
        return winner

    def _is_outdone(self, hook: Signal, now_ms: int) -> bool:
        """By the screen: it says since then what the hook does not, or would show the dialog that the hook only announces."""
        if self._shown is None or self._shown[0] in (None, PaneState.UNKNOWN, hook.says):
            return False
        announced = hook.says is not None and hook.says.startswith("waiting.")
        return announced or self._shown[1] > hook.at_ms or now_ms - hook.at_ms >= HOOK_ALONE_MS

    def _hold(self, wanted: PaneState) -> int:
        if wanted is PaneState.UNKNOWN:
            return UNKNOWN_HOLD_MS if self.state is not PaneState.UNKNOWN else 0
        if wanted in _AT_ONCE or self.state is PaneState.UNKNOWN:
            return 0
        return HOLD_MS
