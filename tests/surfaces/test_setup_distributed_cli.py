"""`wa setup distributed` as a person and as a program runs it, against a real sshd on loopback."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.sidecar import SOURCES
from wa.surfaces.output import Terminal
from wa.surfaces.setup_distributed import render
from wezterm.sshd import SSHD, RemoteHost, remote_host

STATUS = {
    "BackendState": "Running",
    "Self": {"HostName": "mini", "DNSName": "mini.t.ts.net.", "TailscaleIPs": ["100.64.0.1"], "Online": True},
    "Peer": {"a": {"HostName": "odd", "DNSName": "odd.t.ts.net.", "TailscaleIPs": ["100.64.0.3"], "Online": True}},
}
"""After the documented shape of `tailscale status --json`."""

pytestmark = [pytest.mark.ssh, pytest.mark.skipif(SSHD is None, reason="sshd is not installed")]


class Person:
    def __init__(self, folder: Path, remote: RemoteHost) -> None:
        self.home = folder / "home"
        self.bin = folder / "bin"
        (self.home / ".ssh").mkdir(parents=True)
        self.bin.mkdir()
        remote.client()
        known = (remote.keys / "config-True-id").read_text()
        (self.home / ".ssh/config").write_text(known.replace("build-7", "trj") + known.replace("build-7", "csd"))
        (self.home / ".wezterm.lua").write_text(
            "return { ssh_domains = { { name = 'trj', remote_address = 'trj' }, "
            "{ name = 'off', remote_address = '127.0.0.1:1' } } }\n"
        )
        wa = remote.home / "bin/wa"
        wa.write_text('#!/bin/sh\ncase "$1" in --version) echo wa 99.0.0;; *) exit 2;; esac\n')
        wa.chmod(0o755)
        self.env = {
            "HOME": str(self.home),
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "PYTHONPATH": str(SOURCES),
            "TERM": "dumb",
        }

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "wa", "setup", *words]

    def wa(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            self.argv(*words), env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self.wa(*words, "--json", status=status).splitlines()[0])

    def tree(self) -> dict[str, bytes | None]:
        return {
            str(path.relative_to(self.home)): path.read_bytes() if path.is_file() else None
            for path in self.home.rglob("*")
        }

    def talk(self, words: list[str], turns: list[tuple[str, str]]) -> tuple[str, int]:
        """On a terminal: each answer is typed when its question stands. What was seen, and the exit status."""
        child, terminal = pty.fork()
        if child == 0:
            os.execve(sys.executable, self.argv(*words), self.env)
        seen = ""
        for question, answer in turns:
            seen += _until(terminal, question)
            os.write(terminal, answer.encode() + b"\n")
        seen += _until(terminal, None)
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        return seen, os.waitstatus_to_exitcode(status)


def _until(terminal: int, wanted: str | None) -> str:
    """*wanted* None: until it ends."""
    seen = b""
    while wanted is None or wanted.encode() not in seen:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            data = b""
        if not data:
            assert wanted is None, seen.decode()
            break
        seen += data
    return seen.decode()


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[RemoteHost]:
    with remote_host(tmp_path) as host:
        yield host


@pytest.fixture
def person(tmp_path: Path, remote: RemoteHost) -> Person:
    return Person(tmp_path, remote)


def test_a_dry_run_shows_all_and_changes_nothing(person: Person, remote: RemoteHost) -> None:
    """Not even a folder; a host with a trouble makes the status 1."""
    before = person.tree()

    said = person.wa("distributed", "--dry-run", status=1)

    assert "+[[agent.host]]" in said
    assert "a secret: not shown" in said
    assert "cannot be reached" in said
    assert said.rstrip().endswith("Nothing was changed.")
    assert person.tree() == before
    assert not (remote.home / ".config").exists()


def test_programs_get_one_envelope(person: Person) -> None:
    """With each host's trouble and next step in it, and no secret."""
    done = person.json("distributed", "--remotes", "trj,off", "--yes", status=1)

    assert done["meta"]["schema"] == "wa.setup-distributed/1"
    trj, off = done["data"]["hosts"]
    assert (trj["trouble"], trj["plan"]["state"]) == (None, "finished")
    assert off["plan"] is None
    assert off["next_step"]
    token = (person.home / ".config/wa/tokens/trj").read_text().strip()
    assert token not in json.dumps(done)
    assert token not in json.dumps(person.json("history"))


def test_nobody_to_ask_is_an_error(person: Person) -> None:
    """Nothing is made without a yes."""
    before = person.tree()

    said = person.wa("distributed", "--remotes", "trj", status=2)

    assert "--yes" in said
    assert person.tree() == before


