"""One sidecar per user: an flock that the kernel lets go of when the holder dies, whatever way it dies."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from wa.model.errors import SidecarRunning
from wa.protocol.envelope import iso


class Lock:
    """Held from `take` to `release`. The file stays: removing it would let two processes lock two files of one name."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path, *, pid: int, started_ms: int) -> Lock:
        """Raises SidecarRunning, with pid and start of the holder."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said = os.pread(descriptor, 4096, 0)
            os.close(descriptor)
            raise _running(path, said) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": pid, "started_ms": started_ms}).encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


def _running(path: Path, said: bytes) -> SidecarRunning:
    try:
        holder = json.loads(said)
        pid, started_ms = int(holder["pid"]), int(holder["started_ms"])
    except (ValueError, KeyError, TypeError):
        # Between its flock and its first write, or after a crash in between.
        return SidecarRunning("another sidecar holds the lock", details={"lock": str(path)})
    return SidecarRunning(
        f"a sidecar runs already: pid {pid}, since {iso(started_ms)}",
        details={"lock": str(path), "pid": pid, "started_at": iso(started_ms)},
    )
