"""`wa rescue`."""

from __future__ import annotations

import shlex
import sys
import time
from typing import Annotated

import typer

from wa.model.errors import UsageError, WaError
from wa.protocol.results_rescue import RescuedPaneResult, RescueMoveResult, RescueResult, RescueServerResult
from wa.surfaces.answer import Json, answer, paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout, warn
from wa.surfaces.plans import DryRun, Yes, agree
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

MIB = 1 << 20
OUTCOMES = {
    "planned": Style.MARK,
    "moved": Style.GOOD,
    "stayed": Style.WARN,
    "gone": Style.DIM,
    "stuck": Style.BAD,
    "lost": Style.BAD,
    "unknown": Style.WARN,
}
STATES = {"T": "stopped", "t": "traced", "D": "hangs in the kernel", "Z": "has ended"}


def rescue(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="PANE", help="With --move: pts/4, p17, WezTerm's pane id, or all."),
    ] = None,
    move: Annotated[bool, typer.Option("--move", help="Move these panes into tmux.")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="End the server and start it anew; with --move, after every pane is safe.")
    ] = False,
    lose: Annotated[
        list[str] | None, typer.Option("--lose", metavar="PANE", help="With --restart: a pane that may end with it.")
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="What the last rescue did, and where everything is.")
    ] = False,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="NAME", help="On that host, by plain ssh; nothing of wa is needed there."),
    ] = None,
    server: Annotated[
        int | None, typer.Option("--server", metavar="PID", help="Only this server; needed where several run.")
    ] = None,
    session: Annotated[
        str, typer.Option("--session", metavar="NAME", help="The session of tmux that takes the panes.")
    ] = "wa-rescue",
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Find out what ails a multiplexer; with --move, take its programs out of it into tmux, alive, before it is restarted.

    Example: wa rescue --move all --dry-run
    """
    wanted = names or []
    if report and (move or restart):
        raise UsageError("--report only tells", next_step="Give it alone.")
    if wanted and not move:
        raise UsageError(
            "panes are named, but nothing is to be done", next_step=f"Add --move: wa rescue --move {wanted[0]}"
        )
    if lose and not restart:
        raise UsageError("--lose goes with --restart", next_step="Add --restart.")
    if dry_run and report:
        raise UsageError("--report changes nothing anyway", next_step="Leave --dry-run out.")
    if report:
        from wa.api.rescue import report as told

        answer("rescue-report", told(paths(), host=host), render_move, as_json=json)
    elif move or restart:
        if move:
            safe = _move(wanted, host, server, session, yes, dry_run, json, goes_on=restart)
            if not safe:
                raise typer.Exit(1)
            if not restart or dry_run:
                return
        _restart(host, server, lose or [], yes, dry_run, json)
    else:
        from wa.api.rescue import diagnose

        answer("rescue", diagnose(paths(), host=host, server=server), render, as_json=json)


def _move(
    names: list[str],
    host: str | None,
    server: int | None,
    session: str,
    yes: bool,
    dry_run: bool,
    json: bool,
    *,
    goes_on: bool,
) -> bool:
    """Whether every pane is safe, or nothing was to be done. *goes_on*: JSON is left to what follows, if all is well."""
    import asyncio

    from wa.api.rescue import make_move, plan_move

    started = time.perf_counter()
    names = names or _asked(host, server, yes or dry_run or json)
    plan = asyncio.run(plan_move(paths(), names, host=host, server=server, session=session))
    result = plan.result
    if not dry_run and plan.panes:
        agree(yes, json, lambda: render_move(result, stdout()), "Move these panes?")
        try:
            result = asyncio.run(make_move(plan, heard=None if json else _heard))
        except (KeyboardInterrupt, asyncio.CancelledError):
            where = f" --host {shlex.quote(host)}" if host else ""
            warn(f"wa: interrupted; what was changed is put back. Where everything is: wa rescue --report{where}")
            raise KeyboardInterrupt from None
    safe = dry_run or all(pane["outcome"] == "moved" for pane in result["panes"])
    if not json:
        say(*render_move(result, stdout()))
    elif dry_run or not goes_on or not safe:
        show_json("rescue-move", result, started)
    return safe


def _asked(host: str | None, server: int | None, nobody: bool) -> list[str]:
    """Which panes, from a person before a table of them."""
    import asyncio

    from wa.api.rescue import diagnose

    if nobody or not sys.stdin.isatty():
        raise UsageError("which panes?", next_step="Name them (`wa rescue` lists them), or say `all`.")
    found = asyncio.run(diagnose(paths(), host=host, server=server, readings=1))
    if not found["panes"]:
        raise WaError("no server holds a pane", next_step="Run `wa rescue` to see how things stand.")
    say(*_panes(found, stdout()))
    words: str = typer.prompt("Move which panes (names, or all)", err=True)
    return words.replace(",", " ").split()


def _restart(host: str | None, server: int | None, lose: list[str], yes: bool, dry_run: bool, json: bool) -> None:
    import asyncio

    from wa.api.rescue import make_restart, plan_restart

    started = time.perf_counter()
    hand, one, lost, result = asyncio.run(plan_restart(paths(), host=host, server=server, lose=lose))
    if not dry_run:
        agree(yes, json, lambda: render_move(result, stdout()), f"End the server {one.pid}?")
        result = asyncio.run(make_restart(hand, one, lost))
    if json:
        show_json("rescue-report", result, started)
    else:
        say(*render_move(result, stdout()))


def _heard(line: str) -> None:
    match line.split("\t"):
        case ["wa", "outcome", tty, outcome, _, place, _, _, why, *_]:
            where = f" → {place}" if outcome == "moved" else ""
            warn(harmless(f"pts/{tty}: {outcome}{where}{f': {why}' if why else ''}"))


def render(result: RescueResult, terminal: Terminal) -> list[str]:
    """How things stand, most urgent first."""
    lines = [f"{terminal.styled('!', Style.WARN)} {harmless(note)}" for note in result["notes"]]
    memory = [
        f"load {result['load']:.2f} on {result['cores']} cores",
        _of("memory", result["available_bytes"], result["memory_bytes"], "free"),
        _of("swap", result["swap_free_bytes"], result["swap_bytes"], "free") if result["swap_bytes"] else "no swap",
    ]
    lines += [f"{result['host'] or 'This machine'}: {harmless(result['system'])}, {', '.join(memory)}"]
    scope = "none" if result["ptrace_scope"] is None else str(result["ptrace_scope"])
    lines += [f"For a move: reptyr {_short(result['reptyr'])}, tmux {_short(result['tmux'])}, ptrace_scope {scope}", ""]
    for one in result["servers"]:
        lines += _server(one, terminal)
    if result["panes"]:
        lines += ["", *_panes(result, terminal)]
    for log in (one for one in result["logs"] if one["tail"]):
        lines += ["", f"{harmless(log['path'])}, its end:", *(f"  {harmless(line)}" for line in log["tail"])]
    lines += ["", *_symptoms(result, terminal)]
    if result["last_rescue"]:
        lines += ["", f"Last rescue: {result['last_rescue']} (wa rescue --report)"]
    return lines


def _server(one: RescueServerResult, terminal: Terminal) -> list[str]:
    if one["answers"] is None:
        answers = terminal.styled("was not asked", Style.DIM)
    elif one["answers"]:
        took = one["answer_ms"] or 0.0
        answers = terminal.styled(f"answers in {took:.0f} ms", Style.GOOD if took <= 1000 else Style.WARN)
    else:
        answers = terminal.styled(f"does not answer: {harmless(one['trouble'] or '')}", Style.BAD)
    version = f", {harmless(one['version'])}" if one["version"] else ""
    codec = f", codec {one['codec']}" if one["codec"] is not None else ""
    state = f", {terminal.styled(STATES[one['state']], Style.BAD)}" if one["state"] in STATES else ""
    kind = {"mux": "Server", "gui": "Window", "other": "Server"}[one["kind"]]
    growth = (
        "" if one["growth_bytes_per_minute"] is None else f" ({one['growth_bytes_per_minute'] / MIB:+.1f} MiB a minute)"
    )
    rss = "?" if one["rss_bytes"] is None else f"{one['rss_bytes'] / MIB:.0f} MiB{growth}"
    limit = "no limit" if one["descriptor_limit"] is None else str(one["descriptor_limit"])
    unit = f", unit {harmless(one['unit'])}" if one["unit"] else ", of no unit"
    accounted = one["unit_memory_bytes"]
    if accounted is not None:
        unit += f" with {accounted / MIB:.0f} MiB"
    taken = terminal.styled("; another server has taken its socket", Style.BAD) if one["owns_socket"] is False else ""
    return [
        f"{kind} {one['pid']}{state}, {_age(one['age_s'])} old, {one['panes']} panes, {answers}{version}{codec}",
        f"  {rss}, {one['descriptors']} files of {limit}, {one['threads']} threads{unit}",
        *(f"  {harmless(path)}{taken}" for path in one["sockets"]),
    ]


def _panes(result: RescueResult, terminal: Terminal) -> list[str]:
    several = len({pane["server"] for pane in result["panes"]}) > 1
    columns = [
        Column("TTY"),
        Column("PANE"),
        *([Column("SERVER", right=True)] if several else []),
        Column("AGENT", drop=2),
        Column("PROGRAM", flexible=True, least=12),
        Column("FOLDER", flexible=True, least=10, drop=3),
        Column("", flexible=True),
    ]
    rows: list[list[str | Cell]] = [
        [
            pane["tty"],
            pane["pane_uid"] or ("" if pane["pane_id"] is None else f"{pane['pane_id']}"),
            *([str(pane["server"])] if several else []),
            pane["agent"] or "",
            pane["program"],
            pane["cwd"],
            Cell(f"cannot be moved: {pane['hindrance']}" if pane["hindrance"] else "", Style.WARN),
        ]
        for pane in result["panes"]
    ]
    return table(columns, rows, terminal)


def _symptoms(result: RescueResult, terminal: Terminal) -> list[str]:
    found = [one for one in result["symptoms"] if one["applies"]]
    lines = [] if found else [terminal.styled("Nothing known to go wrong was found.", Style.GOOD)]
    for one in found:
        lines += [
            terminal.styled(f"✗ {one['symptom']}", Style.BAD),
            *(f"    {harmless(seen)}" for seen in one["seen"]),
            f"  cause  {one['cause']}",
            f"  fix    {one['fix']}",
        ]
    others = [one["symptom"] for one in result["symptoms"] if not one["applies"]]
    return [*lines, terminal.styled(f"Looked for and not found: {'; '.join(others)}.", Style.DIM)] if others else lines


def render_move(result: RescueMoveResult, terminal: Terminal) -> list[str]:
    """A plan, or what was rescued where."""
    lines = []
    if result["panes"]:
        columns = [
            Column("TTY"),
            Column("PANE"),
            Column("AGENT", drop=2),
            Column("PROGRAM", flexible=True, least=12),
            Column("OUTCOME"),
            Column("WHERE", flexible=True),
            Column("", flexible=True),
        ]
        lines = table(columns, [_rescued(pane) for pane in result["panes"]], terminal)
    if result["state"] == "planned":
        lines += [*([""] if lines else []), *(f"{at}. {harmless(step)}" for at, step in enumerate(result["steps"], 1))]
    lines += [harmless(note) for note in result["notes"]]
    if any(pane["outcome"] == "moved" for pane in result["panes"]) and result["session"]:
        command = f"tmux attach -t {result['session']}"
        there = f"ssh -t {shlex.quote(result['host'])} {command}" if result["host"] else command
        lines.append(f"Go on there: {there}")
    if result["state"] == "none" and not result["restarted"]:
        lines.append("Nothing can be moved." if not result["steps"] else "Nothing was moved.")
    return lines


def _rescued(one: RescuedPaneResult) -> list[str | Cell]:
    outcome = one["outcome"]
    where = one["place"] or "" if outcome == "moved" else one["held_by"] or "nobody holds it"
    alive = "" if one["alive"] or outcome in ("gone", "lost") else "it has ended"
    silent = "silent so far" if one["shows"] == "silent" else ""
    return [
        one["tty"],
        one["pane_uid"] or ("" if one["pane_id"] is None else str(one["pane_id"])),
        one["agent"] or "",
        one["program"],
        Cell(outcome, OUTCOMES[outcome]),
        where,
        one["why"] or alive or silent,
    ]


def _short(program: str | None) -> str:
    return "missing" if program is None else harmless(program)


def _of(what: str, part: int | None, whole: int | None, word: str) -> str:
    if part is None or whole is None:
        return f"{what} unknown"
    return f"{what} {part / (1 << 30):.1f} of {whole / (1 << 30):.1f} GiB {word}"


def _age(seconds: int) -> str:
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {word}"
    return f"{seconds} s"
