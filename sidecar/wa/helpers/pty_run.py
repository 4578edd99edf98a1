"""A program in a terminal of its own inside this one: what it prints passes a sieve, all else passes untouched."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Sequence
from contextlib import suppress

from wa.helpers.pty_leader import GO_ON, copy_size, lead, unignore
from wa.protocol.osc7501 import Event, Query, Report, Sieve

HOLD_S = 0.020
"""So long may the beginning of a report wait for its rest."""
LINGER_S = 0.1
"""So long nothing has to come, once the program has ended, where its terminal stays open."""
CHUNK = 1 << 16
FULL = 1 << 18
"""Bytes that may wait for the terminal, or for the program, before the other side is kept waiting, too."""
FORWARDED = (
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTSTP,
)
NOT_FOUND, NOT_STARTED = 127, 126
"""As shells report them."""


class NotStartedError(Exception):
    """The program could not be started; `errno` says why."""

    def __init__(self, errno: int) -> None:
        super().__init__(os.strerror(errno))
        self.errno = errno


def is_wanted() -> bool:
    """Whether this process stands in a terminal with both ends; elsewhere there is nothing to pass through."""
    return os.isatty(0) and os.isatty(1)


def run_in_pty(argv: Sequence[str], report: Callable[[Report], None]) -> int:
    """The wait status as shells report it: 0 to 255, or 128 and the signal. Raises NotStartedError.

    *report* is called from the loop that passes the bytes, and must not wait. The terminal's modes are as before on every way out.
    """
    return _Shim(report).run(argv)


class _Shim:
    def __init__(self, report: Callable[[Report], None]) -> None:
        self._report = report
        self._sieve = Sieve()
        self._to_screen = bytearray()
        self._to_program = bytearray()
        self._modes = termios.tcgetattr(0)
        self._told = bytearray()
        self._status: int | None = None
        self._reads_keys = True
        self._pending: list[int] = []
        self._held_since: float | None = None

    def run(self, argv: Sequence[str]) -> int:
        self._master, slave = os.openpty()
        termios.tcsetattr(slave, termios.TCSANOW, self._modes)
        copy_size(0, slave)
        self._told_fd, told = os.pipe()
        orders, self._orders = os.pipe()
        wake, woken = os.pipe()
        for number in (wake, woken, self._told_fd, self._master):
            os.set_blocking(number, False)
        # Its own description of the terminal: non-blocking there must not be so for the shell that waits for us.
        self._screen = os.open(os.ttyname(1), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        before = {number: signal.getsignal(number) for number in (*FORWARDED, signal.SIGWINCH, signal.SIGCONT)}
        leader = os.fork()
        if leader == 0:
            lead(slave, told, orders, argv)
        for number in (slave, told, orders):
            os.close(number)
        self._wake = wake
        had = signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        try:
            for number in (*FORWARDED, signal.SIGWINCH):
                if before[number] is not signal.SIG_IGN:  # nohup is to hold
                    signal.signal(number, self._caught)
            self._raw()
            self._loop()
        finally:
            self._cooked()
            signal.set_wakeup_fd(had)
            for number, handler in before.items():
                signal.signal(number, handler)
            for number in (self._master, self._told_fd, self._orders, self._screen, wake, woken):
                os.close(number)
            with suppress(ChildProcessError):
                os.waitpid(leader, 0)
        return self._exit_status()

    def _exit_status(self) -> int:
        if self._status is None:
            return 128 + signal.SIGHUP  # the leader was killed, and the program lost its terminal
        return 128 + os.WTERMSIG(self._status) if os.WIFSIGNALED(self._status) else os.WEXITSTATUS(self._status)

    def _caught(self, number: int, _frame: object) -> None:
        self._pending.append(number)

    def _raw(self) -> None:
        tty.setraw(0, termios.TCSADRAIN)

    def _cooked(self) -> None:
        with suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, self._modes)

    def _loop(self) -> None:
        ended = False
        while True:
            readers = [self._wake, self._told_fd] if not ended else [self._wake]
            if len(self._to_screen) < FULL:
                readers.append(self._master)
            if self._reads_keys and len(self._to_program) < FULL:
                readers.append(0)
            writers = [self._screen] if self._to_screen else []
            if self._to_program:
                writers.append(self._master)
            readable, writable, _ = select.select(readers, writers, [], HOLD_S if self._sieve.holds else None)
            if self._held_since is not None and time.monotonic() - self._held_since >= HOLD_S:
                self._to_screen += self._sieve.release()
                self._held_since = None
            if self._wake in readable:
                self._signals()
            if self._master in readable and not self._output():
                break
            if 0 in readable:
                self._keys()
            if self._screen in writable:
                self._flush_screen()
            if self._master in writable:
                self._flush_program()
            if self._told_fd in readable:
                ended = self._hear()
                if ended:
                    self._rest()
                    break
        self._to_screen += self._sieve.release()
        os.set_blocking(self._screen, True)
        while self._to_screen:
            self._flush_screen()

    def _output(self) -> bool:
        """False once nobody has the inner terminal open any more."""
        try:
            data = os.read(self._master, CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        passed, events = self._sieve.feed(data)
        self._held_since = time.monotonic() if self._sieve.holds else None
        self._to_screen += passed
        for event in events:
            self._understood(event)
        if passed:
            self._flush_screen()
        if not data:
            self._hear_last()
        return bool(data)

    def _understood(self, event: Event) -> None:
        if isinstance(event, Query):
            self._to_program += event.raw
        else:
            self._report(event)

    def _keys(self) -> None:
        try:
            data = os.read(0, CHUNK)
        except OSError:
            data = b""
        if not data:
            # The terminal has gone; so it goes for the program, once it has what was typed.
            self._reads_keys = False
            self._forward(signal.SIGHUP)
        self._to_program += data
        self._flush_program()

    def _flush_screen(self) -> None:
        try:
            del self._to_screen[: os.write(self._screen, self._to_screen[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            self._to_screen.clear()  # the terminal has gone

    def _flush_program(self) -> None:
        if not self._to_program:
            return
        try:
            del self._to_program[: os.write(self._master, self._to_program[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            self._to_program.clear()

    def _rest(self) -> None:
        """What the program printed before it ended. Others may still have its terminal open, and are not waited for long."""
        while select.select([self._master], [], [], LINGER_S)[0] and self._output():
            pass

    def _hear(self) -> bool:
        """True when the program has ended, or can no longer be heard of."""
        try:
            data = os.read(self._told_fd, 4096)
        except BlockingIOError:
            return False
        self._told += data
        while b"\n" in self._told:
            line, _, rest = bytes(self._told).partition(b"\n")
            self._told[:] = rest
            word, _, number = line.partition(b" ")
            if word == b"failed":
                raise NotStartedError(int(number))
            if word == b"ended":
                self._status = int(number)
                return True
            self._stop()
        return not data

    def _hear_last(self) -> None:
        while select.select([self._told_fd], [], [], 1.0)[0] and not self._hear():
            pass

    def _stop(self) -> None:
        """The program was stopped, and so are we; when the shell wakes us, both go on."""
        self._to_screen += self._sieve.release()
        self._flush_screen()
        self._cooked()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # comes to nothing where no shell could wake us
        signal.signal(signal.SIGTSTP, self._caught)
        with suppress(termios.error):
            self._modes = termios.tcgetattr(0)
        self._raw()
        copy_size(0, self._master)
        with suppress(OSError):
            os.write(self._orders, GO_ON)

    def _signals(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake, 4096)
        while self._pending:
            number = self._pending.pop(0)
            if number == signal.SIGWINCH:
                copy_size(0, self._master)
            else:
                self._forward(number)

    def _forward(self, number: int) -> None:
        """To whatever runs in the foreground of the inner terminal."""
        with suppress(OSError, termios.error):
            os.killpg(os.tcgetpgrp(self._master), number)


def status_of(error: NotStartedError) -> int:
    return NOT_FOUND if error.errno == 2 else NOT_STARTED


def become(argv: Sequence[str]) -> int:
    """The program in our place; only comes back where it cannot be started, with the status for that."""
    try:
        unignore()
        os.execvp(argv[0], list(argv))  # noqa: S606 - the user's own program
    except OSError as error:
        print(f"wa run: {argv[0]}: {error.strerror}", file=sys.stderr)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_STARTED
