"""`wa commands`."""

from __future__ import annotations

from typing import Annotated

import typer

from wa.api.times import local
from wa.protocol.results_commands import CommandResult, CommandsResult
from wa.surfaces.answer import AnyPane, Json, Newest, Since, Until, answer, answer_stream, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.tables import Cell, Column, table

DEFAULT_LIMIT = 50
COLUMNS = (
    Column("WHEN"),
    Column("PANE"),
    Column("EXIT", right=True),
    Column("TOOK", right=True),
    Column("COMMAND", flexible=True, least=20),
    Column("FOLDER", flexible=True, least=8, drop=1),
)


def commands(
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="Only those with this in them.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that ended with another status than 0.")] = False,
    slower_than: Annotated[
        str | None,
        typer.Option("--slower-than", metavar="LENGTH", help="Only those that took at least so long: 90s, 1m."),
    ] = None,
    pane: AnyPane = None,
    since: Since = None,
    until: Until = None,
    limit: Newest = DEFAULT_LIMIT,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """List what was run in the shells: command, exit status, how long it took, where; oldest first.

    Needs wa's shell integration (docs/topics/shell-commands.md).

    Example: wa commands --failed --since yesterday
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.commands import CommandWish, follow_commands, list_commands

    wish = CommandWish(text, pane, failed, slower_than, since, until, limit)
    if follow:
        answer_stream("commands", follow_commands(paths(), wish), lines_of, as_json=json)
    else:
        answer("commands", list_commands(paths(), wish), render, as_json=json)


def render(result: CommandsResult, terminal: Terminal) -> list[str]:
    if not result["commands"]:
        lines = ["No commands. Shells tell of theirs once they have wa's integration: docs/topics/shell-commands.md"]
    else:
        lines = table(COLUMNS, [_row(one) for one in result["commands"]], terminal)
    if result["more"]:
        lines.append(terminal.styled("There are older ones: raise --limit or give --since.", Style.DIM))
    return lines + staleness(result["live"], result["as_of"], terminal)


def lines_of(result: CommandsResult, terminal: Terminal) -> list[str]:
    """Without a header."""
    return table(COLUMNS, [_row(one) for one in result["commands"]], terminal)[1:]


def _row(one: CommandResult) -> list[str | Cell]:
    status = one["exit_status"]
    unknown = "?" if one["state"] == "lost" else "-"
    exit_cell = Cell(unknown if status is None else str(status), Style.BAD if status else None)
    if one["state"] == "running":
        exit_cell = Cell("runs", Style.WARN)
    command = "(not told)" if one["command"] is None else " ".join(one["command"].split()) + ("…" if one["cut"] else "")
    took = "" if one["duration_s"] is None else took_words(one["duration_s"])
    return [local(one["started_at"]), one["pane_uid"], exit_cell, took, command, one["cwd"] or ""]


def took_words(seconds: float) -> str:
    """`0.3 s`, `42 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    size, unit, smaller, small = (60, "min", 1, "s") if whole < 3600 else (3600, "h", 60, "min")
    rest = whole % size // smaller
    return f"{whole // size} {unit} {rest} {small}" if rest else f"{whole // size} {unit}"
