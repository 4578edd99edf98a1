"""Which machines the user's files name: each once, under the best of its names, as ssh resolves it."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from wa.model.errors import TerminalUnreachable
from wa.model.host import FoundHost, SshDomain
from wa.provision.domains import DomainsRead, read_domains
from wa.provision.known_hosts import known_hosts
from wa.provision.rc_files import called_hosts
from wa.provision.ssh_config import ASK_WITHIN_S, Resolved, is_destination, named_hosts, resolve, short

ASKED_AT_ONCE = 8
ASK_ALL_WITHIN_S = 15.0
MAX_ASKED = 400
"""One `ssh -G` takes 5 to 10 ms; what comes on top, known_hosts at its end, is listed by its name alone."""

FORGES = frozenset(
    {
        "github.com",
        "ssh.github.com",
        "gist.github.com",
        "gitlab.com",
        "altssh.gitlab.com",
        "bitbucket.org",
        "codeberg.org",
    }
    | {
        "git.sr.ht",
        "ssh.dev.azure.com",
        "vs-ssh.visualstudio.com",
        "aur.archlinux.org",
        "salsa.debian.org",
        "heroku.com",
    }
)
"""They keep code, and give nobody a shell (November 2026): in nearly every known_hosts."""


class HostsFound(NamedTuple):
    hosts: list[FoundHost]
    notes: list[str]
    """What was not looked through, or not answered, and why: whole sentences."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    title: str
    source: str
    also: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    is_weak: bool = False
    is_known_only: bool = False
    """known_hosts knows no user."""
    said: Resolved | None = field(default=None, compare=False)
    trouble: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, self.title, *self.also)


async def find_hosts(
    home: Path, env: Mapping[str, str], domains: Sequence[SshDomain] | None = None, wanted: Sequence[str] | None = None
) -> list[FoundHost]:
    """As `look_for_hosts`, without its notes."""
    return (await look_for_hosts(home, env, domains, wanted)).hosts


async def look_for_hosts(
    home: Path, env: Mapping[str, str], domains: Sequence[SshDomain] | None = None, wanted: Sequence[str] | None = None
) -> HostsFound:
    """Those of ssh's configuration first, addresses without a name last. *wanted*: only these, found or not.
    *domains*: those of wezterm.lua where it was read already.

    Asks `ssh -G` of each that it returns, which may run what the user's `Match exec` says. Raises TerminalUnreachable
    where there is no ssh.
    """
    read = [] if domains is not None else [await read_domains(env)]
    every = domains if domains is not None else read[0].domains
    candidates, notes = await asyncio.to_thread(_candidates, home, env, every)
    notes = [*(note for one in read for note in domain_notes(one)), *notes]
    if wanted is not None:
        candidates = _picked(candidates, wanted)
    asked, more = await _asked(candidates, home, env)
    return HostsFound(_merged(asked, wanted), [*notes, *more])


def domain_notes(read: DomainsRead) -> list[str]:
    """What there is to say where wezterm.lua could not be run."""
    match read.way:
        case "read":
            return [f"{read.path} does not evaluate ({read.trouble}): its ssh_domains were read from its text alone."]
        case "unreadable":
            return [f"The ssh_domains of {read.path} cannot be read: {read.trouble}."]
    return []


def destination(host: str, user: str | None, port: int | None) -> str:
    """One word for ssh: `host`, `user@host`, `ssh://user@host:port`."""
    at = f"{user}@{host}" if user else host
    if port is None or port == 22:
        return at
    host = f"[{host}]" if ":" in host else host
    return f"ssh://{user}@{host}:{port}" if user else f"ssh://{host}:{port}"


# -- from the files --------------------------------------------------------------------------------------------------


def _candidates(home: Path, env: Mapping[str, str], domains: Sequence[SshDomain]) -> tuple[list[_Candidate], list[str]]:
    named = named_hosts(home)
    called = called_hosts(home, env)
    known, notes = known_hosts(home)
    found = [_Candidate(name, name, "ssh config") for name, _ in named.names]
    found += [_of_domain(one, home) for one in domains]
    for call in called.calls:
        kind = "function" if call.is_function else "alias"
        options = tuple(str(home) + one[1:] if one.startswith("~/") else one for one in call.options)
        found.append(
            _Candidate(
                destination(call.host, call.user, call.port),
                call.alias,
                f"{kind} {call.alias} of {short(call.file, home)}",
                options=options,
            )
        )
    for one in sorted(known, key=lambda one: one.is_address):
        name = destination(one.host, None, one.port)
        title = one.host if one.port is None else f"{one.host}:{one.port}"
        found.append(_Candidate(name, title, "known_hosts", is_weak=one.is_address, is_known_only=True))
    return found, [*named.notes, *called.notes, *notes]


