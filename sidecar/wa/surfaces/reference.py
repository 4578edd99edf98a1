"""`python -m wa.surfaces.reference` writes docs/reference/ and the JSON Schemas from the code; a test holds them equal.

Made from the parameters themselves and not from `--help`, so that another version of Typer lays out nothing anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from wa.api import shapes
from wa.api.catalogue import error_codes, settings
from wa.config.policy_rules import KEYS
from wa.surfaces.app import click_tree
from wa.surfaces.help import QUICK_START, summary, usage

NOTE = "<!-- Made by `python -m wa.surfaces.reference`; change the code, not this page. -->"


def pages() -> dict[str, str]:
    """File name → text of each page of docs/reference/."""
    return {
        "commands.md": commands_page(),
        "settings.md": settings_page(),
        "errors.md": errors_page(),
        "results.md": results_page(),
    }


def commands_page() -> str:
    tree = click_tree()
    parts = ["# Commands", NOTE, f"```\n{QUICK_START}\n```"]
    for name, command in tree.commands.items():
        if subcommands := getattr(command, "commands", None):
            if command.invoke_without_command:
                parts += _command(name, command, level=2, schema=name)
            else:
                parts += [f"## wa {name}", summary(command)]
            for sub, below in subcommands.items():
                own = f"{name}-{sub}"
                schema = own if own in shapes.COMMANDS else name
                parts += _command(f"{name} {sub}", below, level=3, schema=schema)
        else:
            parts += _command(name, command, level=2, schema=name)
    return "\n\n".join(parts) + "\n"


def _command(name: str, command: Any, *, level: int, schema: str) -> list[str]:
    said = str(command.help or "").strip().split("\n\n")
    parts = [f"{'#' * level} wa {name}", " ".join(said[0].split()), f"```\n{usage(name, command)}\n```"]
    rows = [_parameter(param) for param in command.params if "--help" not in param.opts]
    parts.append("\n".join(["| | |", "|---|---|", *rows]))
    if example := next((text for text in said[1:] if text.startswith("Example: ")), None):
        parts.append(f"```console\n$ {example.removeprefix('Example: ').strip()}\n```")
    if schema in shapes.COMMANDS:
        parts.append(f"With `--json`: [`wa.{schema}/1`](results.md#wa{schema}1).")
    return parts


def _parameter(param: Any) -> str:
    metavar = param.metavar or ""
    names = metavar.strip("[]") if param.param_type_name == "argument" else ", ".join(param.opts)
    if param.param_type_name == "option" and metavar:
        names += f" {metavar}"
    default = param.default
    shown = f" Default: {default}." if isinstance(default, int | str) and not isinstance(default, bool) else ""
    return f"| `{_cell(names)}` | {_cell(str(param.help or ''))}{shown} |"


def settings_page() -> str:
    rows = [f"| `{one.key}` | {one.kind} | `{_cell(one.default)}` | {_cell(one.help)} |" for one in settings()]
    table = "\n".join(["| Setting | Kind | Default | What it does |", "|---|---|---|---|", *rows])
    intro = "Keys of `config.toml`; `wa config path` says where it is, `wa config show` what is in force."
    muxes = (
        "Beside them `[[mux]]` tables name more multiplexers: `socket = PATH` or `ssh = HOST`, a `name`, and for ssh"
        " the `wezterm` command of that host as a list of words; and a `zone` such as `Europe/Berlin`, in which agents there"
        " print times, where it is another than the host says."
    )
    rules = (
        "`[[policy.rule]]` tables say who may do what where, tried in their order before the shipped rules:"
        f" {', '.join(f'`{key}`' for key in KEYS[:-2])} (a text or a list of texts each; what is left out fits all), `decision`"
        " (`allow`, `deny` or `ask`) and a `reason`. [Acting](../topics/acting.md#policy) explains them, `wa policy explain` tries them."
    )
    return "\n\n".join(["# Settings", NOTE, intro, table, muxes, rules]) + "\n"


def errors_page() -> str:
    rows = [
        f"| `{one.code}` | {one.exit_status} | {_cell(one.meaning)} | {_cell(one.next_step)} |" for one in error_codes()
    ]
    table = "\n".join(["| Code | Exit | Meaning | Next step |", "|---|---|---|---|", *rows])
    intro = (
        'With `--json` an error is `{"ok": false, "error": {"code", "message", "next_step", "details"}}`; otherwise'
        " message and next step go to standard error. Codes grow by dots: who does not know `store.full` may treat it"
        " as `store`. A next step may be more exact where the error arises."
    )
    return "\n\n".join(["# Errors", NOTE, intro, table]) + "\n"


def results_page() -> str:
    intro = (
        '`--json` prints `{"ok": true, "data": …, "meta": {"schema", "at", "elapsed_ms"}}`, with `--follow` one such'
        " object a line. What stands under `data`, by schema; the JSON Schemas ship in `wa/protocol/schemas/`. Instants"
        " are ISO 8601 in UTC. Fields may be added; none is renamed or taken away under the same name."
    )
    parts = ["# Results", NOTE, intro]
    for command in shapes.COMMANDS:
        schema = shapes.schema_of(command)
        parts += [f"## wa.{command}/1", *_shape(schema)]
        for name, definition in schema.get("$defs", {}).items():
            parts += [f"**{name}**", *_shape(definition)]
    return "\n\n".join(parts) + "\n"


def _shape(schema: dict[str, Any]) -> list[str]:
    rows = [
        f"| `{name}` | {_cell(_kind(field))} | {_cell(field.get('description', ''))} |"
        for name, field in schema["properties"].items()
    ]
    said = [schema["description"]] if schema.get("description") else []
    return [*said, "\n".join(["| Field | Kind | |", "|---|---|---|", *rows])]


def _kind(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(part) for part in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if field["type"] == "array":
        return f"list of {_kind(field['items'])}"
    return "instant" if field.get("format") == "date-time" else str(field["type"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def write(root: Path) -> list[Path]:
    """Writes every generated file below the checkout *root*; those that changed."""
    wanted = {root / "docs" / "reference" / name: text for name, text in pages().items()}
    folder = shapes.schema_folder()
    wanted |= {folder / f"{name}.json": shapes.render(schema) for name, schema in shapes.all_schemas().items()}
    changed = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in changed:
        path.write_text(wanted[path], encoding="utf-8")
    return changed


if __name__ == "__main__":
    for changed_path in write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd()):
        sys.stdout.write(f"{changed_path}\n")
