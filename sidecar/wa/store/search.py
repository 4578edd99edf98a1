"""Search, newest first.

Closed chunks come from the index in falling order of their ids, that is, of the instants at which they were closed;
open ones are read as they are. A chunk may hold older rows than the next one, so hits are given out only once no
chunk that is still to come can hold a newer one.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from wa.model.screen import Screen
from wa.store.chunks import FIELDS, Chunk
from wa.store.commit import TAG
from wa.store.prepare import pane_number
from wa.store.query import Matcher
from wa.store.read_log import chunks_before, chunks_between
from wa.store.records import Found, Hit

TAGS_AT_MOST = 64
"""Up to so many panes are looked for inside the index; more are told apart afterwards."""
BEYOND_LIMIT = 256
"""So many chunks at most are read only to make sure that the newest hits are found first."""

_C_FIELDS = ", ".join(f"c.{name}" for name in Chunk._fields)
_INDEXED = f"""
SELECT c.id, c.closed_ms, {_C_FIELDS} FROM chunks_fts CROSS JOIN chunks c ON c.id = chunks_fts.rowid
WHERE chunks_fts MATCH ?1 AND chunks_fts.rowid BETWEEN ?2 AND ?3
  AND (?4 IS NULL OR c.pane IN (SELECT value FROM json_each(?4))) ORDER BY chunks_fts.rowid DESC
"""  # noqa: S608
_ALL = f"""
SELECT c.id, c.closed_ms, {_C_FIELDS} FROM chunks c WHERE ?1 IS NULL AND c.id BETWEEN ?2 AND ?3
  AND (?4 IS NULL OR c.pane IN (SELECT value FROM json_each(?4))) ORDER BY c.id DESC
"""  # noqa: S608
_OPEN = f"SELECT {FIELDS} FROM open_chunks"  # noqa: S608


class Scope(NamedTuple):
    """Where to look. None: everywhere."""

    panes: frozenset[int] | None = None
    rows: dict[int, list[range]] | None = None
    """Which rows of which panes were printed below a directory."""
    since_ms: int | None = None
    until_ms: int | None = None

    def holds(self, pane: int, row: int, at_ms: int) -> bool:
        if (self.since_ms is not None and at_ms < self.since_ms) or (
            self.until_ms is not None and at_ms >= self.until_ms
        ):
            return False
        return self.rows is None or any(row in rows for rows in self.rows.get(pane, ()))


class _Candidate(NamedTuple):
    """In the order in which hits are wanted, backwards."""

    at_ms: int
    chunk_id: int
    row: int
    line: int
    chunk: Chunk


def scope(
    connection: sqlite3.Connection,
    *,
    panes: Iterable[str] | None,
    host: str | None,
    project: str | None,
    since_ms: int | None,
    until_ms: int | None,
) -> Scope:
    """*host* is a mux's host or name, `local` and `localhost` this machine; *project* a directory."""
    numbers = None if panes is None else {pane_number(uid) for uid in panes}
    rows = None
    if host is not None:
        wanted = "" if host in ("local", "localhost") else host
        found = connection.execute(
            "SELECT p.id FROM panes p JOIN muxes m ON m.id = p.mux WHERE m.host = ? OR m.name = ?", (wanted, host)
        )
        of_host = {number for (number,) in found}
        numbers = of_host if numbers is None else numbers & of_host
    if project is not None:
        rows = _rows_below(connection, project)
        numbers = set(rows) if numbers is None else numbers & set(rows)
    return Scope(None if numbers is None else frozenset(numbers), rows, since_ms, until_ms)


def _rows_below(connection: sqlite3.Connection, project: str) -> dict[int, list[range]]:
    folder = project.rstrip("/") or "/"
    stays = connection.execute(
        "SELECT pane, row, coalesce(lead(row) OVER (PARTITION BY pane ORDER BY row, id), 1 << 62), cwd FROM cwds"
    )
    rows: dict[int, list[range]] = {}
    for pane, first, end, cwd in stays:
        path = directory(cwd)
        if path == folder or path.startswith(folder.rstrip("/") + "/"):
            rows.setdefault(pane, []).append(range(first, end))
    return rows


def directory(cwd: str) -> str:
    """The path in what a terminal reports: a file:// URL, or a path."""
    path = unquote(urlsplit(cwd).path) if cwd.startswith("file://") else cwd
    return path.rstrip("/") or "/"


def search(
    connection: sqlite3.Connection, matcher: Matcher, where: Scope, *, limit: int, context: int, deadline: float
) -> Found:
    """At most *limit* hits, each with *context* lines before and after. What time leaves out is told, not hidden."""
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 50_000)
    candidates: list[_Candidate] = []
    complete = True
    try:
        candidates.extend(_candidates(connection, matcher, where, limit + 1))
    except TimeoutError:
        complete = False
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        complete = False
    finally:
        connection.set_progress_handler(None, 0)
    candidates.sort(reverse=True)
    hits = [_hit(connection, candidate, context) for candidate in candidates[:limit]]
    return Found(tuple(hits), more=len(candidates) > limit, complete=complete)


