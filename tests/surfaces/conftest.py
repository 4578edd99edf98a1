"""The command line as a user runs it: real processes, a home of their own, the embedded multiplexer."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
from jsonschema import Draft202012Validator

from wa.api.shapes import load
from wa.surfaces.cli import run

T = TypeVar("T")


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Inside = Callable[..., Done]
ENVELOPE = Draft202012Validator(load("envelope"))
SIDECAR = Path(__file__).parents[2] / "sidecar"
WITHIN_S = 30.0


def wait_for(what: str, look: Callable[[], T | None], within_s: float = WITHIN_S) -> T:
    """The first truthy answer of *look*; fails the test after *within_s*."""
    give_up = time.monotonic() + within_s
    while time.monotonic() < give_up:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {within_s:g} s")


@dataclass
class House:
    """A WA_HOME, an environment, and the processes started in it."""

    root: Path
    env: dict[str, str]
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.root / "wa"

    @property
    def mux_socket(self) -> Path:
        return self.root / "mux.sock"

    def wa(
        self, *words: str, stdin: str | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One command line, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "wa", *words],
            env=self.env | (env or {}),
            cwd=self.root,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def ok(self, *words: str, stdin: str | None = None) -> Any:
        """The data of a command that must succeed."""
        done = self.wa(*words, "--json", stdin=stdin)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        envelope = json.loads(done.stdout)
        ENVELOPE.validate(envelope)
        assert envelope["ok"] is True
        assert envelope["meta"]["schema"] == f"wa.{words[0]}/1"
        return envelope["data"]

    def fails(self, *words: str, stdin: str | None = None) -> tuple[int, dict[str, Any]]:
        """Exit status and error of a command that must fail."""
        done = self.wa(*words, "--json", stdin=stdin)
        assert done.returncode != 0, done.stdout
        envelope = json.loads(done.stdout)
        ENVELOPE.validate(envelope)
        assert envelope["ok"] is False
        return done.returncode, envelope["error"]

    def start(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(argv, env=self.env, cwd=self.root, start_new_session=True, **options)
        self.children.append(process)
        return process

    def start_mux(self) -> None:
        """The embedded multiplexer, with a first pane that runs a plain shell."""
        argv = [sys.executable, "-m", "wa.embedded", "--socket", str(self.mux_socket), "--", "/bin/sh"]
        self.start(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

        def listens() -> bool:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
                sock.connect(str(self.mux_socket))
                return True
            return False

        wait_for("the multiplexer's socket", listens)

    def mux(self, *words: str) -> str:
        """A command of the multiplexer's own command line."""
        done = subprocess.run(
            [sys.executable, "-m", "wa.embedded.cli", "cli", *words],
            env=self.env | {"WEZTERM_UNIX_SOCKET": str(self.mux_socket)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def spawn(self, *argv: str) -> str:
        """The name of a new pane, `demo/3`, once the sidecar watches it."""
        name = f"demo/{int(self.mux('spawn', '--new-window', '--', *argv))}"
        wait_for(f"{name} in `wa panes`", lambda: self.pane(name))
        return name

    def pane(self, name: str) -> dict[str, Any] | None:
        found = [
            pane for pane in self.ok("panes")["panes"] if name in (pane["pane_uid"], f"{pane['mux']}/{pane['pane_id']}")
        ]
        return found[0] if found else None

    def lines(self, *words: str) -> list[str]:
        """The texts of `wa logs …`."""
        return [row["text"] for row in self.ok("logs", *words)["rows"]]

    def until(self, what: str, look: Callable[[], T | None]) -> T:
        return wait_for(what, look)

    def close(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self.wa("stop")
        for process in reversed(self.children):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def build(root: Path) -> House:
    root.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    env = kept | {
        "HOME": str(root / "home"),
        "WA_HOME": str(root / "wa"),
        "XDG_RUNTIME_DIR": str(root / "runtime"),
        "PYTHONPATH": str(SIDECAR),
        "TERM": "xterm-256color",
        "PS1": "$ ",
    }
    (root / "home").mkdir()
    (root / "runtime").mkdir(mode=0o700)
    return House(root, env)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Nothing runs in it yet."""
    built = build(tmp_path / "h")
    try:
        yield built
    finally:
        built.close()


@pytest.fixture
def inside(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """Command lines in this process: what needs no process of its own is quicker so."""
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in house.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))

    def run_inside(*words: str) -> Done:
        status = run(list(words))
        out, err = capsys.readouterr()
        return Done(status, out, err)

    return run_inside


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With a multiplexer, and a sidecar that was started by `wa watch --detach`; shared by the tests of a file."""
    built = build(tmp_path_factory.mktemp("w") / "h")
    try:
        (built.home / "config").mkdir(parents=True)
        (built.home / "config" / "config.toml").write_text("[wezterm]\ndiscover = false\n")
        built.start_mux()
        built.ok("watch", "--detach", "--socket", f"demo={built.mux_socket}")
        wait_for("a watched pane", lambda: [pane for pane in built.ok("panes")["panes"] if pane["source"]])
        yield built
    finally:
        built.close()
