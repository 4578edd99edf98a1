"""`wa tune`: which values, why, what of the user's they override, and the plan that writes them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from wa.api.tune_restart import standing
from wa.config.paths import Paths
from wa.config.settings import Settings
from wa.model.errors import ConfigError, StoreError, WaError, WezTermError
from wa.protocol.results_setup import PlanResult
from wa.protocol.results_tune import TuneCost, TuneRestart, TuneResult, TuneValue
from wa.provision import files, tune
from wa.provision.journal import journals
from wa.provision.local_config import FRESH
from wa.provision.lua_eval import LuaTrouble, evaluate
from wa.provision.plan import FileChange, Plan
from wa.provision.text_trouble import TextTrouble
from wa.provision.tune import Tuning
from wa.provision.tune_file import by_hand, fresh_file, tried_by_wezterm, unsafe
from wa.provision.tune_tables import COSTS, OPTIONS, SCROLLBACK, Cost
from wa.provision.wezterm_lua import config_folders, find_config
from wa.wezterm.executable import find_executable, read_version

COMMAND = "tune"
WHAT = "WezTerm's scrollback, buffers and caches"


class Tuned(NamedTuple):
    """What would be done, and what is said of it."""

    plan: Plan
    config: Path
    tuning: Tuning | None
    """None: the block is taken out."""
    version: str | None
    overridden: Mapping[str, str]
    left_out: Mapping[str, str]
    restart: TuneRestart
    refusal: WaError | None
    """Why it must not be made; `--dry-run` shows it all the same."""

    def result(self, plan: PlanResult) -> TuneResult:
        """*plan*: as it stands now."""
        tuning = self.tuning
        return TuneResult(
            machine=self.plan.machine,
            ram_gb=None if tuning is None else tuning.ram_gb,
            ram_from=None if tuning is None else tuning.ram_from,
            profile=None if tuning is None else tuning.profile,
            reason=None if tuning is None else tuning.reason,
            wezterm=self.version,
            config=str(self.config),
            values=[] if tuning is None else self._values(tuning),
            costs=[_cost(cost) for cost in COSTS],
            restart=self.restart,
            plan=plan,
        )

    def _values(self, tuning: Tuning) -> list[TuneValue]:
        return [
            TuneValue(
                option=option.name,
                value=tuning.values[option.name],
                unit=option.unit,
                default=option.default,
                yours=self.overridden.get(option.name),
                applies=tune.WHEN[option.read_by],
                left_out=self.left_out.get(option.name),
            )
            for option in OPTIONS
        ]


def _cost(cost: Cost) -> TuneCost:
    return TuneCost(
        rows=cost.rows,
        p50_ms=cost.p50_ms,
        p95_ms=cost.p95_ms,
        cpu_percent=cost.cpu_percent,
        memory_mib=cost.memory_mib,
    )


async def plan_tune(paths: Paths, *, ram_gb: float | None, profile: str | None) -> Tuned:
    """Raises UsageError, and ConfigError where wezterm.lua is broken or cannot be changed safely."""
    total, counted_by = await asyncio.to_thread(tune.memory_here)
    watched = await _is_watched(paths)
    tuning = tune.choose(ram_gb=ram_gb, profile=profile, total_bytes=total, counted_by=counted_by, watched=watched)
    command, version = await _wezterm(paths)
    left_out = tune.unknown_to(version)
    config = _config_file()
    written = {name: value for name, value in tuning.values.items() if name not in left_out}
    if why := await asyncio.to_thread(files.is_kept_from_us, config):
        raise ConfigError(f"{config} {why}", next_step=f"Nothing was changed. {by_hand(written)}")
    data = await asyncio.to_thread(files.read, config)
    fresh = await asyncio.to_thread(fresh_file, config, data, written)
    tried = await tried_by_wezterm(command, config, data, fresh)
    now = await standing(paths)
    had = tune.rows_of(fresh.effective)
    rows = tuning.values[SCROLLBACK]
    watching = now.restart["known"]
    notes = tune.notes(
        tuning, fresh.before | {SCROLLBACK: had}, total_bytes=total, watching=watching, left_out=left_out
    )
    notes += tried
    if data is None:
        notes.append(f"There is no wezterm.lua yet: {config} is made.")
    change = FileChange(PurePosixPath(config), data, fresh.data, WHAT, block=None if data is None else tune.BLOCK)
    return Tuned(
        plan=Plan(COMMAND, (change,), notes=tuple(notes)),
        config=config,
        tuning=tuning,
        version=version,
        overridden={name: tune.shown(fresh.before[name]) for name in written if name in fresh.before},
        left_out=left_out,
        restart=now.restart,
        refusal=tune.refusal(rows, total) or tune.unread(rows, had, now.reads_waiting),
    )


async def plan_restore(paths: Paths) -> Tuned:
    """Takes the block out. Raises ConfigError."""
    config = _config_file()
    if why := await asyncio.to_thread(files.is_kept_from_us, config):
        raise ConfigError(f"{config} {why}", next_step="Nothing was changed. Take wa's lines out by hand.")
    data = await asyncio.to_thread(files.read, config)
    now = await standing(paths)
    after, notes, refusal = data, list[str](), None
    try:
        text = files.text_of(data)
        if tune.block_in(text) is None:
            notes.append(f"{config} holds no values of `wa tune`.")
        else:
            rest = tune.without_values(text)
            after = None if rest == FRESH and await asyncio.to_thread(_is_ours, config, paths) else files.data_of(rest)
            had, rows = await asyncio.to_thread(lambda: (_rows(config, text), _rows(config, rest)))
            notes.append("WezTerm's own values, and yours, hold again when it loads its configuration.")
            if rows is not None:
                notes += tune.fewer(rows, had, watching=now.restart["known"])
                refusal = tune.unread(rows, had, now.reads_waiting)
    except TextTrouble as trouble:
        raise unsafe(config, trouble, {}) from trouble
    block = None if after is None else tune.BLOCK
    change = FileChange(PurePosixPath(config), data, after, f"{WHAT}: back to what was", block=block)
    return Tuned(
        plan=Plan(f"{COMMAND} --restore", (change,), notes=tuple(notes)),
        config=config,
        tuning=None,
        version=None,
        overridden={},
        left_out={},
        restart=now.restart,
        refusal=refusal,
    )


def _is_ours(config: Path, paths: Paths) -> bool:
    """A plan made the file: with nothing else in it, it goes with its values."""
    try:
        plans = [one.plan for one in journals(paths) if one.plan.machine is None]
    except StoreError:
        return False
    changes = [change for plan in plans for change in plan.changes if isinstance(change, FileChange)]
    return any(change.path == PurePosixPath(config) and change.before is None for change in changes)


def _rows(config: Path, text: str) -> int | None:
    """None where the file is broken: wa's lines come out all the same."""
    try:
        return tune.rows_of(evaluate(text, config).config)
    except LuaTrouble:
        return None


def _config_file() -> Path:
    found = find_config(os.environ)
    return found.path or config_folders(os.environ)[0] / "wezterm.lua"


async def _wezterm(paths: Paths) -> tuple[tuple[str, ...] | None, str | None]:
    """The command, and its version."""
    try:
        found = find_executable(Settings.load(paths.config_file).wezterm.command)
        return (None, None) if found is None else (found.argv, await read_version(found.argv))
    except (WezTermError, ConfigError):
        return None, None


async def _is_watched(paths: Paths) -> bool:
    """A sidecar answers, or has been here."""
    from wa.api.client import connected_if_any

    if await asyncio.to_thread(paths.database.exists):
        return True
    try:
        async with connected_if_any(paths.socket) as sidecar:
            return sidecar is not None
    except WaError:
        return False
