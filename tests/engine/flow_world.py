"""Workflows over a real database, with panes, eyes and a desk in memory."""

import asyncio
import time
from contextlib import asynccontextmanager

from store.world import MUX, pane
from wa.act.workflow import Workflow
from wa.detect import session_ops as ops
from wa.engine import tasks
from wa.engine.hub import Hub, Kind
from wa.engine.pane import WatchedPane
from wa.engine.registry import Registry
from wa.engine.run_catalogue import Catalogue
from wa.engine.run_world import RunWorld, Stirs
from wa.engine.workflows import Workflows
from wa.ingest.tracker import PaneTracker
from wa.model.action import Acted, ActOutcome, HumanSign
from wa.model.agent import NO_AGENT, Detection, PaneState, Place, Severity, Transition
from wa.model.screen import Cursor, Row, Screen
from wa.model.sight import Sight
from wa.store.agent_records import AgentBatch
from wa.store.reader import Reader
from wa.store.run_reading import RunReader
from wa.store.run_writing import RunWriter
from wa.store.writer import Writer
from wa.wezterm.terminal import SourceKind

HOUR_MS = 3_600_000


class Clock:
    """Real time, with a wall that may be moved."""

    def __init__(self):
        self.ahead_ms = 0
        self.faster_ms = 0

    def now_ms(self):
        return time.time_ns() // 1_000_000 + self.ahead_ms + self.faster_ms

    def monotonic_ms(self):
        return time.monotonic_ns() // 1_000_000 + self.faster_ms

    def to_next_hour(self, after_s=60):
        """Whenever the test runs: so long after the next full hour."""
        now_ms = self.now_ms()
        self.ahead_ms += (now_ms // HOUR_MS + 1) * HOUR_MS + after_s * 1000 - now_ms


class FakeDesk:
    """Keeps what reached the panes. A key is good for one thing: the second time it answers with what came of the first."""

    def __init__(self, world):
        self.world = world
        self.asked = []
        self.done = {}
        self.typed = []
        self.outcome = ActOutcome.SUBMITTED
        self.then = PaneState.WORKING
        self.hold = None

    async def act(self, pane_uid, action, actor, *, key="", dry_run=False, run=None, step=None):
        self.asked.append((pane_uid, action, actor, key, dry_run))
        if dry_run:
            return Acted(ActOutcome.PLANNED, "It would be typed.")
        if key in self.done:
            return self.done[key]
        if self.hold is not None:
            await self.hold.wait()
        self.typed.append((pane_uid, action.text or action.labels or action.keys))
        acted = self.done[key] = Acted(self.outcome, "typed")
        if self.outcome is ActOutcome.SUBMITTED and self.then is not None:
            self.world.state(pane_uid, self.then)
        return acted


class FakeTeller:
    def __init__(self):
        self.told = []

    def tell(self, pane_uid, notify, key, workflow):
        self.told.append((pane_uid, notify.title, notify.body, key))


class FlowWorld:
    def __init__(self, path, workflows=(), folder=None):
        self.path, self.folder, self.shipped = path, folder, tuple(workflows)
        self.registry, self.hub, self.clock = Registry(), Hub(), Clock()
        self.desk, self.teller = FakeDesk(self), FakeTeller()
        self.opener = None
        self.looks = 0

    async def open(self):
        self.writer = await Writer.open(self.path)
        self.reader = await Reader.open(self.path)
        self.read, self.write = RunReader(self.reader), RunWriter(self.writer)

    async def close(self):
        await self.reader.close()
        await self.writer.close()

    async def add(self, number=0, *, state=PaneState.IDLE, agent="codex", cwd="/src/shop", title="codex"):
        uid = await self.writer.pane_uid(MUX, pane(number, cwd=cwd), 1)
        watched = WatchedPane(uid, MUX, pane(number, cwd=cwd, title=title), PaneTracker(number), SourceKind.PUSH)
        watched.started = True
        watched.agent = NO_AGENT._replace(agent=agent, state=state, since_ms=self.clock.now_ms(), confidence=1.0)
        self.registry.add(watched)
        return uid

    def state(self, uid, state, **more):
        watched = self.registry.get(uid)
        before = watched.agent.state
        watched.agent = watched.agent._replace(state=state, since_ms=self.clock.now_ms(), **more)
        watched.changed()
        self.hub.publish(
            Kind.STATE, uid, lambda: {"pane_uid": uid, "state": state.value, "at_ms": watched.agent.since_ms}
        )
        return before

    async def note(self, uid, before):
        """What a watch would have stored of the last change of state."""
        after = self.registry.get(uid).agent
        moved = ops.NoteTransition(Transition(self.clock.now_ms(), before, after), None)
        await self.writer.agent_events([AgentBatch(uid, (moved,))])

    async def say(self, uid, event, *, ago_s=0.0, agent="codex", **fields):
        """An event is stored, as the sidecar stores it; its number."""
        found = Detection(event, agent, f"{agent}.{event}", Severity.INFO, fields, False, Place("tail", 0, 0, event))
        at_ms = self.clock.now_ms() - round(ago_s * 1000)
        await self.writer.agent_events([AgentBatch(uid, (ops.NoteEvent(at_ms, found, None, None),))])
        if (flows := getattr(self, "flows", None)) is not None:
            flows.saved()
        return await self.reader.last_event_id()

    async def look(self, watched, *, recent=False):
        self.looks += 1
        await asyncio.sleep(0)
        screen = Screen(self.clock.now_ms(), self.looks, 80, 1, (Row(0, "", False),), Cursor(0, 0), "", None, None)
        agent = watched.agent
        return Sight(
            self.clock.now_ms(), screen, watched.alive, agent.agent, agent.state, agent.dialog, agent.draft, None,
            agent, HumanSign(),
        )  # fmt: skip

    @asynccontextmanager
    async def running(self):
        world = RunWorld(self.registry, self.clock, self.desk, self, self.teller, self.read, Stirs(), self.opener)
        self.flows = Workflows(
            world, self.write, self.read, self.reader, self.hub, Catalogue(self.shipped, self.folder),
            zone="Europe/Berlin", profile_of=lambda agent: {"limits": {"close": ["Stop"]}},
        )  # fmt: skip
        await self.flows.start()
        task = tasks.spawn(self.flows.run(), name="workflows")
        try:
            yield self.flows
        finally:
            await tasks.cancel([task])
            await self.flows.close()

    async def ended(self, count=1, within_s=10.0, **which):
        """The runs, oldest first, once so many have ended."""

        async def enough():
            found = await self.read.runs(is_open=False, **which)
            return found[::-1] if len(found) >= count else None

        return await self.until(enough, within_s)

    async def until(self, condition, within_s=10.0):
        async with asyncio.timeout(within_s):
            while True:
                found = condition()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.005)


def play(tmp_path, scenario, *workflows, folder=None, running=True):
    async def inside():
        world = FlowWorld(tmp_path / "wa.db", workflows, folder)
        await world.open()
        try:
            if not running:
                return await asyncio.wait_for(scenario(world), 60)
            async with world.running():
                return await asyncio.wait_for(scenario(world), 60)
        finally:
            await world.close()

    return asyncio.run(inside())


def flow(name, play, *events, **more):
    return Workflow(name, frozenset(events), play, "For tests.", "1", **more)
