"""A workflow: a generator that yields commands and is sent replies."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

from wa.model.command import Command, Ending, Reply, Trigger

Play = Generator[Command, Reply, Ending]


class Context(NamedTuple):
    """All that a workflow may know besides its replies. It is stored with the run, so that a replay gets the same."""

    trigger: Trigger
    settings: Mapping[str, Any]
    """Of the workflow: prompts, waits, labels; from the configuration, the defaults filled in."""
    profile: Mapping[str, Any]
    """The tables `send`, `exit`, `resume`, `limits` … of the agent's file, as data."""
    seed: int
    """For what must differ between panes, such as a jitter."""


class Workflow(NamedTuple):
    name: str
    events: frozenset[str]
    """Of which one starts it."""
    play: Callable[[Context], Play]
    """Deterministic: the same replies lead to the same commands."""
    about: str
    """One sentence for a person."""
    version: str
    """Another one ends the runs of the old: their journal can no longer be played."""
    settings: Mapping[str, Any] = {}
    """Defaults."""
    agents: frozenset[str] = frozenset()
    """Empty: any."""
    max_age_s: float = 900.0
    """An event that is older when it is found is not acted upon."""
    default_enabled: bool = False
    """Always False for what types."""
