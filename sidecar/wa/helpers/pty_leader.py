"""The process between the terminal's shim and the program: leader of the inner session, parent of the program.

A program whose parent stands outside its session cannot be stopped by Ctrl-Z (its process group would be orphaned), so the
program is started from within. The leader tells what becomes of it, one word a line: `stopped`, `ended STATUS`, `failed ERRNO`.
"""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import termios
from collections.abc import Sequence
from typing import Any, NoReturn

PYTHONS_OWN = (signal.SIGPIPE, signal.SIGXFSZ)
"""Python ignores these, and what is ignored stays so in the program that comes after."""
GO_ON = b"c"


def lead(slave: int, told: int, orders: int, argv: Sequence[str]) -> NoReturn:
    """Runs in a fresh child, never comes back. *told* is written to, *orders* read; both close on exec."""
    try:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for number in (0, 1, 2):
            os.dup2(slave, number)
        signal.set_wakeup_fd(-1)
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        program = os.fork()
        if program == 0:
            _become(told, argv, before)
        _foreground(program)
        _watch(program, told, orders)
    finally:
        os._exit(1)


def unignore() -> None:
    """Right before another program takes the place of Python."""
    for number in PYTHONS_OWN:
        signal.signal(number, signal.SIG_DFL)


def _become(told: int, argv: Sequence[str], on_ttou: Any) -> NoReturn:
    try:
        _foreground(os.getpid())
        signal.signal(signal.SIGTTOU, on_ttou)
        unignore()
        os.execvp(argv[0], list(argv))  # noqa: S606 - the user's own program
    except OSError as error:
        os.write(told, b"failed %d\n" % (error.errno or 0))
    finally:
        os._exit(127)


def _foreground(pid: int) -> None:
    """Both parent and child do this: whoever comes first."""
    try:
        os.setpgid(pid, pid)
        os.tcsetpgrp(0, pid)
    except OSError:
        pass  # the other one did, and the program has been started or is gone


def _watch(program: int, told: int, orders: int) -> None:
    while True:
        _, status = os.waitpid(program, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            os.write(told, b"ended %d\n" % status)
            return
        os.write(told, b"stopped\n")
        if os.read(orders, 1) != GO_ON:
            return
        try:
            os.tcsetpgrp(0, program)
            os.killpg(program, signal.SIGCONT)
        except OSError:
            pass  # it was killed meanwhile; the next wait says so


def copy_size(source: int, target: int) -> None:
    """The kernel tells the programs there."""
    try:
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, b"\0" * 8)
        if struct.unpack("HHHH", size)[:2] != (0, 0):
            fcntl.ioctl(target, termios.TIOCSWINSZ, size)
    except OSError:
        pass  # the terminal has gone
