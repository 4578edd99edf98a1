"""The coordinator of one host: looked at over ssh, and planned. Nothing of the host is changed."""

from __future__ import annotations

import re
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from wa import __version__
from wa.api.distributed_hosts import Discovered
from wa.config.distributed import FILE, TOKENS, Coordinator, Distributed, parse_distributed
from wa.config.paths import Paths
from wa.model.errors import ConfigError, WaError
from wa.model.host import FoundHost
from wa.protocol.results_setup import PlanResult
from wa.provision import files
from wa.provision.plan import Plan, RunCommand
from wa.provision.ports import next_port
from wa.provision.role_look import HeldFile, HostLook, Sidecar, look_at
from wa.provision.role_units import Role
from wa.provision.roles import COORDINATOR_PORT, LOOPBACK, host_plan, kept_token, new_token, relative_token, token_name
from wa.provision.ssh_config import is_absent, is_destination
from wa.provision.tailscale import Peer
from wa.wezterm.ssh import TRIES_AGAIN, open_session, ssh_words
from wa.wezterm.targets import SshTarget


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line said. A port that is None may move where it is taken."""

    local_port: int | None = None
    remote_port: int | None = None
    restart: bool = False
    """Sidecars that run are begun anew."""
    install: bool = True
    """wa is put on hosts that lack it."""


@dataclass(slots=True)
class RoleHost:
    """One host, as far as it is planned."""

    host: FoundHost
    peer: Peer | None
    look: HostLook | None = None
    settings: Coordinator | None = None
    token: str = ""
    plan: Plan | None = None
    made: PlanResult | None = None
    notes: list[str] = field(default_factory=list)
    trouble: WaError | None = None
    lack: str | None = None
    """There is no wa, or an older one: in words."""
    first: PlanResult | None = None
    """What puts it there."""
    elapsed_ms: float = 0.0

    @property
    def wants_wa(self) -> bool:
        return self.lack is not None


async def plan_host(
    one: RoleHost,
    paths: Paths,
    env: Mapping[str, str],
    found: Discovered,
    known: Distributed,
    wishes: Wishes,
) -> None:
    started = time.perf_counter()
    if one.trouble is not None:
        return
    try:
        _check_host(one, found)
        wanted = wishes.remote_port or COORDINATOR_PORT
        one.look = await look_there(one.host, env, wanted)
        before = _settings_there(one.look)
        if wishes.remote_port is None and before is not None and before.port != wanted:
            one.look = await look_there(one.host, env, wanted := before.port)
        _check_wa(one)
        listen = one.peer.address if one.peer is not None else LOOPBACK
        port = _port_there(one, wanted, must=wishes.remote_port is not None)
        one.settings = Coordinator(one.host.title, listen, port, Path(relative_token(Role.COORDINATOR)))
        one.token = _token_for(one, paths, known)
        plan = host_plan(one.look, one.settings, one.token, one.host.name)
        restart = _restart_there(one, wishes)
        one.plan = replace(plan, changes=(*plan.changes, *restart))
    except WaError as error:
        one.trouble = error
    one.elapsed_ms = (time.perf_counter() - started) * 1000


def _check_host(one: RoleHost, found: Discovered) -> None:
    host = one.host
    if host.trouble is not None:
        asks = f"See what `ssh -G {host.name}` says."
        step = asks if is_destination(host.name) else "Give it a plain name in your configuration."
        raise ConfigError(f"{host.title}: {host.trouble}", next_step=step)
    for key in missing_keys(host):
        one.notes.append(f"The ssh key of {host.title} is not there: {key} was expected.")
    if found.tailnet is None or not found.tailnet.peers:
        return
    if one.peer is None:
        several = found.peers_of(host)
        why = "is none" if not several else f"may be {' or '.join(peer.dns or peer.name for peer in several)}"
        one.notes.append(
            f"{host.title} {why} of the tailnet's machines: its address of the configuration is used. "
            f"To say which it is: --map {host.title}=PEER"
        )
    elif one.peer.is_self:
        raise ConfigError(
            f"{host.title} is this very machine", next_step="Leave it out: the agent needs no way to itself."
        )
    elif not one.peer.online:
        one.notes.append(f"{one.peer.dns or one.peer.name} is offline in the tailnet.")


async def look_there(host: FoundHost, env: Mapping[str, str], port: int) -> HostLook:
    # Not among wa's own folders: whoever only looks leaves nothing behind.
    with tempfile.TemporaryDirectory(prefix="wa-") as folder:
        try:
            return await look_at(await open_session(target_of(host, env), Path(folder)), Role.COORDINATOR, port)
        except WaError as error:
            missing = missing_keys(host)
            if error.next_step == TRIES_AGAIN:
                error.next_step = "See that it is on and that its address is right, then run this again."
            if missing and "let you in" in error.message:
                error.next_step = f"Its key was expected at {missing[0]}. {error.next_step}"
            raise


def target_of(host: FoundHost, env: Mapping[str, str]) -> SshTarget:
    home = Path(env.get("HOME") or Path.home())
    return SshTarget(host.name, name=host.title, ssh=(*ssh_words(home), *host.options))


def missing_keys(host: FoundHost) -> list[str]:
    """Of those that the user's configuration names."""
    return [key for key in host.identities if is_absent(Path(key))]


