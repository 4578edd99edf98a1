"""A plan before a person's eyes: shown, asked about, made, told."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from wa.model.errors import UsageError
from wa.protocol.results_setup import ChangeResult, PlanResult
from wa.surfaces.answer import paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout, warn
from wa.surfaces.text import harmless

if TYPE_CHECKING:
    from wa.api.plans import Plan

Result = TypeVar("Result")
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]

MAX_WHOLE_LINES = 40
"""Of a file that is made or removed, a module of wa's for one: a longer one is no diff that anybody reads."""
USERS_OWN = ("/wezterm.lua", "/.wezterm.lua")
"""Files that their user goes on with from there: shown whole."""
WORDS = {
    "to_do": ("to do", Style.MARK),
    "holds": ("is so", Style.DIM),
    "done": ("done", Style.GOOD),
    "failed": ("failed", Style.BAD),
    "undone": ("taken back", Style.GOOD),
    "conflict": ("left alone", Style.WARN),
}


def offer(command: str, plan: Plan, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Shows the plan, asks, makes it, prints what was done. *command*: the name of the envelope, `setup-local`.

    Raises UsageError where nobody can be asked, and what `apply` raises.
    """
    from wa.api.plans import apply, interrupted, look

    started = time.perf_counter()
    result = run_through(look(plan))
    result["notes"] += [_of_interrupted(one, plan.command) for one in interrupted(paths())]
    is_needed = any(one["state"] == "to_do" for one in result["changes"])
    if not dry_run:
        if is_needed:
            agree(yes, as_json, lambda: render_plan(result, stdout()), "Make these changes?")
        shown = not yes and is_needed
        result = run_through(apply(plan, paths()))
        result["notes"] += [_of_interrupted(one, plan.command) for one in interrupted(paths())]
        if shown and not as_json:
            say(*done(result, stdout()))
            return
    if as_json:
        show_json(command, result, started)
    else:
        say(*render_plan(result, stdout()))


def _of_interrupted(one: PlanResult, command: str) -> str:
    where = f" on {one['machine']}" if one["machine"] is not None else ""
    told = f"An earlier `wa {one['command']}`{where} ({one['id']}) was interrupted"
    if one["state"] == "begun" and one["command"] == command and one["machine"] is None:
        return f"{told}: this goes on from there."
    if one["state"] == "undoing":
        return f"{told} while it was taken back: `wa setup undo {one['id']}` goes on."
    return f"{told}: run it again to go on, or take it back with `wa setup undo {one['id']}`."


def agree(yes: bool, as_json: bool, show: Any, question: str) -> None:
    """Raises UsageError where nobody can be asked, typer.Abort where the answer is no."""
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", next_step="Add --yes, or --dry-run to see what would change.")
    say(*show())
    typer.confirm(question, abort=True, err=True)


def run_through(use_case: Coroutine[Any, Any, Result]) -> Result:
    """As `asyncio.run`; after a Ctrl-C it says how things stand."""
    import asyncio

    try:
        return asyncio.run(use_case)
    except KeyboardInterrupt:
        from wa.api.plans import interrupted

        left = interrupted(paths())
        if left:
            warn(f"wa: interrupted; some of it is made. Take it back with: wa setup undo {left[-1]['id']}")
        else:
            warn("wa: interrupted; nothing of it is left half-way. `wa setup history` lists what is made.")
        raise


def render_plan(result: PlanResult, terminal: Terminal, *, closing: bool = True, to_do: str = "to do") -> list[str]:
    """What is to be done, or was: a diff a file, then programs and services, then notes."""
    lines = list[str]()
    for one in result["changes"]:
        if one["state"] == "holds":
            continue
        lines += [*_change(one, terminal, to_do), *([""] if one["diff"] else [])]
    if not lines:
        lines = ["Nothing to change: all of it is as it should be.", ""]
    lines += [harmless(note) for note in result["notes"]]
    while lines and not lines[-1]:
        lines.pop()
    return [*lines, *(_end(result) if closing else [])]


def done(result: PlanResult, terminal: Terminal, *, closing: bool = True) -> list[str]:
    """One line a change, for who has seen the diffs."""
    lines = [line for one in result["changes"] if one["state"] != "holds" for line in _head(one, terminal)]
    return [*lines, *(harmless(note) for note in result["notes"]), *(_end(result) if closing else [])]


def _end(result: PlanResult) -> list[str]:
    match result["state"]:
        case "planned":
            return ["Nothing was changed."] if any(one["state"] == "to_do" for one in result["changes"]) else []
        case "finished" if result["id"] is not None:
            return [f"Done. To take it back: wa setup undo {result['id']}"]
        case "undone":
            return [f"`wa {result['command']}` ({result['id']}) is taken back."]
        case "undoing":
            again = f"wa setup undo {result['id']}"
            return [f"The rest of `wa {result['command']}` is taken back. What was left alone: {again} tries again"]
    return []


def _change(one: ChangeResult, terminal: Terminal, to_do: str) -> list[str]:
    return [*_head(one, terminal, to_do), *coloured(one["diff"], terminal)]


def coloured(diff: list[str], terminal: Terminal) -> list[str]:
    """A diff's lines; of a long file that is made or removed whole, how it begins."""
    colours = {"+": Style.GOOD, "-": Style.BAD, "@": Style.MARK}
    shown, more = diff, list[str]()
    kind = (
        "a new file" if diff[:1] == ["--- /dev/null"] else "a removed file" if diff[1:2] == ["+++ /dev/null"] else None
    )
    is_users = any(line.endswith(USERS_OWN) for line in diff[:2])
    if kind is not None and len(diff) > MAX_WHOLE_LINES and not is_users:
        shown = diff[:2]
        more = [f"    {kind} of {len(diff) - 3} lines; with --json its text is printed"]
    return [*(terminal.styled(harmless(line), colours.get(line[:1])) for line in shown), *more]


def _head(one: ChangeResult, terminal: Terminal, to_do: str = "to do") -> list[str]:
    word, style = WORDS[one["state"]]
    word = to_do if one["state"] == "to_do" else word
    where = shlex.join(one["command"]) if one["command"] else one["path"] or ""
    lines = [f"{terminal.styled(f'{word}:', style)} {harmless(one['what'])}  {harmless(where)}"]
    if one["trouble"]:
        lines.append(terminal.styled(f"    {harmless(one['trouble'])}", Style.WARN))
    if one["next_step"]:
        lines.append(f"    {harmless(one['next_step'])}")
    return lines
