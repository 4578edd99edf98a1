"""A workflow: a generator that yields commands and is sent replies."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from wa.model.agent import PaneState
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


class OnState(NamedTuple):
    """A pane has been in one of these states for so long; once, until it was seen in another."""

    states: frozenset[PaneState]
    held_s: float = 0.0
    together: bool = False
    """All panes that the workflow is for, at the same time: one run, without a pane."""
    setting: str = ""
    """The setting that says how long, in place of `held_s`; 0 there: never."""
    still: bool = False
    """And the agent has not got on for so long."""


class OnSchedule(NamedTuple):
    """Every so many seconds, or at a time of the day; a turn that nobody was there for is not made up for after `max_age_s`."""

    every_s: float = 0.0
    at: str = ""
    """`HH:MM`, on the clock of `zone`."""
    zone: str = ""
    """IANA name; "" for this machine's."""
    days: frozenset[int] = frozenset()
    """0 for Monday; empty: all."""


class OnMuxRestart(NamedTuple):
    """Another run of a mux has come up at its socket: a run for each agent that was there when the one before ended."""


class Panes(NamedTuple):
    """Which panes a workflow is for: all that is named must fit."""

    project: str = ""
    """A folder: the pane's own, or the agent's, is this one or lies below it."""
    mux: str = ""
    title: str = ""
    """Is part of the pane's title, in capitals or not."""


class Busy(StrEnum):
    """What becomes of a trigger while the pane has a run."""

    WAIT = "wait"
    """Begins after it, if it is not older than `max_age_s` by then."""
    MERGE = "merge"
    """Is dropped if a run of this workflow has the pane or waits for it, which then answers both; else it waits."""
    DROP = "drop"


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
    starts: tuple[OnState | OnSchedule | OnMuxRestart, ...] = ()
    """What starts it beside events."""
    panes: Panes = Panes()
    when_busy: Busy = Busy.WAIT
    lease: bool = True
    """It may act on its pane, so it is alone there. One that only looks and tells needs no lease."""
    cooldown_s: float = 0.0
    """Between two beginnings on one pane."""
    per_hour: int = 0
    """Beginnings on one pane; 0 for no bound."""
    origin: str = ""
    """The user's file that it stands in; "" for what wa ships."""
