"""config.toml while the sidecar runs: who may act, and how a person is told, as the file says now; a broken file changes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from wa.config.settings import Settings, settings_table
from wa.model.errors import ConfigError

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
GONE_LOOKS = 5
"""A file that is being replaced is missing for a moment; missing at this many looks it is gone."""
LIVE = ("policy", "notify", "badges")
"""Tables that are in force as soon as the file was read again."""

Stamp = tuple[int, int, int] | None


class ConfigWatch:
    """`run` as a task."""

    def __init__(self, path: Path, settings: Settings) -> None:
        """*settings*: as the sidecar began with."""
        self.path = path
        self.use: Callable[[Settings], None] = lambda _: None
        """Told the new settings whenever a table of LIVE is another."""
        self.trouble: ConfigError | None = None
        """Why the file is refused as it is now; what was last good of it stays in force."""
        self.waiting: tuple[str, ...] = ()
        """Settings that the file has changed and that only a restart puts in force."""
        self._in_force = settings
        self._read = self._seen = _stamp(path)
        try:
            self._began = Settings.load(path)
        except ConfigError:
            self._began = settings
        self._gone = 0

    async def run(self) -> None:
        """Ends by cancellation."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception:
                log.exception("settings not read again")

    async def look(self) -> None:
        """Reads the file if it was changed, and is not being written just now: it must have been the same at two looks."""
        before, self._seen = self._seen, _stamp(self.path)
        self._gone = self._gone + 1 if self._seen is None else 0
        if self._seen == self._read or self._seen != before or 0 < self._gone < GONE_LOOKS:
            return
        read = self._seen
        try:
            settings = await asyncio.to_thread(Settings.load, self.path)
        except ConfigError as error:
            log.warning("settings refused", extra={"reason": error.message})
            self._read, self.trouble = read, error
            return
        if _stamp(self.path) != read:
            return
        self._read, self.trouble = read, None
        self._take(settings)

    def _take(self, settings: Settings) -> None:
        changed = [name for name in LIVE if getattr(settings, name) != getattr(self._in_force, name)]
        self._in_force = settings
        waiting = [
            setting.key
            for setting in settings_table()
            if setting.key.partition(".")[0] not in LIVE
            and settings.value(setting.key) != self._began.value(setting.key)
        ]
        self.waiting = (*waiting, *(("mux",) if settings.mux != self._began.mux else ()))
        if changed:
            self.use(settings)
        log.info("settings read", extra={"changed": ", ".join(changed), "waiting": ", ".join(self.waiting)})


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
