"""A real multiplexer with real programs in its panes, and a home of its own, for `wa rescue`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SERVER = shutil.which("wezterm-mux-server")
COMMAND = shutil.which("wezterm")
MISSING = [program for program in ("reptyr", "tmux", "setsid") if shutil.which(program) is None]
SOURCES = Path(__file__).parents[2] / "sidecar"
SCRIPT = Path(__file__).parents[2] / "setup" / "rescue.sh"

TALKER = """
import os, select, sys
print("talker", os.getpid(), flush=True)
count = 0
while True:
    if select.select([0], [], [], 0.1)[0]:
        line = sys.stdin.readline()
        if not line:
            break
        print("heard", line.strip(), flush=True)
    count += 1
    print("tick", count, flush=True)
"""
PAINTER = """
import os, select, signal, sys, termios, threading, time, tty
threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
tty.setraw(0)
typed = ""
def paint(*_):
    columns, rows = os.get_terminal_size(0)
    sys.stdout.write(f"\\x1b[?1049h\\x1b[2J\\x1b[H╭─ agent ─╮\\r\\n│ {columns}x{rows} │\\r\\n> {typed}")
    sys.stdout.flush()
signal.signal(signal.SIGWINCH, paint)
paint()
open(f"{sys.argv[0]}.{os.getpid()}", "w").close()
while True:
    try:
        if select.select([0], [], [], 1e6)[0]:
            typed += os.read(0, 100).decode("utf-8", "replace")
            paint()
    except InterruptedError:
        pass
"""
"""Draws its screen as an agent does, once and whenever the size changes, and has threads as node has."""


def until(what: Callable[[], Any], *, within_s: float = 20.0, why: str = "") -> Any:
    """The first true answer of *what*."""
    give_up_at = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < give_up_at, why or f"{what} stayed false"
        time.sleep(0.02)
    return found


def start_of(pid: int) -> int | None:
    """None for a process that is gone or dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] == b"Z" else int(fields[19])


@dataclass
class Stage:
    home: Path
    env: dict[str, str]
    mux: subprocess.Popen[bytes]
    cli: tuple[str, ...]
    socket: Path
    prefix: tuple[str, ...] = ()
    """Before `wa` and the script: rights taken away, for example."""
    children: list[subprocess.Popen[Any]] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return self.mux.pid

    def spawn(self, *argv: str) -> int:
        """The leader of a new pane's terminal."""
        before = set(self.leaders())
        made = subprocess.run(
            [*self.cli, "cli", "--no-auto-start", "spawn", "--new-window", "--cwd", str(self.home), "--", *argv],
            env={**self.env, "WEZTERM_UNIX_SOCKET": str(self.socket)},
            capture_output=True,
            timeout=30,
        )
        assert made.returncode == 0, made.stderr
        return int(until(lambda: set(self.leaders()) - before).pop())

    def leaders(self) -> list[int]:
        with suppress(OSError):
            words = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            for task in Path(f"/proc/{self.pid}/task").iterdir():
                words += (task / "children").read_text().split()
            return sorted({int(word) for word in words})
        return []

    def argv(self, *words: str) -> list[str]:
        return [*self.prefix, sys.executable, "-m", "wa", "rescue", *words]

    def wa(self, *words: str, status: int = 0) -> Any:
        """The data of `wa rescue WORDS --json`, or its error."""
        done = subprocess.run([*self.argv(*words), "--json"], env=self.env, capture_output=True, timeout=90, text=True)
        assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
        envelope = json.loads(done.stdout)
        return envelope["data"] if envelope["ok"] else envelope["error"]

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self.argv(*words),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.children.append(process)
        return process

    def tmux(self, *words: str) -> str:
        return subprocess.run(["tmux", *words], env=self.env, capture_output=True, timeout=20, text=True).stdout

    def screen(self, window: str) -> str:
        return self.tmux("capture-pane", "-p", "-J", "-t", window)

    def tty_of(self, pid: int) -> str:
        return str(Path(f"/proc/{pid}/fd/0").readlink()).removeprefix("/dev/")

    def kill_mux(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.mux.wait(10)


@contextmanager
def stage(folder: Path, *, embedded: bool = False, prefix: tuple[str, ...] = ()) -> Iterator[Stage]:
    """*folder* must be short: sockets lie in it."""
    runtime = folder / "run" / "wezterm"
    runtime.mkdir(parents=True, exist_ok=True)
    for private in (runtime.parent, runtime):
        private.chmod(0o700)
    env = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    env |= {
        "HOME": str(folder),
        "SHELL": "/bin/sh",
        "PYTHONPATH": str(SOURCES),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    env |= {"XDG_RUNTIME_DIR": str(folder / "run"), "WA_HOME": str(folder / "wa"), "TMUX_TMPDIR": str(folder)}
    socket = runtime / "sock"
    cli: tuple[str, ...]
    if embedded:
        argv = [sys.executable, "-m", "wa.embedded", "--socket", str(socket), "--no-pane"]
        cli = (sys.executable, "-m", "wa.embedded.cli")
    else:
        assert SERVER is not None
        assert COMMAND is not None
        argv = [SERVER, "-n", "--cwd", str(folder), "--", "/bin/cat"]
        cli = (COMMAND,)
    with (folder / "mux.log").open("wb") as log:
        mux = subprocess.Popen([*prefix, *argv], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    built = Stage(folder, env, mux, cli, socket, prefix)
    try:
        until(socket.exists, why=(folder / "mux.log").read_text())
        until(lambda: embedded or built.leaders())
        yield built
    finally:
        _clear(built)


def _clear(built: Stage) -> None:
    for child in [*built.children, built.mux]:
        if child.poll() is None:
            child.kill()
        child.wait(10)
        if child.stdout is not None:
            child.stdout.close()
    panes = built.tmux("list-panes", "-a", "-F", "#{pane_pid}").split()
    built.tmux("kill-server")
    for pid in map(int, panes):
        until(lambda pid=pid: start_of(pid) is None)
    # Whatever the tests started has this home; what was rescued hears no hang-up by itself.
    mark = f"HOME={built.home}".encode()
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
