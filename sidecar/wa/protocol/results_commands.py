"""What `wa commands` answers."""

from __future__ import annotations

from typing import Literal, TypedDict


class CommandResult(TypedDict):
    id: int
    pane_uid: str
    command: str | None
    """As typed, secrets redacted; None where the shell did not tell it."""
    cut: bool
    """It was longer than is kept."""
    cwd: str | None
    """The folder that it began in."""
    state: Literal["running", "done", "lost"]
    """`lost`: it is over, and nobody saw how it ended."""
    exit_status: int | None
    started_at: str
    ended_at: str | None
    duration_s: float | None
    """By the shell's own clock; None while it runs, and where it is lost."""
    proven: bool
    """The shell named the pane's own terminal; False: any program of another host, or of none, may have said so."""


class CommandsResult(TypedDict):
    """`wa commands`; with `--follow` those that have begun or ended just now."""

    live: bool
    as_of: str | None
    commands: list[CommandResult]
    """Oldest first."""
    more: bool
    """Older ones are stored than those shown."""


RESULTS: dict[str, type] = {"commands": CommandsResult}
