"""What the sidecar is doing; without one, what the database remembers."""

from __future__ import annotations

from wa.api.client import connected_if_any
from wa.api.panes import panes_of
from wa.config.paths import Paths
from wa.protocol.results import SidecarResult, StatusResult


async def read_status(paths: Paths) -> StatusResult:
    """Raises StoreError where no sidecar runs and the database cannot be read."""
    async with connected_if_any(paths.socket) as sidecar:
        if sidecar is not None:
            live: StatusResult = await sidecar.call("status")
            return live
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
    return StatusResult(live=False, as_of=stored["as_of"], sidecar=nobody, muxes=[], panes=stored["panes"])


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
