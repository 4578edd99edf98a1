"""The multiplexers under test, and programs in their panes."""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.wire import WITHIN_S, Wire
from support.embedded import clean_env, running_embedded_mux
from wa.protocol import mux as p

PLAYER = Path(__file__).with_name("player.py")
SCROLLBACK = 20_000
_CPR = re.compile(rb"\x1b\[[0-9]+;[0-9]+R")


@dataclass
class LiveMux:
    """`[*cli, "cli", …]` and `socket` both reach it."""

    kind: str
    version: str
    cli: tuple[str, ...]
    socket: Path
    env: dict[str, str]
    folder: Path
    _players: int = field(default=0, init=False)

    @property
    def is_embedded(self) -> bool:
        return self.kind == "embedded"

    def run(self, *args: str, stdin: bytes | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
        argv = [*self.cli, "cli", "--no-auto-start", *args]
        return subprocess.run(argv, env={**self.env, **env}, input=stdin, capture_output=True, timeout=30)

    def ok(self, *args: str, stdin: bytes | None = None, **env: str) -> str:
        """Standard output of a call that must succeed."""
        done = self.run(*args, stdin=stdin, **env)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        wire = Wire(self.socket)
        try:
            yield wire
        finally:
            wire.close()

    @contextmanager
    def player(self, wire: Wire, cols: int = 80, rows: int = 24) -> Iterator[Player]:
        """A pane whose program prints and hears what the test wants; gone afterwards."""
        self._players += 1
        control = self.folder / f"p{self._players}"
        argv = tuple(os.fsencode(word) for word in (sys.executable, "-I", "-S", str(PLAYER), str(control)))
        size = p.TerminalSize(rows, cols, cols * 8, rows * 16, 0)
        request = p.SpawnV2(p.DefaultDomain(), None, p.CommandBuilder(argv, _envs(self.env)), None, size, "players")
        spawned = wire.ask(request, p.SpawnResponse)
        _wait_for_file(control)
        player = Player(spawned, control)
        try:
            yield player
        finally:
            player.close()
            if spawned.pane_id in _pane_ids(wire):
                wire.answer(wire.send(p.KillPane(spawned.pane_id)))


class Player:
    def __init__(self, spawned: p.SpawnResponse, control: Path) -> None:
        self.pane_id, self.tab_id, self.window_id = spawned.pane_id, spawned.tab_id, spawned.window_id
        self._control = socket.socket(socket.AF_UNIX)
        self._control.connect(str(control))
        self.heard = b""

    def close(self) -> None:
        self._control.close()

    def print(self, data: bytes) -> None:
        self._control.sendall(struct.pack(">I", len(data)) + data)

    def settle(self) -> None:
        """Returns when the terminal has taken in all that was printed: it answers in order where its cursor is."""
        answers = len(_CPR.findall(self.heard))
        self.print(b"\x1b[6n")
        self.listen(lambda: len(_CPR.findall(self.heard)) > answers)
        self.heard = _CPR.sub(b"", self.heard)

    def listen(self, condition: Any, within_s: float = WITHIN_S) -> None:
        end = time.monotonic() + within_s
        while not condition():
            left = end - time.monotonic()
            assert left > 0, f"the program heard only {self.heard[-200:]!r}"
            if select.select([self._control], [], [], left)[0]:
                data = self._control.recv(1 << 20)
                assert data, "the program has ended"
                self.heard += data

    def hears(self, expected: bytes) -> None:
        self.listen(lambda: len(self.heard) >= len(expected))
        assert self.heard == expected
        self.heard = b""


def _pane_ids(wire: Wire) -> set[int]:
    listed = wire.ask(p.ListPanes(), p.ListPanesResponse)
    return {entry.pane_id for tab in listed.tabs for entry in p.entries_of(tab)}


def _envs(env: dict[str, str]) -> tuple[tuple[bytes, p.EnvEntry], ...]:
    pairs = sorted((os.fsencode(name), os.fsencode(value)) for name, value in env.items())
    return tuple((name, p.EnvEntry(False, name, value)) for name, value in pairs)


def _wait_for_file(path: Path) -> None:
    end = time.monotonic() + WITHIN_S
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.005)


@contextmanager
def embedded_mux() -> Iterator[LiveMux]:
    with running_embedded_mux(scrollback=SCROLLBACK) as mux:
        version = subprocess.run([*mux.cli, "--version"], env=dict(mux.env), capture_output=True, text=True, timeout=30)
        yield LiveMux("embedded", version.stdout.split()[-1], mux.cli, mux.socket, dict(mux.env), mux.folder)


def real_binaries() -> tuple[str, str] | None:
    server, cli = shutil.which("wezterm-mux-server"), shutil.which("wezterm")
    return (server, cli) if server and cli else None


@contextmanager
def real_mux(folder: Path) -> Iterator[LiveMux]:
    """A server of its own in *folder*, whose path must be short enough for a socket."""
    binaries = real_binaries()
    assert binaries is not None
    server, cli = binaries
    folder.chmod(0o700)
    path = folder / "sock"
    env = clean_env(folder, path) | {"XDG_RUNTIME_DIR": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    env |= {"XDG_DATA_HOME": str(folder / "data"), "WEZTERM_LOG": "error"}
    domains = f'unix_domains={{{{name="t",socket_path="{path}"}}}}'
    options = ("-n", "--config", domains, "--config", f"scrollback_lines={SCROLLBACK}")
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([server, *options, "--", "sleep", "100000"], env=env, stdout=log, stderr=log)
    try:
        _wait_until_listening(path, process)
        version = subprocess.run([cli, "--version"], env=env, capture_output=True, text=True, timeout=30)
        yield LiveMux("real", version.stdout.split()[-1], (cli,), path, env, folder)
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_listening(path: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while True:
        assert process.poll() is None, f"wezterm-mux-server ended with {process.returncode}"
        assert time.monotonic() < end, "wezterm-mux-server does not listen"
        try:
            wire = Wire(path)
        except OSError:
            time.sleep(0.02)
            continue
        try:
            if _pane_ids(wire):
                return
        finally:
            wire.close()
