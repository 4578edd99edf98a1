"""The table `[hooks]` of an agent's file."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from wa.agents.hooks import hooks_of
from wa.agents.loader import Agents
from wa.detect.arbiter import HOOK_MS
from wa.detect.pack import PackError
from wa.model.agent import PaneState

GOOD = """
name = "mine"
[hooks]
command = "mine"
folder = ".mine"
user_file = "settings.json"
project_file = "settings.json"
seen = "1.0; 2026-11-21"
[[hooks.event]]
name = "Stop"
[[hooks.says]]
on = "Stop"
when = { reason = ["done"] }
state = "idle"
lasts_s = 2.5
event = "turn.done"
[[hooks.says]]
on = "Stop"
state = "error"
lasts_s = 1
"""


def read(text: str) -> Any:
    return hooks_of(tomllib.loads(text))


def test_the_first_meaning_that_fits_counts() -> None:
    """By the fields of the payload."""
    hooks = read(GOOD)

    done, other = hooks.meaning("Stop", {"reason": "done"}), hooks.meaning("Stop", {})
    assert (done.state, done.lasts_ms, done.event) == (PaneState.IDLE, 2_500, "turn.done")
    assert (other.state, other.event) == (PaneState.ERROR, None)
    assert hooks.meaning("Start", {}) is None
    assert read('name = "x"') is None


def test_what_is_shipped_is_said_by_an_event_that_is_installed() -> None:
    """And each event says something, or tells the session; none is believed for longer than a hook may be."""
    for hooks in Agents(None).hooks.values():
        names = {event.name for event in hooks.events} | ({"notify"} if hooks.notify_file else set())
        assert {one.on for one in hooks.means} <= names
        assert all(one.lasts_ms <= HOOK_MS for one in hooks.means)
        assert len({event.name for event in hooks.events}) == len(hooks.events)


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        ('seen = "1.0; 2026-11-21"', "", "seen"),
        ('command = "mine"', "", "command"),
        ('folder = ".mine"', 'folder = "/etc"', "folder"),
        ('folder = ".mine"', 'folder = "a/../../b"', "folder"),
        ('state = "idle"', 'state = "asleep"', "no such state"),
        ("lasts_s = 2.5", "", "lasts_s is missing"),
        ("lasts_s = 2.5", "lasts_s = 900", "at most"),
        ('event = "turn.done"', 'event = "usage.limit"', "event is one of"),
        ('name = "Stop"', 'name = "rm -rf"', "no name of an event"),
        ('name = "Stop"', 'name = "Stop"\nversions = "new"', "no bound"),
        ('{ reason = ["done"] }', '{ reason = "done" }', "table of lists"),
        ('on = "Stop"', 'on = "Stop"\nextra = 1', "unknown key"),
        ('command = "mine"', 'command = "mine"\ntimeout = 0', "timeout"),
        ('command = "mine"', 'command = "mine"\nsetting = [{ path = [], value = 1 }]', "path is a list"),
        ('command = "mine"', 'command = "mine"\nsetting = [{ path = ["a"], value = [1] }]', "value is a text"),
    ],
)
def test_a_broken_table_is_refused_with_the_reason(good: str, bad: str, reason: str) -> None:
    """A user's file may bring hooks of another agent."""
    assert good in GOOD
    with pytest.raises(PackError, match=reason):
        read(GOOD.replace(good, bad, 1))
