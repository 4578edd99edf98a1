"""What a generator of this room asks for, one step at a time. Every step is answered with a Sight."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

from wa.model.action import Acted, Action, ActOutcome, Stage
from wa.model.sight import Sight


class Look(NamedTuple):
    """Read the pane, after so long."""

    after_s: float = 0.0


class Ready(NamedTuple):
    """Write down that this stage begins, then read the pane. What follows in the same turn is judged on that reading."""

    stage: Stage


class Paste(NamedTuple):
    """Only right after a Ready or another Look. Answered with the pane as known then, unread."""

    text: str


class Press(NamedTuple):
    """One key, as a program gets it; only right after a Ready or another Look."""

    data: bytes
    judged_as: Action | None = None
    """Where that is another action than the whole: an option of a dialog, with what it does."""


class WaitFor(NamedTuple):
    """Until what is seen fits, at most so long. Answered with the last Sight, which need not fit."""

    until: Callable[[Sight], bool]
    within_s: float
    label: str = ""
    """`seen` or `taken`: how long it took from the last write is told with the outcome."""


Step = Look | Ready | Paste | Press | WaitFor
Steps = Generator[Step, Sight, Acted]
Part = Generator[Step, Sight, Acted | None]
"""A part of a play; what ends the whole, or None to go on."""


def gone(pane_is: Sight) -> Acted | None:
    return None if pane_is.alive else Acted(ActOutcome.PANE_GONE, "The pane closed.")
