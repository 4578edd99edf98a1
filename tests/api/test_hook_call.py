"""`wa hook`, as agents call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.sidecar import SOURCES
from wa.api.hook_call import places
from wa.config.paths import Paths
from wa.protocol.sidecar_wire import FrameReader, Message

FOLDERS = st.sampled_from(["", "/tmp/x", "relative", "/tmp/" + "long/" * 40, "/tmp/y/", "~/z"])


class Caller:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {"WA_HOME": str(folder), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(SOURCES)}

    def call(self, *words: str, stdin: bytes | int = b"", within_s: float = 20) -> subprocess.CompletedProcess[bytes]:
        argv = [sys.executable, "-m", "wa", "hook", *words]
        given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        return subprocess.run(argv, env=self.env, capture_output=True, timeout=within_s, **given)  # type: ignore[call-overload]

    def spooled(self) -> list[Message]:
        spool = self.folder / "state/spool"
        return FrameReader().feed(spool.read_bytes()) if spool.exists() else []


@pytest.fixture
def caller(tmp_path: Path) -> Caller:
    return Caller(tmp_path)


def silent(done: subprocess.CompletedProcess[bytes]) -> bool:
    return (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_it_waits_in_the_spool_for_the_sidecar(caller: Caller) -> None:
    """With who called it, and without what nobody needs."""
    payload = {"session_id": "s1", "prompt": "hunter2", "source": "startup", "hook_event_name": "SessionStart"}

    assert silent(caller.call("claude_code", "SessionStart", stdin=json.dumps(payload).encode()))

    (frame,) = caller.spooled()
    assert (frame["kind"], frame["source"], frame["agent"], frame["name"]) == (
        "event",
        "hook",
        "claude_code",
        "SessionStart",
    )
    assert frame["payload"] == {"session_id": "s1", "source": "startup"}
    assert frame["pids"][0] == os.getpid()
    assert abs(frame["at_ms"] - time.time() * 1000) < 20_000


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (["claude_code", "Stop"], b"{"),
        (["claude_code", "Stop"], b"\xff\x00[1"),
        (["claude_code", "Stop"], b"[" * 100_000),
        (["claude_code", "Stop"], b'{"session_id": "\\ud800"}'),
        (["claude_code", "Stop"], b'{"a": "' + b"x" * 3_000_000 + b'"}'),
        (["claude_code"], b""),
        (["claude_code", ""], b"{}"),
        (["x" * 10_000, "y" * 10_000], b"{}"),
        (["codex", "notify"], b""),
        (["codex", "notify", "no json"], b""),
        (["codex", "notify", "--", "/no/such/program", "{}"], b""),
        (["claude_code", "StatusLine", "--"], b"{}"),
    ],
)
def test_whatever_comes_it_says_nothing_and_leaves_with_0(caller: Caller, words: list[str], stdin: bytes) -> None:
    """Agents take any word, and any other exit, for a verdict on their work."""
    assert silent(caller.call(*words, stdin=stdin))


def test_it_says_nothing_where_nothing_can_be_written(caller: Caller) -> None:
    """No folder, no space, no rights: the agent is not bothered."""
    (caller.folder / "state").write_text("in the way")

    assert silent(caller.call("gemini", "AfterAgent", stdin=b"{}"))


def test_an_agent_that_never_closes_the_pipe_is_not_kept(caller: Caller) -> None:
    """Half a second at most."""
    read, write = os.pipe()
    started = time.monotonic()
    try:
        assert silent(caller.call("gemini", "AfterAgent", stdin=read))
    finally:
        os.close(read)
        os.close(write)

    assert time.monotonic() - started < 5


def test_the_event_is_known_by_its_own_word(caller: Caller) -> None:
    """Where the line names the agent alone."""
    assert silent(caller.call("claude_code", stdin=b'{"hook_event_name": "Stop", "session_id": "s"}'))

    assert [frame["name"] for frame in caller.spooled()] == ["Stop"]


def test_the_users_status_line_prints_what_it_always_did(caller: Caller) -> None:
    """With the agent's words on its input, in a shell, with its own exit status."""
    payload = b'{"session_id": "s", "model": {"id": "opus"}}'

    done = caller.call("claude_code", "StatusLine", "--", "cat; printf ' %s' $((6 * 7)); exit 3", stdin=payload)

    assert (done.returncode, done.stdout, done.stderr) == (3, payload + b" 42", b"")
    assert [frame["payload"] for frame in caller.spooled()] == [{"session_id": "s"}]


def test_the_users_notify_is_called_with_the_agents_words(caller: Caller) -> None:
    """As its last argument, as Codex does; wa's frame has the thread alone."""
    words = '{"type": "agent-turn-complete", "thread-id": "t", "input-messages": ["hunter2"]}'

    done = caller.call("codex", "notify", "--", "/bin/echo", "a b", words)

    assert done.stdout == f"a b {words}\n".encode()
    (frame,) = caller.spooled()
    assert frame["payload"] == {"type": "agent-turn-complete", "thread-id": "t"}


def test_help_is_given_to_people(caller: Caller) -> None:
    """No agent calls it without words."""
    assert b"wa hooks install" in caller.call("--help").stdout


@given(FOLDERS, FOLDERS, FOLDERS, st.sampled_from(["/home/me", "/tmp/" + "deep/" * 30]))
def test_it_finds_the_places_that_wa_finds(wa_home: str, state: str, runtime: str, home: str) -> None:
    """Any mixture of variables, paths that are too long for a socket included."""
    env = {"WA_HOME": wa_home, "XDG_STATE_HOME": state, "XDG_RUNTIME_DIR": runtime, "HOME": home}
    env = {name: value for name, value in env.items() if value}

    paths = Paths.from_env(env)

    assert places(env) == (str(paths.socket), str(paths.state / "spool"))
