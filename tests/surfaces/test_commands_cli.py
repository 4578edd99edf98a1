"""`wa commands` as a user runs it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from store.world import new_log
from wa.api.shapes import load
from wa.detect import session_ops as ops
from wa.store.agent_records import AgentBatch
from wa.store.writer import Writer
from wa.surfaces import commands
from wa.surfaces.commands import took_words
from wa.surfaces.output import Terminal

T = "a" * 16
AT = 1_795_243_000_000


def began(number, command, *, at_ms=AT):
    return ops.BeginCommand(T, number, command, False, "/home/dev/demo", True, at_ms)


def ended(number, status, took_ms, *, at_ms=AT):
    return ops.EndCommand(T, number, at_ms + took_ms, status, took_ms)


def stored(house, *operations):
    async def store() -> None:
        writer = await Writer.open(house.home / "data" / "wa.db")
        log = await new_log(writer)
        await writer.agent_events([AgentBatch(log.uid, operations)])
        await writer.close()

    asyncio.run(store())


@pytest.fixture
def filled(house):
    hostile = "printf '\x1b]0;owned\x07'\nrm -rf \u202egnp"
    stored(
        house,
        *(began(1, "make all"), ended(1, 2, 61_500)),
        *(began(2, hostile), ended(2, 0, 20)),
        *(began(3, None), ops.EndCommand(T, 3, AT, None, None)),
        began(4, "sleep 1000", at_ms=AT + 1),
    )
    return house


def data_of(done):
    envelope = json.loads(done.stdout)
    assert (done.returncode, envelope["meta"]["schema"]) == (0, "wa.commands/1")
    Draft202012Validator(load("commands")).validate(envelope["data"])
    return envelope["data"]["commands"]


def test_commands_are_a_table(filled, inside) -> None:
    """One a line, oldest first: status, length, command, folder; what was typed steers no terminal."""
    done = inside("commands")
    head, *lines = done.stdout.splitlines()

    assert done.returncode == 0
    assert head.split() == ["WHEN", "PANE", "EXIT", "TOOK", "COMMAND", "FOLDER"]
    assert lines[0].split()[-8:] == ["2", "1", "min", "2", "s", "make", "all", "/home/dev/demo"]
    assert "printf '␛]0;owned␇' rm -rf \ufffdgnp" in lines[1]
    assert "(not told)" in lines[2]
    assert "runs" in lines[3]


def test_commands_have_a_schema(filled, inside) -> None:
    """What stands in JSON is what the schema says, and the state tells what nobody saw."""
    found = data_of(inside("commands", "--json"))

    assert [(one["state"], one["exit_status"], one["duration_s"]) for one in found] == [
        ("done", 2, 61.5),
        ("done", 0, 0.02),
        ("lost", None, None),
        ("running", None, None),
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--failed"], ["make all"]),
        (["--slower-than", "1m", "MAKE"], ["make all"]),
        (["--slower-than", "1m", "nothing"], []),
        (["--limit", "1"], ["sleep 1000"]),
        (["--since", "2026-11-21T00:00:00Z", "--until", "2020-01-01"], []),
    ],
)
def test_options_choose(filled, inside, words, found) -> None:
    """All that is named must fit."""
    assert [one["command"] for one in data_of(inside("commands", *words, "--json"))] == found


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--pane", "p9"], 3),
        (["--slower-than", "soon"], 2),
        (["--follow", "--until", "now"], 2),
    ],
)
def test_what_cannot_be_is_refused(filled, inside, words, status) -> None:
    """With the exit status of its kind."""
    assert inside("commands", *words).returncode == status


def test_no_commands_say_what_is_missing(house, inside) -> None:
    """An empty list names the way to fill it."""
    assert "shell-commands.md" in inside("commands").stdout


def test_follow_tells_beginnings_and_ends(filled) -> None:
    """An envelope a line, flushed; Ctrl-C leaves by 130."""
    argv = [sys.executable, "-m", "wa", "commands", "--follow", "--json", "--limit", "1"]
    follower = filled.start(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def said():
        return [(one["command"], one["state"]) for one in json.loads(follower.stdout.readline())["data"]["commands"]]

    assert said() == [("sleep 1000", "running")]
    stored(filled, ended(4, 0, 99), began(5, "true", at_ms=AT + 2))
    assert said() == [("sleep 1000", "done"), ("true", "running")]
    follower.send_signal(signal.SIGINT)
    assert follower.wait(timeout=30) == 130


def test_a_narrow_table_keeps_what_matters(filled, inside) -> None:
    """Pane, status and command stay at 60 columns."""
    data = {"live": True, "as_of": None, "commands": data_of(inside("commands", "--json")), "more": False}
    lines = commands.render(data, Terminal(60, False))

    assert all(len(line) <= 60 for line in lines)
    assert {"PANE", "EXIT", "COMMAND"} <= set(lines[0].split())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.02, "0.0 s"), (9.96, "10.0 s"), (59.4, "59 s"), (60, "1 min"), (3599.6, "1 h"), (7800, "2 h 10 min")],
)
def test_lengths_are_words(seconds, words) -> None:
    """As people say them."""
    assert took_words(seconds) == words
