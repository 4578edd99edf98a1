"""Account recovery over machines: a coordinator on each host, the agent here. Planned whole, then made host by host."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wa import __version__
from wa.api.distributed_here import has_command, look_here, plan_here
from wa.api.distributed_hosts import Discovered
from wa.api.distributed_there import RoleHost, Wishes, look_there, plan_host, sidecar_words, target_of
from wa.config.distributed import FILE, load_distributed
from wa.config.paths import Paths
from wa.model.errors import ConfigError, WaError
from wa.model.host import FoundHost
from wa.protocol.results_distributed import DistributedResult, RoleHostResult
from wa.protocol.results_setup import PlanResult
from wa.provision.applying import apply, holding
from wa.provision.journal import Journal, journals, new_id
from wa.provision.plan import ChangeState, FileChange, Plan, PlanState
from wa.provision.plan_lock import held
from wa.provision.remote import RemoteMachine
from wa.provision.remote_hosts import record
from wa.provision.role_look import HostLook
from wa.provision.role_units import Role
from wa.provision.roles import COMMAND, host_plan
from wa.provision.shown import result_of
from wa.provision.tailscale import Peer

if TYPE_CHECKING:
    from wa.api.setup_remote import RemoteSetup

AT_ONCE = 8


@dataclass(slots=True)
class Planned:
    hosts: list[RoleHost]
    here: Plan | None
    look: HostLook
    wishes: Wishes
    notes: list[str]
    first: RemoteSetup | None = None
    """What puts wa on those hosts that lack it."""


async def plan_roles(
    paths: Paths,
    env: Mapping[str, str],
    found: Discovered,
    picked: Sequence[str],
    wishes: Wishes,
    mapped: Mapping[str, Peer] | None = None,
) -> Planned:
    """Looks at every host and changes none. What is wrong with one is told of it, and the others go on.

    Raises ConfigError where this machine's own settings are not understood, or a port of it is taken.
    """
    known = load_distributed(paths.config / FILE)
    look = await look_here(paths, env)
    hosts = [RoleHost(host, _peer(found, host, mapped or {})) for host in map(found.host, picked)]
    _refuse_namesakes(hosts)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(host: RoleHost) -> None:
        async with slots:
            await plan_host(host, paths, env, found, known, wishes)

    async with asyncio.TaskGroup() as group:
        for host in hosts:
            group.create_task(one(host))
    planned = Planned(hosts, None, look, wishes, list(found.notes))
    await _plan_first(planned, paths, env)
    planned.here = plan_here(look, hosts, wishes, paths, known)
    return planned


def _peer(found: Discovered, host: FoundHost, mapped: Mapping[str, Peer]) -> Peer | None:
    peers = [mapped[host.name]] if host.name in mapped else found.peers_of(host)
    return peers[0] if len(peers) == 1 else None


def _refuse_namesakes(hosts: Sequence[RoleHost]) -> None:
    """The agent knows a host by its name."""
    seen = dict[str, FoundHost]()
    for one in hosts:
        other = seen.setdefault(one.host.title.casefold(), one.host)
        if other is not one.host:
            one.trouble = ConfigError(
                f"{one.host.title} is also the name of {other.address or other.name}",
                next_step="Give one of them another name in your configuration.",
            )


async def _plan_first(planned: Planned, paths: Paths, env: Mapping[str, str]) -> None:
    """Where wa is missing or older, it is put there by what `wa setup remote` would do; the rest is planned as if it were."""
    lacking = [one for one in planned.hosts if one.wants_wa and one.trouble is None]
    if not lacking or not planned.wishes.install:
        for one in lacking:
            one.trouble = WaError(f"{one.host.title}: {one.lack}", next_step=f"wa setup remote {one.host.title}")
        return
    from wa.api.setup_remote import RemoteSetup, RemoteWish

    planned.first = RemoteSetup(paths, [one.host for one in lacking], RemoteWish())
    looked = await planned.first.look(lambda _: None)
    will_have = await has_command(Role.COORDINATOR, env)
    for one, said in zip(lacking, looked["hosts"], strict=True):
        one.first = said["plan"]
        if said["trouble"] is not None:
            next_step = said["next_step"] or f"wa setup remote {one.host.title}"
            one.trouble = WaError(f"{one.host.title}: {one.lack}; {said['trouble']}", next_step=next_step)
        elif one.look is not None and one.settings is not None:
            one.notes.append(f"{one.host.title}: {one.lack}. It is put there first, as `wa setup remote` does.")
            program = str(one.look.data / "venv" / "bin" / "wa")
            there = replace(one.look, wa=program, wa_version=__version__, has_command=will_have)
            one.plan = host_plan(there, one.settings, one.token, one.host.name)


# -- making ----------------------------------------------------------------------------------------------------------------


async def look(planned: Planned) -> DistributedResult:
    """What would be done."""
    here = None if planned.here is None else result_of(planned.here, outcomes=await holding(planned.here))
    return _result(planned, here)


async def make(planned: Planned, paths: Paths, env: Mapping[str, str]) -> DistributedResult:
    """Hosts side by side, then this machine with those that went well. Raises what making the plan here raises."""
    await _make_first(planned, env)
    todo = [one for one in planned.hosts if one.trouble is None and one.plan is not None]
    for one in todo:
        if one.plan is not None and not is_needed(one.plan) and not _left(one.host, paths):
            one.made = result_of(one.plan, PlanState.FINISHED)
    todo = [one for one in todo if one.made is None]
    if todo:
        slots = asyncio.Semaphore(AT_ONCE)
        with held(paths, COMMAND) as house:

            async def work(one: RoleHost) -> None:
                async with slots:
                    await _make_host(one, env, paths, house)

            async with asyncio.TaskGroup() as group:
                for one in todo:
                    group.create_task(work(one))
    try:
        known = load_distributed(paths.config / FILE)
        planned.here = plan_here(planned.look, planned.hosts, planned.wishes, paths, known)
        here = None if planned.here is None else await apply(planned.here, paths)
    except WaError as error:
        made = [(one.host.title, one.made["id"]) for one in planned.hosts if one.made is not None and one.made["id"]]
        lines = [f"the coordinator on {title} is made; to take it back: wa setup undo {name}" for title, name in made]
        error.details["candidates"] = [*error.details.get("candidates", ()), *lines]
        raise
    return _result(planned, here)


async def leave(planned: Planned) -> None:
    """End the connections that are wa's own."""
    if planned.first is not None:
        await planned.first.leave()


