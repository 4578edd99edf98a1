"""What the sidecar is doing; without one, what the database remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from wa.api.client import connected, connected_if_any
from wa.api.panes import panes_of
from wa.config.paths import Paths
from wa.protocol.results import SidecarResult, StatusResult


async def read_status(paths: Paths) -> StatusResult:
    """Raises StoreError where no sidecar runs and the database cannot be read."""
    async with connected_if_any(paths.socket) as sidecar:
        if sidecar is not None:
            live: StatusResult = await sidecar.call("status")
            return live
    # Imported late: with a sidecar nothing of the store is needed.
    from wa.api.acting import stored_acting

    stored = await panes_of(paths, None, closed=False)
    nobody = SidecarResult(
        running=False,
        pid=None,
        version=None,
        started_at=None,
        socket=str(paths.socket),
        database=str(paths.database),
        database_bytes=database_bytes(paths),
        log_file=str(paths.log_file),
        buffered_bytes=0,
        notices=[],
    )
    return StatusResult(
        live=False,
        as_of=stored["as_of"],
        sidecar=nobody,
        muxes=[],
        panes=stored["panes"],
        acting=await stored_acting(paths),
    )


REFRESH_S = 1.0
SETTLE_S = 0.05
"""Changes that come together are one."""


async def follow_status(paths: Paths) -> AsyncGenerator[StatusResult, None]:
    """The status, and again whenever a pane or an agent's state changes; at least each second, for the ages in it. Raises SidecarError."""
    async with connected(paths.socket) as asking, connected(paths.socket) as hearing:
        changes = await hearing.stream("subscribe", {"kinds": ["state", "event", "pane"]})
        while True:
            live: StatusResult = await asking.call("status")
            yield live
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await anext(changes)
                    await asyncio.sleep(SETTLE_S)


def database_bytes(paths: Paths) -> int | None:
    """The database and its write-ahead log; None where there is no database."""
    try:
        size = paths.database.stat().st_size
    except OSError:
        return None
    log = paths.database.with_name(f"{paths.database.name}-wal")
    try:
        return size + log.stat().st_size
    except OSError:
        return size