def _candidates(connection: sqlite3.Connection, matcher: Matcher, where: Scope, wanted: int) -> Iterator[_Candidate]:
    """At least the *wanted* newest ones, in no order; all if there are fewer."""
    if where.panes is not None and not where.panes:
        return
    instants: list[int] = []
    for fields in connection.execute(_OPEN).fetchall():
        for candidate in _in_chunk(Chunk(*fields), END_ID, matcher, where):
            instants.append(candidate.at_ms)
            yield candidate
    beyond = 0
    for chunk_id, closed_ms, *fields in _closed(connection, matcher, where):
        if len(instants) >= wanted:
            instants.sort(reverse=True)
            if instants[wanted - 1] >= closed_ms or beyond >= BEYOND_LIMIT:
                return
            beyond += 1
        for candidate in _in_chunk(Chunk(*fields), chunk_id, matcher, where):
            instants.append(candidate.at_ms)
            yield candidate


END_ID = 1 << 62


def _closed(connection: sqlite3.Connection, matcher: Matcher, where: Scope) -> Iterator[tuple[Any, ...]]:
    first, last = 0, END_ID
    if where.since_ms is not None or where.until_ms is not None:
        first, last = connection.execute(
            "SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM chunks INDEXED BY chunks_time"
            " WHERE last_ms >= coalesce(?, last_ms) AND first_ms < coalesce(?, first_ms + 1)",
            (where.since_ms, where.until_ms),
        ).fetchone()
    expression = matcher.expression()
    panes = where.panes
    if expression is not None and panes is not None and len(panes) <= TAGS_AT_MOST:
        tags = " OR ".join(f'"{TAG}{pane}"' for pane in sorted(panes))
        expression, panes = f"({expression}) AND ({tags})", None
    among = None if panes is None else json.dumps(sorted(panes))
    return connection.execute(_ALL if expression is None else _INDEXED, (expression, first, last, among))


def _in_chunk(chunk: Chunk, chunk_id: int, matcher: Matcher, where: Scope) -> list[_Candidate]:
    if where.panes is not None and chunk.pane not in where.panes:
        return []
    lines = matcher.find(line_text(chunk))
    if not lines:
        return []
    starts = line_starts(chunk)
    at = [chunk.first_ms] * chunk.row_count if chunk.times is None else chunk.at()
    found = [_Candidate(at[starts[line]], chunk_id, chunk.first_row + starts[line], line, chunk) for line in lines]
    return [candidate for candidate in found if where.holds(chunk.pane, candidate.row, candidate.at_ms)]


def line_starts(chunk: Chunk) -> Sequence[int]:
    """Which of its rows each logical line of *chunk* begins with."""
    if chunk.wraps is None:
        return range(chunk.row_count)
    return [row for row in range(chunk.row_count) if row == 0 or not chunk.wraps[row - 1]]


def line_text(chunk: Chunk) -> str:
    """The logical lines, parted by newlines, with none inside."""
    starts = line_starts(chunk)
    if chunk.text.count("\n") == len(starts) - 1:
        return chunk.text
    texts = [text.replace("\n", " ") for text in chunk.texts()]
    ends = [*starts[1:], chunk.row_count]
    return "\n".join("".join(texts[start:end]) for start, end in zip(starts, ends, strict=True))


def _hit(connection: sqlite3.Connection, found: _Candidate, context: int) -> Hit:
    chunk = found.chunk
    lines = line_text(chunk).split("\n")
    before = lines[max(0, found.line - context) : found.line]
    after = lines[found.line + 1 : found.line + 1 + context]
    if len(before) < context:
        before = _earlier(connection, chunk, context - len(before)) + before
    if len(after) < context:
        after += _later(connection, chunk, context - len(after))
    return Hit(f"p{chunk.pane}", found.at_ms, found.row, lines[found.line], tuple(before), tuple(after), chunk.row_kind)


def _earlier(connection: sqlite3.Connection, chunk: Chunk, lines: int) -> list[str]:
    """The last *lines* lines before *chunk*, up to a gap."""
    found: list[str] = []
    first = chunk.first_row
    for other in chunks_before(connection, chunk.pane, first):
        if other.end != first or _is_gap(connection, chunk.pane, first):
            break
        found[:0] = line_text(other).split("\n")
        first = other.first_row
        if len(found) >= lines:
            break
    return found[-lines:]


def _later(connection: sqlite3.Connection, chunk: Chunk, lines: int) -> list[str]:
    """The first *lines* lines after *chunk*, up to a gap."""
    found: list[str] = []
    end = chunk.end
    for other in chunks_between(connection, chunk.pane, end, END_ID):
        if other.first_row != end or _is_gap(connection, chunk.pane, end):
            break
        found += line_text(other).split("\n")
        end = other.end
        if len(found) >= lines:
            break
    return found[:lines]


def _is_gap(connection: sqlite3.Connection, pane: int, row: int) -> bool:
    return connection.execute("SELECT 1 FROM gaps WHERE pane = ? AND row = ?", (pane, row)).fetchone() is not None


def search_screen(pane_uid: str, screen: Screen, matcher: Matcher, *, context: int) -> list[Hit]:
    """Hits on a screen, lowest first; they have no position in the log."""
    texts: list[str] = []
    goes_on = False
    for row in screen.rows:
        text = row.text.replace("\n", " ")
        if goes_on:
            texts[-1] += text
        else:
            texts.append(text)
        goes_on = row.wrapped
    hits = [
        Hit(
            pane_uid,
            screen.at_ms,
            None,
            texts[line],
            tuple(texts[max(0, line - context) : line]),
            tuple(texts[line + 1 : line + 1 + context]),
            None,
        )
        for line in matcher.find("\n".join(texts))
    ]
    return hits[::-1]
