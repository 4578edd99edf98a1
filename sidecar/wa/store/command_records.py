"""What shells ran, as it comes out of the store: docs/topics/shell-commands.md."""

from __future__ import annotations

from typing import NamedTuple


class ShellRecord(NamedTuple):
    token: str
    shell: str
    pid: int
    tty: str
    host: str
    version: str
    proven: bool
    at_ms: int
    last_number: int
    """Of its newest command; 0: none."""


class CommandRecord(NamedTuple):
    id: int
    revision: int
    pane_uid: str
    token: str
    number: int
    command: str | None
    cut: bool
    cwd: str | None
    proven: bool
    started_ms: int
    ended_ms: int | None
    exit_status: int | None
    duration_ms: int | None
    alive: bool
    """Its pane is."""
