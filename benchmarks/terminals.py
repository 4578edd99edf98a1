"""The terminal under test, a real `wezterm-mux-server` or wa's embedded mux, and programs in its panes."""

from __future__ import annotations

import json
import os
import selectors
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.bare import BareClient
from benchmarks.harness import PYTHONPATH, REPOSITORY, MeasuringError, Stage, cpu_s, rss_mb, wait_for
from wa.protocol import mux as pdus

SCROLLBACK_ROWS = 20_000
PROGRAM = Path(__file__).with_name("pane_program.py")
QUIET = 0.25
"""Seconds without a push after which a mux counts as quiet."""


class Mux:
    """A multiplexer of our own, below a private home and runtime folder."""

    def __init__(self, stage: Stage, kind: str) -> None:
        self.stage, self.kind = stage, kind
        self.folder = stage.fresh("mux")
        self.socket = self.folder / "sock"
        self.env = private_env(self.folder)
        self.log = (self.folder / "log").open("wb")
        stage.stack.callback(self.log.close)
        self.process = stage.start(self._argv(), env=self.env, stdout=self.log, stderr=self.log)
        wait_for(f"the {kind} mux's socket", self._answers, within_s=20)
        self.version = self._version()
        self._end_first_pane()

    def _argv(self) -> list[str]:
        if self.kind == "real":
            domain = f'unix_domains={{{{name="bench",socket_path="{self.socket}"}}}}'
            lines = f"scrollback_lines={SCROLLBACK_ROWS}"
            return [_on_path("wezterm-mux-server"), "-n", "--config", domain, "--config", lines]
        return [sys.executable, "-m", "wa.embedded", "--socket", str(self.socket), "--scrollback", str(SCROLLBACK_ROWS)]

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise MeasuringError(
                f"the {self.kind} mux ended with status {self.process.returncode}: {self.tail_of_log()}"
            )
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.socket))
            return True
        return False

    def _end_first_pane(self) -> None:
        """Only panes that a benchmark made are counted."""
        client = BareClient(self.socket)
        for pane in wait_for("the first pane", client.panes):
            client.call(pdus.KillPane(pane.pane_id))
        wait_for("its end", lambda: not client.panes())
        client.close()

    def _version(self) -> str:
        if self.kind == "embedded":
            return "the embedded mux"
        text = subprocess.run(
            [_on_path("wezterm-mux-server"), "--version"], capture_output=True, text=True, check=True
        ).stdout
        return f"a real {text.strip()}"

    def tail_of_log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    @property
    def cli(self) -> list[str]:
        """The `wezterm`-compatible command; `cli_env` names the socket."""
        return [_on_path("wezterm")] if self.kind == "real" else [sys.executable, "-m", "wa.embedded.cli"]

    @property
    def cli_env(self) -> dict[str, str]:
        return {**self.env, "WEZTERM_UNIX_SOCKET": str(self.socket), "WEZTERM_LOG": "off"}

    def cpu_s(self) -> float:
        """Of the server alone: what runs in its panes is the workload."""
        return cpu_s(self.process.pid, children=False)

    def rss_mb(self) -> float:
        return rss_mb(self.process.pid)

    def end(self) -> None:
        self.stage.end(self.process)


