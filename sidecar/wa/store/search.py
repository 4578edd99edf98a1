"""Search, newest first.

Closed chunks come from the index in falling order of their ids; open ones are few and are read as they are. A chunk
may hold older rows than the next one, so the search goes on until no chunk still to come can hold a newer hit than
those it has. Text stays UTF-8 until a line is known to be a hit: most of a chunk never is.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from wa.model.log import RowKind
from wa.model.screen import Screen
from wa.store.chunks import Chunk
from wa.store.commit import TAG
from wa.store.prepare import pane_number
from wa.store.query import Matcher
from wa.store.read_log import END, chunks_before, chunks_between
from wa.store.records import Found, Hit

TAGS_AT_MOST = 64
"""Up to so many panes are looked for inside the index; more are told apart afterwards."""
BEYOND_LIMIT = 256
"""So many chunks at most are read only to make sure that the newest hits are found first."""

_COLUMNS = "pane, first_row, row_count, kind, accented, first_ms, last_ms, lengths, wraps, times, CAST(text AS BLOB)"
_INDEXED = """
SELECT c.id, c.closed_ms, c.pane, first_row, row_count, kind, accented, first_ms, last_ms, lengths, wraps, times,
  CAST(c.text AS BLOB)
FROM chunks_fts CROSS JOIN chunks c ON c.id = chunks_fts.rowid
WHERE chunks_fts MATCH ?1 AND chunks_fts.rowid BETWEEN ?2 AND ?3
  AND (?4 IS NULL OR c.pane IN (SELECT value FROM json_each(?4))) ORDER BY chunks_fts.rowid DESC
"""
# Only names of columns are put into these.
_ALL = f"""
SELECT id, closed_ms, {_COLUMNS} FROM chunks WHERE ?1 IS NULL AND id BETWEEN ?2 AND ?3
  AND (?4 IS NULL OR pane IN (SELECT value FROM json_each(?4))) ORDER BY id DESC
"""  # noqa: S608
_OPEN = f"SELECT {END}, last_ms, {_COLUMNS} FROM open_chunks"  # noqa: S608
_OPEN_LIKE = f"{_OPEN} WHERE accented OR lengths IS NOT NULL OR text LIKE ? ESCAPE '\\'"
_LIKE_AT_MOST = 1000
"""SQLite takes no pattern above 50,000 bytes."""
_WILD = re.compile(r"[%_\\]")


class Scope(NamedTuple):
    """Where to look. None: everywhere."""

    panes: frozenset[int] | None = None
    rows: dict[int, list[range]] | None = None
    """Which rows of which panes were printed below a directory."""
    since_ms: int | None = None
    until_ms: int | None = None

    @property
    def is_by_chunk(self) -> bool:
        """All rows of a chunk are inside, or none."""
        return self.rows is None and self.since_ms is None and self.until_ms is None

    def holds(self, pane: int, row: int, at_ms: int) -> bool:
        if self.since_ms is not None and at_ms < self.since_ms:
            return False
        if self.until_ms is not None and at_ms >= self.until_ms:
            return False
        return self.rows is None or any(row in rows for rows in self.rows.get(pane, ()))


class _Read(NamedTuple):
    """A chunk as far as a search needs it."""

    chunk_id: int
    """END for an open one."""
    bound_ms: int
    """No row of it is newer, nor any of a chunk that comes after it."""
    pane: int
    first_row: int
    row_count: int
    kind: str
    accented: bool
    first_ms: int
    last_ms: int
    lengths: bytes | None
    wraps: bytes | None
    times: bytes | None
    data: bytes

    def whole(self) -> Chunk:
        """`continues` is not known here."""
        return Chunk(
            *(self.pane, self.first_row, self.row_count, self.kind, False, self.accented),
            *(self.first_ms, self.last_ms, self.lengths, self.wraps, self.times, self.data.decode()),
        )


_BOUND: Callable[[_Read], int] = itemgetter(_Read._fields.index("bound_ms"))


class _Around(NamedTuple):
    """Where a hit's context is found."""

    data: bytes
    """The chunk's lines."""
    line: int
    read: _Read


class _Candidate(NamedTuple):
    """Greater ones are newer."""

    at_ms: int
    chunk_id: int
    row: int
    pane: int
    text: str
    kind: str
    around: _Around | None
    """None: no context is asked for, and the chunk can be let go."""


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
        for found in _candidates(connection, matcher, where, limit, with_context=context > 0):
            candidates += found
            if time.monotonic() > deadline:
                raise TimeoutError
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


