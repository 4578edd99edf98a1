"""A person is told when a command that took long has ended."""

from __future__ import annotations

from wa.engine.notice_text import plain
from wa.engine.notices import Notices
from wa.engine.pane import WatchedPane
from wa.engine.rate import Rate
from wa.engine.shell_pane import Ran
from wa.model.clock import Clock
from wa.model.command import Notify

PER_PANE_S, BURST = 0.1, 3
"""Any program can claim to have been a command; nobody is told of more of one pane."""


class LongCommands:
    def __init__(self, notices: Notices, clock: Clock, *, long_s: int) -> None:
        self._notices = notices
        self._clock = clock
        self.long_s = long_s
        """So long it must have taken; 0: nobody is told of any."""
        self._rate = Rate(PER_PANE_S, BURST)

    def finished(self, pane: WatchedPane, ran: Ran) -> None:
        if not self.long_s or ran.duration_ms is None or ran.duration_ms < self.long_s * 1000:
            return
        if not self._rate.allows(pane.uid, self._clock.monotonic_ms()):
            return
        command = "A command" if ran.command is None else plain(ran.command, 80)
        how = "has ended" if not ran.exit_status else f"failed ({ran.exit_status})"
        body = f"It took {_words(ran.duration_ms)}" + (f" in {ran.cwd}." if ran.cwd else ".")
        key = f"command:{pane.uid}:{self._clock.now_ms()}:{ran.number}"
        self._notices.tell(pane.uid, Notify(f"{command} {how}", body, needs_you=False), key, "")


def _words(length_ms: int) -> str:
    minutes, seconds = divmod(length_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
