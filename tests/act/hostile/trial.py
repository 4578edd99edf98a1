"""One trial: an action played against a world in which things happen, and what came of it.

The interpreter here does what `wa.engine.hands` does: a stage is written down first, then the pane is read, then the write follows in
the same turn. Between a reading and its write nothing happens, but in one trial of ten (`races`): there something may happen within
the one frame that no reading can show. What goes wrong by that is counted apart, as `raced`.
"""

import random
from functools import lru_cache
from typing import NamedTuple

from act.hostile.screens import COLS, ROWS
from act.hostile.world import AGENT, PERSON, REST, World
from wa.act import choosing, exiting, interrupting, typing
from wa.act.steps import Look, Paste, Press, Ready, WaitFor
from wa.agents.loader import Agents
from wa.detect.page import page_of_rows
from wa.model.action import Action, ActionKind, ActOutcome, HumanSign, Stage, WhileBusy
from wa.model.agent import AgentState, PaneState
from wa.model.screen import Cursor, Row, Screen
from wa.model.sight import Sight

AGENTS = Agents(None)
NAMES = ("codex", "claude_code", "gemini")
TEXTS = (
    "proceed.",
    "Reread AGENTS.md so it's still fresh in your mind.",
    "look at the parser",
    "please " + "look at every file of the parser and " * 9 + "stop",
    "one\ntwo\n\nfour",
    "a line of many words, " * 60,
    "\n".join(f"line {n} of a long list" for n in range(14)),
)
MAX_STEPS = 600
SETTLE_S = 0.25


class Intent(NamedTuple):
    kind: str
    text: str = ""
    label: str = ""
    dialog: object = None


class Result(NamedTuple):
    seed: int
    outcome: str
    faults: dict
    notes: tuple
    about: str

    @property
    def outcomes(self):
        return {self.outcome: 1}

    @property
    def failures(self):
        return {what: n for what, n in self.faults.items() if not what.startswith(("raced", "stray", "guessed"))}


class _Killed(Exception):
    pass


class _Unreachable(Exception):
    pass


def run(seed):
    rng = random.Random(seed)
    agent = rng.choice(NAMES)
    kind = rng.choices(("send", "choose", "exit", "run", "interrupt"), (60, 20, 8, 6, 6))[0]
    text = rng.choice(TEXTS) if kind == "send" else "codex resume 1" if kind == "run" else "/quit"
    world = World(rng, agent, Intent(kind, text))
    action = Action(ActionKind(kind), text=text if kind in ("send", "run") else "", submit=True)
    if kind == "choose":
        world.opens()
        label = rng.choice(world.asked.options)
        label = label.partition(" (")[0]
        if world.asked.kind == "limit" and agent == "codex" and "never" not in label:
            label = rng.choice(("Keep current model", "Switch to gpt-6-luna"))
        world.intent = Intent("choose", "", label, world.asked._replace(first=0))
        action = action._replace(labels=(label,), question=world.asked.question)
    elif kind == "run":
        world.leave()
    elif kind == "interrupt" or rng.random() < 0.15:
        world.begins()
    elif rng.random() < 0.1:
        world.types()
    if kind == "send" and rng.random() < 0.2:
        action = action._replace(while_busy=WhileBusy.INTERRUPT)
        world.intent = world.intent._replace(kind="send")
    world.changed_at = -1.0
    world.settle()
    races = rng.random() < 0.1
    kills = 0
    for _ in range(rng.choice((0, 1, 1, 2, 3, 5))):
        what = rng.choice((*PERSON, *AGENT, *REST, "kill", "kill"))
        if what == "kill":
            kills += 1
        else:
            world.at(rng.choice((rng.uniform(0, 0.3), rng.uniform(0, 3), rng.uniform(0, 15))), getattr(world, what))
    trial = _Trial(world, action, rng, races, kills)
    try:
        outcome, how = trial.play_all()
    except Exception as error:
        world.faults[f"raised: {type(error).__name__}: {error}"] += 1
        outcome, how = "raised", ""
    else:
        trial.judge(outcome)
    return Result(
        seed, str(outcome), dict(world.faults), tuple(world.notes), f"{agent} {action.kind} {text[:20]!r} {how}"
    )


