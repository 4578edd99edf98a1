"""`wa audit` and `wa why`."""

from __future__ import annotations

from typing import Annotated

import typer

from wa.api.times import local
from wa.protocol.results_acting import ActionResult, AuditResult, WhyResult
from wa.surfaces.answer import AnyPane, Json, Newest, Since, Until, answer, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

COLUMNS = (
    Column("ID", right=True),
    Column("AT"),
    Column("PANE"),
    Column("ACTOR", flexible=True, least=8),
    Column("WANTED", flexible=True, least=12),
    Column("OUTCOME"),
    Column("RULE", flexible=True, least=8, drop=2),
    Column("DETAIL", flexible=True, least=8, drop=1),
)
GOOD = frozenset({"submitted", "pasted", "pressed", "chosen", "exited"})
CALM = frozenset({"planned", "queued"})


def audit(
    pane: AnyPane = None,
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="WHO", help="human, agent, workflow, or a name of one.")
    ] = None,
    outcome: Annotated[
        str | None, typer.Option("--outcome", metavar="WORD", help="Only this: submitted, refused, asked …")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Newest = 50,
    json: Json = False,
) -> None:
    """List what was done to panes, or refused: who, what, where, with what result.

    Example: wa audit --actor workflow --since today
    """
    from wa.api.audit import AuditWish, list_actions

    wish = AuditWish(pane=pane, actor=actor, outcome=outcome, since=since, until=until, limit=limit)
    answer("audit", list_actions(paths(), wish), render, as_json=json)


def render(result: AuditResult, terminal: Terminal) -> list[str]:
    lines = table(COLUMNS, [_row(one) for one in result["actions"]], terminal) if result["actions"] else ["No actions."]
    if result["more"]:
        lines.append(terminal.styled("There are older ones: raise --limit or give --since.", Style.DIM))
    return lines + staleness(result["live"], result["as_of"], terminal)


def _row(action: ActionResult) -> list[str | Cell]:
    actor = action["actor"]
    return [
        Cell(str(action["id"]), Style.BOLD),
        local(action["at"]),
        action["pane_uid"] or "",
        actor["name"] if actor["name"] and actor["kind"] != "human" else actor["kind"],
        action["summary"],
        outcome_cell(action),
        action["rule"],
        action["detail"] or action["reason"],
    ]


def outcome_cell(action: ActionResult) -> Cell:
    outcome = action["outcome"] or f"({action['stage']})"
    if outcome in GOOD:
        return Cell(outcome, Style.GOOD)
    return Cell(outcome, Style.DIM if outcome in CALM else Style.WARN)


def why(
    ident: Annotated[int, typer.Argument(metavar="ID", help="Its number in `wa audit`.")],
    json: Json = False,
) -> None:
    """Say why something was done to a pane, or was not: who wanted it, which rule decided, what was seen.

    Example: wa why 12
    """
    from wa.api.audit import why as why_so

    answer("why", why_so(paths(), ident), render_why, as_json=json)


def render_why(result: WhyResult, _terminal: Terminal) -> list[str]:
    return [harmless(line) for line in result["said"]]
