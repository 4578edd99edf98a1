"""`wa events` and `wa sessions`."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from wa.api.times import age, local
from wa.protocol.results import EventsResult, SessionsResult
from wa.surfaces.answer import Json, answer, answer_stream, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

SEVERITIES = {"info": None, "warning": Style.WARN, "critical": Style.BAD}
COLUMNS = (
    Column("SESSION"),
    Column("PANE"),
    Column("AGENT"),
    Column("ID", flexible=True, least=8),
    Column("STARTED"),
    Column("ENDED", flexible=True, least=6),
    Column("TURNS", right=True),
    Column("LIMITS", right=True, drop=3),
    Column("TOKENS", right=True, drop=2),
    Column("PROJECT", flexible=True, least=8, drop=4),
)


def events(
    pane: Annotated[str | None, typer.Option("--pane", metavar="PANE", help="Only this pane, open or closed.")] = None,
    event: Annotated[
        str | None, typer.Option("--event", metavar="NAME", help="Only these: usage.limit, or usage for all of it.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="Not older than T: 10m, 14:30, yesterday, ISO.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="T", help="Not newer than T.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="The newest N.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Say what agents did: turns, limits, questions, compactions, ends; oldest first.

    Example: wa events --event usage --since yesterday
    """
    from wa.api.events import EventWish, follow_events, list_events

    wish = EventWish(pane=pane, event=event, since=since, until=until, limit=limit)
    if follow:
        answer_stream("events", follow_events(paths(), wish), render_events, as_json=json)
    else:
        answer("events", list_events(paths(), wish), render_events, as_json=json)


def render_events(result: EventsResult, terminal: Terminal) -> list[str]:
    lines = []
    for one in result["events"]:
        fields = " ".join(
            f"{name}={value if isinstance(value, str) else json_module.dumps(value, ensure_ascii=False)}"
            for name, value in one["fields"].items()
            if name not in ("options", "resets_at")
        )
        name = terminal.styled(one["event"], SEVERITIES.get(one["severity"]))
        lines.append(f"{local(one['at'])}  {one['pane_uid']:5} {one['agent']:12} {name}  {harmless(fields)}".rstrip())
    return lines + staleness(result["live"], result["as_of"], terminal)


app = typer.Typer(help="Sessions of agents: what each one took and how it ended.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def sessions(
    context: typer.Context,
    pane: Annotated[str | None, typer.Option("--pane", metavar="PANE", help="Only this pane, open or closed.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", metavar="AGENT", help="Only this agent's.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="T", help="Under way after T.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="The newest N.")] = 100,
    json: Json = False,
) -> None:
    """List the sessions of agents, newest first.

    Example: wa sessions --since yesterday
    """
    if context.invoked_subcommand is None:
        from wa.api.events import SessionWish, list_sessions

        answer(
            "sessions", list_sessions(paths(), SessionWish(pane, agent, since, limit)), render_sessions, as_json=json
        )


@app.command("show")
def show(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="s12, or the agent's own id.")], json: Json = False
) -> None:
    """Print one session with its turns, limits, compactions and tokens.

    Example: wa sessions show s12
    """
    from wa.api.events import show_session

    answer("sessions", show_session(paths(), session), render_sessions, as_json=json)


def render_sessions(result: SessionsResult, terminal: Terminal) -> list[str]:
    rows: list[list[str | Cell]] = []
    for one in result["sessions"]:
        total = one["tokens"]["total"]
        rows.append(
            [
                Cell(one["session"], Style.BOLD),
                one["pane_uid"],
                one["agent"] if one["version"] is None else f"{one['agent']} {one['version']}",
                one["session_id"] or "",
                local(one["started_at"]),
                "runs" if one["ended_at"] is None else f"{age(one['ended_at'])} ago, {one['end_mode']}",
                str(one["turns"]),
                str(one["limits"]),
                "" if total is None else f"{total:,}",
                one["project"] or "",
            ]
        )
    lines = table(COLUMNS, rows, terminal) if rows else ["No sessions."]
    for one in result["sessions"]:
        parts = one["parts"]
        if parts is None:
            continue
        lines += [
            f"turn {turn['number']}: {local(turn['started_at'])}, {turn['outcome'] or 'runs'} {turn['duration'] or ''}".rstrip()
            for turn in parts["turns"]
        ]
        lines += [
            f"limit: {local(limit['at'])}, {limit['window'] or 'usage'}, resets {limit['printed'] or 'unknown'}"
            + (f", lifted {local(limit['lifted_at'])}" if limit["lifted_at"] else "")
            for limit in parts["limits"]
        ]
        lines += [
            f"compaction: {local(done['at'])}, {done['trigger'] or 'trigger unknown'}" for done in parts["compactions"]
        ]
        lines += [
            f"model {model['model']}: {model['reqs']} requests, input {model['input']}, cached {model['cached']}, output {model['output']}"
            for model in parts["models"]
        ]
    return lines + staleness(result["live"], result["as_of"], terminal)
