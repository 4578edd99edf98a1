"""What `wa hooks` answers."""

from __future__ import annotations

from typing import TypedDict


class HookFileResult(TypedDict):
    agent: str
    version: str | None
    """Of the program on PATH, where one was asked."""
    path: str
    changed: bool
    diff: list[str]
    """Unified; whatever is not wa's own reads as `…`."""


class HooksResult(TypedDict):
    done: bool
    """False: it was only shown."""
    files: list[HookFileResult]
    notes: list[str]
    """What is left to do for you."""


class HookStatusResult(TypedDict):
    agent: str
    path: str
    events: list[str]
    """Those that call wa; empty where no hooks are installed."""
    trouble: str | None


class HooksStatusResult(TypedDict):
    files: list[HookStatusResult]
    live: bool
    """A sidecar runs; else it is not known what has arrived."""
    taken: int
    """Events of hooks since it began."""
    dropped: dict[str, int]
    """Why → how many were not believed."""


class HookTestResult(TypedDict):
    agent: str
    program: str
    ms: float | None
    """How long the agent had to wait; null where it could not be started."""
    silent: bool
    """It printed nothing, and left with 0."""
    arrived: bool
    trouble: str | None


class HooksTestResult(TypedDict):
    tests: list[HookTestResult]


RESULTS: dict[str, type] = {
    "hooks-install": HooksResult,
    "hooks-uninstall": HooksResult,
    "hooks-status": HooksStatusResult,
    "hooks-test": HooksTestResult,
}
