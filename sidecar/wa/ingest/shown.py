"""Rows of a full-screen program's document, and what of it a frame shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wa.model.log import GapReason
from wa.model.screen import Row


class Line:
    """One row of the document. Mutable: a document of thousands changes a few of them per frame."""

    __slots__ = ("below_ms", "block", "flickers", "key", "lost", "row", "scrolled", "since_ms")

    def __init__(self, row: Row, name: int, block: Block, at_ms: int) -> None:
        self.row = row
        self.key = name
        self.block = block
        self.since_ms = at_ms
        self.below_ms: int | None = None
        """When the screen was scrolled back from it."""
        self.lost: GapReason | None = None
        """Why rows above it are missing."""
        self.scrolled = False
        """It has been seen to move, as content does and a dialog does not."""
        self.flickers = 0
        """How often it was rewritten in its place to read nearly the same: a spinner, a clock."""


class Block:
    """Rows that belong together: a new one begins with a frame that has nothing to do with what was shown before."""

    __slots__ = ("grown", "page", "since_ms", "until_ms")

    def __init__(self, at_ms: int, *, page: bool) -> None:
        self.page = page
        self.grown = 0
        """Rows that scrolling added."""
        self.since_ms = at_ms
        self.until_ms = at_ms
        """When it was shown last."""


class Shown(NamedTuple):
    """Which part of the document the frame shows: its rows from `head` on are `lines[top:]`, `length` of them."""

    top: int
    head: int
    length: int


class View(NamedTuple):
    """What was shown at a time."""

    top: int
    """`lines` are those of the document from here on."""
    lines: list[Line]
    shown: Shown
    block: Block
    sure: int
    frame: list[int]
    rows: Sequence[Row]


class Seen(NamedTuple):
    """A frame."""

    rows: Sequence[Row]
    names: Sequence[int]
    at_ms: int
    cursor_y: int
    missed: GapReason
