"""`wa tune --host NAME`: the same values on another machine, through the plans of `wa setup remote`."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from wa.api.setup_remote import find
from wa.api.tune_desk import Desk
from wa.api.tune_restart import standing
from wa.config.paths import Paths
from wa.model.errors import ConfigError, NotFound, Refused, WaError
from wa.protocol.results_setup import PlanResult
from wa.provision.journal import Journal, house_of, journals, new_id
from wa.provision.plan import FileChange, Plan, PlanState
from wa.provision.plan_lock import held
from wa.provision.remote import RemoteMachine
from wa.provision.remote_facts import OTHER_LUA, WEZTERM_LUA, RemoteFacts
from wa.provision.remote_hosts import record
from wa.provision.shown import result_of
from wa.provision.tune import total_of
from wa.provision.tune_file import Place
from wa.wezterm.processes import run
from wa.wezterm.ssh import ssh_words
from wa.wezterm.targets import SshTarget

ELSEWHERE = Path("/nonexistent/.wezterm.lua")
"""Where its file is evaluated: nothing of this machine's may be taken for the host's."""
MEMORY_S = 20.0
ASK_MEMORY = 'sh -c \'echo "<wa-memory>"; cat /proc/meminfo 2>/dev/null || sysctl -n hw.memsize 2>/dev/null; echo "</wa-memory>"\''
"""The user's own shell there may be any."""
_MEMORY = re.compile(r"<wa-memory>\n(.*?)</wa-memory>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Way:
    """The connection to a host."""

    machine: RemoteMachine

    async def make(self, plan: Plan, paths: Paths) -> PlanResult:
        """Raises Refused where another wa sets up, WaError with what was taken back there."""
        if not any(isinstance(change, FileChange) and change.is_needed for change in plan.changes):
            return result_of(plan)
        with held(paths, plan.command) as house:
            plan_id = new_id(house_of(paths))
            journal = await asyncio.to_thread(Journal.begin, house, plan, plan_id)
            made = await self.machine.apply(plan, plan_id, {})
            await asyncio.to_thread(record, journal, made.outcomes, made.state)
        if made.state is not PlanState.FINISHED:
            back = made.state in (None, PlanState.UNDONE)
            step = "All of it was taken back there." if back else f"Look there, then: wa setup undo {plan_id}"
            raise WaError(f"{self.machine.host}: {made.trouble or 'it failed'}", next_step=step)
        return result_of(plan, made.state, plan_id=plan_id, outcomes=made.outcomes)

    async def leave(self) -> None:
        await self.machine.leave()


async def desk_there(paths: Paths, host: str) -> Desk:
    """Raises NotFound for a name that leads nowhere, TerminalUnreachable, TimedOut, ConfigError."""
    known = (await find([host])).hosts
    if not known or not known[0].is_usable:
        why = known[0].trouble if known else "nothing is known of it"
        raise NotFound(f"{host!r:.80}: {why}", next_step="Name the host as you would to `ssh`.")
    target = SshTarget(known[0].name, ssh=(*ssh_words(), *known[0].options))
    machine = await RemoteMachine.reach(target)
    try:
        facts = await machine.look()
        total, counted_by = await _memory(machine)
        return await _desk(paths, machine, facts, total, counted_by)
    except BaseException:
        await machine.leave()
        raise


async def _desk(paths: Paths, machine: RemoteMachine, facts: RemoteFacts, total: int | None, counted_by: str) -> Desk:
    if facts.interrupted:
        step = f"Run `wa setup remote {machine.host}`: it takes that back first."
        raise Refused(f"a setup of {machine.host} was interrupted ({facts.interrupted[0]})", next_step=step)
    if (cut_off := await asyncio.to_thread(_cut_off, paths, machine.host)) is not None:
        step = f"Run `wa setup undo {cut_off.id}`: what it did there is taken back."
        raise Refused(f"`wa {cut_off.plan.command}` was cut off ({cut_off.id})", next_step=step)
    name = next((one for one in (WEZTERM_LUA, OTHER_LUA) if facts.files[one].state != "absent"), WEZTERM_LUA)
    there = facts.files[name]
    path = facts.place(name)
    if there.state not in ("absent", "held"):
        raise ConfigError(f"{machine.host}:{path} cannot be read ({there.state})", next_step="Look at it there.")
    now = await standing(paths, machine.host)
    watches = facts.unit("sidecar") in ("active", "enabled")
    return Desk(
        place=Place(f"{machine.host}:{path}", there.content, ELSEWHERE, {}),
        path=path,
        kept=None,
        total_bytes=total,
        counted_by=counted_by,
        version=facts.wezterm_version,
        command=None,
        is_watched=watches or now.restart["known"],
        standing=now,
        machine=machine.host,
        far=Way(machine),
    )


def _cut_off(paths: Paths, host: str) -> Journal | None:
    """A plan of that host whose end was not heard: two on one file would not come apart again."""
    return next((one for one in journals(paths) if one.plan.machine == host and one.is_interrupted), None)


async def _memory(machine: RemoteMachine) -> tuple[int | None, str]:
    try:
        done = await run(machine.session.argv(ASK_MEMORY), timeout_s=MEMORY_S)
    except (OSError, TimeoutError):
        return None, "it does not say"
    found = _MEMORY.search(done.stdout.decode("utf-8", "replace"))
    said = found[1] if found is not None else ""
    if said.strip().isdigit():
        return int(said), f"sysctl hw.memsize of {machine.host}"
    return total_of(said), f"/proc/meminfo of {machine.host}"
