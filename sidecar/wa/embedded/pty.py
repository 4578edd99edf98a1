"""A program on a pseudo-terminal, read and written without ever blocking the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from wa.embedded.ghostty import CELL_HEIGHT_PX, CELL_WIDTH_PX

READ_BYTES = 64 * 1024
TURN_BYTES = 128 * 1024
"""Read from one program before others get their turn."""
KILL_AFTER_S = 0.25
"""A program that ignores the hangup is killed after this."""


def _window_size(cols: int, rows: int) -> bytes:
    return struct.pack("HHHH", rows, cols, cols * CELL_WIDTH_PX, rows * CELL_HEIGHT_PX)


def _take_terminal() -> None:
    """In the child, after setsid: what is on fd 0 becomes its controlling terminal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class PtyProcess:
    """Calls `on_output` with what the program writes, and `on_exit` once, after the last of it; on the event loop."""

    def __init__(
        self,
        argv: Sequence[str | bytes],
        *,
        executable: str | bytes | None = None,
        env: Mapping[bytes, bytes],
        cwd: str,
        cols: int,
        rows: int,
        on_output: Callable[[bytes], None],
        on_exit: Callable[[], None],
    ) -> None:
        """Raises OSError where the program cannot be started."""
        self._loop = asyncio.get_running_loop()
        self._on_output, self._on_exit = on_output, on_exit
        self._unsent = bytearray()
        self._pidfd: int | None = None
        self._killer: asyncio.TimerHandle | None = None
        self._master, slave = os.openpty()
        try:
            os.set_blocking(self._master, False)
            self.tty_name = os.ttyname(slave)
            fcntl.ioctl(slave, termios.TIOCSWINSZ, _window_size(cols, rows))
            self._process = subprocess.Popen(
                argv,
                executable=executable,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=env,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_take_terminal,
            )
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(slave)
        self._loop.add_reader(self._master, self._readable)
        self._watch_exit()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _watch_exit(self) -> None:
        if hasattr(os, "pidfd_open"):
            self._pidfd = os.pidfd_open(self._process.pid)
            self._loop.add_reader(self._pidfd, self._exited)
            return

        def wait() -> None:
            self._process.wait()
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._exited)

        threading.Thread(target=wait, name=f"wait for {self._process.pid}", daemon=True).start()

    def _readable(self) -> None:
        self._read(TURN_BYTES)

    def _read(self, limit: int) -> None:
        while limit > 0 and self._master >= 0:
            try:
                data = os.read(self._master, READ_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                data = b""
            if not data:  # every program has closed the terminal
                self._loop.remove_reader(self._master)
                return
            limit -= len(data)
            self._on_output(data)

    def _exited(self) -> None:
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        self._process.wait()
        if self._killer is not None:
            self._killer.cancel()
            self._killer = None
        if self._master >= 0:
            self._read(1 << 62)
            self._close_terminal()
        self._on_exit()

    def write(self, data: bytes) -> None:
        """Queued where the program does not read; in order."""
        if self._master < 0 or not data:
            return
        if not self._unsent:
            data = data[self._write_some(data) :]
            if not data:
                return
            self._loop.add_writer(self._master, self._writable)
        self._unsent += data

    def _writable(self) -> None:
        del self._unsent[: self._write_some(bytes(self._unsent[:READ_BYTES]))]
        if not self._unsent:
            self._loop.remove_writer(self._master)

    def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return len(data)  # nobody is there to read it

    def resize(self, cols: int, rows: int) -> None:
        if self._master >= 0:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, _window_size(cols, rows))

    def hang_up(self) -> None:
        """Closes the terminal and hangs up, as a closed terminal window does; `on_exit` still follows."""
        self._close_terminal()
        self._signal(signal.SIGHUP)
        if self._killer is None and self._process.returncode is None:
            self._killer = self._loop.call_later(KILL_AFTER_S, self._signal, signal.SIGKILL)

    def destroy(self) -> None:
        """At the end of everything: kills and collects the program at once, without another word."""
        self._close_terminal()
        if self._killer is not None:
            self._killer.cancel()
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        self._signal(signal.SIGHUP)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _close_terminal(self) -> None:
        if self._master < 0:
            return
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        os.close(self._master)
        self._master = -1

    # Who is in the foreground. Linux tells; elsewhere None.

    def foreground_name(self) -> str | None:
        """The file name of the foreground program, as WezTerm titles a pane that has no title."""
        path = self._foreground("exe")
        return None if path is None else path.rpartition("/")[2].removesuffix(" (deleted)")

    def foreground_cwd(self) -> str | None:
        return self._foreground("cwd")

    def _foreground(self, link: str) -> str | None:
        """Of the leader of the foreground's process group, or of the program itself where that one is gone."""
        if self._master < 0:
            return None
        pids = [self._process.pid]
        with contextlib.suppress(OSError):
            pids.insert(0, os.tcgetpgrp(self._master))
        for pid in pids:
            with contextlib.suppress(OSError):
                return str(Path(f"/proc/{pid}/{link}").readlink())
        return None
