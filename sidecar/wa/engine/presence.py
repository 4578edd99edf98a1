"""Is a person at this pane? Told by the terminals that have it in focus, and by changes of its composer that wa did not make.

Clients are asked for only while an automation wants to act, and what they say is good for a second. Their idle time is what
counts: a pane that somebody left in focus and went away from is free.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from typing import NamedTuple, Protocol

from wa.engine.pane import WatchedPane
from wa.model.action import HumanSign
from wa.model.clock import Clock
from wa.model.errors import WezTermError
from wa.model.identity import Client
from wa.wezterm.terminal import Terminal

log = logging.getLogger(__name__)

FRESH_S = 1.0
ASK_WITHIN_S = 1.0
SETTLE_S = 2.0
"""So long after wa typed, its own text may still change on the screen (a paste that is drawn in parts, a placeholder)."""
OURS_S = 15.0
"""Above the waits between a paste and its carriage return."""


class Session(Protocol):
    @property
    def terminal(self) -> Terminal | None: ...


class _Asked(NamedTuple):
    at_s: float
    clients: tuple[Client, ...]


class Presence:
    def __init__(self, session_of: Callable[[WatchedPane], Session | None], clock: Clock) -> None:
        self._session_of = session_of
        self._clock = clock
        self._asked: dict[str, _Asked] = {}
        """By the key of the mux."""
        self._asking: dict[str, asyncio.Lock] = {}
        self._drafts: dict[str, str | None] = {}
        """What stood in each pane's composer last."""
        self._typed_s: dict[str, float] = {}
        """When a person last typed there."""
        self._ours: dict[str, float] = {}
        """When wa last typed there."""
        self._texts: dict[str, str] = {}

    async def poll(self, pane: WatchedPane) -> None:
        """Ask the pane's mux for its clients, unless it was asked a moment ago. Where it does not answer, nobody is known to be there."""
        key = pane.mux.key
        async with self._asking.setdefault(key, asyncio.Lock()):
            known = self._asked.get(key)
            if known is not None and self._now_s() - known.at_s < FRESH_S:
                return
            session = self._session_of(pane)
            terminal = None if session is None else session.terminal
            if terminal is None:
                self._asked.pop(key, None)
                return
            try:
                async with asyncio.timeout(ASK_WITHIN_S):
                    found = tuple(await terminal.clients())
            except (WezTermError, TimeoutError) as error:
                # The old answer ages; it is not thrown away.
                log.info("clients not told", extra={"mux": pane.mux.name, "reason": str(error)})
                return
            self._asked[key] = _Asked(self._now_s(), found)

    def sign(self, pane: WatchedPane) -> HumanSign:
        """As known now; no await."""
        now_s = self._now_s()
        typed_s = self._typed_s.get(pane.uid)
        asked = self._asked.get(pane.mux.key)
        ages: list[float] = []
        if asked is not None:
            passed_s = max(0.0, now_s - asked.at_s)
            ages = [
                max(0.0, one.idle_s) + passed_s
                for one in asked.clients
                if one.focused_pane_id == pane.pane_id and not _is_ours(one)
            ]
        return HumanSign(
            focused=bool(ages),
            input_s=min(ages, default=None),
            typed_s=None if typed_s is None else max(0.0, now_s - typed_s),
        )

    def typed(self, pane: WatchedPane, text: str = "") -> None:
        """Told right before a write of wa's own: what changes in the composer from now on is not a person's for a moment."""
        self._ours[pane.uid] = self._now_s()
        if text:
            self._texts[pane.uid] = text

    def last_typed(self, pane: WatchedPane) -> str:
        """The text that wa typed there last; "" where that is too long ago."""
        recent = self._now_s() - self._ours.get(pane.uid, -OURS_S) < OURS_S
        return self._texts.get(pane.uid, "") if recent else ""

    def composer(self, pane: WatchedPane, draft: str | None) -> None:
        """What stands in the composer now; None where there is none to be seen.

        A person's sign is a text that has come, or another than before. One that has gone may have been submitted by anybody.
        """
        if draft is None:
            return
        before = self._drafts.get(pane.uid)
        self._drafts[pane.uid] = draft
        if before is None or draft in ("", before):
            return
        now_s = self._now_s()
        if now_s - self._ours.get(pane.uid, -SETTLE_S) >= SETTLE_S:
            self._typed_s[pane.uid] = now_s

    def gone(self, pane_uid: str) -> None:
        for known in (self._drafts, self._typed_s, self._ours, self._texts):
            known.pop(pane_uid, None)

    def _now_s(self) -> float:
        # Not the wall clock: one that is set back must not make a person appear.
        return self._clock.monotonic_ms() / 1000


def _is_ours(client: Client) -> bool:
    """The sidecar's own connection, or that of a `wezterm cli` that it started."""
    return client.pid == os.getpid() and client.hostname in ("", socket.gethostname())