def is_needed(plan: Plan) -> bool:
    return not all(isinstance(change, FileChange) and not change.is_needed for change in plan.changes)


async def _make_first(planned: Planned, env: Mapping[str, str]) -> None:
    if planned.first is None:
        return
    lacking = [one for one in planned.hosts if one.first is not None and one.trouble is None]
    said = {one["host"]: one for one in (await planned.first.make(lambda _: None))["hosts"]}
    for one in lacking:
        result = said[one.host.title]
        one.first = result["plan"]
        if result["trouble"] is not None or one.settings is None:
            one.trouble = WaError(result["trouble"] or "it failed", next_step=result["next_step"])
            continue
        try:
            one.look = await look_there(one.host, env, one.settings.port)
            one.plan = host_plan(one.look, one.settings, one.token, one.host.name)
        except WaError as error:
            one.trouble = error


async def _make_host(one: RoleHost, env: Mapping[str, str], paths: Paths, house: Path) -> None:
    assert one.plan is not None
    started = time.perf_counter()
    try:
        async with machine(one.host, env) as there:
            await _tie_up(one, there, env, paths)
            if not is_needed(one.plan):
                one.made = result_of(one.plan, PlanState.FINISHED)
                return
            plan_id = new_id(house)
            # At once, so that no other host takes the same id.
            journal = Journal.begin(house, one.plan, plan_id)
            made = await there.apply(one.plan, plan_id, {})
            await asyncio.to_thread(record, journal, made.outcomes, made.state)
        if made.state is PlanState.FINISHED:
            one.made = result_of(one.plan, made.state, plan_id=plan_id, outcomes=made.outcomes)
            one.notes += [
                f"{one.plan.changes[number - 1].what}: {outcome.trouble}"
                for number, outcome in made.outcomes.items()
                if outcome.state is ChangeState.FAILED
            ]
        else:
            is_left = made.state is PlanState.UNDOING
            left = "not all could be taken back" if is_left else "what was done is taken back"
            step = (
                f"Look at what it names, then: wa setup undo {plan_id}"
                if is_left
                else "Mend that, then run this again."
            )
            one.trouble = WaError(f"{one.host.title}: {made.trouble or 'it failed'}; {left}", next_step=step)
    except WaError as error:
        one.trouble = error
    except OSError as error:
        one.trouble = WaError(f"{one.host.title}: {error}", next_step="Make room here, then run this again.")
    one.elapsed_ms += (time.perf_counter() - started) * 1000


