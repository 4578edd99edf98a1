"""A pane's log, read back: rows and gaps in order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from wa.model.log import Gap, GapReason
from wa.model.screen import Row
from wa.store.chunks import FIELDS, Chunk
from wa.store.records import LogEntry, LogRow

# Only names of columns are put into these.
_FROM = f"""
SELECT {FIELDS} FROM chunks WHERE pane = ?1 AND first_row < ?3 AND first_row >=
  coalesce((SELECT max(first_row) FROM chunks WHERE pane = ?1 AND first_row <= ?2), 0)
UNION ALL SELECT {FIELDS} FROM open_chunks WHERE pane = ?1 AND first_row < ?3 AND first_row + row_count > ?2
ORDER BY first_row
"""  # noqa: S608
_BACK_FROM = f"""
SELECT {FIELDS} FROM open_chunks WHERE pane = ?1 AND first_row < ?2
UNION ALL SELECT {FIELDS} FROM chunks WHERE pane = ?1 AND first_row < ?2
ORDER BY first_row DESC
"""  # noqa: S608
END = 1 << 62
"""Beyond every position."""


def chunks_between(connection: sqlite3.Connection, pane: int, first: int, end: int) -> Iterator[Chunk]:
    """Chunks with rows in `first … end`, oldest first."""
    for fields in connection.execute(_FROM, (pane, first, end)):
        chunk = Chunk._make(fields)
        if chunk.end > first:
            yield chunk


def chunks_before(connection: sqlite3.Connection, pane: int, end: int) -> Iterator[Chunk]:
    """Chunks that begin before *end*, newest first."""
    return map(Chunk._make, connection.execute(_BACK_FROM, (pane, end)))


def rows_of(chunk: Chunk, *, first: int = 0, end: int = END) -> list[LogRow]:
    """The rows of *chunk* in `first … end`."""
    kind = chunk.row_kind
    rows = zip(range(chunk.first_row, chunk.end), chunk.texts(), chunk.wrapped(), chunk.at(), strict=True)
    return [LogRow(row, text, wrap, at_ms, kind) for row, text, wrap, at_ms in rows if first <= row < end]


def stored_texts(connection: sqlite3.Connection, pane: int, first: int, count: int) -> list[str] | None:
    """*count* rows from *first* on; None where they are not all there."""
    texts = [
        row.text
        for chunk in chunks_between(connection, pane, first, first + count)
        for row in rows_of(chunk, first=first, end=first + count)
    ]
    return texts if len(texts) == count else None


def tail(connection: sqlite3.Connection, pane: int, rows: int) -> list[Row]:
    """The newest rows, oldest first; `index` is the position in the log."""
    newest: list[Row] = []
    for chunk in chunks_before(connection, pane, END):
        if len(newest) >= rows:
            break
        newest[:0] = [Row(row.row, row.text, row.wrapped) for row in rows_of(chunk)]
    return newest[-rows:] if rows > 0 else []


def log(
    connection: sqlite3.Connection,
    pane: int,
    *,
    first_row: int = 0,
    limit: int | None = None,
    tail_rows: int | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> list[LogEntry]:
    """Rows and gaps from *first_row* on, oldest first; *limit* counts rows.

    A page that is full ends in a row: a gap right after it begins the next one. With *tail_rows* the newest ones of
    those. Instants bound what was captured at or after *since_ms* and before *until_ms*.
    """
    if tail_rows is not None:
        first_row = max(first_row, _tail_start(connection, pane, tail_rows, until_ms))
    gaps = _gaps(connection, pane, first_row, since_ms, until_ms)
    entries: list[LogEntry] = []
    rows = 0
    for chunk in chunks_between(connection, pane, first_row, END):
        if since_ms is not None and chunk.last_ms < since_ms:
            continue
        for row in rows_of(chunk, first=first_row):
            if (since_ms is not None and row.at_ms < since_ms) or (until_ms is not None and row.at_ms >= until_ms):
                continue
            if rows == limit:
                return entries
            while gaps and gaps[0].row <= row.row:
                entries.append(gaps.pop(0))
            entries.append(row)
            rows += 1
    return entries if rows == limit else [*entries, *gaps]


def _tail_start(connection: sqlite3.Connection, pane: int, rows: int, until_ms: int | None) -> int:
    """The position from which on there are *rows* rows (before *until_ms*)."""
    left = rows
    for chunk in chunks_before(connection, pane, END):
        inside = [row.row for row in rows_of(chunk) if until_ms is None or row.at_ms < until_ms]
        if len(inside) >= left:
            return inside[len(inside) - left] if left else chunk.end
        left -= len(inside)
    return 0


def _gaps(
    connection: sqlite3.Connection, pane: int, first_row: int, since_ms: int | None, until_ms: int | None
) -> list[Gap]:
    found = connection.execute(
        "SELECT row, missing, reason, at_ms FROM gaps WHERE pane = ? AND row >= ?"
        " AND at_ms >= coalesce(?, at_ms) AND at_ms < coalesce(?, at_ms + 1) ORDER BY row, id",
        (pane, first_row, since_ms, until_ms),
    )
    return [Gap(row, missing, GapReason(reason), at_ms) for row, missing, reason, at_ms in found]
