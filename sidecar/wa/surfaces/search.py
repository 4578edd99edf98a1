"""`wa search`."""

from __future__ import annotations

from typing import Annotated

import typer

from wa.api.times import local
from wa.protocol.results import SearchHit, SearchResult
from wa.surfaces.answer import AnyPane, Json, Since, Until, answer, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.text import clip, harmless

DEFAULT_LIMIT = 20


def search(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help='Words, "a phrase", word*, foo-bar; with --regex a pattern.')
    ],
    pane: AnyPane = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help="Only panes of this host; `localhost` is this one.")
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="DIR", help="Only panes that stand in DIR or below.")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="At most N hits, newest first.")
    ] = DEFAULT_LIMIT,
    context: Annotated[
        int, typer.Option("--context", "-C", metavar="N", min=0, max=100, help="N lines before and after each hit.")
    ] = 0,
    regex: Annotated[
        bool, typer.Option("--regex", help="QUERY is a regular expression: for paths, hashes, punctuation.")
    ] = False,
    json: Json = False,
) -> None:
    """Find what was printed, in everything stored and on every current screen.

    Example: wa search "connection refused" --since yesterday -C 2
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.search import SearchWish, find

    wish = SearchWish(
        query=query,
        pane=pane,
        host=host,
        project=project,
        since=since,
        until=until,
        limit=limit,
        context=context,
        regex=regex,
    )
    answer("search", find(paths(), wish), render, as_json=json)


def render(result: SearchResult, terminal: Terminal) -> list[str]:
    lines: list[str] = []
    for hit in result["hits"]:
        if lines and (hit["before"] or hit["after"]):
            lines.append("")
        lines += hit_lines(hit, terminal)
    if not result["hits"]:
        lines.append("Nothing found.")
    if result["more"]:
        lines.append(terminal.styled("There are more: raise --limit or narrow the search.", Style.DIM))
    return lines + staleness(result["live"], result["as_of"], terminal)


def hit_lines(hit: SearchHit, terminal: Terminal) -> list[str]:
    place = "screen" if hit["kind"] == "screen" else f"row {hit['row']}"
    head = f"{hit['pane_uid']} {place} {local(hit['at'])}"
    if not hit["before"] and not hit["after"]:
        text = _fitting(hit["text"], terminal, len(head) + 2)
        return [f"{terminal.styled(head, Style.MARK)}  {text}"]
    title = f"{hit['mux']}/{hit['pane_id']} {harmless(hit['title'])}"
    return [
        clip(f"{head}  {title}", terminal.columns) if terminal.columns else f"{head}  {title}",
        *(terminal.styled(f"  {_fitting(line, terminal, 2)}", Style.DIM) for line in hit["before"]),
        terminal.styled(f"> {_fitting(hit['text'], terminal, 2)}", Style.BOLD),
        *(terminal.styled(f"  {_fitting(line, terminal, 2)}", Style.DIM) for line in hit["after"]),
    ]


def _fitting(text: str, terminal: Terminal, taken: int) -> str:
    """On a terminal a hit takes one line each; in a pipe all of it."""
    safe = harmless(text.rstrip())
    return safe if terminal.columns is None else clip(safe, max(10, terminal.columns - taken))
