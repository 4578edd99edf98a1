"""Programs under another name in the foreground of a terminal of their own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_HOLD = """
import os, sys
held = [open(name, mode) for mode, name in (word.split(":", 1) for word in sys.argv[2:])]
if sys.argv[1]:
    words = [sys.argv[1], "-c", "print('up', flush=True); input()"]
    os.waitpid(os.posix_spawn(f"/proc/{os.getpid()}/exe", words, os.environ), 0)
print("up", flush=True)
sys.stdin.read()
"""


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def holding(
    name: str, files: Sequence[tuple[str, Path]] = (), *, home: Path, cwd: Path, starts: str = ""
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A process called *name* that has *files* (mode, path) open, on a terminal of its own: its tty, and itself.

    *starts*: it is a wrapper, of a process of that name.
    """
    master, slave = os.openpty()
    env: Mapping[str, str] = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    try:
        with subprocess.Popen(
            [name, "-c", _HOLD, starts, *(f"{mode}:{path}" for mode, path in files)],
            executable=sys.executable,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_take_terminal,
        ) as process:
            try:
                printed = b""
                while b"up" not in printed:
                    printed += os.read(master, 4096)
                yield os.ttyname(slave), process
            finally:
                process.kill()
    finally:
        os.close(slave)
        os.close(master)
