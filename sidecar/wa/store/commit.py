"""What the Writer's thread does with SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import accumulate

from wa.model.errors import NotFound
from wa.store.chunks import FIELDS, Chunk
from wa.store.panelog import PaneLog
from wa.store.prepare import Prepared
from wa.store.redact.rows import carry_of

TAG = "\ue000"
"""Begins the index's word for a pane. A private character, which the tokenizer takes for a letter."""
CONTEXT_ROWS = 80

# Only names of columns are put into these.
_INSERT_CHUNK = f"INSERT INTO chunks (id, closed_ms, {FIELDS}) VALUES (?, ?{', ?' * len(Chunk._fields)})"  # noqa: S608
_INSERT_DOCUMENT = "INSERT INTO chunks_fts (rowid, text, tag) VALUES (?, ?, ?)"
_DELETE_DOCUMENT = "INSERT INTO chunks_fts (chunks_fts, rowid, text, tag) VALUES ('delete', ?, ?, ?)"
_OPEN_CHUNK = f"INSERT OR REPLACE INTO open_chunks ({FIELDS}) VALUES (?{', ?' * (len(Chunk._fields) - 1)})"  # noqa: S608
_OPEN_OF = f"SELECT {FIELDS} FROM open_chunks WHERE pane = ?"  # noqa: S608
_NEWEST_OF = f"""
SELECT {FIELDS} FROM open_chunks WHERE pane = ?1
UNION ALL SELECT * FROM (SELECT {FIELDS} FROM chunks WHERE pane = ?1 ORDER BY first_row DESC LIMIT 4)
ORDER BY first_row DESC
"""  # noqa: S608
_COUNT = """
UPDATE panes SET next_row = ?, rows_stored = rows_stored + ?, rows_lost = rows_lost + ?, gaps = gaps + ?,
  last_output_ms = CASE WHEN ?5 IS NULL THEN last_output_ms ELSE max(coalesce(last_output_ms, ?5), ?5) END,
  forgotten = ?6 WHERE id = ?7
"""


def insert_chunks(
    connection: sqlite3.Connection, next_id: int, closed_ms: int, chunks: Sequence[Chunk]
) -> tuple[int, int]:
    """Store and index; the next free id, and the newest instant in any closed chunk, which was *closed_ms* before."""
    newest = list(accumulate([chunk.last_ms for chunk in chunks], max, initial=closed_ms))
    numbered = list(enumerate(chunks, next_id))
    connection.executemany(
        _INSERT_CHUNK, [(number, at_ms, *chunk) for (number, chunk), at_ms in zip(numbered, newest[1:], strict=True)]
    )
    connection.executemany(_INSERT_DOCUMENT, [(number, chunk.text, f"{TAG}{chunk.pane}") for number, chunk in numbered])
    return next_id + len(chunks), newest[-1]


def insert_document(connection: sqlite3.Connection, number: int, chunk: Chunk) -> None:
    connection.execute(_INSERT_DOCUMENT, (number, chunk.text, f"{TAG}{chunk.pane}"))


def delete_chunks(connection: sqlite3.Connection, found: Iterable[tuple[int, int, str]], *, keep: bool = False) -> None:
    """Chunks of which id, pane and text are given, the very text that was indexed; with *keep* from the index only."""
    documents = [(number, text, f"{TAG}{pane}") for number, pane, text in found]
    connection.executemany(_DELETE_DOCUMENT, documents)
    if not keep:
        connection.executemany("DELETE FROM chunks WHERE id = ?", [(number,) for number, _, _ in documents])


def store_open_chunk(connection: sqlite3.Connection, pane: int, chunk: Chunk | None) -> None:
    if chunk is not None:
        connection.execute(_OPEN_CHUNK, chunk)
    else:
        connection.execute("DELETE FROM open_chunks WHERE pane = ?", (pane,))


def store_rest(connection: sqlite3.Connection, prepared: Prepared) -> None:
    """All but the chunks."""
    for pane in prepared.grown:
        store_open_chunk(connection, pane, prepared.logs[pane].encoded())
    connection.executemany(
        "INSERT INTO gaps (pane, row, missing, reason, at_ms) VALUES (?, ?, ?, ?, ?)",
        [(pane, gap.row, gap.missing, gap.reason.value, gap.at_ms) for pane, gap in prepared.gaps],
    )
    for pane in prepared.grown:
        counts, log = prepared.count(pane), prepared.logs[pane]
        connection.execute(
            _COUNT, (log.next_row, counts.rows, counts.lost, counts.gaps, counts.last_ms, log.is_forgotten, pane)
        )
    connection.executemany(
        "INSERT OR REPLACE INTO screens (pane, at_ms, screen) VALUES (?, ?, ?)",
        [(pane, *screen) for pane, screen in prepared.screens.items()],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO checkpoints (pane, data) VALUES (?, ?)", prepared.checkpoints.items()
    )


def load_log(connection: sqlite3.Connection, pane: int) -> PaneLog:
    """The end of a pane's log. What was printed of an open line is known redacted only."""
    found = connection.execute("SELECT next_row, forgotten FROM panes WHERE id = ?", (pane,)).fetchone()
    if found is None:
        raise NotFound(f"there is no pane p{pane}")
    log = PaneLog(pane, next_row=found[0], is_forgotten=bool(found[1]))
    context = _newest_chunks(connection, pane, log.next_row)
    texts = [text for chunk in context for text in chunk.texts()]
    wraps = [wrap for chunk in context for wrap in chunk.wrapped()]
    if context:
        log.carry = carry_of(texts[-CONTEXT_ROWS:], wraps[-CONTEXT_ROWS:])
        log.kind, log.continues = context[-1].kind, wraps[-1]
        while wraps and wraps[-1]:
            log.line.insert(0, texts.pop())
            wraps.pop()
        log.line_stored = len(log.line)
    else:
        log.is_torn = log.next_row > 0
    row = connection.execute(_OPEN_OF, (pane,)).fetchone()
    if row is not None:
        chunk = Chunk(*row)
        log.texts, log.wraps, log.runs = chunk.texts(), chunk.wrapped(), chunk.runs()
        log.continues = bool(chunk.continues)
    return log


def _newest_chunks(connection: sqlite3.Connection, pane: int, end: int) -> list[Chunk]:
    """Chunks that reach up to *end* without a gap, oldest first; CONTEXT_ROWS or more if there are so many."""
    rows = connection.execute(_NEWEST_OF, (pane,)).fetchall()
    breaks = {
        row for (row,) in connection.execute("SELECT row FROM gaps WHERE pane = ? AND row > ?", (pane, end - 400))
    }
    newest: list[Chunk] = []
    for chunk in map(Chunk._make, rows):
        if chunk.end != end or end in breaks or (newest and chunk.kind != newest[0].kind):
            break
        newest.insert(0, chunk)
        end = chunk.first_row
        if sum(chunk.row_count for chunk in newest) >= CONTEXT_ROWS:
            break
    return newest
