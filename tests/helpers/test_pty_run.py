"""`wa run` in real terminals: nothing changes but that reports are heard."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgpack
import pytest

from shell.terminal import Terminal, environment, terminal
from support.listener import Listener

SIDECAR = Path(__file__).parents[2] / "sidecar"
WA = (sys.executable, "-m", "wa", "run", "--")
PYTHON = (sys.executable, "-I", "-S", "-c")
RAW = "import sys,os,tty;tty.setraw(0);print('up',end='',flush=True);"


def surroundings(home: Path) -> dict[str, str]:
    return environment(home, WA_HOME=str(home / "wa"), PYTHONPATH=str(SIDECAR), PS1="$ ", ENV="")


@contextmanager
def running(home: Path, *argv: str) -> Iterator[Terminal]:
    with terminal([*WA, *argv], surroundings(home), home) as found:
        yield found


def result(home: Path, *argv: str) -> tuple[int, str]:
    with running(home, *argv) as term:
        return term.ends(), term.said.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("echo done; exit 255", 255)],
)
def test_the_status_is_the_programs(tmp_path: Path, script: str, status: int) -> None:
    """Its exit status; 128 and the signal that ended it."""
    assert result(tmp_path, "sh", "-c", script)[0] == status


@pytest.mark.parametrize(("name", "status"), [("./no-such-program", 127), ("/etc/passwd", 126)])
def test_a_program_that_cannot_be_started(tmp_path: Path, name: str, status: int) -> None:
    """127 and 126 as from a shell, with the reason."""
    found, said = result(tmp_path, name)

    assert (found, f"wa run: {name}: " in said) == (status, True)


def test_every_byte_passes_both_ways(tmp_path: Path) -> None:
    """All 256, through raw terminals: typed ones reach the program, printed ones the screen."""
    every = bytes(range(256))
    script = f"{RAW}d=b''\nwhile len(d)<256: d+=os.read(0,256)\nos.write(1,b'<'+d+b'>')"
    with running(tmp_path, *PYTHON, script) as term:
        term.wait(lambda: b"up" in term.said)
        term.type(every)
        assert term.ends() == 0

    assert term.said == b"up<" + every + b">"


def test_the_last_bytes_of_a_program_are_not_lost(tmp_path: Path) -> None:
    """A megabyte, and then the end: all of it arrives, ten times over."""
    for _ in range(10):
        script = "import os,tty;tty.setraw(1)\nd=b'x'*1000000\nwhile d: d=d[os.write(1,d):]"
        assert result(tmp_path, *PYTHON, script) == (0, "x" * 1_000_000)


def test_the_size_is_the_terminals(tmp_path: Path) -> None:
    """At the start, and after each change, which the program is told of."""
    script = (
        "import os,signal\nsize=lambda *_: os.write(1,b'%d %d\\n' % os.get_terminal_size(1))\n"
        "signal.signal(signal.SIGWINCH,size);size()\nwhile True: signal.pause()"
    )
    with running(tmp_path, *PYTHON, script) as term:
        term.wait(lambda: "200 50" in term.shown)
        fcntl.ioctl(term.master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        term.wait(lambda: "99 33" in term.shown)


def test_job_control_is_the_shells(tmp_path: Path) -> None:
    """Ctrl-Z stops the program and gives the shell its prompt and its modes; `fg` goes on where it was."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not on PATH")
    with terminal([bash, "--norc", "--noprofile", "-i"], surroundings(tmp_path), tmp_path) as term:
        term.wait(lambda: term.shown.endswith("$ "))
        term.type("stty -g > before\r")
        term.type(" ".join((*WA, "cat")) + "\r")
        term.wait(lambda: foreground_is(term, "wa"))
        term.type("one\r")
        term.wait(lambda: term.shown.count("one\r\n") == 2)
        term.type("\x1a")
        term.wait(lambda: "Stopped" in term.shown)
        term.type("stty -g > after; jobs\r")
        term.wait(lambda: term.shown.count("Stopped") == 2)
        term.type("fg\r")
        term.wait(lambda: foreground_is(term, "wa"))
        term.type("two\r")
        term.wait(lambda: term.shown.count("two\r\n") == 2)
        term.type("\x04")
        term.wait(lambda: term.shown.endswith("$ "))
        term.type("echo status=$?; stty -g > last; exit\r")
        term.ends()

    assert "status=0" in term.shown
    modes = [(tmp_path / name).read_text() for name in ("before", "after", "last")]
    assert modes[0] == modes[1] == modes[2]


def foreground_is(term: Terminal, name: str) -> bool:
    """Whether the foreground of the terminal is a Python that runs wa, and its modes are raw."""
    pid = os.tcgetpgrp(term.master)
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return name.encode() in words and not termios.tcgetattr(term.master)[3] & termios.ICANON


def test_ctrl_c_reaches_the_program_alone(tmp_path: Path) -> None:
    """It interrupts what runs inside; the shim tells its status."""
    with running(tmp_path, "sh", "-c", "echo up; exec sleep 100") as term:
        term.wait(lambda: "up" in term.shown)
        term.type("\x03")
        assert term.ends() == 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_handed_on(tmp_path: Path, number: signal.Signals) -> None:
    """What is sent to the shim reaches the program, which may say something yet; the modes are given back."""
    # Not by a handler and a pause: a signal that comes between the two is slept over.
    script = (
        f"import signal,os\nsignal.pthread_sigmask(signal.SIG_BLOCK,[{int(number)}]);os.write(1,b'up\\n')\n"
        f"os.write(1,b'got %d\\n' % signal.sigwait([{int(number)}]));os._exit(9)"
    )
    with running(tmp_path, *PYTHON, script) as term:
        term.wait(lambda: "up" in term.shown)
        term.process.send_signal(number)
        assert (term.ends(), term.shown) == (9, f"up\r\ngot {int(number)}\r\n")

        assert termios.tcgetattr(term.master)[3] & termios.ICANON


