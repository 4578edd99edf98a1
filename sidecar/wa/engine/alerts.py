"""Bells and toasts of panes, told to subscribers: redacted, and no more often than somebody can take notice of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from wa.engine.hub import Hub, Kind
from wa.engine.pane import WatchedPane
from wa.engine.rate import Rate
from wa.engine.registry import Registry
from wa.engine.troubles import Troubles
from wa.model.clock import Clock
from wa.store.redact import redact
from wa.wezterm.terminal import SourceKind

TOGETHER_MS = 100
"""Alike ones of a pane within this time are one."""
PER_PANE_S, PANE_BURST = 20, 40
MAX_TEXT = 1_000
MAX_KNOWN = 1_024


class Alerts:
    """Of one sidecar. Nothing here waits."""

    def __init__(self, registry: Registry, hub: Hub, clock: Clock, troubles: Troubles) -> None:
        self._registry = registry
        self._hub = hub
        self._clock = clock
        self._troubles = troubles
        self._rate = Rate(PER_PANE_S, PANE_BURST)
        self._last: OrderedDict[tuple[str, str, str, str], int] = OrderedDict()
        """When each was told last, by a clock that is not set."""

    def heard(self, pane: WatchedPane, what: str, title: str, body: str, at_ms: int, *, via: str = "push") -> None:
        """*what*: `bell` or `toast`."""
        if pane.excluded or not pane.alive:
            return
        now_ms = self._clock.monotonic_ms()
        if not self._rate.allows(pane.uid, now_ms):
            self._troubles.count(f"more than {PER_PANE_S} bells and toasts a second", pane.uid)
            return
        alike = (pane.uid, what, title[:MAX_TEXT], body[:MAX_TEXT])
        told_ms = self._last.get(alike)
        if told_ms is not None and now_ms - told_ms < TOGETHER_MS:
            return
        self._last[alike] = now_ms
        self._last.move_to_end(alike)
        if len(self._last) > MAX_KNOWN:
            self._last.popitem(last=False)
        item = {"kind": "alert", "pane_uid": pane.uid, "at_ms": at_ms, "what": what, "via": via}
        self._hub.publish(
            Kind.ALERT, pane.uid, lambda: {**item, "title": redact(title[:MAX_TEXT]), "body": redact(body[:MAX_TEXT])}
        )

    def told(self, message: Mapping[str, Any], _peer_pid: int | None) -> None:
        """The plugin of a GUI heard a bell. Where the pane is watched by push, that has told it."""
        pane = self._registry.of_gui(message.get("gui"), message.get("pane_id"))
        if pane is not None and pane.source is not SourceKind.PUSH:
            self.heard(pane, "bell", "", "", int(message["at_ms"]), via="lua")