class _Trial:
    def __init__(self, world, action, rng, races, kills):
        self.world, self.action, self.rng, self.races, self.kills = world, action, rng, races, kills
        self.is_local = rng.random() < 0.6
        """The program in the foreground can be told."""
        self.stage = Stage.DECIDED
        self.was_killed = False
        self.worked_at = -1.0
        self.ended = False
        self.steps = 0
        self.proof = None

    def play_all(self):
        while True:
            try:
                acted = self.play(self.steps_of(self.stage))
            except _Killed:
                self.was_killed = True
                self.world.advance(self.rng.choice((0.1, 1.0, 20.0)))
                continue
            except _Unreachable:
                self.world.advance(0.1)
                return ActOutcome.UNREACHABLE, ""
            self.world.advance(1.0)
            if self.world.composer == [(".", "wa")] and self.world.program == self.world.agent:
                self.world.faults["guessed: a dot was left"] += 1
            self.proof = acted.evidence.get("proof")
            return acted.outcome, acted.detail

    def steps_of(self, found):
        profile = AGENTS.profiles[self.world.agent]
        match self.action.kind:
            case ActionKind.CHOOSE:
                return choosing.choose(self.action, profile, found)
            case ActionKind.EXIT:
                return exiting.leave(self.action, profile, found)
            case ActionKind.INTERRUPT:
                return interrupting.interrupt(profile)
            case _:
                return typing.send(self.action, profile, found)

    def play(self, steps):
        self.is_first = True
        try:
            step = next(steps)
            fresh = False
            while True:
                self.steps += 1
                if self.steps > MAX_STEPS:
                    raise RuntimeError("it does not end")
                if self.kills and self.rng.random() < 0.12:
                    self.kills -= 1
                    raise _Killed
                sight = self.carry_out(step, fresh)
                fresh = isinstance(step, Look | Ready)
                step = steps.send(sight)
        except StopIteration as ended:
            return ended.value
        finally:
            steps.close()

    def carry_out(self, step, fresh):
        world = self.world
        match step:
            case Look(after_s):
                world.advance(after_s)
                return self.look()
            case Ready(stage):
                if self.stage is not stage:
                    world.advance(self.rng.uniform(0.001, 0.02))
                    self.stage = stage
                    if self.kills and self.rng.random() < 0.15:
                        self.kills -= 1
                        raise _Killed
                return self.look()
            case WaitFor(until, within_s):
                return self.wait(until, within_s)
            case Paste() | Press():
                assert fresh, "a write without a reading right before it"
                captured = world.now
                if self.races and self.rng.random() < 0.3:
                    getattr(world, self.rng.choice((*PERSON, *AGENT)))()
                if isinstance(step, Press) and step.data == b"\x1b" and self.action.while_busy is WhileBusy.INTERRUPT:
                    world.intent = world.intent._replace(kind="interrupt")
                elif self.action.kind is ActionKind.SEND:
                    world.intent = world.intent._replace(kind="send")
                world.write(step.text if isinstance(step, Paste) else step.data, captured)
                return self.sight(world.pushed)
        raise AssertionError(step)

    def look(self):
        """Read by asking: true where the mux answers in time."""
        world = self.world
        world.advance(self.rng.uniform(0.001, 0.02))
        if world.now < world.mux_down_until:
            if world.mux_down_until - world.now > 5.0:
                raise _Unreachable
            world.advance(world.mux_down_until - world.now)
        world.pushed = world.drawn
        meant = world.intent.dialog
        if self.is_first and world.asked is not None and meant is not None and world.asked.question == meant.question:
            # Whichever asks so when it is looked at first; another that takes its place afterwards is not meant.
            world.intent = world.intent._replace(dialog=world.asked._replace(first=0))
        self.is_first = False
        return self.sight(world.drawn)

    def wait(self, until, within_s):
        world = self.world
        give_up, still = world.now + within_s, 0.0
        while True:
            sight = self.sight(world.pushed)
            if until(sight) or world.now >= give_up or not sight.alive:
                return sight
            before = world.pushed
            dt = self.rng.uniform(0.02, 0.25)
            world.advance(dt)
            still = still + dt if world.pushed is before else 0.0
            if still > 0.5 and world.now >= world.mux_down_until:
                world.pushed, still = world.drawn, 0.0

    def sight(self, drawing):
        world = self.world
        agent = world.agent
        rows = tuple(Row(at, text) for at, text in enumerate(drawing.rows))
        screen = Screen(0, 0, COLS, ROWS, rows, Cursor(drawing.x, drawing.y), "", None, None)
        if world.program != agent:
            self.ended = True
        if self.is_local and world.program != agent:
            state, dialog, draft, row = PaneState.EXITED, None, None, None
        else:
            state, dialog, draft, row = _read(agent, drawing.rows)
        if state in (PaneState.WORKING, PaneState.COMPACTING):
            self.worked_at = world.now
        lags = state is PaneState.IDLE and world.now - self.worked_at < SETTLE_S
        settled = AgentState(agent, PaneState.WORKING if lags else state, 0, 1.0, (), version="0.169.0")
        at_ms = world.clock_ms + int(world.now * 1000)
        return Sight(at_ms, screen, world.program is not None, agent, state, dialog, draft, row, settled, HumanSign())

    def judge(self, outcome):
        """Is what it says true? After a kill it may say no more than that it does not know."""
        world = self.world
        if outcome not in set(ActOutcome):
            world.faults["unnamed outcome"] += 1
        if self.was_killed or any(what.startswith("raced") for what in world.faults):
            return
        if (
            outcome is ActOutcome.SUBMITTED
            and world.by_wa + world.by_person == 0
            and self.action.kind is ActionKind.SEND
        ):
            # What it claims by a turn alone is a guess, and says so.
            world.faults["untrue: submitted" if self.proof == "transcript" else "guessed: submitted"] += 1
        if outcome is ActOutcome.EXITED and world.program not in ("shell", None):
            world.faults["untrue: exited"] += 1
        if outcome is ActOutcome.CHOSEN and not world.chosen:
            world.faults["untrue: chosen"] += 1


@lru_cache(maxsize=20_000)
def _read(agent, rows):
    page = page_of_rows([Row(at, text) for at, text in enumerate(rows)], COLS, ROWS)
    reading = AGENTS.detectors[agent].read(page, at_ms=0, zone="UTC")
    composer = None if reading.look is None or reading.look.gone else reading.look.composer
    row = None if composer is None else max(0, composer.first - page.screen_row)
    return reading.state, reading.dialog, None if row is None else reading.draft, row
