"""`wa plugin` and `wa shell`."""

from __future__ import annotations

from typing import Annotated

import typer

from wa.protocol.results import PluginResult, ShellResult
from wa.surfaces.answer import Json, answer, paths
from wa.surfaces.output import Terminal

Folder = Annotated[
    str | None, typer.Argument(metavar="FOLDER", help="Where wezterm.lua is; ~/.config/wezterm without it.")
]


def plugin(folder: Folder = None, json: Json = False) -> None:
    """Write the plugin for WezTerm beside wezterm.lua, and print the lines to add there. Again after an update of wa.

    Example: wa plugin
    """
    # Imported here: a template engine, and each command's start counts.
    from wa.api.inside import put_plugin

    answer("plugin", put_plugin(folder, paths()), render_plugin, as_json=json)


def shell(
    name: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
    json: Json = False,
) -> None:
    """Print the line for a shell's start-up file that lets its commands be told.

    Example: wa shell bash >> ~/.bashrc
    """
    from wa.api.inside import shell_line

    answer("shell", shell_line(name), render_shell, as_json=json)


def render_plugin(result: PluginResult, _terminal: Terminal) -> list[str]:
    done = f"{len(result['written'])} files written" if result["written"] else "nothing had changed"
    head = f"{result['folder']}: {done}."
    return [head, "Add this to wezterm.lua, before `return config`:", "", result["snippet"].rstrip("\n")]


def render_shell(result: ShellResult, _terminal: Terminal) -> list[str]:
    return [result["line"]]
