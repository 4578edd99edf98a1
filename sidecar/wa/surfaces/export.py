"""`wa export`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from wa.model.errors import UsageError
from wa.protocol.results import ExportResult
from wa.surfaces.answer import Json, answer, paths
from wa.surfaces.output import Terminal, warn

FORMATS = ("jsonl", "db")


def export(
    form: Annotated[
        str, typer.Option("--format", metavar="jsonl|db", help="JSON lines, or a copy of the database.")
    ] = "jsonl",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to; JSON lines go to standard output without it."),
    ] = None,
    json: Json = False,
) -> None:
    """Copy out everything that is stored. A file is written 0600, whole or not at all.

    Example: wa export --output wa.jsonl
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.export import export_to_file, export_to_stream

    if form not in FORMATS:
        raise UsageError(f"--format {form!r} is neither jsonl nor db", next_step="Write --format jsonl or --format db.")
    if output is None and (form == "db" or json):
        raise UsageError("this needs --output FILE", next_step="Name a file that does not exist yet.")
    if output is None:
        found = asyncio.run(export_to_stream(paths(), sys.stdout.buffer))
        warn(f"{found['panes']} panes, {found['rows']:,} rows, {found['gaps']} gaps")
        return
    answer("export", export_to_file(paths(), output, as_database=form == "db"), render, as_json=json)


def render(result: ExportResult, _terminal: Terminal) -> list[str]:
    facts = f"{result['panes']} panes, {result['rows']:,} rows, {result['gaps']} gaps, {result['bytes']:,} bytes"
    return [f"{result['path']}: {facts}"]
