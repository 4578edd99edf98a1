"""`wa setup remote` as a user runs it, to hosts on loopback."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from support.ssh_hosts import SSHD, Host, Hosts, free_port, ssh_hosts
from wa.api.shapes import load
from wa.protocol.results_setup import HostResult, HostsResult
from wa.surfaces.output import Terminal
from wa.surfaces.setup_remote import render

ENVELOPE = Draft202012Validator(load("envelope"))


class User:
    def __init__(self, hosts: Hosts, host: Host) -> None:
        self.host = host
        home = hosts.root / "me"
        (home / ".ssh").mkdir(parents=True)
        (home / ".ssh" / "config").write_text(hosts.config.read_text())
        self.env = {"HOME": str(home), "PATH": hosts.path, "LANG": "C.UTF-8", "TERM": "dumb"}
        self.env["XDG_RUNTIME_DIR"] = str(home / "r")

    def wa(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "wa", "setup", *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def type(self, *words: str, answers: dict[str, str]) -> str:
        """On a terminal: each answer after its question."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(sys.executable, [sys.executable, "-P", "-m", "wa", "setup", *words], self.env)
        said, waiting = "", list(answers.items())
        end = time.monotonic() + 90
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    piece = os.read(terminal, 65536)
                except OSError:
                    break
                if not piece:
                    break
                said += piece.decode()
            if waiting and waiting[0][0] in said:
                os.write(terminal, f"{waiting.pop(0)[1]}\n".encode())
        os.waitpid(pid, 0)
        os.close(terminal)
        return said


@pytest.fixture
def user() -> Iterator[User]:
    with ssh_hosts() as (hosts, add):
        host = add("build-7")
        host.have_wezterm()
        host.have_manager()
        hosts.name("dead", free_port())
        yield User(hosts, host)


@pytest.mark.ssh
@pytest.mark.skipif(SSHD is None, reason="sshd is not installed")
def test_shown_made_listed_and_taken_back(user: User) -> None:
    """--dry-run changes nothing, --yes makes it, the history names the host, undo takes it back there."""
    shown = user.wa("remote", "build-7", "--no-wa", "--dry-run")
    assert "+ExecStart=" in shown
    assert "Nothing was changed." in shown
    assert list(user.host.home.iterdir()) == []

    made = user.wa("remote", "--remotes", "build-7", "--no-wa", "--yes")
    assert "in order" in made
    assert "To take it back: wa setup undo 2" in made
    assert "wa setup remote on build-7: made" in user.wa("history")
    assert "Nothing to change" in user.wa("remote", "build-7", "--no-wa", "--dry-run")

    assert "is taken back" in user.wa("undo", "--yes")
    assert [path for path in user.host.home.rglob("*") if path.is_file() and ".cache" not in path.parts] == []
    assert user.host.list_panes().returncode == 0
    assert sorted(path.name for path in Path(user.env["HOME"]).rglob("*") if path.parent.name != ".ssh") == [".ssh"]


@pytest.mark.ssh
@pytest.mark.skipif(SSHD is None, reason="sshd is not installed")
def test_programs_get_one_envelope(user: User) -> None:
    """By the published schema; status 1 where a host has a trouble, and the others are set up."""
    found = json.loads(user.wa("remote", "build-7", "dead", "--no-wa", "--yes", "--json", status=1))

    ENVELOPE.validate(found)
    Draft202012Validator(load("setup-remote")).validate(found["data"])
    good, dead = found["data"]["hosts"]
    assert (good["server"], good["trouble"], good["reachable"]) == ("unit", None, True)
    assert (dead["reachable"], dead["plan"]) == (False, None)
    assert "refused" in dead["trouble"]


@pytest.mark.ssh
@pytest.mark.skipif(SSHD is None, reason="sshd is not installed")
def test_a_menu_and_a_question(user: User) -> None:
    """Without hosts the files' hosts are offered; what is picked is shown, and made after a yes."""
    user.env["COLUMNS"] = "160"
    said = user.type("remote", "--no-wa", answers={"nothing for none": "build-7", "Set up 1 host?": "y"})
    menu = said.partition("Which ones?")[0]

    assert re.search(r"build-7 .*WezTerm .*unit absent; .*no wa", menu)
    assert re.search(r"dead .*refused", menu)
    assert "in order" in said
    assert (user.host.home / ".wezterm.lua").exists()

    refused = user.type("remote", "--no-wa", answers={"nothing for none": ""})
    assert "Nothing was changed." in refused


@pytest.mark.ssh
@pytest.mark.skipif(SSHD is None, reason="sshd is not installed")
def test_a_no_changes_nothing(user: User) -> None:
    """The question is asked before anything is written, there and here."""
    user.type("remote", "build-7", "--no-wa", answers={"Set up 1 host?": "n"})

    assert list(user.host.home.iterdir()) == []
    assert "no plan" in user.wa("history")


def test_without_a_terminal_hosts_must_be_named(tmp_path: Path) -> None:
    """Nobody can be asked: status 2, and the option is named."""
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "wa", "setup", "remote"],
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )

    assert done.returncode == 2
    assert "--remotes a,b" in done.stderr


def host(**fields: Any) -> HostResult:
    known: dict[str, Any] = dict.fromkeys(HostResult.__annotations__)
    return known | {"host": "h", "found_in": [], "elapsed_ms": 1.0, "reachable": True} | fields  # type: ignore[return-value]


def test_what_a_host_says_is_harmless() -> None:
    """Escape sequences in its answers do not reach the terminal."""
    bad = host(trouble="\x1b]0;evil\x07no", next_step="\x1b[2Jlook", system="\x1b[31mLinux", host="a\x1bb")
    result = HostsResult(here="\x1b[1mx", hosts=[bad], notes=[])

    text = "\n".join(render(result, Terminal(None, False), plans=True))

    assert "\x1b" not in text
    assert "\x07" not in text


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_table_fits(columns: int) -> None:
    """Names, server, state stay; the rest goes where it is narrow."""
    good = host(system="Linux x86_64", wezterm="20240203-1-a", codec=42, server="adopted", unit="enabled", wa="0.1.0")
    lines = render(HostsResult(here="x", hosts=[good], notes=[]), Terminal(columns, False), plans=False)

    assert all(len(line) <= columns for line in lines)
    assert any("in order"[:7] in line for line in lines)
