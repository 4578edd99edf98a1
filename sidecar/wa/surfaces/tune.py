"""`wa tune`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from wa.model.errors import UsageError
from wa.protocol.results_tune import TuneResult, TuneValue
from wa.surfaces.answer import Json, paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout
from wa.surfaces.plans import DryRun, Yes, agree, done, render_plan, run_through
from wa.surfaces.tables import Column, table
from wa.surfaces.text import harmless

if TYPE_CHECKING:
    from wa.api.tune import Tuned

VALUES = (
    Column("OPTION"),
    Column("VALUE", right=True),
    Column("UNIT", drop=2),
    Column("DEFAULT", right=True, drop=1),
    Column("", flexible=True),
)
COSTS = (
    Column("ROWS", right=True),
    Column("PUSH P50 / P95", right=True),
    Column("OF A CORE", right=True),
    Column("MEMORY", right=True),
)


def tune(
    ram: Annotated[
        float | None, typer.Option("--ram", metavar="GB", help="For so much memory; this machine's without it.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", metavar="P", help="swarm, guide, or the tier 64, 128, 256, 512. Where wa watches: swarm."
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="NAME", help="On that host, as ssh calls it; here without it.")
    ] = None,
    restore: Annotated[bool, typer.Option("--restore", help="Take wa's values out again.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Set WezTerm's scrollback, buffers and caches for many agents, by the machine's memory. Restarts nothing.

    Example: wa tune --ram 64 --dry-run
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.tune import plan_restore, plan_tune

    started = time.perf_counter()
    if restore and (ram is not None or profile is not None):
        raise UsageError("--restore takes all values out", next_step="Leave --ram and --profile away.")
    wanted = plan_restore(paths(), host=host) if restore else plan_tune(paths(), ram_gb=ram, profile=profile, host=host)
    tuned = run_through(wanted)
    try:
        _offer(tuned, started, dry_run=dry_run, yes=yes, json=json)
    finally:
        run_through(tuned.desk.leave())


def _offer(tuned: Tuned, started: float, *, dry_run: bool, yes: bool, json: bool) -> None:
    planned = run_through(tuned.look())
    asked = False
    if not dry_run:
        if tuned.refusal is not None:
            raise tuned.refusal
        if any(one["state"] == "to_do" for one in planned["changes"]):
            question = "Write these values?" if tuned.tuning is not None else "Take these values out?"
            agree(yes, json, lambda: render(tuned.result(planned), stdout(), asks=True), question)
            asked = not yes
        planned = run_through(tuned.make(paths()))
    result = tuned.result(planned)
    if json:
        show_json("tune", result, started)
    elif asked:
        say(*done(planned, stdout()))
    else:
        say(*render(result, stdout()))
    if tuned.refusal is not None and not json:
        say(stdout().styled(f"It would be refused: {harmless(tuned.refusal.message)}", Style.WARN))


def render(result: TuneResult, terminal: Terminal, *, asks: bool = False) -> list[str]:
    """*asks*: before the question, so that nothing is said of what was done."""
    lines = _values(result, terminal) if result["values"] else []
    plan = render_plan(result["plan"], terminal)
    lines += [*(plan[:-1] if asks else plan), "", *_restart(result, terminal)]
    return [*lines, ""] if asks else lines


def _values(result: TuneResult, terminal: Terminal) -> list[str]:
    head = f"{result['ram_gb']:g} GB ({result['ram_from']}), profile {result['profile']}: {result['reason']}."
    rows = [
        [one["option"], f"{one['value']:,}", one["unit"], f"{one['default']:,}", _beside(one)]
        for one in result["values"]
    ]
    lines = [head, "", *table(VALUES, rows, terminal)]
    lines += ["", "WezTerm loads its configuration again by itself when the file changes. Then they hold"]
    for where in dict.fromkeys(one["applies"] for one in result["values"]):
        names = [one["option"] for one in result["values"] if one["applies"] == where]
        lines.append(f"  {where}: {', '.join(names)}")
    costs = [
        [
            f"{one['rows']:,}",
            f"{one['p50_ms']:.1f} / {one['p95_ms']:.1f} ms",
            f"{one['cpu_percent']:g} %",
            f"{one['memory_mib']} MiB",
        ]
        for one in result["costs"]
    ]
    title = "What long scrollback costs (measured; one pane, 20 lines a second, one client):"
    return [*lines, "", title, *table(COSTS, costs, terminal), ""]


def _beside(one: TuneValue) -> str:
    if one["left_out"] is not None:
        return "left out"
    return "" if one["yours"] is None else f"overrides your {harmless(one['yours'])}"


def _restart(result: TuneResult, terminal: Terminal) -> list[str]:
    restart = result["restart"]
    lines = []
    if restart["known"]:
        agents = ", ".join(f"{one['pane_uid']} {harmless(one['agent'])} {one['state']}" for one in restart["agents"])
        panes = "one pane" if restart["panes"] == 1 else f"{restart['panes']} panes"
        lines.append(f"A restart would end {panes} now; agents in them: {agents or 'none'}.")
    return [*lines, terminal.styled(restart["advice"], Style.DIM)]
