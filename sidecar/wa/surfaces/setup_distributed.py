"""`wa setup distributed`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wa.model.errors import UsageError
from wa.protocol.results_distributed import DistributedResult, RoleHostResult
from wa.protocol.results_setup import PlanResult
from wa.surfaces.answer import Json, paths, show_json
from wa.surfaces.output import Style, Terminal, say, stdout
from wa.surfaces.plans import DryRun, Yes, agree, done, render_plan, run_through
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

if TYPE_CHECKING:
    from wa.api.distributed_hosts import Discovered, Peer

NOTHING = "Nothing was changed."
MAX_TRIES = 5
SERVICE = "a service"
"""How the words about a sidecar end that its user's manager runs."""


def distributed(
    remotes: Annotated[
        str | None, typer.Option("--remotes", metavar="A,B", help="These hosts, without a menu; any name ssh knows.")
    ] = None,
    wezterm_config: Annotated[
        Path | None,
        typer.Option("--wezterm-config", metavar="FILE", help="The wezterm.lua whose ssh_domains are meant."),
    ] = None,
    use_tailscale: Annotated[
        bool, typer.Option("--use-tailscale", help="Coordinators listen in the tailnet, where the host is in it.")
    ] = False,
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="HOST=PEER", help="Which machine of the tailnet a host is.")
    ] = None,
    local_port: Annotated[
        int | None,
        typer.Option("--local-port", metavar="N", min=1, max=65535, help="Of the agent, on this machine: 7891."),
    ] = None,
    remote_port: Annotated[
        int | None, typer.Option("--remote-port", metavar="N", min=1, max=65535, help="Of the coordinators: 7890.")
    ] = None,
    restart_sidecars: Annotated[
        bool, typer.Option("--restart-sidecars", help="Begin sidecars that run as a service anew.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make the two sides of account recovery: a coordinator on each host, and the agent with the browser here.

    Example: wa setup distributed --remotes trj,csd --dry-run
    """
    import asyncio

    from wa.api.distributed_hosts import discover, mapping
    from wa.api.distributed_there import Wishes
    from wa.api.setup_distributed import leave, look, make, plan_roles

    started = time.perf_counter()
    env = dict(os.environ)
    home = Path(env.get("HOME") or Path.home())
    named = None if remotes is None else _words(remotes)
    found = asyncio.run(discover(home, env, wezterm_config=wezterm_config, remotes=named, use_tailscale=use_tailscale))
    mapped = mapping(map_ or [], found)
    asks = sys.stdin.isatty() and not (yes or json)
    names = [one.name for one in found.hosts]
    if asks and named is None:
        from wa.surfaces.host_menu import choose

        names = choose(found.hosts, stdout(), known=found.known())
        if not names:
            say("No host was picked.", NOTHING)
            return
    if asks:
        mapped |= _ask_peers(found, names, mapped)

    async def whole() -> tuple[DistributedResult, bool]:
        """The result, and whether its diffs have been seen. In one loop, for connections live in it."""
        planned = await plan_roles(
            paths(), env, found, names, Wishes(local_port, remote_port, restart_sidecars), mapped
        )
        try:
            result = await look(planned)
            if asks and not (dry_run or restart_sidecars) and _agrees_to_restart(result):
                await leave(planned)
                planned = await plan_roles(paths(), env, found, names, Wishes(local_port, remote_port, True), mapped)
                result = await look(planned)
            if dry_run:
                return result, False
            is_needed = _is_needed(result)
            if is_needed:
                agree(yes, json, lambda: render(result, stdout(), asks=True), "Make these changes?")
            return await make(planned, paths(), env), is_needed and not yes
        finally:
            await leave(planned)

    result, shown = run_through(whole())
    if json:
        show_json("setup-distributed", result, started)
    else:
        say(*render(result, stdout(), brief=shown))
    if any(one["trouble"] for one in result["hosts"]):
        raise typer.Exit(1)


def _words(text: str) -> list[str]:
    words = [word for word in (one.strip() for one in text.split(",")) if word]
    if not words:
        raise UsageError("--remotes names no host", next_step="As in --remotes trj,csd")
    return list(dict.fromkeys(words))


def _is_needed(result: DistributedResult) -> bool:
    plans = [one["plan"] for one in result["hosts"] if one["trouble"] is None] + [result["here"]]
    return any(change["state"] == "to_do" for plan in plans if plan is not None for change in plan["changes"])


def _agrees_to_restart(result: DistributedResult) -> bool:
    """Asked only where a sidecar runs as a service: one that was started by hand is its person's."""
    running = {"this machine": result["sidecar"]} | {one["title"]: one["sidecar"] for one in result["hosts"]}
    services = {where: words for where, words in running.items() if words is not None and words.endswith(SERVICE)}
    if not services:
        return False
    say(*(f"A sidecar runs on {harmless(where)}: {harmless(words)}." for where, words in services.items()))
    return typer.confirm("Begin them anew, once the rest is made?", err=True)


def _ask_peers(found: Discovered, names: list[str], mapped: dict[str, Peer]) -> dict[str, Peer]:
    """By number or name; nothing means none of them. Raises UsageError."""
    answers: dict[str, Peer] = {}
    for host in found.open_questions(names, mapped):
        peers = found.peers_of(host) or list(found.tailnet.peers if found.tailnet else ())
        say(f"Which machine of the tailnet is {harmless(host.title)}?")
        say(*(f"  {number}  {harmless(one.dns or one.name)}  {one.address}" for number, one in enumerate(peers, 1)))
        for _ in range(MAX_TRIES):
            try:
                word = input("Number or name; nothing for none: ").strip()
            except EOFError:
                word = ""
            if not word:
                break
            fits = [one for number, one in enumerate(peers, 1) if word == str(number) or one.is_called(word)]
            if len(fits) == 1:
                answers[host.name] = fits[0]
                break
            say(f"{harmless(word)}: there are numbers from 1 to {len(peers)}.")
        else:
            raise UsageError(f"nobody said which machine {host.title} is", next_step=f"--map {host.title}=PEER")
    return answers


def render(result: DistributedResult, terminal: Terminal, *, brief: bool = False, asks: bool = False) -> list[str]:
    """*brief*: the diffs have been seen. *asks*: a question stands below."""
    lines = list[str]()
    for one in result["hosts"]:
        lines += [*_host(one, terminal, brief), ""]
    if result["here"] is not None:
        lines += [terminal.styled("This machine: the agent", Style.BOLD), *_plan(result["here"], terminal, brief), ""]
    else:
        lines += ["This machine: no host is left that an agent could speak to.", ""]
    lines += [*(harmless(note) for note in result["notes"]), *([""] if result["notes"] else [])]
    lines += _table(result, terminal)
    return [*lines, *([NOTHING] if not (asks or _is_made(result)) else [])]


def _host(one: RoleHostResult, terminal: Terminal, brief: bool) -> list[str]:
    lines = [terminal.styled(f"{harmless(one['title'])}: the coordinator", Style.BOLD)]
    if one["trouble"] is not None:
        lines.append(terminal.styled(harmless(one["trouble"]), Style.BAD))
        lines.append(f"next: {harmless(one['next_step'] or 'wa doctor')}")
        if one["first"] is not None and one["first"]["id"] is not None:
            lines.append(
                f"What `wa setup remote` made there stands. To take it back: wa setup undo {one['first']['id']}"
            )
    if one["trouble"] is None and one["first"] is not None:
        lines += [*_plan(one["first"], terminal, brief), ""]
    if one["trouble"] is None and one["plan"] is not None:
        lines += _plan(one["plan"], terminal, brief)
    return [*lines, *(harmless(note) for note in one["notes"])]


def _plan(plan: PlanResult, terminal: Terminal, brief: bool) -> list[str]:
    lines = done(plan, terminal) if brief else render_plan(plan, terminal)
    return [line for line in lines if line != NOTHING]


def _is_made(result: DistributedResult) -> bool:
    plans = [one[which] for one in result["hosts"] for which in ("first", "plan")] + [result["here"]]
    return any(plan is not None and plan["id"] is not None for plan in plans)


def _table(result: DistributedResult, terminal: Terminal) -> list[str]:
    columns = [
        Column("host", flexible=True),
        Column("coordinator"),
        Column("reached by"),
        Column("wa", drop=2),
        Column("state", flexible=True, least=12),
    ]
    rows = list[list[str | Cell]]()
    for one in result["hosts"]:
        address = f"[{one['address']}]" if one["address"] and ":" in one["address"] else one["address"]
        where = f"{address}:{one['port']}" if one["port"] is not None else ""
        reached = "" if one["port"] is None else f"tailnet ({one['peer']})" if one["way"] == "tailnet" else "ssh"
        rows.append([one["title"], where, reached, one["wa"] or "", _state(one)])
    return table(columns, rows, terminal)


def _state(one: RoleHostResult) -> Cell:
    if one["trouble"] is not None:
        return Cell("left out", Style.BAD)
    plan = one["plan"]
    if plan is None:
        return Cell("")
    if plan["state"] == "planned":
        first = one["first"]["changes"] if one["first"] is not None else []
        todo = sum(change["state"] == "to_do" for change in (*first, *plan["changes"]))
        return Cell(f"{todo} changes to make" if todo else "as it should be", Style.MARK if todo else Style.GOOD)
    return Cell("made" if plan["id"] else "as it should be", Style.GOOD)
