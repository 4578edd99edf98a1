"""Lists a mux's panes whenever something says that they have changed, and every now and then."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from wa.engine.announce import announce
from wa.engine.feeding import Feeding
from wa.engine.headings import Headings
from wa.engine.judge import Judge
from wa.engine.pane import WatchedPane
from wa.engine.roster import Roster
from wa.engine.shared import Shared
from wa.engine.strangers import Strangers
from wa.model.errors import StoreError, WezTermError
from wa.model.identity import Pane
from wa.model.observation import PaneResized
from wa.protocol.badges import own_title
from wa.store.records import PaneUpdate
from wa.wezterm.terminal import Terminal

log = logging.getLogger(__name__)

DEBOUNCE_S = 0.1
RETRY_LIST_S = 1.0
ADOPT_AT_ONCE = 32


class Listing:
    def __init__(
        self,
        name: str,
        shared: Shared,
        feeding: Feeding,
        roster: Roster,
        strangers: Strangers,
        judge: Judge,
        headings: Headings,
        *,
        settled: asyncio.Event,
        find_mirrors: Callable[[list[Pane]], Awaitable[set[int] | None]] | None,
    ) -> None:
        self.wanted = asyncio.Event()
        self._name = name
        self._shared = shared
        self._feeding = feeding
        self._roster = roster
        self._strangers = strangers
        self._judge = judge
        self._headings = headings
        self._settled = settled
        """Set by each list that succeeds."""
        self._find_mirrors = find_mirrors
        self._done = asyncio.Event()

    async def now(self) -> None:
        """Returns after a list that began after this call, or when the connection is gone."""
        self._done.clear()
        self.wanted.set()
        while self._roster.terminal is not None and not self._done.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_LIST_S):
                    await self._done.wait()

    async def keep(self, terminal: Terminal) -> None:
        interval_s = self._shared.list_interval_s
        if self._shared.rules.looks_at_commands and not sys.platform.startswith("linux"):
            interval_s = min(interval_s, 2.0)
        first = True
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(interval_s):
                    await self.wanted.wait()
            if not first:
                await asyncio.sleep(DEBOUNCE_S)
            self.wanted.clear()
            try:
                await self._list(terminal, first=first)
                first = False
            except (WezTermError, StoreError) as error:
                log.warning("panes not listed", extra={"mux": self._name, "reason": error.message})
                await asyncio.sleep(RETRY_LIST_S)
                self.wanted.set()
            except Exception:
                log.exception("listing failed", extra={"mux": self._name})
                await asyncio.sleep(RETRY_LIST_S)

    async def _list(self, terminal: Terminal, *, first: bool) -> None:
        roster = self._roster
        found = await terminal.list_panes()
        self._shared.tabs.listed(terminal.mux.key, found)
        panes = [pane._replace(tab_title=own_title(pane.tab_title)) for pane in found]
        mirrors = await self._find_mirrors(panes) if self._find_mirrors is not None else set()
        if mirrors is None:
            # It cannot be told yet; a pane that is its own is not lost by waiting, its output stays in its scrollback.
            asyncio.get_running_loop().call_later(RETRY_LIST_S / 2, self.wanted.set)
            left_out = {pane.pane_id for pane in panes if pane.tty_name is None and pane.pane_id not in roster.panes}
        else:
            left_out = roster.hidden = mirrors
        roster.listed = panes
        now_ms = self._shared.clock.now_ms()
        if first:
            await self._shared.store.close_absent(terminal.mux, {pane.pane_id for pane in panes}, now_ms)
            await self._shared.store.mux_lost(terminal.mux, None)
        present = {pane.pane_id: pane for pane in panes if pane.pane_id not in left_out}
        for known in list(roster.panes.values()):
            if known.pane_id not in present:
                roster.ended(known, now_ms)
        fresh = []
        for pane_id, listed in present.items():
            if (watched := roster.panes.get(pane_id)) is not None:
                self._refresh(watched, listed, now_ms)
            elif pane_id not in roster.gone:
                fresh.append(listed)
        # What a person looks at comes first.
        fresh.sort(key=lambda pane: (not pane.is_active, pane.pane_id))
        for at in range(0, len(fresh), ADOPT_AT_ONCE):
            adopting = [self._adopt(listed, terminal) for listed in fresh[at : at + ADOPT_AT_ONCE]]
            for failure in await asyncio.gather(*adopting, return_exceptions=True):
                if failure is not None:
                    raise failure
        if first:
            self._shared.news.came(terminal.mux)
        self._strangers.forget(set(present))
        self._shared.tabs.settled(terminal.mux.key)
        self._settled.set()
        self._done.set()

    async def _adopt(self, listed: Pane, terminal: Terminal) -> None:
        await self._roster.adopt(listed, terminal.source, lambda: self._strangers.take(listed.pane_id))

    def _refresh(self, known: WatchedPane, listed: Pane, now_ms: int) -> None:
        before, known.listed = known.listed, listed
        if (before.cols, before.rows) != (listed.cols, listed.rows):
            screen = known.screen
            if screen is None or (screen.cols, screen.viewport_rows) != (listed.cols, listed.rows):
                self._feeding.hear(known, PaneResized(known.pane_id, now_ms))
        if not known.started and not known.excluded:
            self._feeding.read_screen(known)
        self._headings.note(known, listed.title, listed.cwd)
        if self._shared.rules.looks_at_commands:
            self._judge.judge_command(known)
        told = (listed.workspace, listed.cols, listed.rows, listed.tab_id, listed.window_id)
        if told != (before.workspace, before.cols, before.rows, before.tab_id, before.window_id):
            workspace, cols, rows, tab_id, window_id = told
            update = PaneUpdate(
                known.uid, now_ms, workspace=workspace, cols=cols, rows=rows, tab_id=tab_id, window_id=window_id
            )
            self._shared.buffer.update(update)
            announce(self._shared, known, "changed")
