"""`wa setup`: machines set up by plans, and the plans taken back."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from wa.protocol.results_setup import PlanResult, SetupHistoryResult
from wa.surfaces.answer import Json, paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout
from wa.surfaces.plans import DryRun, Yes, agree, done, render_plan, run_through
from wa.surfaces.setup_distributed import distributed
from wa.surfaces.setup_local import local
from wa.surfaces.setup_remote import remote
from wa.surfaces.text import harmless

app = typer.Typer(
    help="Set up this machine and others, see every change before it is made, and take it all back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command()(local)
app.command()(remote)
app.command()(distributed)


@app.command()
def undo(
    plan_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Of `wa setup history`; the newest without it.")
    ] = None,
    leave: Annotated[
        bool, typer.Option("--leave", help="Leave what cannot be taken back as it is, and forget the plan.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take a plan back, last change first: every file to the byte as it was. What you have changed there since stays.

    Example: wa setup undo
    """
    from wa.api.plans import look_back
    from wa.api.plans import undo as take_back
    from wa.api.setup_remote import undo_there

    started = time.perf_counter()
    result = look_back(paths(), plan_id)
    if not dry_run:
        before = result["plans"]
        agree(yes, json, lambda: [line for one in before for line in _preview(one)], "Take this back?")
        result = run_through(
            take_back(paths(), before[0]["id"], leave=leave, on_host=lambda host, one: undo_there(paths(), host, one))
        )
    if json:
        show_json("setup-undo", result, started)
    else:
        for one in result["plans"]:
            say(*(_preview(one) if dry_run else done(one, stdout())))
        if dry_run:
            say("Nothing was changed.")
    if not leave and any(change["state"] == "conflict" for one in result["plans"] for change in one["changes"]):
        raise typer.Exit(5)


@app.command()
def history(json: Json = False) -> None:
    """List the plans that were made and not taken back, and those that were interrupted.

    Example: wa setup history
    """
    from wa.api.plans import history as known

    started = time.perf_counter()
    result = known(paths())
    if json:
        show_json("setup-history", result, started)
    else:
        say(*render_history(result, stdout()))


def _preview(plan: PlanResult) -> list[str]:
    head = f"wa {harmless(plan['command'])} ({plan['id']}){_where(plan)}:"
    return [head, *render_plan(plan, stdout(), closing=False, to_do="to take back")]


def render_history(result: SetupHistoryResult, terminal: Terminal) -> list[str]:
    if not result["plans"]:
        return ["wa has made no plan here, or all are taken back."]
    lines = []
    for one in result["plans"]:
        lines.append(f"{one['id']}  wa {harmless(one['command'])}{_where(one)}: {_standing(one, terminal)}")
        lines += [
            f"    {harmless(change['what'])}: {harmless(change['trouble'])}"
            for change in one["changes"]
            if change["trouble"]
        ]
        lines += [f"    {harmless(note)}" for note in one["notes"] if one["state"] == "begun"]
    if result["interrupted"]:
        lines.append("Run an interrupted command again, and it goes on; `wa setup undo ID` takes back what was made.")
    return lines


def _where(plan: PlanResult) -> str:
    return "" if plan["machine"] is None else f" on {harmless(plan['machine'])}"


def _standing(plan: PlanResult, terminal: Terminal) -> str:
    count = len(plan["changes"])
    made = sum(one["state"] == "done" for one in plan["changes"])
    match plan["state"]:
        case "finished":
            return terminal.styled(f"made, {made} change{'s' if made != 1 else ''}", Style.GOOD)
        case "undoing":
            left = sum(one["state"] in ("conflict", "done", "to_do") for one in plan["changes"])
            return terminal.styled(f"taken back but for {left} of {count} changes", Style.WARN)
        case _:
            return terminal.styled(f"interrupted after {made} of {count} changes", Style.WARN)
