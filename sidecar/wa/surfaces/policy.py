"""`wa policy`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from wa.protocol.results_acting import PolicyResult
from wa.surfaces.answer import Json, PaneArgument, answer, paths
from wa.surfaces.output import Style, Terminal
from wa.surfaces.text import harmless

STYLES = {"allow": Style.GOOD, "deny": Style.BAD, "ask": Style.WARN}

app = typer.Typer(help="Who may do what to which pane.", rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def policy() -> None:
    """Who may do what to which pane."""


@app.command("explain")
def explain(
    pane: PaneArgument,
    action: Annotated[
        str, typer.Option("--action", metavar="WHAT", help="send, keys, choose, interrupt, exit, run or kill.")
    ] = "send",
    actor: Annotated[
        str, typer.Option("--actor", metavar="WHO", help="human, agent, remote, workflow, or workflow:NAME.")
    ] = "human",
    text: Annotated[str, typer.Option("--text", metavar="TEXT", help="What would be sent or run.")] = "proceed.",
    key: Annotated[list[str] | None, typer.Option("--key", metavar="KEY", help="May be repeated.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="LABEL", help="Of the option; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what the policy would decide now, and by which rule. Nothing is done.

    Example: wa policy explain p3 --actor workflow:handle_compaction
    """
    from wa.api.acting import explain_policy

    use_case = explain_policy(
        paths(),
        pane,
        action=action,
        actor=actor,
        text=text if action in ("send", "run") else "",
        keys=key or [],
        labels=label or [],
    )
    answer("policy", use_case, render, as_json=json)


def render(result: PolicyResult, terminal: Terminal) -> list[str]:
    actor = f"{result['actor']['kind']} {result['actor']['name']}".strip()
    decision = terminal.styled(result["decision"], STYLES.get(result["decision"]))
    lines = [
        f"{result['pane_uid']}: {harmless(actor)}, {harmless(result['summary'])}: {decision} by {result['rule']}",
        f"   {harmless(result['reason'])}",
    ]
    if result["next_step"]:
        lines.append(f"   next: {harmless(result['next_step'])}")
    lines += ["The pane now:", *(f"   {harmless(line)}" for line in _facts(result)), "Rules, in their order:"]
    for rule in result["rules"]:
        mark = terminal.styled("*", Style.GOOD) if rule["fits"] else " "
        lines.append(f" {mark} {rule['name']}: {rule['decision']}{_says(rule['says'])}")
    return lines


def _facts(result: PolicyResult) -> list[str]:
    facts = [f"{result['agent'] or 'no agent'}, {result['state']}"]
    if result["dialog"] is not None:
        facts.append(f"a dialog is open: {result['dialog']} ({' | '.join(result['options'])})")
    if result["has_draft"]:
        facts.append("somebody's text stands in the composer")
    if result["paused"] is not None:
        facts.append(f"paused: {result['paused']}")
    if result["person_s"] is not None:
        facts.append(f"a person showed here {result['person_s']:.0f} s ago")
    if result["effects"]:
        facts.append(f"the option's effects: {', '.join(result['effects'])}")
    return facts


def _says(says: dict[str, Any]) -> str:
    parts = [f"{name} {' '.join(values)}" for name, values in says.items()]
    return f" where {harmless(', '.join(parts))}" if parts else " everything"
