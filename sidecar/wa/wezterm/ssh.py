"""The system's ssh as the way to another host: its command lines, what its complaints mean, who the server there is.

Everything runs in the user's own ssh configuration, never asks for anything, and hosts only words that wa chose.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from wa.config.paths import ensure_private, short_socket_path
from wa.model.errors import TerminalUnreachable
from wa.wezterm.processes import run
from wa.wezterm.targets import SshTarget

CONNECT_TIMEOUT_S = 10
_CONTROL_NAME_BYTES = 40 + 17
"""What ssh appends to the folder: %C is 40 hex digits, and while it binds 17 more stand behind it."""

_FIND_SOCKET = (
    "s=${WEZTERM_UNIX_SOCKET:-${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/wezterm/sock}}; "
    "s=${s:-$HOME/.local/share/wezterm/sock}; "
    'i=$(stat -L -c "%i-%Y" "$s" 2>/dev/null || stat -L -f "%i-%m" "$s" 2>/dev/null); '
)
"""POSIX sh without single quotes: the socket that `wezterm cli --prefer-mux` uses, its inode and time (GNU, BSD)."""

_RUN_QUIETLY = (
    'exec 3<&0; "$@" <&3 3<&- & p=$!; exec 3<&- </dev/null >/dev/null; wait $p; r=$?; '
    'if [ $r != 0 ]; then rm -f "${s%/*}/wezterm-log-$p.txt"; fi; exit $r'
)
"""Each failing `wezterm` leaves a log file behind, which repeated attempts would pile up; stderr says the same. A
background job's stdin would be /dev/null, hence the third file; the shell itself holds none of the pipes."""

_TELL_ZONE = 'echo "<wa-zone:${TZ:-$(readlink /etc/localtime 2>/dev/null)}:>"'
_IDENTITY = re.compile(rb"<wa-mux:(.*):(\d+-\d+):>")
_ZONE = re.compile(rb"<wa-zone::?(?:[^\n:]*/zoneinfo/)?(?:posix/|right/)?([A-Za-z0-9_+/-]{1,64}):>")
IDENTITY_CHANGED = 97
"""Exit status of a guarded command that found another server than the one it was meant for."""


class Complaint(NamedTuple):
    pattern: re.Pattern[str]
    meaning: str
    next_step: str


TRIES_AGAIN = "Check the network; wa tries again by itself."

COMPLAINTS: tuple[Complaint, ...] = (
    Complaint(
        re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED", re.IGNORECASE),
        "its host key has changed: it is another machine now, or somebody stands in between",
        "Stop, and ask whoever runs {host} for its key. Only where the new one is right: `ssh-keygen -R` its address.",
    ),
    Complaint(
        re.compile(r"Host key verification failed|No [^\n]*host key is known", re.IGNORECASE),
        "its host key is unknown",
        "Run `ssh {host} true` once by hand and check the key it shows.",
    ),
    Complaint(
        re.compile(
            r"Permission denied \(|Too many authentication failures|No supported authentication methods", re.IGNORECASE
        ),
        "it does not let you in without a question",
        "Set up a key or an agent so that `ssh -o BatchMode=yes {host} true` works.",
    ),
    Complaint(
        re.compile(r"Could not resolve hostname|Name or service not known|nodename nor servname", re.IGNORECASE),
        "no such host",
        "Check the name, or add it to ~/.ssh/config.",
    ),
    Complaint(
        re.compile(
            r"Connection refused|No route to host|Network is unreachable|timed out|Connection (reset|closed)",
            re.IGNORECASE,
        ),
        "it cannot be reached",
        TRIES_AGAIN,
    ),
    Complaint(
        re.compile(r"failed to connect to Socket|no mux server at", re.IGNORECASE),
        "no mux server runs there",
        "Start one there: `wezterm-mux-server --daemonize`.",
    ),
    Complaint(
        re.compile(r"command not found|not found|No such file or directory|Unknown command", re.IGNORECASE),
        "`wezterm` is not on the PATH of its non-interactive shells",
        "Install WezTerm there, or give its full path (`wezterm` of that host's [[mux]] table).",
    ),
)
"""Words of OpenSSH 9.2, of WezTerm 20250223 and of bash, dash, zsh and fish, 2026-11. Tried in order, so that a refused
connection is not taken for a missing command."""

