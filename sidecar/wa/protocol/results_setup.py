"""What `wa setup`, `wa tune` and `wa uninstall` return."""

from __future__ import annotations

from typing import Literal, TypedDict

from wa.protocol.results_hooks import HookFileResult


class ChangeResult(TypedDict):
    kind: Literal["file", "command", "unit"]
    what: str
    path: str | None
    """Of a file, or of a unit's file."""
    command: list[str]
    """Of a program; empty otherwise."""
    diff: list[str]
    """Unified, without line breaks; of a file."""
    state: Literal["to_do", "holds", "done", "failed", "undone", "conflict"]
    trouble: str | None
    next_step: str | None


class PlanResult(TypedDict):
    id: str | None
    """For `wa setup undo ID`; null where nothing was made."""
    command: str
    machine: str | None
    """The ssh name; null: this one."""
    state: Literal["planned", "begun", "finished", "undoing", "undone"]
    changes: list[ChangeResult]
    notes: list[str]


class UndoResult(TypedDict):
    plans: list[PlanResult]
    """Newest first, as they were taken back."""


class SetupHistoryResult(TypedDict):
    plans: list[PlanResult]
    """Oldest first, without diffs."""
    interrupted: int
    """How many were begun and neither finished nor undone."""


class LeftResult(TypedDict):
    """Of the user's own data."""

    path: str
    what: str
    bytes: int
    command: list[str]
    """Removes it."""


class UninstallResult(TypedDict):
    done: bool
    """False: it was only shown."""
    plans: list[PlanResult]
    """Newest first; last what was put in by hand, under the command `uninstall`."""
    hooks: list[HookFileResult]
    sidecar: int | None
    """The process that was ended, or would be; null where none runs."""
    left: list[LeftResult]
    removed: list[str]
    """Folders, by `--purge`; where it is only shown, those that would be."""
    notes: list[str]


class HostResult(TypedDict):
    """What holds on one host. Null: not known."""

    host: str
    found_in: list[str]
    """`ssh config`, `wezterm.lua`, `alias trj of ~/.bashrc`, `known_hosts`, `given`."""
    address: str | None
    reachable: bool | None
    system: str | None
    """`Linux x86_64`, `Darwin arm64`."""
    wezterm: str | None
    codec: int | None
    codec_fits: bool | None
    """The same number as here; null where one of them is not known."""
    server: Literal["none", "unit", "adopted", "started", "hangs"] | None
    """Its mux server: of the unit; running by itself and adopted; started without a unit."""
    unit: Literal["absent", "disabled", "enabled", "active", "failed"] | None
    lingering: bool | None
    python: str | None
    wa: str | None
    sidecar: Literal["absent", "disabled", "enabled", "active", "failed"] | None
    plan: PlanResult | None
    trouble: str | None
    next_step: str | None
    elapsed_ms: float


class HostsResult(TypedDict):
    """`wa.setup-remote/1`. The command ends with 1 where a host has a trouble."""

    here: str
    """Version and codec of this machine's WezTerm, in words."""
    hosts: list[HostResult]
    notes: list[str]


RESULTS: dict[str, type] = {
    "setup-history": SetupHistoryResult,
    "setup-local": PlanResult,
    "setup-remote": HostsResult,
    "setup-undo": UndoResult,
    "uninstall": UninstallResult,
}
