"""Runs of agents: which there were, and what is known of one."""

from __future__ import annotations

from dataclasses import dataclass

from wa.api.events import Records, recorded
from wa.api.times import now_ms, parse
from wa.config.paths import Paths
from wa.model.errors import NotFound
from wa.protocol.envelope import iso, iso_or_none
from wa.protocol.results_sessions import (
    SessionCompaction,
    SessionLimit,
    SessionModel,
    SessionParts,
    SessionResult,
    SessionsResult,
    SessionTurn,
    SessionTurnModel,
    SessionUsage,
)
from wa.store.agent_records import LimitRecord, SessionDetail, SessionRecord, TurnRecord, UsageRecord


@dataclass(frozen=True, slots=True)
class SessionWish:
    pane: str | None = None
    agent: str | None = None
    since: str | None = None
    """Only those that were under way at or after."""
    limit: int = 100


async def list_sessions(paths: Paths, wish: SessionWish) -> SessionsResult:
    """Newest first. Raises NotFound for an unknown pane."""
    since_ms = None if wish.since is None else parse(wish.since, at_ms=now_ms())
    agent = None if wish.agent is None else agent_name(paths, wish.agent)
    async with recorded(paths, wish.pane) as records:
        found: list[SessionRecord] = []
        if records.history is not None:
            found = await records.history.sessions(records.uid, agent, since_ms=since_ms, limit=wish.limit + 1)
        shown = [session_result(one) for one in found[: wish.limit]]
        return _result(records, shown, more=len(found) > wish.limit)


async def show_session(paths: Paths, name: str) -> SessionsResult:
    """One, with all that belongs to it, by `s12`, or by the agent's own id: then the newest that had it. Raises NotFound."""
    async with recorded(paths) as records:
        if records.history is None:
            raise NotFound(f"there is no session {name!r}", next_step="Nothing was ever stored: run `wa watch`.")
        detail = await records.history.session(name)
        found = session_result(detail.session)
        found["parts"] = _parts(detail)
        return _result(records, [found], more=False)


def _result(records: Records, sessions: list[SessionResult], *, more: bool) -> SessionsResult:
    return SessionsResult(live=records.live, as_of=records.as_of, sessions=sessions, more=more)


def agent_name(paths: Paths, word: str) -> str:
    """`claude_code` for `claude` and `claude-code`; a word that no agent has is taken as it is."""
    # Imported here: only --agent needs the rules, and each command's start counts.
    from wa.agents.loader import Agents
    from wa.api.rules import user_folder

    plain = word.strip().lower()
    return Agents(user_folder(paths)).name_of(plain.replace("_", "-")) or plain.replace("-", "_")


def session_result(found: SessionRecord) -> SessionResult:
    return SessionResult(
        session=found.id,
        pane_uid=found.pane_uid,
        agent=found.agent,
        session_id=found.session_id,
        id_confidence=found.id_confidence,
        id_source=found.id_source,
        continues=found.continues,
        version=found.version,
        model=found.model,
        plan=found.plan,
        project=found.project,
        joined=found.joined,
        started_at=iso(found.started_ms),
        ended_at=iso_or_none(found.ended_ms),
        end_mode=found.end_mode,
        tokens={
            "total": found.total_tokens,
            "input": found.input_tokens,
            "cached": found.cached_tokens,
            "output": found.output_tokens,
            "reasoning": found.reasoning_tokens,
        },
        wall_s=found.wall_s,
        active_s=found.active_s,
        api_s=found.api_s,
        tool_s=found.tool_s,
        tool_calls={"total": found.tool_calls, "ok": found.tool_calls_ok, "failed": found.tool_calls_failed},
        turns=found.turns,
        limits=found.limits,
        compactions=found.compactions,
        parts=None,
    )


def _parts(detail: SessionDetail) -> SessionParts:
    return SessionParts(
        models=[
            SessionModel(model=one.model, reqs=one.reqs, input=one.input, cached=one.cached, output=one.output)
            for one in detail.models
        ],
        turn_models=[
            SessionTurnModel(
                turn=one.turn or None,
                model=one.model,
                reqs=one.reqs,
                total=one.total,
                input=one.input,
                cached=one.cached,
                output=one.output,
                reasoning=one.reasoning,
            )
            for one in detail.turn_models
        ],
        turns=[_turn(one) for one in detail.turns],
        usage=[_usage(one) for one in detail.usage],
        limits=[_limit(one) for one in detail.limits],
        compactions=[
            SessionCompaction(at=iso(one.at_ms), trigger=one.trigger, before=one.before, after=one.after)
            for one in detail.compactions
        ],
    )


def _turn(found: TurnRecord) -> SessionTurn:
    return SessionTurn(
        number=found.number,
        started_at=iso(found.started_ms),
        ended_at=iso_or_none(found.ended_ms),
        outcome=found.outcome,
        duration=found.duration,
        duration_s=found.duration_s,
        tokens=found.tokens,
    )


def _usage(found: UsageRecord) -> SessionUsage:
    return SessionUsage(
        at=iso(found.at_ms),
        source=found.source,
        total=found.total,
        input=found.input,
        cached=found.cached,
        output=found.output,
        reasoning=found.reasoning,
    )


def _limit(found: LimitRecord) -> SessionLimit:
    return SessionLimit(
        at=iso(found.at_ms),
        window=found.window,
        model=found.model,
        printed=found.printed,
        kind=found.kind,
        resets_at=iso_or_none(found.resets_ms),
        plan=found.plan,
        resumes_itself=found.resumes_itself,
        lifted_at=iso_or_none(found.lifted_ms),
    )
