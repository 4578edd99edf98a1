"""`wa setup local`: WezTerm's configuration, shells and wa's own service on this machine, as one plan."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from wa.api.hooks import caller_of
from wa.config.paths import Paths
from wa.model.errors import NotFound, TerminalUnreachable, UsageError
from wa.model.host import FoundHost
from wa.provision import files, local_config
from wa.provision.domains import domain_of as ssh_domain_of
from wa.provision.hosts import look_for_hosts
from wa.provision.layout import Picks, domain_of, is_default
from wa.provision.plan import Change, EnableUnit, Plan
from wa.provision.shell_lines import shell_changes, used_shells
from wa.provision.units import manager_here, sidecar_unit, unit_name
from wa.wezterm.executable import find_executable

Desk = local_config.Desk
NAMES_OF_WEZTERM = ("local", "TermWizTerminalDomain")
"""Domains that are always there (mux/src/domain.rs and termwiztermtab.rs, 2025-02-23)."""


@dataclass(frozen=True, slots=True)
class Question:
    part: Literal["colours", "startup", "keys"]
    text: str
    is_wanted: bool
    """What is taken where the answer is only Return."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user picked. None: nothing was said."""

    domains: tuple[str, ...] | None = None
    """Hosts by the names that they have in the user's files."""
    colours: bool | None = None
    startup: bool | None = None
    tabs: int | None = None
    keys: bool | None = None
    wezterm: bool = True
    shells: bool = True
    completion: bool = True
    service: bool = True

    def answered(self, question: Question, is_wanted: bool) -> Choice:
        match question.part:
            case "colours":
                return replace(self, colours=is_wanted)
            case "startup":
                return replace(self, startup=is_wanted)
            case "keys":
                return replace(self, keys=is_wanted)


async def desk() -> Desk:
    """The configuration of WezTerm as it is. Raises ConfigError."""
    return await local_config.look(os.environ)


async def hosts_for(found: Desk) -> list[FoundHost]:
    """Those that could become domains: found in the user's files, and no domains yet. None where there is no ssh."""
    home = Path(os.environ.get("HOME") or Path.home())
    taken = {*found.own.domains, *(str(one.get("name")) for one in found.layout.get("domains", ()))}
    try:
        hosts = (await look_for_hosts(home, os.environ)).hosts
    except TerminalUnreachable:
        return []
    return [one for one in hosts if one.is_usable and not one.is_weak and not taken & {one.title, one.name, *one.also}]


def questions(found: Desk, names: Sequence[str], choice: Choice) -> list[Question]:
    """What is still open, with *names* as domains besides those that are there."""
    if found.unread is not None:
        return []
    every = [*found.own.domains, *(str(one.get("name")) for one in found.layout.get("domains", ())), *names]
    many = ", ".join(every[:6]) + (", …" if len(every) > 6 else "")
    asked = []
    for part, key, own, text in (
        ("colours", "looks", found.own.colours, f"Colours and a badge for each of {many}?"),
        ("startup", "startup", found.own.startup, f"Open a window for each of {many} when WezTerm starts?"),
        ("keys", "keys", found.own.keys, "Keys: Ctrl-a 1, 2, 3 for a tab in a domain, Ctrl-a w for the list of them?"),
    ):
        if getattr(choice, part) is None and key not in found.layout and every:
            words = f"You have {own}. {text}" if own else text
            asked.append(Question(part, words, is_default(own, every)))  # type: ignore[arg-type]
    return asked


async def plan_local(paths: Paths, choice: Choice, scripts: Mapping[str, str], found: Desk | None = None) -> Plan:
    """*scripts*: completion by shell. Raises ConfigError, NotFound for a host that no file names."""
    env = dict(os.environ)
    program = caller_of(env).program
    changes: list[Change] = []
    notes: list[str] = []
    if choice.wezterm:
        found = found or await desk()
        command = find_executable(env=env)
        picks = Picks(
            domains=None if choice.domains is None else await _domains(choice.domains, found, notes),
            colours=choice.colours,
            startup=choice.startup,
            tabs=choice.tabs,
            keys=choice.keys,
        )
        part = await local_config.changes(found, picks, paths, env, command.argv if command else None)
        changes += part.changes
        notes += part.notes
        notes += _left_off(found, choice)
    if choice.shells:
        shells = await asyncio.to_thread(shell_changes, env, program, scripts, paths.data, completion=choice.completion)
        changes += shells.changes
        notes += shells.notes
        if not used_shells(env):
            notes.append("No start-up file of bash, zsh or fish is here: `wa shell SHELL` prints the line for one.")
    if choice.service:
        more, said = await _service(paths, program, env)
        changes += more
        notes += said
    return Plan("setup local", tuple(changes), notes=tuple(notes))


