"""What `bootstrap.sh look` says of another machine. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from wa.config.paths import Paths
from wa.provision.units import MUX_LABEL, MUX_UNIT, SIDECAR_LABEL, SIDECAR_UNIT, Manager, unit_path
from wa.provision.wheels import PythonThere

BEGIN, END = b"<wa-begin>\n", b"<wa-end>\n"
WEZTERM_LUA = "~/.wezterm.lua"
OTHER_LUA = "~/.config/wezterm/wezterm.lua"
COMMAND = "~/.local/bin/wa"
UNITS = {
    "systemd": (f"~/.config/systemd/user/{MUX_UNIT}", f"~/.config/systemd/user/{SIDECAR_UNIT}"),
    "launchd": (f"~/Library/LaunchAgents/{MUX_LABEL}.plist", f"~/Library/LaunchAgents/{SIDECAR_LABEL}.plist"),
}
ASKED = (WEZTERM_LUA, OTHER_LUA, COMMAND, *UNITS["systemd"], *UNITS["launchd"])
"""The files whose content is asked for."""
OLDEST_PYTHON = (3, 11)

UnitState = Literal["absent", "disabled", "enabled", "active", "failed"]


class Said(NamedTuple):
    """The output of one call."""

    lines: list[str]
    noise: str
    """What its shell's start-up files printed before."""
    is_whole: bool


class FileThere(NamedTuple):
    state: Literal["absent", "held", "unreadable", "too-large"]
    content: bytes | None = None
    mode: int | None = None


class Interpreter(NamedTuple):
    path: str
    version: str
    there: PythonThere


@dataclass(frozen=True, slots=True)
class RemoteFacts:
    values: Mapping[str, str]
    pythons: tuple[Interpreter, ...] = ()
    """That wa runs on, newest first."""
    files: Mapping[str, FileThere] = field(default_factory=dict)
    plans: tuple[tuple[str, str], ...] = ()
    """Of `wa setup remote`, begun there and not taken back, by id, and how they stand."""
    noise: str = ""

    @property
    def interrupted(self) -> list[str]:
        return [plan_id for plan_id, state in self.plans if state != "finished"]

    def get(self, name: str) -> str | None:
        return self.values.get(name) or None

    @property
    def home(self) -> PurePosixPath:
        return PurePosixPath(self.values.get("home", ""))

    @property
    def data(self) -> PurePosixPath:
        return PurePosixPath(self.values.get("data", ""))

    @property
    def is_mac(self) -> bool:
        return self.values.get("system") == "Darwin"

    @property
    def title(self) -> str | None:
        words = [self.values.get("system", ""), self.values.get("arch", "")]
        return " ".join(filter(None, words)) or None

    @property
    def free_bytes(self) -> int | None:
        value = self.values.get("free_kb", "")
        return int(value) * 1024 if value.isdigit() else None

    @property
    def wezterm_version(self) -> str | None:
        """`20240203-110809-5046fc22`."""
        words = self.values.get("wezterm_version", "").split()
        return words[-1] if words else None

    @property
    def wa_version(self) -> str | None:
        words = self.values.get("wa", "").split()
        return words[-1] if words else None

    @property
    def manager(self) -> Manager | None:
        """The live one."""
        match self.values.get("manager"):
            case "systemd":
                return "systemd"
            case "launchd":
                return "launchd"
        return None

    @property
    def unit_kind(self) -> Manager | None:
        """Whose files are of use there, live or not."""
        if self.is_mac:
            return "launchd"
        return self.manager or ("systemd" if "manager_trouble" in self.values else None)

    @property
    def lingering(self) -> bool | None:
        if self.values.get("linger_file") == "yes":
            return True
        said = self.values.get("lingering")
        return None if not said else said == "yes"

    @property
    def paths(self) -> Paths:
        """The folders of wa there, as far as a start-up file moved them."""
        env = {"HOME": str(self.home)}
        if (runtime := self.get("runtime")) is not None:
            env["XDG_RUNTIME_DIR"] = runtime
        if self.data.name == "data":
            env["WA_HOME"] = str(self.data.parent)
        elif self.data != self.home / ".local" / "share" / "wa":
            env["XDG_DATA_HOME"] = str(self.data.parent)
        return Paths.from_env(env)

    def unit(self, which: Literal["mux", "sidecar"]) -> UnitState | None:
        kind = self.unit_kind
        if kind is None:
            return None
        path = UNITS[kind][0 if which == "mux" else 1]
        name = PurePosixPath(path).name.removesuffix(".plist")
        active = self.values.get(f"active {name}")
        if active in ("active", "reloading"):
            return "active"
        # One that ends again and again waits to be started anew: `activating`.
        if active in ("failed", "activating"):
            return "failed"
        if self.values.get(f"enabled {name}") == "enabled":
            return "enabled"
        known = self.files.get(path)
        return "absent" if known is None or known.state == "absent" else "disabled"

    def is_enabled(self, which: Literal["mux", "sidecar"]) -> bool:
        """Whether it begins with the machine, or the log-in."""
        path = self.unit_place(which)
        if self.unit_kind == "launchd":
            return self.unit(which) == "active"
        return self.values.get(f"enabled {path.name}") == "enabled"

    def place(self, name: str) -> PurePosixPath:
        """Of a file asked for."""
        return self.home / name.removeprefix("~/")

    def unit_place(self, which: Literal["mux", "sidecar"]) -> PurePosixPath:
        kind = self.unit_kind or "systemd"
        names = (MUX_UNIT, SIDECAR_UNIT) if kind == "systemd" else (MUX_LABEL, SIDECAR_LABEL)
        return unit_path(self.home, names[0 if which == "mux" else 1], kind)