SHELL_STARTUP = "Check your shell startup on {host}: its files must print nothing for non-interactive shells."


@dataclass(frozen=True, slots=True)
class SshSession:
    """How to run commands on one host. Those that run at the same time share one connection."""

    target: SshTarget
    options: tuple[str, ...]
    owns_control: bool

    def argv(self, command: str) -> list[str]:
        """*command* is a line for the remote shell."""
        return [*self.target.ssh, *self.options, "--", self.target.host, command]

    def control_argv(self, verb: str) -> list[str]:
        return [*self.target.ssh, *self.options, "-O", verb, "--", self.target.host]


class RemoteServer(NamedTuple):
    socket: str
    identity: str
    """Inode and modification time (seconds) of the socket."""
    zone: str = ""
    """The host's time zone, where it has a name."""


def ssh_words(home: Path | None = None) -> tuple[str, ...]:
    """The words that ssh begins with. *home*: that of the environment where it is None.

    The program `ssh` looks into the home of the password file; where HOME is another one, its configuration is named.
    """
    if home is None:
        home = Path(os.environ.get("HOME") or Path.home())
    try:
        own = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        own = home
    config = home / ".ssh" / "config"
    try:
        is_used = config.exists() and not _same(own, home)
    except OSError:
        is_used = False
    return ("ssh", "-F", str(config)) if is_used else ("ssh",)


def _same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


async def open_session(target: SshTarget, control_dir: Path, *, persist_s: int = 0) -> SshSession:
    """Settle the options for *target*. Where the user's configuration shares connections already, theirs are used.

    *persist_s*: how long the shared connection outlives its last command; 0 means not at all.
    """
    if target.ssh == ("ssh",):
        target = replace(target, ssh=ssh_words())
    options = ["-T", "-a", "-x"]
    for name, value in (
        ("BatchMode", "yes"),
        ("ConnectTimeout", str(CONNECT_TIMEOUT_S)),
        ("ServerAliveInterval", "10"),
        ("ServerAliveCountMax", "2"),
        # The user's forwards and remote command belong to their own sessions.
        ("ClearAllForwardings", "yes"),
        ("RemoteCommand", "none"),
    ):
        options += ["-o", f"{name}={value}"]
    shared = await _shares_connections(target)
    if not shared:
        folder = short_socket_path(control_dir / ("c" * _CONTROL_NAME_BYTES)).parent
        try:
            ensure_private(folder)
        except OSError as error:
            raise TerminalUnreachable(
                f"ssh {target.host}: its control socket has no place: {error}", next_step=f"Look at {folder}."
            ) from error
        options += ["-o", "ControlMaster=auto", "-o", f"ControlPath={_ssh_quoted(folder)}/%C"]
        options += ["-o", f"ControlPersist={persist_s or 'no'}"]
    return SshSession(target, tuple(options), owns_control=not shared)


def _ssh_quoted(folder: Path) -> str:
    # ssh expands % and ${…} in ControlPath; $ itself cannot be escaped there.
    text = str(folder).replace("%", "%%")
    if "${" in text or '"' in text:
        raise TerminalUnreachable(
            f"ssh cannot keep its control socket in {folder}", next_step="Set WA_HOME to a plain path."
        )
    return text


async def _shares_connections(target: SshTarget) -> bool:
    """Whether the user's ssh configuration names a ControlPath for this host (`ssh -G` prints none otherwise)."""
    try:
        asked = await run([*target.ssh, "-G", "--", target.host], timeout_s=5.0)
    except TimeoutError:
        return False
    except OSError as error:
        raise TerminalUnreachable(
            f"cannot run {target.ssh[0]}: {error}", next_step="Install OpenSSH's client."
        ) from error
    for line in asked.stdout.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(" ")
        if key.lower() == "controlpath" and value.strip().lower() not in ("", "none"):
            return True
    return False


