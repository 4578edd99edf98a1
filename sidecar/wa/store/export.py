"""Everything stored, for other programs: a record at a time, or a copy of the database."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from wa.model.errors import StoreError
from wa.model.log import Gap
from wa.protocol.envelope import iso, iso_or_none
from wa.store import read_agents
from wa.store.agent_records import EventRecord, SessionDetail, TransitionRecord
from wa.store.command_records import CommandRecord
from wa.store.connection import Database, snapshot
from wa.store.errors import translate
from wa.store.prepare import pane_number
from wa.store.read_commands import Asked, commands
from wa.store.read_log import log
from wa.store.read_panes import panes, screens
from wa.store.records import LogEntry, PaneRecord, StoredScreen

PAGE_ROWS = 2000
"""Read at once; between two pages nothing of the database is held."""

PAGE_SAID = 5000
"""The same, of events and of transitions."""

Record = dict[str, Any]
T = TypeVar("T")


async def records(database: Database, *, uids: frozenset[str] | None, since_ms: int | None) -> AsyncIterator[Record]:
    """Each pane, its rows and gaps in order, its screen, what agents did there. Keys: docs/topics/store.md."""
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
        async for record in _said(database, pane.pane_uid, since_ms):
            yield record


def _page(uid: str, first: int, since_ms: int | None) -> Callable[[sqlite3.Connection], list[LogEntry]]:
    return _at_once(partial(log, pane=pane_number(uid), first_row=first, limit=PAGE_ROWS, since_ms=since_ms))


async def _said(database: Database, uid: str, since_ms: int | None) -> AsyncIterator[Record]:
    """Sessions of a pane, oldest first, then its events, then its changes of state."""
    for detail in await database.run(_at_once(partial(_sessions, uid=uid, since_ms=since_ms))):
        yield _session(detail)
    after = 0
    while events := await database.run(_at_once(partial(_events, uid=uid, since_ms=since_ms, after_id=after))):
        for event in events:
            yield _of_agent("event", event)
        after = events[-1].id
    after = 0
    while changes := await database.run(_at_once(partial(_transitions, uid=uid, since_ms=since_ms, after_id=after))):
        for change in changes:
            yield _of_agent("transition", change)
        after = changes[-1].id
    after = 0
    asked = Asked(pane=uid, since_ms=since_ms)
    while ran := await database.run(_at_once(partial(_commands, asked=asked, after=after))):
        for one in ran:
            yield _command(one)
        after = ran[-1].revision


def _commands(connection: sqlite3.Connection, asked: Asked, after: int) -> list[CommandRecord]:
    return commands(connection, asked, limit=PAGE_SAID, after_revision=after)


def _command(found: CommandRecord) -> Record:
    fields = _fields(found._asdict())
    for own in ("revision", "token", "alive"):
        del fields[own]
    lasted = found.duration_ms
    del fields["duration_at"]
    return {"type": "command", **fields, "duration_s": None if lasted is None else lasted / 1000}


def _events(connection: sqlite3.Connection, uid: str, since_ms: int | None, after_id: int) -> list[EventRecord]:
    return read_agents.events(
        connection, pane=uid, event=None, since_ms=since_ms, until_ms=None, limit=PAGE_SAID, after_id=after_id
    )


def _transitions(
    connection: sqlite3.Connection, uid: str, since_ms: int | None, after_id: int
) -> list[TransitionRecord]:
    return read_agents.transitions(
        connection, pane=uid, since_ms=since_ms, until_ms=None, limit=PAGE_SAID, after_id=after_id
    )


def _sessions(connection: sqlite3.Connection, uid: str, since_ms: int | None) -> list[SessionDetail]:
    found = read_agents.sessions(
        connection, pane=uid, agent=None, since_ms=since_ms, until_ms=None, is_open=None, limit=None
    )
    return [read_agents.session(connection, one.id) for one in reversed(found)]


def _at_once(work: Callable[[sqlite3.Connection], T]) -> Callable[[sqlite3.Connection], T]:
    """*work* on one state of the database."""
    return lambda connection: snapshot(connection, lambda: work(connection))


def _pane(pane: PaneRecord) -> Record:
    return {"type": "pane", **_fields(pane._asdict())}


def _session(detail: SessionDetail) -> Record:
    """All that is known of one; where its own record counts turns, limits and compactions, they stand themselves."""
    own = {**_fields(detail.session._asdict()), "session": detail.session.id}
    del own["id"]
    parts = {
        name: [_fields(one._asdict()) for one in part] for name, part in detail._asdict().items() if name != "session"
    }
    return {"type": "session", **own, **parts}


def _of_agent(sort: str, found: EventRecord | TransitionRecord) -> Record:
    return {"type": sort, **_fields(found._asdict())}


def _fields(record: dict[str, Any]) -> Record:
    """`started_ms` becomes `started_at`, a text; `at_ms` becomes `at`."""
    fields: Record = {}
    for name, value in record.items():
        if name.endswith("_ms"):
            fields["at" if name == "at_ms" else name.removesuffix("_ms") + "_at"] = iso_or_none(value)
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
