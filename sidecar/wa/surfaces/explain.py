"""`wa explain` and `wa record`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from wa.api.explain import explain_pane
from wa.api.times import age, now_ms
from wa.protocol.results_agents import ExplainResult, RecordResult
from wa.surfaces.answer import Json, PaneArgument, answer, paths
from wa.surfaces.output import Style, Terminal
from wa.surfaces.text import harmless


def explain(pane: PaneArgument, json: Json = False) -> None:
    """Say why wa thinks that an agent does what it does: rules, signals and their age, what would change it.

    Example: wa explain p3
    """
    answer("explain", explain_pane(paths(), pane), render, as_json=json)


def render(result: ExplainResult, terminal: Terminal) -> list[str]:
    since = f" since {age(result['since'])}" if result["since"] else ""
    sure = f", confidence {result['detail']['confidence']:.2f}" if result["detail"] else ""
    who = result["agent"] or "no agent"
    lines = [f"{result['pane_uid']}: {who}, {terminal.styled(result['state'], Style.BOLD)}{since}{sure}"]
    if result["signals"]:
        lines.append("Signals, strongest first:")
    for signal in result["signals"]:
        mark = terminal.styled("*", Style.GOOD) if signal["won"] else " "
        expires = "" if signal["expires_in_s"] is None else f", expires in {signal['expires_in_s']:.1f} s"
        says = signal["says"] or "nothing of the state"
        lines.append(f" {mark} {signal['source']} says {says}: {signal['rule']}, {signal['age_s']:.1f} s old{expires}")
        if signal["text"]:
            lines.append(terminal.styled(f"      {harmless(signal['text'])}", Style.DIM))
    if result["matches"]:
        lines.append("Rules that speak:")
    for match in result["matches"]:
        rows = "" if match["rows"] is None else f", rows {match['rows'][0]} to {match['rows'][1]}"
        fields = ", ".join(
            f"{name}={json_module.dumps(value, ensure_ascii=False)}" for name, value in match["fields"].items()
        )
        lines.append(
            f"   {match['event']} by {match['rule']} in {match['region']}{rows}{': ' if fields else ''}{harmless(fields)}"
        )
        if match["text"]:
            lines.append(terminal.styled(f"      {harmless(match['text'])}", Style.DIM))
    if result["silent"]:
        lines.append(f"Words seen, but not as these rules want them: {', '.join(result['silent'])}")
    lines.append("What would change it:")
    lines += [f"   {what}" for what in result["would_change"]]
    return lines


def record(
    pane: PaneArgument,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the two files go.")] = Path(),
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="AGENT", help="Whose screen it is, if wa does not know.")
    ] = None,
    tz: Annotated[
        str | None, typer.Option("--tz", metavar="ZONE", help="Time zone of the pane's host; else of this one.")
    ] = None,
    json: Json = False,
) -> None:
    """Save a pane's screen without secrets and names, with a rule test beside it, ready for a bug report.

    Example: wa record p3 --to ./reports
    """
    from wa.api.record import record_pane

    def told(result: RecordResult, _: Terminal) -> list[str]:
        return [
            f"{result['screen']}",
            f"{result['test']}",
            f"wa reads: {result['agent']}, {result['state']}; {', '.join(result['events']) or 'no events'}.",
            f"{result['replaced']} names of yours were replaced.",
            "Look through the text before you send it. If wa is wrong, put into the test what a person sees.",
        ]

    answer("record", record_pane(paths(), pane, to, agent=agent, now_ms=now_ms(), zone=tz), told, as_json=json)
