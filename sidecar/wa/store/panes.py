"""Writing what is known of muxes and panes."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from wa.detect.session_ops import EndMode
from wa.model.errors import NotFound
from wa.model.identity import MuxInstance, Pane
from wa.store.agent_writing import close_of_panes
from wa.store.prepare import pane_number
from wa.store.records import PaneUpdate
from wa.store.redact import redact

_UPDATE = """
UPDATE panes SET
  title = coalesce(?1, title), cwd = coalesce(?2, cwd), workspace = coalesce(?3, workspace),
  cols = coalesce(?4, cols), rows = coalesce(?5, rows), tab_id = coalesce(?6, tab_id),
  window_id = coalesce(?7, window_id), source = coalesce(?8, source), alive = coalesce(?9, alive),
  closed_ms = CASE ?9 WHEN 1 THEN NULL WHEN 0 THEN coalesce(closed_ms, ?10) ELSE closed_ms END
WHERE id = ?11 RETURNING next_row
"""


def find_or_add(connection: sqlite3.Connection, mux: MuxInstance, pane: Pane, at_ms: int) -> int:
    """The number of the pane; a new one where (mux, pane id) was never seen."""
    connection.execute(
        "INSERT INTO muxes (key, name, host, socket, started, created_ms) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET name = excluded.name WHERE name <> excluded.name",
        (*map(redact, (mux.key, mux.name, mux.host, mux.socket, mux.started)), at_ms),
    )
    (mux_id,) = connection.execute("SELECT id FROM muxes WHERE key = ?", (redact(mux.key),)).fetchone()
    found = connection.execute("SELECT id FROM panes WHERE mux = ? AND pane_id = ?", (mux_id, pane.pane_id)).fetchone()
    if found is None:
        found = connection.execute(
            "INSERT INTO panes (mux, pane_id, created_ms) VALUES (?, ?, ?) RETURNING id", (mux_id, pane.pane_id, at_ms)
        ).fetchone()
    number = int(found[0])
    _update(connection, number, _seen(number, pane, at_ms))
    return number


def _seen(number: int, pane: Pane, at_ms: int) -> PaneUpdate:
    return PaneUpdate(
        pane_uid=f"p{number}",
        at_ms=at_ms,
        title=pane.title,
        cwd=pane.cwd,
        workspace=pane.workspace,
        cols=pane.cols,
        rows=pane.rows,
        tab_id=pane.tab_id,
        window_id=pane.window_id,
        alive=True,
    )


def update(connection: sqlite3.Connection, updates: Sequence[PaneUpdate]) -> None:
    for change in updates:
        _update(connection, pane_number(change.pane_uid), change)


def _update(connection: sqlite3.Connection, number: int, change: PaneUpdate) -> None:
    cwd = _safe(change.cwd)
    before = connection.execute("SELECT cwd FROM panes WHERE id = ?", (number,)).fetchone()
    if before is None:
        raise NotFound(f"there is no pane {change.pane_uid}")
    (next_row,) = connection.execute(
        _UPDATE,
        (
            *(
                _safe(change.title),
                cwd,
                _safe(change.workspace),
                change.cols,
                change.rows,
                change.tab_id,
                change.window_id,
            ),
            *(change.source, change.alive, change.at_ms, number),
        ),
    ).fetchone()
    if cwd is not None and cwd != before[0]:
        connection.execute("DELETE FROM cwds WHERE pane = ? AND row = ?", (number, next_row))
        connection.execute(
            "INSERT INTO cwds (pane, row, at_ms, cwd) VALUES (?, ?, ?, ?)", (number, next_row, change.at_ms, cwd)
        )


def _safe(text: str | None) -> str | None:
    return None if text is None else redact(text)


def close(connection: sqlite3.Connection, numbers: Sequence[int], at_ms: int) -> None:
    for number in numbers:
        closed = connection.execute(
            "UPDATE panes SET alive = 0, closed_ms = coalesce(closed_ms, ?) WHERE id = ? RETURNING id", (at_ms, number)
        ).fetchone()
        if closed is None:
            raise NotFound(f"there is no pane p{number}")
        # What stood there last is in the log.
        connection.execute("DELETE FROM screens WHERE pane = ?", (number,))
    close_of_panes(connection, numbers, at_ms)


def absent(connection: sqlite3.Connection, mux: MuxInstance, present: Collection[int]) -> list[int]:
    """Panes that count as open and cannot be: of an earlier server at that socket, or not among its *present* ones."""
    key, host, socket = map(redact, (mux.key, mux.host, mux.socket))
    return [
        number
        for number, pane_id, of in connection.execute(
            "SELECT p.id, p.pane_id, m.key FROM panes p JOIN muxes m ON m.id = p.mux"
            " WHERE p.alive AND m.host = ? AND m.socket = ?",
            (host, socket),
        )
        if of != key or pane_id not in present
    ]


def close_unseen(connection: sqlite3.Connection, mux: MuxInstance, numbers: Sequence[int], at_ms: int) -> None:
    """As `close`, for panes that ended while nobody watched: their stored screens are all there is of their ends.

    Those of another run than *mux* ended with it at the latest.
    """
    connection.executemany(
        "UPDATE panes SET alive = 0, closed_ms = coalesce(closed_ms, ?) WHERE id = ?",
        [(at_ms, number) for number in numbers],
    )
    own = {
        number
        for (number,) in connection.execute(
            "SELECT p.id FROM panes p JOIN muxes m ON m.id = p.mux WHERE m.key = ?", (redact(mux.key),)
        )
    }
    close_of_panes(connection, [number for number in numbers if number in own], at_ms)
    close_of_panes(connection, [number for number in numbers if number not in own], at_ms, EndMode.MUX_ENDED)


def lost(connection: sqlite3.Connection, mux: MuxInstance, at_ms: int | None) -> None:
    """The connection to this run of the mux broke then; None: it stands. What is not known of any pane needs no note."""
    connection.execute("UPDATE muxes SET lost_ms = ? WHERE key = ?", (at_ms, redact(mux.key)))
