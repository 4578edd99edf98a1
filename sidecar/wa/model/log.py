"""What is kept of a pane: a log that only grows.

Positions (`row`) count the rows of one pane's log from 0. A Gap whose size is known occupies as many positions as rows are missing,
so a position counts rows printed, not rows stored.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from wa.model.screen import Row, Screen


class RowKind(StrEnum):
    OUTPUT = "output"
    """Printed rows: final, in order, once."""
    SCREEN = "screen"
    """A page of a full-screen program that jumps about (editor, pager): kept to be found, not as output."""


class GapReason(StrEnum):
    TRIMMED = "trimmed"
    """The terminal's scrollback dropped the rows before they could be read."""
    ERASED = "erased"
    """The program erased rows that had never been read."""
    UNSEEN = "unseen"
    """They passed over an alternate screen, which keeps no history: between two frames, or as pages past the most kept."""
    RESIZED = "resized"
    """Rows were re-wrapped and continuity could not be shown."""
    DISCONNECTED = "disconnected"
    """Nobody was listening, and what was printed meanwhile is gone."""
    STORE_FULL = "store_full"
    """The database could not take more and memory's bound was reached."""
    UNREADABLE = "unreadable"
    """The terminal sent something that does not decode."""
    CLOSED = "closed"
    """The pane closed before its last rows were read."""
    FORGOTTEN = "forgotten"
    """They were stored, and the user had them deleted."""


class Segment(NamedTuple):
    """Consecutive rows of one pane's log; `rows[i]` stands at position `first_row + i`. `Row.index` is the terminal's."""

    first_row: int
    rows: tuple[Row, ...]
    at_ms: int
    kind: RowKind = RowKind.OUTPUT


class Gap(NamedTuple):
    """Rows are missing at position `row`. `missing` None means that wa cannot know how many (it then occupies no position)."""

    row: int
    missing: int | None
    reason: GapReason
    at_ms: int


class ScreenChanged(NamedTuple):
    screen: Screen


class ReadRows(NamedTuple):
    """Ask the terminal for rows `start … stop` (stable indices). The tracker splits large ranges itself and counts those under way."""

    start: int
    stop: int


class ReadBack(NamedTuple):
    """Ask the terminal for its newest `rows` rows of history and the viewport, as a TextFrame (sources without indices)."""

    rows: int


class ReadScreen(NamedTuple):
    """Ask the terminal for dimensions and the whole viewport, as a ScreenPush with seqno -1."""


class WakeAt(NamedTuple):
    """Feed a Tick at or after this time unless something else is fed before. A later WakeAt replaces an earlier one."""

    at_ms: int


Effect = Segment | Gap | ScreenChanged | ReadRows | ReadBack | ReadScreen | WakeAt
"""What a PaneTracker answers with, in order."""
