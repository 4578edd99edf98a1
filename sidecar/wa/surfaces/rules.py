"""`wa rules`."""

from __future__ import annotations

import json as json_module
import time
from pathlib import Path
from typing import Annotated

import typer

from wa.api.times import now_ms
from wa.surfaces.answer import Json, paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout
from wa.surfaces.text import harmless

app = typer.Typer(
    help="How agents are recognised: list, show, try and check the rules.", no_args_is_help=True, rich_markup_mode=None
)
Agent = Annotated[str, typer.Option("--agent", metavar="AGENT", help="codex, claude_code, gemini, or one of your own.")]
Rows = Annotated[
    int, typer.Option("--rows", metavar="N", min=1, help="So many of the last rows are the visible screen.")
]
Cols = Annotated[
    int | None, typer.Option("--cols", metavar="N", min=1, help="Width of the pane; else that of the widest row.")
]
At = Annotated[str | None, typer.Option("--at", metavar="ISO", help="When the text was seen; else now.")]
Zone = Annotated[
    str | None, typer.Option("--tz", metavar="ZONE", help="Time zone of the pane's host; else of this one.")
]
Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="The text of one pane each, history and screen.")]


@app.command("list")
def list_command(
    agent: Annotated[str | None, typer.Option("--agent", metavar="AGENT", help="Only this agent's.")] = None,
    json: Json = False,
) -> None:
    """List the rules in force, your own among them.

    Example: wa rules list --agent codex
    """
    from wa.api.rules import list_rules

    started = time.perf_counter()
    result = list_rules(paths(), agent)
    if json:
        show_json("rules", result, started)
        return
    width = max((len(rule["id"]) for rule in result["rules"]), default=0)
    say(*(f"{rule['id']:{width}}  {rule['event']:20}  {rule['severity']}" for rule in result["rules"]))


@app.command("show")
def show_command(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Its id, as `wa rules list` prints it.")],
    json: Json = False,
) -> None:
    """Print one rule: where it looks, for what, and in which versions that was seen.

    Example: wa rules show codex.usage.limit
    """
    from wa.api.rules import show_rule

    started = time.perf_counter()
    result = show_rule(paths(), rule)
    if json:
        show_json("rules", result, started)
        return
    for found in result["rules"]:
        say(
            f"{found['id']}: {found['event']}, {found['severity']}",
            f"  looks at    {', '.join(found['regions'])}",
            f"  anchors     {', '.join(found['anchors'])}",
            *(f"  matches     {pattern}" for pattern in found["match"]),
            *(f"  never with  {pattern}" for pattern in found["unless"]),
            f"  seen        {found['seen']}",
        )


@app.command("test")
def try_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The text of a pane, or a test that `wa record` wrote.")],
    agent: Annotated[str | None, typer.Option("--agent", metavar="AGENT", help="Needed for a text.")] = None,
    rows: Rows = 45,
    cols: Cols = None,
    at: At = None,
    tz: Zone = None,
    json: Json = False,
) -> None:
    """Say what the rules read off a file, row by row; with a test of `wa record`, whether that is as expected.

    Example: wa rules test screen.txt --agent claude
    """
    from wa.api.record import run_test
    from wa.api.rules import instant, try_file, zone_named
    from wa.model.errors import UsageError

    started = time.perf_counter()
    if file.name.endswith(".test.json"):
        result = run_test(paths(), file)
    elif agent is None:
        raise UsageError(
            "--agent is missing", next_step="Say whose screen it is: --agent codex, claude_code or gemini."
        )
    else:
        at_ms = now_ms() if at is None else instant(at, zone_named(tz))
        result = try_file(paths(), agent, file, rows=rows, cols=cols, at_ms=at_ms, zone=tz)
    if json:
        show_json("rules-test", result, started)
    else:
        say(*_tested(result, stdout()))
    if result["wrong"]:
        raise typer.Exit(1)


def _tested(result: object, terminal: Terminal) -> list[str]:
    assert isinstance(result, dict)
    lines = [f"{result['agent']}: {terminal.styled(result['state'], Style.BOLD)}  ({harmless(result['why'])})"]
    for said in result["said"]:
        rows = "" if said["first_row"] is None else f" rows {said['first_row']}-{said['last_row']}"
        lines.append(f"  {said['event']}  by {said['rule']}, {said['region']}{rows}")
        if said["text"]:
            lines.append(terminal.styled(f"      {harmless(said['text'])}", Style.DIM))
        lines += [
            f"      {name} = {json_module.dumps(value, ensure_ascii=False)}" for name, value in said["fields"].items()
        ]
    if result["silent"]:
        lines.append(f"  anchor seen, no match: {', '.join(result['silent'])}")
    lines += [terminal.styled(f"! {harmless(wrong)}", Style.BAD) for wrong in result["wrong"]]
    return lines


@app.command("lint")
def lint_command(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE…", help="Your own TOML files; else all in force.")
    ] = None,
    json: Json = False,
) -> None:
    """Check rules: each one needs a real capture that it fires on, and a near miss that it does not.

    Example: wa rules lint my-agent.toml
    """
    from wa.api.rules import lint

    started = time.perf_counter()
    result = lint(paths(), files or [])
    if json:
        show_json("rules-lint", result, started)
    else:
        say(
            *result["problems"],
            f"{result['rules']} rules of {', '.join(result['agents'])}: {len(result['problems'])} problems",
        )
    if result["problems"]:
        raise typer.Exit(1)


@app.command("scan")
def scan_command(
    files: Files,
    agent: Agent,
    rows: Rows = 45,
    cols: Cols = None,
    at: At = None,
    tz: Zone = None,
    json: Json = False,
) -> None:
    """Read the screens in files and print a line for each: state and events.

    Example: wa rules scan --agent codex --json screens/*.txt
    """
    from wa.api.rules import ScanWish, scan

    for line in scan(paths(), ScanWish(agent, tuple(files), rows, cols, at, tz), now_ms()):
        if json:
            say(json_module.dumps(line, ensure_ascii=False))
        else:
            said = ", ".join(dict.fromkeys(one["event"] for one in line["events"])) or "nothing"
            say(f"{line['file']}: {line['state']}; {said}")
