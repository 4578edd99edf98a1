"""The mux ends and comes up anew at its socket: the sidecar as a process, the embedded mux, agents that are programs."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.flow_stage import FAKE, Watched, enable, write
from support.embedded import clean_env
from support.sidecar import Home, eventually

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="which session a process has is read in /proc"
)

IDS = [f"01a1fe15-8527-7e90-9a3f-5d50834a95a{n}" for n in range(4)]
CONFIG = "[wezterm]\ndiscover = false\nrescan_interval_s = 1\n[policy]\npane_cooldown_s = 0\n"
SETTINGS = """
[settings]
after = ["mux"]
settle_s = 0.2
stable_s = 0.5
back_off_s = 0.5
start_wait_s = 8
shell_wait_s = 15
mux_within_s = 600
commands = {{ codex = "{codex} resume {{session_id}}" }}
"""
CODEX = """#!/bin/bash
# As the real one: the session's file stays open for writing. Each start is written down.
echo "$PWD $*" >> {folder}/started
exec 9>>"$HOME/.codex/sessions/2026/11/21/rollout-2026-11-21T12-29-45-$2.jsonl"
mkdir -p "{folder}/$2"
exec -a codex {python} {fake} "{folder}/$2" 0.5
"""


class Place:
    """A folder with a mux's socket, a home for its programs, and a `codex`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "home/.codex/sessions/2026/11/21").mkdir(parents=True)
        (folder / "work").mkdir()
        for name in (".bashrc", ".bash_profile"):
            (folder / "home" / name).write_text("PS1='$ '\n")
        self.work = str((folder / "work").resolve())
        self.socket = folder / "sock"
        self.codex = folder / "codex"
        words = {"python": shlex.quote(sys.executable), "fake": shlex.quote(str(FAKE)), "folder": folder}
        self.codex.write_text(CODEX.format(**words))
        self.codex.chmod(0o755)
        self.env = clean_env(folder / "home", self.socket) | {"SHELL": "/bin/bash"}
        self.process: subprocess.Popen[str] | None = None

    def up(self) -> None:
        """Another run, with a shell in its first pane."""
        argv = [sys.executable, "-m", "wa.embedded", "--socket", str(self.socket), "--cwd", self.work]
        self.process = subprocess.Popen(argv, env=self.env, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("listening on ")

    def down(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
        if self.process is not None:
            self.process.communicate(timeout=15)

    def begin(self, session_id: str) -> int:
        """A pane in which codex runs that session."""
        argv = [sys.executable, "-m", "wa.embedded.cli", "cli", "--no-auto-start", "spawn", "--new-window"]
        argv += ["--cwd", self.work, "--", str(self.codex), "resume", session_id]
        return int(subprocess.run(argv, env=self.env, check=True, capture_output=True, text=True, timeout=30).stdout)

    @property
    def started(self) -> list[str]:
        """The ids that codex was started with, in order."""
        path = self.folder / "started"
        return [line.split()[-1] for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    folder.mkdir(exist_ok=True)
    made = Place(folder)
    made.up()
    try:
        yield made
    finally:
        made.down(signal.SIGTERM)


def home_of(here: Place, folder: Path) -> Home:
    home = Home(folder, CONFIG)
    write(home, "restart_agent", SETTINGS.format(codex=here.codex))
    return home


def knows(home: Home, session_id: str) -> str:
    """The pane in which it runs, once its id is known and on record."""

    def look() -> str | None:
        home.ask("flush")
        found = [uid for uid, pane in home.panes().items() if pane["state"] == "idle"]
        sure = (
            "SELECT 'p' || pane FROM agent_sessions WHERE session_id = ? AND id_confidence >= 0.9 AND ended_ms IS NULL"
        )
        known = {uid for (uid,) in Watched(home).rows(sure, session_id)}
        return next((uid for uid in found if uid in known), None)

    return eventually(look) or ""


def outcomes(home: Home) -> list[tuple[str, str]]:
    return sorted((status, outcome) for status, outcome, _ in Watched(home).runs("restart_agent"))


def test_agents_come_back_after_a_restart_of_their_mux_and_only_those_that_were_there(tmp_path: Path) -> None:
    """Two run, one had ended; each of the two is resumed once, in its folder, in a pane of its own, beside the first shell."""
    with place(tmp_path / "m") as here:
        home = home_of(here, tmp_path / "h")
        with home.sidecar("--socket", f"m={here.socket}"):
            for session_id in IDS[:3]:
                here.begin(session_id)
            uids = [knows(home, session_id) for session_id in IDS[:3]]
            enable(home, "restart_agent")
            os.kill(int((here.folder / IDS[2] / "pid").read_text()), signal.SIGTERM)
            eventually(lambda: uids[2] not in home.panes())
            here.down()
            here.up()
            eventually(lambda: len(here.started) == 5)
            eventually(lambda: outcomes(home) == [("done", "resumed_in_new_pane")] * 2, 60)
            assert sorted(here.started[3:]) == sorted(IDS[:2])
            new = {session_id: knows(home, session_id) for session_id in IDS[:2]}
            assert len(set(new.values())) == 2
            assert not set(new.values()) & set(uids)
            lines = (here.folder / "started").read_text().splitlines()
            assert {line.split()[0] for line in lines} == {here.work}
            panes = set(home.panes())
        with home.sidecar("--socket", f"m={here.socket}"):
            eventually(lambda: set(home.panes()) == panes)
            assert len(here.started) == 5


def test_where_it_is_off_nobody_is_resumed(tmp_path: Path) -> None:
    """What would have been opened and typed is on record."""
    with place(tmp_path / "m") as here:
        home = home_of(here, tmp_path / "h")
        with home.sidecar("--socket", f"m={here.socket}"):
            here.begin(IDS[0])
            knows(home, IDS[0])
            here.down()
            here.up()
            eventually(lambda: outcomes(home) == [("observed", "planned")])
            assert here.started == IDS[:1]
            assert len(home.panes()) == 1


def test_an_agent_that_may_have_ended_while_nobody_watched_is_not_resumed(tmp_path: Path) -> None:
    """The sidecar was away when the mux ended: a person is told the command."""
    with place(tmp_path / "m") as here:
        home = home_of(here, tmp_path / "h")
        with home.sidecar("--socket", f"m={here.socket}"):
            here.begin(IDS[0])
            knows(home, IDS[0])
            enable(home, "restart_agent")
        here.down()
        here.up()
        with home.sidecar("--socket", f"m={here.socket}"):
            eventually(lambda: outcomes(home) == [("failed", "not_watched")])
            assert here.started == IDS[:1]
            (body,) = eventually(lambda: [one for (one,) in Watched(home).rows("SELECT body FROM notices")])
            assert f"resume {IDS[0]}" in body


def killed_at(folder: Path, number: int) -> bool:
    """The sidecar is killed at the number-th thing that it wrote down after the mux was back; whether it came to that."""
    folder.mkdir()
    with place(folder / "m") as here:
        home = home_of(here, folder / "h")
        watched = Watched(home)
        process = home.start("--socket", f"m={here.socket}")
        is_over = False
        try:
            here.begin(IDS[0])
            knows(home, IDS[0])
            enable(home, "restart_agent")
            seen = {watched.progress()}
            here.down()
            eventually(lambda: watched.rows("SELECT 1 FROM muxes WHERE lost_ms IS NOT NULL"))
            if number:
                here.up()
                give_up = time.monotonic() + 60
                while len(seen) <= number and time.monotonic() < give_up and not is_over:
                    seen.add(watched.progress())
                    is_over = watched.has_ended("restart_agent")
        finally:
            os.kill(process.pid, signal.SIGTERM if is_over else signal.SIGKILL)
            process.communicate(timeout=30)
        if not number:
            here.up()
        if not is_over:
            with home.sidecar("--socket", f"m={here.socket}"):
                eventually(lambda: watched.has_ended("restart_agent"), 60)
        where = (number, outcomes(home), here.started)
        if outcomes(home) == [("failed", "refused")]:
            # Killed between the paste and the Return: the command stands at the prompt, and a person is told.
            assert here.started == IDS[:1], where
            assert watched.rows("SELECT 1 FROM actions WHERE kind = 'run' AND stage = 'ended' AND typed_ms IS NOT NULL")
            assert watched.rows("SELECT 1 FROM notices WHERE needs_you")
            return True
        assert outcomes(home) == [("done", "resumed_in_new_pane")], where
        assert here.started == [IDS[0]] * 2, where
        with home.sidecar("--socket", f"m={here.socket}"):
            eventually(lambda: len(home.panes()) == 2)
            knows(home, IDS[0])
    return not is_over


@pytest.mark.parametrize("number", [0, 1, 3, 6])
def test_killed_between_the_restart_and_the_resume_it_is_still_resumed_once(tmp_path: Path, number: int) -> None:
    """0: before the mux was back."""
    killed_at(tmp_path / "k", number)


@pytest.mark.slow
def test_killed_at_every_step_it_is_still_resumed_once(tmp_path: Path) -> None:
    """One pane, one command."""
    number = 1
    while killed_at(tmp_path / str(number), number):
        number += 1
    assert number > 6
