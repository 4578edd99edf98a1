"""`wa setup local`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from wa.model.errors import UsageError
from wa.surfaces.answer import Json, paths
from wa.surfaces.output import stdout
from wa.surfaces.plans import DryRun, Yes, offer, run_through

if TYPE_CHECKING:
    from wa.api.setup_local import Choice, Desk

MAX_TABS = 50
Domains = Annotated[
    str | None,
    typer.Option("--domains", metavar="A,B", help="Hosts that become domains of WezTerm, as ssh calls them."),
]
Colours = Annotated[bool | None, typer.Option("--colours/--no-colours", help="A scheme and a badge for each domain.")]
Startup = Annotated[
    bool | None, typer.Option("--startup/--no-startup", help="A window for each domain when WezTerm starts.")
]
Tabs = Annotated[
    int | None, typer.Option("--tabs", metavar="N", min=1, max=MAX_TABS, help="Of a window that a start makes; 3.")
]
Keys = Annotated[
    bool | None, typer.Option("--keys/--no-keys", help="Ctrl-a 1, 2, 3: a tab in a domain; Ctrl-a w: all.")
]


def local(
    domains: Domains = None,
    colours: Colours = None,
    startup: Startup = None,
    tabs: Tabs = None,
    keys: Keys = None,
    wezterm: Annotated[bool, typer.Option("--wezterm/--no-wezterm", help="The plugin, and wezterm.lua.")] = True,
    shell: Annotated[bool, typer.Option("--shell/--no-shell", help="Lines for the shells that you use.")] = True,
    completion: Annotated[
        bool, typer.Option("--completion/--no-completion", help="Completion in these shells.")
    ] = True,
    service: Annotated[bool, typer.Option("--service/--no-service", help="wa's sidecar, started at log-in.")] = True,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Set up this machine: wa in WezTerm and in your shells, and its service. Shows each change first; `wa setup undo` takes it back.

    Example: wa setup local --domains trj,css
    """
    # Imported here: a Lua, a template engine and ssh's helpers, and each command's start counts.
    from wa.api.setup_local import Choice, desk, plan_local
    from wa.surfaces.app import click_tree
    from wa.surfaces.completion import SHELLS, completables

    if tabs is not None and startup is None:
        startup = True
    named = None if domains is None else tuple(dict.fromkeys(one.strip() for one in domains.split(",") if one.strip()))
    if not wezterm and (named is not None or colours or startup or keys):
        raise UsageError(
            "domains, colours, startup and keys are written into wezterm.lua", next_step="Leave out --no-wezterm."
        )
    choice = Choice(named, colours, startup, tabs, keys, wezterm, shell, completion, service)
    found = run_through(desk()) if wezterm else None
    if found is not None and sys.stdin.isatty() and not (yes or dry_run or json):
        choice = ask(found, choice)
    listed = completables(click_tree())
    scripts = {name: script(listed) for name, script in SHELLS.items()}
    plan = run_through(plan_local(paths(), choice, scripts, found))
    offer("setup-local", plan, yes=yes, dry_run=dry_run, as_json=json)


def ask(found: Desk, choice: Choice) -> Choice:
    """What was not said on the command line."""
    from dataclasses import replace

    from wa.api.setup_local import hosts_for, questions
    from wa.surfaces.host_menu import choose

    if choice.domains is None and found.unread is None and not found.layout.get("domains"):
        hosts = run_through(hosts_for(found))
        names = choose(hosts, stdout()) if hosts else []
        by_name = {one.name: one.title for one in hosts}
        choice = replace(choice, domains=tuple(by_name[name] for name in names) or None)
    for one in questions(found, choice.domains or (), choice):
        choice = choice.answered(one, typer.confirm(one.text, default=one.is_wanted, err=True))
    return choice
