"""`wa notices` and `wa notify`."""

from __future__ import annotations

from typing import Annotated

import typer

from wa.api.times import local
from wa.protocol.results_notices import NoticeResult, NoticesResult, NotifyTestResult
from wa.surfaces.answer import Json, Newest, Since, answer, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.text import clip, harmless

DEFAULT_LIMIT = 50

app = typer.Typer(help="Try the ways in which wa tells you of agents.", no_args_is_help=True, rich_markup_mode=None)


def notices(
    pane: Annotated[
        str | None, typer.Option("--pane", metavar="PANE", help="Only of this pane, open or closed.")
    ] = None,
    since: Since = None,
    limit: Newest = DEFAULT_LIMIT,
    json: Json = False,
) -> None:
    """List what you were told of agents, and whether it arrived; oldest first.

    Example: wa notices --since today
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.notices import list_notices

    answer("notices", list_notices(paths(), pane=pane, since=since, limit=limit), render, as_json=json)


@app.command("test")
def try_out(
    way: Annotated[
        list[str] | None, typer.Option("--way", metavar="WAY", help="Only this one: desktop, webhook or ntfy.")
    ] = None,
    json: Json = False,
) -> None:
    """Tell yourself something on every way of notify.channels, and see whether it arrives.

    Example: wa notify test
    """
    from wa.api.notices import try_ways

    answer("notify-test", try_ways(paths(), way or ()), render_test, as_json=json)


def render(result: NoticesResult, terminal: Terminal) -> list[str]:
    lines = [line for one in result["notices"] for line in _lines(one, terminal)] or ["No notices."]
    if result["more"]:
        lines.append(terminal.styled("There are older ones: raise --limit or give --since.", Style.DIM))
    return lines + staleness(result["live"], result["as_of"], terminal)


def _lines(notice: NoticeResult, terminal: Terminal) -> list[str]:
    mark = "!" if notice["needs_you"] else "·"
    head = f"{local(notice['at'])}  {notice['pane_uid'] or '-':<5} {mark} {harmless(notice['title'])}"
    how = ", ".join(f"{way} {said}" for way, said in notice["delivered"].items())
    lines = [terminal.styled(head, Style.WARN if notice["needs_you"] else None)]
    lines += [f"    {harmless(part)}" for part in (notice["body"], how) if part]
    return lines if terminal.columns is None else [lines[0], *(clip(line, terminal.columns) for line in lines[1:])]


def render_test(result: NotifyTestResult, _terminal: Terminal) -> list[str]:
    return [f"{way}: {harmless(how)}" for way, how in result["ways"].items()]
