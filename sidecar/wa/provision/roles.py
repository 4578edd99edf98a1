"""What the roles of account recovery need on a machine, as plans: settings, tokens, services. Pure but for chance."""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from wa.config.distributed import (
    FILE,
    MIN_TOKEN_CHARACTERS,
    TOKENS,
    AccountAgent,
    AgentHost,
    Coordinator,
    parse_distributed,
)
from wa.model.errors import ConfigError
from wa.provision.blocks import block_in, put_block
from wa.provision.plan import Change, EnableUnit, FileChange, Plan, RunCommand
from wa.provision.role_look import HeldFile, HostLook
from wa.provision.role_units import Role, role_unit, role_unit_name
from wa.provision.text_trouble import TextTrouble

COMMAND = "setup distributed"
AGENT_PORT = 7891
COORDINATOR_PORT = 7890
LOOPBACK = "127.0.0.1"
_WHOSE = {Role.COORDINATOR: "the coordinator", Role.AGENT: "the agent"}


class TokenFile(NamedTuple):
    """One that the agent's machine keeps."""

    path: PurePosixPath
    held: HeldFile
    token: str


def new_token() -> str:
    return secrets.token_urlsafe(32)


def kept_token(held: HeldFile) -> str | None:
    """The token in it; None: there is none that is one."""
    if held.data is None:
        return None
    text = held.data.decode("ascii", "replace").strip()
    return text if len(text) >= MIN_TOKEN_CHARACTERS and re.fullmatch(r"[\w.~+/=-]+", text, re.ASCII) else None


def token_name(name: str) -> str:
    """A file name for *name*: itself where it is plain, else one that no other name has."""
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name) and name not in (*Role, ""):
        return name
    plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.")[:48]
    return f"{plain or 'host'}-{zlib.crc32(name.encode()):08x}"


# -- settings as text --------------------------------------------------------------------------------------------------


def coordinator_text(one: Coordinator) -> str:
    lines = ["[coordinator]", f"name = {toml_string(one.name)}"]
    return "\n".join([*lines, *_where(one.listen, one.port), f"token_file = {_token_file(one)}"])


def agent_text(one: AccountAgent) -> str:
    lines = ["[agent]", *_where(one.listen, one.port), f"token_file = {_token_file(one)}"]
    for host in one.hosts:
        lines += ["", "[[agent.host]]", f"name = {toml_string(host.name)}", f"way = {toml_string(host.way)}"]
        lines.append(f"ssh = {toml_string(host.ssh)}")
        if host.ssh_options:
            lines.append(f"ssh_options = [{', '.join(map(toml_string, host.ssh_options))}]")
        lines += [f"address = {toml_string(host.address)}", f"port = {host.port}", f"token_file = {_token_file(host)}"]
    return "\n".join(lines)


def toml_string(text: str) -> str:
    """A basic string of TOML 1.0."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'


def _where(listen: str, port: int) -> list[str]:
    return [f"listen = {toml_string(listen)}", f"port = {port}"]


def _token_file(one: Coordinator | AccountAgent | AgentHost) -> str:
    return toml_string(str(one.token_file))


def relative_token(name: str) -> PurePosixPath:
    """As it stands in the settings: beside them."""
    return PurePosixPath(TOKENS) / name


# -- plans ----------------------------------------------------------------------------------------------------------------


def host_plan(look: HostLook, settings: Coordinator, token: str, machine: str | None) -> Plan:
    """The coordinator on one host. Raises ConfigError where a file there cannot be changed."""
    role = Role.COORDINATOR
    place = look.config / TOKENS / str(role)
    return _plan(look, role, coordinator_text(settings), [TokenFile(place, look.token, token)], machine)


def agent_plan(look: HostLook, settings: AccountAgent, tokens: Sequence[TokenFile]) -> Plan:
    """The agent on this machine."""
    return _plan(look, Role.AGENT, agent_text(settings), tokens, None)


def _plan(look: HostLook, role: Role, text: str, tokens: Sequence[TokenFile], machine: str | None) -> Plan:
    whose = _WHOSE[role]
    changes: list[Change] = []
    for one in tokens:
        _writable(one.held, one.path)
        after = f"{one.token}\n".encode() if kept_token(one.held) != one.token else one.held.data
        changes.append(FileChange(one.path, one.held.data, after, _token_words(one, role), mode=0o600, is_secret=True))
        if one.held.mode is not None and one.held.mode & 0o077:
            changes.append(RunCommand(("chmod", "600", str(one.path)), "that token is nobody else's to read"))
    path = look.config / FILE
    _writable(look.settings, path)
    before = look.settings.data
    held = "" if before is None else before.decode("utf-8", "surrogateescape")
    after = _with_block(held, role, text, path).encode("utf-8", "surrogateescape")
    changes.append(FileChange(path, before, after, f"the settings of {whose}", mode=0o600, block=str(role)))
    more, notes = _service(look, role)
    return Plan(COMMAND, (*changes, *more), machine, tuple(notes))


def _with_block(held: str, role: Role, text: str, path: PurePosixPath) -> str:
    try:
        after = put_block(held, str(role), text)
    except TextTrouble as error:
        raise ConfigError(f"{path}: {error}", next_step="Mend the comments of wa's block there.") from error
    try:
        parse_distributed(after, Path(path))
    except ConfigError as error:
        if block_in(held, str(role)) is None and re.search(rf"^\s*\[\[?\s*{role}\b", held, re.MULTILINE):
            raise ConfigError(
                f"{path} has a [{role}] that wa did not write", next_step="Take it out there, then run this again."
            ) from error
        raise
    return after


def _service(look: HostLook, role: Role) -> tuple[list[Change], list[str]]:
    whose = _WHOSE[role]
    manager = look.manager or ("launchd" if look.system.startswith("Darwin") else "systemd")
    if look.wa is None:
        return [], [f"The service of {whose} is not written: there is no wa to run."]
    home, name = look.home, role_unit_name(role, manager)
    path, data = role_unit(role, look.wa, manager, home, look.env, has_command=look.has_command)
    _writable(look.unit, path)
    file = FileChange(path, look.unit.data, data, f"the service of {whose}")
    written = f"The service of {whose} is written, and not enabled:"
    if not look.has_command:
        version = look.wa_version or "there"
        return [file], [f"{written} wa {version} has no command `wa {role}` yet. Run this again with a wa that has it."]
    if look.manager is None:
        return [file], [f"{written} no service manager of this user answers there. Run `wa {role}` by hand."]
    if look.unit_runs and not file.is_needed:
        return [file], []
    return [file, EnableUnit(name, path, f"{whose} runs from now on", manager=manager)], []


def _token_words(one: TokenFile, role: Role) -> str:
    if one.path.name == str(role):
        return f"the token of {_WHOSE[role]}"
    return f"the token for {one.path.name}"


def _writable(held: HeldFile, path: PurePosixPath) -> None:
    if held.state in ("unreadable", "broken"):
        why = "is a link to nowhere" if held.state == "broken" else "is no file that can be read"
        raise ConfigError(f"{path} {why}", next_step="Look at that path.")