async def _domains(names: Sequence[str], found: Desk, notes: list[str]) -> tuple[dict[str, object], ...]:
    """The entries for hosts, as the user's own files and ssh know them."""
    if not names:
        return ()
    env = os.environ
    home = Path(env.get("HOME") or Path.home())
    had = [one for one in found.layout.get("domains", ()) if isinstance(one, dict)]
    known = [one for one in map(ssh_domain_of, had) if one is not None]
    looked = await look_for_hosts(home, env, known, names)
    notes += looked.notes
    entries: list[dict[str, object]] = []
    for name in names:
        host = next((one for one in looked.hosts if one.is_called(name)), None)
        if host is None or host.trouble is not None:
            why = f"{name} cannot be a domain: {host.trouble if host else 'nothing is known of it'}"
            raise NotFound(why, next_step="Name hosts as ~/.ssh/config does, or as user@address.")
        if any(one.is_called(host.title) and one is not host for one in looked.hosts):
            raise UsageError(
                f"two hosts are called {host.title}", next_step="Give one of them a name in ~/.ssh/config."
            )
        if host.title in NAMES_OF_WEZTERM:
            raise UsageError(
                f"WezTerm has a domain {host.title!r} of its own",
                next_step="Give the host another name in ~/.ssh/config.",
            )
        if host.title in found.own.domains:
            notes.append(f"{host.title} is a domain in {found.path} already: that stays as it is.")
            continue
        if host.jump is not None:
            notes.append(
                f"The way to {host.title} leads over {host.jump}: WezTerm reads that from ~/.ssh/config, and knows"
                " ProxyCommand, not ProxyJump."
            )
        entries.append(domain_of(host))
    return tuple(entries)


def _left_off(found: Desk, choice: Choice) -> list[str]:
    """What is off because the user has their own, or because there is nothing to make it of."""
    if found.unread is not None:
        return []
    has_domains = bool(found.own.domains or found.layout.get("domains") or choice.domains)
    if not has_domains:
        return ["There are no domains: `wa setup local --domains NAME,NAME` makes some of hosts that ssh reaches."]
    options = {"colours": ("looks", found.own.colours), "startup": ("startup", found.own.startup)}
    options["keys"] = ("keys", found.own.keys)
    return [
        f"You have {own}: --{part} adds wa's beside it."
        for part, (key, own) in options.items()
        if own is not None and getattr(choice, part) is None and key not in found.layout
    ]


async def _service(paths: Paths, program: str, env: Mapping[str, str]) -> tuple[list[Change], list[str]]:
    manager = await asyncio.to_thread(manager_here, env)
    if manager is None:
        return [], [
            "No service manager of yours answers here: start the sidecar with `wa watch --detach` after each log-in."
        ]
    command = find_executable(env=env)
    outside = command is not None and command.found_by == "PATH" and not command.argv[0].startswith(("/usr/", "/bin/"))
    path, data = sidecar_unit(
        paths, [program, "watch"], manager, wezterm=command.argv[0] if command and outside else None
    )
    if kept := files.is_kept_from_us(path):
        return [], [f"wa's own service is not made: {path} {kept}."]
    unit = unit_name("sidecar", manager)
    runs = await asyncio.to_thread(_answers, paths.socket)
    change = files.file_change(path, data, "wa's own service")
    notes = []
    if runs and change.before is None:
        notes.append("A sidecar runs already: the service takes its place after `wa stop`, or at the next log-in.")
    enable = EnableUnit(
        unit,
        PurePosixPath(path),
        "start wa's sidecar at log-in",
        manager=manager,
        start=not (runs and change.before is None),
    )
    return [change, enable], notes


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
