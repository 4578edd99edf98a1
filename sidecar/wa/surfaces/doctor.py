"""`wa doctor`."""

from __future__ import annotations

import sys
import time
from shlex import join
from typing import Annotated

import typer

from wa.model.errors import UsageError
from wa.protocol.results import DoctorResult, FixResult
from wa.surfaces.answer import Json, answer, paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout
from wa.surfaces.text import harmless

MARKS = {
    "ok": ("ok", Style.GOOD),
    "note": ("note", Style.MARK),
    "warning": ("warn", Style.WARN),
    "error": ("FAIL", Style.BAD),
}
FIXES = {
    "to_do": ("would run", Style.MARK),
    "done": ("done", Style.GOOD),
    "failed": ("FAILED", Style.BAD),
    "left": ("yours", Style.WARN),
}


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Run the commands that are safe, then look again.")] = False,
    hosts: Annotated[bool, typer.Option("--hosts", help="Ask the hosts that were set up, too.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --fix: do not ask; also take back what was interrupted.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --fix: show what would be run.")] = False,
    json: Json = False,
) -> None:
    """Look for trouble: WezTerm, its configuration, sidecar, database, services, hooks; each with its next step.

    Example: wa doctor --fix
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.doctor import examine

    if not fix:
        if yes or dry_run:
            raise UsageError("--yes and --dry-run are for --fix", next_step="Add --fix.")
        answer("doctor", examine(paths(), hosts=hosts), render, as_json=json)
        return
    _fix(hosts=hosts, yes=yes, dry_run=dry_run, json=json)


def _fix(*, hosts: bool, yes: bool, dry_run: bool, json: bool) -> None:
    import asyncio

    from wa.api.doctor import examine
    from wa.api.doctor_fix import mend, to_fix

    started = time.perf_counter()
    found = asyncio.run(examine(paths(), hosts=hosts))
    fixes = to_fix(found["findings"], yes=yes)
    if dry_run or not any(one["state"] == "to_do" for one in fixes):
        found["fixes"] = fixes
        shown = found
    else:
        if not yes:
            if json or not sys.stdin.isatty():
                raise UsageError("nobody can be asked here", next_step="Add --yes, or --dry-run.")
            say(*render_fixes(fixes, stdout()))
            typer.confirm("Run what is marked `would run`?", abort=True, err=True)
        shown = asyncio.run(mend(paths(), found, yes=yes, hosts=hosts))
    if json:
        show_json("doctor", shown, started)
    else:
        say(*render(shown, stdout()), *([] if shown["fixes"] else ["Nothing to mend by a command."]))
    if any(one["state"] == "failed" for one in shown["fixes"]):
        raise typer.Exit(1)


def render(result: DoctorResult, terminal: Terminal) -> list[str]:
    lines = render_fixes(result["fixes"], terminal)
    for finding in result["findings"]:
        word, style = MARKS[finding["level"]]
        lines.append(f"{terminal.styled(f'{word:<4}', style)}  {harmless(finding['what'])}")
        if finding["next_step"]:
            lines.append(f"      {terminal.styled('next:', Style.MARK)} {harmless(finding['next_step'])}")
    return lines


def render_fixes(fixes: list[FixResult], terminal: Terminal) -> list[str]:
    lines = []
    for one in fixes:
        word, style = FIXES[one["state"]]
        lines.append(f"{terminal.styled(f'{word:<9}', style)}  {harmless(join(one['argv']))}")
        lines.append(f"           for: {harmless(one['what'])}")
        if one["trouble"]:
            lines.append(f"           {terminal.styled(harmless(one['trouble']), Style.BAD)}")
        if one["state"] == "failed" and one["next_step"]:
            lines.append(f"           {terminal.styled('next:', Style.MARK)} {harmless(one['next_step'])}")
    return [*lines, ""] if lines else []
