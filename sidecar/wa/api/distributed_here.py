"""The agent's side, which is this machine: looked at, and planned with the hosts that have no trouble."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

from wa import __version__
from wa.api.distributed_there import RoleHost, Wishes, held_file, sidecar_words, token_path
from wa.api.hooks import caller_of
from wa.config.distributed import FILE, TOKENS, AccountAgent, AgentHost, Distributed
from wa.config.paths import Paths
from wa.model.errors import ConfigError, WaError
from wa.provision.plan import Plan, RunCommand
from wa.provision.ports import free_port, holder_of
from wa.provision.role_look import HostLook, Sidecar, is_role
from wa.provision.role_units import Role, role_unit
from wa.provision.roles import AGENT_PORT, LOOPBACK, TokenFile, agent_plan, kept_token, new_token, relative_token
from wa.provision.units import manager_here
from wa.wezterm.processes import run

FOLDERS = ("WA_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")
ASK_S = 20.0


async def look_here(paths: Paths, env: Mapping[str, str]) -> HostLook:
    """Raises ConfigError where `wa` itself is not found."""
    from wa.api.status import read_status

    program = caller_of(env).program
    home = PurePosixPath(env.get("HOME") or Path.home())
    manager = await asyncio.to_thread(manager_here, env)
    is_there = await has_command(Role.AGENT, env)
    sidecar = None
    with suppress(WaError, OSError):
        said = (await read_status(paths))["sidecar"]
        if said["running"]:
            sidecar = Sidecar(said["version"], said["pid"], await _is_unit(manager, env))
    kept = {name: env[name] for name in FOLDERS if env.get(name)}
    own_manager = manager or ("launchd" if platform.system() == "Darwin" else "systemd")
    unit, _ = role_unit(Role.AGENT, program, own_manager, home, kept, has_command=is_there)
    return HostLook(
        system=f"{platform.system()} {platform.machine()}",
        home=home,
        config=PurePosixPath(paths.config),
        data=PurePosixPath(paths.data),
        env=kept,
        wa=program,
        wa_version=__version__,
        has_command=is_there,
        manager=manager,
        sidecar=sidecar,
        token=held_file(paths.config / TOKENS / str(Role.AGENT)),
        settings=held_file(paths.config / FILE),
        unit=held_file(Path(unit)),
    )


async def has_command(role: Role, env: Mapping[str, str]) -> bool:
    """Of this very wa."""
    program = caller_of(env).program
    try:
        return (await run([program, str(role), "--help"], timeout_s=ASK_S, env=env)).status == 0
    except (OSError, TimeoutError):
        return False


async def _is_unit(manager: str | None, env: Mapping[str, str]) -> bool:
    if manager != "systemd":
        return False
    try:
        asked = await run(["systemctl", "--user", "is-active", "wa.service"], timeout_s=ASK_S, env=env)
    except (OSError, TimeoutError):
        return False
    return asked.status == 0


def plan_here(
    look: HostLook, every: Sequence[RoleHost], wishes: Wishes, paths: Paths, known: Distributed
) -> Plan | None:
    """With the hosts that have no trouble, beside those that were there before. None: there is nobody to speak to."""
    good = [one for one in every if one.trouble is None and one.settings is not None]
    if not good:
        return None
    hosts = {host.name.casefold(): host for host in (known.agent.hosts if known.agent else ())}
    tokens = []
    for one in good:
        settings = one.settings
        assert settings is not None
        path = token_path(paths, one.host.title, known)
        hosts[one.host.title.casefold()] = AgentHost(
            one.host.title,
            "tailnet" if one.peer is not None else "ssh",
            one.host.name,
            one.host.options,
            settings.listen,
            settings.port,
            path,
        )
        tokens.append(TokenFile(PurePosixPath(path), held_file(path), one.token))
    own = look.token
    tokens.insert(
        0, TokenFile(PurePosixPath(paths.config / TOKENS / str(Role.AGENT)), own, kept_token(own) or new_token())
    )
    notes = list[str]()
    port = _port_here(wishes, known, notes)
    token_file = relative_token(Role.AGENT)
    beside = [replace(host, token_file=_beside(host.token_file, paths)) for host in hosts.values()]
    plan = agent_plan(look, AccountAgent(LOOPBACK, port, Path(token_file), tuple(beside)), tokens)
    return replace(plan, changes=(*plan.changes, *_restart_here(look, wishes, notes)), notes=(*plan.notes, *notes))


def _beside(path: Path, paths: Paths) -> Path:
    return path.relative_to(paths.config) if path.is_relative_to(paths.config) else path


def _port_here(wishes: Wishes, known: Distributed, notes: list[str]) -> int:
    before = known.agent.port if known.agent else AGENT_PORT
    wanted = wishes.local_port or before
    holder = holder_of(wanted)
    if holder is None or is_role(holder.command, Role.AGENT):
        return wanted
    free = free_port(wanted)
    words = f"port {wanted} of this machine is taken by {holder}"
    if wishes.local_port is not None or free is None:
        raise ConfigError(
            words, next_step=f"--local-port {free} is free." if free else "Name another one: --local-port N"
        )
    notes.append(f"P{words[1:]}: {free} is used.")
    return free


def _restart_here(look: HostLook, wishes: Wishes, notes: list[str]) -> list[RunCommand]:
    sidecar = look.sidecar
    if sidecar is None:
        return []
    words = sidecar_words(sidecar)
    if not wishes.restart:
        notes.append(f"A sidecar runs here: {words}. To begin it anew as well: --restart-sidecars")
        return []
    if sidecar.is_unit:
        argv = ("systemctl", "--user", "restart", "wa.service")
        return [RunCommand(argv, f"the sidecar begins anew ({words})", may_fail=True)]
    notes.append(f"The sidecar here was started by hand, and is left alone ({words}): wa stop, then wa watch --detach")
    return []