async def _tie_up(one: RoleHost, there: RemoteMachine, env: Mapping[str, str], paths: Paths) -> None:
    """What an earlier run of this command left half-made there is taken back; what it finished unheard is written down
    here. Raises WaError.
    """
    left = _left(one.host, paths)
    known = {} if one.look is None else one.look.plans
    taken_back = False
    for journal in left:
        state = known.get(journal.id)
        if state == PlanState.FINISHED:
            for number, _ in journal.numbered:
                journal.event(f"{number} {ChangeState.DONE}")
            journal.event(PlanState.FINISHED)
            journal.drop_secrets()
            continue
        if state is not None:
            made = await there.undo(journal.id)
            if made.state is not PlanState.UNDONE:
                raise WaError(
                    f"{one.host.title}: an interrupted run ({journal.id}) cannot be taken back: {made.trouble or 'it failed'}",
                    next_step=f"wa setup undo {journal.id}",
                )
            taken_back = True
            one.notes.append(f"{one.host.title}: what an interrupted run ({journal.id}) had made was taken back first.")
        journal.drop()
    if taken_back and one.settings is not None:
        one.look = await look_there(one.host, env, one.settings.port)
        one.plan = host_plan(one.look, one.settings, one.token, one.host.name)


def _left(host: FoundHost, paths: Paths) -> list[Journal]:
    """Of runs that ended before the host's answer came: the host may know them, finished or not, or know nothing."""
    return [
        journal
        for journal in journals(paths)
        if journal.is_interrupted and (journal.plan.command, journal.plan.machine) == (COMMAND, host.name)
    ]


@asynccontextmanager
async def machine(host: FoundHost, env: Mapping[str, str]) -> AsyncIterator[RemoteMachine]:
    """Raises TerminalUnreachable."""
    found = await RemoteMachine.reach(target_of(host, env))
    try:
        yield found
    finally:
        await found.leave()


# -- telling ---------------------------------------------------------------------------------------------------------------


def _result(planned: Planned, here: PlanResult | None) -> DistributedResult:
    sidecar = planned.look.sidecar
    return DistributedResult(
        hosts=[_host_result(one) for one in planned.hosts],
        here=here,
        sidecar=None if sidecar is None else sidecar_words(sidecar),
        notes=planned.notes,
    )


def _host_result(one: RoleHost) -> RoleHostResult:
    seen = one.look
    planned = None if one.plan is None or one.trouble is not None else result_of(one.plan)
    return RoleHostResult(
        host=one.host.name,
        title=one.host.title,
        found_in=list(one.host.found_in),
        address=None if one.settings is None else one.settings.listen,
        port=None if one.settings is None else one.settings.port,
        way="tailnet" if one.peer is not None else "ssh",
        peer=None if one.peer is None else one.peer.dns or one.peer.name,
        system=None if seen is None else seen.system,
        wa=None if seen is None else seen.wa_version,
        sidecar=None if seen is None or seen.sidecar is None else sidecar_words(seen.sidecar),
        first=one.first,
        plan=one.made or planned,
        notes=one.notes,
        trouble=None if one.trouble is None else one.trouble.message,
        next_step=None if one.trouble is None else one.trouble.next_step,
        elapsed_ms=round(one.elapsed_ms, 1),
    )
