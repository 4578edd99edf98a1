"""Tells subscribers that a pane was opened, changed or closed."""

from __future__ import annotations

from wa.engine.hub import Kind
from wa.engine.items import pane_item
from wa.engine.pane import WatchedPane
from wa.engine.shared import Shared


def announce(shared: Shared, pane: WatchedPane, change: str) -> None:
    shared.hub.publish(Kind.PANE, pane.uid, lambda: pane_item(pane, change))
