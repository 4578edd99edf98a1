"""Deleting what was stored, for good. Only the sidecar writes."""

from __future__ import annotations

from wa.api.client import connected
from wa.api.panes import pane_uid
from wa.api.times import now_ms, parse
from wa.config.paths import Paths
from wa.protocol.envelope import iso_or_none
from wa.protocol.results import ForgetResult

FORGET_WITHIN_S = 120.0
"""A large log takes a while to take out of the index."""


async def forget_output(paths: Paths, *, pane: str | None, since: str | None) -> ForgetResult:
    """Of one pane, of all since an instant, or both. Raises SidecarError without a sidecar."""
    since_ms = None if since is None else parse(since, at_ms=now_ms())
    async with connected(paths.socket) as sidecar:
        uid = await pane_uid(paths, sidecar, pane)
        reply = await sidecar.call("forget", {"pane": uid, "since_ms": since_ms}, within_s=FORGET_WITHIN_S)
    return ForgetResult(rows_deleted=int(reply["rows_deleted"]), pane_uid=uid, since=iso_or_none(since_ms))
