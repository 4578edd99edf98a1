"""A process that listens on a Unix socket and answers nothing, so that a server's pid is not the test's own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LISTEN = """
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(int(sys.argv[2]))
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def listening(path: Path, backlog: int = 8) -> Iterator[int]:
    """The pid of a process that listens at *path*. Its end leaves the socket's file behind, as a killed server does."""
    with subprocess.Popen(
        [sys.executable, "-c", _LISTEN, str(path), str(backlog)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process.pid
        finally:
            process.kill()
