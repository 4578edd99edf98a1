"""Running setup/rescue.sh, here or on another machine: its text is given to `sh`, so that nothing need be installed there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wa.assets import asset_root
from wa.config.paths import Paths
from wa.model.errors import TerminalUnreachable, TimedOut, UsageError, WaError
from wa.wezterm import ssh
from wa.wezterm.targets import SshTarget

LOOK_WITHIN_S = 60.0
_WORD = re.compile(r"[A-Za-z0-9_.,:/@-]*")
_STOP_WITHIN_S = 40.0
"""A pane whose move has begun is finished first (setup/rescue.sh gives it 20 s, and puts back what it changed)."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Where the script runs."""

    paths: Paths
    target: SshTarget | None = None
    """None: on this machine."""

    @property
    def host(self) -> str | None:
        return None if self.target is None else self.target.host

    async def run(
        self, words: Sequence[str], *, timeout_s: float = LOOK_WITHIN_S, heard: Callable[[str], None] | None = None
    ) -> str:
        """All that it printed. *heard* gets each line as it comes.

        Raises TimedOut, TerminalUnreachable (ssh), WaError. Cancelled, or told to end by a signal, it lets the script end
        in its own way before it leaves.
        """
        if strange := next((word for word in words if not _WORD.fullmatch(word)), None):
            raise UsageError(f"{strange!r} is no word for a rescue", next_step="Use letters, digits and . _ , : / @ -")
        with tempfile.TemporaryDirectory(prefix="wa-") as folder:
            # Not among wa's own folders: whoever only looks leaves nothing behind.
            return await self._run(words, Path(folder), timeout_s, heard)

    async def _run(
        self, words: Sequence[str], control_dir: Path, timeout_s: float, heard: Callable[[str], None] | None
    ) -> str:
        argv, env = await self._command(words, control_dir)
        script = await asyncio.to_thread((asset_root() / "setup" / "rescue.sh").read_bytes)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=env,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=1 << 20,
            )
        except OSError as error:
            raise TerminalUnreachable(f"cannot run {argv[0]}: {error}", next_step="Install it.") from error
        printed: list[str] = []
        said = bytearray()
        told: list[int] = []
        try:
            with _signals_cancel(told):
                async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
                    group.create_task(_give(process, script))
                    group.create_task(_collect(process, printed, heard))
                    group.create_task(_complaints(process, said))
                await process.wait()
        except asyncio.CancelledError:
            if told:
                raise WaError("ended by a signal", next_step="`wa rescue --report` says where everything is.") from None
            raise
        except TimeoutError:
            raise TimedOut(f"{self.host or 'this machine'}: the script took longer than {timeout_s:.0f} s") from None
        finally:
            await _let_end(process)
        text = "\n".join(printed)
        if process.returncode and not any(line.startswith("wa\t") for line in printed):
            if self.target is not None:
                raise ssh.explain(self.target.host, process.returncode, bytes(said))
            raise WaError(f"setup/rescue.sh ended with {process.returncode}: {said.decode('utf-8', 'replace')[-300:]}")
        return text

    async def _command(self, words: Sequence[str], control_dir: Path) -> tuple[list[str], dict[str, str] | None]:
        if self.target is None:
            return ["/bin/sh", "-s", "--", *words], {**os.environ, "WA_RESCUE_DATA": str(self.paths.data / "rescue")}
        session = await ssh.open_session(self.target, control_dir)
        return session.argv(f"sh -s -- {' '.join(map(shlex.quote, words))}"), None


async def _give(process: asyncio.subprocess.Process, script: bytes) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(script)
        await process.stdin.drain()
    process.stdin.close()


async def _collect(
    process: asyncio.subprocess.Process, printed: list[str], heard: Callable[[str], None] | None
) -> None:
    if process.stdout is None:
        return
    async for raw in process.stdout:
        line = raw.decode("utf-8", "replace").rstrip("\n")
        printed.append(line)
        if heard is not None:
            heard(line)


async def _complaints(process: asyncio.subprocess.Process, said: bytearray) -> None:
    if process.stderr is not None:
        said += await process.stderr.read()


async def _let_end(process: asyncio.subprocess.Process) -> None:
    """Asks it to stop and waits; what is left after that is its own watchdog's to put right."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    waiting = asyncio.ensure_future(process.communicate())
    with contextlib.suppress(TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(waiting), _STOP_WITHIN_S)
    waiting.cancel()


@contextlib.contextmanager
def _signals_cancel(told: list[int]) -> Iterator[None]:
    """SIGTERM and SIGHUP end what runs here as Ctrl-C does: by way of its `finally`s. *told* gets the signal's number."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    taken = []

    def cancel(number: int) -> None:
        told.append(number)
        if task is not None:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        if task is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(RuntimeError, ValueError):  # not in the main thread
                loop.add_signal_handler(number, cancel, number)
                taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
