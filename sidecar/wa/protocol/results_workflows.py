"""What the commands of `wa workflow` answer."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class WorkflowResult(TypedDict):
    name: str
    about: str
    version: str
    origin: str | None
    """The user's file; None for what wa ships as it is."""
    starts: list[str]
    """What starts it, in words."""
    agents: list[str]
    """Empty: any."""
    enabled: bool
    """For panes that have no switch of their own. Off: it observes."""
    panes: dict[str, bool]
    """Panes with a switch of their own."""
    types: bool
    """False: it only looks and tells."""
    settings: dict[str, Any]
    runs: int
    """Under way."""


class WorkflowsResult(TypedDict):
    live: bool
    as_of: str | None
    workflows: list[WorkflowResult]
    troubles: list[str]
    """Files that are refused; what was last good of them stays in force in the sidecar."""


class RunStepResult(TypedDict):
    number: int
    at: str
    asked: str
    """The command in words."""
    answered: str | None
    """Its reply in words; None while it is under way."""
    command: dict[str, Any]
    reply: dict[str, Any] | None


class RunResult(TypedDict):
    run: int
    workflow: str
    version: str
    pane_uid: str | None
    mode: Literal["live", "observe", "dry"]
    status: Literal["waiting", "running", "parked", "done", "failed", "aborted", "observed"]
    trigger: str
    """The event, or state, schedule or manual."""
    started_at: str
    until: str | None
    """When a parked run wakes."""
    ended_at: str | None
    outcome: str | None
    detail: str | None
    steps: list[RunStepResult] | None
    """None in lists."""


class RunsResult(TypedDict):
    live: bool
    as_of: str | None
    runs: list[RunResult]
    """Newest first."""
    more: bool


class SendPlan(TypedDict):
    """One thing that a run would do to its pane."""

    number: int
    action: str
    """send, choose, keys, interrupt, exit or run."""
    text: str
    """Exactly what would be pasted."""
    submit: bool
    keys: list[str]
    labels: list[str]
    outcome: str
    """planned, or why not."""
    detail: str


class WorkflowRunResult(TypedDict):
    run: RunResult
    sends: list[SendPlan]
    """Of a dry run, or of one that ended at once: what would reach the pane, in order."""


class WorkflowSwitchResult(TypedDict):
    name: str
    pane_uid: str | None
    """None: all panes."""
    enabled: bool
    types: bool
    """False: it only looks and tells."""
    runs: list[int]
    """Turned on: observing runs that began anew, live. Turned off: runs that were ended."""


class WorkflowAbortResult(TypedDict):
    runs: list[int]


class WorkflowProblem(TypedDict):
    path: str
    line: int | None
    reason: str


class WorkflowLintResult(TypedDict):
    files: int
    problems: list[WorkflowProblem]


RESULTS: dict[str, type] = {
    "workflow": WorkflowsResult,
    "workflow-run": WorkflowRunResult,
    "workflow-enable": WorkflowSwitchResult,
    "workflow-disable": WorkflowSwitchResult,
    "workflow-status": RunsResult,
    "workflow-history": RunsResult,
    "workflow-abort": WorkflowAbortResult,
    "workflow-lint": WorkflowLintResult,
}
