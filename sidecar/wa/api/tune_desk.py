"""What `wa tune` must know of a machine before it decides: memory, WezTerm, its configuration, who watches."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple, Protocol

from wa.api.client import connected_if_any
from wa.api.tune_restart import Standing, standing
from wa.config.paths import Paths
from wa.config.settings import Settings
from wa.model.errors import ConfigError, WaError, WezTermError
from wa.protocol.results_setup import PlanResult
from wa.provision import files, tune
from wa.provision.plan import FileChange, Plan
from wa.provision.tune_file import Place
from wa.provision.wezterm_lua import config_folders, find_config
from wa.wezterm.executable import find_executable, read_version


class Far(Protocol):
    """The way to another machine."""

    async def make(self, plan: Plan, paths: Paths) -> PlanResult: ...

    async def leave(self) -> None: ...


class Desk(NamedTuple):
    place: Place
    path: PurePosixPath
    """Of the file, on its machine."""
    kept: str | None
    """Why nothing may be written there, as the end of a sentence."""
    total_bytes: int | None
    counted_by: str
    version: str | None
    """Of WezTerm."""
    command: Sequence[str] | None
    """That evaluates the file where it will be; None: it is not here."""
    is_watched: bool
    """wa keeps the history there, or did."""
    standing: Standing
    machine: str | None = None
    far: Far | None = None

    def plan(self, command: str, after: bytes | None, what: str, notes: Sequence[str]) -> Plan:
        data = self.place.data
        block = None if data is None or after is None else tune.BLOCK
        change = FileChange(self.path, data, after, what, block=block)
        where = "" if self.machine is None else f" --host {self.machine}"
        return Plan(f"{command}{where}", (change,), machine=self.machine, notes=tuple(notes))

    async def leave(self) -> None:
        """End the connection, where there is one."""
        if self.far is not None:
            await self.far.leave()


async def desk_here(paths: Paths) -> Desk:
    """Raises ConfigError where the configuration cannot be read."""
    found = find_config(os.environ)
    path = found.path or config_folders(os.environ)[0] / "wezterm.lua"
    kept = await asyncio.to_thread(files.is_kept_from_us, path)
    data = await asyncio.to_thread(files.read, path) if kept is None else None
    total, counted_by = await asyncio.to_thread(tune.memory_here)
    command, version = await _wezterm(paths)
    return Desk(
        place=Place(str(path), data, path, os.environ),
        path=PurePosixPath(path),
        kept=kept,
        total_bytes=total,
        counted_by=counted_by,
        version=version,
        command=command,
        is_watched=await _is_watched(paths),
        standing=await standing(paths),
    )


async def _wezterm(paths: Paths) -> tuple[tuple[str, ...] | None, str | None]:
    """The command, and its version."""
    try:
        found = find_executable(Settings.load(paths.config_file).wezterm.command)
        return (None, None) if found is None else (found.argv, await read_version(found.argv))
    except (WezTermError, ConfigError):
        return None, None


async def _is_watched(paths: Paths) -> bool:
    """A sidecar answers, or has been here."""
    if await asyncio.to_thread(paths.database.exists):
        return True
    try:
        async with connected_if_any(paths.socket) as sidecar:
            return sidecar is not None
    except WaError:
        return False
