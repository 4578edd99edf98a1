import fcntl
import os
import pty
import struct
import sys
import time

import pytest

from wa.engine.foreground import Command, Foreground, parse_ps


def terminal_of(master):
    """`/dev/pts/N` of a pty's master side (tty_ioctl(4): TIOCGPTN)."""
    return f"/dev/pts/{struct.unpack('I', fcntl.ioctl(master, 0x80045430, bytes(4)))[0]}"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_names_the_program_in_front_of_a_real_terminal():
    """First the shell, then the program it runs, then the shell again."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv("/bin/bash", ["bash", "--norc", "-i"])
    tty, look = terminal_of(master), Foreground()

    def until(name):
        give_up = time.monotonic() + 10
        while (found := look.of(tty)) is None or found.name != name:
            assert time.monotonic() < give_up, found
            time.sleep(0.02)
        return found

    try:
        until("bash")
        os.write(master, b"sleep 100\n")
        assert until("sleep") == Command("sleep", "sleep 100")
        os.write(master, b"\x03")
        until("bash")
    finally:
        os.write(master, b"\x03\nexit\n")
        os.close(master)
        os.waitpid(pid, 0)
    assert look.of(tty) is None


def test_reads_what_ps_prints():
    """Where there is no /proc; macOS leaves `tty` out of the names."""
    listed = "??       Ss   /sbin/launchd\ns003     Ss   -zsh\ns003     S+   /usr/bin/ssh me@host\nttys004  S+   vim\n"

    assert parse_ps(listed, "/dev/ttys003") == Command("ssh", "/usr/bin/ssh me@host")
    assert parse_ps(listed, "/dev/ttys004") == Command("vim", "vim")
    assert parse_ps(listed, "/dev/ttys005") is None


def test_a_tty_that_does_not_exist_says_nothing():
    """A pane that went away in the meantime."""
    assert Foreground().of("/dev/pts/99999999") is None
