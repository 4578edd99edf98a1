"""Panes that are heard of before a list names them: one may end before a list does."""

from __future__ import annotations

import logging

from wa.engine import tasks
from wa.engine.announce import announce
from wa.engine.judge import Judge
from wa.engine.pane import MAX_HELD
from wa.engine.roster import Roster
from wa.engine.shared import Shared
from wa.model.errors import StoreError
from wa.model.identity import Pane
from wa.model.observation import Interrupted, PaneGone, ScreenPush, TextFrame

log = logging.getLogger(__name__)

MAX_STRANGERS = 256


class Strangers:
    def __init__(self, name: str, shared: Shared, roster: Roster, judge: Judge, *, may_be_mirrors: bool) -> None:
        self._name = name
        self._shared = shared
        self._roster = roster
        self._judge = judge
        self._may_be_mirrors = may_be_mirrors
        """In a GUI they may be mirrors of panes that are read at their own mux."""
        self._heard: dict[int, list[ScreenPush | TextFrame]] = {}

    def clear(self) -> None:
        self._heard.clear()

    def take(self, pane_id: int) -> list[ScreenPush | TextFrame]:
        return self._heard.pop(pane_id, [])

    def forget(self, listed: set[int]) -> None:
        """They are known now, or no panes of ours."""
        self._heard = {pane_id: heard for pane_id, heard in self._heard.items() if pane_id not in listed}

    def hear(self, seen: ScreenPush | TextFrame | Interrupted | PaneGone) -> bool:
        """Whether a list is wanted. What it printed is kept for a moment."""
        if seen.pane_id in self._roster.hidden or seen.pane_id in self._roster.gone:
            return False
        if isinstance(seen, PaneGone):
            self._roster.gone.add(seen.pane_id)
            if heard := self._heard.pop(seen.pane_id, None):
                tasks.spawn(self._bury(heard, seen), name=f"short-lived pane of {self._name}")
        elif isinstance(seen, ScreenPush | TextFrame):
            heard = self._heard.setdefault(seen.pane_id, []) if len(self._heard) < MAX_STRANGERS else []
            if len(heard) < MAX_HELD:
                heard.append(seen)
        return True

    async def _bury(self, heard: list[ScreenPush | TextFrame], gone: PaneGone) -> None:
        """Store what a pane printed that ended before it was ever listed."""
        last = heard[-1]
        if self._roster.mux is None or self._may_be_mirrors:
            return
        cols, rows = (
            (last.dims.cols, last.dims.viewport_rows)
            if isinstance(last, ScreenPush)
            else (last.cols, last.viewport_rows)
        )
        listed = Pane(last.pane_id, 0, 0, "", last.title, last.cwd, cols, rows, True, False, "", "", "", None, (0, 0))
        try:
            pane = await self._roster.new_pane(listed)
        except StoreError as error:
            log.warning("short-lived pane not stored", extra={"mux": self._name, "reason": error.message})
            return
        self._judge.judge(pane)
        if not pane.excluded:
            pane.held = heard
            self._shared.registry.add(pane)
            announce(self._shared, pane, "opened")
        self._roster.ended(pane, gone.at_ms, unheard=gone.unheard)
