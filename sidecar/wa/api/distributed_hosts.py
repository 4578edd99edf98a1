"""Where the roles of account recovery go: the hosts of wezterm.lua, and their names in the tailnet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wa.model.errors import ConfigError, NotFound, UsageError
from wa.model.host import FoundHost
from wa.provision.domains import DomainsRead, read_domains
from wa.provision.hosts import domain_notes, look_for_hosts
from wa.provision.ssh_config import is_destination, named_hosts
from wa.provision.tailscale import Peer as Peer
from wa.provision.tailscale import Tailnet, matching, tailnet

EXAMPLE = (
    "config.ssh_domains = { { name = 'trj', remote_address = '10.0.0.3', username = 'ubuntu', "
    "multiplexing = 'WezTerm' } }"
)


@dataclass(slots=True)
class Discovered:
    hosts: list[FoundHost]
    tailnet: Tailnet | None = None
    """None: it was not asked for."""
    notes: list[str] = field(default_factory=list)

    def host(self, name: str) -> FoundHost:
        """By its `name`, as the menu gives it."""
        return next(one for one in self.hosts if one.name == name)

    def peers_of(self, host: FoundHost) -> list[Peer]:
        return [] if self.tailnet is None else matching(host, self.tailnet.peers)

    def open_questions(self, names: Sequence[str], mapped: Mapping[str, Peer]) -> list[FoundHost]:
        """Those of *names* that are none, or several, of the tailnet's machines, and that nobody has mapped."""
        if self.tailnet is None or not self.tailnet.peers:
            return []
        hosts = [self.host(name) for name in names]
        return [one for one in hosts if len(self.peers_of(one)) != 1 and one.name not in mapped]

    def known(self) -> dict[str, str]:
        """What the tailnet says of each host, for the menu."""
        said = {}
        for host in self.hosts:
            match self.peers_of(host):
                case [one]:
                    said[host.name] = f"tailnet: {one.dns or one.name}{'' if one.online else ', offline'}"
                case [_, *_] as several:
                    said[host.name] = f"tailnet: {' or '.join(one.dns or one.name for one in several)}"
        return said


async def discover(
    home: Path,
    env: Mapping[str, str],
    *,
    wezterm_config: Path | None = None,
    remotes: Sequence[str] | None = None,
    use_tailscale: bool = False,
) -> Discovered:
    """Of *remotes*, or all ssh_domains with a multiplexer. Raises NotFound, ConfigError, UsageError with what to do."""
    read = await read_domains(env, wezterm_config)
    notes = [] if remotes is None else _notes_beside(read)
    if remotes is None:
        _must_have_domains(read, wezterm_config, await asyncio.to_thread(_some_names, home))
    wanted = list(remotes) if remotes is not None else [one.name for one in read.domains if one.is_mux]
    found = await look_for_hosts(home, env, read.domains, wanted)
    hosts = found.hosts if remotes is not None else [one for one in found.hosts if "wezterm.lua" in one.found_in]
    if remotes is None:
        notes += domain_notes(read)
        plain = [one.name for one in read.domains if not one.is_mux]
        if plain:
            notes.append(f"Domains without `multiplexing = 'WezTerm'` have no multiplexer there: {', '.join(plain)}.")
    else:
        hosts = _one_a_word(hosts, remotes, notes)
    net = await tailnet(env) if use_tailscale else None
    if net is not None and net.trouble is not None:
        notes.append(
            f"Tailscale {net.trouble}: the addresses of the configuration are used. {net.next_step or ''}".rstrip()
        )
    return Discovered(hosts, net, [*notes, *found.notes])


def mapping(words: Sequence[str], found: Discovered) -> dict[str, Peer]:
    """`DOMAIN=PEER` words as peers by the host's `name`. Raises UsageError."""
    mapped: dict[str, Peer] = {}
    for word in words:
        title, equals, wanted = word.partition("=")
        if not equals or not title or not wanted:
            raise UsageError(f"--map {word!r} is no DOMAIN=PEER", next_step="As in --map trj=trj-1")
        if found.tailnet is None or not found.tailnet.peers:
            raise UsageError(
                "--map names a machine of the tailnet, and there is none", next_step="Add --use-tailscale."
            )
        hosts = [one for one in found.hosts if one.is_called(title)]
        if not hosts:
            titles = ", ".join(one.title for one in found.hosts)
            raise UsageError(f"--map {word!r}: no host is called {title!r}", next_step=f"There are {titles}.")
        for host in hosts:
            mapped[host.name] = named_peer(wanted, found)
    return mapped


def named_peer(word: str, found: Discovered) -> Peer:
    """By name, DNS name or address. Raises UsageError."""
    peers = [] if found.tailnet is None else [one for one in found.tailnet.peers if one.is_called(word)]
    if len(peers) != 1:
        every = ", ".join(one.dns or one.name for one in (found.tailnet.peers if found.tailnet else ()))
        why = "is none of the tailnet's machines" if not peers else "is the name of several machines"
        raise UsageError(f"{word!r} {why}", next_step=f"There are {every}.")
    return peers[0]


def _some_names(home: Path) -> str:
    """Hosts of ssh's configuration that --remotes could name; WezTerm makes its SSHMUX domains from the same."""
    names = [name for name, _ in named_hosts(home).names if is_destination(name)]
    return ",".join(names[:3]) or "trj,csd"


def _must_have_domains(read: DomainsRead, given: Path | None, names: str) -> None:
    name_them = f"or name the hosts: --remotes {names}"
    if read.path is None:
        raise NotFound(
            f"there is no {given}" if given else "there is no wezterm.lua; looked for:",
            next_step=f"Say where it is: --wezterm-config FILE, {name_them}",
            details={"candidates": [] if given else [str(path) for path in read.tried]},
        )
    if read.way == "unreadable":
        raise ConfigError(
            f"the ssh_domains of {read.path} cannot be read: {read.trouble}", next_step=f"Mend it, {name_them}"
        )
    if not read.domains:
        raise NotFound(f"{read.path} has no ssh_domains", next_step=f"Add this to it, {name_them}\n    {EXAMPLE}")
    if not any(one.is_mux for one in read.domains):
        names = ", ".join(one.name for one in read.domains)
        raise NotFound(
            f"none of the ssh_domains of {read.path} has a multiplexer: {names}",
            next_step=f"Give them `multiplexing = 'WezTerm'`, {name_them}",
        )


def _notes_beside(read: DomainsRead) -> list[str]:
    """Where the hosts are named, wezterm.lua need not be there."""
    if read.path is None:
        return [f"There is no wezterm.lua ({', '.join(map(str, read.tried))}): the hosts are taken as they are named."]
    return domain_notes(read)


def _one_a_word(hosts: list[FoundHost], remotes: Sequence[str], notes: list[str]) -> list[FoundHost]:
    """A word that is the name of several machines means what `ssh` takes it for."""
    kept = list[FoundHost]()
    for word in remotes:
        fits = [one for one in hosts if one.is_called(word)]
        notes += [
            f"{word} is another machine in {', '.join(other.found_in)} ({other.address or other.name}): that of "
            f"{', '.join(fits[0].found_in)} is meant."
            for other in fits[1:]
        ]
        kept += [one for one in fits[:1] if one not in kept]
    return kept
