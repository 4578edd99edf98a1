"""The embedded mux as a process of its own, for tests of whatever talks to a mux."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "sidecar"


@dataclass(frozen=True)
class RunningMux:
    socket: Path
    cli: tuple[str, ...]
    """`[*cli, "cli", "list"]` with `env` reaches it; programs in its panes have HOME in a throw-away folder."""
    env: Mapping[str, str]
    process: subprocess.Popen[str]
    folder: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def run(self, *args: str, stdin: bytes | None = None, check: bool = True) -> str:
        """Runs `wezterm cli ARGS`; stdout. With *check* a failure raises with its stderr."""
        done = subprocess.run(
            [*self.cli, "cli", "--no-auto-start", *args],
            env=dict(self.env),
            input=stdin,
            capture_output=True,
            timeout=30,
        )
        if check and done.returncode:
            raise AssertionError(f"{args} failed with {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode()


def clean_env(folder: Path, socket: Path) -> dict[str, str]:
    """What a program needs, and nothing of the tests' own surroundings."""
    env = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    sources = os.pathsep.join([str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])])
    return env | {"HOME": str(folder), "SHELL": "/bin/sh", "PYTHONPATH": sources, "WEZTERM_UNIX_SOCKET": str(socket)}


@contextmanager
def running_embedded_mux(
    argv: Sequence[str] = ("sleep", "100000"),
    *,
    cols: int = 80,
    rows: int = 24,
    scrollback: int = 3500,
    first_pane: bool = True,
) -> Iterator[RunningMux]:
    """`python -m wa.embedded` until the block ends. *argv* is the first pane's program (pane 0); empty for a shell."""
    with tempfile.TemporaryDirectory(prefix="wa-mux-") as name:
        folder = Path(name)
        socket = folder / "sock"
        env = clean_env(folder, socket)
        process = subprocess.Popen(
            [
                sys.executable,
                *("-m", "wa.embedded", "--socket", str(socket)),
                *("--cols", str(cols), "--rows", str(rows), "--scrollback", str(scrollback), "--cwd", name),
                *(["--", *argv] if first_pane else ["--no-pane"]),
            ],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on "), f"the embedded mux did not start: {process.poll()}"
            yield RunningMux(socket, (sys.executable, "-m", "wa.embedded.cli"), env, process, folder)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()
