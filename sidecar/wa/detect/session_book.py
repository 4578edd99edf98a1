"""From what was read off one pane to the records of its agents: sessions, turns, limits, compactions, tokens.

Fed with all that each look shows and with every change of the pane's state, as wa.detect.watch tells them
(docs/topics/events.md says what a session and a turn are). Answers with what is to be remembered. At most one session is
open, and in it at most one turn; both end no earlier than they began; what is painted again is not recorded twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from wa.detect import session_ops as ops
from wa.detect.compactions import Compactions
from wa.detect.fields import instant, number, seconds, text
from wa.detect.ledger import Ledger
from wa.detect.limits import Limits
from wa.detect.once import Clean, Once
from wa.detect.own_id import FROM_COMMAND, FROM_HOOK, FROM_STATE, Candidate, OwnId, reopened
from wa.detect.session import Session, about, contradicts
from wa.detect.session_ops import EndMode, IdSource, Operation, Outcome, SessionRef
from wa.detect.turns import BUSY, ShownTurn, Turns
from wa.model.agent import AgentState, Detection, PaneState, SignalSource, Transition

LATE_MS = 60_000
"""So long after a session's end its exit text is still taken: state may change before the text is drawn."""
BANNER_MS = 5000
"""So long after a banner its session may show its first state."""
COMMAND_MS = 60_000
"""So long after a shell command an agent may begin that it started."""

_GONE = (PaneState.EXITED, PaneState.SHELL)
_ABOUT = ("version", "model", "plan", "project")


class Remembered(NamedTuple):
    """What the store knows of a pane's newest session; a book that begins anew goes on with it."""

    session: SessionRef
    at_ms: int
    """When something was last noted of it."""
    started_ms: int
    ended_ms: int | None
    about: tuple[str | None, str | None, str | None, str | None]
    """Version, model, plan, project."""
    session_id: str | None
    id_confidence: float
    id_source: str
    turns: tuple[ShownTurn, ...]
    compactions: tuple[ops.NoteCompaction, ...]
    limits: tuple[ops.NoteLimit, ...]
    is_limited: bool
    """The newest of `limits` was not lifted."""
    recorded: Mapping[str, int | None]
    """`wa.detect.once.identity` of the events of the session, and the row they were read from."""
    shown: tuple[tuple[str, str], ...]
    """Events that were true of the moment in the pane's last state, each with its identity."""


def _unchanged(detection: Detection) -> Detection:
    return detection


