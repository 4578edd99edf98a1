"""`wa config`."""

from __future__ import annotations

import json as json_module

import typer

from wa.api.config import config_path, show_config
from wa.protocol.results import ConfigResult
from wa.surfaces.answer import Json, answer, paths
from wa.surfaces.output import Style, Terminal

app = typer.Typer(
    help="Settings: what is in force, and where to write them.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("show")
def show(json: Json = False) -> None:
    """Print every setting with its value in force.

    Example: wa config show
    """
    answer("config", show_config(paths()), render, as_json=json)


@app.command("path")
def path(json: Json = False) -> None:
    """Print where the settings file is, or would be.

    Example: $EDITOR "$(wa config path)"
    """
    answer("config", config_path(paths()), lambda result, _: [result["path"]], as_json=json)


def render(result: ConfigResult, terminal: Terminal) -> list[str]:
    note = "" if result["exists"] else " (does not exist: these are the defaults)"
    lines = [terminal.styled(f"# {result['path']}{note}", Style.DIM)]
    for key, value in (result["settings"] or {}).items():
        lines.append(f"{key} = {json_module.dumps(value, ensure_ascii=False)}")
    return lines
