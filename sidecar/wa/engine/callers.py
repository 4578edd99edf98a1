"""Who asks the sidecar for something: a person, or an agent that runs `wa` itself.

The socket lets in nobody but its own user, and an agent is that user too. So the processes above the one that connected are
looked at: a command that an agent started has the agent among them. This keeps agents honest that follow their instructions; a
program that sets out to deceive its own user is not held by it.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from wa.detect.pack import Pack
from wa.detect.program import Program, agent_of
from wa.model.action import Actor, ActorKind
from wa.sources.proc import PROC, stat_fields

caller_pid: ContextVar[int | None] = ContextVar("caller_pid", default=None)
"""Of the process at the other end of the request that is being answered; None where the system does not tell."""

PARENT = 1
"""Place in what `stat_fields` gives."""
MAX_ABOVE = 64
PS = ("ps", "-axo", "pid=,ppid=,command=")
"""POSIX.1-2017; where there is no /proc."""


class Process(NamedTuple):
    pid: int
    parent: int
    program: Program


def peer_pid(sock: Any) -> int | None:
    """The process at the other end when it connected."""
    try:
        if sys.platform == "darwin":
            # <sys/un.h> LOCAL_PEERPID at level 0.
            return int(struct.unpack("i", sock.getsockopt(0, 2, 4))[0])
        return int(struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]) or None
    except (OSError, AttributeError, struct.error):
        return None


def actor_of(pid: int | None, packs: Iterable[Pack], proc: Path = PROC) -> Actor:
    """A person, unless an agent stands above the process."""
    known = list(packs)
    if pid is not None:
        for process in above(pid, proc):
            agent = agent_of(process.program, known)
            if agent is not None:
                return Actor(ActorKind.AGENT, agent)
    return Actor(ActorKind.HUMAN, "cli")


def above(pid: int, proc: Path = PROC) -> Iterator[Process]:
    """The process, its parent and so on, up to the first."""
    listed = None if proc.is_dir() else _listed()
    for _ in range(MAX_ABOVE):
        found = _read(pid, proc) if listed is None else listed.get(pid)
        if found is None:
            return
        yield found
        if found.parent <= 1 or found.parent == found.pid:
            return
        pid = found.parent


def _read(pid: int, proc: Path) -> Process | None:
    fields = stat_fields(proc, pid)
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        name = (proc / str(pid) / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return None
    if fields is None or len(fields) <= PARENT:
        return None
    line = " ".join(word.decode("utf-8", "replace") for word in words)
    path = line.split(" ")[0] or name
    return Process(pid, int(fields[PARENT]), Program(_name(path), line))


def _listed() -> dict[int, Process]:
    try:
        said = subprocess.run(PS, capture_output=True, timeout=2, check=False).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return parse_ps(said)


def parse_ps(listed: str) -> dict[int, Process]:
    found: dict[int, Process] = {}
    for row in listed.splitlines():
        words = row.split(None, 2)
        if len(words) == 3 and words[0].isdecimal() and words[1].isdecimal():
            line = words[2].strip()
            found[int(words[0])] = Process(int(words[0]), int(words[1]), Program(_name(line.split(" ")[0]), line))
    return found


def _name(path: str) -> str:
    return path.rpartition("/")[2].lstrip("-")
