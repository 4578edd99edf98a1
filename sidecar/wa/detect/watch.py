"""One pane, over time: screens, rows, titles and programs in, events and changes of state out. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from wa.detect.arbiter import TITLE_MS, Arbiter
from wa.detect.fields import number
from wa.detect.outcome import Changed, LookAgain, Looked, Outcome
from wa.detect.page import page_of_rows
from wa.detect.pane_limits import LIMIT_SLACK_MS, PaneLimits
from wa.detect.program import Program, agent_of
from wa.detect.progress import Progress
from wa.detect.reading import Detector, Reading, newest
from wa.detect.readings import facts_known, facts_of, lapsed, row_of, shown, titled
from wa.model.agent import (
    NO_AGENT,
    AgentState,
    Detection,
    PaneState,
    Signal,
    SignalSource,
    Transition,
)
from wa.model.screen import Row, Screen

TAIL_ROWS = 120
"""So much history is read with the screen: what scrolled away since the last look, and where it belongs."""
MAX_PENDING = 2_000
"""Rows that came since the last look; in a flood older ones are looked through on the way."""
MIN_INTERVAL_MS = 40
"""Between two looks at one pane: half of what a subscriber is promised."""
LAZY_INTERVAL_MS = 1_000
"""While nothing but spinners, clocks and counters moves."""
ADOPT_MS = 300
"""An agent that only its drawing shows must stand so long: a file that is printed runs through faster."""
EXIT_GRACE_MS = 5_000
"""So long after its program went, what an agent printed at its end is still its own."""
STARTING_MS = 30_000
"""So long an agent may stand in the foreground and show nothing: Gemini CLI 0.24 takes 12 s on two busy cores."""
RELAID_MS = 2_000
"""So long after a pane was given another size an agent may lay out its screen, and print its history, once more."""
_GONE = (PaneState.SHELL, PaneState.EXITED)
_NOT_BEGUN = (PaneState.UNKNOWN, PaneState.STARTING, *_GONE)
_MOVING = str.maketrans("", "", "0123456789⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏⠂⠐◐◑◒◓·✢✳✶✻✽*•◦")


AGENT_SHOWN = 2
"""What a screen must show of an agent, to be taken for one by its drawing alone."""


class PaneWatch:
    """What is known of one pane. `zone` is the IANA zone of the host that the pane's programs run on."""

    def __init__(self, detectors: Mapping[str, Detector], *, zone: str, next_row: int = 0) -> None:
        self._detectors = detectors
        self._zone = zone
        self._arbiter = Arbiter()
        self._tail: deque[Row] = deque(maxlen=TAIL_ROWS)
        self._pending: list[Row] = []
        self._next_row = next_row
        self._top = 0
        """Position in the log of the first row of the newest page."""
        self._screen: Screen | None = None
        self._program: Program | None = None
        self._named: str | None = None
        """The agent that the program is."""
        self._looked_ms = -LAZY_INTERVAL_MS
        self._moved: str = ""
        self._agent: str | None = None
        self._sure = False
        """A program or a title says that the agent is there, not its drawing alone."""
        self._drawn_since: tuple[str, int] | None = None
        self._stood: dict[str, int] = {}
        """Rules that must stand for a while → since when they do."""
        self._old_ms: int | None = None
        """When the first of them that speak will have stood long enough."""
        self._left_ms: int | None = None
        self._shell_said_left = False
        """A shell's mark said so, and no program is known that would."""
        self._begun = False
        """It has shown what it does: from then on a screen that says nothing is not its start."""
        self._agent_ms = 0
        self._title_ms = 0
        self._sized_ms = -RELAID_MS
        self._progress = Progress()
        self.state: AgentState = NO_AGENT
        self.reading: Reading | None = None
        """The newest look; what `wa explain` shows."""
        self.cols = 80
        self._limits = PaneLimits()

    def use(self, detectors: Mapping[str, Detector]) -> None:
        """Other rules from now on."""
        self._detectors = detectors
        if self._agent not in detectors:
            self._agent = None
        self._looked_ms = -LAZY_INTERVAL_MS

    @property
    def agent(self) -> str | None:
        return self._agent

    # -- what comes in -----------------------------------------------------------------------------------------------

    def rows(self, rows: Sequence[Row], at_ms: int, first_row: int | None = None) -> list[Outcome]:
        """Rows that left the screen for the log, in order; *first_row* is the position of the first of them there."""
        self._next_row = (self._next_row if first_row is None else first_row) + len(rows)
        if self._deaf:
            return []
        if rows:
            self._progress.rows(at_ms)
        self._pending.extend(rows)
        if len(self._pending) < MAX_PENDING:
            return []
        return self._look(at_ms)

    def screen(self, screen: Screen, at_ms: int) -> list[Outcome]:
        if self._screen is None or screen.title != self._screen.title:
            self._title_ms = at_ms
        if self._screen is not None and (screen.cols, len(screen.rows)) != (self.cols, len(self._screen.rows)):
            self._sized_ms = at_ms
        is_first, self._screen = self._screen is None, screen
        self.cols = screen.cols
        if self._deaf:
            return self._look(at_ms) if is_first else []
        return self._due(at_ms)

    def program(self, program: Program | None, at_ms: int) -> list[Outcome]:
        """What stands in the foreground; None where nobody can say."""
        if program == self._program:
            return []
        self._program = program
        self._named = None
        if program is not None and not program.is_carrier:
            self._named = agent_of(program, (detector.pack for detector in self._detectors.values()))
        if self._agent is None and self._named is not None:
            # What stands there was printed before the agent began.
            self._tail.clear()
            self._pending.clear()
        return self._look(at_ms) if self._screen is not None else []

    @property
    def _is_program_known(self) -> bool:
        return self._program is not None and not self._program.is_carrier

    @property
    def _deaf(self) -> bool:
        """A program is known to be there, and it is no agent: nothing that it prints is looked at."""
        return self._is_program_known and self._named is None and self._agent is None

    def signal(self, signal: Signal, at_ms: int) -> list[Outcome]:
        """A hook, a shell's mark, a session file. Of an agent that is not there, or no longer, nothing is taken."""
        if signal.agent is not None and (signal.agent != self._agent or self._left_ms is not None):
            return []
        self._arbiter.put(signal.source, signal)
        return self._settle(self.reading, at_ms)

    def shell_runs(self, text: str, at_ms: int) -> list[Outcome]:
        """A shell says that it has begun something: whatever stood at its prompt before is gone."""
        if self._is_program_known:
            return []
        if self._shell_said_left:
            self._agent, self._sure, self._left_ms, self._shell_said_left = None, False, None, False
        mark = Signal(SignalSource.SHELL_MARK, None, None, "shell", text, at_ms, None)
        self._arbiter.put(SignalSource.SHELL_MARK, mark)
        return self._settle(self.reading, at_ms)

    def shell_waits(self, since_ms: int, at_ms: int) -> list[Outcome]:
        """A shell says that what it began at *since_ms* is over. Where the program is known, that says it better; else it is the end of an
        agent that came after that. Of one that was there before, whoever says so has not begun it.
        """
        if self._is_program_known or self._left_ms is not None:
            return []
        if self._agent is not None:
            if self._agent_ms < since_ms:
                return []
            self._left_ms, self._shell_said_left = at_ms, True
        mark = Signal(
            SignalSource.SHELL_MARK, PaneState.SHELL, None, "shell", "its shell is at the prompt", at_ms, None
        )
        self._arbiter.put(SignalSource.SHELL_MARK, mark)
        return self._look(at_ms) if self._screen is not None else []

    def got_on(self, at_ms: int) -> None:
        """Its session's file grew."""
        self._progress.rows(at_ms)
        self.state = self.state._replace(progress_ms=self._progress.at_ms)

    def tick(self, at_ms: int) -> list[Outcome]:
        if self._screen is None:
            return []
        return self._settle(self.reading, at_ms) if self._deaf else self._due(at_ms)

    def read_now(self, screen: Screen, program: Program | None, at_ms: int) -> Reading | None:
        """What *screen* alone says, all rules at once, by the agent that is known there or that draws like one. Nothing is remembered.

        *program*: what stands in the foreground now, as far as anybody can say. None: no agent's screen.
        """
        named = self._named
        if program is not None and not program.is_carrier:
            if program.is_shell:
                return None
            named = agent_of(program, (detector.pack for detector in self._detectors.values())) or named
        elif self._deaf:
            return None
        history = [*self._tail, *self._pending]
        if screen.logged:
            del history[-screen.logged :]
        page = page_of_rows([*history, *screen.rows], screen.cols, len(screen.rows))
        known = named or self._agent
        if known is not None and (detector := self._detectors.get(known)) is not None:
            return detector.read(page, title=screen.title, at_ms=at_ms, zone=self._zone)
        readings = [
            detector.read(page, title=screen.title, at_ms=at_ms, zone=self._zone)
            for detector in self._detectors.values()
            if detector.pack.composers
        ]
        best = max(readings, key=shown, default=None)
        return best if best is not None and shown(best) >= AGENT_SHOWN else None

    # -- looking -----------------------------------------------------------------------------------------------------

    def _due(self, at_ms: int) -> list[Outcome]:
        assert self._screen is not None
        moved = "\n".join([self._screen.title, *(row.text for row in self._screen.rows)]).translate(_MOVING)
        still = moved == self._moved and not self._pending and self._agent is not None
        wait = LAZY_INTERVAL_MS if still else MIN_INTERVAL_MS
        if at_ms - self._looked_ms < wait:
            if still:
                return self._settle(self.reading, at_ms)
            return [LookAgain(self._looked_ms + wait)]
        self._moved = moved
        return self._look(at_ms)

    def _look(self, at_ms: int) -> list[Outcome]:
        self._looked_ms = at_ms
        screen = self._screen
        if screen is None:
            return []
        history = [*self._tail, *self._pending]
        top = self._next_row - len(history)
        if screen.logged:
            del history[-screen.logged :]
        self._tail.extend(self._pending)
        self._pending = []
        page = page_of_rows([*history, *screen.rows], screen.cols, len(screen.rows))
        readings = {
            name: self._detectors[name].read(page, title=screen.title, at_ms=at_ms, zone=self._zone)
            for name in self._asked()
        }
        self._choose(readings, at_ms)
        reading = readings.get(self._agent) if self._agent is not None else None
        young = self._young(reading, at_ms) if reading is not None else {}
        self._old_ms = min(young.values(), default=None)
        if reading is not None and young:
            reading = self._detectors[reading.agent].read(
                page, title=screen.title, at_ms=at_ms, zone=self._zone, without=frozenset(young)
            )
        self.reading = reading
        if reading is not None:
            self._progress.look(page, reading, at_ms)
        self._top = top
        self._put_signals(reading, screen, at_ms)
        settled = self._settle(reading, at_ms)
        if reading is None or any(isinstance(one, Looked) for one in settled):
            return settled
        return [self._looked(reading, at_ms), *settled]

    def _young(self, reading: Reading, at_ms: int) -> dict[str, int]:
        """Rules that speak and have not stood as long as they must → when they will have."""
        must = self._detectors[reading.agent].pack.stands_ms
        speak = {one.rule for one in reading.detections if one.rule in must} if must else set()
        self._stood = {rule: self._stood.get(rule, at_ms) for rule in speak}
        return {rule: since + must[rule] for rule, since in self._stood.items() if at_ms < since + must[rule]}

    def _looked(self, reading: Reading, at_ms: int) -> Looked:
        believed = tuple(self._believed(reading))
        rows = tuple(row_of(one, self._top) for one in believed)
        return Looked(believed, at_ms, rows, relaid=at_ms - self._sized_ms < RELAID_MS)

    def _asked(self) -> list[str]:
        """Whose rules are worth asking: the agent that is known there, else all, unless the program is known to be none."""
        if self._is_program_known:
            known = self._named or self._agent
            return [known] if known is not None else []
        # Without a composer of its own nothing tells an agent from a text about it.
        return [name for name, detector in self._detectors.items() if detector.pack.composers]

    def _choose(self, readings: Mapping[str, Reading], at_ms: int) -> None:
        if self._is_program_known:
            if self._named is not None:
                if self._left_ms is not None:
                    # It came back, or another run of it: an id that the one before printed at its end is not this one's.
                    self.state = self.state._replace(session_id=None)
                if self._agent != self._named or self._left_ms is not None:
                    self._begun, self._agent_ms = False, at_ms
                self._agent, self._sure, self._left_ms = self._named, True, None
            elif self._agent is not None:
                self._left_ms = at_ms if self._left_ms is None else self._left_ms
                if at_ms - self._left_ms > EXIT_GRACE_MS:
                    self._agent, self._sure = None, False
            return
        if self._shell_said_left:
            # What it drew last may stand there still; but what is gone does not get on.
            self._drawn_since = None
            left_ms = at_ms if self._left_ms is None else self._left_ms
            if at_ms - left_ms > EXIT_GRACE_MS:
                self._agent, self._sure = None, False
            if not any(self._is_at_work(reading, left_ms) for reading in readings.values()):
                return
            self._left_ms, self._shell_said_left = None, False
            self._arbiter.put(SignalSource.SHELL_MARK, None)
        best = max(readings.values(), key=shown, default=None)
        if best is None or shown(best) < AGENT_SHOWN:
            self._drawn_since = None
            if (
                self._agent is not None
                and (reading := readings.get(self._agent)) is not None
                and reading.state is PaneState.SHELL
            ):
                self._agent, self._sure = None, False
            return
        if best.agent == self._agent:
            return
        if self._drawn_since is None or self._drawn_since[0] != best.agent:
            self._drawn_since = (best.agent, at_ms)
        if at_ms - self._drawn_since[1] >= ADOPT_MS or titled(self._detectors[best.agent], self._screen):
            self._agent, self._sure, self._agent_ms = best.agent, False, at_ms

    def _is_at_work(self, reading: Reading, since_ms: int) -> bool:
        return shown(reading) >= AGENT_SHOWN and reading.state is PaneState.WORKING and self._progress.at_ms > since_ms

    def _believed(self, reading: Reading) -> list[Detection]:
        """Idle only where that is the verdict of all signals; after the program went, only what it printed at its end."""
        if self._left_ms is None:
            idle = self.state.state is PaneState.IDLE
            return [one for one in reading.detections if idle or one.event != "state.idle"]
        return [
            one
            for one in reading.detections
            if one.event in ("session.end", "session.resume_hint", "auth.ok", "auth.failed")
        ]

    # -- signals -----------------------------------------------------------------------------------------------------

    def _put_signals(self, reading: Reading | None, screen: Screen, at_ms: int) -> None:
        put = self._arbiter.put
        put(SignalSource.PROCESS, self._of_program(at_ms))
        put(SignalSource.DIALOG, None)
        put(SignalSource.SCREEN, None)
        put(SignalSource.TITLE, None)
        if self._agent is None or self._left_ms is not None:
            put(SignalSource.SESSION_FILE, None)
            put(SignalSource.HOOK, None)
        if reading is None or self._agent is None:
            return
        if self._left_ms is not None:
            told = ("shell", "its shell says so") if self._shell_said_left else ("program", "its program has ended")
            exited = Signal(SignalSource.SCREEN, PaneState.EXITED, self._agent, *told, at_ms, None)
            put(SignalSource.SCREEN, exited)
            return
        source = SignalSource.DIALOG if reading.state.startswith("waiting.") else SignalSource.SCREEN
        says = None if reading.state is PaneState.UNKNOWN else reading.state
        put(source, Signal(source, says, reading.agent, reading.rule, reading.why[:200], at_ms, None))
        for rule in self._detectors[self._agent].pack.titles:
            if rule.pattern.search(screen.title):
                expires = self._title_ms + TITLE_MS if rule.state is PaneState.WORKING else None
                put(
                    SignalSource.TITLE,
                    Signal(
                        SignalSource.TITLE,
                        rule.state,
                        self._agent,
                        rule.rule,
                        screen.title[:120],
                        self._title_ms,
                        expires,
                    ),
                )
                break

    def _of_program(self, at_ms: int) -> Signal | None:
        if self._program is None:
            return None
        says = PaneState.SHELL if self._program.is_shell and self._agent is None else None
        expires: int | None = None
        if self._agent is not None and self._left_ms is None and not self._begun:
            says, expires = PaneState.STARTING, self._agent_ms + STARTING_MS
        return Signal(SignalSource.PROCESS, says, self._agent, "foreground", self._program.name, at_ms, expires)

    # -- what comes out ----------------------------------------------------------------------------------------------

    def _settle(self, reading: Reading | None, at_ms: int) -> list[Outcome]:
        verdict = self._arbiter.judge(at_ms)
        limit = self._limits.of(reading)
        state = verdict.state
        if state is PaneState.LIMITED and limit is not None and limit.until_ms is not None and not limit.resumes_itself:
            if at_ms >= limit.until_ms + LIMIT_SLACK_MS:
                state = PaneState.IDLE
                verdict = verdict._replace(signals=tuple(map(lapsed, verdict.signals)))
            else:
                due = limit.until_ms + LIMIT_SLACK_MS
                verdict = verdict._replace(wake_ms=due if verdict.wake_ms is None else min(due, verdict.wake_ms))
        limit = self._limits.with_reset(limit, reading, at_ms)
        if state in _GONE and self._named is not None and self._left_ms is None and not self._begun:
            # Its program has the pane: what the shell before it was, or the run before, is held over.
            state = PaneState.STARTING
        if self._agent is not None and state not in _NOT_BEGUN:
            self._begun = True
        before = self.state
        changed = state is not before.state or self._agent != before.agent
        facts = facts_of(reading)
        if not self._begun:
            facts.pop("session_id", None)  # still that of the run before
        if before.agent == self._agent:
            facts = {**facts_known(before), **facts}
        tasks = newest(reading, "background.tasks")
        after = AgentState(
            self._agent,
            state,
            at_ms if changed else before.since_ms,
            self._confidence(reading),
            verdict.signals,
            reading.dialog if reading is not None and state.startswith("waiting.") else None,
            limit if state is PaneState.LIMITED else None,
            reading.draft if reading is not None else None,
            facts.get("version"),
            facts.get("model"),
            facts.get("plan"),
            facts.get("project"),
            facts.get("session_id"),
            (number(tasks.fields.get("n")) if tasks is not None else None) or 0,
            self._progress.at_ms,
        )
        self.state = after
        out: list[Outcome] = []
        if changed and reading is not None and state is PaneState.IDLE:
            # It was held back till now: the look that saw it did not tell of it.
            out.append(self._looked(reading, at_ms))
        if changed or after.dialog != before.dialog or after.limit != before.limit:
            out.append(Changed(Transition(at_ms, before.state, after)))
        if verdict.wake_ms is not None and verdict.wake_ms > at_ms:
            out.append(LookAgain(verdict.wake_ms))
        if self._drawn_since is not None and self._agent is None and self._drawn_since[1] + ADOPT_MS > at_ms:
            out.append(LookAgain(self._drawn_since[1] + ADOPT_MS))
        elif self._left_ms is not None and self._agent is not None and self._left_ms + EXIT_GRACE_MS >= at_ms:
            out.append(LookAgain(self._left_ms + EXIT_GRACE_MS + 1))
        if self._old_ms is not None and self._old_ms > at_ms:
            out.append(LookAgain(self._old_ms))
        return out

    def _confidence(self, reading: Reading | None) -> float:
        if self._agent is None:
            return 1.0 if self._program is not None else 0.5
        if self._sure:
            return 1.0 if reading is not None and reading.state is not PaneState.UNKNOWN else 0.7
        return 0.9 if reading is not None and reading.state is not PaneState.UNKNOWN else 0.4
