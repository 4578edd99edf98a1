"""Workflows: which there are, turned on and off, begun by hand, their runs, and what their files have wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wa.act.builtin import BUILTINS
from wa.api.client import connected
from wa.api.events import Records, recorded
from wa.api.panes import pane_uid
from wa.api.workflow_words import run_result, sends_of, workflow_result
from wa.config.paths import Paths
from wa.engine.run_catalogue import Catalogue, FileTroubleError, Trouble, name_taken, read_workflow
from wa.model.errors import NotFound, UsageError
from wa.protocol.results_workflows import (
    RunsResult,
    WorkflowAbortResult,
    WorkflowLintResult,
    WorkflowProblem,
    WorkflowResult,
    WorkflowRunResult,
    WorkflowsResult,
    WorkflowSwitchResult,
)
from wa.store.run_reading import RunReader
from wa.store.run_records import RunRecord, SwitchRecord

RUN_WITHIN_S = 60.0
ABORT_WITHIN_S = 200.0
"""What is being typed comes to its end first."""


@dataclass(frozen=True, slots=True)
class RunWish:
    workflow: str | None = None
    pane: str | None = None
    limit: int = 50


def folder_of(paths: Paths) -> Path:
    """Where the user's workflows are."""
    return paths.config / "workflows"


async def list_workflows(paths: Paths) -> WorkflowsResult:
    """Shipped ones first, then the user's."""
    catalogue = Catalogue(BUILTINS, folder_of(paths))
    async with recorded(paths) as records:
        switches, open_runs = await _stored(records)
        return WorkflowsResult(
            live=records.live,
            as_of=records.as_of,
            workflows=_results(catalogue, switches, open_runs),
            troubles=[str(trouble) for trouble in catalogue.troubles],
        )


async def show_workflow(paths: Paths, name: str) -> WorkflowsResult:
    """One of them. Raises NotFound."""
    result = await list_workflows(paths)
    found = [one for one in result["workflows"] if one["name"] == name]
    if not found:
        raise NotFound(
            f"there is no workflow {name!r:.60}",
            next_step="Run `wa workflow list` to see what exists.",
            details={"candidates": [one["name"] for one in result["workflows"]]},
        )
    return WorkflowsResult(live=result["live"], as_of=result["as_of"], workflows=found, troubles=result["troubles"])


async def list_runs(paths: Paths, wish: RunWish, *, is_open: bool | None) -> RunsResult:
    """Newest first: those under way, or all. Raises NotFound for an unknown pane."""
    async with recorded(paths, wish.pane) as records:
        found: list[RunRecord] = []
        if records.history is not None:
            found = await RunReader(records.history).runs(
                workflow=wish.workflow, pane_uid=records.uid, is_open=is_open, limit=wish.limit + 1
            )
        return RunsResult(
            live=records.live,
            as_of=records.as_of,
            runs=[run_result(run) for run in found[: wish.limit]],
            more=len(found) > wish.limit,
        )


async def show_run(paths: Paths, run: int) -> RunsResult:
    """One, with its journal. Raises NotFound."""
    async with recorded(paths) as records:
        if records.history is None:
            raise NotFound(f"there is no run {run}", next_step="Nothing was ever stored.")
        read = RunReader(records.history)
        found = run_result(await read.run(run), await read.steps(run))
        return RunsResult(live=records.live, as_of=records.as_of, runs=[found], more=False)


async def switch_workflow(paths: Paths, name: str, pane: str | None, *, enabled: bool) -> WorkflowSwitchResult:
    """Turn it on or off, for one pane or for all. Raises SidecarError where none runs."""
    async with connected(paths.socket) as sidecar:
        uid = await pane_uid(paths, sidecar, pane)
        params = {"name": name, "pane": uid, "enabled": enabled}
        reply = await sidecar.call("workflow_switch", params, within_s=ABORT_WITHIN_S)
    return WorkflowSwitchResult(
        name=name, pane_uid=reply["pane_uid"], enabled=enabled, types=reply["types"], runs=reply["runs"]
    )


async def run_workflow(paths: Paths, name: str, pane: str | None, *, dry_run: bool) -> WorkflowRunResult:
    """Begin it by hand; a dry run has ended, and says what would be sent. Raises SidecarError where none runs."""
    async with connected(paths.socket) as sidecar:
        uid = await pane_uid(paths, sidecar, pane)
        params = {"name": name, "pane": uid, "dry_run": dry_run}
        reply = await sidecar.call("workflow_run", params, within_s=RUN_WITHIN_S)
    async with recorded(paths) as records:
        if records.history is None:
            raise NotFound("there is no database")
        read = RunReader(records.history)
        steps = await read.steps(reply["run"])
        run = run_result(await read.run(reply["run"]), steps)
    return WorkflowRunResult(run=run, sends=sends_of(steps))


async def abort_runs(
    paths: Paths, runs: Sequence[int], pane: str | None = None, *, everything: bool = False
) -> WorkflowAbortResult:
    """End runs by number, those of a pane, or all. Raises UsageError where none is named, NotFound where none is under way."""
    if sum((bool(runs), pane is not None, everything)) != 1:
        raise UsageError("name runs, a pane, or --all", next_step="`wa workflow status` shows what is under way.")
    if not runs:
        under_way = await list_runs(paths, RunWish(pane=pane, limit=1_000), is_open=True)
        runs = [run["run"] for run in under_way["runs"]]
        if not runs:
            raise NotFound("no run is under way", next_step="`wa workflow history` shows those that were.")
    async with connected(paths.socket) as sidecar:
        reply = await sidecar.call("workflow_abort", {"runs": list(runs)}, within_s=ABORT_WITHIN_S)
    return WorkflowAbortResult(runs=reply["runs"])


def lint_workflows(paths: Paths, files: Sequence[Path]) -> WorkflowLintResult:
    """The given files, or all of the user's."""
    folder = folder_of(paths)
    chosen = list(files) or (sorted(folder.glob("*.toml")) if folder.is_dir() else [])
    shipped = {workflow.name: workflow for workflow in BUILTINS}
    troubles: list[Trouble] = []
    named: dict[str, Path] = {}
    for path in chosen:
        try:
            troubles += name_taken(named, path, read_workflow(path, shipped).name)
        except FileTroubleError as error:
            troubles += error.troubles
    problems = [WorkflowProblem(path=str(one.path), line=one.line, reason=one.reason) for one in troubles]
    return WorkflowLintResult(files=len(chosen), problems=problems)


async def _stored(records: Records) -> tuple[list[SwitchRecord], list[RunRecord]]:
    if records.history is None:
        return [], []
    read = RunReader(records.history)
    return await read.switches(), await read.open()


def _results(
    catalogue: Catalogue, switches: Sequence[SwitchRecord], open_runs: Sequence[RunRecord]
) -> list[WorkflowResult]:
    counts = Counter(run.workflow for run in open_runs)
    found = []
    for workflow in catalogue.workflows.values():
        own = [one for one in switches if one.name == workflow.name]
        for_all = next((one.enabled for one in own if one.pane_uid is None), workflow.default_enabled)
        panes = {one.pane_uid: one.enabled for one in own if one.pane_uid is not None}
        found.append(workflow_result(workflow, enabled=for_all, panes=panes, runs=counts[workflow.name]))
    return found
