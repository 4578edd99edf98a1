"""A machine that ssh reaches, as the user's own files name it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoundHost:
    """One machine, however many names it has."""

    name: str
    """What ssh takes, behind `--`: an alias of its configuration, `user@address`, or `ssh://user@address:port`."""
    title: str
    """What people call it: the shortest of its names that is theirs."""
    found_in: tuple[str, ...]
    """`ssh config`, `wezterm.lua`, `alias trj of ~/.bashrc`, `known_hosts`, `given`: best first."""
    user: str | None = None
    address: str | None = None
    """As ssh resolves it; a name, or an IP address."""
    port: int | None = None
    jump: str | None = None
    """ProxyJump, or the program of a ProxyCommand."""
    identities: tuple[str, ...] = ()
    """Key files that the user's configuration names, absolute; ssh's own defaults are not among them."""
    options: tuple[str, ...] = ()
    """Words that ssh needs besides, before `--`: `-i KEY` of an alias."""
    also: tuple[str, ...] = ()
    """Its other names, those of WezTerm's domains among them."""
    is_weak: bool = False
    """Nothing but an IP address in known_hosts, or a place that keeps code: listed last."""
    trouble: str | None = None
    """Why it cannot be used, in words; nothing of it is ever given to ssh then."""

    @property
    def is_usable(self) -> bool:
        return self.trouble is None

    def is_called(self, word: str) -> bool:
        folded = word.casefold()
        return any(folded == one.casefold() for one in (self.name, self.title, *self.also))


@dataclass(frozen=True, slots=True)
class SshDomain:
    """One entry of `ssh_domains` in wezterm.lua."""

    name: str
    address: str
    """Host name or IP address, or an alias of ssh_config; without a port."""
    user: str | None = None
    port: int | None = None
    identity: str | None = None
    """A key file, as it stands there."""
    is_mux: bool = True
    """`multiplexing = "WezTerm"`, which is also what is meant where nothing is said."""
