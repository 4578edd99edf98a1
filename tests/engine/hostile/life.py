"""One sidecar, from its start to its end or its kill: every part that watches and acts, on one database and one stage.

Put together as `wa.engine.sidecar` does it, but for the socket, the log file, the discovery of multiplexers and the session files.
"""

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace

from engine.hostile.stage import Link, Programs
from engine.hostile.virtual import Loop
from wa.agents.loader import Agents
from wa.config.settings import Settings
from wa.engine import tasks
from wa.engine.acting import acting
from wa.engine.agents import AgentWatch
from wa.engine.automation import automation
from wa.engine.capture_buffer import CaptureBuffer
from wa.engine.exclusions import Exclusions
from wa.engine.hub import Hub
from wa.engine.never import NeverRules
from wa.engine.registry import Registry
from wa.engine.session import MuxSession
from wa.engine.shared import Shared
from wa.engine.telling import telling
from wa.model.errors import TerminalUnreachable, WaError
from wa.store.reader import Reader
from wa.store.writer import Writer

DEFAULTS = Settings.defaults()
NOTIFY = replace(DEFAULTS.notify, channels=())
SHIPPED = Agents(None)
MEMORY = 1 << 24


class Sessions:
    """The one session; what `acting` asks of all multiplexers."""

    def __init__(self, session):
        self._session = session

    def session_of(self, pane_id, mux_key):
        session = self._session
        known = session.mux is not None and session.mux.key == mux_key and pane_id in session.panes
        return session if known else None


class Life:
    def __init__(self, stage, folder, *, kill_at=None, policy=DEFAULTS.policy):
        """*kill_at*: a kind of point, and at which of that kind."""
        self.stage, self.folder, self.kill_at, self.policy = stage, folder, kill_at, policy
        self.is_dead = self.was_killed = False
        self.failures = []
        """Of tasks."""
        self.desk = self.flows = self.registry = None
        """None until it is up."""
        self._points = {}
        self._ended = None
        self._loop = Loop(stage, self)

    # -- the end of it ----------------------------------------------------------------------------------------------

    def goes_on(self, kind):
        """Whether it is still there after this point."""
        if self.is_dead:
            return False
        for name in (kind, "any"):
            number = self._points[name] = self._points.get(name, 0) + 1
            if self.kill_at == (name, number):
                self.kill()
                return False
        return True

    async def point(self, kind):
        if self._loop.is_over:
            raise TerminalUnreachable("the sidecar is over")
        if not self.goes_on(kind):
            await self._loop.create_future()

    def kill(self):
        """As `kill -9`: nothing more of it happens, and what it sent is under way."""
        if not self.is_dead:
            self.is_dead = self.was_killed = True
            self._loop.stop()

    def end(self):
        """In order."""
        if self._ended is not None:
            self._ended.set()

    # -- the life of it ---------------------------------------------------------------------------------------------

    def play(self):
        """Until it ends. Raises what ended it, if that was neither a kill nor `end`."""
        loop, self.stage.life = self._loop, self
        asyncio.set_event_loop(loop)
        main = loop.create_task(self._main())

        def over(_):
            loop.stop()

        main.add_done_callback(over)
        try:
            loop.run_forever()
            if main.done():
                main.result()
        finally:
            main.remove_done_callback(over)
            self.is_dead = True
            self.stage.life = None
            self.stage.server.leave()
            self.failures = tasks.recent_failures()
            with unheard():
                loop.bury()
            tasks.forget_failures()
            asyncio.set_event_loop(None)

    async def _main(self):
        self._ended = asyncio.Event()
        async with self._parts():
            self.stage.is_up(self)
            await self._ended.wait()

    def call(self, work):
        """What comes over its socket, if it is there to take it."""
        if self.is_dead or self.desk is None:
            work.close()
            return None
        return self._loop.create_task(work)

    async def _connect(self):
        await self.point("connect")
        await asyncio.sleep(self.stage.line_s)
        if self.stage.server.down_until > self.stage.now:
            await asyncio.sleep(min(10.0, self.stage.server.down_until - self.stage.now))
        if self.stage.server.down_until > self.stage.now:
            raise TerminalUnreachable("no answer to the handshake")
        return Link(self.stage, self)

    def _break(self, error):
        self.failures.append(error)
        self.end()

    @asynccontextmanager
    async def _parts(self):
        stage, folder = self.stage, self.folder
        async with AsyncExitStack() as stack:
            writer = await Writer.open(folder / "wa.db")
            stack.push_async_callback(_close, writer)
            reader = await Reader.open(folder / "wa.db")
            stack.push_async_callback(_close, reader)
            interval_s = DEFAULTS.capture.screen_interval_ms / 1000
            buffer = CaptureBuffer(writer, stage, limit_bytes=MEMORY, screen_interval_s=interval_s)
            exclusions = Exclusions(folder / "excluded.json")
            exclusions.load()
            programs, hub, registry = Programs(stage), Hub(), Registry()
            agents = AgentWatch(SHIPPED, writer, hub, stage, programs, zone="UTC")
            shared = Shared(
                store=writer,
                history=reader,
                buffer=buffer,
                registry=registry,
                hub=hub,
                rules=NeverRules(DEFAULTS.capture.never),
                exclusions=exclusions,
                clock=stage,
                foreground=programs,
                agents=agents,
                list_interval_s=DEFAULTS.wezterm.list_interval_s,
            )
            session = MuxSession("fake", "/run/fake", self._connect, shared)
            writing = tasks.spawn(buffer.run(), name="write captures", on_failure=self._break)
            stack.push_async_callback(tasks.cancel, [writing])
            stack.push_async_callback(buffer.finish, 5.0)
            stack.push_async_callback(agents.save)
            stack.push_async_callback(agents.close)
            noting = tasks.spawn(agents.run(), name="write events", on_failure=self._break)
            stack.push_async_callback(tasks.cancel, [noting])
            watching = tasks.spawn(session.run(), name="session", on_failure=self._break)
            stack.push_async_callback(tasks.cancel, [watching])
            act = await stack.enter_async_context(acting(shared, Sessions(session), writer, self.policy))
            told = await stack.enter_async_context(telling(shared, writer, NOTIFY, zone="UTC", focus=act.presence))
            auto = await stack.enter_async_context(
                automation(
                    shared,
                    writer,
                    desk=act.desk,
                    eyes=act.hands,
                    teller=told.notices,
                    ended=told.notices.run_ended,
                    folder=folder / "workflows",
                    zone="UTC",
                    on_failure=self._break,
                )
            )
            self.desk, self.flows, self.registry = act.desk, auto.workflows, registry
            yield


async def _close(database):
    with suppress(WaError):
        await database.close()


@contextmanager
def unheard():
    """What a killed sidecar would have said is not said."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
