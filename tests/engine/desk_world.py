"""A desk on a real database, with hands that type into a pane made of a few words."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

from store.world import MUX, pane
from wa.decide.policy import Policy
from wa.engine.desk import Desk
from wa.engine.desk_seams import Bounds
from wa.engine.pauses import Pauses
from wa.engine.registry import Registry
from wa.model.action import Acted, Action, ActionKind, Actor, ActorKind, ActOutcome, Allow, HumanSign, PaneView, Stage
from wa.model.agent import NO_AGENT, PaneState
from wa.model.errors import TerminalUnreachable
from wa.model.screen import Cursor, Screen
from wa.model.sight import Sight
from wa.store.acting import ActingHistory, ActingStore
from wa.store.reader import Reader
from wa.store.writer import Writer

HUMAN = Actor(ActorKind.HUMAN, "cli")
FLOW = Actor(ActorKind.WORKFLOW, "handle_usage_limits")
SEND = Action(ActionKind.SEND, text="proceed.", submit=True)
EFFECTS = {"Keep current model": {"keep"}, "Stop": {"stop"}, "Switch to mini": {"model"}}


class Clock:
    def __init__(self):
        self.at_ms = 1_000_000

    def now_ms(self):
        return self.at_ms

    monotonic_ms = now_ms


class FakePane(SimpleNamespace):
    """Also what is seen of it: `state`, `dialog`, `draft`."""


class FakeHands:
    """Pastes and submits, asking and telling as the real ones do. What was written stands in `written`."""

    def __init__(self, clock):
        self.clock = clock
        self.written = []
        self.found = []
        self.unreachable = None
        self.before = {}
        """A word → a coroutine function that is run at that point: ask, typing, paste, submitting, return."""
        self.persons = None
        self.outcome = None
        self.parts = {}
        """Kind of an action → the actions that it is judged as."""

    async def look(self, pane):
        if self.unreachable:
            raise TerminalUnreachable(self.unreachable)
        return self.seen(pane)

    def seen(self, pane):
        screen = Screen(self.clock.now_ms(), 1, 80, 0, (), Cursor(0, 0), "", None, None)
        human = self.persons.sign(pane)
        return Sight(
            self.clock.now_ms(), screen, pane.alive, pane.agent.agent, pane.state, pane.dialog, pane.draft, None,
            pane.agent, human,
        )  # fmt: skip

    async def at(self, word):
        if (hook := self.before.get(word)) is not None:
            await hook()

    async def perform(self, pane, action, ask, note, found=Stage.DECIDED):
        self.found.append(found)
        await self.at("ask")
        if (no := self.judge(pane, action, ask)) is not None:
            return no
        await self.at("typing")
        await note(Stage.TYPING)
        for part in self.parts.get(action.kind, [action]):
            if (no := self.judge(pane, part, ask)) is not None:
                return no
            await self.at("paste")
            self.written.append((pane.uid, part.text or part.keys or part.labels or part.kind.value))
        if action.submit:
            await self.at("submitting")
            await note(Stage.SUBMITTING)
            if (no := self.judge(pane, action, ask, left=True)) is not None:
                return no
            self.written.append((pane.uid, "\r"))
            await self.at("return")
        return self.outcome or Acted(ActOutcome.SUBMITTED, "The pane took it.", {"row": "› proceed."}, 12.0, 34.0)

    def judge(self, pane, action, ask, *, left=False):
        decision = ask(self.seen(pane), action)
        if isinstance(decision, Allow):
            return None
        outcome = ActOutcome.REFUSED if hasattr(decision, "next_step") else ActOutcome.ASKED
        return Acted(outcome, decision.reason, {"rule": decision.rule, **({"left": True} if left else {})})


class FakeEyes:
    def obstacle(self, pane, sight, action):
        busy = sight.state is PaneState.WORKING and action.kind is ActionKind.SEND
        return Acted(ActOutcome.BUSY, "The agent works.") if busy else None

    def view(self, pane, sight, action, paused):
        return PaneView(
            sight.alive, pane.excluded is not None, None, True, False, pane.uid, sight.agent, sight.state, sight.dialog,
            sight.draft, sight.human, paused,
        )  # fmt: skip

    def resolve(self, pane, sight, action):
        options = () if sight.dialog is None else sight.dialog.options
        found = next((label for label in action.labels if label in options), None)
        return None if found is None else action._replace(effects=frozenset(EFFECTS.get(found, {"unknown"})))


class FakePersons:
    def __init__(self):
        self.signs = {}
        self.polls = 0

    async def poll(self, pane):
        self.polls += 1
        await asyncio.sleep(0)

    def sign(self, pane):
        return self.signs.get(pane.uid, HumanSign())


class DeskWorld:
    def __init__(self, writer, reader, policy):
        self.writer, self.history, self.desk_history = writer, ActingHistory(reader), reader
        self.clock, self.registry = Clock(), Registry()
        self.store = ActingStore(writer)
        self.hands, self.persons = FakeHands(self.clock), FakePersons()
        self.hands.persons = self.persons
        self.pauses = Pauses(self.store, self.clock)
        self.desk = Desk(
            self.registry, self.hands, FakeEyes(), self.persons, self.store, self.pauses, self.clock,
            policy=policy, bounds=Bounds(60_000, 30_000, 3_600_000),
        )  # fmt: skip

    async def pane(self, number=0, *, agent="codex", state=PaneState.IDLE, draft="", dialog=None):
        uid = await self.writer.pane_uid(MUX, pane(number), 1000)
        known = NO_AGENT._replace(agent=agent, state=state)
        made = FakePane(
            uid=uid, pane_id=number, mux=MUX, alive=True, excluded=None, started=True, started_by_wa=False,
            agent=known, state=state, draft=draft, dialog=dialog, title="",
        )  # fmt: skip
        self.registry.add(made)
        return made

    async def run_of(self, mode, number=7):
        await self.writer.transact(
            lambda c: c.execute(
                "INSERT INTO workflow_runs (id, workflow, version, key, context, mode, status, started_ms)"
                " VALUES (?, 'w', '1', ?, '{}', ?, 'running', 1)",
                (number, f"k{number}", mode),
            )
        )
        return number

    async def acted(self, uid=None):
        return [(one.outcome, one.decision, one.rule) for one in await self.history.actions(uid)]


@asynccontextmanager
async def desk_world(path, policy=Policy(pane_cooldown_s=0)):  # noqa: B008 - immutable
    writer = await Writer.open(path)
    reader = await Reader.open(path)
    world = DeskWorld(writer, reader, policy)
    await world.pauses.load()
    try:
        yield world
    finally:
        await world.desk.close()
        await reader.close()
        await writer.close()


def play(tmp_path, scenario, **options):
    """Runs `scenario(world)` to its end."""

    async def inside():
        async with desk_world(tmp_path / "wa.db", **options) as world:
            return await asyncio.wait_for(scenario(world), 20)

    return asyncio.run(inside())
