"""Notices, put together with the rest of a sidecar."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from wa.config.settings import NotifySettings
from wa.engine import tasks
from wa.engine.desk_seams import Persons
from wa.engine.long_commands import LongCommands
from wa.engine.notice_watch import NoticeWatch
from wa.engine.notices import Notices
from wa.engine.shared import Shared
from wa.store.notices import NoticeWriter
from wa.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Telling:
    notices: Notices
    watch: NoticeWatch
    commands: LongCommands

    def use(self, settings: NotifySettings) -> None:
        """From now on."""
        self.notices.use(settings)
        self.watch.waits_s = settings.waits_s
        self.commands.long_s = settings.long_command_s


@asynccontextmanager
async def telling(
    shared: Shared, writer: Writer, settings: NotifySettings, *, zone: str, focus: Persons | None = None
) -> AsyncIterator[Telling]:
    """What is under way at the end is not delivered; `wa notices` shows it without a delivery."""
    notices = Notices(settings, NoticeWriter(writer), shared.registry, shared.clock, zone=zone, focus=focus)
    watch = NoticeWatch(notices, shared.registry, shared.clock, waits_s=settings.waits_s)
    commands = LongCommands(notices, shared.clock, long_s=settings.long_command_s)
    if shared.shells is not None:
        shared.shells.finished = commands.finished
    running = [
        tasks.spawn(notices.run(), name="notices"),
        tasks.spawn(watch.run(), name="look for notices"),
    ]
    try:
        yield Telling(notices, watch, commands)
    finally:
        await tasks.cancel(running)
