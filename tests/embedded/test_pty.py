"""Programs on pseudo-terminals."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from wa.embedded.pty import PtyProcess

ENV = {b"PATH": os.fsencode(os.environ["PATH"]), b"LANG": b"C.UTF-8"}


LOOK_AROUND = """
import os
cols, rows = os.get_terminal_size(0)
terminal = os.open("/dev/tty", os.O_RDWR)
print(os.ttyname(0), f"{cols} {rows}", os.getsid(0), os.tcgetpgrp(terminal), os.getcwd(), sep="\\n")
"""
READ_LATE = """
import hashlib, os, signal, time, tty
tty.setraw(0)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
left, digest = 3_000_000, hashlib.sha256()
while left:
    data = os.read(0, left)
    left -= len(data)
    digest.update(data)
print(digest.hexdigest(), flush=True)
time.sleep(100)
"""


class Run:
    """A program, what it printed, and whether it ended."""

    def __init__(self, *argv: str, cols: int = 80, rows: int = 24, cwd: str = "/") -> None:
        self.output = b""
        self.ended = asyncio.Event()
        self.changed = asyncio.Event()
        self.pty = PtyProcess(
            argv, env=ENV, cwd=cwd, cols=cols, rows=rows, on_output=self._hear, on_exit=self.ended.set
        )

    def _hear(self, data: bytes) -> None:
        assert not self.ended.is_set()
        self.output += data
        self.changed.set()

    async def hears(self, text: bytes) -> None:
        async with asyncio.timeout(20):
            while text not in self.output:
                self.changed.clear()
                await self.changed.wait()

    async def end(self) -> bytes:
        async with asyncio.timeout(20):
            await self.ended.wait()
        return self.output


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def with_timeout() -> None:
        async with asyncio.timeout(60):
            await test()

    asyncio.run(with_timeout())


def open_descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_the_program_has_a_terminal_of_its_own() -> None:
    """Its own session, controlling terminal, size and folder."""

    async def test() -> None:
        program = Run(sys.executable, "-I", "-c", LOOK_AROUND, cwd="/usr")
        tty, size, leader, group, folder = (await program.end()).decode().split("\r\n")[:5]
        pid = str(program.pty.pid)
        assert (tty, size, leader, group, folder) == (program.pty.tty_name, "80 24", pid, pid, "/usr")

    run(test)


def test_the_last_words_are_heard() -> None:
    """All output of a program that ends at once comes before its end is told."""

    async def test() -> None:
        for _ in range(20):
            assert (await Run("sh", "-c", "seq 1 3000; echo the end").end()).endswith(b"3000\r\nthe end\r\n")

    run(test)


def test_a_program_that_does_not_read_holds_nobody_up() -> None:
    """Megabytes of input are queued at once, and arrive in order when the program reads at last."""

    async def test() -> None:
        program = Run(sys.executable, "-I", "-c", READ_LATE)
        await program.hears(b"ready")
        text = bytes(range(32, 127)) * (3_000_000 // 95 + 1)
        for at in range(0, 3_000_000, 100_000):
            program.pty.write(text[at : at + 100_000])
        os.kill(program.pty.pid, signal.SIGUSR1)

        await program.hears(hashlib.sha256(text[:3_000_000]).hexdigest().encode())
        program.pty.hang_up()
        await program.end()

    run(test)


def test_a_resize_is_signalled() -> None:
    """The program hears of its new size."""

    async def test() -> None:
        program = Run("sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.02; done")
        await program.hears(b"ready")
        program.pty.resize(100, 30)
        await program.hears(b"30 100")
        program.pty.hang_up()
        await program.end()

    run(test)


def test_a_program_that_ignores_the_hangup_is_killed() -> None:
    """Hanging up ends every program, politely first."""

    async def test() -> None:
        program = Run("sh", "-c", "trap '' HUP TERM; echo ready; while :; do sleep 0.02; done")
        await program.hears(b"ready")
        program.pty.hang_up()
        await program.end()

    run(test)


def test_a_background_job_does_not_keep_the_end_from_being_told() -> None:
    """The end is that of the program, though another one still holds its terminal."""

    async def test() -> None:
        program = Run("sh", "-c", "(trap '' HUP; exec sleep 3) & echo started")
        assert (await program.end()).startswith(b"started")

    run(test)


def test_a_program_that_closes_its_terminal_costs_nothing() -> None:
    """A program may live on without a terminal: no busy loop, and its end is still told."""

    async def test() -> None:
        program = Run("sh", "-c", "exec >/dev/null 2>&1 </dev/null; sleep 0.7")
        before = time.process_time()
        await program.end()
        assert time.process_time() - before < 0.3

    run(test)


def test_what_cannot_be_started_is_an_error_and_leaves_nothing() -> None:
    """No program, no leaked descriptor."""

    async def test() -> None:
        before = open_descriptors()
        with pytest.raises(FileNotFoundError):
            Run("/no/such/program")
        assert open_descriptors() == before

    run(test)


def test_the_foreground_program_is_known(tmp_path: Path) -> None:
    """Its file's name and its folder, also when a shell has started it."""
    if not Path("/proc/self/exe").exists():
        pytest.skip("needs /proc")
    cat = Path(shutil.which("cat") or "").resolve().name

    async def test() -> None:
        program = Run("sh", "-c", f"cd '{tmp_path}' && exec cat")
        program.pty.write(b"hello\r")
        await program.hears(b"hello\r\nhello")
        assert program.pty.foreground_name() == cat
        assert program.pty.foreground_cwd() == str(tmp_path)
        os.kill(program.pty.pid, signal.SIGKILL)
        await program.end()
        assert program.pty.foreground_name() is None

    run(test)
