"""`wa run`."""

from __future__ import annotations

from typing import Annotated

import typer

from wa.model.errors import UsageError


def run(
    program: Annotated[
        list[str] | None, typer.Argument(metavar="PROGRAM…", help="The program and its arguments, behind --.")
    ] = None,
) -> None:
    """Run a program as it is, and record the states that it reports of itself (OSC 7501).

    Example: wa run -- claude --continue
    """
    if not program:
        raise UsageError("wa run needs a program", next_step="Run `wa run -- claude`, for example.")
    from wa.api.run import run as run_program

    raise typer.Exit(run_program(program))
