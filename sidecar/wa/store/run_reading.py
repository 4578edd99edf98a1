"""Runs and their journals, read back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from typing import Any

from wa.model.errors import NotFound
from wa.model.identity import MuxInstance
from wa.store.agent_records import EventRecord
from wa.store.prepare import pane_number
from wa.store.reader import Reader
from wa.store.redact import redact
from wa.store.run_records import LostRecord, RunRecord, StepRecord, SwitchRecord

MAX_EVENTS = 2_000

_RUNS = """
SELECT id, workflow, version, 'p' || pane, key, context, mode, status, started_ms, wake_ms, ended_ms, outcome, detail
FROM workflow_runs
"""


_LOST = """
SELECT 's' || s.id, 'p' || p.id, s.agent, s.session_id, coalesce(s.id_confidence, 0.0),
  (SELECT after FROM transitions WHERE session = s.id ORDER BY at_ms DESC, id DESC LIMIT 1),
  p.cwd, p.title, p.workspace, m.name, m.host, m.lost_ms,
  max(s.started_ms, coalesce(p.last_output_ms, 0),
    coalesce((SELECT max(at_ms) FROM transitions WHERE session = s.id), 0)) AS seen_ms
FROM agent_sessions s JOIN panes p ON p.id = s.pane JOIN muxes m ON m.id = p.mux
WHERE s.end_mode = 'mux_ended' AND m.host = ? AND m.socket = ? AND m.key <> ? AND s.ended_ms >= ?
ORDER BY seen_ms DESC, s.id
"""


class RunReader:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def seen(self) -> int | None:
        """The newest event that was judged; None before the first."""

        def work(connection: sqlite3.Connection) -> int | None:
            found = connection.execute("SELECT event FROM workflow_seen").fetchone()
            return None if found is None else int(found[0])

        return await self._reader.read(work)

    async def switches(self) -> list[SwitchRecord]:
        return await self._reader.read(
            lambda connection: [
                SwitchRecord._make(fields)._replace(enabled=bool(fields[2]))
                for fields in connection.execute(
                    "SELECT name, 'p' || pane, enabled, at_ms FROM workflow_switches ORDER BY name, pane"
                )
            ]
        )

    async def open(self) -> list[RunRecord]:
        """Those that have not ended, oldest first."""
        return await self._reader.read(lambda connection: _runs(connection, "WHERE ended_ms IS NULL ORDER BY id", ()))

    async def runs(
        self, *, workflow: str | None = None, pane_uid: str | None = None, is_open: bool | None = None, limit: int = 100
    ) -> list[RunRecord]:
        """Newest first."""
        pane = None if pane_uid is None else pane_number(pane_uid)
        where = (
            "WHERE workflow = coalesce(?1, workflow) AND (?2 IS NULL OR pane = ?2)"
            " AND (?3 IS NULL OR (ended_ms IS NULL) = ?3) ORDER BY id DESC LIMIT ?4"
        )
        return await self._reader.read(lambda connection: _runs(connection, where, (workflow, pane, is_open, limit)))

    async def run(self, run: int) -> RunRecord:
        """Raises NotFound."""
        return await self._reader.read(lambda connection: _run(connection, run))

    async def steps(self, run: int) -> list[StepRecord]:
        """In order."""
        return await self._reader.read(lambda connection: _steps(connection, run))

    async def begun_since(self, workflow: str, pane_uid: str | None, since_ms: int) -> list[int]:
        """When runs of *workflow* on this pane began, dry ones aside, since then, oldest first."""
        pane = None if pane_uid is None else pane_number(pane_uid)
        return await self._reader.read(
            lambda connection: [
                began
                for (began,) in connection.execute(
                    "SELECT started_ms FROM workflow_runs WHERE workflow = ? AND pane IS ? AND started_ms >= ?"
                    " AND mode <> 'dry' ORDER BY started_ms",
                    (workflow, pane, since_ms),
                )
            ]
        )

    async def last_began(self, workflow: str, pane_uid: str | None) -> int | None:
        """When the newest run of *workflow* on this pane (None: of no pane) began, manual and dry ones aside."""
        pane = None if pane_uid is None else pane_number(pane_uid)

        def work(connection: sqlite3.Connection) -> int | None:
            (found,) = connection.execute(
                "SELECT max(started_ms) FROM workflow_runs WHERE workflow = ? AND pane IS ? AND mode <> 'dry'"
                " AND key NOT LIKE '%:manual:%'",
                (workflow, pane),
            ).fetchone()
            return None if found is None else int(found)

        return await self._reader.read(work)

    async def said_since(self, pane_uid: str, since_ms: int) -> list[EventRecord]:
        """Events of the pane from that instant on, oldest first; at most as many as one run may have to look through."""
        return await self._reader.events(pane_uid, since_ms=since_ms, limit=MAX_EVENTS)

    async def entered_since(self, pane_uid: str, since_ms: int) -> list[tuple[int, str]]:
        """`(at_ms, state)`: states that the pane came into from that instant on, oldest first."""
        found = await self._reader.transitions(pane_uid, since_ms=since_ms, limit=MAX_EVENTS)
        return [(one.at_ms, one.after) for one in found]

    async def answer(self, approval: int, now_ms: int) -> tuple[str, int]:
        """`asked`, `granted`, `denied` or `expired`, and when. One that was used was granted, one that was forgotten has expired."""

        def work(connection: sqlite3.Connection) -> tuple[str, int]:
            found = connection.execute(
                "SELECT status, coalesce(decided_ms, expires_ms), expires_ms FROM grants WHERE id = ?", (approval,)
            ).fetchone()
            if found is None:
                return "expired", now_ms
            status, at_ms, expires_ms = found
            if status in ("asked", "granted") and expires_ms <= now_ms:
                return "expired", int(expires_ms)
            return "granted" if status == "used" else str(status), int(at_ms)

        return await self._reader.read(work)

    async def newest_session(self, pane_uid: str) -> tuple[int | None, int | None, str | None]:
        """When the agent's session began, when its newest turn did, and the agent's own id of it, also once it has ended.

        None: wa came later, or nobody knows of any.
        """
        pane = pane_number(pane_uid)

        def work(connection: sqlite3.Connection) -> tuple[int | None, int | None, str | None]:
            found = connection.execute(
                "SELECT started_ms, joined OR ended_ms IS NOT NULL,"
                " (SELECT max(started_ms) FROM turns WHERE session = s.id), session_id"
                " FROM agent_sessions s WHERE pane = ? ORDER BY number DESC LIMIT 1",
                (pane,),
            ).fetchone()
            return (None, None, None) if found is None else (None if found[1] else found[0], found[2], found[3])

        return await self._reader.read(work)

    async def lost_with(self, mux: MuxInstance, since_ms: int) -> list[LostRecord]:
        """Agents that ended since then with an earlier run of *mux*, the last seen first."""
        where = (redact(mux.host), redact(mux.socket), redact(mux.key), since_ms)
        return await self._reader.read(
            lambda connection: [LostRecord._make(fields) for fields in connection.execute(_LOST, where)]
        )

    async def was_elsewhere(self, pane_uids: Collection[str], states: Collection[str], since_ms: int) -> bool:
        """Whether one of the panes came into a state beside *states* after that instant."""
        panes, known = sorted(map(pane_number, pane_uids)), json.dumps(sorted(states))
        return await self._reader.read(
            lambda connection: (
                connection.execute(
                    "SELECT 1 FROM transitions WHERE pane IN (SELECT value FROM json_each(?)) AND at_ms > ?"
                    " AND after NOT IN (SELECT value FROM json_each(?)) LIMIT 1",
                    (json.dumps(panes), since_ms, known),
                ).fetchone()
                is not None
            )
        )


def _runs(connection: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> list[RunRecord]:
    return [
        RunRecord._make(fields)._replace(context=json.loads(fields[5]))
        for fields in connection.execute(f"{_RUNS} {where}", values)
    ]


def _run(connection: sqlite3.Connection, run: int) -> RunRecord:
    for found in _runs(connection, "WHERE id = ?", (run,)):
        return found
    raise NotFound(f"there is no run {run}", next_step="Run `wa workflow history` to see them.")


def _steps(connection: sqlite3.Connection, run: int) -> list[StepRecord]:
    return [
        StepRecord(number, at_ms, json.loads(command), None if reply is None else json.loads(reply), replied_ms)
        for number, at_ms, command, reply, replied_ms in connection.execute(
            "SELECT number, at_ms, command, reply, replied_ms FROM workflow_steps WHERE run = ? ORDER BY number", (run,)
        )
    ]
