"""`wa uninstall`."""

from __future__ import annotations

import shlex
import time
from typing import Annotated

import typer

from wa.model.errors import UsageError
from wa.protocol.results_setup import UninstallResult
from wa.surfaces.answer import Json, paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout
from wa.surfaces.plans import DryRun, Yes, agree, coloured, done, render_plan, run_through
from wa.surfaces.text import harmless

PURGE = "purge"


def uninstall(
    hosts: Annotated[bool, typer.Option("--hosts", help="Also what wa put on other machines.")] = False,
    purge: Annotated[bool, typer.Option("--purge", help="Also the database, your settings and the logs.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take out every trace of wa: plans, hooks, plugin, services, the sidecar itself. Your data stays, and is named.

    Example: wa uninstall --dry-run
    """
    from wa.api.setup_remote import undo_there
    from wa.api.uninstall import is_whole, look
    from wa.api.uninstall import uninstall as take_out

    started = time.perf_counter()
    result = run_through(look(paths(), hosts=hosts, purge=purge))
    if not dry_run:
        agree(yes, json, lambda: render(result, stdout()), "Take all this out?")
        if purge and not yes:
            # Asked by its name: a Return too many deletes nothing.
            folders = ", ".join(one["path"] for one in result["left"]) or "what is left"
            word = typer.prompt(f"Type {PURGE} to delete {harmless(folders)} for good", err=True, default="")
            if word.strip() != PURGE:
                raise UsageError(f"that is not {PURGE!r}", next_step="Nothing was done.")
        shown = not yes
        result = run_through(
            take_out(paths(), hosts=hosts, purge=purge, on_host=lambda host, one: undo_there(paths(), host, one))
        )
        if shown:
            say(*render(result, stdout(), diffs=False))
            raise typer.Exit(0 if is_whole(result) else 5)
    if json:
        show_json("uninstall", result, started)
    else:
        say(*render(result, stdout()))
    if not is_whole(result):
        raise typer.Exit(5)


def render(result: UninstallResult, terminal: Terminal, *, diffs: bool = True) -> list[str]:
    lines = list[str]()
    for plan in result["plans"]:
        head = f"wa {plan['command']} ({plan['id']})" if plan["id"] else "Put in by hand"
        lines += [terminal.styled(harmless(head) + ":", Style.BOLD)]
        lines += (
            render_plan(plan, terminal, closing=False, to_do="to take out")
            if diffs
            else done(plan, terminal, closing=False)
        )
    for one in result["hooks"]:
        if one["changed"]:
            word = "taken out" if result["done"] else "to go"
            lines.append(f"{terminal.styled(f'{word}:', Style.MARK)} hooks of {one['agent']}  {harmless(one['path'])}")
            if diffs:
                lines += coloured(one["diff"], terminal)
    if result["sidecar"] is not None:
        verb = "was stopped" if result["done"] else "will be stopped"
        lines.append(f"The sidecar (pid {result['sidecar']}) {verb}.")
    if not lines:
        lines.append("There is nothing of wa in your files.")
    lines += [harmless(note) for note in result["notes"]]
    if result["done"]:
        lines += [f"Removed {harmless(path)}." for path in result["removed"]]
    if result["left"]:
        lines.append(_of_data(result))
    for left in result["left"]:
        lines.append(f"  {_size(left['bytes']):>9}  {harmless(left['path'])}  {left['what']}")
        lines.append(f"{'':13}{harmless(shlex.join(left['command']))}")
    if not result["done"]:
        lines.append("Nothing was changed.")
    return lines


def _of_data(result: UninstallResult) -> str:
    if result["done"]:
        return "Your data stays:"
    return "Your data goes for good:" if result["removed"] else "Your data stays, unless you say --purge:"


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