def said(output: bytes) -> Said:
    """Between the marks; whatever a start-up file prints stands before them."""
    noise, begun, rest = output.partition(BEGIN)
    if not begun:
        return Said([], output.decode("utf-8", "replace").strip(), is_whole=False)
    body, ended, _ = rest.partition(END)
    lines = body.decode("utf-8", "surrogateescape").split("\n")
    return Said([line for line in lines if line], noise.decode("utf-8", "replace").strip(), is_whole=bool(ended))


def facts_of(lines: list[str], noise: str = "") -> RemoteFacts:
    """A line that makes no sense is passed over."""
    values: dict[str, str] = {}
    pythons: list[Interpreter] = []
    files: dict[str, FileThere] = {}
    plans: list[tuple[str, str]] = []
    for line in lines:
        key, _, rest = line.partition("\t")
        words = rest.split("\t")
        if key == "file" and len(words) >= 2:
            files[words[0]] = _file(words[1:])
        elif key == "plan" and len(pair := rest.split(None, 2)) == 3 and pair[2] == "setup remote":
            plans.append((pair[0], pair[1]))
        elif key == "python" and len(words) >= 6:
            if (one := _python(words, values)) is not None:
                pythons.append(one)
        elif key:
            values[key] = rest
    pythons.sort(key=lambda one: one.there.version, reverse=True)
    return RemoteFacts(values, tuple(pythons), files, tuple(plans), noise)


def _file(words: list[str]) -> FileThere:
    match words:
        case ["absent"]:
            return FileThere("absent")
        case ["too-large"]:
            return FileThere("too-large")
        case ["held", mode, content]:
            try:
                return FileThere("held", base64.b64decode(content, validate=True), int(mode, 8))
            except (ValueError, binascii.Error):
                return FileThere("unreadable")
    return FileThere("unreadable")


def _python(words: list[str], values: Mapping[str, str]) -> Interpreter | None:
    path, version, implementation, _, libc, free_threaded, modules = (*words, "")[:7]
    numbers = version.split(".")[:2]
    if len(numbers) != 2 or not all(number.isdigit() for number in numbers):
        return None
    dotted = (int(numbers[0]), int(numbers[1]))
    # Debian takes ensurepip out and leaves venv; pip comes along with the wheels.
    if dotted < OLDEST_PYTHON or implementation != "cpython" or free_threaded != "0" or "venv" not in modules:
        return None
    is_mac = values.get("system") == "Darwin"
    return Interpreter(path, version, PythonThere(dotted, is_mac, values.get("arch", ""), libc))
