"""Titles and folders of panes, as they change."""

from __future__ import annotations

import asyncio

from wa.engine.announce import announce
from wa.engine.judge import Judge
from wa.engine.pane import WatchedPane
from wa.engine.shared import Shared
from wa.store.records import PaneUpdate

META_INTERVAL_S = 1.0
"""Titles may change ten times a second; they are stored once."""


class Headings:
    def __init__(self, shared: Shared, judge: Judge) -> None:
        self._shared = shared
        self._judge = judge
        self._changed: dict[WatchedPane, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def drop(self, pane: WatchedPane) -> None:
        self._changed.pop(pane, None)

    def note(self, pane: WatchedPane, title: str, cwd: str | None) -> None:
        if title == pane.title and cwd == pane.cwd:
            return
        pane.title, pane.cwd = title, cwd
        self._judge.judge(pane)
        self._changed[pane] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(META_INTERVAL_S, self._store)

    def _store(self) -> None:
        self._timer = None
        now_ms = self._shared.clock.now_ms()
        for pane in self._changed:
            if pane.alive:
                self._shared.buffer.update(PaneUpdate(pane.uid, now_ms, title=pane.title, cwd=pane.cwd))
                announce(self._shared, pane, "changed")
        self._changed.clear()
