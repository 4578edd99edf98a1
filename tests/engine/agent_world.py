"""A session on a fake mux with a watch over its agents: what is told, noted and shown."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import msgpack

from engine.fakes import FakePane
from engine.world import SOON, World
from wa.agents.loader import Agents
from wa.engine import tasks
from wa.engine.agents import AgentWatch
from wa.engine.alerts import Alerts
from wa.engine.foreground import Command
from wa.engine.hub import Kind, Subscription
from wa.engine.session import MuxSession
from wa.engine.shell_commands import ShellCommands
from wa.model.errors import NotFound, StoreError

TTY = "/dev/pts/9999999"


class Programs:
    """What stands in the foreground of each tty."""

    def __init__(self, **of):
        self.names = {TTY: "codex"}

    def of(self, tty):
        name = self.names.get(tty)
        return None if name is None else Command(name, name)

    def family(self, tty):
        return []

    def is_anchored(self, tty):
        return False


class Events:
    """The Writer's door for agents."""

    def __init__(self):
        self.batches = []
        self.failure = None
        self.unknown = set()
        self.calls = 0
        self.pause = asyncio.Event()
        self.pause.set()

    async def agent_events(self, batches):
        self.calls += 1
        await self.pause.wait()
        if self.failure is not None:
            raise StoreError(self.failure)
        for batch in batches:
            if batch.pane_uid in self.unknown:
                raise NotFound(f"there is no pane {batch.pane_uid}")
        self.batches += batches

    def operations(self, kind, uid=None):
        return [
            operation
            for batch in self.batches
            if uid in (None, batch.pane_uid)
            for operation in batch.operations
            if isinstance(operation, kind)
        ]


class AgentWorld(World):
    def __init__(self, tmp_path, *, folder=None, files=None, **options):
        super().__init__(tmp_path, **options)
        self.events = Events()
        self.programs = Programs()
        self.agents = AgentWatch(
            Agents(folder), self.events, self.shared.hub, self.server.clock, self.programs, zone="UTC", files=files
        )
        clock = self.server.clock
        shells = ShellCommands(
            self.shared.registry, self.agents, self.shared.rules, clock, self.shared.troubles, host="box"
        )
        alerts = Alerts(self.shared.registry, self.shared.hub, clock, self.shared.troubles)
        self.shared = replace(self.shared, agents=self.agents, foreground=self.programs, shells=shells, alerts=alerts)
        self.session = MuxSession(self.server.name, "/run/fake", self.server.connect, self.shared, backoff=SOON)
        self.told = []
        kinds = {Kind.STATE, Kind.EVENT, Kind.ALERT}
        self.shared.hub.add(Subscription(kinds, None, lambda packed: self.told.append(msgpack.unpackb(packed))))

    def show(self, pane_id, *rows, title=None):
        """Another screen in place of the one before, as an agent paints it."""
        pane = self.server.panes[pane_id]
        if title is not None:
            pane.title = title
        first = pane.top
        pane.lines[max(0, len(pane.lines) - pane.rows) :] = [*rows, *[""] * (pane.rows - len(rows))]
        pane.changed = set(range(first, first + pane.rows))
        self.server.tell(pane.push(self.server.clock.now_ms()))

    def states(self, uid=None):
        return [item["state"] for item in self.told if item["kind"] == "state" and uid in (None, item["pane_uid"])]

    def heard(self, uid=None):
        return [item["event"] for item in self.told if item["kind"] == "event" and uid in (None, item["pane_uid"])]


def screen_pane(pane_id=0, rows=24, *, tty=TTY, **options):
    pane = FakePane(pane_id, rows=rows, cols=100, tty=tty, **options)
    pane.lines = [""] * rows
    return pane


@asynccontextmanager
async def agent_world(tmp_path, **options):
    made = AgentWorld(tmp_path, **options)
    running = [
        tasks.spawn(made.buffer.run(), name="writer"),
        tasks.spawn(made.agents.run(), name="events"),
        tasks.spawn(made.session.run(), name="session"),
    ]
    try:
        yield made
    finally:
        await tasks.cancel(running[1:])
        await made.agents.close()
        await made.buffer.finish(2)
        await tasks.cancel(running)


def play(tmp_path, scenario, **options):
    """Runs `scenario(world)` to its end."""

    async def inside():
        async with agent_world(tmp_path, **options) as made:
            return await asyncio.wait_for(scenario(made), 30)

    return asyncio.run(inside())
