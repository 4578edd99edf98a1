"""Reading beside the writer, from any process: read-only, and each answer from one state of the database."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import TypeVar

from wa.detect.session_book import Remembered
from wa.model.screen import Row
from wa.store import agent_memory, export, read_agents, read_commands, read_log, read_panes
from wa.store.agent_records import EventRecord, SessionDetail, SessionRecord, TransitionRecord
from wa.store.command_records import CommandRecord, ShellRecord
from wa.store.connection import Database, snapshot
from wa.store.pattern import Pattern
from wa.store.query import Matcher, parse
from wa.store.records import Found, Health, LogEntry, PaneRecord, StoredScreen
from wa.store.search import scope, search

T = TypeVar("T")

SEARCH_WITHIN_S = 10.0
HEALTH_WITHIN_S = 10.0
LARGEST = 1 << 62
"""Greater numbers are as good as this one, and SQLite takes none above 63 bits."""


class Reader:
    """Open with `Reader.open`; raises StoreMissingError where there is no database yet.

    A method raises NotFound for a pane_uid that names no pane.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, path: Path) -> Reader:
        return cls(await Database.open_reader(path))

    @property
    def path(self) -> Path:
        return self._database.path

    async def close(self) -> None:
        await self._database.close()

    async def panes(self) -> list[PaneRecord]:
        """All panes ever seen and not forgotten, oldest first."""
        return await self._read(read_panes.panes)

    async def pane(self, uid: str) -> PaneRecord:
        return await self._read(lambda connection: read_panes.pane(connection, uid))

    async def checkpoint(self, uid: str) -> bytes | None:
        """What the pane's tracker last handed in with its rows; None if it never has."""
        return await self._read(lambda connection: read_panes.checkpoint(connection, uid))

    async def tail(self, uid: str, rows: int) -> list[Row]:
        """The newest *rows* rows, oldest first. `Row.index` is the position in the log."""
        return await self._of_pane(uid, lambda connection, pane: read_log.tail(connection, pane, rows))

    async def screens(self, *, closed: bool = False) -> list[StoredScreen]:
        """The last screen of each live pane, and with *closed* of the others."""
        return await self._read(lambda connection: read_panes.screens(connection, closed=closed))

    async def log(
        self,
        uid: str,
        *,
        first_row: int = 0,
        limit: int | None = None,
        tail: int | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
    ) -> list[LogEntry]:
        """Rows and gaps from position *first_row* on, oldest first; *limit* counts rows, *tail* takes the newest ones.

        Instants: captured at or after *since_ms*, before *until_ms*. A long log is read in pages: the next begins at
        the last row's position and one, and has the gap that may stand between.
        """
        return await self._of_pane(
            uid,
            lambda connection, pane: read_log.log(
                connection,
                pane,
                first_row=min(first_row, LARGEST),
                limit=limit,
                tail_rows=tail,
                since_ms=_bounded(since_ms),
                until_ms=_bounded(until_ms),
            ),
        )

    async def search(
        self,
        query: str,
        *,
        panes: Iterable[str] | None = None,
        host: str | None = None,
        project: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int = 20,
        context: int = 0,
        regex: bool = False,
        within_s: float = SEARCH_WITHIN_S,
    ) -> Found:
        """Logical lines, newest first, with *context* lines before and after. Screens are searched by `search_screen`.

        *query* as in `wa.store.query`, or a regular expression. *host* is a mux's host or name, *project* a directory:
        rows printed while the pane stood in or below it. Raises UsageError for a query that says nothing.
        """
        matcher = make_matcher(query, regex=regex, within_s=within_s)
        deadline = time.monotonic() + within_s
        since, until = _bounded(since_ms), _bounded(until_ms)

        def work(connection: sqlite3.Connection) -> Found:
            where = scope(connection, panes=panes, host=host, project=project, since_ms=since, until_ms=until)
            return search(connection, matcher, where, limit=limit, context=context, deadline=deadline)

        return await self._read(work)

    async def events(
        self,
        pane: str | None = None,
        event: str | None = None,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int | None = None,
        after_id: int | None = None,
    ) -> list[EventRecord]:
        """Oldest first: the newest *limit*; with *after_id* the next ones. *event*: `usage.limit`, or `usage` for all of it."""
        return await self._read(
            lambda connection: read_agents.events(
                connection,
                pane=pane,
                event=event,
                since_ms=_bounded(since_ms),
                until_ms=_bounded(until_ms),
                limit=limit,
                after_id=after_id,
            )
        )

    async def last_event_id(self) -> int:
        """Of the newest event ever stored; 0 where there was none."""
        return await self._read(read_agents.last_event_id)

    async def data_version(self) -> int:
        """Another number after each commit of whoever writes; compared with earlier ones of this Reader only."""
        return await self._database.run(lambda connection: int(connection.execute("PRAGMA data_version").fetchone()[0]))

    async def transitions(
        self,
        pane: str | None = None,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int | None = None,
        after_id: int | None = None,
    ) -> list[TransitionRecord]:
        """As `events`."""
        return await self._read(
            lambda connection: read_agents.transitions(
                connection,
                pane=pane,
                since_ms=_bounded(since_ms),
                until_ms=_bounded(until_ms),
                limit=limit,
                after_id=after_id,
            )
        )

    async def sessions(
        self,
        pane: str | None = None,
        agent: str | None = None,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        is_open: bool | None = None,
        limit: int | None = None,
    ) -> list[SessionRecord]:
        """Newest first: those under way between the instants."""
        return await self._read(
            lambda connection: read_agents.sessions(
                connection,
                pane=pane,
                agent=agent,
                since_ms=_bounded(since_ms),
                until_ms=_bounded(until_ms),
                is_open=is_open,
                limit=limit,
            )
        )

    async def session(self, name: str) -> SessionDetail:
        """By `s12`, or by the agent's own id (the newest that had it). Raises NotFound."""
        return await self._read(lambda connection: read_agents.session(connection, name))

    async def remembered(self, pane_uid: str) -> Remembered | None:
        """The pane's newest agent session, for a session book to go on with; None where there is none."""
        return await self._read(lambda connection: agent_memory.remembered(connection, pane_uid))

    async def last_event(self, pane_uid: str) -> tuple[str, int] | None:
        """Name and instant of the pane's newest event. Raises NotFound for a pane that does not exist."""
        return await self._read(lambda connection: agent_memory.last_event(connection, pane_uid))

    async def shells(self, pane_uid: str) -> tuple[list[ShellRecord], list[CommandRecord]]:
        """Shells that have told of themselves in a pane, and what was begun there and has no end, oldest first."""
        return await self._read(
            lambda connection: (read_commands.shells(connection, pane_uid), read_commands.running(connection, pane_uid))
        )

    async def commands(
        self, asked: read_commands.Asked, *, limit: int | None = None, after_revision: int | None = None
    ) -> list[CommandRecord]:
        """Oldest first: the newest *limit*; after a revision what has changed since, by that."""
        return await self._read(
            lambda connection: read_commands.commands(connection, asked, limit=limit, after_revision=after_revision)
        )

    async def last_revision(self) -> int:
        """Of the newest change of any command; 0 where there was none."""
        return await self._read(read_commands.last_revision)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """*work* on one state of the database."""
        return await self._read(work)

    async def health(self, *, within_s: float = HEALTH_WITHIN_S) -> Health:
        """Sizes, counts and an integrity check that may take so long."""
        return await self._read(lambda connection: read_panes.health(connection, self.path, within_s=within_s))

    def export(
        self, *, panes: Iterable[str] | None = None, since_ms: int | None = None
    ) -> AsyncIterator[export.Record]:
        """Records for JSON lines: of each pane itself, its rows and gaps in order, its screen, its agents' doings."""
        uids = None if panes is None else frozenset(panes)
        return export.records(self._database, uids=uids, since_ms=since_ms)

    async def copy(self, target: Path) -> int:
        """A copy of the whole database in the new file *target* (0600); its size in bytes."""
        return await asyncio.to_thread(export.copy, self.path, target)

    async def _of_pane(self, uid: str, work: Callable[[sqlite3.Connection, int], T]) -> T:
        return await self._read(lambda connection: work(connection, read_panes.known_number(connection, uid)))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._database.run(lambda connection: snapshot(connection, lambda: work(connection)))


def _bounded(at_ms: int | None) -> int | None:
    return None if at_ms is None else max(-LARGEST, min(at_ms, LARGEST))


def make_matcher(query: str, *, regex: bool, within_s: float = SEARCH_WITHIN_S) -> Matcher:
    """What finds *query* in lines. With *regex*, looking raises TimeoutError once *within_s* seconds have passed."""
    return Pattern(query, deadline=time.monotonic() + within_s) if regex else parse(query)
