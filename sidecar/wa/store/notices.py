"""Notices: what a person was told, once, and by which way it arrived."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from wa.store.prepare import pane_number
from wa.store.run_records import clean_json, clean_text

if TYPE_CHECKING:
    # A writer deletes old notices, so it needs this one.
    from wa.store.reader import Reader
    from wa.store.writer import Writer

AT_ONCE = 500

_ADD = "INSERT INTO notices (key, at_ms, pane, needs_you, title, body, delivered) VALUES (?, ?, ?, ?, ?, ?, '{}')"
_LIST = """
SELECT id, key, at_ms, 'p' || pane, needs_you, title, body, delivered
FROM notices WHERE (?1 IS NULL OR pane = ?1) AND (?2 IS NULL OR at_ms >= ?2) ORDER BY id DESC LIMIT ?3
"""


class NoticeRecord(NamedTuple):
    id: int
    key: str
    at_ms: int
    pane_uid: str | None
    needs_you: bool
    title: str
    body: str
    delivered: Mapping[str, str]
    """Channel → `delivered`, or why not."""


class NoticeWriter:
    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def add(
        self, key: str, at_ms: int, pane_uid: str | None, *, needs_you: bool, title: str, body: str, within_ms: int
    ) -> int | None:
        """Its number, after the commit; None where one of this key is not older than *within_ms*."""

        def work(connection: sqlite3.Connection) -> int | None:
            since_ms = at_ms - within_ms
            known = "SELECT 1 FROM notices WHERE key = ? AND at_ms > ? AND at_ms <= ?"
            if connection.execute(known, (key, since_ms, at_ms)).fetchone() is not None:
                return None
            pane = None if pane_uid is None else pane_number(pane_uid)
            if pane is not None and connection.execute("SELECT 1 FROM panes WHERE id = ?", (pane,)).fetchone() is None:
                pane = None
            fields = (key, at_ms, pane, needs_you, clean_text(title), clean_text(body))
            return connection.execute(_ADD, fields).lastrowid

        return await self._writer.transact(work)

    async def delivered(self, notice: int, how: Mapping[str, str]) -> None:
        said = json.dumps(clean_json(dict(how)), ensure_ascii=False)
        await self._writer.transact(
            lambda connection: connection.execute("UPDATE notices SET delivered = ? WHERE id = ?", (said, notice))
        )


class NoticeReader:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def notices(self, pane_uid: str | None = None, *, since_ms: int | None, limit: int) -> list[NoticeRecord]:
        """Newest first."""
        pane = None if pane_uid is None else pane_number(pane_uid)

        def work(connection: sqlite3.Connection) -> list[NoticeRecord]:
            return [
                NoticeRecord(number, key, at_ms, uid, bool(needs_you), title, body, json.loads(delivered))
                for number, key, at_ms, uid, needs_you, title, body, delivered in connection.execute(
                    _LIST, (pane, since_ms, limit)
                )
            ]

        return await self._reader.read(work)


def forget(connection: sqlite3.Connection, number: int | None, since_ms: int) -> None:
    """In a transaction: the notices of a pane (None: of every pane) since then."""
    connection.execute("DELETE FROM notices WHERE at_ms >= ?1 AND (?2 IS NULL OR pane = ?2)", (since_ms, number))


def drop_panes(connection: sqlite3.Connection, numbers: list[int]) -> None:
    for number in numbers:
        connection.execute("DELETE FROM notices WHERE pane = ?", (number,))


def drop_old(connection: sqlite3.Connection, before_ms: int) -> int:
    """In a transaction: some of what is older; how many rows."""
    return connection.execute(
        "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE at_ms < ? ORDER BY id LIMIT ?)",
        (before_ms, AT_ONCE),
    ).rowcount
