"""`wa help`, and what `wa` says without a command."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from wa import __version__
from wa.model.errors import UsageError
from wa.protocol.results import CommandHelp, HelpResult
from wa.surfaces.answer import Json, show_json
from wa.surfaces.output import say

QUICK_START = """\
wa watches every pane of every WezTerm, keeps all they print, and finds it again.

  wa demo                     see it work for half a minute, without WezTerm
  wa watch --detach           start watching
  wa panes                    which panes there are (p1, p2, …)
  wa logs p1                  what p1 printed
  wa search "some words"      find it in everything ever printed
  wa send p1 "some text"      type into p1, and see it taken
  wa status, wa doctor        how it is doing, and what to do about it

`wa help` lists all commands, `wa help COMMAND` explains one. Add --json to any of them for programs."""


def help_command(
    command: Annotated[str | None, typer.Argument(metavar="[COMMAND]", help="The command to explain.")] = None,
    json: Json = False,
) -> None:
    """List the commands, or explain one.

    Example: wa help search
    """
    import time

    started = time.perf_counter()
    tree = _tree()
    if command is not None and command not in tree.commands:
        raise UsageError(f"there is no command {command!r}", next_step="Run `wa help` for the list.")
    if json:
        shown = describe(tree) if command is None else [one for one in describe(tree) if one["name"] == command]
        show_json("help", HelpResult(version=__version__, commands=shown), started)
    elif command is None:
        say("Commands (`wa help COMMAND` explains one):", "")
        say(*(f"  {one['name']:<12}{one['summary']}" for one in describe(tree)))
        say(
            "",
            "Exit codes: 1 failed, 2 usage, 3 no such thing, 4 sidecar or terminal unreachable, 5 denied, 6 timed out.",
        )
    else:
        tree.main([command, "--help"], prog_name="wa", standalone_mode=False)


def describe(tree: Any) -> list[CommandHelp]:
    """Every command with the first sentence of its help and its usage."""
    return [
        CommandHelp(name=name, summary=summary(command), usage=usage(name, command))
        for name, command in tree.commands.items()
    ]


def summary(command: Any) -> str:
    return " ".join(str(command.help or "").split("\n\n")[0].split())


def usage(name: str, command: Any) -> str:
    """One line in the words of `wa help`: `wa logs PANE [--tail N] …`."""
    words = [f"wa {name}"]
    if subcommands := getattr(command, "commands", None):
        below = "|".join(subcommands)
        words.append(f"[{below}]" if command.invoke_without_command else below)
    options = []
    for param in command.params:
        metavar = param.metavar or param.name.upper()
        if param.param_type_name == "argument":
            words.append(metavar)
        elif "--help" not in param.opts:
            options.append(f"[{param.opts[0]}]" if param.is_flag else f"[{param.opts[0]} {metavar}]")
    return " ".join(words + options)


def _tree() -> Any:
    # The application imports this file: it is asked for only when somebody wants help.
    from wa.surfaces.app import click_tree

    return click_tree()
