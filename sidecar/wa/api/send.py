"""Typing into a pane, through the sidecar: it alone may, after its policy said yes."""

from __future__ import annotations

from wa.api.client import connected
from wa.api.panes import find_pane
from wa.config.paths import Paths
from wa.protocol.results import SendResult

SEND_WITHIN_S = 60.0
"""Above every wait that the sidecar itself has for one send."""


async def send_text(
    paths: Paths, pane: str, text: str, *, submit: bool, dry_run: bool, force: bool = False
) -> SendResult:
    """Success means that it was seen to happen. Raises Refused, NotFound, TimedOut or SidecarError otherwise."""
    async with connected(paths.socket) as sidecar:
        uid = (await find_pane(paths, sidecar, pane))["pane_uid"]
        params = {"pane": uid, "text": text, "submit": submit, "dry_run": dry_run, "force": force}
        reply: SendResult = await sidecar.call("send", params, within_s=SEND_WITHIN_S)
    return reply
