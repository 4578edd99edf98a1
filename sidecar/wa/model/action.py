"""Whatever changes a pane is an Action of an Actor, and waits for a Decision."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ActionKind(StrEnum):
    SEND = "send"
    SPAWN = "spawn"
    KILL = "kill"


class ActorKind(StrEnum):
    HUMAN = "human"
    """A person at the command line, who named the pane and the text."""
    AGENT = "agent"
    WORKFLOW = "workflow"
    REMOTE = "remote"
    """Over HTTP or MCP."""


class Actor(NamedTuple):
    kind: ActorKind
    name: str = ""


class Action(NamedTuple):
    kind: ActionKind
    text: str = ""
    """What a send would paste."""
    submit: bool = False
    """A carriage return follows."""
    forced: bool = False
    """The actor was told that the program may take each line break as Enter, and wants it so."""


class PaneView(NamedTuple):
    """What is known of a pane when an Action on it is judged."""

    alive: bool
    excluded: bool = False
    """The configuration says never to look at it, so nothing done to it could be verified."""
    is_alt: bool | None = None
    bracketed_paste: bool | None = None
    """Does the program take a paste as one piece? None: nothing says so (the mux protocol has no flag for it)."""
    started_by_wa: bool = False


class Allow(NamedTuple):
    reason: str


class Deny(NamedTuple):
    reason: str
    next_step: str


class Ask(NamedTuple):
    """A person must say yes first."""

    reason: str


Decision = Allow | Deny | Ask