def wezterm_command(target: SshTarget, args: Sequence[str], *, only: str = "") -> str:
    """A line for the remote shell that runs `wezterm` with *args*.

    *only*: the identity of the server that is meant; where another has taken its place it ends with IDENTITY_CHANGED.
    """
    guard = f'if [ -n "$1" ] && [ "$i" != "$1" ]; then exit {IDENTITY_CHANGED}; fi; shift; '
    script = shlex.quote(_FIND_SOCKET + guard + _RUN_QUIETLY)
    words = ["env", "WEZTERM_LOG=error", *map(_word, target.wezterm), *map(shlex.quote, args)]
    return f"sh -c {script} wa {shlex.quote(only)} {' '.join(words)}"


def _word(word: str) -> str:
    # Quoting would keep the remote shell from expanding the tilde.
    return '"$HOME"/' + shlex.quote(word[2:]) if word.startswith("~/") else shlex.quote(word)


async def remote_server(session: SshSession, *, timeout_s: float = 20.0) -> RemoteServer:
    """The socket of the host's default mux server, its identity and the host's time zone, by one command."""
    host = session.target.host
    script = (
        _FIND_SOCKET
        + 'if [ -z "$i" ]; then echo "no mux server at $s" >&2; exit 1; fi; echo "<wa-mux:$s:$i:>"; '
        + _TELL_ZONE
    )
    try:
        asked = await run(session.argv(f"sh -c {shlex.quote(script)}"), timeout_s=timeout_s)
    except TimeoutError:
        raise TerminalUnreachable(f"ssh {host}: no answer within {timeout_s:.0f} s") from None
    except OSError as error:
        raise TerminalUnreachable(f"cannot run {session.target.ssh[0]}: {error}") from error
    if (found := _IDENTITY.search(asked.stdout)) is None:
        raise explain(host, asked.status, asked.stderr)
    zone = _ZONE.search(asked.stdout)
    named = zone[1].decode("ascii") if zone is not None else ""
    return RemoteServer(found[1].decode("utf-8", "replace"), found[2].decode("ascii"), named)


def explain(host: str, status: int, stderr: bytes) -> TerminalUnreachable:
    """The error for an ssh that ended, from its exit status and what it said."""
    said = readable(stderr)
    tail = said[-400:]
    details = {"host": host, "status": status, "stderr": tail}
    for complaint in COMPLAINTS:
        if complaint.pattern.search(said):
            return TerminalUnreachable(
                f"ssh {host}: {complaint.meaning}: {tail.splitlines()[-1]}",
                next_step=complaint.next_step.format(host=host),
                details=details,
            )
    if status == 127:
        missing = COMPLAINTS[-1]
        return TerminalUnreachable(f"ssh {host}: {missing.meaning}", next_step=missing.next_step, details=details)
    reason = tail.splitlines()[-1] if tail else f"the connection ended with status {status}"
    return TerminalUnreachable(f"ssh {host}: {reason}", next_step=f"Try `ssh {host} true` by hand.", details=details)


def stray_output(host: str, head: bytes) -> TerminalUnreachable:
    """The error for text where the protocol should begin."""
    shown = readable(head)[:80]
    return TerminalUnreachable(
        f"ssh {host}: its shell printed {shown!r} into the stream",
        next_step=SHELL_STARTUP.format(host=host),
        details={"host": host, "head": shown},
    )


def readable(raw: bytes) -> str:
    """What a program said, without escape sequences and control characters."""
    text = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", "", raw.decode("utf-8", "replace"))
    return "".join(c for c in text.replace("\r", "\n") if c == "\n" or c.isprintable()).strip()
