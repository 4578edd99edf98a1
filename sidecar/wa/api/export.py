"""Copying out what is stored."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from wa.api.client import connected_if_any
from wa.config.paths import Paths
from wa.model.errors import StoreError
from wa.protocol.envelope import to_json
from wa.protocol.results import ExportResult
from wa.store.reader import Reader


async def export_to_stream(paths: Paths, stream: BinaryIO) -> ExportResult:
    """JSON lines. Raises StoreMissingError where nothing was ever stored, BrokenPipeError where nobody reads on."""
    reader = await _reader(paths)
    try:
        return await _lines(reader, stream, "")
    finally:
        await reader.close()


async def export_to_file(paths: Paths, target: Path, *, as_database: bool) -> ExportResult:
    """A new file, 0600; nothing is left of one that fails. Raises StoreError where *target* exists."""
    reader = await _reader(paths)
    try:
        if as_database:
            return await _copy(reader, target)
        with _new_file(target) as stream:
            return await _lines(reader, stream, str(target))
    finally:
        await reader.close()


async def _reader(paths: Paths) -> Reader:
    async with connected_if_any(paths.socket) as sidecar:
        if sidecar is not None:
            await sidecar.call("flush")
    return await Reader.open(paths.database)


async def _copy(reader: Reader, target: Path) -> ExportResult:
    size = await reader.copy(target)
    panes = await reader.panes()
    rows, gaps = sum(pane.rows_stored for pane in panes), sum(pane.gaps for pane in panes)
    return ExportResult(format="db", path=str(target), panes=len(panes), rows=rows, gaps=gaps, bytes=size)


async def _lines(reader: Reader, stream: BinaryIO, path: str) -> ExportResult:
    counts: Counter[str] = Counter()
    size = 0
    async for record in reader.export():
        counts[record["type"]] += 1
        size += stream.write(f"{to_json(record)}\n".encode())
    stream.flush()
    return ExportResult(
        format="jsonl", path=path, panes=counts["pane"], rows=counts["row"], gaps=counts["gap"], bytes=size
    )


@contextmanager
def _new_file(target: Path) -> Iterator[BinaryIO]:
    """Removed again where writing it fails."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise StoreError(f"{target} exists", next_step="Name another file, or move that one away.") from error
    except OSError as error:
        raise StoreError(f"{target} cannot be made: {error.strerror}", next_step="Name another place.") from error
    with os.fdopen(descriptor, "wb") as stream:
        try:
            yield stream
        except BaseException:
            target.unlink(missing_ok=True)
            raise
