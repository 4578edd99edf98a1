"""Which program stands in the foreground of a terminal of this machine. WezTerm's protocol does not say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from wa.detect.program import asks_for_commands
from wa.sources.proc import FOREGROUND_GROUP, PROC, SESSION, TTY, kernel_number, stat_fields

PS = ("ps", "-axo", "tty=,stat=,command=")
"""POSIX.1-2017 `ps` with the BSD stat flags: `+` marks the foreground process group (macOS 14, FreeBSD 14 manuals)."""
MAX_FAMILY = 24


class Command(NamedTuple):
    name: str
    """Last part of the program's path."""
    line: str
    """All arguments, joined by blanks."""


class _Session(NamedTuple):
    leader: int
    group: int
    """The one in the foreground."""


class Foreground:
    """Looks programs up by tty. On Linux by /proc, two small files a look once the session's leader is known."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._leaders: dict[str, int] = {}

    def of(self, tty_name: str) -> Command | None:
        """The leader of the foreground process group; None where nothing can be said."""
        if not sys.platform.startswith("linux"):
            return _by_ps(tty_name)
        found = self._look(tty_name)
        return None if found is None else self._command(found.group)

    def is_anchored(self, tty_name: str) -> bool:
        """Whether a shell that asks for commands waits behind the program in the foreground.

        Then the terminal is still there when that program ends. False where nothing can be said.
        """
        found = self._look(tty_name) if sys.platform.startswith("linux") else None
        return found is not None and found.leader != found.group and asks_for_commands(self._words(found.leader))

    def _look(self, tty_name: str) -> _Session | None:
        try:
            device = os.stat(tty_name).st_rdev  # noqa: PTH116 - called at every push
        except OSError:
            return None
        leader = self._leaders.get(tty_name)
        group = None if leader is None else self._group(leader, device)
        if leader is not None and group is not None:
            return _Session(leader, group)
        return self._search(tty_name, device)

    def family(self, tty_name: str) -> list[Command]:
        """The leader, then what it started and what those started, at most MAX_FAMILY; wrappers stand before what they wrap.

        Linux only; elsewhere the leader alone.
        """
        if not sys.platform.startswith("linux"):
            leader = self.of(tty_name)
            return [] if leader is None else [leader]
        session = self._look(tty_name)
        waiting = [] if session is None else [session.group]
        found: list[Command] = []
        while waiting and len(found) < MAX_FAMILY:
            pid = waiting.pop(0)
            if (command := self._command(pid)) is not None:
                found.append(command)
            waiting += self._children(pid)
        return found

    def _children(self, pid: int) -> list[int]:
        try:
            words = (self._proc / str(pid) / "task" / str(pid) / "children").read_bytes().split()
        except OSError:
            return []
        return [int(word) for word in words]

    def _group(self, pid: int, device: int) -> int | None:
        """The foreground process group of the terminal that *pid* leads, if it still leads that one."""
        fields = stat_fields(self._proc, pid)
        try:
            if fields is None or int(fields[SESSION]) != pid:
                return None
            return int(fields[FOREGROUND_GROUP]) if int(fields[TTY]) & 0xFFFFFFFF == kernel_number(device) else None
        except (IndexError, ValueError):
            return None

    def _search(self, tty_name: str, device: int) -> _Session | None:
        for name in os.listdir(self._proc):  # noqa: PTH208 - names alone are wanted
            if name.isdigit() and (group := self._group(int(name), device)) is not None:
                self._leaders[tty_name] = int(name)
                return _Session(int(name), group)
        self._leaders.pop(tty_name, None)
        return None

    def _words(self, pid: int) -> list[str]:
        try:
            raw = (self._proc / str(pid) / "cmdline").read_bytes()
        except OSError:
            return [""]
        return [word.decode("utf-8", "replace") for word in raw.rstrip(b"\0").split(b"\0")]

    def _command(self, pid: int) -> Command | None:
        words = self._words(pid)
        return Command(_name(words[0]), " ".join(words)) if words[0] else None


def _name(path: str) -> str:
    return path.rpartition("/")[2].lstrip("-")


def _by_ps(tty_name: str) -> Command | None:
    try:
        listed = subprocess.run(PS, capture_output=True, timeout=2, check=False).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_ps(listed, tty_name)


def parse_ps(listed: str, tty_name: str) -> Command | None:
    wanted = tty_name.removeprefix("/dev/")
    for row in listed.splitlines():
        tty, _, rest = row.strip().partition(" ")
        stat, _, line = rest.strip().partition(" ")
        if tty in (wanted, wanted.removeprefix("tty")) and "+" in stat and line.strip():
            line = line.strip()
            return Command(_name(line.split(" ")[0]), line)
    return None
