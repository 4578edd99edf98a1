"""What was done to panes, what waits for a yes, what is paused and what is queued, read back."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from wa.model.action import Ledger
from wa.model.errors import NotFound
from wa.store.acting_records import ActionRecord, GrantRecord, PauseRecord, QueuedRecord
from wa.store.acting_words import key_of
from wa.store.prepare import pane_number
from wa.store.read_agents import Conditions
from wa.store.records import DAY_MS, HOUR_MS, MINUTE_MS

_ACTIONS = """
SELECT id, key, 'p' || pane, at_ms, actor_kind, actor_name, kind, fingerprint, what, decision, rule, reason, dry_run, stage,
  typed_ms, outcome, detail, evidence, ended_ms, run, step
FROM actions
"""
_GRANTS = (
    "SELECT id, 'p' || pane, fingerprint, what, asked_ms, asked_by, reason, status, decided_ms, expires_ms FROM grants"
)
_QUEUED = """
SELECT id, 'p' || pane, key, at_ms, actor_kind, actor_name, text, submit, expires_ms, status, action, detail FROM queued
"""
_OF_AUTOMATIONS = (
    "actor_kind <> 'human' AND NOT dry_run AND decision = 'allow' AND (typed_ms IS NOT NULL OR stage <> 'ended')"
)
"""What has typed, or may be about to: an action under way counts before its first key."""


def action(connection: sqlite3.Connection, ident: int) -> ActionRecord:
    """Raises NotFound."""
    found = connection.execute(f"{_ACTIONS} WHERE id = ?", (ident,)).fetchone()
    if found is None:
        raise NotFound(f"there is no action {ident}", next_step="`wa audit` lists what was done.")
    return _action(found)


def by_key(connection: sqlite3.Connection, key: str) -> ActionRecord | None:
    found = connection.execute(f"{_ACTIONS} WHERE key = ?", (key_of(key),)).fetchone()
    return None if found is None else _action(found)


def ended_under(connection: sqlite3.Connection, prefix: str) -> int:
    """How many actions ended whose keys are *prefix*, a colon and a number."""
    (count,) = connection.execute(
        "SELECT count(*) FROM actions WHERE key > ? AND key < ? AND stage = 'ended'", (f"{prefix}:", f"{prefix};")
    ).fetchone()
    return int(count)


def newest_under(connection: sqlite3.Connection, prefix: str) -> ActionRecord | None:
    """The newest of the actions whose keys are *prefix*, a colon and a number."""
    found = connection.execute(
        f"{_ACTIONS} WHERE key > ? AND key < ? ORDER BY id DESC LIMIT 1", (f"{prefix}:", f"{prefix};")
    ).fetchone()
    return None if found is None else _action(found)


def closed_panes(connection: sqlite3.Connection) -> set[str]:
    """Of those for which texts wait."""
    found = connection.execute(
        "SELECT 'p' || id FROM panes WHERE NOT alive AND id IN (SELECT pane FROM queued WHERE status = 'waiting')"
    )
    return {str(uid) for (uid,) in found}


def opened(connection: sqlite3.Connection, since_ms: int) -> set[str]:
    """Panes that were opened for workflows since then."""
    found = connection.execute(
        "SELECT json_extract(evidence, '$.pane_uid') FROM actions"
        " WHERE at_ms >= ? AND kind = 'spawn' AND run IS NOT NULL AND evidence IS NOT NULL",
        (since_ms - DAY_MS,),
    )
    return {str(uid) for (uid,) in found if uid}


def open_actions(connection: sqlite3.Connection) -> list[ActionRecord]:
    """Intents without an end, oldest first."""
    return [_action(one) for one in connection.execute(f"{_ACTIONS} WHERE stage <> 'ended' ORDER BY id")]


def actions(
    connection: sqlite3.Connection,
    *,
    pane: str | None,
    actor: str | None,
    outcome: str | None,
    since_ms: int | None,
    until_ms: int | None,
    limit: int | None,
) -> list[ActionRecord]:
    """Oldest first, the newest *limit*. *actor* is a kind (`workflow`) or a name (`handle_compaction`)."""
    where = Conditions()
    where.add("pane = ?", None if pane is None else pane_number(pane))
    where.add("(actor_kind = ? OR actor_name = ?)", actor, actor)
    where.add("outcome = ?", outcome)
    where.add("at_ms >= ?", since_ms)
    where.add("at_ms < ?", until_ms)
    found = connection.execute(
        f"{_ACTIONS} {where} ORDER BY at_ms DESC, id DESC LIMIT ?", (*where.values, -1 if limit is None else limit)
    ).fetchall()
    return [_action(one) for one in found[::-1]]


def ledger(
    connection: sqlite3.Connection,
    pane_uid: str,
    fingerprint: str,
    now_ms: int,
    *,
    run: int | None = None,
    but: int | None = None,
) -> tuple[Ledger, int | None]:
    """What was done before, and the grant that allows this. The steps of one *run* do not hold each other up, nor an action (*but*) itself.

    What lies in the future (the clock was set back) counts as just now.
    """
    number = pane_number(pane_uid)
    newest = connection.execute(
        f"SELECT at_ms FROM actions WHERE pane = ? AND at_ms > ? AND {_OF_AUTOMATIONS}"  # noqa: S608 - a text from above
        " AND (run IS NULL OR run IS NOT ?) AND id IS NOT ? ORDER BY at_ms DESC LIMIT 1",
        # No cooldown is longer than a day.
        (number, now_ms - DAY_MS, run, but),
    ).fetchone()
    last_ms = None if newest is None else int(newest[0])
    (hour,) = connection.execute(
        f"SELECT count(*) FROM actions WHERE pane = ? AND at_ms > ? AND {_OF_AUTOMATIONS} AND id IS NOT ?",  # noqa: S608 - a text from above
        (number, now_ms - HOUR_MS, but),
    ).fetchone()
    (minute,) = connection.execute(
        f"SELECT count(*) FROM actions WHERE at_ms > ? AND {_OF_AUTOMATIONS} AND id IS NOT ?",  # noqa: S608 - a text from above
        (now_ms - MINUTE_MS, but),
    ).fetchone()
    granted = None
    if fingerprint:
        granted = connection.execute(
            "SELECT id FROM grants WHERE pane = ? AND fingerprint = ? AND status = 'granted' AND expires_ms > ?"
            " ORDER BY id LIMIT 1",
            (number, fingerprint, now_ms),
        ).fetchone()
    ident = None if granted is None else int(granted[0])
    return Ledger(last_ms if last_ms is None else min(last_ms, now_ms), hour, minute, ident is not None), ident


def run_mode(connection: sqlite3.Connection, run: int) -> str | None:
    """`live`, `observe` or `dry`; None where there is no such run under way."""
    found = connection.execute("SELECT mode FROM workflow_runs WHERE id = ? AND ended_ms IS NULL", (run,)).fetchone()
    return None if found is None else str(found[0])


def grant(connection: sqlite3.Connection, ident: int) -> GrantRecord:
    """Raises NotFound."""
    found = connection.execute(f"{_GRANTS} WHERE id = ?", (ident,)).fetchone()
    if found is None:
        raise NotFound(f"there is no approval {ident}", next_step="`wa approvals` lists what waits.")
    return _grant(found)


def grants(connection: sqlite3.Connection, now_ms: int | None) -> list[GrantRecord]:
    """Oldest first: all that are kept; with *now_ms* those that wait for a yes, or have one that is not used."""
    where = Conditions()
    where.add("status IN ('asked', 'granted') AND expires_ms > ?", now_ms)
    return [_grant(one) for one in connection.execute(f"{_GRANTS} {where} ORDER BY id", where.values)]


def pauses(connection: sqlite3.Connection, now_ms: int | None = None) -> list[PauseRecord]:
    """Oldest first; with *now_ms* those in force."""
    found = connection.execute(
        "SELECT scope, name, since_ms, until_ms, reason FROM pauses"
        " WHERE ?1 IS NULL OR until_ms IS NULL OR until_ms > ?1 ORDER BY since_ms, scope, name",
        (now_ms,),
    )
    return [PauseRecord._make(fields) for fields in found]


def queued(connection: sqlite3.Connection, ident: int) -> QueuedRecord:
    """Raises NotFound."""
    found = connection.execute(f"{_QUEUED} WHERE id = ?", (ident,)).fetchone()
    if found is None:
        raise NotFound(f"nothing is queued as {ident}", next_step="`wa queue list` shows what waits.")
    return _queued(found)


def queued_by_key(connection: sqlite3.Connection, key: str) -> QueuedRecord | None:
    found = connection.execute(f"{_QUEUED} WHERE key = ?", (key,)).fetchone()
    return None if found is None else _queued(found)


def queue(connection: sqlite3.Connection, *, pane: str | None, waiting: bool, limit: int | None) -> list[QueuedRecord]:
    """In the order in which they are sent; *waiting* False: with those that wait no more, the newest *limit*."""
    where = Conditions()
    where.add("pane = ?", None if pane is None else pane_number(pane))
    where.add("status = ?", "waiting" if waiting else None)
    found = connection.execute(
        f"{_QUEUED} {where} ORDER BY id DESC LIMIT ?", (*where.values, -1 if limit is None else limit)
    ).fetchall()
    return [_queued(one) for one in found[::-1]]


def _action(fields: tuple[Any, ...]) -> ActionRecord:
    record = ActionRecord._make(fields)
    return record._replace(
        what=json.loads(fields[8]),
        dry_run=bool(record.dry_run),
        evidence=json.loads(fields[17]) if fields[17] else {},
    )


def _grant(fields: tuple[Any, ...]) -> GrantRecord:
    record = GrantRecord._make(fields)
    return record._replace(what=json.loads(fields[3]))


def _queued(fields: tuple[Any, ...]) -> QueuedRecord:
    record = QueuedRecord._make(fields)
    return record._replace(submit=bool(record.submit))
