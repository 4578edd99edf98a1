"""`wa queue`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from wa.api.times import age, local
from wa.protocol.results_acting import QueuedItem, QueueResult
from wa.surfaces.answer import Json, answer, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

COLUMNS = (
    Column("ID", right=True),
    Column("PANE"),
    Column("TEXT", flexible=True, least=12),
    Column("AGO", right=True),
    Column("STATUS"),
    Column("UNTIL", drop=2),
    Column("DETAIL", flexible=True, least=8, drop=1),
)

app = typer.Typer(help="Texts that wait for an agent to be idle.", rich_markup_mode=None, no_args_is_help=True)


@app.command("list")
def list_command(
    pane: Annotated[str | None, typer.Option("--pane", metavar="PANE", help="Only those of this pane.")] = None,
    settled: Annotated[bool, typer.Option("--all", help="The newest that wait no more, too.")] = False,
    json: Json = False,
) -> None:
    """List the texts that wait, in the order in which they will be sent.

    Example: wa queue list
    """
    from wa.api.acting import list_queue

    answer("queue", list_queue(paths(), pane=pane, settled=settled), render, as_json=json)


@app.command("cancel")
def cancel(
    ident: Annotated[int, typer.Argument(metavar="ID", help="Its number in `wa queue list`.")], json: Json = False
) -> None:
    """Take a text back that waits.

    Example: wa queue cancel 4
    """
    from wa.api.acting import cancel_queued

    answer("queue", cancel_queued(paths(), ident), render_cancelled, as_json=json)


def render(result: QueueResult, terminal: Terminal) -> list[str]:
    lines = queue_table(result["queued"], terminal) if result["queued"] else ["Nothing waits."]
    return lines + staleness(result["live"], result["as_of"], terminal)


def queue_table(found: Sequence[QueuedItem], terminal: Terminal) -> list[str]:
    rows: list[list[str | Cell]] = [
        [
            Cell(str(one["id"]), Style.BOLD),
            one["pane_uid"],
            " ".join(one["text"].split()),
            age(one["at"]),
            Cell(one["status"], Style.GOOD if one["status"] == "sent" else Style.DIM),
            local(one["expires_at"]) if one["status"] == "waiting" else "",
            one["detail"] or "",
        ]
        for one in found
    ]
    return table(COLUMNS, rows, terminal)


def render_cancelled(result: QueueResult, _terminal: Terminal) -> list[str]:
    return [f"Cancelled {one['id']}: {harmless(' '.join(one['text'].split()))}" for one in result["queued"]]
