"""What an agent does, in the shape of wa.protocol.results; secrets redacted."""

from __future__ import annotations

from wa.model.agent import AgentState, PaneState, Transition
from wa.protocol.envelope import iso, iso_or_none
from wa.protocol.results_agents import AgentDetail, AgentPart, DialogResult, LastEvent, LimitResult
from wa.store.agent_redact import clean_transition


def agent_result(state: AgentState, last_event: tuple[str, int] | None) -> AgentPart:
    """`agent`, `state`, `since`, `detail` and `last_event` of a pane."""
    drafted = None if state.draft is None else bool(state.draft)
    clean = clean_transition(Transition(state.since_ms, PaneState.UNKNOWN, state)).after
    detail: AgentDetail | None = None
    if clean.agent is not None:
        limit, dialog = clean.limit, clean.dialog
        detail = AgentDetail(
            confidence=round(clean.confidence, 2),
            why=f"{clean.signals[0].rule}: {clean.signals[0].text}" if clean.signals else "",
            version=clean.version,
            model=clean.model,
            plan=clean.plan,
            project=clean.project,
            session_id=clean.session_id,
            background=clean.background,
            draft=drafted,
            limit=None
            if limit is None
            else LimitResult(
                printed=limit.printed,
                until=iso_or_none(limit.until_ms),
                window=limit.window,
                plan=limit.plan,
                resumes_itself=limit.resumes_itself,
            ),
            dialog=None
            if dialog is None
            else DialogResult(
                event=dialog.event, question=dialog.question, options=list(dialog.options), selected=dialog.selected
            ),
        )
    return AgentPart(
        agent=clean.agent,
        state=clean.state.value,
        since=iso(clean.since_ms) if clean.since_ms else None,
        detail=detail,
        last_event=None if last_event is None else LastEvent(event=last_event[0], at=iso(last_event[1])),
    )
