"""Connecting to a Unix socket without ever waiting on it, and telling one run of its server from the next.

WezTerm's wire carries no server identity, and pane ids start anew with each server, so the identity comes from the
kernel: the pid at the other end and the moment that process started.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import stat
import struct
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

SOL_LOCAL = 0
LOCAL_PEERPID = 0x002
"""macOS <sys/un.h>; Python's socket module does not name them."""

_BUSY_RETRY_S = 0.05


class Outcome(StrEnum):
    """What came of knocking at a socket."""

    LIVE = "live"
    STALE = "stale"
    """The file is there and nobody listens: left behind by a server that died."""
    MISSING = "missing"
    DENIED = "denied"
    BUSY = "busy"
    """Its queue of connections is full: the server hangs or is starved."""
    NOT_A_SOCKET = "not_a_socket"
    TOO_LONG = "too_long"
    """Longer than a Unix socket's address can be."""
    FAILED = "failed"


class SocketError(OSError):
    """The socket could not be connected; `outcome` says how."""

    def __init__(self, outcome: Outcome, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.outcome = outcome
        self.path = path
        self.detail = detail


class Peer(NamedTuple):
    """The process that listens at the other end. `started` is opaque and differs between two runs of a server."""

    pid: int | None
    started: str


async def connect_socket(path: str, *, timeout_s: float = 2.0) -> socket.socket:
    """A connected, non-blocking socket. Raises SocketError; never starts a server."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + timeout_s
    while True:
        try:
            return _connect_now(path)
        except SocketError as trouble:
            # A Unix socket connects at once or not at all; EAGAIN means that the listener's backlog is full.
            if trouble.outcome is not Outcome.BUSY or loop.time() + _BUSY_RETRY_S > give_up_at:
                raise
        await asyncio.sleep(_BUSY_RETRY_S)


def _connect_now(path: str) -> socket.socket:
    try:
        if not stat.S_ISSOCK(Path(path).stat().st_mode):
            raise SocketError(Outcome.NOT_A_SOCKET, path, "not a socket")
    except OSError as error:
        raise _trouble(path, error) from None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        sock.connect(path)
    except OSError as error:
        sock.close()
        raise _trouble(path, error) from None
    return sock


def _trouble(path: str, error: OSError) -> SocketError:
    if isinstance(error, SocketError):
        return error
    if isinstance(error, BlockingIOError):
        return SocketError(Outcome.BUSY, path, "the server accepts no connections (its queue is full)")
    if isinstance(error, ConnectionRefusedError):
        return SocketError(Outcome.STALE, path, "nobody listens (left behind by a server that ended)")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SocketError(Outcome.MISSING, path, "no such socket")
    if isinstance(error, PermissionError):
        return SocketError(Outcome.DENIED, path, "permission denied")
    if error.errno is None or error.errno == errno.ENAMETOOLONG:
        # Python itself refuses an address over the limit, with a bare OSError("AF_UNIX path too long").
        return SocketError(Outcome.TOO_LONG, path, "the path is too long for a Unix socket")
    return SocketError(Outcome.FAILED, path, error.strerror or str(error))


def identify(sock: socket.socket, path: str) -> Peer:
    """Who listens behind the connected *sock*.

    The pid and the start of that process; where the system does not tell (another pid namespace, a hidden /proc), the
    inode and the time of the socket's file, which a server makes anew when it starts.
    """
    pid = _peer_pid(sock)
    if pid and (born := _process_start(pid)):
        return Peer(pid, f"{pid}-{born}")
    return Peer(pid or None, socket_file_identity(path))


def socket_file_identity(path: str) -> str:
    """Inode and modification time of a socket's file; "gone" where there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return "gone"
    return f"i{found.st_ino}-{found.st_mtime_ns}"


def _peer_pid(sock: socket.socket) -> int:
    try:
        if sys.platform == "darwin":
            return int(sock.getsockopt(SOL_LOCAL, LOCAL_PEERPID))
        ucred = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", ucred)[0])
    except (OSError, AttributeError):
        return 0


def _process_start(pid: int) -> str:
    """The start of a process, in whatever unit the system has; "" where it does not tell."""
    if sys.platform == "darwin":
        asked = subprocess.run(
            ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
            capture_output=True,
            timeout=5,
            check=False,
            env={"LC_ALL": "C"},
        )
        return "-".join(asked.stdout.decode("ascii", "replace").split())
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes()
        # comm, the second field, may hold spaces and parentheses; starttime is the 20th field after it.
        ticks = fields[fields.rindex(b")") + 2 :].split()[19].decode("ascii")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    except (OSError, ValueError, IndexError):
        return ""
    return f"{ticks}-{boot}"
