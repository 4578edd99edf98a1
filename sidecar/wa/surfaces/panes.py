"""`wa panes`."""

from __future__ import annotations

from typing import Annotated

import typer

from wa.api.panes import list_panes
from wa.api.times import age
from wa.protocol.results import PaneResult, PanesResult
from wa.surfaces.answer import Json, answer, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.tables import Cell, Column, table

COLUMNS = (
    Column("PANE"),
    Column("MUX/ID", flexible=True, least=6, drop=1),
    Column("TITLE", flexible=True, least=8),
    Column("FOLDER", flexible=True, least=8, drop=4),
    Column("SIZE", right=True, drop=6),
    Column("STATE"),
    Column("ROWS", right=True, drop=3),
    Column("LOST", right=True, drop=2),
    Column("LAST", right=True, drop=5),
)


def panes(
    all_panes: Annotated[
        bool, typer.Option("--all", help="Closed panes too, as long as something of them is kept.")
    ] = False,
    json: Json = False,
) -> None:
    """List the panes that are watched.

    Example: wa panes
    """
    answer("panes", list_panes(paths(), closed=all_panes), render, as_json=json)


def render(result: PanesResult, terminal: Terminal) -> list[str]:
    lines = pane_table(result["panes"], terminal) if result["panes"] else ["No panes."]
    return lines + staleness(result["live"], result["as_of"], terminal)


def pane_table(found: list[PaneResult], terminal: Terminal) -> list[str]:
    rows: list[list[str | Cell]] = []
    for pane in found:
        name = f"{pane['mux']}/{pane['pane_id']}"
        folder = (pane["cwd"] or "").rstrip("/") or (pane["cwd"] or "")
        size = f"{pane['size']['cols']}x{pane['size']['rows']}"
        lost = lost_text(pane)
        rows.append(
            [
                Cell(pane["pane_uid"], Style.BOLD),
                name,
                pane["title"],
                folder,
                size,
                state_cell(pane),
                f"{pane['rows_stored']:,}",
                Cell(lost, Style.WARN if pane["gaps"] else None),
                age(pane["last_output_at"]),
            ]
        )
    return table(COLUMNS, rows, terminal)


def lost_text(pane: PaneResult) -> str:
    """`0`, `120`, or `120+` where one of the gaps has no known size and nothing else is counted for it."""
    if pane["gaps"] and not pane["rows_lost"]:
        return "some"
    return f"{pane['rows_lost']:,}"


def state_cell(pane: PaneResult) -> Cell:
    if not pane["alive"]:
        return Cell("closed", Style.DIM)
    if pane["excluded"]:
        return Cell("excluded", Style.DIM)
    if pane["source"] is None:
        return Cell("unwatched", Style.WARN)
    return Cell(pane["source"], Style.GOOD if pane["source"] == "push" else Style.WARN)
