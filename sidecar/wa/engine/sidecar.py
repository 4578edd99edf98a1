"""The sidecar: lock, log, store, sessions, socket; up in this order, down in the other."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from wa import __version__
from wa.agents.loader import Agents
from wa.config.paths import Paths
from wa.config.settings import Settings
from wa.engine import spool, tasks
from wa.engine.acting import acting
from wa.engine.agents import AgentWatch
from wa.engine.alerts import Alerts
from wa.engine.announced import Announced
from wa.engine.automation import automation
from wa.engine.badges import badges
from wa.engine.capture_buffer import CaptureBuffer
from wa.engine.config_watch import ConfigWatch
from wa.engine.exclusions import Exclusions
from wa.engine.hook_signals import HookSignals
from wa.engine.hub import Hub
from wa.engine.intake import Intake
from wa.engine.lock import Lock
from wa.engine.logs import log_to, stop_logging
from wa.engine.methods import Methods
from wa.engine.muxes import Muxes
from wa.engine.never import NeverRules
from wa.engine.notice_methods import notice_handlers
from wa.engine.plugin import Plugin
from wa.engine.program_signals import ProgramSignals
from wa.engine.registry import Registry
from wa.engine.reopening import Opening
from wa.engine.server import Server
from wa.engine.shared import Shared
from wa.engine.shell_commands import ShellCommands
from wa.engine.status import Reports
from wa.engine.telling import telling
from wa.engine.troubles import Troubles
from wa.engine.zone import local_zone
from wa.model.clock import Clock
from wa.model.errors import StoreError, WaError
from wa.protocol import sidecar_wire as wire
from wa.protocol.results import WatchResult
from wa.sources.session_files import SessionFiles
from wa.store.reader import Reader
from wa.store.records import DAY_MS, StoreSettings
from wa.store.writer import Writer
from wa.wezterm.connect import Options
from wa.wezterm.targets import SocketTarget, SshTarget, Target
from wa.wezterm.timekeeping import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SAVE_WITHIN_S = 5.0
"""How long a stop may take to write what is in memory, when the database makes trouble."""
FIRST_RETENTION_S = 60.0
MB = 1024 * 1024


class Sidecar:
    """One run. `targets` come beside the `[[mux]]` tables of the settings."""

    def __init__(
        self,
        paths: Paths,
        settings: Settings,
        *,
        targets: Sequence[Target] = (),
        detached: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._targets = (*targets_of(settings), *targets)
        self._detached = detached
        self._clock = clock or SystemClock()
        self._stop = asyncio.Event()
        self._broken: BaseException | None = None

    def stop(self) -> None:
        """End the run: everything captured is written first."""
        self._stop.set()

    async def run(self, ready: Callable[[WatchResult], None] | None = None) -> None:
        """Watch until stopped, by `stop`, a signal or the socket. *ready* is told once it serves.

        Raises SidecarRunning, StoreError or SidecarError where it cannot start, and what broke it where it did later.
        """
        paths, clock = self._paths, self._clock
        started_ms = clock.now_ms()
        paths.ensure()
        lock = Lock.take(paths.lock_file, pid=os.getpid(), started_ms=started_ms)
        try:
            with _logging(paths, self._settings):
                log.info("sidecar started", extra={"version": __version__, "pid": os.getpid()})
                try:
                    async with self._parts(started_ms):
                        _spare_the_collector()
                        if ready is not None:
                            ready(self._result())
                        await self._stop.wait()
                        log.info("sidecar stops")
                except WaError as error:
                    log.error("sidecar ended", extra={"reason": error.message})
                    raise
                log.info("sidecar stopped")
        finally:
            lock.release()
        if self._broken is not None:
            raise self._broken

    @asynccontextmanager
    async def _parts(self, started_ms: int) -> AsyncIterator[None]:
        paths, settings, clock, zone = self._paths, self._settings, self._clock, local_zone()
        async with AsyncExitStack() as stack:
            writer = await Writer.open(paths.database, settings=store_settings(settings))
            stack.push_async_callback(writer.close)
            reader = await Reader.open(paths.database)
            stack.push_async_callback(reader.close)
            buffer = CaptureBuffer(
                writer,
                clock,
                limit_bytes=settings.capture.memory_mb * MB,
                screen_interval_s=settings.capture.screen_interval_ms / 1000,
            )
            exclusions = Exclusions(paths.state / "excluded.json")
            exclusions.load()
            shared = Shared(
                store=writer,
                history=reader,
                buffer=buffer,
                registry=Registry(),
                hub=Hub(),
                rules=NeverRules(settings.capture.never),
                exclusions=exclusions,
                clock=clock,
                list_interval_s=settings.wezterm.list_interval_s,
                troubles=Troubles(clock),
            )
            files = SessionFiles()
            agents = AgentWatch(
                Agents(paths.config / "agents"),
                writer,
                shared.hub,
                clock,
                shared.foreground,
                zone=zone,
                zones={entry.name: entry.zone for entry in settings.mux if entry.zone},
                files=files,
            )
            shells = ShellCommands(shared.registry, agents, shared.rules, clock, shared.troubles)
            alerts = Alerts(shared.registry, shared.hub, clock, shared.troubles)
            shared = replace(shared, agents=agents, shells=shells, alerts=alerts)
            muxes = Muxes(
                shared,
                self._targets,
                look_for_more=settings.wezterm.discover,
                rescan_s=settings.wezterm.rescan_interval_s,
                options=Options(wezterm=settings.wezterm.command, control_dir=paths.runtime / "ssh", clock=clock),
            )
            config = ConfigWatch(paths.config_file, settings)
            intake = Intake(clock, shared.troubles)
            intake.takers |= {"lua.var": shells.told, "lua.bell": alerts.told}
            hooks = HookSignals(shared.registry, agents, clock, shared.troubles)
            intake.takers["hook"] = hooks.take_hook
            intake.takers["program"] = ProgramSignals(shared.registry, agents, clock, shared.troubles).take
            reports = Reports(paths, shared, muxes, os.getpid(), started_ms, config)
            writing = tasks.spawn(buffer.run(), name="write captures", on_failure=self._break)
            stack.push_async_callback(tasks.cancel, [writing])
            stack.push_async_callback(self._save, buffer)
            stack.push_async_callback(agents.save)
            stack.push_async_callback(agents.close)
            noting = tasks.spawn(agents.run(), name="write events", on_failure=self._break)
            stack.push_async_callback(tasks.cancel, [noting])
            retaining = tasks.spawn(self._retain(writer), name="retention")
            watching = tasks.spawn(muxes.run(), name="muxes", on_failure=self._break)
            stack.push_async_callback(tasks.cancel, [watching, retaining])
            # After the muxes have begun, and to be broken off before them: what is under way is taken up by the next run.
            act = await stack.enter_async_context(acting(shared, muxes, writer, settings.policy))
            told = await stack.enter_async_context(
                telling(shared, writer, settings.notify, zone=zone, focus=act.presence)
            )
            notices = told.notices

            announced = Announced(paths.state / "announced.json")
            announced.load()
            shown = await stack.enter_async_context(badges(shared, muxes, act.desk.pauses, announced, settings.badges))
            reports.more.append(shown.findings)

            def use(changed: Settings) -> None:
                act.use(changed.policy)
                told.use(changed.notify)
                shown.use(changed.badges)

            config.use = use
            configuring = tasks.spawn(config.run(), name="settings")
            stack.push_async_callback(tasks.cancel, [configuring])
            flows = await stack.enter_async_context(
                automation(
                    shared,
                    writer,
                    desk=act.desk,
                    eyes=act.hands,
                    teller=notices,
                    opener=Opening(
                        lambda: list(muxes.sessions.values()), act.desk, reader, shared.registry, clock, files
                    ),
                    ended=notices.run_ended,
                    folder=paths.config / "workflows",
                    zone=zone,
                    on_failure=self._break,
                )
            )
            act.desk.answered = flows.workflows.answered
            plugin = Plugin(shown, muxes, act.desk, notices, shared.troubles, prompt=flows.prompt)
            intake.takers.update(plugin.takers())
            stack.push_async_callback(plugin.close)
            methods = Methods(shared, muxes, writer, reports, self.stop, desk=act.desk, actor=act.methods.actor)
            hello = wire.hello(version=__version__, pid=os.getpid(), started_ms=started_ms)
            handlers = {
                **methods.handlers(),
                **act.methods.handlers(),
                **flows.handlers(),
                **notice_handlers(notices),
                "hooks": lambda _: hooks.report(),
                "status": lambda _: act.methods.status(reports.status()),
            }
            handlers["forget"] = flows.after(handlers["forget"])
            server = Server(lambda: hello, act.methods.persons_only(handlers), methods.streams(), intake.take)
            await server.start(paths.socket)
            stack.push_async_callback(server.close)
            spooled = tasks.spawn(spool.keep(paths.state, intake), name="spool")
            stack.push_async_callback(tasks.cancel, [spooled])
            stack.enter_context(self._signals())
            yield

    async def _save(self, buffer: CaptureBuffer) -> None:
        """What is in memory, and the final screens."""
        if rows := await buffer.finish(SAVE_WITHIN_S):
            log.error("rows not saved", extra={"rows": rows, "reason": buffer.trouble and buffer.trouble.message})

    async def _retain(self, writer: Writer) -> None:
        await asyncio.sleep(FIRST_RETENTION_S)
        while True:
            try:
                retained = await writer.retain(self._clock.now_ms())
                if retained.rows:
                    log.info("old output deleted", extra={"rows": retained.rows, "panes": retained.panes})
            except StoreError as error:
                log.warning("old output not deleted", extra={"reason": error.message})
            await asyncio.sleep(self._settings.retention.interval_min * 60)

    def _break(self, error: BaseException) -> None:
        """A part that the rest cannot do without has failed: end in order, and say so."""
        self._broken = error
        self._stop.set()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        installed = []
        for number in STOP_SIGNALS:
            with suppress(RuntimeError, ValueError):
                # Outside of the main thread signals are somebody else's.
                loop.add_signal_handler(number, self._signalled, number)
                installed.append(number)
        try:
            yield
        finally:
            for number in installed:
                loop.remove_signal_handler(number)

    def _signalled(self, number: int) -> None:
        # SIGHUP says that the terminal has closed; one that is detached has none.
        if number != signal.SIGHUP or not self._detached:
            log.info("signal", extra={"number": number})
            self.stop()

    def _result(self) -> WatchResult:
        return WatchResult(
            pid=os.getpid(),
            version=__version__,
            socket=str(self._paths.socket),
            database=str(self._paths.database),
            log_file=str(self._paths.log_file),
            detached=self._detached,
        )


def with_log_level(settings: Settings, level: str | None) -> Settings:
    """The settings with `--log-level` in place of theirs."""
    return settings if level is None else replace(settings, log=replace(settings.log, level=level))


def targets_of(settings: Settings) -> tuple[Target, ...]:
    """The `[[mux]]` tables as targets."""
    found: list[Target] = []
    for entry in settings.mux:
        if entry.socket is not None:
            found.append(SocketTarget(entry.name, entry.socket))
        elif entry.ssh is not None:
            found.append(SshTarget(entry.ssh, entry.name, entry.wezterm or ("wezterm",)))
    return tuple(found)


def store_settings(settings: Settings) -> StoreSettings:
    retention = settings.retention
    return StoreSettings(
        retain_age_ms=retention.age_days * DAY_MS or None,
        retain_bytes=retention.size_mb * MB or None,
    )


def _spare_the_collector() -> None:
    """What was loaded by now stays, so that looking for garbage in it again and again is in vain: 8 % of what it costs to watch
    five spinners (2026-11-21, CPython 3.11).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@contextmanager
def _logging(paths: Paths, settings: Settings) -> Iterator[None]:
    handler = log_to(paths.log_file, settings.log)
    try:
        yield
    finally:
        stop_logging(handler)
