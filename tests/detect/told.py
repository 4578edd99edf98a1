"""What the tests of the session book feed, and the tables that its operations make."""

from __future__ import annotations

from dataclasses import dataclass, field

from wa.detect import session_ops as ops
from wa.detect.session_book import SessionBook
from wa.model.agent import AgentState, Detection, Limit, PaneState, Place, Severity, Transition

PRESENT = (
    "turn.working",
    "state.idle",
    "waiting.",
    "usage.popup",
    "usage.autoresume",
    "background.",
    "compaction.running",
)
ID = "01a1f869-203f-7d21-bf3a-c6f11f9844da"
OTHER_ID = "01a1f84e-71f3-75c2-93d9-1bb4fd1d1ed3"


def said(event: str, *, agent: str = "codex", window_ms: int = 0, **fields: object) -> Detection:
    place = Place("footer", 3, 4, event)
    is_present = event.startswith(PRESENT)
    return Detection(event, agent, f"{agent}.{event}", Severity.INFO, fields, is_present, place, window_ms)


def became(
    state: PaneState, at_ms: int, *, before: PaneState = PaneState.UNKNOWN, agent: str | None = "codex", **more: object
) -> Transition:
    return Transition(at_ms, before, AgentState(agent, state, at_ms, 0.9, ())._replace(**more))


@dataclass
class Turn:
    started_ms: int
    ended_ms: int | None = None
    outcome: str | None = None
    duration: str | None = None
    tokens: int | None = None


@dataclass
class Session:
    agent: str
    started_ms: int
    joined: bool
    ended_ms: int | None = None
    mode: str | None = None
    session_id: str | None = None
    about: dict[str, str] = field(default_factory=dict)
    turns: dict[int, Turn] = field(default_factory=dict)
    limits: dict[int, ops.NoteLimit] = field(default_factory=dict)
    lifted: dict[int, int] = field(default_factory=dict)
    compactions: dict[int, ops.NoteCompaction] = field(default_factory=dict)
    usage: list[ops.NoteUsage] = field(default_factory=list)
    times: ops.NoteTimes | None = None
    models: tuple[ops.ModelUsage, ...] = ()


class Tables:
    """Performs operations as the store would, and refuses what must not be."""

    def __init__(self) -> None:
        self.sessions: dict[int, Session] = {}
        self.events: list[ops.NoteEvent] = []
        self.transitions: list[ops.NoteTransition] = []

    @property
    def newest(self) -> Session:
        return self.sessions[max(self.sessions)]

    def names(self, session: int | None = None) -> list[str]:
        return [
            one.detection.event
            for one in self.events
            if session is None or (one.session is not None and one.session.number == session)
        ]

    def perform(self, operations: list[ops.Operation]) -> None:
        for operation in operations:
            self._perform(operation)

    def _perform(self, operation: ops.Operation) -> None:
        if isinstance(operation, ops.NoteEvent):
            assert operation.session is None or operation.session.number in self.sessions
            self.events.append(operation)
            return
        if isinstance(operation, ops.NoteTransition):
            assert operation.session is None or operation.session.number in self.sessions
            self.transitions.append(operation)
            return
        number = operation.session.number
        if isinstance(operation, ops.OpenSession):
            assert number == max(self.sessions, default=0) + 1, "numbers count"
            assert all(one.ended_ms is not None for one in self.sessions.values()), "two sessions are open"
            assert all(one.ended_ms <= operation.at_ms for one in self.sessions.values()), "sessions overlap"
            self.sessions[number] = Session(operation.session.agent, operation.at_ms, operation.joined)
            return
        session = self.sessions[number]
        assert session.agent == operation.session.agent
        if isinstance(operation, ops.DescribeSession):
            session.about |= {name: value for name, value in operation._asdict().items() if isinstance(value, str)}
        elif isinstance(operation, ops.NoteSessionId):
            session.session_id = operation.session_id
        elif isinstance(operation, ops.CloseSession):
            assert all(turn.ended_ms is not None for turn in session.turns.values()), "a turn outlives its session"
            assert operation.at_ms >= max([session.started_ms, *(turn.ended_ms for turn in session.turns.values())])
            assert session.ended_ms in (None, operation.at_ms), "an end moves"
            session.ended_ms, session.mode = operation.at_ms, operation.mode.value
        elif isinstance(operation, ops.OpenTurn):
            assert session.ended_ms is None, "a turn in a session that is over"
            assert operation.turn == len(session.turns) + 1, "numbers count"
            assert all(turn.ended_ms is not None for turn in session.turns.values()), "two turns are open"
            ends = [turn.ended_ms for turn in session.turns.values()]
            assert operation.at_ms >= max([session.started_ms, *ends]), "turns overlap"
            session.turns[operation.turn] = Turn(operation.at_ms)
        elif isinstance(operation, ops.CloseTurn):
            turn = session.turns[operation.turn]
            assert operation.at_ms >= turn.started_ms
            assert turn.ended_ms in (None, operation.at_ms), "an end moves"
            turn.ended_ms, turn.outcome = operation.at_ms, operation.outcome.value
            turn.duration = operation.duration or turn.duration
            turn.tokens = operation.tokens if operation.tokens is not None else turn.tokens
        elif isinstance(operation, ops.NoteLimit):
            session.limits[operation.limit] = operation
            session.lifted.pop(operation.limit, None)
        elif isinstance(operation, ops.LiftLimit):
            assert operation.limit not in session.lifted, "lifted twice"
            session.lifted[operation.limit] = operation.at_ms
        elif isinstance(operation, ops.NoteCompaction):
            session.compactions[operation.compaction] = operation
        elif isinstance(operation, ops.NoteUsage):
            assert [one[3:] for one in session.usage[-1:]] != [operation[3:]], "told twice"
            session.usage.append(operation)
        elif isinstance(operation, ops.NoteTimes):
            session.times = operation
        else:
            session.models = operation.models


class World:
    """A book with its tables, and a clock that goes on by itself."""

    def __init__(self, **about: object) -> None:
        self.book = SessionBook(**about)
        self.tables = Tables()
        self.at_ms = 1000

    def look(self, *found: Detection, after_ms: int = 100, rows: tuple[int, ...] = ()) -> None:
        """What one look shows."""
        self.at_ms += after_ms
        self.tables.perform(self.book.look(found, self.at_ms, rows or None))

    def state(self, state: PaneState, *, after_ms: int = 100, agent: str | None = "codex", **more: object) -> None:
        self.at_ms += after_ms
        before = self.tables.transitions[-1].transition.after.state if self.tables.transitions else PaneState.UNKNOWN
        self.tables.perform(self.book.feed_state(became(state, self.at_ms, before=before, agent=agent, **more)))


def limit(printed: str = "6:38 AM", until_ms: int | None = None, **more: object) -> Limit:
    return Limit(printed, until_ms, None, None, False)._replace(**more)
