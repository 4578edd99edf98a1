"""The services that wa set up: their files, the programs they call, how the manager has them, and lingering."""

from __future__ import annotations

import asyncio
import os
import plistlib
import shlex
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from shlex import join
from typing import Literal, NamedTuple

from wa.api.doctor_findings import finding
from wa.model.errors import WaError
from wa.protocol.results import FixableFinding
from wa.provision.role_units import Role, role_unit_name
from wa.provision.units import Manager, manager_here, unit_name, unit_path
from wa.wezterm.processes import run

ASK_S = 5.0
PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload", "Result", "ExecMainStatus")
MANAGERS: tuple[Manager, ...] = ("systemd", "launchd")
RELOAD = ("systemctl", "--user", "daemon-reload")


class Unit(NamedTuple):
    name: str
    path: Path
    kind: Literal["mux", "sidecar", "role"]
    manager: Manager

    @property
    def is_own(self) -> bool:
        """It may be started again. The multiplexer's never is, for its panes end with it."""
        return self.kind != "mux"


async def unit_findings(home: Path, *, sidecar_runs: bool) -> list[FixableFinding]:
    """Nothing where no unit of wa's is there."""
    units = await asyncio.to_thread(_units, home)
    if not units:
        return []
    found = [one for unit in units for one in await asyncio.to_thread(_program_findings, unit)]
    manager = await asyncio.to_thread(manager_here)
    if manager is None:
        names = ", ".join(unit.name for unit in units)
        step = "Log in as yourself (not by `su`): the manager comes with a session; or start the programs by hand."
        return [*found, finding("warning", f"{names}: no manager of services answers, so nothing starts them", step)]
    for unit in units:
        if manager == "systemd":
            found += _state_findings(unit, await _shown(unit.name), sidecar_runs=sidecar_runs)
        else:
            found += await _loaded(unit)
    if manager == "systemd":
        found += await _lingering(units)
    return found


def _units(home: Path) -> list[Unit]:
    found = []
    for manager in MANAGERS:
        names: list[tuple[str, Literal["mux", "sidecar", "role"]]] = [
            (unit_name("mux", manager), "mux"),
            (unit_name("sidecar", manager), "sidecar"),
            *((role_unit_name(role, manager), "role") for role in Role),
        ]
        for name, kind in names:
            path = Path(unit_path(PurePosixPath(home), name, manager))
            if path.is_file():
                found.append(Unit(name, path, kind, manager))
    return found


def programs_of(path: Path) -> list[str]:
    """Every absolute path among the words that a unit starts; empty where the file is not understood."""
    try:
        if path.suffix == ".plist":
            words = [str(word) for word in plistlib.loads(path.read_bytes()).get("ProgramArguments", [])]
        else:
            lines = path.read_text("utf-8", "surrogateescape").replace("\\\n", " ").splitlines()
            starts = [line.partition("=")[2].strip() for line in lines if line.startswith("ExecStart=")]
            words = [
                word.replace("%%", "%").replace("$$", "$")
                for line in starts
                for word in shlex.split(line.lstrip("@-:+!"))
            ]
    except (OSError, ValueError, AttributeError):
        return []
    # What systemd has written with escapes of its own is not judged.
    return [word for word in words if word.startswith("/") and "\\" not in word]


def _program_findings(unit: Unit) -> list[FixableFinding]:
    gone = [word for word in dict.fromkeys(programs_of(unit.path)) if not os.access(word, os.X_OK)]
    if not gone:
        return []
    argv = {"mux": None, "sidecar": ["wa", "setup", "local"], "role": ["wa", "setup", "distributed"]}[unit.kind]
    step = (
        f"Run `{join(argv)}`: it writes the unit anew." if argv else f"Install WezTerm again, or correct {unit.path}."
    )
    return [finding("error", f"{unit.name} calls {gone[0]}, which is not there any more", step, fix=argv)]


async def _shown(name: str) -> dict[str, str]:
    argv = ["systemctl", "--user", "show", f"--property={','.join(PROPERTIES)}", "--", name]
    lines = (await _said(argv)).splitlines()
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


async def _said(argv: Sequence[str]) -> str:
    try:
        return (await run(argv, timeout_s=ASK_S)).stdout.decode("utf-8", "replace")
    except (OSError, TimeoutError, WaError):
        return ""


