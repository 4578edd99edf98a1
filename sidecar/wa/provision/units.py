"""The services of the user's own manager: the multiplexer's and wa's, for systemd and launchd."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Literal
from xml.sax.saxutils import escape

import jinja2

from wa.assets import asset_root
from wa.config.paths import Paths
from wa.model.errors import ConfigError

Manager = Literal["systemd", "launchd"]

MUX_UNIT = "wezterm-mux-server.service"
SIDECAR_UNIT = "wa.service"
MUX_LABEL = "org.wezterm-automata.wezterm-mux-server"
SIDECAR_LABEL = "org.wezterm-automata.wa"

PROBE = (
    'unset WEZTERM_UNIX_SOCKET; i=0; WEZTERM_LOG=off "$1" cli --no-auto-start --prefer-mux list >/dev/null 2>&1 & p=$!; '
    "while kill -0 $p 2>/dev/null; do i=$((i+1)); if [ $i -gt 50 ]; then kill $p; exit 1; fi; sleep 0.1; done; "
    'if wait $p; then exit 1; fi; rm -f "${XDG_RUNTIME_DIR:-$HOME/.local/share}/wezterm/wezterm-log-$p.txt"'
)
"""POSIX sh, `$1` is `wezterm`: fails where a server answers at the socket, or lets one wait for five seconds. A
`wezterm` that failed leaves a log file behind, which goes."""

_ASK_S = 5.0
_SYSTEM_PATH = "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
"""launchd gives its agents /usr/bin:/bin:/usr/sbin:/sbin, where neither WezTerm nor the agents' commands are (macOS 15)."""


def unit_name(which: Literal["mux", "sidecar"], manager: Manager) -> str:
    """What the manager calls it."""
    if manager == "systemd":
        return MUX_UNIT if which == "mux" else SIDECAR_UNIT
    return MUX_LABEL if which == "mux" else SIDECAR_LABEL


def unit_path(home: PurePosixPath, name: str, manager: Manager) -> PurePosixPath:
    if manager == "systemd":
        return home / ".config" / "systemd" / "user" / name
    return home / "Library" / "LaunchAgents" / f"{name}.plist"


def mux_unit(
    home: PurePosixPath, program: str, manager: Manager, *, wezterm: str | None = None
) -> tuple[PurePosixPath, bytes]:
    """The file of the multiplexer's service, and what it holds. *program*: its absolute path; *wezterm* beside it."""
    _must_be_absolute(program)
    values = {
        "program": program,
        "wezterm": wezterm or str(PurePosixPath(program).with_name("wezterm")),
        "probe": PROBE,
        "label": MUX_LABEL,
        "log": str(home / "Library" / "Logs" / "wezterm-mux-server.log"),
    }
    suffix = "service" if manager == "systemd" else "plist"
    path = unit_path(home, unit_name("mux", manager), manager)
    return path, render(f"wezterm-mux-server.{suffix}.j2", values)


def sidecar_unit(
    paths: Paths,
    argv: Sequence[str],
    manager: Manager,
    *,
    home: PurePosixPath | None = None,
    wezterm: str | None = None,
) -> tuple[PurePosixPath, bytes]:
    """The file of wa's own service, and what it holds. *argv*: `/absolute/wa watch`. *home*: the user's where it is None.

    Folders of *paths* that are not the default ones are handed on. *wezterm*: where its PATH does not have it.
    """
    _must_be_absolute(argv[0])
    home = PurePosixPath(os.environ.get("HOME") or Path.home()) if home is None else home
    environment = environment_of(paths, home)
    if wezterm is not None:
        environment["WA_WEZTERM"] = shlex.quote(wezterm)
    if manager == "launchd":
        environment["PATH"] = f"{PurePosixPath(argv[0]).parent}:{_SYSTEM_PATH}"
    values = {
        "argv": list(argv),
        "environment": environment,
        "label": SIDECAR_LABEL,
        "log": str(home / "Library" / "Logs" / "wa.log"),
    }
    suffix = "service" if manager == "systemd" else "plist"
    return unit_path(home, unit_name("sidecar", manager), manager), render(f"wa.{suffix}.j2", values)


def manager_here(env: Mapping[str, str] | None = None) -> Manager | None:
    """The manager of this user's services that answers now: within five seconds, else None. It blocks meanwhile."""
    if sys.platform == "darwin":
        return "launchd" if _answers(["launchctl", "print", f"gui/{os.getuid()}"], env) else None
    return "systemd" if _answers(["systemctl", "--user", "show", "--property=Version"], env) else None


def _answers(argv: Sequence[str], env: Mapping[str, str] | None) -> bool:
    try:
        asked = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_S, check=False, env=env
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and bool(asked.stdout.strip())


def environment_of(paths: Paths, home: PurePosixPath) -> dict[str, str]:
    usual = {"config": ".config", "data": ".local/share", "state": ".local/state"}
    held = {name: PurePosixPath(getattr(paths, name)) for name in usual}
    root = held["config"].parent
    if all(folder == root / name for name, folder in held.items()) and PurePosixPath(paths.runtime) == root / "run":
        return {"WA_HOME": str(root)}
    return {
        f"XDG_{name.upper()}_HOME": str(folder.parent)
        for name, folder in held.items()
        if folder.name == "wa" and folder.parent != home / usual[name]
    }


def _must_be_absolute(program: str) -> None:
    if not program.startswith("/"):
        raise ConfigError(f"{program} is not an absolute path", next_step="Name the program by its whole path.")


def systemd_word(text: str) -> str:
    """*text* as one word of a unit file: quoted, `%` doubled (systemd.syntax(7), systemd 252)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    escaped = "".join(f"\\x{ord(c):02x}" if ord(c) < 32 or ord(c) == 127 else c for c in escaped)
    if escaped == text and text and not any(c in " ';" for c in text):
        return text
    return f'"{escaped}"'


def systemd_exec_word(text: str) -> str:
    """The same among the arguments of a command, where `$` begins a variable."""
    return systemd_word(text).replace("$", "$$")


def systemd_command(argv: Sequence[str]) -> str:
    """*argv* as the value of ExecStart."""
    if any(c in "\\\"'" or ord(c) < 32 or ord(c) == 127 for c in argv[0]):
        # systemd takes no such name for a program ("Executable name contains special characters"), a shell does.
        argv = ["/bin/sh", "-c", 'exec "$0" "$@"', *argv]
    # The program's own path stands for itself: no variable is expanded in it.
    return " ".join([systemd_word(argv[0]), *map(systemd_exec_word, argv[1:])])


def _xml(text: str) -> str:
    if any(ord(c) < 32 and c not in "\t\n\r" for c in text):
        raise ConfigError(
            f"{text!r} cannot stand in a property list", next_step="Use a path without control characters."
        )
    return escape(text)


def render(template: str, values: Mapping[str, object]) -> bytes:
    return _environment().get_template(template).render(values).encode("utf-8", "surrogateescape")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(asset_root() / "setup"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML; each value goes through a filter of its own
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"word": systemd_word, "command": systemd_command, "xml": _xml}
    return environment
