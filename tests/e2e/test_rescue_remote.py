"""`wa rescue --host` through a real ssh and a real sshd on loopback, where neither wa nor a living multiplexer is needed."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.rescue_stage import MISSING, SERVER, TALKER, Stage, stage, start_of, until
from wezterm.sshd import SSHD, RemoteHost, remote_host

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.skipif(SSHD is None, reason="sshd is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="reptyr and /proc are Linux's"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed here: {', '.join(MISSING)}"),
]
UNTRACED = "setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace"
NAME = "build-7"


class Far:
    """A host, its multiplexer, and a user with a home of their own here."""

    def __init__(self, mux: Stage, host: RemoteHost, home: Path, scope: Path) -> None:
        self.mux, self.scope = mux, scope
        (home / "bin").mkdir(parents=True)
        wrapper = home / "bin" / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec {" ".join([str(shutil.which("ssh")), *host.client()[1:]])} "$@"\n')
        wrapper.chmod(0o755)
        env = {**mux.env, "HOME": str(home), "WA_HOME": str(home / "wa")}
        self.near = Stage(home, env, mux.mux, mux.cli, mux.socket, children=mux.children)
        self.near.env["PATH"] = f"{home / 'bin'}:{mux.env['PATH']}"

    def wa(self, *words: str, status: int = 0) -> Any:
        return self.near.wa("--host", NAME, *words, status=status)

    @property
    def journals(self) -> Path:
        return self.mux.home / ".local" / "share" / "wa" / "rescue"


@pytest.fixture
def far() -> Iterator[Far]:
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root without setpriv: ptrace_scope would not matter to it")
    with tempfile.TemporaryDirectory(prefix="wa-r-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        scope = folder / "ptrace_scope"
        scope.write_text("1\n")
        less = UNTRACED if os.getuid() == 0 else ""
        with remote_host(folder) as host, stage(host.home, embedded=SERVER is None, prefix=tuple(less.split())) as mux:
            wrapper = host.home / "wrapper"
            lines = wrapper.read_text().replace("exec /bin/sh", f"exec {less} /bin/sh")
            exports = f"export TMUX_TMPDIR={host.home} WA_PTRACE_SCOPE={scope} LANG=C.UTF-8\nexec"
            wrapper.write_text(exports.join(lines.rsplit("exec", 1)))
            yield Far(mux, host, folder / "near", scope)


def test_a_program_on_another_host_outlives_its_multiplexer(far: Far) -> None:
    """Diagnosed, moved, checked and reported by ssh alone; it takes what is typed in tmux there."""
    talker = far.mux.spawn(sys.executable, "-c", TALKER)
    tty, born = far.mux.tty_of(talker), start_of(talker)
    seen = far.wa("--server", str(far.mux.pid))
    assert seen["host"] == NAME
    assert [one["pid"] for one in seen["servers"]] == [far.mux.pid]

    result = far.wa("--move", tty, "--server", str(far.mux.pid), "--yes")

    pane = next(pane for pane in result["panes"] if pane["tty"] == tty)
    assert pane["outcome"] == "moved"
    assert far.scope.read_text() == "1\n"
    far.mux.kill_mux()
    window = pane["window"]
    far.mux.tmux("send-keys", "-t", window, "good morning", "Enter")
    until(lambda: "heard good morning" in far.mux.screen(window))
    assert start_of(talker) == born
    assert far.wa("--report")["panes"] == result["panes"]


def test_a_noisy_shell_does_not_garble_what_is_read(far: Far) -> None:
    """Whatever the host's rc files print is passed over."""
    (far.mux.home / "greeting").write_text("Welcome!\nwa is not what this line is about\n\x1b[31mwa\t\n")

    seen = far.wa("--server", str(far.mux.pid))

    assert [one["pid"] for one in seen["servers"]] == [far.mux.pid]


@pytest.mark.parametrize("moment", ["lowered", "moves"])
def test_a_connection_that_is_lost_leaves_nothing_behind(far: Far, moment: str) -> None:
    """ssh killed in the middle: the host puts ptrace_scope back by itself, every process lives, and the report names it."""
    leaders = [far.mux.spawn(sys.executable, "-c", TALKER) for _ in range(3)]
    ttys = [far.mux.tty_of(leader) for leader in leaders]
    born = [start_of(leader) for leader in leaders]
    wa = far.near.start("--host", NAME, "--move", *ttys, "--server", str(far.mux.pid), "--yes")
    until(lambda: wa.poll() is not None or any(far.journals.glob(f"*/{moment}")))
    ssh = Path(f"/proc/{wa.pid}/task/{wa.pid}/children").read_text().split()
    wa.kill()
    for pid in ssh:
        os.kill(int(pid), signal.SIGKILL)

    until(lambda: far.scope.read_text() == "1\n", why="ptrace_scope was left open")
    until(lambda: far.wa("--report")["state"] != "running", within_s=40)

    assert [start_of(leader) for leader in leaders] == born
    panes = {pane["tty"]: pane for pane in far.wa("--report")["panes"]}
    for tty, leader in zip(ttys, leaders, strict=True):
        assert (panes[tty]["leader"], panes[tty]["alive"]) == (leader, True)
        assert panes[tty]["outcome"] in ("moved", "stayed")


def test_a_multiplexer_that_is_dead_already_is_told_apart(far: Far) -> None:
    """Its programs are gone with it: the diagnosis says that nothing can be brought back, and how to start anew."""
    far.mux.kill_mux()

    seen = far.wa()

    stale = next(one for one in seen["symptoms"] if one["symptom"] == "A socket's file without a server")
    assert any(str(far.mux.socket) in line for line in stale["seen"])
    refused = far.wa("--move", "pts/99999", "--yes", status=3)
    assert refused["code"] == "not_found"
