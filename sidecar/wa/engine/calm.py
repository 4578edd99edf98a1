"""Whether a mux may be heard a little late, which costs it and wa half as much.

It may while nobody subscribes, nobody types through wa, and no rule keeps panes out (what a push shows must be judged
by the title and the command it was printed under); and while every pane that prints does so into a history, of which
nothing is lost however late it is asked for. An alternate screen keeps nothing, an erased history nothing of before,
and a pane that closes nothing at all: so behind each program a shell must wait that keeps its pane open.
"""

from __future__ import annotations

import asyncio
import math

from wa.engine.pane import WatchedPane
from wa.engine.shared import Shared
from wa.model.observation import ScreenPush
from wa.wezterm.terminal import Terminal

LATE_S = 0.1
"""With the commit that follows at once, a row is stored within 150 ms of its print."""
LATER_S = 0.5
STILL_S = 2.0
"""While no row has passed above a screen for so long, programs only draw on them, and it may be LATER_S."""
RESTLESS_S = 2.0
"""After something that would have been lost by listening late."""
ANCHORED_S = 2.0
ADRIFT_S = 10.0
"""Until it is looked again whether a shell waits behind a pane's program. Finding the shell means a look at every
process."""


class Calm:
    """One mux's. Tells its terminal whenever the answer changes."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._terminal: Terminal | None = None
        self._told = 0.0
        self._restless_until = self._scrolled_at = -math.inf
        self._most_s = math.inf

    def hear_within(self, late_s: float) -> None:
        if late_s != self._most_s:
            self._most_s = late_s
            self.look()

    def connected(self, terminal: Terminal) -> None:
        self._terminal, self._told = terminal, 0.0
        self._scrolled_at = asyncio.get_running_loop().time()
        self._shared.hub.watchers.add(self.look)
        self.look()

    def disconnected(self) -> None:
        self._terminal = None
        self._shared.hub.watchers.discard(self.look)

    def attend(self, seconds: float) -> None:
        """Somebody waits for what a pane shows next."""
        self._disturbed(seconds)
        self.look()

    def saw(self, pane: WatchedPane, push: ScreenPush) -> None:
        rows, before = push.dims.scrollback_rows, pane.scrollback_rows
        if push.dims.physical_top != pane.physical_top:
            self._scrolled_at = asyncio.get_running_loop().time()
        pane.scrollback_rows, pane.physical_top = rows, push.dims.physical_top
        if rows < before or rows <= push.dims.viewport_rows or not self._is_anchored(pane):
            self._disturbed(RESTLESS_S)
        self.look()

    def _is_anchored(self, pane: WatchedPane) -> bool:
        now = asyncio.get_running_loop().time()
        if now >= pane.anchor_until:
            tty = pane.listed.tty_name
            pane.is_anchored = not pane.mux.host and tty is not None and self._shared.foreground.is_anchored(tty)
            pane.anchor_until = now + (ANCHORED_S if pane.is_anchored else ADRIFT_S)
        return pane.is_anchored

    def look(self) -> None:
        shared = self._shared
        if shared.rules or self._terminal is None:
            return
        now = asyncio.get_running_loop().time()
        late_s = min(self._most_s, LATER_S if now - self._scrolled_at > STILL_S else LATE_S)
        if shared.hub.wanted or now < self._restless_until:
            late_s = 0.0
        if late_s != self._told:
            self._told = late_s
            self._terminal.relax(late_s)

    def _disturbed(self, seconds: float) -> None:
        self._restless_until = max(self._restless_until, asyncio.get_running_loop().time() + seconds)
