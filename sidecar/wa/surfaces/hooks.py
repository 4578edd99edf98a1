"""`wa hooks`."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from wa.model.errors import UsageError
from wa.protocol.results_hooks import HooksResult, HooksStatusResult, HooksTestResult
from wa.surfaces.answer import Json, answer, paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout
from wa.surfaces.text import harmless

app = typer.Typer(
    help="Let agents tell wa what they do: lines in their settings that call `wa hook`.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AgentOption = Annotated[
    list[str] | None, typer.Option("--agent", metavar="A", help="Only this one: claude, codex or gemini.")
]
Project = Annotated[bool, typer.Option("--project", help="In the settings of the present folder.")]
User = Annotated[bool, typer.Option("--user", help="In your own settings; so it is without --project.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]


@app.command()
def install(
    agent: AgentOption = None,
    project: Project = False,
    user: User = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Put wa's hooks into the settings of your agents, after showing what changes. `wa hooks uninstall` undoes it to the byte.

    Example: wa hooks install --agent claude
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.hooks import plan_install

    _change("hooks-install", plan_install, agent, project, user, yes, dry_run, json)


@app.command()
def uninstall(
    agent: AgentOption = None,
    project: Project = False,
    user: User = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take wa's hooks out of the settings of your agents. What you have changed there meanwhile stays.

    Example: wa hooks uninstall
    """
    from wa.api.hooks import plan_uninstall

    _change("hooks-uninstall", plan_uninstall, agent, project, user, yes, dry_run, json)


@app.command()
def status(agent: AgentOption = None, project: Project = False, user: User = False, json: Json = False) -> None:
    """Say which settings call wa, and what has arrived.

    Example: wa hooks status
    """
    from wa.api.hooks import hooks_status

    _either(project, user)
    answer("hooks-status", hooks_status(paths(), agent or [], project=project), render_status, as_json=json)


@app.command("test")
def try_out(agent: AgentOption = None, json: Json = False) -> None:
    """Call what the settings call, with an event that says nothing, and see how long it takes and whether it arrives.

    Example: wa hooks test
    """
    from wa.api.hooks import hooks_test

    result = answer("hooks-test", hooks_test(paths(), agent or []), render_test, as_json=json)
    if any(one["trouble"] for one in result["tests"]):
        raise typer.Exit(1)


def _change(
    command: str,
    plan_of: object,
    agent: list[str] | None,
    project: bool,
    user: bool,
    yes: bool,
    dry_run: bool,
    json: bool,
) -> None:
    import asyncio

    started = time.perf_counter()
    _either(project, user)
    plan = asyncio.run(plan_of(paths(), agent or [], project=project))  # type: ignore[operator]
    if dry_run or plan.is_empty:
        shown = plan.result(done=False)
    elif json and not yes:
        raise UsageError("nobody can be asked here", next_step="Add --yes, or --dry-run to see what would change.")
    else:
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError("nobody can be asked here", next_step="Add --yes, or --dry-run.")
            say(*render(plan.result(done=False), stdout(), asks=True))
            typer.confirm("Change these files?", abort=True, err=True)
        shown = plan.perform()
    if json:
        show_json(command, shown, started)
    else:
        say(*render(shown, stdout()) if yes or not shown["done"] else done(shown))


def _either(project: bool, user: bool) -> None:
    if project and user:
        raise UsageError("--project and --user are two places", next_step="Give one of them.")


def render(result: HooksResult, terminal: Terminal, *, asks: bool = False) -> list[str]:
    colours = {"+": Style.GOOD, "-": Style.BAD, "@": Style.MARK}
    lines = [
        terminal.styled(harmless(line), colours.get(line[:1]))
        for one in result["files"]
        for line in (*one["diff"], *([""] if one["diff"] else []))
    ]
    if not lines:
        return ["Nothing to change."]
    if asks:
        return [*lines, *result["notes"]]
    return [*lines, *(done(result) if result["done"] else ["Nothing was changed."])]


def done(result: HooksResult) -> list[str]:
    return [*(f"Changed {harmless(one['path'])}." for one in result["files"] if one["changed"]), *result["notes"]]


def render_status(result: HooksStatusResult, terminal: Terminal) -> list[str]:
    lines = []
    for one in result["files"]:
        said = ", ".join(one["events"]) or terminal.styled("no hooks of wa", Style.DIM)
        lines.append(f"{one['agent']:<12}{harmless(one['path'])}: {said}")
        if one["trouble"]:
            lines.append(terminal.styled(f"{'':<12}{harmless(one['trouble'])}", Style.WARN))
    if not result["live"]:
        return [*lines, "No sidecar runs: what hooks tell waits for it."]
    lines.append(f"The sidecar has taken {result['taken']} events of hooks.")
    return [*lines, *(f"{count} were not believed: {harmless(why)}" for why, count in result["dropped"].items())]


def render_test(result: HooksTestResult, terminal: Terminal) -> list[str]:
    lines = []
    for one in result["tests"]:
        took = "" if one["ms"] is None else f" in {one['ms']:.0f} ms"
        word = f"arrived{took}" if one["arrived"] else f"not arrived: {one['trouble']}"
        style = Style.GOOD if one["trouble"] is None else Style.BAD
        lines.append(f"{one['agent']:<12}{harmless(one['program'])}: {terminal.styled(harmless(word), style)}")
    return lines