def test_a_terminal_that_goes_takes_the_program_along(tmp_path: Path) -> None:
    """A closed pane ends what ran in it, and the shim."""
    with running(tmp_path, "sh", "-c", "echo $$ > pid; echo up; exec sleep 1000") as term:
        term.wait(lambda: "up" in term.shown)
        pid = int((tmp_path / "pid").read_text())
        handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
        keep = os.dup(term.master)
        os.close(keep)
        os.dup2(os.open(os.devnull, os.O_RDWR), term.master)  # the last holder of the terminal lets go
        assert term.process.wait(15) == 129
        if handle is not None:
            import select

            assert select.select([handle], [], [], 15)[0], "the program lives on"
            os.close(handle)


def test_without_a_terminal_the_program_takes_our_place(tmp_path: Path) -> None:
    """In a pipe there is nothing to pass through: same process, same bytes."""
    argv = [*WA, "sh", "-c", "echo $$; cat; exit 3"]
    with subprocess.Popen(argv, env=surroundings(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        said, _ = process.communicate(b"\x1b]7501;state=idle\x07")

    assert (f"{process.pid}\n".encode() + b"\x1b]7501;state=idle\x07", 3) == (said, process.returncode)


def test_the_program_ignores_no_signal_that_the_user_did_not(tmp_path: Path) -> None:
    """Python's own ways with SIGPIPE and SIGXFSZ do not reach it; what was ignored before stays ignored."""
    words = ("grep", "^Sig[IB]", "/proc/self/status")
    env = surroundings(tmp_path)
    for prefix in ("", "trap '' HUP USR1; "):
        run = f"{prefix}exec {' '.join(words)}"
        plain = subprocess.run(["sh", "-c", run], env=env, capture_output=True, text=True, check=True).stdout
        behind = f"{prefix}exec {' '.join((*WA, *words))}"
        piped = subprocess.run(["sh", "-c", behind], env=env, capture_output=True, text=True, check=True).stdout
        with terminal(["sh", "-c", behind], env, tmp_path) as term:
            assert term.ends() == 0

        assert piped == plain
        assert term.shown.replace("\r", "") == plain


def test_the_query_is_answered(tmp_path: Path) -> None:
    """With the very bytes, and the screen sees neither."""
    query = b"\x1b]7501;?\x1b\\"
    script = f"{RAW}os.write(1,{query!r})\nd=b''\nwhile len(d)<{len(query)}: d+=os.read(0,99)\nprint(d==({query!r}))"
    assert result(tmp_path, *PYTHON, script) == (0, "upTrue\n")


def test_a_beginning_that_stays_one_passes_soon(tmp_path: Path) -> None:
    """A lone Escape, and a report torn in the middle, are shown though nothing follows."""
    script = f"{RAW}os.write(1,b'a\\x1b');os.read(0,1);os.write(1,b']7501;sta');os.read(0,1)"
    with running(tmp_path, *PYTHON, script) as term:
        term.wait(lambda: term.said == b"upa\x1b")
        term.type("x")
        term.wait(lambda: term.said == b"upa\x1b]7501;sta")
        term.type("x")
        assert term.ends() == 0


REPORTING = (
    r"printf '\033]7501;state=working\007mid\033]7501;state=working\007"
    r"\033]7501;state=blocked:kind=permission:msg=Z28/\033\\'; exit 4"
)


def test_changes_are_told_to_the_sidecar(tmp_path: Path) -> None:
    """Each once, with terminal, ancestors and program; the screen shows the rest."""
    listener = Listener(tmp_path / "wa" / "run" / "sidecar.sock")
    with running(tmp_path, "sh", "-c", REPORTING) as term:
        assert term.ends() == 4
    listener.close()

    assert term.said == b"mid"
    assert [(frame["state"], frame["detail"], frame["message"]) for frame in listener.frames] == [
        ("working", None, None),
        ("blocked", "permission", "go?"),
    ]
    frame = listener.frames[0]
    assert (frame["kind"], frame["source"], frame["name"], frame["argv0"]) == ("event", "program", "state", "sh")
    assert (frame["tty"], frame["pids"][-1:] != []) == (term.tty, True)
    assert len({frame["key"] for frame in listener.frames}) == 2


def test_without_a_sidecar_they_wait_in_the_spool(tmp_path: Path) -> None:
    """Frames, whole, for the next start."""
    assert result(tmp_path, "sh", "-c", REPORTING)[0] == 4

    data = (tmp_path / "wa" / "state" / "spool").read_bytes()
    size = int.from_bytes(data[:4], "big")
    assert msgpack.unpackb(data[4 : 4 + size])["state"] == "working"


@pytest.mark.parametrize("editor", ["vim", "nano"])
def test_a_program_of_the_whole_screen(tmp_path: Path, editor: str) -> None:
    """An editor starts, writes a file, and leaves."""
    if shutil.which(editor) is None:
        pytest.skip(f"{editor} is not on PATH")
    words = [editor, "-u", "NONE", "text"] if editor == "vim" else [editor, "-I", "text"]
    with running(tmp_path, *words) as term:
        term.wait(lambda: b"\x1b[?1049h" in term.said and "text" in term.shown)
        term.type("ihello\x1b:wq\r" if editor == "vim" else "hello\x0f\r\x18")
        assert term.ends() == 0

    assert (tmp_path / "text").read_text().strip() == "hello"
