"""Writing what is done to panes. Each function runs in a transaction; what it returns is so after the commit."""

from __future__ import annotations

import sqlite3

from wa.model.action import Acted, Stage
from wa.model.errors import Refused
from wa.store import acting_reading
from wa.store.acting_records import ActionRecord, GrantRecord, Intent, PauseRecord, QueuedRecord
from wa.store.acting_words import clean, fingerprint_of, is_plain, key_of, to_json, what_of
from wa.store.read_panes import known_number
from wa.store.redact import redact

_INTENT = """
INSERT INTO actions (key, pane, at_ms, actor_kind, actor_name, kind, fingerprint, what, decision, rule, reason, dry_run,
  stage, run, step) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_QUEUE = """
INSERT INTO queued (pane, key, at_ms, actor_kind, actor_name, text, submit, expires_ms, status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting')
"""
MAX_WAITING = 50
"""Texts that wait for one pane."""
MAX_ASKED = 20
"""Questions about one pane that wait for a person: who asks for ever other things is not heard for ever."""


class NotToBeKept(Refused):
    """What would have to wait on the disk holds a secret."""

    code = "refused.secret"
    next_step = "Send it when the agent is idle; nothing of it was kept."


def begin_action(connection: sqlite3.Connection, intent: Intent) -> tuple[ActionRecord, bool]:
    """Written down as decided, and whether it is new: a key that is known answers with what was written then."""
    known = acting_reading.by_key(connection, intent.key)
    if known is not None:
        return known, False
    connection.execute(
        _INTENT,
        (
            *(key_of(intent.key), known_number(connection, intent.pane_uid) if intent.pane_uid else None, intent.at_ms),
            *(intent.actor.kind.value, redact(intent.actor.name), intent.action.kind.value),
            *(fingerprint_of(intent.action), to_json(what_of(intent.action))),
            *(intent.decision, intent.rule, redact(intent.reason), intent.dry_run, Stage.DECIDED.value),
            *(intent.run, intent.step),
        ),
    )
    found = acting_reading.by_key(connection, intent.key)
    if found is None:
        raise AssertionError("an action that was just written is not there")
    return found, True


def redecide(connection: sqlite3.Connection, action: int, decision: str, rule: str, reason: str) -> None:
    """What the judgement right before a write said, where it was another than the first."""
    connection.execute(
        "UPDATE actions SET decision = ?, rule = ?, reason = ? WHERE id = ? AND stage <> 'ended'",
        (decision, rule, redact(reason), action),
    )


def advance(connection: sqlite3.Connection, action: int, stage: Stage, at_ms: int, *, grant: int | None = None) -> None:
    """Before the step that *stage* names. *grant* is used up with it. Raises Refused where that grant holds no more."""
    changed = connection.execute(
        "UPDATE actions SET stage = ?, typed_ms = coalesce(typed_ms, ?) WHERE id = ? AND stage <> 'ended'",
        (stage.value, at_ms, action),
    ).rowcount
    if not changed:
        raise Refused("the action has ended", next_step="Begin another.")
    if grant is not None:
        used = connection.execute(
            "UPDATE grants SET status = 'used', decided_ms = ? WHERE id = ? AND status = 'granted' AND expires_ms > ?",
            (at_ms, grant, at_ms),
        ).rowcount
        if not used:
            raise Refused("the approval has expired, or was used or taken back", next_step="Ask again.")


def end_action(connection: sqlite3.Connection, action: int, acted: Acted, at_ms: int) -> ActionRecord:
    """What came of it; the first end stands."""
    connection.execute(
        "UPDATE actions SET stage = 'ended', outcome = ?, detail = ?, evidence = ?, ended_ms = ?"
        " WHERE id = ? AND stage <> 'ended'",
        (acted.outcome.value, redact(acted.detail), to_json(acted.evidence), at_ms, action),
    )
    return acting_reading.action(connection, action)


# -- approvals ------------------------------------------------------------------------------------------------------


def ask_grant(
    connection: sqlite3.Connection, intent: Intent, expires_ms: int, *, effects: frozenset[str] = frozenset()
) -> GrantRecord:
    """The question that waits already, or a new one. Raises NotToBeKept."""
    if not is_plain(intent.action):
        raise NotToBeKept("the action holds a secret, so it cannot be kept until somebody approves it")
    number = known_number(connection, intent.pane_uid)
    fingerprint = fingerprint_of(intent.action)
    found = connection.execute(
        "SELECT id FROM grants WHERE pane = ? AND fingerprint = ? AND status = 'asked' AND expires_ms > ?"
        " ORDER BY id DESC LIMIT 1",
        (number, fingerprint, intent.at_ms),
    ).fetchone()
    if found is None:
        (asked,) = connection.execute(
            "SELECT count(*) FROM grants WHERE pane = ? AND status = 'asked' AND expires_ms > ?", (number, intent.at_ms)
        ).fetchone()
        if asked >= MAX_ASKED:
            raise Refused(
                f"{asked} questions about {intent.pane_uid} wait for a person already", next_step="See `wa approvals`."
            )
        what = what_of(intent.action._replace(effects=intent.action.effects | effects))
        actor = f"{intent.actor.kind.value} {intent.actor.name}".strip()
        connection.execute(
            "INSERT INTO grants (pane, fingerprint, what, asked_ms, asked_by, reason, status, expires_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, 'asked', ?)",
            (number, fingerprint, to_json(what), intent.at_ms, redact(actor), redact(intent.reason), expires_ms),
        )
        found = connection.execute("SELECT last_insert_rowid()").fetchone()
    return acting_reading.grant(connection, int(found[0]))


def settle_grant(
    connection: sqlite3.Connection, ident: int, *, granted: bool, at_ms: int, expires_ms: int
) -> GrantRecord:
    """A person's yes or no. A yes may be taken back while it is not used. Raises NotFound, Refused."""
    before = acting_reading.grant(connection, ident)
    may = ("asked",) if granted else ("asked", "granted")
    if before.status not in may or before.expires_ms <= at_ms:
        state = "expired" if before.status in may else before.status
        raise Refused(f"approval {ident} is {state}", next_step="`wa approvals` lists what waits.")
    connection.execute(
        "UPDATE grants SET status = ?, decided_ms = ?, expires_ms = ? WHERE id = ?",
        ("granted" if granted else "denied", at_ms, expires_ms if granted else before.expires_ms, ident),
    )
    return acting_reading.grant(connection, ident)


# -- pauses ---------------------------------------------------------------------------------------------------------


def pause(connection: sqlite3.Connection, record: PauseRecord) -> PauseRecord:
    """In place of an earlier one of the same scope and name."""
    if record.scope == "pane":
        known_number(connection, record.name)
    kept = record._replace(name=redact(record.name), reason=redact(record.reason))
    connection.execute(
        "INSERT OR REPLACE INTO pauses (scope, name, since_ms, until_ms, reason) VALUES (?, ?, ?, ?, ?)", kept
    )
    return kept


def resume(connection: sqlite3.Connection, scope: str | None, name: str | None) -> list[PauseRecord]:
    """The pauses that have ended; None: of every scope, or name."""
    gone = connection.execute(
        "DELETE FROM pauses WHERE scope = coalesce(?, scope) AND name = coalesce(?, name)"
        " RETURNING scope, name, since_ms, until_ms, reason",
        (scope, name),
    ).fetchall()
    return [PauseRecord._make(fields) for fields in gone]


# -- texts that wait ------------------------------------------------------------------------------------------------


def enqueue(connection: sqlite3.Connection, wish: QueuedRecord) -> QueuedRecord:
    """A key that is known answers with what waits under it. Raises NotToBeKept for a text with a secret in it, Refused for too many."""
    if redact(wish.text) != wish.text:
        raise NotToBeKept("the text holds a secret, so it cannot be kept until the agent is idle")
    key = key_of(wish.key)
    known = acting_reading.queued_by_key(connection, key)
    if known is not None:
        return known
    number = known_number(connection, wish.pane_uid)
    (waiting,) = connection.execute(
        "SELECT count(*) FROM queued WHERE pane = ? AND status = 'waiting'", (number,)
    ).fetchone()
    if waiting >= MAX_WAITING:
        raise Refused(f"{waiting} texts wait for {wish.pane_uid} already", next_step="See `wa queue list`.")
    connection.execute(
        _QUEUE,
        (
            *(number, key, wish.at_ms, wish.actor_kind, redact(wish.actor_name), wish.text, wish.submit),
            wish.expires_ms,
        ),
    )
    found = acting_reading.queued_by_key(connection, key)
    if found is None:
        raise AssertionError("a text that was just queued is not there")
    return found


def settle_queued(
    connection: sqlite3.Connection, ident: int, status: str, *, action: int | None = None, detail: str | None = None
) -> QueuedRecord:
    """One that waits does so no more. Raises NotFound, and Refused for one that waits no more."""
    before = acting_reading.queued(connection, ident)
    if before.status != "waiting":
        raise Refused(f"{ident} is {before.status}", next_step="`wa queue list` shows what waits.")
    connection.execute(
        "UPDATE queued SET status = ?, action = ?, detail = ? WHERE id = ?",
        (status, action, None if detail is None else str(clean(detail)), ident),
    )
    return acting_reading.queued(connection, ident)


def expire(connection: sqlite3.Connection, now_ms: int) -> None:
    """What has waited for too long, and pauses that are over."""
    connection.execute(
        "UPDATE queued SET status = 'expired', detail = 'it waited for too long' WHERE status = 'waiting' AND expires_ms <= ?",
        (now_ms,),
    )
    connection.execute("DELETE FROM pauses WHERE until_ms <= ?", (now_ms,))
