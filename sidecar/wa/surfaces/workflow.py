"""`wa workflow`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from wa.api.times import local
from wa.protocol.results_workflows import (
    RunResult,
    RunsResult,
    WorkflowAbortResult,
    WorkflowResult,
    WorkflowRunResult,
    WorkflowsResult,
    WorkflowSwitchResult,
)
from wa.surfaces.answer import Json, answer, paths, show_json, staleness
from wa.surfaces.output import Style, Terminal, say
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

app = typer.Typer(
    help="What wa does by itself: list, turn on and off, try, run and follow workflows.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `wa workflow list` prints it.")]
OnPane = Annotated[str | None, typer.Option("--pane", metavar="PANE", help="Only this pane.")]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="The newest N.")]
OfWorkflow = Annotated[str | None, typer.Option("--workflow", metavar="NAME", help="Only this workflow's.")]

COLUMNS = (
    Column("WORKFLOW"),
    Column("ON"),
    Column("RUNS", right=True),
    Column("STARTS", flexible=True, drop=1),
    Column("ABOUT", flexible=True, least=12, drop=2),
)
RUNS = (
    Column("RUN", right=True),
    Column("WORKFLOW"),
    Column("PANE"),
    Column("MODE", drop=2),
    Column("STATUS"),
    Column("STARTED"),
    Column("OUTCOME"),
    Column("DETAIL", flexible=True, drop=1),
)
STYLES = {"failed": Style.BAD, "aborted": Style.WARN, "parked": Style.MARK, "running": Style.GOOD}


@app.command("list")
def list_command(json: Json = False) -> None:
    """List the workflows: which are on, what starts them, and how many runs are under way.

    Example: wa workflow list
    """
    from wa.api.workflows import list_workflows

    answer("workflow", list_workflows(paths()), render_list, as_json=json)


@app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(metavar="NAME|RUN", help="A workflow, or the number of a run.")],
    json: Json = False,
) -> None:
    """Print one workflow with its settings; or one run, step by step.

    Example: wa workflow show 12
    """
    from wa.api.workflows import show_run, show_workflow

    if name.isascii() and name.isdecimal():
        answer("workflow-history", show_run(paths(), int(name)), render_run, as_json=json)
    else:
        answer("workflow", show_workflow(paths(), name), render_one, as_json=json)


@app.command("enable")
def enable_command(name: Name, pane: OnPane = None, json: Json = False) -> None:
    """Turn a workflow on, for one pane or for all: from then on it may type.

    Example: wa workflow enable handle_compaction --pane p17
    """
    from wa.api.workflows import switch_workflow

    answer("workflow-enable", switch_workflow(paths(), name, pane, enabled=True), render_switch, as_json=json)


@app.command("disable")
def disable_command(name: Name, pane: OnPane = None, json: Json = False) -> None:
    """Turn a workflow off, for one pane or for all; its runs there end, and it only observes.

    Example: wa workflow disable handle_compaction
    """
    from wa.api.workflows import switch_workflow

    answer("workflow-disable", switch_workflow(paths(), name, pane, enabled=False), render_switch, as_json=json)


@app.command("run")
def run_command(
    name: Name,
    pane: OnPane = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Play it through at once, and print exactly what it would send.")
    ] = False,
    json: Json = False,
) -> None:
    """Begin a workflow by hand. Where it is not turned on it is played without typing.

    Example: wa workflow run handle_compaction --pane p17 --dry-run
    """
    from wa.api.workflows import run_workflow

    answer("workflow-run", run_workflow(paths(), name, pane, dry_run=dry_run), render_begun, as_json=json)


@app.command("status")
def status_command(workflow: OfWorkflow = None, pane: OnPane = None, limit: Limit = 200, json: Json = False) -> None:
    """List the runs under way: what each waits for, and until when.

    Example: wa workflow status
    """
    from wa.api.workflows import RunWish, list_runs

    wish = RunWish(workflow, pane, limit)
    answer("workflow-status", list_runs(paths(), wish, is_open=True), render_runs, as_json=json)


@app.command("history")
def history_command(workflow: OfWorkflow = None, pane: OnPane = None, limit: Limit = 50, json: Json = False) -> None:
    """List the runs there were, newest first, and how they ended.

    Example: wa workflow history --workflow handle_usage_limits
    """
    from wa.api.workflows import RunWish, list_runs

    wish = RunWish(workflow, pane, limit)
    answer("workflow-history", list_runs(paths(), wish, is_open=None), render_runs, as_json=json)


@app.command("abort")
def abort_command(
    runs: Annotated[list[int] | None, typer.Argument(metavar="[RUN]…", help="Numbers of runs.")] = None,
    pane: OnPane = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are under way.")] = False,
    json: Json = False,
) -> None:
    """End runs before their next step; what is being typed comes to its own end first.

    Example: wa workflow abort 12
    """
    from wa.api.workflows import abort_runs

    answer("workflow-abort", abort_runs(paths(), runs or [], pane, everything=everything), render_abort, as_json=json)


@app.command("lint")
def lint_command(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]…", help="Workflow files; else all of yours.")
    ] = None,
    json: Json = False,
) -> None:
    """Check workflow files: every problem, with its line.

    Example: wa workflow lint review.toml
    """
    from wa.api.workflows import lint_workflows

    started = time.perf_counter()
    result = lint_workflows(paths(), files or [])
    if json:
        show_json("workflow-lint", result, started)
    else:
        for one in result["problems"]:
            line = "" if one["line"] is None else f":{one['line']}"
            say(harmless(f"{one['path']}{line}: {one['reason']}"))
        say(f"{result['files']} files: {len(result['problems'])} problems")
    if result["problems"]:
        raise typer.Exit(1)


def render_list(result: WorkflowsResult, terminal: Terminal) -> list[str]:
    rows: list[list[str | Cell]] = [
        [one["name"], _on(one), str(one["runs"] or ""), ", ".join(one["starts"]), one["about"]]
        for one in result["workflows"]
    ]
    lines = table(COLUMNS, rows, terminal)
    lines += [terminal.styled(harmless(f"! {trouble}"), Style.WARN) for trouble in result["troubles"]]
    return lines + staleness(result["live"], result["as_of"], terminal)


def _on(one: WorkflowResult) -> Cell:
    others = [uid for uid, on in one["panes"].items() if on is not one["enabled"]]
    words = "on" if one["enabled"] else "observes"
    if others:
        words += f", {'off' if one['enabled'] else 'on'} in {', '.join(others)}"
    return Cell(words, Style.GOOD if one["enabled"] or others else Style.DIM)


def render_one(result: WorkflowsResult, terminal: Terminal) -> list[str]:
    lines: list[str] = []
    for one in result["workflows"]:
        lines += [
            f"{one['name']}: {harmless(one['about'])}",
            f"  is        {_on(one).text}{'' if one['types'] else '; types nothing'}",
            f"  starts    {', '.join(one['starts'])}",
            f"  agents    {', '.join(one['agents']) or 'any'}",
            f"  from      {harmless(one['origin'] or 'wa')}, version {one['version']}",
            *(f"  {harmless(f'{key} = {value!r}')}" for key, value in one["settings"].items()),
        ]
    return lines + staleness(result["live"], result["as_of"], terminal)


def render_runs(result: RunsResult, terminal: Terminal) -> list[str]:
    if not result["runs"]:
        return ["No runs.", *staleness(result["live"], result["as_of"], terminal)]
    lines = table(RUNS, [_row(run) for run in result["runs"]], terminal)
    if result["more"]:
        lines.append(terminal.styled("There are older ones: raise --limit.", Style.DIM))
    return lines + staleness(result["live"], result["as_of"], terminal)


def _row(run: RunResult) -> list[str | Cell]:
    detail = f"until {local(run['until'])}" if run["until"] else run["detail"] or ""
    return [
        *(str(run["run"]), run["workflow"], run["pane_uid"] or "", run["mode"]),
        Cell(run["status"], STYLES.get(run["status"])),
        *(local(run["started_at"]), run["outcome"] or "", detail),
    ]


def render_run(result: RunsResult, terminal: Terminal) -> list[str]:
    lines: list[str] = []
    for run in result["runs"]:
        pane = f" in {run['pane_uid']}" if run["pane_uid"] else ""
        lines.append(f"run {run['run']}: {run['workflow']}{pane}, {run['mode']}, by {run['trigger']}: {run['status']}")
        for step in run["steps"] or []:
            lines.append(f"  {step['number']:>3}  {local(step['at'])}  {harmless(step['asked'])}")
            said = "under way" if step["answered"] is None else step["answered"]
            lines.append(terminal.styled(f"       → {harmless(said)}", Style.DIM))
        if run["outcome"] is not None:
            lines.append(harmless(f"  ended: {run['outcome']}{f', {detail}' if (detail := run['detail']) else ''}"))
    return lines + staleness(result["live"], result["as_of"], terminal)


def render_begun(result: WorkflowRunResult, terminal: Terminal) -> list[str]:
    run = result["run"]
    if run["mode"] == "dry":
        lines = [f"{run['workflow']} would do this, and nothing was typed:"]
        for step in run["steps"] or []:
            is_act = step["command"].get("kind") == "Act"
            words = f"  {harmless(step['asked'])}  → {harmless(step['answered'] or '')}"
            lines.append(words if is_act else terminal.styled(words, Style.DIM))
        return [*lines, harmless(f"It would end: {run['outcome']} {run['detail'] or ''}".rstrip())]
    lines = [f"Run {run['run']} of {run['workflow']} has begun: wa workflow show {run['run']}"]
    if run["mode"] == "observe":
        lines.append(
            terminal.styled(
                f"It types nothing: it is not turned on (wa workflow enable {run['workflow']}).", Style.WARN
            )
        )
    return lines


def render_switch(result: WorkflowSwitchResult, _terminal: Terminal) -> list[str]:
    where = "all panes" if result["pane_uid"] is None else result["pane_uid"]
    if result["enabled"]:
        may = "it may type there" if result["types"] else "it looks and tells, and types nothing"
        lines = [f"{result['name']} is on for {where}: {may}."]
        return lines + ([f"Begun anew: run {', '.join(map(str, result['runs']))}."] if result["runs"] else [])
    lines = [f"{result['name']} is off for {where}: it only observes."]
    return lines + ([f"Ended: run {', '.join(map(str, result['runs']))}."] if result["runs"] else [])


def render_abort(result: WorkflowAbortResult, _terminal: Terminal) -> list[str]:
    return [f"Ended: run {', '.join(map(str, result['runs']))}."]
