import fcntl
import os
import pty
import struct
import sys
import time

import pytest

from wa.detect.program import asks_for_commands
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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.parametrize(
    ("argv", "stays"),
    [(["bash", "--norc", "-i"], True), (["bash", "--norc", "-c", "set -m; sleep 100; :"], False)],
)
def test_a_terminal_is_anchored_while_a_shell_waits_behind_the_program(argv, stays):
    """A shell that was given a command to run ends with it; one that asks for commands does not."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv("/bin/bash", argv)
    tty, look = terminal_of(master), Foreground()
    try:
        give_up = time.monotonic() + 10
        if stays:
            while (found := look.of(tty)) is None or found.name != "bash":
                assert time.monotonic() < give_up
                time.sleep(0.02)
            assert not look.is_anchored(tty), "the shell itself is in front: `exit` ends it"
            os.write(master, b"sleep 100\n")
        while (found := look.of(tty)) is None or found.name != "sleep":
            assert time.monotonic() < give_up, found
            time.sleep(0.02)
        assert look.is_anchored(tty) is stays
    finally:
        os.write(master, b"\x03\nexit\n")
        os.close(master)
        os.waitpid(pid, 0)
    assert not look.is_anchored(tty)


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        (["-bash"], True),
        (["/usr/bin/fish", "-l"], True),
        (["zsh", "--login", "-i"], True),
        (["bash", "-lc", "make"], False),
        (["sh", "build.sh"], False),
        (["python3", "-i"], False),
        ([""], False),
    ],
)
def test_shells_that_ask_for_commands_are_known_by_their_arguments(words, asks):
    """A login shell has none; whatever could be something to run counts as that."""
    assert asks_for_commands(words) is asks
