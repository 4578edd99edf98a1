"""What Linux says of a process in /proc (proc(5)), for those who look for the programs of a terminal."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
GROUP, SESSION, TTY, FOREGROUND_GROUP = 2, 3, 4, 5
"""Places in what `stat_fields` gives."""


def stat_fields(proc: Path, pid: int) -> list[bytes] | None:
    """What follows the command in PID/stat: state ppid pgrp session tty_nr tpgid and so on. The command may hold blanks and parentheses.

    None for a process that is gone.
    """
    try:
        raw = (proc / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    return raw[raw.rfind(b")") + 1 :].split()


def kernel_number(device: int) -> int:
    """`st_rdev` in the form of tty_nr (which stat may print with a sign): minor bits 0-7 and 20-31, major bits 8-15."""
    major, minor = os.major(device), os.minor(device)
    return (minor & 0xFF) | (major << 8) | ((minor & 0xFFF00) << 12)


def terminal_number(tty_name: str | None) -> int | None:
    """The `kernel_number` of the terminal at this path; None where there is none."""
    try:
        return kernel_number(os.stat(tty_name or "").st_rdev)  # noqa: PTH116 - asked once for each pane
    except OSError:
        return None
