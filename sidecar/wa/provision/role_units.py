"""The services of the roles: `wa coordinator` where panes are, `wa agent` where the browser is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath

from wa.config.paths import Paths
from wa.provision.units import Manager, environment_of, render, unit_path

_SYSTEM_PATH = "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


class Role(StrEnum):
    """Their commands, too."""

    COORDINATOR = "coordinator"
    AGENT = "agent"


DESCRIPTIONS = {
    Role.COORDINATOR: "wa coordinator: tells which agents here need to sign in",
    Role.AGENT: "wa agent: signs agents of other machines in, with the browser of this one",
}


def role_unit_name(role: Role, manager: Manager) -> str:
    return f"wa-{role}.service" if manager == "systemd" else f"org.wezterm-automata.{role}"


def role_unit(
    role: Role, program: str, manager: Manager, home: PurePosixPath, env: Mapping[str, str], *, has_command: bool
) -> tuple[PurePosixPath, bytes]:
    """Its file, and what that holds. *program*: the absolute path of that machine's wa. *env*: that machine's; folders of wa
    that are not the default ones are handed on. Without its command a launch agent must say that it is disabled, for
    launchd starts what lies in its folder.
    """
    name = role_unit_name(role, manager)
    environment = environment_of(Paths.from_env({"HOME": str(home), **env}), home)
    if manager == "launchd":
        environment["PATH"] = f"{PurePosixPath(program).parent}:{_SYSTEM_PATH}"
    values = {
        "argv": [program, str(role)],
        "description": DESCRIPTIONS[role],
        "environment": environment,
        "label": name,
        "disabled": not has_command,
        "log": str(home / "Library" / "Logs" / f"wa-{role}.log"),
    }
    suffix = "service" if manager == "systemd" else "plist"
    return unit_path(home, name, manager), render(f"wa-role.{suffix}.j2", values)


def own_home(env: Mapping[str, str]) -> PurePosixPath:
    return PurePosixPath(env.get("HOME") or Path.home())