def _of_domain(one: SshDomain, home: Path) -> _Candidate:
    title = plain_domain(one.name)
    options: tuple[str, ...] = ()
    if one.identity:
        # As WezTerm takes it: relative to the home.
        options = ("-i", str(home / one.identity.removeprefix("~/")))
    return _Candidate(
        destination(one.address, one.user, one.port), title, "wezterm.lua", also=(one.name,), options=options
    )


def plain_domain(name: str) -> str:
    """Without what WezTerm puts before the domains that it makes from ssh_config."""
    return re.sub(r"\A(?:SSHMUX|SSH):", "", name)


def _picked(candidates: Iterable[_Candidate], wanted: Sequence[str]) -> list[_Candidate]:
    every = list(candidates)
    picked = list[_Candidate]()
    for word in wanted:
        fits = [one for one in every if any(word.casefold() == name.casefold() for name in one.names)]
        picked += [one for one in fits if one not in picked] or ([] if fits else [_Candidate(word, word, "given")])
    return picked


# -- what ssh makes of them ------------------------------------------------------------------------------------------


async def _asked(
    candidates: Sequence[_Candidate], home: Path, env: Mapping[str, str]
) -> tuple[list[_Candidate], list[str]]:
    answers: dict[tuple[str, tuple[str, ...]], Resolved | str] = {}
    wanted = list(dict.fromkeys((one.name, one.options) for one in candidates if is_destination(one.name)))
    notes = list[str]()
    if len(wanted) > MAX_ASKED:
        notes.append(f"Of {len(wanted)} hosts the last {len(wanted) - MAX_ASKED} are listed by their names alone.")
    queue = iter(wanted[:MAX_ASKED])

    async def worker() -> None:
        for name, options in queue:
            answers[name, options] = await resolve(name, home, env, options, timeout_s=ASK_WITHIN_S)

    if wanted and shutil.which("ssh", path=env.get("PATH")) is None:
        raise TerminalUnreachable("there is no `ssh` on PATH", next_step="Install OpenSSH's client.")

    try:
        async with asyncio.timeout(ASK_ALL_WITHIN_S), asyncio.TaskGroup() as group:
            for _ in range(ASKED_AT_ONCE):
                group.create_task(worker())
    except TimeoutError:
        notes.append(f"`ssh -G` did not answer for all hosts within {ASK_ALL_WITHIN_S:g} s: some have no address here.")
    return [_with(one, answers, notes) for one in candidates], notes


def _with(
    one: _Candidate, answers: Mapping[tuple[str, tuple[str, ...]], Resolved | str], notes: list[str]
) -> _Candidate:
    if not is_destination(one.name):
        return replace(one, trouble="its name holds what ssh, or a shell, might take for something else")
    said = answers.get((one.name, one.options))
    if isinstance(said, str):
        if said.startswith("`"):
            notes.append(f"{one.name}: {said}.")
            return one
        return replace(one, trouble=said)
    return replace(one, said=said)


def _merged(candidates: Sequence[_Candidate], wanted: Sequence[str] | None) -> list[FoundHost]:
    groups: dict[object, list[_Candidate]] = {}
    for one in candidates:
        groups.setdefault(_key(one, groups), []).append(one)
    hosts = [_host(group) for group in groups.values()]
    if wanted is None:
        hosts.sort(key=lambda host: (host.is_weak, host.trouble is not None))
    return hosts


def _key(one: _Candidate, groups: Mapping[object, list[_Candidate]]) -> object:
    said = one.said
    if said is None:
        return ("name", one.name, one.options)
    key = (said.address.lower(), said.port, said.jump, said.user)
    if one.is_known_only and key not in groups:
        # Whoever the user is there: the machine is the same.
        for other in groups:
            if isinstance(other, tuple) and len(other) == 4 and other[:2] == key[:2]:
                return other
    return key


def _host(group: Sequence[_Candidate]) -> FoundHost:
    best = group[0]
    names = list(dict.fromkeys(name for one in group for name in one.names))
    said = best.said
    identities = dict.fromkeys(key for one in group if one.said is not None for key in one.said.identities)
    given = dict.fromkeys(key for one in group for key in _keys(one.options))
    return FoundHost(
        name=best.name,
        title=best.title,
        found_in=tuple(dict.fromkeys(one.source for one in group)),
        user=None if said is None else said.user,
        address=None if said is None else said.address,
        port=None if said is None else said.port,
        jump=None if said is None else said.jump,
        identities=tuple(identities | given),
        options=best.options,
        also=tuple(name for name in names if name not in (best.name, best.title)),
        is_weak=all(one.is_weak for one in group) or (said is not None and _is_forge(said)),
        trouble=best.trouble,
    )


def _is_forge(said: Resolved) -> bool:
    return said.user == "git" or said.address.lower() in FORGES


def _keys(options: Sequence[str]) -> Iterator[str]:
    """`-i` of a key that is not there is dropped by `ssh -G`; whoever looks for it must know its path."""
    for flag, value in zip(options[::2], options[1::2], strict=True):
        if flag == "-i":
            yield value