def _state_findings(unit: Unit, shown: dict[str, str], *, sidecar_runs: bool) -> list[FixableFinding]:
    if not shown:
        step = f"Look: `systemctl --user status {unit.name}`."
        return [finding("warning", f"{unit.name}: its manager does not answer within {ASK_S:g} s", step)]
    found = []
    if shown.get("NeedDaemonReload") == "yes" or shown.get("LoadState") == "not-found":
        what = f"{unit.path} has changed since its manager read it"
        found.append(finding("warning", what, f"Run `{join(RELOAD)}`.", fix=RELOAD, safe=True))
    if shown.get("ActiveState") == "failed":
        found.append(_failed(unit, shown, sidecar_runs=sidecar_runs))
    enabled = shown.get("UnitFileState", "")
    if unit.kind == "role" and enabled == "disabled":
        # So it is made where wa has not its command yet.
        return found
    if enabled in ("disabled", "masked", "bad", ""):
        argv = ["systemctl", "--user", "unmask" if enabled == "masked" else "enable", unit.name]
        what = f"{unit.name} is {enabled or 'not known to its manager'}: it does not start by itself"
        found.append(finding("warning", what, f"Run `{join(argv)}`, if it is to.", fix=argv))
    elif not found:
        found.append(_enabled(unit, enabled, shown.get("ActiveState", "unknown"), sidecar_runs=sidecar_runs))
    return found


def _enabled(unit: Unit, enabled: str, state: str, *, sidecar_runs: bool) -> FixableFinding:
    what = f"{unit.name} is {enabled} and {state}"
    if state != "inactive":
        return finding("ok", what)
    if unit.kind == "sidecar" and sidecar_runs:
        return finding("ok", f"{what}: the sidecar runs outside of it")
    # Somebody may have ended it on purpose: `wa stop` does.
    argv = ["systemctl", "--user", "start", unit.name]
    return finding("note" if unit.is_own else "warning", what, f"Run `{join(argv)}`.", fix=argv)


def _failed(unit: Unit, shown: dict[str, str], *, sidecar_runs: bool) -> FixableFinding:
    why = f"{shown.get('Result') or 'unknown'}, status {shown.get('ExecMainStatus') or 'unknown'}"
    what = f"{unit.name} has failed ({why})"
    look = f"`journalctl --user -u {unit.name} -e` tells more"
    if not unit.is_own:
        step = f"Run `systemctl --user start {unit.name}` when you have seen why: {look}."
        return finding("error", what, step, fix=["systemctl", "--user", "start", unit.name])
    if unit.kind == "sidecar" and sidecar_runs:
        step = "A sidecar runs outside of the unit: `wa stop`, then `systemctl --user restart wa.service`."
        return finding("warning", what, step)
    argv = ["systemctl", "--user", "restart", unit.name]
    return finding("error", what, f"Run `{join(argv)}`; {look}.", fix=argv, safe=True)


async def _loaded(unit: Unit) -> list[FixableFinding]:
    domain = f"gui/{os.getuid()}"
    try:
        done = await run(["launchctl", "print", f"{domain}/{unit.name}"], timeout_s=ASK_S)
    except (OSError, TimeoutError, WaError):
        return []
    if done.status == 0:
        return [finding("ok", f"{unit.name} is loaded")]
    if unit.kind == "role":
        return []
    argv = ["launchctl", "bootstrap", domain, str(unit.path)]
    what = f"{unit.name} is not loaded: it does not start by itself"
    return [finding("warning", what, f"Run `{join(argv)}`, if it is to.", fix=argv)]


async def _lingering(units: Sequence[Unit]) -> list[FixableFinding]:
    said = (await _said(["loginctl", "show-user", str(os.getuid()), "--property=Linger"])).strip()
    if said != "Linger=no":
        return []
    names = " and ".join(unit.name for unit in units)
    over = any(not unit.is_own for unit in units)
    what = f"lingering is off: {names} end{'s' if len(units) == 1 else ''} when you log out, and start only when you log in"
    step = "Run `loginctl enable-linger`" + ("." if over else ", if wa is to watch while nobody is logged in.")
    return [finding("warning" if over else "note", what, step, fix=["loginctl", "enable-linger"])]
