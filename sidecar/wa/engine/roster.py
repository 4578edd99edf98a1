"""The panes of one mux that are watched: how they are taken on, and how they end."""

from __future__ import annotations

from collections.abc import Callable

from wa.engine.announce import announce
from wa.engine.feeding import Feeding
from wa.engine.headings import Headings
from wa.engine.judge import Judge
from wa.engine.pane import WatchedPane
from wa.engine.shared import Shared
from wa.ingest.tracker import PaneTracker
from wa.model.identity import MuxInstance, Pane, PaneKey
from wa.model.observation import PaneGone, ScreenPush, TextFrame
from wa.store.records import PaneUpdate
from wa.wezterm.terminal import SourceKind, Terminal

TAIL_ROWS = 400
"""What a tracker gets of the stored log, to go on where an earlier run stopped."""


class Roster:
    def __init__(self, shared: Shared, feeding: Feeding, judge: Judge, headings: Headings) -> None:
        self.mux: MuxInstance | None = None
        self.terminal: Terminal | None = None
        self.panes: dict[int, WatchedPane] = {}
        self.listed: list[Pane] = []
        """As of the last list that succeeded."""
        self.hidden: set[int] = set()
        """Mirrors of panes that are read at their own mux."""
        self.gone: set[int] = set()
        """Pane ids that have ended in this run of the server, which gives none of them out again."""
        self._shared = shared
        self._feeding = feeding
        self._judge = judge
        self._headings = headings

    async def adopt(self, listed: Pane, source: SourceKind, held: Callable[[], list[ScreenPush | TextFrame]]) -> None:
        """*held*: what was heard of it before it was listed."""
        pane = await self.new_pane(listed)
        if listed.pane_id in self.gone or self.terminal is None or self.mux != pane.mux:
            # It ended, or the connection did, while the store was asked.
            return
        self.panes[listed.pane_id] = pane
        self._shared.registry.add(pane)
        self._judge.judge(pane)
        if self._shared.rules.looks_at_commands:
            self._judge.judge_command(pane)
        if self._shared.shells is not None:
            self._shared.shells.adopted(pane)
        pane.held = held()
        self._shared.buffer.update(
            PaneUpdate(
                pane.uid,
                self._shared.clock.now_ms(),
                title=listed.title,
                cwd=listed.cwd,
                workspace=listed.workspace,
                cols=listed.cols,
                rows=listed.rows,
                tab_id=listed.tab_id,
                window_id=listed.window_id,
                alive=True,
                source=source.value,
            )
        )
        announce(self._shared, pane, "opened")
        self._feeding.read_screen(pane)

    async def new_pane(self, listed: Pane) -> WatchedPane:
        """The pane with its uid and what an earlier run left of it. Raises StoreError."""
        assert self.mux is not None
        shared = self._shared
        uid = await shared.store.pane_uid(self.mux, listed, shared.clock.now_ms())
        record = await shared.history.pane(uid)
        resume = await shared.history.checkpoint(uid)
        tail = await shared.history.tail(uid, TAIL_ROWS) if record is not None and record.rows_stored else []
        source = self.terminal.source if self.terminal is not None else SourceKind.PUSH
        pane = WatchedPane(uid, self.mux, listed, PaneTracker(listed.pane_id, resume=resume, tail=tail), source)
        pane.recall(record)
        pane.remembered = await shared.history.remembered(uid)
        if rule := shared.exclusions.rule_of(PaneKey(self.mux.key, listed.pane_id)):
            pane.exclude(rule, shared.clock.now_ms())
        else:
            pane.last_event = await shared.history.last_event(uid)
            pane.remembered_shells = await shared.history.shells(uid)
        return pane

    def ended(self, pane: WatchedPane, at_ms: int, *, unheard: bool = False, with_mux: bool = False) -> None:
        if not pane.alive:
            return
        self.gone.add(pane.pane_id)
        self.panes.pop(pane.pane_id, None)
        self._feeding.last_words(pane)
        if pane.started and not pane.excluded:
            self._feeding.feed(pane, PaneGone(pane.pane_id, at_ms, unheard))
        pane.alive, pane.source = False, None
        self._feeding.drop(pane)
        self._headings.drop(pane)
        self._shared.buffer.close_pane(pane, at_ms)
        self._shared.exclusions.drop(PaneKey(pane.mux.key, pane.pane_id))
        self._shared.registry.remove(pane)
        if self._shared.shells is not None:
            self._shared.shells.gone(pane)
        if self._shared.agents is not None:
            self._shared.agents.gone(pane, with_mux=with_mux)
        announce(self._shared, pane, "closed")
        pane.changed()

    def end_all(self, *, unheard: bool) -> None:
        now_ms = self._shared.clock.now_ms()
        for pane in list(self.panes.values()):
            self.ended(pane, now_ms, unheard=unheard, with_mux=True)
        self.listed = []
        self.hidden = set()
        self.gone.clear()
