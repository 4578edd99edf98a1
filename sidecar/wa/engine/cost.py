"""What long scrollback costs a multiplexer that is watched, as `wa doctor` tells it."""

from __future__ import annotations

import asyncio

from wa.engine.session import MuxSession
from wa.model.errors import WezTermError
from wa.protocol.results import FixableFinding
from wa.provision.tune_cost import cost_finding
from wa.wezterm.terminal import SourceKind

ASK_WITHIN_S = 2.0


async def cost_of(session: MuxSession) -> list[FixableFinding]:
    """A warning where what its panes keep is expensive; empty where it is not, or is not known."""
    if (terminal := session.terminal) is None or terminal.source is not SourceKind.PUSH:
        return []
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            others = len(await terminal.clients())
    except (WezTermError, TimeoutError):
        others = 0
    rows = [pane.scrollback_rows for pane in session.panes.values() if pane.alive]
    found = cost_finding(session.name, rows, clients=others + 1, host=session.host)
    return [] if found is None else [found]
