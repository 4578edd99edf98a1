"""An agent's run in a pane, as operations: what the tests of its records start from."""

from __future__ import annotations

from wa.detect import session_ops as ops
from wa.model.agent import (
    AgentState,
    Detection,
    Dialog,
    Limit,
    PaneState,
    Place,
    Severity,
    Signal,
    SignalSource,
    Transition,
)

FIRST = ops.SessionRef(1, "codex")


def detection(
    event: str, *, agent: str = "codex", text: str = "", present: bool = False, **fields: object
) -> Detection:
    place = Place("footer", 3, 4, text)
    return Detection(event, agent, f"{agent}.{event}", Severity.INFO, fields, present, place)


def noted(event: str, at_ms: int, *, session: ops.SessionRef | None = FIRST, **more: object) -> ops.NoteEvent:
    return ops.NoteEvent(at_ms, detection(event, **more), session, None)


def signal(text: str, *, rule: str = "codex.turn.working") -> Signal:
    return Signal(SignalSource.SCREEN, PaneState.WORKING, "codex", rule, text, 1, None)


def transition(
    at_ms: int,
    after: PaneState = PaneState.WORKING,
    before: PaneState = PaneState.IDLE,
    *,
    signals: tuple[Signal, ...] = (),
    dialog: Dialog | None = None,
    limit: Limit | None = None,
    **more: object,
) -> Transition:
    state = AgentState("codex", after, at_ms, 0.9, signals, dialog, limit)
    return Transition(at_ms, before, state._replace(**more))


def whole_run(at_ms: int = 1000, session: ops.SessionRef = FIRST) -> tuple[ops.Operation, ...]:
    """Begins at *at_ms*, ends 900 ms later."""
    return (
        ops.OpenSession(session, at_ms, joined=False),
        ops.DescribeSession(session, at_ms, version="0.169.0", model="gpt-5.5", plan="Plus", project="/home/dev/demo"),
        noted("session.start", at_ms, session=session, version="0.169.0"),
        ops.OpenTurn(session, 1, at_ms + 100),
        ops.NoteTransition(transition(at_ms + 100, signals=(signal("• Working (1s)"),)), session),
        ops.CloseTurn(session, 1, at_ms + 200, ops.Outcome.DONE, "1s", 1.0, 812),
        ops.NoteSpent(session, at_ms + 190, "01a1f869", 1, (ops.ModelSpent("gpt-5.5", 3, 800, 500, 10_000, 300, 100),)),
        ops.OpenTurn(session, 2, at_ms + 300),
        ops.NoteLimit(session, 1, at_ms + 400, "5h", None, "6:38 AM", "absolute", at_ms + 9000, "Plus", False),
        noted("usage.limit", at_ms + 400, session=session, reset="6:38 AM", window="5h"),
        ops.CloseTurn(session, 2, at_ms + 400, ops.Outcome.LIMITED),
        ops.LiftLimit(session, 1, at_ms + 500),
        ops.NoteCompaction(session, 1, at_ms + 600, "auto", 120_000, 9000),
        ops.NoteSessionId(session, at_ms + 900, "01a1f869-203f-7d21-bf3a-c6f11f9844da", 1.0, "printed"),
        ops.NoteUsage(session, at_ms + 900, "session.end", 2426, 2105, 10_240, 321, 128),
        ops.NoteTimes(session, 61.5, 12.0, 8.25, 1.5, 7, 6, 1),
        ops.NoteModels(session, (ops.ModelUsage("gemini-3-pro", 4, 2000, 100, 300),)),
        ops.CloseSession(session, at_ms + 900, ops.EndMode.DETACHED),
    )
