"""What agents said and did, as it was stored: events, and the sessions they belong to."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NamedTuple

from wa.api.client import connected, connected_if_any
from wa.api.history import open_history, stored_as_of
from wa.api.panes import find_pane
from wa.api.times import iso_or_none, now_ms, parse
from wa.config.paths import Paths
from wa.protocol.envelope import iso
from wa.protocol.results import (
    EventResult,
    EventsResult,
    SessionCompaction,
    SessionLimit,
    SessionModel,
    SessionParts,
    SessionResult,
    SessionsResult,
    SessionTurn,
)
from wa.store.agent_records import EventRecord, SessionDetail, SessionRecord
from wa.store.reader import Reader

DEFAULT_LIMIT = 100


class EventWish(NamedTuple):
    pane: str | None = None
    event: str | None = None
    """`usage.limit`, or `usage` for all of it."""
    since: str | None = None
    until: str | None = None
    limit: int | None = DEFAULT_LIMIT


class SessionWish(NamedTuple):
    pane: str | None = None
    agent: str | None = None
    since: str | None = None
    limit: int | None = DEFAULT_LIMIT


async def list_events(paths: Paths, wish: EventWish) -> EventsResult:
    """Oldest first, the newest *limit*. Raises UsageError for a time or a pane that cannot be read, StoreError."""
    uid, is_live = await _named(paths, wish.pane, save=True)
    async with open_history(paths) as history:
        records = [] if history is None else await _read(history, wish, uid)
    return EventsResult(
        live=is_live, as_of=None if is_live else stored_as_of(paths), events=[event_result(one) for one in records]
    )


async def follow_events(paths: Paths, wish: EventWish) -> AsyncGenerator[EventsResult, None]:
    """What `list_events` tells, then what comes, as soon as it is stored. Raises SidecarError without a sidecar."""
    async with connected(paths.socket) as hearing, connected(paths.socket) as asking:
        uid = None if wish.pane is None else (await find_pane(paths, asking, wish.pane))["pane_uid"]
        panes = {} if uid is None else {"panes": [uid]}
        _, items = await hearing.begin("subscribe", {"kinds": ["event"], **panes})
        await asking.call("flush")
        async with open_history(paths) as history:
            if history is None:
                return
            records = await _read(history, wish, uid)
            last = records[-1].id if records else await history.last_event_id()
            yield EventsResult(live=True, as_of=None, events=[event_result(one) for one in records])
            async for _ in items:
                await asking.call("flush")
                fresh = await history.events(uid, wish.event, after_id=last)
                if fresh:
                    last = fresh[-1].id
                    yield EventsResult(live=True, as_of=None, events=[event_result(one) for one in fresh])


async def list_sessions(paths: Paths, wish: SessionWish) -> SessionsResult:
    """Newest first."""
    uid, is_live = await _named(paths, wish.pane, save=True)
    since_ms = None if wish.since is None else parse(wish.since, at_ms=now_ms())
    async with open_history(paths) as history:
        records = (
            [] if history is None else await history.sessions(uid, wish.agent, since_ms=since_ms, limit=wish.limit)
        )
    return SessionsResult(
        live=is_live, as_of=None if is_live else stored_as_of(paths), sessions=[session_result(one) for one in records]
    )


async def show_session(paths: Paths, name: str) -> SessionsResult:
    """One, by `s12` or by the agent's own id, with all that belongs to it. Raises NotFound."""
    _, is_live = await _named(paths, None, save=True)
    async with open_history(paths) as history:
        if history is None:
            from wa.model.errors import NotFound

            raise NotFound(f"no session is called {name!r}: nothing was ever stored")
        detail = await history.session(name)
    found = session_result(detail.session)
    found["parts"] = _parts(detail)
    return SessionsResult(live=is_live, as_of=None if is_live else stored_as_of(paths), sessions=[found])


async def _named(paths: Paths, pane: str | None, *, save: bool) -> tuple[str | None, bool]:
    """The pane's uid, and whether a sidecar runs; it is made to store what it has first."""
    async with connected_if_any(paths.socket) as sidecar:
        uid = None if pane is None else (await find_pane(paths, sidecar, pane))["pane_uid"]
        if sidecar is not None and save:
            await sidecar.call("flush")
        return uid, sidecar is not None


async def _read(history: Reader, wish: EventWish, uid: str | None) -> list[EventRecord]:
    at_ms = now_ms()
    return await history.events(
        uid,
        wish.event,
        since_ms=None if wish.since is None else parse(wish.since, at_ms=at_ms),
        until_ms=None if wish.until is None else parse(wish.until, at_ms=at_ms, option="--until"),
        limit=wish.limit,
    )


def event_result(record: EventRecord) -> EventResult:
    return EventResult(
        id=record.id,
        pane_uid=record.pane_uid,
        session=record.session,
        at=iso(record.at_ms),
        agent=record.agent,
        event=record.event,
        rule=record.rule,
        severity=record.severity,
        present=record.present,
        row=record.row,
        text=record.text,
        fields=record.fields,
    )


def session_result(record: SessionRecord) -> SessionResult:
    return SessionResult(
        session=record.id,
        pane_uid=record.pane_uid,
        agent=record.agent,
        session_id=record.session_id,
        id_confidence=record.id_confidence,
        id_source=record.id_source,
        continues=record.continues,
        version=record.version,
        model=record.model,
        plan=record.plan,
        project=record.project,
        joined=record.joined,
        started_at=iso(record.started_ms),
        ended_at=iso_or_none(record.ended_ms),
        end_mode=record.end_mode,
        tokens={
            "total": record.total_tokens,
            "input": record.input_tokens,
            "cached": record.cached_tokens,
            "output": record.output_tokens,
            "reasoning": record.reasoning_tokens,
        },
        turns=record.turns,
        limits=record.limits,
        compactions=record.compactions,
        parts=None,
    )


def _parts(detail: SessionDetail) -> SessionParts:
    return SessionParts(
        models=[
            SessionModel(model=one.model, reqs=one.reqs, input=one.input, cached=one.cached, output=one.output)
            for one in detail.models
        ],
        turns=[
            SessionTurn(
                number=one.number,
                started_at=iso(one.started_ms),
                ended_at=iso_or_none(one.ended_ms),
                outcome=one.outcome,
                duration=one.duration,
                tokens=one.tokens,
            )
            for one in detail.turns
        ],
        limits=[
            SessionLimit(
                at=iso(one.at_ms),
                window=one.window,
                model=one.model,
                printed=one.printed,
                resets_at=iso_or_none(one.resets_ms),
                plan=one.plan,
                resumes_itself=one.resumes_itself,
                lifted_at=iso_or_none(one.lifted_ms),
            )
            for one in detail.limits
        ],
        compactions=[
            SessionCompaction(at=iso(one.at_ms), trigger=one.trigger, before=one.before, after=one.after)
            for one in detail.compactions
        ],
    )
