"""`wa sessions`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from wa.api.times import length, local
from wa.model.errors import UsageError
from wa.protocol.results_sessions import (
    SessionModel,
    SessionParts,
    SessionResult,
    SessionsResult,
    SessionTurn,
    SessionTurnModel,
)
from wa.surfaces.answer import AnyPane, Json, Newest, answer, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

DEFAULT_LIMIT = 100
COLUMNS = (
    Column("SESSION"),
    Column("PANE"),
    Column("AGENT"),
    Column("MODEL", flexible=True, least=6, drop=5),
    Column("PROJECT", flexible=True, least=8, drop=4),
    Column("STARTED", drop=2),
    Column("LENGTH", right=True),
    Column("TURNS", right=True, drop=3),
    Column("TOKENS", right=True, drop=6),
    Column("END"),
)
TURNS = (
    Column("TURN", right=True),
    Column("STARTED"),
    Column("LENGTH", right=True),
    Column("PRINTED", right=True),
    Column("TOKENS", right=True),
    Column("OUTCOME"),
)
TURN_MODELS = (
    Column("TURN", right=True),
    Column("MODEL", flexible=True),
    Column("REQUESTS", right=True, drop=2),
    Column("TOTAL", right=True),
    Column("INPUT", right=True),
    Column("CACHED", right=True),
    Column("OUTPUT", right=True),
    Column("REASONING", right=True, drop=1),
)
MODELS = (
    Column("MODEL", flexible=True),
    Column("REQUESTS", right=True),
    Column("INPUT", right=True),
    Column("CACHED", right=True),
    Column("OUTPUT", right=True),
)
LIMITS = (
    Column("AT"),
    Column("WINDOW", flexible=True),
    Column("PRINTED", flexible=True),
    Column("RESETS"),
    Column("LIFTED"),
)
COMPACTIONS = (Column("AT"), Column("TRIGGER"), Column("BEFORE", right=True), Column("AFTER", right=True))
OUTCOMES = {"open": Style.GOOD, "failed": Style.BAD, "limited": Style.WARN, "interrupted": Style.WARN}

app = typer.Typer(
    help="List the agents' sessions, newest first, or show one.\n\nExample: wa sessions --since today",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@app.callback()
def sessions(
    context: typer.Context,
    pane: AnyPane = None,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="AGENT", help="Only this agent: codex, claude_code, gemini …")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="Only those that went on after T: 10m, 14:30, ISO.")
    ] = None,
    limit: Newest = DEFAULT_LIMIT,
    json: Json = False,
) -> None:
    if context.invoked_subcommand is not None:
        if pane or agent or since:
            raise UsageError("these options choose from the list", next_step="Leave them out: `wa sessions show ID`.")
        context.obj = json
        return
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.sessions import SessionWish, list_sessions

    wish = SessionWish(pane=pane, agent=agent, since=since, limit=limit)
    answer("sessions", list_sessions(paths(), wish), render, as_json=json)


@app.command("show")
def show(
    context: typer.Context,
    session: Annotated[
        str, typer.Argument(metavar="ID", help="s12, or the agent's own id: then the newest session that had it.")
    ],
    json: Json = False,
) -> None:
    """Show one session: its turns, tokens, models, limits and compactions.

    Example: wa sessions show s12
    """
    from wa.api.sessions import show_session

    as_json = json or bool(context.obj)
    answer("sessions", show_session(paths(), session), render_one, as_json=as_json)


def render(result: SessionsResult, terminal: Terminal) -> list[str]:
    lines = _table(result["sessions"], terminal) if result["sessions"] else ["No sessions."]
    if result["more"]:
        lines.append(terminal.styled("There are older ones: raise --limit.", Style.DIM))
    return lines + staleness(result["live"], result["as_of"], terminal)


def _table(found: Sequence[SessionResult], terminal: Terminal) -> list[str]:
    rows: list[list[str | Cell]] = [
        [
            Cell(one["session"], Style.BOLD),
            one["pane_uid"],
            one["agent"],
            one["model"] or "",
            one["project"] or "",
            local(one["started_at"]),
            length(one["started_at"], one["ended_at"]),
            str(one["turns"]),
            _number(one["tokens"]["total"]),
            Cell("open", Style.GOOD) if one["ended_at"] is None else (one["end_mode"] or "ended"),
        ]
        for one in found
    ]
    return table(COLUMNS, rows, terminal)


def render_one(result: SessionsResult, terminal: Terminal) -> list[str]:
    lines: list[str] = []
    for one in result["sessions"]:
        lines += _about(one, terminal)
        if one["parts"] is not None:
            lines += _parts(one["parts"], terminal)
    return lines + staleness(result["live"], result["as_of"], terminal)


def _about(one: SessionResult, terminal: Terminal) -> list[str]:
    ended = "still open" if one["ended_at"] is None else f"{local(one['ended_at'])} ({one['end_mode'] or 'ended'})"
    about = [
        ("agent", " ".join(filter(None, [one["agent"], one["version"]]))),
        ("pane", one["pane_uid"]),
        ("project", one["project"]),
        ("model", one["model"]),
        ("plan", one["plan"]),
        ("own id", _own_id(one)),
        ("continues", one["continues"]),
        ("started", f"{local(one['started_at'])}{' or before: wa came later' if one['joined'] else ''}"),
        ("ended", ended),
        ("length", length(one["started_at"], one["ended_at"])),
        ("tokens", _tokens(one)),
        ("times", _times(one)),
        ("tool calls", _calls(one)),
    ]
    head = terminal.styled(f"session {one['session']}", Style.BOLD)
    return [head, *(f"  {name:<11}{harmless(value)}" for name, value in about if value)]


def _parts(parts: SessionParts, terminal: Terminal) -> list[str]:
    lines: list[str] = []
    lines += _part("turns", TURNS, [_turn(turn) for turn in parts["turns"]], terminal)
    lines += _part("tokens of turns", TURN_MODELS, [_turn_model(model) for model in parts["turn_models"]], terminal)
    lines += _part("models", MODELS, [_model(model) for model in parts["models"]], terminal)
    lines += _part(
        "limits",
        LIMITS,
        [
            [
                local(limit["at"]),
                limit["window"] or limit["model"] or "",
                limit["printed"],
                local(limit["resets_at"]),
                local(limit["lifted_at"]) or ("by itself" if limit["resumes_itself"] else ""),
            ]
            for limit in parts["limits"]
        ],
        terminal,
    )
    lines += _part(
        "compactions",
        COMPACTIONS,
        [
            [local(done["at"]), done["trigger"] or "", _number(done["before"]), _number(done["after"])]
            for done in parts["compactions"]
        ],
        terminal,
    )
    return lines


def _part(name: str, columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], terminal: Terminal) -> list[str]:
    if not rows:
        return []
    narrower = Terminal(None if terminal.columns is None else terminal.columns - 2, terminal.colour)
    return ["", f"{name}:", *(f"  {line}" for line in table(columns, rows, narrower))]


def _turn(turn: SessionTurn) -> list[str | Cell]:
    return [
        str(turn["number"]),
        local(turn["started_at"]),
        length(turn["started_at"], turn["ended_at"]),
        turn["duration"] or "",
        _number(turn["tokens"]),
        Cell(turn["outcome"] or "open", OUTCOMES.get(turn["outcome"] or "open")),
    ]


def _turn_model(model: SessionTurnModel) -> list[str | Cell]:
    figures = (model[name] for name in ("reqs", "total", "input", "cached", "output", "reasoning"))
    return ["–" if model["turn"] is None else str(model["turn"]), model["model"], *map(_number, figures)]


def _model(model: SessionModel) -> list[str | Cell]:
    return [model["model"], *map(_number, (model["reqs"], model["input"], model["cached"], model["output"]))]


def _own_id(one: SessionResult) -> str:
    if one["session_id"] is None:
        return ""
    sure = one["id_confidence"]
    doubt = "" if sure is None or sure >= 1 else f" ({one['id_source']}, {sure:.0%} sure)"
    return f"{one['session_id']}{doubt}"


def _tokens(one: SessionResult) -> str:
    figures = one["tokens"]
    parts = [
        ("total", figures["total"]),
        ("input", figures["input"]),
        ("cached", figures["cached"]),
        ("output", figures["output"]),
        ("reasoning", figures["reasoning"]),
    ]
    return ", ".join(f"{name} {value:,}" for name, value in parts if value is not None)


def _times(one: SessionResult) -> str:
    parts = [("wall", one["wall_s"]), ("active", one["active_s"]), ("api", one["api_s"]), ("tools", one["tool_s"])]
    return ", ".join(f"{name} {value:g} s" for name, value in parts if value is not None)


def _calls(one: SessionResult) -> str:
    calls = one["tool_calls"]
    if calls["total"] is None:
        return ""
    failed = f", {calls['failed']:,} failed" if calls["failed"] else ""
    return f"{calls['total']:,}{failed}"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