class SessionBook:
    """Of one pane. *clean* takes secrets out of what is to be recorded (wa.store.agent_redact.clean_detection)."""

    def __init__(self, *, remembered: Remembered | None = None, clean: Clean = _unchanged) -> None:
        self._once = Once(clean)
        self._state: PaneState | None = None
        self._session: Session | None = None
        """The newest one, open or closed."""
        self._command: tuple[int, str] | None = None
        """The id in the shell command that last reopened a session, and when."""
        self._waiting: tuple[Detection, int, int | None] | None = None
        """A banner as an earlier session had it, read while none was open: the state will say whether one begins."""
        self._first_ms: int | None = None
        self._startup_ms: int | None = None
        """When last a row of work said that the agent only starts."""
        if remembered is not None:
            self._restore(remembered)

    @property
    def session(self) -> SessionRef | None:
        """The one that is open."""
        return self._session.ref if self._session is not None and self._session.is_open else None

    @property
    def newest(self) -> SessionRef | None:
        """Open or over."""
        return None if self._session is None else self._session.ref

    @property
    def session_id(self) -> str | None:
        return self._session.own_id.session_id if self._session is not None and self._session.is_open else None

    @property
    def ledger(self) -> Ledger | None:
        """Of the session that is open; it takes what the session's file says, after its end too."""
        return self._session.ledger if self._session is not None and self._session.is_open else None

    @property
    def started_ms(self) -> int | None:
        """Of the session that is open."""
        return self._session.started_ms if self._session is not None and self._session.is_open else None

    # -- what comes in -----------------------------------------------------------------------------

    def look(
        self,
        shown: Sequence[Detection],
        at_ms: int,
        rows: Sequence[int | None] | None = None,
        *,
        relaid: bool = False,
    ) -> list[Operation]:
        """All that one look shows, from the top down, before the change of state that it leads to; nothing counts too.

        *rows* are the positions that the last row of each has, or will have, in the pane's log, where that is known.
        *relaid*: the pane has another size, so what was read before stands in other rows.
        """
        self._once.look(shown, rows, relaid=relaid)
        return [
            operation
            for place, found in enumerate(shown)
            for operation in self.feed(found, at_ms, rows[place] if rows is not None else None)
        ]

    def feed(self, found: Detection, at_ms: int, row: int | None = None) -> list[Operation]:
        """One of those that a look shows, or what another source tells."""
        known = self._session
        work: list[Operation] = []
        if found.event == "turn.working" and known is not None and known.ref.agent == found.agent:
            if found.fields.get("startup"):
                self._startup_ms = at_ms
            else:
                work = known.turns.spinner(number(found.fields.get("tokens")), at_ms)
        new = self._once.new(found, at_ms, row, 0 if known is None else known.begun)
        first_ms = self._first_ms = at_ms if self._first_ms is None else self._first_ms
        if new is None or (new.event == "session.end" and self._is_known_end(new)):
            if found.event == "session.start" and self._open() is None:
                self._waiting = found, at_ms, row
            return work
        before: list[Operation] = []
        if new.event == "session.start":
            before = self._banner(new, at_ms, joined=first_ms == at_ms and self._state is None)
        elif new.event == "session.end":
            before = self._exit_text(new, at_ms)
        after = self._of_event(new, at_ms)
        session = self._session
        if session is not None:
            self._once.caused(new, session.begun)
        ref = (
            session.ref if session is not None and session.ref.agent == new.agent and self._is_its(new, at_ms) else None
        )
        note = ops.NoteEvent(at_ms, new, ref, row)
        return [*work, *before, note, *after]

    def feed_state(self, transition: Transition) -> list[Operation]:
        at_ms, after = transition.at_ms, transition.after
        self._first_ms = at_ms if self._first_ms is None else self._first_ms
        before, self._state = self._state, after.state
        changed: list[Operation] = []
        session = self._open()
        if session is not None and after.state in _GONE:
            changed = self._close(at_ms, EndMode.EXITED)
        elif session is not None and after.agent not in (None, session.ref.agent):
            changed, session = self._close(at_ms, EndMode.REPLACED), None
        if self._open() is None and after.agent is not None and after.state not in (*_GONE, PaneState.UNKNOWN):
            came = transition.before in _GONE or before in _GONE or after.state is PaneState.STARTING
            changed += self._begin(after.agent, at_ms, joined=not came)
            session = self._session
            changed += self._waiting_banner(after.agent, at_ms)
        if before is not after.state:
            self._once.state_became(after.state)
        note = ops.NoteTransition(transition, None if session is None else session.ref)
        return [*changed, note, *self._of_state(after, at_ms)]

    def feed_candidates(self, candidates: Iterable[Candidate], at_ms: int) -> list[Operation]:
        """The ids that fit the open session now, all of them: from session files on disk."""
        session = self._open()
        return [] if session is None else session.own_id.candidates(candidates, at_ms)

    def hook_id(self, session_id: str, at_ms: int) -> list[Operation]:
        """The agent itself has told it, in the session that is open."""
        session = self._open()
        return [] if session is None else session.own_id.told(session_id, FROM_HOOK, IdSource.HOOK, at_ms)

    def hook(self, found: Detection, at_ms: int) -> list[Operation]:
        """What a hook has told, and nobody else in time (wa.detect.hook_events sees to it that this comes once)."""
        session = self._session
        if session is None or session.ref.agent != found.agent:
            return []
        if session.ended_ms is not None and (found.event != "session.end" or at_ms - session.ended_ms > LATE_MS):
            return []
        note = ops.NoteEvent(at_ms, found, session.ref, None)
        if found.event == "session.end":
            return [note, *self._ended(session, found, at_ms)]
        if found.event == "compaction.done":
            return [note, *session.compactions.hooked(at_ms, text(found.fields.get("trigger")))]
        if found.event == "turn.done" and self._state not in BUSY:
            return [note, *session.turns.told(Outcome.DONE, at_ms, self._state, None, None)]
        return [note]

    def close(self, at_ms: int, mode: EndMode = EndMode.PANE_CLOSED) -> list[Operation]:
        """The pane is gone."""
        return self._close(at_ms, mode)

    # -- sessions ----------------------------------------------------------------------------------

    def _open(self) -> Session | None:
        return self._session if self._session is not None and self._session.is_open else None

    def _begin(self, agent: str, at_ms: int, *, joined: bool, said: Detection | None = None) -> list[Operation]:
        """Ends the one before if nobody did. *said* is what told of it."""
        ended = self._close(at_ms, EndMode.REPLACED)
        last = self._session
        ref = SessionRef(1 if last is None else last.ref.number + 1, agent)
        started_ms = at_ms if last is None or last.ended_ms is None else max(at_ms, last.ended_ms)
        self._session = Session(ref, started_ms)
        self._once.session_began(said)
        begun: list[Operation] = [*ended, ops.OpenSession(ref, started_ms, joined)]
        if self._command is not None and at_ms - self._command[0] <= COMMAND_MS:
            begun += self._session.own_id.told(self._command[1], FROM_COMMAND, IdSource.COMMAND, at_ms)
        self._command = None
        return begun

    def _close(self, at_ms: int, mode: EndMode) -> list[Operation]:
        session = self._open()
        if session is None:
            return []
        ended = session.turns.close(at_ms)
        session.ended_ms = at_ms = max(at_ms, session.started_ms, session.turns.free_ms)
        self._once.session_ended()
        return [*ended, ops.CloseSession(session.ref, at_ms, mode)]

    def _banner(self, found: Detection, at_ms: int, *, joined: bool) -> list[Operation]:
        """A banner that was not read before: a session begins, or the one that has begun has its banner now."""
        new = about(found)
        session = self._open()
        if session is None or session.ref.agent != found.agent or contradicts(session.about, new):
            begun = self._begin(found.agent, at_ms, joined=joined, said=found)
            session = self._session
        else:
            begun = []
        assert session is not None
        return [*begun, *session.describe(at_ms, **new)]

    def _waiting_banner(self, agent: str, at_ms: int) -> list[Operation]:
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting[0].agent != agent or not 0 <= at_ms - waiting[1] <= BANNER_MS:
            return []
        return self.feed(*waiting)

    def _exit_text(self, found: Detection, at_ms: int) -> list[Operation]:
        """A session of which nothing but its end was seen is a session too."""
        session = self._session
        if session is not None and session.ref.agent == found.agent and self._is_its(found, at_ms):
            return []
        return self._begin(found.agent, at_ms, joined=True, said=found)

    def _is_known_end(self, found: Detection) -> bool:
        """The text of an end that was taken in, back in sight."""
        session = self._session
        if session is None or session.is_open or session.told is None or session.ref.agent != found.agent:
            return False
        return all(session.told.get(name) == value for name, value in found.fields.items())

    def _is_its(self, found: Detection, at_ms: int) -> bool:
        """Does this belong to the newest session, which may be over?"""
        session = self._session
        if session is None or session.is_open:
            return session is not None
        if found.event == "session.end" and session.told is not None:
            return session.could_tell(found)
        return session.ended_ms is not None and at_ms - session.ended_ms <= LATE_MS

    def command(self, line: str, at_ms: int) -> None:
        """A shell runs it from now on: it may reopen a session, and name it."""
        reopens = reopened(line)
        self._command = None if reopens is None else (at_ms, reopens)

    # -- what belongs to a session -----------------------------------------------------------------

    def _of_event(self, found: Detection, at_ms: int) -> list[Operation]:
        fields = found.fields
        if found.event == "command.start":
            self.command(str(fields.get("command", "")), at_ms)
        session = self._session
        if session is None or session.ref.agent != found.agent or not self._is_its(found, at_ms):
            return []
        event = found.event
        if event == "session.end":
            return self._ended(session, found, at_ms)
        if event == "session.resume_hint":
            return session.own_id.printed(fields.get("session_id"), at_ms)
        if not session.is_open:
            return []
        if event in ("turn.done", "turn.interrupted"):
            outcome = Outcome.DONE if event == "turn.done" else Outcome.INTERRUPTED
            printed, took_s = text(fields.get("duration")), seconds(fields.get("duration_s"))
            return session.turns.told(outcome, at_ms, self._state, printed, took_s)
        if event == "usage.limit":
            session.turns.limited(at_ms)
            return session.limits.note(
                at_ms,
                printed=text(fields.get("reset")) or "",
                window=text(fields.get("window")),
                model=text(fields.get("model")),
                kind=text(fields.get("reset_kind")),
                resets_ms=instant(fields.get("resets_at")),
                plan=text(fields.get("plan")),
            )
        if event == "usage.autoresume":
            return session.limits.resumes_itself()
        if event in ("compaction.running", "compaction.done"):
            return self._compaction(session, found, at_ms)
        if event == "model.switched":
            return session.describe(at_ms, model=text(fields.get("model")))
        if event.startswith("error."):
            session.turns.error(at_ms)
        return []

    def _ended(self, session: Session, found: Detection, at_ms: int) -> list[Operation]:
        done = [*session.own_id.printed(found.fields.get("session_id"), at_ms), *session.figures(found, at_ms)]
        if session.mode not in (EndMode.DETACHED, EndMode.STOPPED):
            # A text may come in parts, of which only one says more than that it is over.
            session.mode = _mode(found.fields.get("mode"))
        if session.is_open:
            return [*done, *self._close(at_ms, session.mode)]
        return [*done, ops.CloseSession(session.ref, session.ended_ms or at_ms, session.mode)]

    def _compaction(self, session: Session, found: Detection, at_ms: int) -> list[Operation]:
        """One that was seen running and one that is told to be done are one."""
        fields = found.fields
        named = session.own_id.printed(fields.get("session_id"), at_ms)
        said = text(fields.get("trigger")), number(fields.get("before")), number(fields.get("after"))
        told = session.compactions.done if found.event == "compaction.done" else session.compactions.running
        return [*told(at_ms, *said), *named]

    def _of_state(self, after: AgentState, at_ms: int) -> list[Operation]:
        session = self._open()
        if session is None or after.agent not in (None, session.ref.agent):
            return []
        done = session.describe(at_ms, version=after.version, model=after.model, plan=after.plan, project=after.project)
        done += session.own_id.told(after.session_id, FROM_STATE, IdSource.STATE, at_ms)
        if after.limit is not None:
            if after.state is PaneState.LIMITED:
                session.turns.limited(at_ms)
            done += session.limits.state(after.limit, at_ms)
        elif after.state is PaneState.LIMITED:
            done += session.limits.again()
        elif after.state in (PaneState.WORKING, PaneState.IDLE):
            done += session.limits.lift(at_ms)
        says = after.signals[0].source if after.signals else None
        is_startup = says is SignalSource.TITLE or self._startup_ms == at_ms
        return [*done, *session.turns.state(after.state, at_ms, is_startup=is_startup)]

    def _restore(self, known: Remembered) -> None:
        session = Session(known.session, known.started_ms)
        session.ended_ms = known.ended_ms
        session.about = {name: value for name, value in zip(_ABOUT, known.about, strict=True) if value}
        session.goes_on(
            Turns(known.session, known.started_ms, known.turns), Compactions(known.session, known.compactions)
        )
        session.limits = Limits(known.session, known.limits, lifted=not known.is_limited)
        session.own_id = OwnId(known.session, known.session_id, known.id_confidence, known.id_source)
        self._session = session
        self._once.restore(known.recorded, known.shown, known.at_ms, session.begun)
        if not session.is_open:
            self._once.session_ended()


def _mode(printed: object) -> EndMode:
    return next((mode for mode in (EndMode.DETACHED, EndMode.STOPPED) if printed == mode), EndMode.CLOSED)
