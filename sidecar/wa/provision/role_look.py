"""What `wa setup distributed` must know of a host before it plans anything: setup/roles_look.sh, run there over ssh."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from wa.assets import asset_root
from wa.model.errors import TerminalUnreachable
from wa.provision.ports import UNKNOWN, Holder
from wa.provision.role_units import Role, role_unit_name
from wa.provision.units import Manager
from wa.wezterm.processes import run
from wa.wezterm.ssh import SshSession, explain

LOOK_S = 30.0
_ANSWER = re.compile(rb"<wa-begin>\r?\n(.*)<wa-end>", re.DOTALL)


class HeldFile(NamedTuple):
    state: Literal["absent", "held", "unreadable", "broken"] = "absent"
    """`broken`: a link to nowhere."""
    data: bytes | None = None
    mode: int | None = None


ABSENT = HeldFile()


@dataclass(frozen=True, slots=True)
class HostLook:
    """One machine, here or there, in the eyes of one role."""

    system: str
    home: PurePosixPath
    config: PurePosixPath
    data: PurePosixPath
    """wa's folders of configuration and of data."""
    env: Mapping[str, str]
    """Of the folders of wa; only what is set."""
    wa: str | None
    """Absolute. None: there is none."""
    wa_version: str | None
    has_command: bool
    """Of the role, as that very wa says."""
    manager: Manager | None
    sidecar: Sidecar | None
    token: HeldFile = ABSENT
    settings: HeldFile = ABSENT
    unit: HeldFile = ABSENT
    unit_runs: bool = False
    """Enabled and active: nothing is to be done beside its file."""
    listening: frozenset[int] = frozenset()
    holder: Holder | None = None
    """Who has the port that was asked for, unless it is the role itself."""
    plans: Mapping[str, str] = field(default_factory=dict)
    """Begun there and not taken back: the last word of each one's journal, by its id."""
    is_ours: bool = False
    """The role itself listens there already."""


class Sidecar(NamedTuple):
    """One that runs."""

    version: str | None
    pid: int | None
    is_unit: bool
    """Its user's manager runs it."""


async def look_at(session: SshSession, role: Role, port: int) -> HostLook:
    """Raises TerminalUnreachable with what ssh, or the host, said."""
    host = session.target.host
    words = [str(role), role_unit_name(role, "systemd"), role_unit_name(role, "launchd"), str(port)]
    script = (asset_root() / "setup" / "roles_look.sh").read_bytes()
    try:
        asked = await run(session.argv(f"sh -s -- {shlex.join(words)}"), timeout_s=LOOK_S, stdin=script)
    except TimeoutError:
        raise TerminalUnreachable(
            f"ssh {host}: no answer within {LOOK_S:g} s", next_step=f"Try `ssh {host} true` by hand."
        ) from None
    except OSError as error:
        raise TerminalUnreachable(f"cannot run {session.target.ssh[0]}: {error.strerror}") from error
    found = _ANSWER.search(asked.stdout)
    if found is None:
        raise explain(host, asked.status, asked.stderr)
    return parse_look(found[1].decode("utf-8", "replace"), role, port)


def parse_look(text: str, role: Role, port: int) -> HostLook:
    """Raises TerminalUnreachable where it is not what the script prints."""
    try:
        return _parsed(text, role, port)
    except (ValueError, IndexError) as error:
        raise TerminalUnreachable(f"what the host tells is not understood: {error}") from error


def _parsed(text: str, role: Role, port: int) -> HostLook:
    facts: dict[str, str] = {}
    files: dict[str, HeldFile] = {}
    plans: dict[str, str] = {}
    inodes, held = set[int](), list[Holder]()
    for line in text.splitlines():
        key, _, value = line.partition("\t")
        cells = value.split("\t")
        match key:
            case "file":
                files[cells[0]] = _file(cells[1:])
            case "plan":
                plans[cells[0]] = cells[1]
            case "listens":
                inodes.add(int(cells[0], 16))
            case "held":
                number, pid, name = (*cells, "", "")[:3]
                if number.isdecimal() and pid.isdecimal():
                    held.append(Holder(int(number), int(pid), name))
            case _:
                facts.setdefault(key, value)
    home, config, data = (facts.get(key, "") for key in ("home", "config", "data"))
    if not all(folder.startswith("/") for folder in (home, config, data)):
        raise TerminalUnreachable("the host does not tell its home", next_step="Look at HOME there.")
    holder, is_ours = _holder(facts, inodes, held, role, port)
    manager = facts.get("manager")
    return HostLook(
        system=f"{facts.get('system', '')} {facts.get('arch', '')}".strip(),
        home=PurePosixPath(home),
        config=PurePosixPath(config),
        data=PurePosixPath(data),
        env={key.removeprefix("env "): value for key, value in facts.items() if key.startswith("env ") and value},
        wa=facts.get("wa") or None,
        wa_version=facts.get("wa_version") or None,
        has_command=facts.get("wa_command") == "yes",
        manager="systemd" if manager == "systemd" else "launchd" if manager == "launchd" else None,
        sidecar=_sidecar(facts),
        token=files.get("token", ABSENT),
        settings=files.get("settings", ABSENT),
        unit=files.get("unit", ABSENT),
        unit_runs=facts.get("enabled") == "enabled" and facts.get("active") == "active",
        listening=frozenset(inodes | {one.port for one in held}),
        holder=holder,
        plans=plans,
        is_ours=is_ours,
    )


def _file(cells: list[str]) -> HeldFile:
    match cells:
        case ["held", mode, digits]:
            return HeldFile("held", bytes.fromhex(digits), int(mode, 8))
        case ["broken"]:
            return HeldFile("broken")
        case ["absent"]:
            return ABSENT
    return HeldFile("unreadable")


def _holder(
    facts: Mapping[str, str], listening: set[int], held: list[Holder], role: Role, port: int
) -> tuple[Holder | None, bool]:
    pid, _, command = facts.get("holder", "").partition(" ")
    found = next((one for one in held if one.port == port), None)
    if pid.isdecimal():
        found = Holder(port, int(pid), command.strip() or "a program")
    elif found is None and port in listening:
        found = Holder(port, None, UNKNOWN)
    if found is None:
        return None, False
    own = facts.get("main_pid", "")
    is_ours = (own == str(found.pid) and own != "0") or is_role(found.command, role)
    return (None, True) if is_ours else (found, False)


def is_role(command: str, role: Role) -> bool:
    """Whether a command line is `…/wa coordinator …`, by whatever Python."""
    return re.search(rf"(?:^|/)wa {role}(?: |$)|-m wa {role}(?: |$)", command) is not None


def _sidecar(facts: Mapping[str, str]) -> Sidecar | None:
    said = facts.get("sidecar", "")
    if '"running":true' not in said:
        return None
    version = re.search(r'"version":"([^"]*)"', said)
    pid = re.search(r'"pid":(\d+)', said)
    return Sidecar(version[1] if version else None, int(pid[1]) if pid else None, facts.get("sidecar_unit") == "active")