def _settings_there(look: HostLook) -> Coordinator | None:
    if look.settings.data is None:
        return None
    try:
        text = look.settings.data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{look.config / FILE} is no UTF-8", next_step="Look at that file on the host.") from None
    return parse_distributed(text, Path(look.config / FILE)).coordinator


def _check_wa(one: RoleHost) -> None:
    look = one.look
    assert look is not None
    if look.wa is not None and look.wa_version is not None and not is_older(look.wa_version, __version__):
        return
    one.lack = (
        "there is no wa" if look.wa is None else f"its wa is {look.wa_version or 'broken'}, this one {__version__}"
    )


def is_older(version: str, other: str) -> bool:
    """By their numbers; what has none is older than everything."""

    def numbers(text: str) -> list[int]:
        return [int(one) for one in re.findall(r"\d+", text.partition("+")[0])[:3]]

    return numbers(version) < numbers(other)


def _port_there(one: RoleHost, wanted: int, *, must: bool) -> int:
    look = one.look
    assert look is not None
    if look.holder is None or look.is_ours:
        return wanted
    free = next_port(wanted, look.listening)
    words = f"port {wanted} of {one.host.title} is taken by {look.holder}"
    if must or free is None:
        raise ConfigError(words, next_step=f"--remote-port {free} is free there." if free else "Name another one.")
    one.notes.append(f"P{words[1:]}: {free} is used.")
    return free


def _token_for(one: RoleHost, paths: Paths, known: Distributed) -> str:
    """The one that is there: a second run makes none anew."""
    look = one.look
    assert look is not None
    there, here = kept_token(look.token), kept_token(held_file(token_path(paths, one.host.title, known)))
    if there is not None and here is not None and there != here:
        one.notes.append(f"The token that {one.host.title} has is another than the one here: the host's is taken.")
    return there or here or new_token()


def _restart_there(one: RoleHost, wishes: Wishes) -> list[RunCommand]:
    look = one.look
    assert look is not None
    if look.sidecar is None:
        return []
    words = sidecar_words(look.sidecar)
    if not wishes.restart:
        one.notes.append(f"A sidecar runs on {one.host.title}: {words}. To begin it anew as well: --restart-sidecars")
        return []
    if look.sidecar.is_unit:
        argv: tuple[str, ...] = ("systemctl", "--user", "restart", "wa.service")
        return [RunCommand(argv, f"the sidecar begins anew ({words})", may_fail=True)]
    one.notes.append(
        f"The sidecar of {one.host.title} was started by hand, and is left alone ({words}). There: wa stop, then wa watch --detach"
    )
    return []


def sidecar_words(one: Sidecar) -> str:
    version = f"wa {one.version}" if one.version else "of unknown version"
    kind = "a service" if one.is_unit else "started by hand"
    return f"{version}, pid {one.pid}, {kind}" if one.pid is not None else f"{version}, {kind}"


def held_file(path: Path) -> HeldFile:
    """Raises ConfigError for what is no file of this user's."""
    data = files.read(PurePosixPath(path))
    return HeldFile() if data is None else HeldFile("held", data, stat.S_IMODE(path.stat().st_mode))


def token_path(paths: Paths, title: str, known: Distributed) -> Path:
    for host in known.agent.hosts if known.agent else ():
        if host.name.casefold() == title.casefold():
            return host.token_file
    return paths.config / TOKENS / token_name(title)
