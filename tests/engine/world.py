"""A session on a fake mux with a fake store, running."""

import asyncio
from contextlib import asynccontextmanager

from engine.fakes import FakePane, FakeServer, FakeStore
from engine.wire import until
from wa.config.settings import NeverCapture
from wa.engine import tasks
from wa.engine.capture_buffer import CaptureBuffer
from wa.engine.exclusions import Exclusions
from wa.engine.hub import Hub
from wa.engine.never import NeverRules
from wa.engine.registry import Registry
from wa.engine.session import MuxSession
from wa.engine.shared import Shared
from wa.wezterm.backoff import Backoff

SOON = Backoff(first_s=0.01, limit_s=0.02)


class World:
    def __init__(self, tmp_path, *, never=None, store=None, server=None, list_interval_s=60.0):
        self.server = server or FakeServer()
        self.store = store or FakeStore()
        self.buffer = CaptureBuffer(self.store, self.server.clock, limit_bytes=1 << 26, screen_interval_s=0.05)
        exclusions = Exclusions(tmp_path / "excluded.json")
        exclusions.load()
        self.shared = Shared(
            store=self.store,
            history=self.store,
            buffer=self.buffer,
            registry=Registry(),
            hub=Hub(),
            rules=NeverRules(NeverCapture(**(never or {}))),
            exclusions=exclusions,
            clock=self.server.clock,
            list_interval_s=list_interval_s,
        )
        self.session = MuxSession(self.server.name, "/run/fake", self.server.connect, self.shared, backoff=SOON)

    @property
    def panes(self):
        return {pane.uid: pane for pane in self.shared.registry}

    async def watched(self, pane_id):
        """The pane once its screen has been read."""
        return await until(lambda: (p := self.session.panes.get(pane_id)) and p.screen is not None and p.started and p)

    async def stored(self, uid, wanted):
        """Waits until the store holds exactly these texts for the pane."""
        try:
            await until(lambda: self.store.texts(uid) == wanted, 5)
        except TimeoutError:
            found = self.store.texts(uid)
            at = next(
                (at for at, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b),
                min(len(found), len(wanted)),
            )
            raise AssertionError(
                f"{len(found)} rows of {len(wanted)}; from {at}: {found[at : at + 6]}, wanted {wanted[at : at + 6]}"
            ) from None


@asynccontextmanager
async def world(tmp_path, **options):
    made = World(tmp_path, **options)
    running = [tasks.spawn(made.buffer.run(), name="writer"), tasks.spawn(made.session.run(), name="session")]
    try:
        yield made
    finally:
        await tasks.cancel(running[1:])
        await made.buffer.finish(2)
        await tasks.cancel(running)


def play(tmp_path, scenario, **options):
    """Runs `scenario(world)` to its end."""

    async def inside():
        async with world(tmp_path, **options) as made:
            return await asyncio.wait_for(scenario(made), 30)

    return asyncio.run(inside())


def shell(pane_id=0, lines=0, **options):
    """A pane in which so many numbered lines were printed."""
    pane = FakePane(pane_id, **options)
    pane.print("".join(f"old {n}\n" for n in range(lines)) + "$ ")
    return pane
