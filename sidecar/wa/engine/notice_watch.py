"""What a person is told of though no workflow speaks: questions that stand, limits and lost sign-ins that nobody handles."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from wa.engine.notice_text import plain
from wa.engine.notices import Notices
from wa.engine.pane import WatchedPane
from wa.model.agent import AgentState, PaneState
from wa.model.clock import Clock
from wa.model.command import Notify

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
HANDLED_MS = 120_000
"""A workflow that took a limit or a lost sign-in in hand has said so within this."""
_ASKS = {
    PaneState.WAITING_APPROVAL: "asks for approval",
    PaneState.WAITING_QUESTION: "has a question",
    PaneState.WAITING_PLAN: "has a plan to be approved",
    PaneState.WAITING_TRUST: "asks whether to trust the folder",
    PaneState.WAITING_UPDATE: "offers an update",
    PaneState.WAITING_CHOICE: "waits for a choice",
}
_TOLD = frozenset({*_ASKS, PaneState.WAITING_LOGIN, PaneState.AUTH_ERROR, PaneState.LIMITED})
"""What somebody is told of, once it has stood."""


class NoticeWatch:
    def __init__(self, notices: Notices, panes: Iterable[WatchedPane], clock: Clock, *, waits_s: float) -> None:
        self._notices = notices
        self._panes = panes
        self._clock = clock
        self.waits_s = waits_s
        """So long a state must have stood."""
        self._told: dict[str, tuple[PaneState, int]] = {}
        """By pane: the state that was told of, and since when it was so."""

    async def run(self) -> None:
        """Ends by cancellation. No push is needed for what must have stood for seconds."""
        while True:
            try:
                self.look()
            except Exception:
                log.exception("panes not looked through for notices")
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        now_ms = self._clock.now_ms()
        standing = dict[str, tuple[PaneState, int]]()
        for pane in self._panes:
            state = pane.agent
            if state.state not in _TOLD or pane.excluded or not pane.alive:
                continue
            about = (state.state, state.since_ms)
            if self._told.get(pane.uid) == about:
                standing[pane.uid] = about
            elif now_ms - state.since_ms >= self.waits_s * 1000:
                standing[pane.uid] = about
                self._tell(pane, state)
        self._told = standing

    def _tell(self, pane: WatchedPane, state: AgentState) -> None:
        agent, key = state.agent or "a program", f"{pane.uid}:{state.since_ms}"
        if (asks := _ASKS.get(state.state)) is not None:
            dialog = state.dialog
            said = "" if dialog is None else plain(dialog.question, 300)
            options = "" if dialog is None else " / ".join(plain(option, 60) for option in dialog.options[:6])
            body = " ".join(part for part in (said, f"[{options}]" if options else "") if part)
            self._notices.tell(pane.uid, Notify(f"{agent} {asks}", body), f"waiting:{key}", "")
        elif state.state in (PaneState.WAITING_LOGIN, PaneState.AUTH_ERROR):
            if not self._notices.told_lately(f"auth:{pane.uid}:", HANDLED_MS):
                body = "Look at the pane and sign in there."
                self._notices.tell(pane.uid, Notify(f"{agent} is not signed in", body), f"auth:{key}", "")
        elif state.state is PaneState.LIMITED and not self._notices.told_lately(f"limit:{pane.uid}:", HANDLED_MS):
            limit = state.limit
            when = f"Resets {plain(limit.printed, 60)}." if limit is not None and limit.printed else ""
            itself = limit is not None and limit.resumes_itself
            body = f"{when} It says that it goes on by itself." if itself else when
            notify = Notify(f"{agent} is at its usage limit", body.strip(), needs_you=not itself)
            self._notices.tell(pane.uid, notify, f"limit:{key}", "")
