"""`wa setup remote`."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from wa.model.errors import UsageError
from wa.protocol.results_setup import HostResult, HostsResult
from wa.surfaces.answer import Json, paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout, warn
from wa.surfaces.plans import DryRun, Yes, agree, done, render_plan, run_through
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

if TYPE_CHECKING:
    from wa.api.setup_remote import RemoteSetup

SERVERS = {
    "none": "none",
    "unit": "by its unit",
    "adopted": "runs by itself",
    "started": "started, no unit",
    "hangs": "hangs",
}


def remote(
    hosts: Annotated[
        list[str] | None, typer.Argument(metavar="[HOST]...", help="As you would give them to ssh.")
    ] = None,
    remotes: Annotated[
        str | None, typer.Option("--remotes", metavar="A,B", help="The hosts in one word; no menu.")
    ] = None,
    no_wa: Annotated[bool, typer.Option("--no-wa", help="WezTerm's server only, not wa itself.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Set up hosts over ssh: WezTerm's server kept by a unit, lingering, login shells, wa itself from wheels. Without hosts, a menu.

    Example: wa setup remote build-7 --dry-run
    """
    started = time.perf_counter()
    result = run_through(_run([*(hosts or []), *_words(remotes)], no_wa, yes, dry_run, json))
    if result is None:
        return
    if json:
        show_json("setup-remote", result, started)
    if any(one["trouble"] for one in result["hosts"]):
        raise typer.Exit(1)


def _words(remotes: str | None) -> list[str]:
    return [word.strip() for word in (remotes or "").split(",") if word.strip()]


async def _run(names: list[str], no_wa: bool, yes: bool, dry_run: bool, as_json: bool) -> HostsResult | None:
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.setup_remote import RemoteSetup, RemoteWish, find, survey_hosts

    if not names and (as_json or not sys.stdin.isatty()):
        raise UsageError("nobody can be asked here which hosts", next_step="Name them: --remotes a,b")
    found = await find(names or None)
    if not as_json:
        for note in found.notes:
            warn(harmless(note))
    picked = found.hosts
    if not names:
        from wa.surfaces.host_menu import choose

        if not picked:
            raise UsageError(
                "neither ~/.ssh/config, nor an alias, nor known_hosts, nor wezterm.lua names a host",
                next_step="Name one: wa setup remote HOST",
            )
        warn(f"Looking at {len(picked)} host{'s' if len(picked) > 1 else ''} …")
        known = {name: known_words(one) for name, one in (await survey_hosts(paths(), picked)).items()}
        chosen = choose(picked, stdout(), known=known)
        picked = [one for one in picked if one.name in chosen]
        if not picked:
            say("Nothing was changed.")
            return None
    setup = RemoteSetup(paths(), picked, RemoteWish(with_wa=not no_wa))
    try:
        return await _look_and_make(setup, yes, dry_run, as_json)
    finally:
        await asyncio.shield(setup.leave())


async def _look_and_make(setup: RemoteSetup, yes: bool, dry_run: bool, as_json: bool) -> HostsResult:
    def told(verb: str) -> object:
        def tell(host: HostResult) -> None:
            if not as_json and sys.stderr.isatty():
                how = "failed" if host["trouble"] else verb
                warn(f"  {harmless(host['host'])}: {how} ({host['elapsed_ms'] / 1000:.1f} s)")

        return tell

    before = await setup.look(told("looked at"))  # type: ignore[arg-type]
    if dry_run or not setup.is_to_do:
        if not as_json:
            say(*render(before, stdout(), plans=dry_run))
            if dry_run and setup.is_to_do:
                say("Nothing was changed.")
        return before
    count = sum(1 for one in before["hosts"] if _is_to_do(one))
    question = f"Set up {count} host{'s' if count > 1 else ''}?"
    agree(yes, as_json, lambda: render(before, stdout(), plans=True), question)
    after = await setup.make(told("set up"))  # type: ignore[arg-type]
    if not as_json:
        say(*render(after, stdout(), plans=yes, is_made=True))
    return after


def _is_to_do(host: HostResult) -> bool:
    return host["plan"] is not None and any(one["state"] == "to_do" for one in host["plan"]["changes"])


def render(result: HostsResult, terminal: Terminal, *, plans: bool, is_made: bool = False) -> list[str]:
    """The table of hosts, what is wrong with each, and what is done on it."""
    lines = [f"Here: {harmless(result['here'])}", ""]
    if plans or is_made:
        for host in result["hosts"]:
            lines += _plan(host, terminal, is_made)
    lines += table(COLUMNS, [_row(host) for host in result["hosts"]], terminal)
    for host in result["hosts"]:
        if host["trouble"]:
            lines += ["", terminal.styled(f"{harmless(host['host'])}: {harmless(host['trouble'])}", Style.BAD)]
            if host["next_step"]:
                lines.append(f"    {harmless(host['next_step'])}")
    return lines


def known_words(host: HostResult) -> str:
    """What is known of a host, in a few words: for the menu."""
    if host["trouble"]:
        return host["trouble"]
    if not host["wezterm"]:
        words = ["no WezTerm"]
    else:
        codec = "" if host["codec"] is None else f", codec {host['codec']}"
        fits = " (another than here)" if host["codec_fits"] is False else ""
        words = [f"WezTerm {host['wezterm'].split('-')[0]}{codec}{fits}"]
    words.append(f"server {SERVERS.get(host['server'] or '', 'unknown')}")
    words.append(f"unit {host['unit'] or 'unknown'}")
    if host["lingering"] is not None:
        words.append("lingers" if host["lingering"] else "does not linger")
    words.append(f"wa {host['wa']}" if host["wa"] else "no wa")
    return "; ".join(words)


def _plan(host: HostResult, terminal: Terminal, is_made: bool) -> list[str]:
    plan = host["plan"]
    if plan is None:
        return []
    shown = done(plan, terminal) if is_made and plan["state"] != "planned" else render_plan(plan, terminal)
    shown = [line for line in shown if line != "Nothing was changed."]
    head = terminal.styled(f"{harmless(host['host'])}:", Style.BOLD)
    return [head, *(f"  {line}" if line else "" for line in shown), ""]


COLUMNS = (
    Column("host", flexible=True, least=8),
    Column("system", flexible=True, drop=8),
    Column("WezTerm", flexible=True, drop=7),
    Column("codec", right=True, drop=4),
    Column("server"),
    Column("unit", drop=2),
    Column("lingers", drop=5),
    Column("Python", drop=9),
    Column("wa", drop=3),
    Column("sidecar", drop=6),
    Column("state"),
)


def _row(host: HostResult) -> list[str | Cell]:
    codec = "-" if host["codec"] is None else str(host["codec"])
    linger = {None: "-", True: "yes", False: "no"}[host["lingering"]]
    if host["reachable"] is not True:
        return [host["host"], *(["-"] * 9), Cell("not reached", Style.BAD)]
    return [
        host["host"],
        host["system"] or "-",
        (host["wezterm"] or "none").split("-")[0],
        Cell(codec, Style.BAD if host["codec_fits"] is False else None),
        SERVERS.get(host["server"] or "", "-"),
        host["unit"] or "-",
        linger,
        host["python"] or "none",
        host["wa"] or "none",
        host["sidecar"] or "-",
        _state(host),
    ]


def _state(host: HostResult) -> Cell:
    if host["trouble"]:
        return Cell("see below", Style.BAD)
    if _is_to_do(host):
        return Cell("to do", Style.MARK)
    return Cell("in order", Style.GOOD)
