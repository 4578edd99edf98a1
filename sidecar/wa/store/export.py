"""Everything stored, for other programs: a record at a time, or a copy of the database."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from wa.model.errors import StoreError
from wa.model.log import Gap
from wa.protocol.envelope import iso
from wa.store.connection import Database, snapshot
from wa.store.errors import translate
from wa.store.prepare import pane_number
from wa.store.read_log import log
from wa.store.read_panes import panes, screens
from wa.store.records import LogEntry, PaneRecord, StoredScreen

PAGE_ROWS = 2000
"""Read at once; between two pages nothing of the database is held."""

Record = dict[str, Any]


async def records(database: Database, *, uids: frozenset[str] | None, since_ms: int | None) -> AsyncIterator[Record]:
    """Each pane, its rows and gaps in order, its screen. Keys and meaning: docs/topics/store.md."""
    known = await database.run(panes)
    shown = {
        screen.pane_uid: screen for screen in await database.run(lambda connection: screens(connection, closed=True))
    }
    for pane in known:
        if uids is not None and pane.pane_uid not in uids:
            continue
        yield _pane(pane)
        first = 0
        while True:
            page = await database.run(_page(pane.pane_uid, first, since_ms))
            for entry in page:
                yield _entry(pane.pane_uid, entry)
            rows = [entry.row for entry in page if not isinstance(entry, Gap)]
            if len(rows) < PAGE_ROWS:
                break
            first = rows[-1] + 1
        if pane.pane_uid in shown:
            yield _screen(shown[pane.pane_uid])


def _page(uid: str, first: int, since_ms: int | None) -> Any:
    return lambda connection: snapshot(
        connection,
        lambda: log(connection, pane_number(uid), first_row=first, limit=PAGE_ROWS, since_ms=since_ms),
    )


def _pane(pane: PaneRecord) -> Record:
    fields: Record = {"type": "pane"}
    for name, value in pane._asdict().items():
        if name.endswith("_ms"):
            fields[name.removesuffix("_ms") + "_at"] = None if value is None else iso(value)
        else:
            fields[name] = value
    return fields


def _entry(uid: str, entry: LogEntry) -> Record:
    if isinstance(entry, Gap):
        missing = {"row": entry.row, "missing": entry.missing, "reason": entry.reason.value}
        return {"type": "gap", "pane_uid": uid, **missing, "at": iso(entry.at_ms)}
    row = {"row": entry.row, "text": entry.text, "wrapped": entry.wrapped, "kind": entry.kind.value}
    return {"type": "row", "pane_uid": uid, **row, "at": iso(entry.at_ms)}


def _screen(stored: StoredScreen) -> Record:
    screen = stored.screen
    return {
        "type": "screen",
        "pane_uid": stored.pane_uid,
        "at": iso(screen.at_ms),
        "cols": screen.cols,
        "title": screen.title,
        "rows": [[row.text, row.wrapped] for row in screen.rows],
    }


def copy(source: Path, target: Path) -> int:
    """Write a copy of the database at *source* to the new file *target* (0600); its size. Runs beside a writer."""
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError as error:
        raise StoreError(f"{target} exists", next_step="Name another file, or move that one away.") from error
    except OSError as error:
        raise StoreError(f"{target} cannot be made: {error.strerror}", next_step="Name another place.") from error
    try:
        connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("VACUUM INTO ?", (str(target),))
        finally:
            connection.close()
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error):
            raise translate(error, target if error.sqlite_errorcode == sqlite3.SQLITE_FULL else source) from error
        raise
    return target.stat().st_size
