"""A place of its own for the demo: one folder, two child processes, and nothing left of them afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
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
LOOK_EVERY_S = 0.02
ENDING = (signal.SIGTERM, signal.SIGHUP)
MUX_NAME = "demo"
INSTALL_EMBEDDED = "Install what the demo needs: `pip install 'wezterm-automata[embedded]'`."
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "USER", "LD_LIBRARY_PATH")
"""Of the caller's environment: what starting Python takes, and nothing that points at a real WezTerm or a real wa."""


class DemoError(WaError):
    """A part of the demo did not start."""

    code = "demo"
    next_step = "Run `wa doctor`; what the part said itself is quoted above."


class SignalledError(SystemExit):
    """A signal ended the demo; it was cleaned up."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


class Stage:
    """Made by `stage`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "wa"
        self.paths = Paths.from_env({"WA_HOME": str(self.home)})
        self.mux_socket = root / "mux.sock"
        self.cleared = False
        self.children: list[subprocess.Popen[bytes]] = []
        self.env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        self.env |= {
            "HOME": str(root),
            "WA_HOME": str(self.home),
            "TERM": "xterm-256color",
            "PYTHONPATH": _import_path(),
        }

    async def start_mux(self) -> None:
        """The embedded multiplexer, listening."""
        argv = [
            sys.executable,
            "-m",
            "wa.embedded",
            "--socket",
            str(self.mux_socket),
            "--no-pane",
            "--scrollback",
            "20000",
        ]
        process = self._start("multiplexer", argv)

        async def listens() -> bool:
            try:
                (await connect_socket(str(self.mux_socket), timeout_s=1.0)).close()
            except SocketError:
                return False
            return True

        await self._until(process, "multiplexer", listens)

    async def start_sidecar(self) -> None:
        """`wa watch` on that multiplexer alone, serving."""
        self.paths.config.mkdir(mode=0o700, parents=True)
        self.paths.config_file.write_text("[wezterm]\ndiscover = false\n", encoding="utf-8")
        argv = [sys.executable, "-m", "wa", "watch", "--json", "--socket", f"{MUX_NAME}={self.mux_socket}"]
        process = self._start("sidecar", argv)

        async def serves() -> bool:
            line = self._said("sidecar", "out").partition("\n")[0]
            if line.startswith("{") and not (said := json.loads(line))["ok"]:
                raise error_from(said["error"])
            return line.startswith("{")

        await self._until(process, "sidecar", serves)

    async def terminal(self) -> Terminal:
        return await connect(SocketTarget(MUX_NAME, str(self.mux_socket)), Options(control_dir=self.root / "ssh"))

    def clear(self) -> bool:
        """Ends the children and removes the folder; True where nothing is left.

        Waits without the event loop, so that no second signal can break it off in the middle.
        """
        for process in reversed(self.children):
            _end(process)
        socket_folder = self.paths.socket.parent
        if self.root not in socket_folder.parents:
            # The stand-in of a path that was too long for a socket.
            shutil.rmtree(socket_folder, ignore_errors=True)
        shutil.rmtree(self.root, ignore_errors=True)
        return not self.root.exists() and not self.paths.socket.exists()

    def _start(self, part: str, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C reaches this process alone, which then ends the others in their order.
        with (self.root / f"{part}.out").open("wb") as out, (self.root / f"{part}.err").open("wb") as err:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self.env,
                cwd=self.root,
                start_new_session=True,
            )
        self.children.append(process)
        return process

    def _said(self, part: str, stream: str) -> str:
        return (self.root / f"{part}.{stream}").read_text(encoding="utf-8", errors="replace")

    async def _until(self, process: subprocess.Popen[bytes], part: str, ready: Callable[[], Awaitable[bool]]) -> None:
        give_up = time.monotonic() + START_WITHIN_S
        while not await ready():
            if process.poll() is not None:
                raise self._trouble(part, "did not start")
            if time.monotonic() > give_up:
                raise self._trouble(part, f"did not serve within {START_WITHIN_S:g} s")
            await asyncio.sleep(LOOK_EVERY_S)

    def _trouble(self, part: str, what: str) -> DemoError:
        said = self._said(part, "err").strip()[-2000:] or "it said nothing"
        step = INSTALL_EMBEDDED if "pyghostty" in said else None
        return DemoError(f"the {part} {what}: {said}", next_step=step)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A Stage that is cleared on every way out. SIGTERM and SIGHUP end the current task and leave as SignalledError."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    received: list[int] = []

    def leave(number: int) -> None:
        received.append(number)
        task.cancel()

    for number in ENDING:
        loop.add_signal_handler(number, leave, number)
    built = Stage(Path(tempfile.mkdtemp(prefix="wa-demo-")))
    try:
        yield built
    except asyncio.CancelledError:
        if received:
            raise SignalledError(received[0]) from None
        raise
    finally:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        built.cleared = built.clear()
        signal.signal(signal.SIGINT, before)
        for number in ENDING:
            loop.remove_signal_handler(number)


def _import_path() -> str:
    """So that a child finds this very package, installed or not, from any folder."""
    given = [str(Path(entry).absolute()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return os.pathsep.join(dict.fromkeys([str(Path(wa.__file__).absolute().parents[1]), *given]))


def program_env(env: Mapping[str, str]) -> dict[str, str]:
    """What the programs in the panes see."""
    return {name: value for name, value in env.items() if not name.startswith("WA_")} | {"PYTHONUNBUFFERED": "1"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL to its whole group; returns when it is reaped."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_WITHIN_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
