"""`wa logs`."""

from __future__ import annotations

from typing import Annotated

import typer

from wa.model.errors import UsageError
from wa.protocol.results import GapResult, LogsResult
from wa.surfaces.answer import Json, PaneArgument, answer, answer_stream, paths, staleness
from wa.surfaces.output import Style, Terminal, warn
from wa.surfaces.text import harmless

REASONS = {
    "trimmed": "the terminal's scrollback dropped them first",
    "unseen": "they passed over a full screen between two looks",
    "erased": "the program erased them before they were read",
    "resized": "a resize re-wrapped them",
    "disconnected": "nobody was listening",
    "store_full": "the database could not take more",
    "unreadable": "the terminal sent something that does not decode",
    "closed": "the pane closed first",
    "forgotten": "they were deleted by `wa forget`",
}
"""The reasons of `wa.model.log.GapReason`, for people."""


def logs(
    pane: PaneArgument,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", metavar="N", min=0, help="The newest N lines, screen included.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything stored, then the current screen.")] = False,
    rows: Annotated[
        bool, typer.Option("--rows", help="Physical rows as the terminal has them; else soft wraps are joined.")
    ] = False,
    stored: Annotated[bool, typer.Option("--stored", help="Without the current screen.")] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="Only what came after T: 10m, 14:30, yesterday, ISO.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Print what a pane printed: a screenful of its log and its current screen, unless told otherwise.

    Example: wa logs p17 --since 10m
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.following import follow_log
    from wa.api.logs import LogWish, read_log, read_log_in_pages

    if tail is not None and everything:
        raise UsageError("--tail and --all cannot both be", next_step="Leave one of them out.")
    wish = LogWish(pane=pane, tail=tail, everything=everything, physical=rows, stored_only=stored, since=since)
    if follow:
        answer_stream("logs", follow_log(paths(), wish), render, as_json=json)
        return
    if json:
        answer("logs", read_log(paths(), wish), render, as_json=True)
    elif (last := answer_stream("logs", read_log_in_pages(paths(), wish), render, as_json=False)) is not None:
        # The text may be piped on: what is said about it goes elsewhere.
        for line in staleness(last["live"], last["as_of"], Terminal(None, False)):
            warn(line)


def render(result: LogsResult, terminal: Terminal) -> list[str]:
    lines = []
    for row in result["rows"]:
        if row["gap"] is not None:
            lines.append(terminal.styled(gap_line(row["gap"]), Style.WARN))
        else:
            lines.append(harmless(row["text"]) if terminal.columns is not None else row["text"])
    return lines


def gap_line(gap: GapResult) -> str:
    count = (
        "some rows are"
        if gap["missing"] is None
        else "1 row is"
        if gap["missing"] == 1
        else f"{gap['missing']:,} rows are"
    )
    return f"── {count} missing here: {REASONS.get(gap['reason'], gap['reason'])} ──"
