"""One trial: a sidecar, or several one after the other, in a world in which things happen, and what came of it."""

import asyncio
import logging
import random
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from act.hostile.world import AGENT, PERSON, REST
from engine.hostile.life import DEFAULTS, Life
from engine.hostile.pane import CLOSES
from engine.hostile.stage import Stage
from engine.hostile.virtual import Stuck, inline_databases
from wa.act.builtin.compaction import HANDLE_COMPACTION
from wa.act.builtin.limits import HANDLE_USAGE_LIMITS
from wa.engine import tasks
from wa.model.action import DONE, Action, ActionKind, Actor, ActorKind, ActOutcome, WhileBusy
from wa.model.command import RunStatus
from wa.model.errors import StoreError, WaError
from wa.store.writer import Writer

NAMES = ("codex", "claude_code", "gemini")
PROMPT = HANDLE_USAGE_LIMITS.settings["prompt"]
PRIMER = HANDLE_COMPACTION.settings["prompt"]
COMMIT = "Commit what is done, in small commits."
TEXTS = (
    "look at the parser",
    "please " + "look at every file of the parser and " * 9 + "stop",
    "one\ntwo\n\nfour",
    "a line of many words, " * 60,
    "\n".join(f"line {n} of a long list" for n in range(14)),
)
SCRIPT = f"""
about = "Has the work committed once the agent is idle."
cooldown = "30m"

[trigger]
state = "idle"
held = "15s"

[[step]]
send = "{COMMIT}"
"""
HAPPENS = (
    *(*PERSON, *AGENT, *REST, "kill", "kill", "disconnect", "restart", "full", "resized"),
    *("types", "clears", "returns", "opens", "compacts", "hits_limit"),
)
PARTS = ("limit", "limit", "compaction", "script", "send", "send", "queue", "interrupt", "choose")
QUESTIONS = {
    "codex": "Approaching rate limits",
    "claude_code": "What do you want to do?",
    "gemini": "Usage limit reached for gemini-3-flash-preview.",
}
TWO_EVERY = 5
"""One trial in so many has two panes."""
PERSON_CLI = Actor(ActorKind.HUMAN, "cli")
CHECK_S = 10.0
LASTS_S = 4 * 3600.0
"""Above every patience of every workflow here."""
EVENTS_WITHIN_S = 40.0


class Result(NamedTuple):
    seed: int
    about: str
    faults: dict
    outcomes: dict
    notes: tuple

    @property
    def outcome(self):
        return ", ".join(self.outcomes)

    @property
    def failures(self):
        return {what: n for what, n in self.faults.items() if not what.startswith(("raced", "stray", "guessed"))}


def run(seed):
    rng = random.Random(seed)
    # The sidecar draws its own pauses from there.
    random.seed(seed)
    empty = empty_database()
    with tempfile.TemporaryDirectory(dir=_memory()) as folder, inline_databases(), _listening() as heard:
        trial = Trial(seed, rng, Path(folder))
        trial.draw(empty)
        trial.play()
        trial.judge(heard)
        faults = sum((pane.faults for pane in trial.stage.panes), trial.faults)
        notes = [(*note, pane.agent) for pane in trial.stage.panes for note in pane.notes]
        return Result(seed, " ".join(trial.about), dict(faults), dict(trial.outcomes), tuple(notes))


@cache
def _memory():
    folder = Path("/dev/shm")
    return folder if folder.is_dir() else None


@cache
def empty_database():
    """A database as the sidecar makes it."""

    async def make(path):
        await (await Writer.open(path)).close()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wa.db"
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(make(path))
        finally:
            loop.close()
        return path.read_bytes()


@contextmanager
def _listening():
    """What the sidecar logs as an error is a fault of its own; all else is not heard."""
    heard = []
    logger = logging.getLogger("wa")
    handler = logging.Handler(logging.ERROR)
    handler.emit = heard.append
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        yield heard
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


