"""Who listens on which TCP port of this machine, and which port is free."""

from __future__ import annotations

import errno
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Container, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

LSOF_S = 10.0
SPAN = 100
"""How far from the wanted port a free one is looked for."""


class Holder(NamedTuple):
    port: int
    pid: int | None
    """None: another user's program, which the system does not show."""
    command: str

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid})" if self.pid is not None else self.command


UNKNOWN = "a program of another user"


def holder_of(port: int, address: str = "127.0.0.1", *, proc: Path = Path("/proc")) -> Holder | None:
    """None: the port can be listened on."""
    if not _is_taken(port, address):
        return None
    return (_by_lsof(port) if sys.platform == "darwin" else _by_proc(port, proc)) or Holder(port, None, UNKNOWN)


def free_port(wanted: int, taken: Container[int] = (), address: str = "127.0.0.1") -> int | None:
    """The next one up that can be listened on, and is not among *taken*."""
    for port in range(wanted, min(wanted + SPAN, 65536)):
        if port not in taken and not _is_taken(port, address):
            return port
    return None


def next_port(wanted: int, taken: Container[int]) -> int | None:
    """The same for another machine, whose listeners are *taken*."""
    return next((port for port in range(wanted, min(wanted + SPAN, 65536)) if port not in taken), None)


def _is_taken(port: int, address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as one:
        # As servers do: what a closed connection left behind is in nobody's way.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((address, port))
            one.listen(1)
        except OSError as error:
            return error.errno in (errno.EADDRINUSE, errno.EACCES)
    return False


def _by_proc(port: int, proc: Path) -> Holder | None:
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            rows = (proc / "net" / table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            cells = row.split()
            if len(cells) > 9 and cells[3] == "0A" and int(cells[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{cells[9]}]")
    for process in sorted(proc.glob("[0-9]*"), key=lambda one: int(one.name)) if inodes else ():
        if not inodes.isdisjoint(_links(process / "fd")):
            return Holder(port, int(process.name), _command(process))
    return None


def _links(folder: Path) -> Iterator[str]:
    """Where its links lead; of another user's process, none. They come and go meanwhile."""
    with suppress(OSError):
        for one in folder.iterdir():
            with suppress(OSError):
                yield str(one.readlink())


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
        name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program"
    shown = " ".join(words)[:120].strip()
    return "".join(c if c.isprintable() else "?" for c in (shown or name))


def _by_lsof(port: int) -> Holder | None:
    program = shutil.which("lsof") or "/usr/sbin/lsof"
    try:
        asked = subprocess.run(
            [program, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"],
            capture_output=True,
            timeout=LSOF_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_lsof(asked.stdout.decode("utf-8", "replace"), port)


def parse_lsof(said: str, port: int) -> Holder | None:
    """Of `lsof -Fpc`: `p123`, `cname`."""
    found = re.search(r"^p(\d+)\nc(.*)$", said, re.MULTILINE)
    return None if found is None else Holder(port, int(found[1]), found[2])
