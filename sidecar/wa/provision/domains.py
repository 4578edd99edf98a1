"""`ssh_domains` of the user's wezterm.lua, as nouns."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wa.model.host import SshDomain
from wa.provision.lua_eval import ssh_domains
from wa.provision.ssh_config import ReadTrouble, is_absent, read_plain
from wa.provision.wezterm_lua import find_config


@dataclass(frozen=True, slots=True)
class DomainsRead:
    domains: tuple[SshDomain, ...] = ()
    path: Path | None = None
    """None: there is no wezterm.lua."""
    tried: tuple[Path, ...] = ()
    """Where it was looked for."""
    way: Literal["evaluated", "read", "unreadable"] = "evaluated"
    """`read`: found in the text alone, for the file does not evaluate. `unreadable`: not even that."""
    trouble: str | None = None
    """Why it does not evaluate, or was not read."""


async def read_domains(env: Mapping[str, str], given: Path | None = None) -> DomainsRead:
    """Of *given*, else of the wezterm.lua that WezTerm would take. Runs it in a Lua that can change nothing."""
    return await asyncio.to_thread(_read, env, given)


def _read(env: Mapping[str, str], given: Path | None) -> DomainsRead:
    found = find_config(env)
    path, tried = (given, (given,)) if given is not None else (found.path, found.tried)
    if path is None or is_absent(path):
        return DomainsRead(tried=tried)
    text = read_plain(path)
    if isinstance(text, ReadTrouble):
        return DomainsRead((), path, tried, "unreadable", f"it {text}")
    said = ssh_domains(text, path, env=env)
    domains = [one for one in map(domain_of, said.domains) if one is not None]
    return DomainsRead(tuple(domains), path, tried, said.way, said.trouble)


def domain_of(table: Mapping[str, Any]) -> SshDomain | None:
    """None: it names no address."""
    address = table.get("remote_address")
    if not isinstance(address, str) or not address:
        return None
    options = table.get("ssh_option")
    options = {str(key).lower(): str(value) for key, value in options.items()} if isinstance(options, dict) else {}
    host, port = split_port(address)
    user = table.get("username") or options.get("user")
    name = table.get("name")
    return SshDomain(
        name=name if isinstance(name, str) and name else host,
        address=host,
        user=user if isinstance(user, str) else None,
        port=port if port is not None else _port(options.get("port", "")),
        identity=options.get("identityfile"),
        is_mux=table.get("multiplexing", "WezTerm") == "WezTerm",
    )


def split_port(address: str) -> tuple[str, int | None]:
    """`10.0.0.3:2222`, `[::1]:22`, `::1`."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, _port(rest.removeprefix(":"))
    host, colon, rest = address.rpartition(":")
    if colon and ":" not in host and _port(rest) is not None:
        return host, _port(rest)
    return address, None


def _port(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and 0 < int(text) < 65536 else None
