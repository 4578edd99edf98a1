"""The database, opened for reading only, for as long as one answer takes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wa.config.paths import Paths
from wa.protocol.envelope import iso

if TYPE_CHECKING:
    from wa.store.reader import Reader


@asynccontextmanager
async def open_history(paths: Paths) -> AsyncIterator[Reader | None]:
    """None where there is no database yet. Raises StoreError where there is one that cannot be read."""
    if _stat(paths.database) is None:
        yield None
        return
    # Imported late: with a sidecar most commands never come here.
    from wa.store.reader import Reader

    reader = await Reader.open(paths.database)
    try:
        yield reader
    finally:
        await reader.close()


def stored_as_of(paths: Paths) -> str | None:
    """When the database was last written: what it says was so then. None where there is none."""
    log = paths.database.with_name(f"{paths.database.name}-wal")
    written = [found.st_mtime_ns for path in (paths.database, log) if (found := _stat(path)) is not None]
    return iso(max(written) // 1_000_000) if written else None


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
