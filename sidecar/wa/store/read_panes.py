"""What is known of panes, their screens and the database itself, read back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from wa.model.errors import NotFound
from wa.store.connection import quick_check
from wa.store.prepare import pane_number, unpack_screen
from wa.store.records import Health, PaneRecord, StoredScreen
from wa.store.schema import version_of

_PANES = """
SELECT 'p' || p.id, m.name, m.key, m.host, m.socket, p.pane_id, p.tab_id, p.window_id, p.title, p.cwd, p.workspace,
  p.cols, p.rows, p.alive, p.source, p.created_ms, p.closed_ms, coalesce(
    (SELECT min(first_row) FROM chunks WHERE pane = p.id), (SELECT first_row FROM open_chunks WHERE pane = p.id)
  ),
  p.next_row, p.rows_stored, p.rows_lost, p.gaps, p.last_output_ms
FROM panes p JOIN muxes m ON m.id = p.mux
"""


def panes(connection: sqlite3.Connection) -> list[PaneRecord]:
    """All that were ever seen and not forgotten, oldest first."""
    return [_record(fields) for fields in connection.execute(f"{_PANES} ORDER BY p.id")]


def pane(connection: sqlite3.Connection, pane_uid: str) -> PaneRecord:
    found = connection.execute(f"{_PANES} WHERE p.id = ?", (pane_number(pane_uid),)).fetchone()
    if found is None:
        raise NotFound(f"there is no pane {pane_uid}")
    return _record(found)


def _record(fields: tuple[object, ...]) -> PaneRecord:
    record = PaneRecord._make(fields)
    return record._replace(alive=bool(record.alive))


def known_number(connection: sqlite3.Connection, pane_uid: str) -> int:
    """The number of a pane that exists."""
    number = pane_number(pane_uid)
    if connection.execute("SELECT 1 FROM panes WHERE id = ?", (number,)).fetchone() is None:
        raise NotFound(f"there is no pane {pane_uid}")
    return number


def checkpoint(connection: sqlite3.Connection, pane_uid: str) -> bytes | None:
    number = known_number(connection, pane_uid)
    found = connection.execute("SELECT data FROM checkpoints WHERE pane = ?", (number,)).fetchone()
    return None if found is None else bytes(found[0])


def screens(connection: sqlite3.Connection, *, closed: bool) -> list[StoredScreen]:
    """The last screen of each live pane; of closed ones too with *closed*."""
    found = connection.execute(
        "SELECT 'p' || s.pane, s.screen FROM screens s JOIN panes p ON p.id = s.pane WHERE p.alive OR ?"
        " ORDER BY s.pane",
        (closed,),
    )
    return [StoredScreen(uid, unpack_screen(data)) for uid, data in found]


def health(connection: sqlite3.Connection, path: Path, *, within_s: float) -> Health:
    """Sizes and counts, and an integrity check that may take *within_s* seconds."""

    def one(query: str) -> int:
        return int(connection.execute(query).fetchone()[0])

    trouble, checked = quick_check(connection, within_s=within_s)
    wal = path.with_name(path.name + "-wal")
    found = [file.stat() for file in (path, wal) if file.exists()]
    rows, gaps, total, alive = connection.execute(
        "SELECT coalesce(sum(rows_stored), 0), coalesce(sum(gaps), 0), count(*), coalesce(sum(alive), 0) FROM panes"
    ).fetchone()
    return Health(
        path=str(path),
        schema=version_of(connection),
        bytes=found[0].st_size,
        wal_bytes=found[1].st_size if len(found) > 1 else 0,
        free_bytes=one("PRAGMA freelist_count") * one("PRAGMA page_size"),
        panes=total,
        live_panes=alive,
        chunks=one("SELECT count(*) FROM chunks") + one("SELECT count(*) FROM open_chunks"),
        rows=rows,
        gaps=gaps,
        last_commit_ms=max(int(file.st_mtime * 1000) for file in found),
        trouble=trouble,
        checked=checked,
    )