def private_env(folder: Path) -> dict[str, str]:
    """Nothing of this user's WezTerm or wa can be found from it."""
    for name in ("home", "run"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV") if name in os.environ}
    return {
        "LANG": "C.UTF-8",
        **kept,
        "HOME": str(folder / "home"),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "SHELL": "/bin/sh",
        "TERM": "xterm-256color",
        "PYTHONPATH": PYTHONPATH,
    }


def _on_path(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise MeasuringError(f"{name} is not on PATH")
    return found


class Program:
    """One pane_program.py in a pane."""

    def __init__(self, name: str, pane_id: int) -> None:
        self.name, self.pane_id = name, pane_id
        self.pid = 0
        self.connection: socket.socket | None = None
        self.answers: list[dict[str, Any]] = []

    def order(self, do: str, **arguments: object) -> None:
        assert self.connection is not None
        self.connection.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")


class Programs:
    """Panes of *mux*, in each a shell and in front of it a program that obeys orders.

    The programs end when this closes or its process dies.
    """

    def __init__(self, mux: Mux, count: int, *, cols: int = 80, rows: int = 24, called: str = "") -> None:
        """*called* is what the programs are to be taken for by who looks at the processes of their terminals."""
        self.mux = mux
        self.listener = socket.socket(socket.AF_UNIX)
        self.selector = selectors.DefaultSelector()
        self.buffers: dict[str, bytes] = {}
        mux.stage.stack.callback(self.close)
        path = mux.stage.fresh("control") / "sock"
        self.listener.bind(str(path))
        self.listener.listen(4096)
        self.selector.register(self.listener, selectors.EVENT_READ)
        client = BareClient(mux.socket)
        self.all: dict[str, Program] = {}
        python = os.path.realpath(sys.executable)
        if called:
            alias = mux.stage.fresh("bin") / called
            alias.symlink_to(python)
            python = str(alias)
        for number in range(count):
            name = f"n{number}"
            shell = {**mux.env, "PS1": "$ ", "ENV": ""}
            pane_id = client.spawn(["/bin/sh", "-i"], env=shell, cwd=str(REPOSITORY), cols=cols, rows=rows)
            command = shlex.join([python, "-I", "-S", str(PROGRAM), str(path), name])
            client.call(pdus.WriteToPane(pane_id, f"{command}\r".encode()))
            self.all[name] = Program(name, pane_id)
        client.close()
        for answer in self.gather(list(self.all), within_s=10 + count * 0.5):
            self.all[answer["name"]].pid = answer["pid"]

    def __getitem__(self, number: int) -> Program:
        return self.all[f"n{number}"]

    def some(self, count: int) -> list[Program]:
        return list(self.all.values())[:count]

    def gather(self, names: Sequence[str], *, within_s: float) -> list[dict[str, Any]]:
        """One answer of each, in the order of *names*."""
        deadline = time.monotonic() + within_s
        while any(not self.all[name].answers for name in names):
            if time.monotonic() > deadline:
                silent = [name for name in names if not self.all[name].answers]
                raise MeasuringError(
                    f"{len(silent)} programs ({silent[:3]} …) said nothing for {within_s:g} s; {self.mux.tail_of_log()}"
                )
            for key, _ in self.selector.select(0.2):
                if key.fileobj is self.listener:
                    connection, _address = self.listener.accept()
                    self.selector.register(connection, selectors.EVENT_READ, b"")
                else:
                    self._read(key)
        return [self.all[name].answers.pop(0) for name in names]

    def _read(self, key: selectors.SelectorKey) -> None:
        connection = key.fileobj
        assert isinstance(connection, socket.socket)
        data = connection.recv(1 << 20)
        if not data:
            self.selector.unregister(connection)
            return
        *whole, rest = (key.data + data).split(b"\n")
        self.selector.modify(connection, selectors.EVENT_READ, rest)
        for text in whole:
            answer = json.loads(text)
            program = self.all[answer["name"]]
            program.connection = connection
            program.answers.append(answer)

    def run(
        self, programs: Sequence[Program], do: str, *, within_s: float = 120.0, **arguments: object
    ) -> list[dict[str, Any]]:
        """One order to each, tags made their own by the program's name; returns when all have carried it out."""
        self.tell(programs, do, **arguments)
        return self.gather([program.name for program in programs], within_s=within_s)

    def tell(self, programs: Sequence[Program], do: str, **arguments: object) -> None:
        for program in programs:
            own = {**arguments, "tag": f"{arguments['tag']}.{program.name}"} if "tag" in arguments else arguments
            program.order(do, **own)

    def stop(self, programs: Sequence[Program]) -> list[dict[str, Any]]:
        """End what `tell` began; the answers to that."""
        self.tell(programs, "wait")
        names = [program.name for program in programs]
        begun = self.gather(names, within_s=30)
        self.gather(names, within_s=30)
        return begun

    def close(self) -> None:
        for key in list(self.selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self.selector.close()


def settle(mux: Mux, *, within_s: float = 60.0) -> None:
    """Wait until the mux has been silent for a while and uses no processor time beyond its own timers."""
    client = BareClient(mux.socket)
    try:
        deadline = time.monotonic() + within_s
        client.socket.settimeout(QUIET)
        while time.monotonic() < deadline:
            try:
                client.frames()
            except TimeoutError:
                return
        raise MeasuringError(f"the {mux.kind} mux was not quiet within {within_s:g} s")
    finally:
        client.close()
