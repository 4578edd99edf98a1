"""A place of its own for the demo: one folder, two child processes, and nothing left of them afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import wa
from wa.config.paths import Paths
from wa.model.errors import WaError
from wa.protocol.sidecar_wire import error_from
from wa.wezterm.connect import Options, connect
from wa.wezterm.peers import SocketError, connect_socket
from wa.wezterm.targets import SocketTarget
from wa.wezterm.terminal import Terminal

START_WITHIN_S = 20.0
END_WITHIN_S = 5.0
MUX_NAME = "demo"
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "USER", "LD_LIBRARY_PATH")
"""Of the caller's environment: what starting Python takes, and nothing that points at a real WezTerm or a real wa."""


class DemoError(WaError):
    """A part of the demo did not start."""

    code = "demo"
    next_step = "Run `wa doctor`; the lines above are the part's own words."


class Stage:
    """Made by `stage`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "wa"
        self.paths = Paths.from_env({"WA_HOME": str(self.home)})
        self.mux_socket = root / "mux.sock"
        self.words = root / "stderr"
        self.cleared = False
        self.children: list[Process] = []
        self.env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        self.env |= {
            "HOME": str(root),
            "WA_HOME": str(self.home),
            "TERM": "xterm-256color",
            "PYTHONPATH": _import_path(),
        }

    async def start_mux(self) -> None:
        """The embedded multiplexer, listening."""
        argv = [sys.executable, "-m", "wa.embedded", "--socket", str(self.mux_socket), "--no-pane"]
        process = await self._start(argv, stdout=DEVNULL)
        try:
            async with asyncio.timeout(START_WITHIN_S):
                while not await _listens(self.mux_socket):
                    if process.returncode is not None:
                        raise DemoError(f"the embedded multiplexer did not start: {self._last_words()}")
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise DemoError(f"the embedded multiplexer did not listen within {START_WITHIN_S:g} s") from error

    async def start_sidecar(self) -> None:
        """`wa watch` on that multiplexer alone, serving."""
        self.paths.config.mkdir(mode=0o700, parents=True)
        self.paths.config_file.write_text("[wezterm]\ndiscover = false\n", encoding="utf-8")
        argv = [sys.executable, "-m", "wa", "watch", "--json", "--socket", f"{MUX_NAME}={self.mux_socket}"]
        process = await self._start(argv, stdout=PIPE)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_WITHIN_S):
                line = await process.stdout.readline()
        except TimeoutError as error:
            raise DemoError(f"the sidecar did not serve within {START_WITHIN_S:g} s") from error
        said = json.loads(line) if line.startswith(b"{") else None
        if said is None:
            raise DemoError(f"the sidecar did not start: {self._last_words()}")
        if not said["ok"]:
            raise error_from(said["error"])

    async def terminal(self) -> Terminal:
        return await connect(SocketTarget(MUX_NAME, str(self.mux_socket)), Options(control_dir=self.root / "ssh"))

    async def clear(self) -> bool:
        """Ends the children and removes the folder; True where nothing is left."""
        for process in reversed(self.children):
            await _end(process)
        socket_folder = self.paths.socket.parent
        if self.root not in socket_folder.parents:
            # The stand-in of a path that was too long for a socket.
            shutil.rmtree(socket_folder, ignore_errors=True)
        shutil.rmtree(self.root, ignore_errors=True)
        ended = all(process.returncode is not None for process in self.children)
        return ended and not self.root.exists() and not self.paths.socket.exists()

    async def _start(self, argv: Sequence[str], *, stdout: int) -> Process:
        # A session of its own: Ctrl-C reaches this process alone, which then ends the others in their order.
        with self.words.open("ab") as words:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=DEVNULL, stdout=stdout, stderr=words, env=self.env, cwd=self.root, start_new_session=True
            )
        self.children.append(process)
        return process

    def _last_words(self) -> str:
        return self.words.read_text(encoding="utf-8", errors="replace").strip()[-2000:] or "it said nothing"


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A Stage that is cleared on every way out, Ctrl-C, SIGTERM and SIGHUP included."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    built = Stage(Path(tempfile.mkdtemp(prefix="wa-demo-")))
    try:
        yield built
    finally:
        # A second signal must not leave half of it behind.
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: None)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        built.cleared = await built.clear()
        signal.signal(signal.SIGINT, before)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


def _import_path() -> str:
    """So that a child finds this very package, installed or not, from any folder."""
    given = [str(Path(entry).absolute()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return os.pathsep.join(dict.fromkeys([str(Path(wa.__file__).absolute().parents[1]), *given]))


def program_env(env: Mapping[str, str]) -> dict[str, str]:
    """What the programs in the panes see."""
    return {name: value for name, value in env.items() if not name.startswith("WA_")} | {"PYTHONUNBUFFERED": "1"}


async def _listens(path: Path) -> bool:
    try:
        (await connect_socket(str(path), timeout_s=1.0)).close()
    except SocketError:
        return False
    return True


async def _end(process: Process) -> None:
    """SIGTERM, then SIGKILL to its whole group; returns when it is reaped."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_WITHIN_S):
            await process.wait()
    except TimeoutError:
        pass
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
