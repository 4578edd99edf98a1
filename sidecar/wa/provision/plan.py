"""A change to a machine, computed whole before anything of it is made: `Plan` of `Change`s. Pure.

Two interpreters make plans and keep one kind of journal: applying.py here, setup/bootstrap.sh on other machines
(docs/protocol/setup-plan.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file from one content to another: made, replaced, removed, or changed in one block."""

    path: PurePosixPath
    """Absolute, on the plan's machine. Links are followed; the link itself stays."""
    before: bytes | None
    """As it was read when the plan was made. None: there is no file."""
    after: bytes | None
    """None: there is to be none."""
    what: str
    """For a person, begins lower case: "the line that loads wa's script"."""
    mode: int | None = None
    """Of a file that is made; None: 0644. One that exists keeps its own."""
    block: str | None = None
    """The name of wa's block (blocks.py), where only that changes: where the rest was edited meanwhile, undo takes the block out."""
    is_secret: bool = False
    """Its diff says only that it changes."""

    @property
    def is_needed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A program that changes something beside files. Never through a shell."""

    argv: tuple[str, ...]
    what: str
    holds: tuple[str, ...] = ()
    """A program that ends with 0 where the change is made already: asked before and after. Empty: it is run each time."""
    undo: tuple[str, ...] = ()
    """The way back; empty: there is none, and undo says so."""
    within_s: float = 60.0
    may_fail: bool = False
    """Its failure is told, and the rest goes on."""


@dataclass(frozen=True, slots=True)
class EnableUnit:
    """A service of the user's own manager: begins at log-in, and now. Undone to what it was."""

    name: str
    """`wa.service`; the label for launchd."""
    path: PurePosixPath
    """Of its file, which is a FileChange of the same plan."""
    what: str
    manager: Literal["systemd", "launchd"] = "systemd"
    start: bool = True
    """False: enabled, not started."""
    undo_stops: bool = True
    """False: what runs in it is the user's (a multiplexer with panes): undo disables it and lets it run."""


Change = FileChange | RunCommand | EnableUnit


@dataclass(frozen=True, slots=True)
class Plan:
    """Its changes are made in order; where one fails, those before it are taken back, last first."""

    command: str
    """What the user ran: "setup local"."""
    changes: tuple[Change, ...]
    machine: str | None = None
    """The ssh name of another one; None: this one."""
    notes: tuple[str, ...] = ()
    """What is not done and why, and what is left for a person: whole sentences."""

    def with_notes(self, *notes: str) -> Plan:
        return replace(self, notes=(*self.notes, *notes))


class ChangeState(StrEnum):
    TO_DO = "to_do"
    HOLDS = "holds"
    """It is as it should be; nothing was done."""
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    CONFLICT = "conflict"
    """Somebody changed it since; it was left alone."""


class PlanState(StrEnum):
    """As the journal says. One that is neither finished nor undone was interrupted."""

    BEGUN = "begun"
    FINISHED = "finished"
    UNDOING = "undoing"
    UNDONE = "undone"
