"""Holds back a mux that would push more often than anybody looks.

WezTerm puts a push together for each piece that a program prints, up to hundreds a second, and nothing in its protocol
asks it for fewer. But a server does one thing at a time on a connection: while it waits for the rest of a request, it
puts no pushes together for it, and once the rest has come, each pane that changed meanwhile gives one push
(wezterm-mux-server-impl/src/dispatch.rs, 2023-07 to 2025-02). So the first byte of a Ping goes out, and the others a
moment later; and what comes then is read in one go. With 500 lines a second the server's processor time falls to half
and the client's to a third (measured 2026-11-21). A server that pushes all the same loses nothing by it, and is left
alone once that is seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

SETTLE_S = 0.005
"""After the rest of the Ping: as long as a server needs to put together what it had held back."""
LATE_SETTLE_S = 0.02
"""The same where nothing has come by then: a server that is short of processor time."""
WINDOW_S = 0.1
ENOUGH = 4
"""Pushes within WINDOW_S, twice in a row, from which on holding back pays: below, it costs as much as it saves. The
first moment of a burst, in which rows may have to be read at once, is not held back."""
WORTH = 3
"""Pushes in two rounds below which it does not any more."""
LATE_S = 0.03
"""What comes later than this after the first byte was not held back."""
QUIET_S = 0.1
"""After a request: rows that are being read may be dropped by the terminal before they are."""
LATELY_S = 0.5
"""After the rest of the Ping: what a server that is short of processor time tells within it was held back."""
LEAKS = 10
"""Rounds one after the other with such pushes, after which a server counts as one that does not wait."""


class Line(Protocol):
    """The connection, as far as holding back needs it."""

    @property
    def has_requests(self) -> bool:
        """Answers are waited for."""
        ...

    def ping(self) -> tuple[int, bytes]:
        """Serial and frame of the next Ping."""
        ...

    def transmit(self, data: bytes) -> None: ...

    def listen(self, *, on: bool) -> None:
        """Whether to read what arrives."""
        ...

    def lull(self) -> None:
        """Nothing more will come for a while."""
        ...


class Brake:
    """Off until `loosen`. Whoever sends something else calls `open` first, also where nothing is held back."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._late_s = 0.0
        self._useless = False
        self._timer: asyncio.TimerHandle | None = None
        self._rest = b""
        """Of the Ping; with it, the server is held back."""
        self._held_at = 0.0
        self._let_go_at = -LATELY_S
        self._asked_at = -QUIET_S
        self._deaf = False
        self._serial: int | None = None
        """Of the Ping whose answer has not come."""
        self._answered = False
        self._waited = False
        self._count = 0
        """Pushes in this round, or since `_since` where there is none."""
        self._before = WORTH
        """Pushes in the round before."""
        self._since = 0.0
        self._steady = False
        self._leaked = False
        self._leaks = 0

    @property
    def holding(self) -> bool:
        return bool(self._rest)

    @property
    def held_lately(self) -> bool:
        """What is told now may be less than what happened: of a pane that has closed nothing more is pushed."""
        return self.holding or self._loop.time() - self._let_go_at < LATELY_S

    def loosen(self, late_s: float) -> None:
        """How late pushes may come, in seconds; 0 for not at all."""
        self._late_s = late_s
        if not late_s:
            self.open()
            self._arm(None)
            self._asked_at = -QUIET_S
            self._serial, self._answered, self._count, self._before = None, False, 0, WORTH

    def close(self) -> None:
        """For good; a Ping that was begun is finished."""
        self.loosen(0.0)
        self._useless = True

    def open(self) -> None:
        """Something is asked: let the server go on, and hear it."""
        self._asked_at, self._steady = self._loop.time(), False
        if self._rest:
            self._finish()
        if self._deaf:
            self._hear()

    def answered(self, serial: int) -> bool:
        """Whether this was the Ping's answer."""
        if serial != self._serial:
            return False
        self._serial, self._answered, self._waited = None, True, False
        return True

    def heard(self, pushes: int) -> None:
        """So many, perhaps none, have been handed on with what was read just now."""
        if not self._late_s or self._useless:
            return
        now = self._loop.time()
        if self._answered:
            self._count += pushes
            if self._timer is None:
                self._decide()
        elif self._rest:
            self._count += pushes
            self._leaked = self._leaked or (pushes > 0 and now - self._held_at > LATE_S)
        elif self._serial is not None:
            self._count += pushes
        else:
            if now - self._since > WINDOW_S:
                self._steady = self._count >= ENOUGH and now - self._since < 2 * WINDOW_S
                self._since, self._count = now, 0
            self._count += pushes
            if self._steady and self._count >= ENOUGH and self._is_quiet():
                self._hold()

    # -- a round ----------------------------------------------------------------------------------------------------

    def _hold(self) -> None:
        self._count = 0
        self._line.lull()
        self._serial, frame = self._line.ping()
        self._rest, self._leaked, self._held_at = frame[1:], False, self._loop.time()
        self._line.transmit(frame[:1])
        self._arm(self._release, self._late_s)

    def _release(self) -> None:
        self._deaf = True
        self._line.listen(on=False)
        self._finish()
        self._arm(self._hear, SETTLE_S)

    def _finish(self) -> None:
        self._arm(None)
        rest, self._rest = self._rest, b""
        self._let_go_at = self._loop.time()
        self._leaks = self._leaks + 1 if self._leaked else 0
        self._useless = self._useless or self._leaks >= LEAKS
        self._line.transmit(rest)

    def _hear(self) -> None:
        self._arm(None)
        self._deaf = False
        self._line.listen(on=True)

    def _decide(self) -> None:
        """The server has answered: hold it back again, or leave it alone."""
        self._arm(None)
        if not self._count and not self._waited:
            self._waited = True
            self._arm(self._decide, LATE_SETTLE_S)
            return
        self._answered = False
        before, self._before = self._before, self._count
        if before + self._before >= WORTH and self._is_quiet():
            self._hold()
        else:
            self._before, self._since, self._count, self._steady = WORTH, self._loop.time(), 0, False

    def _is_quiet(self) -> bool:
        return not self._line.has_requests and self._loop.time() - self._asked_at >= QUIET_S

    def _arm(self, then: Callable[[], None] | None, delay_s: float = 0.0) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if then is None else self._loop.call_later(delay_s, then)
