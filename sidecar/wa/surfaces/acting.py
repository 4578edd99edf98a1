"""`wa pause`, `wa resume`, `wa approvals`, `wa approve` and `wa deny`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from wa.api.times import age, local
from wa.model.errors import Refused, UsageError
from wa.protocol.results_acting import (
    ApprovalItem,
    ApprovalResult,
    ApprovalsResult,
    PauseItem,
    PauseResult,
    ResumeResult,
)
from wa.surfaces.answer import Json, answer, paths, staleness
from wa.surfaces.output import Style, Terminal, warn
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

COLUMNS = (
    Column("ID", right=True),
    Column("PANE"),
    Column("WANTS", flexible=True, least=12),
    Column("ASKED BY", flexible=True, least=8),
    Column("WHY", flexible=True, least=8, drop=1),
    Column("AGO", right=True),
    Column("STATUS"),
    Column("UNTIL", drop=2),
)
MaybePane = Annotated[str | None, typer.Argument(metavar="[PANE]", help="This pane alone.")]
OfAgent = Annotated[str | None, typer.Option("--agent", metavar="AGENT", help="Every pane of this agent: codex.")]


class NoTerminalError(Refused):
    """Only a person at a terminal may say yes, and standard input is no terminal."""

    code = "refused.no_terminal"
    next_step = "Type the command at a terminal yourself; --yes leaves out the question, not the terminal."


def pause(
    pane: MaybePane = None,
    agent: OfAgent = None,
    everything: Annotated[bool, typer.Option("--all", help="Everywhere.")] = False,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="So long: 30m, 2h, 1d. Otherwise until `wa resume`.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="WORDS", help="For whoever wonders.")] = "",
    json: Json = False,
) -> None:
    """Hold automations back: in a pane, in all panes of an agent, or everywhere. A person's own commands go on.

    Example: wa pause p3 --for 2h
    """
    from wa.api.acting import pause as pause_now

    _one_of(pane, agent, everything)
    use_case = pause_now(paths(), pane=pane, agent=agent, everything=everything, lasting=lasting, reason=reason)
    answer("pause", use_case, render_pauses, as_json=json)


def resume(
    pane: MaybePane = None,
    agent: OfAgent = None,
    everything: Annotated[bool, typer.Option("--all", help="Every pause there is.")] = False,
    json: Json = False,
) -> None:
    """Let automations go on where they were paused.

    Example: wa resume --all
    """
    from wa.api.acting import resume as resume_now

    _one_of(pane, agent, everything)
    answer("resume", resume_now(paths(), pane=pane, agent=agent, everything=everything), render_resumed, as_json=json)


def _one_of(pane: str | None, agent: str | None, everything: bool) -> None:
    if (pane is not None) + (agent is not None) + everything != 1:
        raise UsageError("name a pane, an agent, or --all", next_step="`wa pause p3`, `--agent codex` or `--all`.")


def render_pauses(result: PauseResult, terminal: Terminal) -> list[str]:
    return [pause_line(one, terminal) for one in result["pauses"]] or ["Nothing is paused."]


def pause_line(one: PauseItem, terminal: Terminal) -> str:
    """`paused: p3, until 14:00:00, since 5 min: I work here`."""
    what = {"all": "everything", "agent": f"every pane of {one['name']}"}.get(one["scope"], one["name"])
    until = f"until {local(one['until'])}" if one["until"] else "until `wa resume`"
    reason = f": {harmless(one['reason'])}" if one["reason"] else ""
    return f"{terminal.styled('paused:', Style.WARN)} {harmless(what)}, {until}, since {age(one['since'])}{reason}"


def render_resumed(result: ResumeResult, terminal: Terminal) -> list[str]:
    names = [one["name"] or "everything" for one in result["ended"]]
    lines = [f"Goes on: {harmless(', '.join(names))}." if names else "Nothing of that was paused."]
    return lines + [pause_line(one, terminal) for one in result["pauses"]]


# -- approvals ------------------------------------------------------------------------------------------------------


def approvals(json: Json = False) -> None:
    """List what automations wait for a person's yes to.

    Example: wa approvals
    """
    from wa.api.acting import list_approvals

    answer("approvals", list_approvals(paths()), render_approvals, as_json=json)


def render_approvals(result: ApprovalsResult, terminal: Terminal) -> list[str]:
    lines = approval_table(result["approvals"], terminal) if result["approvals"] else ["Nothing waits for a yes."]
    return lines + staleness(result["live"], result["as_of"], terminal)


def approval_table(found: Sequence[ApprovalItem], terminal: Terminal) -> list[str]:
    rows: list[list[str | Cell]] = [
        [
            Cell(str(one["id"]), Style.BOLD),
            one["pane_uid"],
            one["summary"],
            one["asked_by"],
            one["reason"],
            age(one["asked_at"]),
            Cell(one["status"], Style.GOOD if one["status"] == "granted" else Style.WARN),
            local(one["expires_at"]),
        ]
        for one in found
    ]
    return table(COLUMNS, rows, terminal)


Number = Annotated[int, typer.Argument(metavar="ID", help="Its number in `wa approvals`.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask again. It still takes a terminal.")]


def approve(ident: Number, yes: Yes = False, json: Json = False) -> None:
    """Say yes to exactly one action of an automation, once. Only a person at a terminal can.

    Example: wa approve 3
    """
    _settle("approve", ident, granted=True, yes=yes, json=json)


def deny(ident: Number, yes: Yes = False, json: Json = False) -> None:
    """Say no, or take a yes back that was not used.

    Example: wa deny 3
    """
    _settle("deny", ident, granted=False, yes=yes, json=json)


def _settle(command: str, ident: int, *, granted: bool, yes: bool, json: bool) -> None:
    from wa.api.acting import find_approval, settle

    if not sys.stdin.isatty():
        raise NoTerminalError(f"`wa {command}` is for a person at a terminal")
    shown = asyncio.run(find_approval(paths(), ident))
    if not json:
        for line in describe(shown):
            warn(line)
    if not yes:
        typer.confirm("Shall it be done once, exactly so?" if granted else "Say no to it?", abort=True, err=True)
    answer(command, settle(paths(), ident, granted=granted), render_settled, as_json=json)


def describe(one: ApprovalItem) -> list[str]:
    """All that a person must see before a yes: every word that would be typed."""
    what = one["what"]
    lines = [f"{one['asked_by']} wants to act on {one['pane_uid']} ({age(one['asked_at'])} ago): {one['reason']}"]
    lines += [f"  {name}: {value if isinstance(value, str) else _plain(value)}" for name, value in what.items()]
    return [harmless(line) for text in lines for line in text.split("\n")]


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value).lower()


def render_settled(result: ApprovalResult, _terminal: Terminal) -> list[str]:
    one = result["approval"]
    if one["status"] == "granted":
        return [f"Granted once, until {local(one['expires_at'])}: {harmless(one['summary'])} to {one['pane_uid']}."]
    return [f"Denied: {harmless(one['summary'])} to {one['pane_uid']}."]
