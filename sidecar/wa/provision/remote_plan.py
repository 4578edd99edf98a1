"""From what is known of a host to what is to be done on it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Literal

from wa.provision.packages import install
from wa.provision.plan import Change, EnableUnit, FileChange, Plan, RunCommand
from wa.provision.remote_facts import COMMAND, UNITS, RemoteFacts
from wa.provision.remote_lua import LuaChange
from wa.provision.units import PROBE, mux_unit, sidecar_unit, unit_name
from wa.provision.wheels import Wheelhouse

RUNS_WEZTERM = f"if ( {PROBE} ); then exit 1; fi"
"""POSIX sh, `$1` is `wezterm`: succeeds where a server is, also one that hangs."""
WHOLE_PER_WHEEL_BYTE = 7
"""What wheels take while they are installed: the archive, its files, and the environment (19 MB became 90 MB, 2026-11)."""
SPARE_BYTES = 2 * 1024 * 1024


@dataclass(slots=True)
class HostPlan:
    """Its changes in order, and what is told of them."""

    changes: list[Change] = field(default_factory=list)
    holding: set[int] = field(default_factory=set)
    """Numbers, from 1, of changes that are made already."""
    notes: list[str] = field(default_factory=list)
    trouble: str | None = None
    """What is missing there; what does not need it is done all the same."""
    next_step: str | None = None
    wheels: bool = False

    @property
    def is_needed(self) -> bool:
        return len(self.holding) < len(self.changes)

    def add(self, change: Change, *, holds: bool = False) -> None:
        self.changes.append(change)
        if holds:
            self.holding.add(len(self.changes))

    def miss(self, trouble: str, next_step: str) -> None:
        """The first one counts; a later one is a note."""
        if self.trouble is None:
            self.trouble, self.next_step = trouble, next_step
        else:
            self.notes.append(f"{trouble[0].upper()}{trouble[1:]}. {next_step}")

    def plan(self, host: str) -> Plan:
        return Plan("setup remote", tuple(self.changes), machine=host, notes=tuple(self.notes))


def host_plan(
    facts: RemoteFacts,
    host: str,
    plan_id: str,
    lua: LuaChange,
    *,
    wheels: Wheelhouse | None,
    no_wheels: tuple[str, str] | None = None,
) -> HostPlan:
    """*wheels*: for its Python; None where wa is not to be installed there. *no_wheels*: why there are none, and the next step."""
    made = HostPlan()
    server, wezterm = facts.get("mux_server"), facts.get("wezterm")
    if server is None or wezterm is None:
        missing = "wezterm" if wezterm is None else "wezterm-mux-server"
        made.miss(f"{missing} is not installed there", install_words("wezterm", facts))
        return made
    if facts.noise:
        made.miss(
            f"its shell prints {facts.noise.splitlines()[0][:60]!r} to sessions that nobody types in, "
            "and so neither WezTerm's domains nor wa can talk to it",
            f"Look at its start-up files on {host}: they must print nothing there.",
        )
    _mux_file(made, facts, server, wezterm)
    if lua.change is not None:
        made.add(lua.change, holds=not lua.change.is_needed)
    if lua.note:
        made.notes.append(lua.note)
    _linger(made, facts)
    _server(made, facts, server, wezterm)
    if wheels is not None:
        _wa(made, facts, plan_id, wheels, wezterm)
    elif no_wheels is not None:
        made.miss(*no_wheels)
    _remarks(made, facts, host, wezterm)
    return made


def install_words(what: Literal["wezterm", "python"], facts: RemoteFacts) -> str:
    """The next step where *what* is missing."""
    known = install(
        what, facts.values.get("distribution", ""), facts.values.get("release", ""), facts.values.get("like", "")
    )
    title = "WezTerm" if what == "wezterm" else "Python 3.11 or newer"
    if known is None:
        return f"Install {title} there."
    return f"Install it there: {known}" if known.startswith(("sudo", "brew")) else f"Install it there: {known}."


def _mux_file(made: HostPlan, facts: RemoteFacts, server: str, wezterm: str) -> None:
    kind = facts.unit_kind
    if kind is None:
        made.notes.append("It has no systemd: no unit is written.")
        return
    path, content = mux_unit(facts.home, server, kind, wezterm=wezterm)
    _file(made, facts, UNITS[kind][0], FileChange(path, None, content, "the unit of WezTerm's multiplexer"))


def _file(made: HostPlan, facts: RemoteFacts, name: str, change: FileChange) -> None:
    held = facts.files[name]
    change = FileChange(change.path, held.content, change.after, change.what, mode=change.mode)
    if held.state in ("unreadable", "too-large"):
        made.notes.append(f"{change.path} cannot be read and was left as it is.")
        return
    made.add(change, holds=not change.is_needed)


def _linger(made: HostPlan, facts: RemoteFacts) -> None:
    user = facts.get("user")
    if facts.is_mac or facts.unit_kind != "systemd" or user is None:
        return
    asks = ("sh", "-c", '[ "$(loginctl show-user "$1" --property=Linger --value)" = yes ]', "sh", user)
    command = RunCommand(
        ("loginctl", "enable-linger", user),
        "lingering: its services run without a log-in",
        holds=asks,
        undo=("loginctl", "disable-linger", user),
        may_fail=True,
        within_s=20.0,
    )
    if facts.manager is None:
        if not facts.lingering:
            made.notes.append(
                f"Lingering was not tried, for no service manager is alive there: loginctl enable-linger {user}"
            )
        return
    made.add(command, holds=facts.lingering is True)
    if not facts.lingering:
        made.notes.append(
            "Should this be taken back one day: without lingering a server ends with that user's last log-out."
        )


def _server(made: HostPlan, facts: RemoteFacts, server: str, wezterm: str) -> None:
    state, unit = facts.get("mux"), facts.unit("mux")
    kind = facts.manager
    panes = facts.get("panes") or "0"
    if kind is not None:
        starts = state == "none"
        enable = EnableUnit(
            unit_name("mux", kind),
            facts.unit_place("mux"),
            "WezTerm's multiplexer at each start of the machine",
            manager=kind,
            start=starts,
            undo_stops=False,
        )
        made.add(enable, holds=facts.is_enabled("mux") and (unit == "active" or not starts))
        if unit != "active" and state == "answers":
            made.notes.append(
                f"A server runs there that no unit started, with {panes} panes: it goes on till its end, and the unit "
                "takes over at the next start of the machine."
            )
    elif state == "none":
        made.add(
            RunCommand(
                (server, "--daemonize"),
                "WezTerm's multiplexer, in the background",
                holds=("sh", "-c", RUNS_WEZTERM, "sh", wezterm),
                within_s=20.0,
            )
        )
    if kind is None:
        written = " Its unit is written and not enabled." if facts.unit_kind is not None else ""
        made.notes.append(
            f"No service manager of that user is alive there.{written} A server does not survive a reboot."
        )
    if state == "hangs":
        made.notes.append("Its server hangs and was left alone, for its panes may live: wa rescue tells more.")


def _wa(made: HostPlan, facts: RemoteFacts, plan_id: str, wheels: Wheelhouse, wezterm: str) -> None:
    python = facts.pythons[0]
    needed = wheels.size * WHOLE_PER_WHEEL_BYTE + SPARE_BYTES
    holds = facts.get("wa_digest") == wheels.digest and facts.wa_version == wheels.version
    if not holds and facts.free_bytes is not None and facts.free_bytes < needed:
        made.miss(
            f"wa needs {needed >> 20} MB there, and its home has {facts.free_bytes >> 20} MB left",
            "Make room there, or pass --no-wa.",
        )
        return
    bootstrap = str(facts.data / "setup" / plan_id / "bootstrap.sh")
    venv = facts.data / "venv"
    made.wheels = not holds
    made.add(
        RunCommand(
            ("sh", bootstrap, "install", python.path, wheels.digest, plan_id),
            f"wa {wheels.version} in {venv}, with Python {python.version}, from {len(wheels.wheels)} wheels sent along",
            holds=("grep", "-qxF", wheels.digest, str(venv / ".wa-wheels")),
            undo=("sh", bootstrap, "uninstall", wheels.digest, plan_id),
            within_s=600.0,
        ),
        holds=holds,
    )
    program = str(venv / "bin" / "wa")
    wrapper = f'#!/bin/sh\n# Written by `wa setup remote`.\nexec {shlex.quote(program)} "$@"\n'.encode()
    found = facts.files[COMMAND]
    if found.state == "absent" or found.content == wrapper:
        _file(made, facts, COMMAND, FileChange(facts.place(COMMAND), None, wrapper, "the command `wa`", mode=0o755))
    else:
        made.notes.append(f"{facts.place(COMMAND)} is there already and stays; wa is {program}.")
    kind = facts.unit_kind
    if kind is None:
        made.notes.append(f"To watch its panes on the host itself: {program} watch --detach")
        return
    off_path = wezterm if facts.get("wezterm_on_path") is None else None
    path, content = sidecar_unit(facts.paths, [program, "watch"], kind, home=facts.home, wezterm=off_path)
    _file(made, facts, UNITS[kind][1], FileChange(path, None, content, "wa's own unit"))
    if facts.manager is None:
        made.notes.append(
            f"wa's unit is written and not enabled; to watch the panes on the host itself: {program} watch --detach"
        )
        return
    was_active = facts.unit("sidecar") == "active"
    made.add(
        EnableUnit(unit_name("sidecar", kind), path, "wa's sidecar at each start of the machine", manager=kind),
        holds=was_active and facts.is_enabled("sidecar"),
    )
    if was_active and not holds and kind == "systemd":
        runtime = () if facts.get("runtime") else ("env", f"XDG_RUNTIME_DIR=/run/user/{facts.get('uid')}")
        made.add(
            RunCommand(
                (*runtime, "systemctl", "--user", "try-restart", unit_name("sidecar", kind)),
                "the sidecar anew, with the new wa",
                may_fail=True,
            )
        )


def _remarks(made: HostPlan, facts: RemoteFacts, host: str, wezterm: str) -> None:
    if facts.get("wezterm_on_path") is None:
        made.notes.append(
            f"wezterm is not on the PATH of ssh's sessions: set remote_wezterm_path = '{wezterm}' in its ssh_domain."
        )
    if facts.manager == "systemd" and facts.get("runtime") is None:
        made.notes.append(
            f"ssh's sessions on {host} have no XDG_RUNTIME_DIR, and look for the server's socket elsewhere than the unit "
            "makes it: `UsePAM yes` in its sshd_config mends it."
        )


def wants_python(facts: RemoteFacts) -> tuple[str, str] | None:
    """What to say where wa finds no Python to run on."""
    if facts.pythons:
        return None
    return "it has no Python 3.11 or newer, and so wa was not installed", install_words("python", facts)