class Trial:
    def __init__(self, seed, rng, folder):
        self.seed, self.rng, self.folder = seed, rng, folder
        self.stage = Stage(rng, PROMPT, PRIMER)
        self.faults, self.outcomes = Counter(), Counter()
        self.about, self.enabled = [], []
        self.kills = []
        self.lives = self.killed = 0
        self.calls = 0
        self.answered = Counter()
        self.is_tidy = False

    # -- what is to happen ------------------------------------------------------------------------------------------

    def draw(self, empty):
        rng, stage = self.rng, self.stage
        path = self.folder / "wa.db"
        path.touch(0o600)
        path.write_bytes(empty)
        flows = self.folder / "workflows"
        flows.mkdir()
        stage.on_up.append(self.turn_on)
        for number in range(2 if self.seed % TWO_EVERY == TWO_EVERY - 1 else 1):
            self.peoples(stage.add(rng.choice(NAMES), number))
        if "handle_usage_limits" in self.enabled:
            for pane in stage.panes:
                question = QUESTIONS[pane.agent]
                pane.answers_meant.append((question, CLOSES[pane.agent]))
        stage.at(EVENTS_WITHIN_S, self.tidy)
        stage.at(EVENTS_WITHIN_S + CHECK_S, self.check)

    def peoples(self, pane):
        """What is to be done in the pane, and what comes between."""
        rng, stage = self.rng, self.stage
        self.about.append(pane.agent)
        for part in dict.fromkeys(rng.sample(PARTS, rng.choice((1, 1, 2, 3)))):
            self.about.append(part)
            getattr(self, f"has_{part}")(pane, self.soon())
        if rng.random() < 0.25:
            stage.at(rng.uniform(0, 3), pane.begins)
        for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5))):
            self.happens(pane, rng.choice(HAPPENS))

    def soon(self):
        return self.rng.uniform(1.0, 12.0)

    def happens(self, pane, what):
        """At some time, or right at the worst."""
        rng, stage = self.rng, self.stage
        self.about.append(what)
        do = {
            "kill": lambda: stage.life and stage.life.kill(),
            "disconnect": stage.disconnect,
            "restart": lambda: stage.restart_mux(rng.choice((None, *NAMES))),
            "full": partial(self.fills, rng.uniform(0.1, 20.0)),
        }.get(what, partial(self.befalls, pane, what))
        if what == "kill" and rng.random() < 0.5:
            kind = rng.choice(("any", "store", "stored", "paste", "paste sent", "write", "write sent", "screen"))
            count = rng.choice((1, 2, 3)) if kind.startswith(("paste", "write")) else int(10 ** rng.uniform(0, 2.7))
            self.kills.append((kind, count))
        elif rng.random() < 0.65:
            kind = rng.choice(
                ("paste", "paste served", "paste served", "write", "write served", "screen", "screen served")
            )
            number = rng.choice((1, 1, 2, 3)) if kind[0] != "s" else int(10 ** rng.uniform(0, 1.5))
            delay_s = rng.choice((0.0, rng.uniform(0.01, 0.12), rng.uniform(0.0, 0.4), rng.uniform(0.0, 3.0)))
            if not delay_s and kind.endswith("served") and isinstance(do, partial) and do.func == self.befalls:
                do = partial(self.befalls, pane, what, too_late=True)
            stage.on_request[kind, number] = partial(stage.after, delay_s, do) if delay_s else do
        else:
            stage.at(rng.choice((rng.uniform(0, 6), rng.uniform(0, EVENTS_WITHIN_S - 5))), do)

    def befalls(self, pane, what, *, too_late=False):
        """*too_late*: to be seen by what is under way just now."""
        if pane.program is not None:
            if too_late:
                pane.late_at = pane.now
            pane.happens(getattr(pane, what))
            pane.settle()

    def fills(self, seconds):
        self.stage.full_from, self.stage.full_until = self.stage.now, self.stage.now + seconds

    # -- what wa is to do -------------------------------------------------------------------------------------------

    def turn_on(self, life):
        for name in self.enabled:
            if not life.flows.is_on(name, None):
                life.call(_asked(life.flows.switch(name, None, enabled=True)))

    def has_limit(self, pane, at):
        self.enabled.append("handle_usage_limits")
        self.stage.at(at, partial(self.befalls, pane, "hits_limit"))

    def has_compaction(self, pane, at):
        self.enabled.append("handle_compaction")
        self.stage.at(at, partial(self.befalls, pane, "compacts"))

    def has_script(self, pane, _):
        self.enabled.append("commit")
        (self.folder / "workflows" / "commit.toml").write_text(SCRIPT, "utf-8")
        for known in self.stage.panes:
            known.wish("send", COMMIT, 99)
        self.stage.everywhere.append(COMMIT)
        self.stage.of_workflows.add(COMMIT)

    def has_send(self, pane, at, while_busy=WhileBusy.REFUSE):
        text = self.rng.choice(TEXTS)
        if self.rng.random() < 0.1:
            self.stage.at(max(0.0, at - 0.5), partial(self.befalls, pane, "begins"))
        pane.wish("send", text)
        self.ask(pane, at, Action(ActionKind.SEND, text, submit=True, while_busy=while_busy))

    def has_queue(self, pane, at):
        if self.rng.random() < 0.7:
            self.stage.at(max(0.0, at - 0.5), partial(self.befalls, pane, "begins"))
        texts = self.rng.sample(TEXTS, self.rng.choice((1, 2, 3)))
        for number, text in enumerate(texts):
            pane.wish("send", text)
            action = Action(ActionKind.SEND, text, submit=True, while_busy=WhileBusy.QUEUE)
            self.ask(pane, at + 0.2 * number, action)

    def has_interrupt(self, pane, at):
        pane.wish("interrupt")
        self.stage.at(max(0.0, at - 0.5), partial(self.befalls, pane, "begins"))
        self.has_send(pane, at, WhileBusy.INTERRUPT)

    def has_choose(self, pane, at):
        self.stage.at(max(0.0, at - 0.7), partial(self.befalls, pane, "opens"))
        self.stage.at(at, partial(self.chooses, pane))

    def chooses(self, pane):
        if pane.asked is None:
            return
        label = self.rng.choice(pane.asked.options).partition(" (")[0]
        pane.answers_meant.append((pane.asked.question, label))
        self.ask(pane, self.stage.now, Action(ActionKind.CHOOSE, labels=(label,), question=pane.asked.question))

    def ask(self, pane, at, action):
        """A person at the command line; who asks once more under the same key where no answer came."""
        self.calls += 1
        number = self.calls
        is_stubborn = self.rng.random() < 0.3
        key = f"cli:{number}"
        asked = []

        def call():
            life = self.stage.life
            if life is None or life.desk is None or number in self.answered:
                return
            there = (one for one in life.registry if (one.mux.key, one.pane_id) == (pane.mux_key, pane.pane_id))
            watched = next(there, None)
            if watched is None:
                return
            if not watched.started or (watched.agent.agent is None and pane.program == pane.agent):
                # Nobody asks of a pane before they have seen what it is.
                self.stage.after(0.5, call)
                return
            pane.uid = watched.uid
            if not asked and action.text:
                pane.wish("send", action.text, 1)
                looked = partial(pane.is_asked_for, action.text)
                self.stage.at_next_look.append((self.stage.now, pane.pane_id, looked))
            asked.append(life)
            task = life.call(life.desk.act(watched.uid, action, PERSON_CLI, key=key))
            if task is not None:
                task.add_done_callback(lambda done: self.told(number, pane, action, done))

        self.stage.at(at, call)
        if is_stubborn:
            self.stage.on_up.append(lambda _: asked and self.stage.after(3.0, call))

    def told(self, number, pane, action, done):
        if done.cancelled():
            return
        if (error := done.exception()) is not None:
            self.faults[f"raised to a person: {type(error).__name__}"] += 1
            return
        acted = done.result()
        self.answered[number] += 1
        if acted.outcome not in set(ActOutcome):
            self.faults["unnamed outcome"] += 1

    # -- playing ----------------------------------------------------------------------------------------------------

    def play(self):
        stage = self.stage
        tasks.forget_failures()
        while True:
            self.lives += 1
            life = Life(stage, self.folder, kill_at=self.kills.pop() if self.kills else None, policy=DEFAULTS.policy)
            try:
                life.play()
            except Stuck as error:
                self.faults[f"stuck: {error}"] += 1
                return
            except StoreError:
                # It cannot start on a full disk, and says so; whoever runs it tries again.
                self.wait(5.0)
                continue
            for failure in life.failures:
                self.faults[f"task failed: {failure}"] += 1
            if not life.was_killed:
                return
            self.killed += 1
            self.wait(self.rng.choice((0.05, 1.0, 30.0, 400.0)))

    def wait(self, seconds):
        """Nobody watches."""
        stage = self.stage
        until = stage.now + seconds
        while (at := stage.next_at()) < until:
            stage.go(at)
        stage.go(until)

    def tidy(self):
        """From now on nobody makes trouble."""
        self.is_tidy = True
        self.stage.trouble = 0.0
        for pane in self.stage.server.panes.values():
            pane.tidies()
            pane.settle()

    def check(self):
        """Until everything that was begun has ended."""
        stage = self.stage
        stage.after(CHECK_S, self.check)
        self.tidy()
        life = stage.life
        if life is None or life.desk is None:
            return
        if not self.open() or stage.now > LASTS_S:
            life.end()

    def open(self):
        """Runs, actions and texts in the queue that have not ended."""
        with closing(self.read()) as db:
            # What is printed without a date means tomorrow, once the clock was set forward.
            late_ms = self.stage.now_ms() + 3_600_000 if self.stage.clock_jumped else 1 << 62
            found = [
                f"run {name}"
                for (name,) in db.execute(
                    "SELECT workflow FROM workflow_runs WHERE ended_ms IS NULL AND coalesce(wake_ms, 0) < ?", (late_ms,)
                )
            ]
            found += [f"action {kind}" for (kind,) in db.execute("SELECT kind FROM actions WHERE stage <> 'ended'")]
            waiting = db.execute("SELECT 'p' || pane FROM queued WHERE status = 'waiting'")
            return found + ["queued" for (uid,) in waiting if not self.waits_for_an_agent(uid)]

    def waits_for_an_agent(self, uid):
        """A text in the queue of a pane without its agent waits for that to come back; one at a limit, until the clock says tomorrow."""
        if self.stage.clock_jumped:
            return True
        live = [pane for pane in self.stage.server.panes.values() if pane.uid == uid]
        return any(pane.program != pane.agent for pane in live)

    def read(self):
        return sqlite3.connect(f"{(self.folder / 'wa.db').as_uri()}?mode=ro", uri=True)

    # -- judging ----------------------------------------------------------------------------------------------------

    def judge(self, heard):
        for record in heard:
            why = "" if record.exc_info is None else f": {record.exc_info[1]!r:.80}"
            self.faults[f"logged: {record.getMessage()}{why}"] += 1
        for what in self.open():
            self.faults[f"never ends: {what}"] += 1
        with closing(self.read()) as db:
            for name, status, outcome in db.execute(
                "SELECT workflow, status, outcome FROM workflow_runs WHERE ended_ms IS NOT NULL"
            ):
                self.outcomes[f"{name}: {outcome}"] += 1
                if not outcome or status not in set(RunStatus):
                    self.faults["a run without an outcome"] += 1
                if outcome == "broken":
                    self.faults["broken run"] += 1
            typed = Counter()
            for kind, actor, text, outcome, typed_ms in db.execute(
                "SELECT kind, actor_kind, json_extract(what, '$.text'), outcome, typed_ms FROM actions WHERE stage = 'ended'"
            ):
                self.outcomes[f"{actor} {kind}: {outcome}"] += 1
                if outcome not in set(ActOutcome):
                    self.faults["an action without an outcome"] += 1
                if typed_ms is not None and kind == "send":
                    typed[text] += 1
        for pane in self.stage.panes:
            for text, wish in pane.wishes.items():
                if wish.by_wa > typed[text] and wish.kind == "send":
                    self.faults["double: more submissions than intents"] += 1


async def _asked(work):
    """What a person asks for may be refused, or not be kept."""
    try:
        return await work
    except WaError:
        return None


__all__ = ["DONE", "Result", "run"]
