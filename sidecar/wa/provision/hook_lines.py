"""What the lines look like that wa puts into the settings of agents, and how they are known again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

ENV = "/usr/bin/env"
BEHIND = "--"
"""Before the user's own command, in a line that took its place."""
_ASSIGNS = re.compile(r"[A-Z_]+=")


class Caller(NamedTuple):
    """The `wa` that is to be called."""

    program: str
    """Absolute."""
    env: Mapping[str, str] = {}
    """What it needs to find its sidecar."""

    def words(self, agent: str, event: str) -> list[str]:
        """For a program that is started without a shell."""
        assigned = [f"{name}={value}" for name, value in sorted(self.env.items())]
        return [*([ENV, *assigned] if assigned else []), self.program, "hook", agent, event]

    def line(self, agent: str, event: str) -> str:
        """For a shell."""
        assigned = "".join(f"{name}={shlex.quote(value)} " for name, value in sorted(self.env.items()))
        return f"{assigned}{shlex.join([self.program, 'hook', agent, event])}"


class Call(NamedTuple):
    """A line of wa's, read."""

    program: str
    agent: str
    event: str
    own: tuple[str, ...] | None
    """The user's own command, that it calls too."""


def call_of(words: Sequence[object]) -> Call | None:
    """None for what is no line of wa's."""
    rest = [word for word in words if isinstance(word, str)]
    if len(rest) != len(words):
        return None
    if rest[:1] == [ENV]:
        rest = rest[1:]
    while rest and _ASSIGNS.match(rest[0]):
        rest = rest[1:]
    if len(rest) < 4 or rest[0].rpartition("/")[2] != "wa" or rest[1] != "hook":
        return None
    if len(rest) > 4 and rest[4] != BEHIND:
        return None
    return Call(rest[0], rest[2], rest[3], tuple(rest[5:]) if len(rest) > 5 else None)


def call_in(entry: Any) -> Call | None:
    """Of a hook as settings hold it: `{"type": "command", "command": …}`."""
    if not isinstance(entry, dict) or not isinstance(entry.get("command"), str):
        return None
    try:
        return call_of(shlex.split(entry["command"]))
    except ValueError:
        return None
