"""A shell in a terminal of its own: what it printed, taken apart, and keys for it."""

from __future__ import annotations

import base64
import fcntl
import os
import re
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

WITHIN_S = 15.0
SCRIPTS = Path(__file__).parents[2] / "shell_integration"
SHELLS = ("bash", "zsh", "fish")
_OSC = re.compile(rb"\x1b\]([^\x07\x1b]*(?:\x1b(?!\\)[^\x07\x1b]*)*)(?:\x07|\x1b\\)", re.DOTALL)
_CSI = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>()][0B]?")


class Terminal:
    """`said` is all that came out of it since the start."""

    def __init__(self, master: int, process: subprocess.Popen[bytes], tty: str) -> None:
        self.master, self.process, self.tty = master, process, tty
        self.said = b""

    def type(self, keys: str | bytes) -> None:
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            readable, writable, _ = select.select([self.master], [self.master], [], WITHIN_S)
            assert readable or writable, "the shell takes no keys"
            if readable:
                self.take()
            if writable:
                data = data[os.write(self.master, data[:512]) :]

    def take(self) -> bool:
        """False when the terminal has ended."""
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return False
        self.said += data
        for question, answer in ((b"\x1b[c", b"\x1b[?62c"), (b"\x1b[0c", b"\x1b[?62c")):
            if question in data:
                os.write(self.master, answer)
        return bool(data)

    def wait(self, condition: Callable[[], object], what: str = "it") -> None:
        end = time.monotonic() + WITHIN_S
        while not condition():
            left = end - time.monotonic()
            assert left > 0, f"{what} did not come; the last that did: {self.said[-1500:]!r}"
            if select.select([self.master], [], [], min(left, 0.2))[0] and not self.take():
                assert condition(), f"{what} did not come before the end; the last that did: {self.said[-1500:]!r}"

    def insist(self, keys: str, condition: Callable[[], object]) -> None:
        """Types *keys*, again where nothing comes of it: fish 3.6 drops an interrupt while it draws."""
        end = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < end, f"{keys!r} had no effect; the last that came: {self.said[-1500:]!r}"
            self.type(keys)
            while not condition() and select.select([self.master], [], [], 0.5)[0] and self.take():
                pass

    def run(self, line: str | bytes) -> dict[str, str]:
        """Types a line and waits for the prompt behind it; what WA_DONE said."""
        before, prompts = len(self.vars("WA_DONE")), self.prompts
        self.type((line.encode() if isinstance(line, str) else line) + b"\r")
        self.wait(lambda: len(self.vars("WA_DONE")) > before and self.prompts > prompts, f"the end of {line!r}")
        return self.vars("WA_DONE")[-1]

    def ends(self) -> int:
        """The exit status, once all is read."""
        end = time.monotonic() + WITHIN_S
        while select.select([self.master], [], [], max(end - time.monotonic(), 0))[0] and self.take():
            pass
        return self.process.wait(WITHIN_S)

    @property
    def oscs(self) -> list[str]:
        return [found.decode("utf-8", "replace") for found in _OSC.findall(self.said)]

    @property
    def marks(self) -> list[str]:
        """The letters of OSC 133 with what stands behind them."""
        return [osc[4:] for osc in self.oscs if osc.startswith("133;")]

    @property
    def prompts(self) -> int:
        """How many prompts stand there ready for keys: B ends each."""
        return self.marks.count("B")

    @property
    def shown(self) -> str:
        """The text without any sequence."""
        return _CSI.sub(b"", _OSC.sub(b"", self.said)).decode("utf-8", "replace")

    def values(self, name: str) -> list[str]:
        head = f"1337;SetUserVar={name}="
        return [
            base64.b64decode(osc.removeprefix(head), validate=True).decode()
            for osc in self.oscs
            if osc.startswith(head)
        ]

    def vars(self, name: str) -> list[dict[str, str]]:
        """Each value taken apart as docs/protocol/pane-vars.md says."""
        return [parse(value) for value in self.values(name)]

    @property
    def commands(self) -> list[str | None]:
        """The command lines told; None where the text was withheld."""
        return [told.get("c") for told in self.vars("WA_CMD")]


def parse(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    while value:
        key, _, rest = value.partition("=")
        if key == "c":
            return found | {"c": rest}
        found[key], _, value = rest.partition(";")
    return found


def need(program: str) -> str:
    """The path of *program*, or a skipped test."""
    import pytest

    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not on PATH")
    return path


def environment(home: Path, **more: str) -> dict[str, str]:
    runtime = home / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    fixed = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    return fixed | {"XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(runtime), "SHELL": "/bin/sh"} | more


@contextmanager
def terminal(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, *, cols: int = 200, stdout: int | None = None
) -> Iterator[Terminal]:
    """*argv* as the leader of a session with a terminal; killed at the end of the block."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, cols, 0, 0))
    process = subprocess.Popen(
        argv,
        stdin=slave,
        stdout=slave if stdout is None else stdout,
        stderr=slave,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    tty = os.ttyname(slave)
    os.close(slave)
    try:
        yield Terminal(master, process, tty)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def start_of(shell: str, home: Path, *, before: str = "", after: str = "", program: str | None = None) -> list[str]:
    """How *shell* is started with a start-up file of its own: *before*, wa's script, *after*."""
    script = f"source {SCRIPTS / f'wa.{shell}'}\n"
    text = "\n".join([before, script, after, ""])
    if shell == "bash":
        (home / ".bashrc").write_text(f"PS1='ready> '\n{text}")
        return [program or need("bash"), "--noprofile", "--rcfile", str(home / ".bashrc"), "-i"]
    if shell == "zsh":
        (home / ".zshrc").write_text(f"PS1='ready> '\n{text}")
        return [program or need("zsh"), "-d", "-i"]
    config = home / ".config" / "fish"
    config.mkdir(parents=True, exist_ok=True)
    plain = "function fish_prompt; echo -n 'ready> '; end\nfunction fish_greeting; end\n"
    (config / "config.fish").write_text(plain + text)
    return [program or need("fish"), "-i"]


@contextmanager
def shell_in(
    shell: str,
    home: Path,
    *,
    before: str = "",
    after: str = "",
    program: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    """A shell with wa's script at its first prompt."""
    argv = start_of(shell, home, before=before, after=after, program=program)
    with terminal(argv, environment(home, **(env or {})), home) as found:
        found.wait(lambda: found.prompts, "the first prompt")
        yield found
