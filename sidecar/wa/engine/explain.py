"""Why wa thinks what it thinks of a pane."""

from __future__ import annotations

from collections.abc import Iterator

from wa.detect.arbiter import HOLD_MS
from wa.detect.watch import PaneWatch
from wa.engine.agent_result import agent_result
from wa.engine.pane import WatchedPane
from wa.model.agent import AgentState, PaneState, Transition
from wa.protocol.results_agents import ExplainMatch, ExplainResult, ExplainSignal, Offset
from wa.store.agent_redact import clean_detection, clean_transition, plain


def explain(pane: WatchedPane, watch: PaneWatch | None, now_ms: int) -> ExplainResult:
    state = pane.agent
    clean = clean_transition(Transition(now_ms, PaneState.UNKNOWN, state)).after
    reading = watch.reading if watch is not None else None
    matches: list[ExplainMatch] = []
    if reading is not None and reading.look is not None:
        top = reading.look.page.screen_row
        for found in map(clean_detection, reading.detections):
            first, last = found.place.first_row, found.place.last_row
            matches.append(
                ExplainMatch(
                    rule=found.rule,
                    event=found.event,
                    region=found.place.region,
                    rows=None if first is None or last is None else [Offset(first - top), Offset(last - top)],
                    text=found.place.text,
                    fields=plain(found.fields),
                )
            )
    return ExplainResult(
        pane_uid=pane.uid,
        **agent_result(state, pane.last_event),
        signals=[
            ExplainSignal(
                source=signal.source.value,
                says=None if signal.says is None else signal.says.value,
                rule=signal.rule,
                text=signal.text,
                age_s=max(0.0, (now_ms - signal.at_ms) / 1000),
                expires_in_s=None if signal.expires_ms is None else (signal.expires_ms - now_ms) / 1000,
                won=at == 0 and signal.says is state.state,
            )
            for at, signal in enumerate(clean.signals)
        ],
        matches=matches,
        silent=list(reading.silent) if reading is not None else [],
        composer=None if reading is None or reading.look is None else reading.look.composer is not None,
        would_change=list(_would_change(state)),
    )


def _would_change(state: AgentState) -> Iterator[str]:
    if state.agent is None:
        yield "the program of an agent comes to the foreground, or its banner and composer are seen"
        return
    if state.state.startswith("waiting."):
        yield f"the dialog is answered and gone for {HOLD_MS} ms"
    elif state.state is PaneState.WORKING:
        yield f"the working row and the title's spinner are gone for {HOLD_MS} ms: idle"
        yield "a dialog opens, or a limit is printed"
    elif state.state is PaneState.IDLE:
        yield "a working row or a spinner in the title: working"
        yield "a dialog opens, or a limit is printed"
    elif state.state is PaneState.LIMITED:
        yield "the agent answers, finishes a turn or signs in after the limit"
        if state.limit is not None and state.limit.until_ms is not None and not state.limit.resumes_itself:
            yield "a minute after the reset: idle"
    elif state.state in (PaneState.EXITED, PaneState.SHELL):
        yield "an agent starts"
    else:
        yield "its composer, a dialog, a working row or a title that tells its state is seen"
    yield "its program leaves the foreground: exited"
