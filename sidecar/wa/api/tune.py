"""`wa tune`: which values, why, what of the user's they override, and the plan that writes them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from wa.api import plans
from wa.api.tune_desk import Desk, desk_here
from wa.config.paths import Paths
from wa.model.errors import ConfigError, StoreError, WaError
from wa.protocol.results_setup import PlanResult
from wa.protocol.results_tune import TuneCost, TuneResult, TuneValue
from wa.provision import files, tune
from wa.provision.journal import journals
from wa.provision.local_config import FRESH
from wa.provision.lua_eval import LuaTrouble
from wa.provision.plan import FileChange, Plan
from wa.provision.text_trouble import TextTrouble
from wa.provision.tune import Tuning
from wa.provision.tune_file import Place, by_hand, evaluated, fresh_file, tried_by_wezterm, unsafe
from wa.provision.tune_tables import COSTS, OPTIONS, SCROLLBACK, Cost

COMMAND = "tune"
WHAT = "WezTerm's scrollback, buffers and caches"


class Tuned(NamedTuple):
    """What would be done, and what is said of it."""

    plan: Plan
    desk: Desk
    tuning: Tuning | None
    """None: the block is taken out."""
    overridden: Mapping[str, str]
    left_out: Mapping[str, str]
    refusal: WaError | None
    """Why it must not be made; `--dry-run` shows it all the same."""

    async def look(self) -> PlanResult:
        return await plans.look(self.plan)

    async def make(self, paths: Paths) -> PlanResult:
        """Raises WaError with what was taken back."""
        if self.refusal is not None:
            raise self.refusal
        if self.desk.far is None:
            return await plans.apply(self.plan, paths)
        return await self.desk.far.make(self.plan, paths)

    def result(self, plan: PlanResult) -> TuneResult:
        """*plan*: as it stands now."""
        tuning = self.tuning
        return TuneResult(
            machine=self.plan.machine,
            ram_gb=None if tuning is None else tuning.ram_gb,
            ram_from=None if tuning is None else tuning.ram_from,
            profile=None if tuning is None else tuning.profile,
            reason=None if tuning is None else tuning.reason,
            wezterm=self.desk.version,
            config=str(self.desk.path),
            values=[] if tuning is None else self._values(tuning),
            costs=[_cost(cost) for cost in COSTS],
            restart=self.desk.standing.restart,
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


async def plan_tune(paths: Paths, *, ram_gb: float | None, profile: str | None, host: str | None = None) -> Tuned:
    """On this machine, or on *host*.

    Raises UsageError, ConfigError where wezterm.lua is broken or cannot be changed safely, and what the way to a host
    raises.
    """
    desk = await _desk(paths, host)
    try:
        return await _plan(desk, ram_gb, profile)
    except BaseException:
        await desk.leave()
        raise


async def _plan(desk: Desk, ram_gb: float | None, profile: str | None) -> Tuned:
    tuning = tune.choose(
        ram_gb=ram_gb,
        profile=profile,
        total_bytes=desk.total_bytes,
        counted_by=desk.counted_by,
        watched=desk.is_watched,
    )
    left_out = tune.unknown_to(desk.version)
    written = {name: value for name, value in tuning.values.items() if name not in left_out}
    if desk.kept is not None:
        raise ConfigError(f"{desk.place.shown} {desk.kept}", next_step=f"Nothing was changed. {by_hand(written)}")
    fresh = await asyncio.to_thread(fresh_file, desk.place, written)
    tried = await tried_by_wezterm(desk.command, desk.place, fresh)
    had, rows = tune.rows_of(fresh.effective), tuning.values[SCROLLBACK]
    notes = tune.notes(
        tuning,
        fresh.before | {SCROLLBACK: had},
        total_bytes=desk.total_bytes,
        watching=desk.standing.restart["known"],
        left_out=left_out,
    )
    notes += tried
    if desk.place.data is None:
        notes.append(f"There is no wezterm.lua yet: {desk.place.shown} is made.")
    return Tuned(
        plan=desk.plan(COMMAND, fresh.data, WHAT, notes),
        desk=desk,
        tuning=tuning,
        overridden={name: tune.shown(fresh.before[name]) for name in written if name in fresh.before},
        left_out=left_out,
        refusal=tune.refusal(rows, desk.total_bytes) or tune.unread(rows, had, desk.standing.reads_waiting),
    )


async def plan_restore(paths: Paths, *, host: str | None = None) -> Tuned:
    """Takes the block out. Raises as `plan_tune`."""
    desk = await _desk(paths, host)
    try:
        return await _plan_back(desk, paths)
    except BaseException:
        await desk.leave()
        raise


async def _plan_back(desk: Desk, paths: Paths) -> Tuned:
    place = desk.place
    if desk.kept is not None:
        raise ConfigError(f"{place.shown} {desk.kept}", next_step="Nothing was changed. Take wa's lines out by hand.")
    after, notes, refusal = place.data, list[str](), None
    try:
        text = files.text_of(place.data)
        if tune.block_in(text) is None:
            notes.append(f"{place.shown} holds no values of `wa tune`.")
        else:
            rest = tune.without_values(text)
            is_ours = rest == FRESH and await asyncio.to_thread(_is_ours, desk, paths)
            after = None if is_ours else files.data_of(rest)
            had, rows = await asyncio.to_thread(lambda: (_rows(place, text), _rows(place, rest)))
            notes.append("WezTerm's own values, and yours, hold again when it loads its configuration.")
            if rows is not None:
                notes += tune.fewer(rows, had, watching=desk.standing.restart["known"])
                refusal = tune.unread(rows, had, desk.standing.reads_waiting)
    except TextTrouble as trouble:
        raise unsafe(place.shown, trouble, {}) from trouble
    return Tuned(
        plan=desk.plan(f"{COMMAND} --restore", after, f"{WHAT}: back to what was", notes),
        desk=desk,
        tuning=None,
        overridden={},
        left_out={},
        refusal=refusal,
    )


async def _desk(paths: Paths, host: str | None) -> Desk:
    if host is None:
        return await desk_here(paths)
    # Imported here: ssh and its helpers are for hosts alone.
    from wa.api.tune_host import desk_there

    return await desk_there(paths, host)


def _is_ours(desk: Desk, paths: Paths) -> bool:
    """A plan made the file: with nothing else in it, it goes with its values."""
    try:
        known = [one.plan for one in journals(paths) if one.plan.machine == desk.machine]
    except StoreError:
        return False
    changes = [change for plan in known for change in plan.changes if isinstance(change, FileChange)]
    return any(change.path == desk.path and change.before is None for change in changes)


def _rows(place: Place, text: str) -> int | None:
    """None where the file is broken: wa's lines come out all the same."""
    try:
        return tune.rows_of(evaluated(place, text))
    except LuaTrouble:
        return None
