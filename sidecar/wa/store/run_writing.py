"""Writing runs and their journals. Every method returns after the commit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from wa.store.prepare import pane_number
from wa.store.read_panes import known_number
from wa.store.run_records import End, NewRun, Reply, Step, clean_json, clean_text
from wa.store.writer import Writer

_BEGIN = """
INSERT OR IGNORE INTO workflow_runs (workflow, version, pane, key, context, mode, status, started_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_STEP = "INSERT OR IGNORE INTO workflow_steps (run, number, at_ms, command) VALUES (?, ?, ?, ?)"
_REPLY = "UPDATE workflow_steps SET reply = ?, replied_ms = ? WHERE run = ? AND number = ? AND reply IS NULL"
_END = """
UPDATE workflow_runs SET status = ?, outcome = ?, detail = ?, ended_ms = ?, wake_ms = NULL
WHERE id = ? AND ended_ms IS NULL
"""


class RunWriter:
    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def begin(self, runs: Sequence[NewRun], *, seen: int | None = None) -> list[int | None]:
        """The number of each run; None for one whose key is known. *seen* is the newest event that was judged: both or neither are kept.

        A run whose pane was forgotten meanwhile is None too.
        """
        return await self._writer.transact(lambda connection: _begin(connection, runs, seen))

    async def go_on(self, run: int, *, reply: Reply | None = None, step: Step | None = None) -> bool:
        """The reply to one step and the command of the next, in one commit. False: the run was forgotten, or has ended."""
        return await self._writer.transact(lambda connection: _go_on(connection, run, reply, step))

    async def mark(self, run: int, status: str, started_ms: int | None = None) -> bool:
        """Another status; with *started_ms* a run that waited begins then. False: the run was forgotten, or has ended."""
        return await self._writer.transact(
            lambda connection: (
                connection.execute(
                    "UPDATE workflow_runs SET status = ?, started_ms = coalesce(?, started_ms)"
                    " WHERE id = ? AND ended_ms IS NULL",
                    (status, started_ms, run),
                ).rowcount
                > 0
            )
        )

    async def end(self, run: int, end: End, *, reply: Reply | None = None) -> bool:
        """False: it had ended before, or was forgotten."""
        return await self._writer.transact(lambda connection: _end(connection, run, end, reply))

    async def switch(self, name: str, pane_uid: str | None, *, enabled: bool, at_ms: int) -> None:
        """Raises NotFound for a pane that does not exist. A switch for all panes takes the place of those of single ones."""
        await self._writer.transact(lambda connection: _switch(connection, name, pane_uid, enabled, at_ms))


def _begin(connection: sqlite3.Connection, runs: Sequence[NewRun], seen: int | None) -> list[int | None]:
    begun: list[int | None] = []
    for run in runs:
        pane = None if run.pane_uid is None else pane_number(run.pane_uid)
        if pane is not None and connection.execute("SELECT 1 FROM panes WHERE id = ?", (pane,)).fetchone() is None:
            begun.append(None)
            continue
        fields = (run.workflow, run.version, pane, run.key, _json(run.context), run.mode, run.status, run.started_ms)
        cursor = connection.execute(_BEGIN, fields)
        ident = cursor.lastrowid if cursor.rowcount > 0 else None
        if ident is not None and run.first is not None:
            _ask(connection, ident, run.first)
        begun.append(ident)
    if seen is not None:
        connection.execute(
            "INSERT INTO workflow_seen (one, event) VALUES (1, ?1)"
            " ON CONFLICT (one) DO UPDATE SET event = max(event, ?1)",
            (seen,),
        )
    return begun


def _go_on(connection: sqlite3.Connection, run: int, reply: Reply | None, step: Step | None) -> bool:
    if connection.execute("SELECT 1 FROM workflow_runs WHERE id = ? AND ended_ms IS NULL", (run,)).fetchone() is None:
        return False
    _answer(connection, run, reply)
    if step is not None:
        _ask(connection, run, step)
    return True


def _ask(connection: sqlite3.Connection, run: int, step: Step) -> None:
    connection.execute(_STEP, (run, step.number, step.at_ms, _json(step.command)))
    connection.execute(
        "UPDATE workflow_runs SET status = ?, wake_ms = ? WHERE id = ?", (step.status, step.wake_ms, run)
    )


def _end(connection: sqlite3.Connection, run: int, end: End, reply: Reply | None) -> bool:
    said = (end.status, clean_text(end.outcome), clean_text(end.detail), end.at_ms, run)
    if connection.execute(_END, said).rowcount == 0:
        return False
    _answer(connection, run, reply)
    return True


def _answer(connection: sqlite3.Connection, run: int, reply: Reply | None) -> None:
    if reply is not None:
        connection.execute(_REPLY, (_json(reply.reply), reply.at_ms, run, reply.number))


def _switch(connection: sqlite3.Connection, name: str, pane_uid: str | None, enabled: bool, at_ms: int) -> None:
    pane = None if pane_uid is None else known_number(connection, pane_uid)
    connection.execute(
        "DELETE FROM workflow_switches WHERE name = ?1 AND (?2 IS NULL OR pane = ?2)",
        (name, pane),
    )
    connection.execute("INSERT INTO workflow_switches VALUES (?, ?, ?, ?)", (name, pane, enabled, at_ms))


def _json(value: Any) -> str:
    return json.dumps(clean_json(value), ensure_ascii=False, separators=(",", ":"))
