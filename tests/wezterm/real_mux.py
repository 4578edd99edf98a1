"""A real, private wezterm-mux-server for the time of a test."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = shutil.which("wezterm-mux-server")
COMMAND = shutil.which("wezterm")
PROGRAM_ENV = {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "LANG": "C.UTF-8"}


@contextmanager
def real_mux(folder: Path) -> Iterator[Path]:
    """The socket of a server with its own home and runtime folder, so that nothing of the user's is touched."""
    assert SERVER is not None
    runtime = folder / "run"
    (runtime / "wezterm").mkdir(parents=True)
    for private in (runtime, runtime / "wezterm"):
        private.chmod(0o700)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(runtime), "SHELL": "/bin/sh"}
    argv = [SERVER, "-n", "--config", "scrollback_lines=20000", "--cwd", str(folder)]
    path = runtime / "wezterm" / "sock"
    with (folder / "server.log").open("wb") as log, subprocess.Popen(argv, env=env, stdout=log, stderr=log) as server:
        try:
            give_up_at = time.monotonic() + 20
            while not path.exists():
                assert server.poll() is None, (folder / "server.log").read_text()
                assert time.monotonic() < give_up_at
                time.sleep(0.02)
            yield path
        finally:
            server.terminate()
