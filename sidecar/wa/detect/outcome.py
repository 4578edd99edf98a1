"""What comes of watching a pane: changes of state, what a look showed, and when to look again."""

from __future__ import annotations

from typing import NamedTuple

from wa.model.agent import Detection, Transition


class Changed(NamedTuple):
    transition: Transition


class Looked(NamedTuple):
    """All that one look showed, from the top down. Which of it is new, the session book knows."""

    detections: tuple[Detection, ...]
    at_ms: int
    rows: tuple[int | None, ...]
    """The position in the pane's log where the last row of each stands, or will stand; None for what is no row."""
    relaid: bool = False
    """The pane was given another size just now."""


class LookAgain(NamedTuple):
    """Feed a tick at this time; a later one replaces it."""

    at_ms: int


Outcome = Changed | Looked | LookAgain
