"""`wa forget`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from wa.api.forget import forget_output
from wa.model.errors import UsageError
from wa.protocol.results import ForgetResult
from wa.surfaces.answer import Json, answer, paths
from wa.surfaces.output import Terminal


def forget(
    pane: Annotated[str | None, typer.Argument(metavar="[PANE]", help="Everything of this pane.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="Everything since T: 10m, 14:30, yesterday, ISO.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Delete stored output for good: of one pane, since an instant, or both.

    Example: wa forget p17 --since 10m
    """
    if pane is None and since is None:
        raise UsageError("nothing says what to forget", next_step="Give PANE, --since T, or both.")
    if not yes and not json and sys.stdin.isatty():
        what = " ".join(["everything", *([f"of {pane}"] if pane else []), *([f"since {since}"] if since else [])])
        typer.confirm(f"Delete {what} for good?", abort=True, err=True)
    answer("forget", forget_output(paths(), pane=pane, since=since), render, as_json=json)


def render(result: ForgetResult, _terminal: Terminal) -> list[str]:
    rows = result["rows_deleted"]
    return [f"Forgot {rows:,} row{'' if rows == 1 else 's'}."]