def _candidates(
    connection: sqlite3.Connection, matcher: Matcher, where: Scope, wanted: int, *, with_context: bool
) -> Iterator[list[_Candidate]]:
    """The *wanted* newest ones and at least one more, a chunk's at a time; all if there are fewer."""
    if where.panes is not None and not where.panes:
        return
    newest: list[int] = []
    count = beyond = 0
    is_done = False
    """All to come is older than the *wanted* newest; only whether there is more is open."""
    for read in _in_order(connection, matcher, where):
        if count >= wanted:
            newest.sort(reverse=True)
            del newest[wanted:]
            is_done = beyond >= BEYOND_LIMIT or not newest or newest[-1] >= read.bound_ms
            if count > wanted and is_done:
                return
            beyond += read.chunk_id != END
            if count > wanted and newest[-1] > read.last_ms:
                continue
        if found := _in_chunk(read, matcher, where, wanted + 1, with_context=with_context):
            newest += [candidate.at_ms for candidate in found]
            count += len(found)
            yield found
            if count > wanted and is_done:
                return


def _in_order(connection: sqlite3.Connection, matcher: Matcher, where: Scope) -> Iterator[_Read]:
    """Chunks that may hold hits, by the newest instant that they, or any after them, can have."""
    waiting = sorted(map(_Read._make, _open(connection, matcher)), key=_BOUND)
    for read in map(_Read._make, _closed(connection, matcher, where)):
        while waiting and waiting[-1].bound_ms >= read.bound_ms:
            yield waiting.pop()
        yield read
    yield from reversed(waiting)


def _open(connection: sqlite3.Connection, matcher: Matcher) -> sqlite3.Cursor:
    """Open chunks, without most of those that hold no hit: SQLite finds that out in a fraction of the time."""
    literal = matcher.literal()
    if not 0 < len(literal) <= _LIKE_AT_MOST:
        return connection.execute(_OPEN)
    escaped = _WILD.sub(r"\\\g<0>", literal)
    return connection.execute(_OPEN_LIKE, (f"%{escaped}%",))


def _closed(connection: sqlite3.Connection, matcher: Matcher, where: Scope) -> sqlite3.Cursor:
    first, last = 0, END
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


def _in_chunk(read: _Read, matcher: Matcher, where: Scope, wanted: int, *, with_context: bool) -> list[_Candidate]:
    """The lowest *wanted* hits of a chunk, which are its newest."""
    if where.panes is not None and read.pane not in where.panes:
        return []
    data = read.data if read.lengths is None else line_text(read.whole()).encode()
    places = matcher.places(data, accented=read.accented)
    if not places:
        return []
    starts = None if read.wraps is None else line_starts(read.row_count, read.wraps)
    at = None if read.times is None else read.whole().at()
    all_inside = where.is_by_chunk
    found: list[_Candidate] = []
    for line, start, end in reversed(places):
        row = starts[line] if starts else line
        at_ms = at[row] if at else read.first_ms
        row += read.first_row
        if all_inside or where.holds(read.pane, row, at_ms):
            around = _Around(data, line, read) if with_context else None
            text = data[start:end].decode()
            found.append(_Candidate(at_ms, read.chunk_id, row, read.pane, text, read.kind, around))
            if len(found) == wanted:
                break
    return found


def line_starts(row_count: int, wraps: bytes | None) -> Sequence[int]:
    """Which row each logical line of a chunk begins with."""
    if wraps is None:
        return range(row_count)
    return [row for row in range(row_count) if row == 0 or not wraps[row - 1]]


def line_text(chunk: Chunk) -> str:
    """The logical lines, parted by newlines, with none inside."""
    if chunk.lengths is None:
        return chunk.text
    starts = line_starts(chunk.row_count, chunk.wraps)
    if chunk.text.count("\n") == len(starts) - 1:
        return chunk.text
    texts = [text.replace("\n", " ") for text in chunk.texts()]
    ends = [*starts[1:], chunk.row_count]
    return "\n".join("".join(texts[start:end]) for start, end in zip(starts, ends, strict=True))


def _hit(connection: sqlite3.Connection, found: _Candidate, context: int) -> Hit:
    before: list[str] = []
    after: list[str] = []
    if found.around is not None:
        data, line, read = found.around
        lines = data.decode().split("\n")
        before = lines[max(0, line - context) : line]
        after = lines[line + 1 : line + 1 + context]
        if len(before) < context:
            before = _earlier(connection, read, context - len(before)) + before
        if len(after) < context:
            after += _later(connection, read, context - len(after))
    kind = RowKind(found.kind)
    return Hit(f"p{found.pane}", found.at_ms, found.row, found.text, tuple(before), tuple(after), kind)


def _earlier(connection: sqlite3.Connection, read: _Read, lines: int) -> list[str]:
    """The last *lines* lines before a chunk, up to a gap."""
    found: list[str] = []
    first = read.first_row
    for other in chunks_before(connection, read.pane, first):
        if other.end != first or _is_gap(connection, read.pane, first):
            break
        found[:0] = line_text(other).split("\n")
        first = other.first_row
        if len(found) >= lines:
            break
    return found[-lines:]


def _later(connection: sqlite3.Connection, read: _Read, lines: int) -> list[str]:
    """The first *lines* lines after a chunk, up to a gap."""
    found: list[str] = []
    end = read.first_row + read.row_count
    for other in chunks_between(connection, read.pane, end, END):
        if other.first_row != end or _is_gap(connection, read.pane, end):
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
