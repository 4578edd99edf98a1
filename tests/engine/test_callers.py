"""A command that an agent started is the agent's, however deep below it stands."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from wa.agents.loader import Agents
from wa.detect.program import Program
from wa.engine import callers
from wa.engine.callers import Process, above, actor_of, parse_ps, peer_pid
from wa.model.action import Actor, ActorKind

HUMAN = Actor(ActorKind.HUMAN, "cli")
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    return Agents(tmp_path_factory.mktemp("none")).packs


def family(folder, *programs):
    """A /proc in which each of the programs started the next; the last one's pid."""
    for number, line in enumerate(programs, 2):
        entry = folder / str(number)
        entry.mkdir(parents=True)
        words = line.split(" ")
        name = words[0].rpartition("/")[2]
        (entry / "comm").write_text(f"{name}\n")
        (entry / "cmdline").write_bytes("\0".join(words).encode() + b"\0")
        (entry / "stat").write_text(f"{number} ({name}) odd) S {number - 1} 1 1 0 -1")
    return len(programs) + 1


@pytest.mark.parametrize(
    ("programs", "agent"),
    [
        (["/usr/bin/zsh", "/usr/bin/python3 /usr/bin/wa send p1 x"], None),
        (["zsh", "claude", "/bin/bash -c wa", "wa send p1 x"], "claude_code"),
        (["zsh", "node /opt/node_modules/@google/gemini-cli/dist/index.js", "sh", "sh", "wa approve 3"], "gemini"),
        (["codex --yolo", "bash -lc wa", "wa"], "codex"),
        (["zsh", "vim claude", "wa"], None),
        (["zsh", "bash /home/me/claude-notes.sh", "wa"], None),
    ],
)
def test_an_agent_above_the_command_is_its_actor(tmp_path, packs, programs, agent):
    """Its file says by which names a program is known; arguments of others are none."""
    pid = family(tmp_path, *programs)

    found = actor_of(pid, packs, tmp_path)

    assert found == (HUMAN if agent is None else Actor(ActorKind.AGENT, agent))


def test_what_is_not_known_is_a_person(tmp_path, packs):
    """A process that has ended, a system that does not tell, a parent that is missing."""
    assert actor_of(None, packs) == HUMAN
    assert actor_of(99, packs, tmp_path) == HUMAN
    pid = family(tmp_path, "claude", "bash", "wa")
    for file in (tmp_path / "3").iterdir():
        file.unlink()
    assert actor_of(pid, packs, tmp_path) == HUMAN


def test_where_there_is_no_proc_ps_is_asked(tmp_path, packs, monkeypatch):
    """As on macOS."""
    said = "  1     0 /sbin/launchd\n  50 1 /opt/bin/claude\n 51 50 -zsh -l\n 52 51 wa send p1 x y\nnonsense\n"
    monkeypatch.setattr(callers, "_listed", lambda: parse_ps(said))

    assert actor_of(52, packs, tmp_path / "none") == Actor(ActorKind.AGENT, "claude_code")
    assert parse_ps(said)[51] == Process(51, 50, Program("zsh", "-zsh -l"))


@linux
def test_a_real_process_and_those_above_it_are_seen():
    """This one, its parent, and up."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        pids = [process.pid for process in above(child.pid)]
    finally:
        child.communicate(b"\n")

    assert pids[:2] == [child.pid, os.getpid()]
    assert actor_of(os.getpid(), []) == HUMAN


def test_the_other_end_of_a_socket_is_known():
    """By its pid."""
    one, other = socket.socketpair()
    with one, other:
        assert peer_pid(one) in (os.getpid(), None)
    assert peer_pid(None) is None
