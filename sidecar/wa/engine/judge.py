"""Whether a pane must not be looked at, judged by its title, its folder and its command before anything of it is fed."""

from __future__ import annotations

import logging
import sys

from wa.engine.announce import announce
from wa.engine.feeding import Feeding
from wa.engine.pane import WatchedPane
from wa.engine.shared import Shared
from wa.model.identity import PaneKey

log = logging.getLogger(__name__)

COMMAND_INTERVAL_MS = 50


class Judge:
    def __init__(self, shared: Shared, feeding: Feeding) -> None:
        self._shared = shared
        self._feeding = feeding

    def judge(self, pane: WatchedPane) -> None:
        rules = self._shared.rules
        if pane.excluded or not rules:
            return
        names = (pane.mux.name, pane.mux.host)
        if rule := rules.excludes(title=pane.title, cwd=pane.cwd, mux_names=names):
            self._exclude(pane, rule)

    def look_at_command(self, pane: WatchedPane, at_ms: int) -> None:
        if not sys.platform.startswith("linux") or at_ms - pane.command_looked_ms < COMMAND_INTERVAL_MS:
            return
        pane.command_looked_ms = at_ms
        self.judge_command(pane)

    def judge_command(self, pane: WatchedPane) -> None:
        if pane.excluded or pane.mux.host or not pane.listed.tty_name:
            return
        command = self._shared.foreground.of(pane.listed.tty_name)
        if command and (rule := self._shared.rules.excludes(title="", cwd=None, command=command)):
            self._exclude(pane, rule)

    def _exclude(self, pane: WatchedPane, rule: str) -> None:
        log.info("pane excluded", extra={"pane": pane.uid, "rule": rule})
        had_screen = pane.screen is not None
        pane.exclude(rule, self._shared.clock.now_ms())
        self._shared.exclusions.add(PaneKey(pane.mux.key, pane.pane_id), rule)
        self._feeding.drop(pane)
        if self._shared.shells is not None:
            self._shared.shells.gone(pane)
        if self._shared.agents is not None:
            self._shared.agents.gone(pane)
        self._shared.buffer.discard_screen(pane)
        if had_screen:
            # The screen that is stored is replaced by an empty one.
            self._shared.buffer.touch([pane])
        announce(self._shared, pane, "changed")
        pane.changed()
