"""`wa events` and `wa sessions` as a user runs them."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from store.agents_made_up import noted, whole_run
from store.world import new_log
from wa.api.shapes import load
from wa.detect import session_ops as ops
from wa.store.agent_records import AgentBatch
from wa.store.writer import Writer
from wa.surfaces import events, sessions
from wa.surfaces.output import Terminal

HOSTILE = "rm -rf build\x1b]0;owned\x07 \u202egnp.exe"


@pytest.fixture
def filled(house):
    """A pane with a codex that ran, and asked for something odd."""

    async def fill() -> None:
        writer = await Writer.open(house.home / "data" / "wa.db")
        log = await new_log(writer)
        odd = noted("waiting.approval", 1_795_243_080_000, session=None, command=HOSTILE, options=("Yes", "No"))
        await writer.agent_events([AgentBatch(log.uid, (*whole_run(1_795_243_000_000), odd))])
        await writer.close()

    asyncio.run(fill())
    return house


def data_of(done, schema: str):
    """What stands in the envelope, as its schema says."""
    envelope = json.loads(done.stdout)
    assert (done.returncode, envelope["meta"]["schema"]) == (0, f"wa.{schema}/1")
    Draft202012Validator(load(schema)).validate(envelope["data"])
    return envelope["data"]


def test_events_are_lines(filled, inside) -> None:
    """One each, oldest first; what strangers wrote steers no terminal, and in a pipe nothing is cut."""
    done = inside("events")
    lines = done.stdout.splitlines()

    assert done.returncode == 0
    assert [line.partition(" codex ")[2].split()[0] for line in lines[:3]] == [
        *("session.start", "usage.limit", "waiting.approval"),
    ]
    assert "reset 6:38 AM, window 5h" in lines[1]
    assert "command rm -rf build␛]0;owned␇ \ufffdgnp.exe, options Yes | No" in lines[2]
    assert "No sidecar runs" in lines[3]
    assert inside("events", "--event", "turn").stdout.startswith("No events.\n")
    assert "raise --limit" in inside("events", "--limit", "1").stdout


def test_events_have_a_schema(filled, inside) -> None:
    """And keep in JSON what a terminal must not see."""
    data = data_of(inside("events", "--json"), "events")

    assert [one["event"] for one in data["events"]] == ["session.start", "usage.limit", "waiting.approval"]
    assert data["events"][2]["fields"]["command"] == HOSTILE


def test_a_line_fits_its_terminal(filled, inside) -> None:
    """However long the words; severity is a colour."""
    data = data_of(inside("events", "--json"), "events")
    critical = {**data["events"][1], "severity": "critical", "fields": {}, "text": "word " * 99}

    assert all(len(line) <= 80 for line in events.render(data, Terminal(80, False))[:3])
    assert "\x1b[31musage.limit" in events.event_line(critical, Terminal(80, True))


def test_sessions_are_listed_and_one_is_shown(filled, inside) -> None:
    """By `wa sessions`, by `wa sessions show`, by the agent's own id."""
    table = inside("sessions").stdout.splitlines()
    shown = inside("sessions", "show", "s1").stdout
    data = data_of(inside("sessions", "--json"), "sessions")
    one = data_of(inside("sessions", "show", data["sessions"][0]["session_id"], "--json"), "sessions")

    assert table[0].split() == [
        "SESSION",
        "PANE",
        "AGENT",
        "MODEL",
        "PROJECT",
        "STARTED",
        "LENGTH",
        "TURNS",
        "TOKENS",
        "END",
    ]
    assert [word for word in table[1].split() if word[:4] != "2026"][-4:] == ["s", "2", "2,426", "detached"]
    for part in (
        "codex 0.169.0",
        "own id",
        "total 2,426, input 2,105",
        "turns:",
        "limits:",
        "gemini-3-pro",
        "compactions:",
    ):
        assert part in shown
    assert [{**found, "parts": None} for found in one["sessions"]] == data["sessions"]
    assert data_of(inside("sessions", "--json", "show", "s1"), "sessions") == one
    assert inside("sessions", "--agent", "claude").stdout.startswith("No sessions.")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["sessions", "show", "s99"], 3),
        (["sessions", "--pane", "p9"], 3),
        (["sessions", "--agent", "codex", "show", "s1"], 2),
        (["sessions", "show"], 2),
        (["sessions", "nonsense"], 2),
        (["events", "--pane", "p9"], 3),
        (["events", "--since", "whenever"], 2),
        (["events", "--follow", "--until", "now"], 2),
        (["events", "--limit", "0"], 2),
    ],
    ids=str,
)
def test_what_cannot_be_is_an_error_with_a_next_step(filled, inside, words: list[str], status: int) -> None:
    """In words and as an envelope."""
    done, as_json = inside(*words), inside(*words, "--json")

    assert (done.returncode, as_json.returncode) == (status, status)
    assert done.stderr.startswith("wa: ")
    assert json.loads(as_json.stdout)["error"]["next_step"]


def test_a_narrow_table_keeps_what_matters(filled, inside) -> None:
    """Session, pane, agent, length and end stay at 60 columns."""
    data = data_of(inside("sessions", "--json"), "sessions")
    head, row = sessions.render(data, Terminal(60, False))[:2]

    assert max(len(head), len(row)) <= 60
    assert {"SESSION", "PANE", "AGENT", "LENGTH", "END"} <= set(head.split())


def test_follow_prints_what_comes_as_it_comes(filled) -> None:
    """An envelope a line, flushed; Ctrl-C leaves by 130."""
    argv = [sys.executable, "-m", "wa", "events", "--follow", "--json", "--limit", "1"]
    follower = filled.start(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)

    async def say_more() -> None:
        writer = await Writer.open(filled.home / "data" / "wa.db")
        second = ops.SessionRef(2, "codex")
        await writer.agent_events([AgentBatch("p1", (noted("error.crash", 1_795_243_090_000, session=second),))])
        await writer.close()

    first = json.loads(follower.stdout.readline())["data"]["events"]
    asyncio.run(say_more())
    fresh = json.loads(follower.stdout.readline())["data"]["events"]
    follower.send_signal(signal.SIGINT)

    assert [one["event"] for one in (*first, *fresh)] == ["waiting.approval", "error.crash"]
    assert follower.wait(timeout=30) == 130