def test_there_and_back(person: Person, remote: RemoteHost) -> None:
    """By `wa setup undo` for each machine; the second run before it has nothing to do."""
    before = person.tree()
    person.wa("distributed", "--remotes", "trj", "--yes")
    assert (remote.home / ".config/wa/distributed.toml").exists()

    again = person.wa("distributed", "--remotes", "trj", "--yes")
    assert again.count("Nothing to change") == 2
    assert again.rstrip().endswith("Nothing was changed.")

    person.wa("undo", "--yes")
    person.wa("undo", "--yes")
    assert not (remote.home / ".config").exists()
    assert not (remote.home / ".local").exists()
    left = {name: held for name, held in person.tree().items() if not name.startswith(".local")}
    assert left == {name: held for name, held in before.items() if not name.startswith(".local")}


def test_on_a_terminal_it_asks_which_and_whether(person: Person, remote: RemoteHost) -> None:
    """The menu, the tailnet's machine, and a yes; then one line a change, without the diffs again."""
    (person.home / "status.json").write_text(json.dumps(STATUS))
    (person.bin / "tailscale").write_text(f"#!/bin/sh\ncat {person.home}/status.json\n")
    (person.bin / "tailscale").chmod(0o755)

    seen, status = person.talk(
        ["distributed", "--use-tailscale"],
        [("nothing for none:", "9"), ("numbers from 1 to 2", "trj"), ("Number or name", "2"), ("[y/N]", "y")],
    )

    assert status == 0, seen
    assert "Which machine of the tailnet is trj?" in seen
    assert "tailnet (odd.t.ts.net)" in seen
    assert seen.count("+[coordinator]") == 1
    assert "Nothing was changed" not in seen
    assert "\x1b" not in seen
    assert 'listen = "100.64.0.3"' in (remote.home / ".config/wa/distributed.toml").read_text()


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_sidecar_that_is_a_service_begins_anew_where_that_is_wished(
    person: Person, remote: RemoteHost, answer: str
) -> None:
    """It is asked for; a script stands for the host's systemctl."""
    status = '{"ok":true,"data":{"sidecar":{"running":true,"pid":12,"version":"98.0"}}}'
    (remote.home / "bin/wa").write_text(
        f"#!/bin/sh\ncase $1 in --version) echo wa 99.0.0;; status) echo '{status}';; *) exit 2;; esac\n"
    )
    systemctl = remote.home / "bin/systemctl"
    systemctl.write_text(
        f'#!/bin/sh\necho "$*" >> {remote.home}/calls\n'
        'case "$*" in *Version*) echo Version=252;; *is-active*) echo active;; *is-enabled*) echo enabled;; esac\n'
    )
    systemctl.chmod(0o755)

    seen, status_of = person.talk(
        ["distributed", "--remotes", "trj"],
        [("Begin them anew, once the rest is made? [y/N]", answer), ("changes? [y/N]", "y")],
    )

    assert status_of == 0, seen
    assert "A sidecar runs on trj: wa 98.0, pid 12, a service." in seen
    assert ("--user restart wa.service" in (remote.home / "calls").read_text().splitlines()) == (answer == "y")


@pytest.mark.parametrize("turns", [[("nothing for none:", "")], [("nothing for none:", "trj"), ("[y/N]", "n")]])
def test_no_is_no(person: Person, remote: RemoteHost, turns: list[tuple[str, str]]) -> None:
    """Of the menu, or of the plan."""
    before = person.tree()

    person.talk(["distributed"], turns)

    assert person.tree() == before
    assert not (remote.home / ".config").exists()


@pytest.mark.parametrize("remotes", [",", " , "])
def test_no_remotes_are_no_answer(person: Person, remotes: str) -> None:
    """Told as a wrong word, not as all."""
    assert "names no host" in person.wa("distributed", "--remotes", remotes, status=2)


def test_what_hosts_say_cannot_move_the_cursor() -> None:
    """Their words are shown, not obeyed."""
    host = {
        "host": "x", "title": "x\x1b[2J", "found_in": [], "address": None, "port": None, "way": "ssh", "peer": None,
        "system": None, "wa": "\x1b[1m", "sidecar": None, "first": None, "plan": None, "notes": ["\x1b]0;t\x07"],
        "trouble": "\x1b[31m", "next_step": None, "elapsed_ms": 1.0,
    }  # fmt: skip

    lines = render({"hosts": [host], "here": None, "sidecar": None, "notes": ["\x1b[H"]}, Terminal(None, False))  # type: ignore[list-item]

    assert not any("\x1b" in line or "\x07" in line for line in lines)
