"""A pane as it is at one moment, read for the sake of an action."""

from __future__ import annotations

from typing import NamedTuple

from wa.model.action import HumanSign
from wa.model.agent import AgentState, Dialog, PaneState
from wa.model.screen import Screen


class Sight(NamedTuple):
    """One reading: all of it from the same screen, but `settled` and `human`."""

    at_ms: int
    screen: Screen
    alive: bool
    agent: str | None
    state: PaneState
    """What this screen alone says."""
    dialog: Dialog | None
    draft: str | None
    """In the composer, whoever put it there; "" for an empty one, None for no composer."""
    composer_row: int | None
    """Index into `screen.rows` of its first row."""
    settled: AgentState
    """What all signals together say, as told to subscribers."""
    human: HumanSign
    resumes_itself: bool = False
    """This screen says that the agent goes on by itself once its limit is over: any key would stop that."""
