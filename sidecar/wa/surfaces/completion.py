"""`wa completion`: scripts made from the commands themselves; pane names come from a running sidecar."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import typer

from wa.model.errors import UsageError
from wa.protocol.results import CompletionResult
from wa.surfaces.answer import Json, show_json
from wa.surfaces.output import say


class Word(NamedTuple):
    name: str
    help: str


class Completable(NamedTuple):
    """One command as the shells need it."""

    name: str
    help: str
    options: tuple[Word, ...]
    takes_pane: bool
    words: tuple[Word, ...]
    """What its first argument may be, where that is known."""
    takes_files: bool = False
    """A command below it takes files."""


def completion(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
    json: Json = False,
) -> None:
    """Print the completion script of a shell. Nothing is installed: put the example into the shell's own file.

    Example: eval "$(wa completion bash)"
    """
    import time

    from wa.surfaces.app import click_tree

    started = time.perf_counter()
    if shell not in SHELLS:
        raise UsageError(f"there is no completion for {shell!r}", next_step="Write bash, zsh or fish.")
    script = SHELLS[shell](completables(click_tree()))
    if json:
        show_json("completion", CompletionResult(shell=shell, script=script), started)
    else:
        say(script.rstrip("\n"))


def completables(tree: Any) -> list[Completable]:
    found = []
    for name, command in tree.commands.items():
        first = next((param for param in command.params if param.param_type_name == "argument"), None)
        words: tuple[Word, ...] = ()
        if subcommands := getattr(command, "commands", None):
            words = tuple(Word(sub, _first_line(below.help)) for sub, below in subcommands.items())
        elif name == "help":
            words = tuple(Word(other, _first_line(below.help)) for other, below in tree.commands.items())
        elif name == "completion":
            words = tuple(Word(shell, "") for shell in SHELLS)
        params = [
            param
            for below in (getattr(command, "commands", None) or {name: command}).values()
            for param in below.params
        ]
        told = {
            option: Word(option, _first_line(param.help))
            for param in reversed(params)
            if param.param_type_name == "option"
            for option in param.opts
            if option.startswith("--")
        }
        options = tuple(reversed(told.values()))
        takes_files = any(
            param.param_type_name == "argument" and (param.metavar or "").strip("[]").startswith("FILE")
            for param in params
        )
        takes_pane = first is not None and (first.metavar or "").strip("[]") == "PANE"
        found.append(Completable(name, _first_line(command.help), options, takes_pane, words, takes_files))
    return found


def _first_line(text: str | None) -> str:
    """One line without anything that a shell could expand."""
    line = " ".join((text or "").split("\n\n")[0].split())
    return re.sub(r"[^A-Za-z0-9 ,.;:()/|*%+=-]", "", line).replace(":", ",")


def bash(commands: list[Completable]) -> str:
    cases = "\n".join(
        f"        {one.name}) options='{' '.join(option.name for option in one.options)}';"
        f" words='{' '.join(word.name for word in one.words)}'; panes={int(one.takes_pane)};"
        f" files={int(one.takes_files)} ;;"
        for one in commands
    )
    names = " ".join(one.name for one in commands)
    return f"""\
# bash completion for wa; eval "$(wa completion bash)"
__wa_complete() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    local options='' words='' panes=0 files=0 IFS=$' \t\n'
    COMPREPLY=()
    if (( COMP_CWORD == 1 )); then
        COMPREPLY=( $(compgen -W '{names} --version --help' -- "$current") )
        return
    fi
    case $command in
{cases}
        *) return ;;
    esac
    if [[ $previous == --pane ]] || (( COMP_CWORD == 2 && panes )) && [[ $current != -* ]]; then
        COMPREPLY=( $(compgen -W "$(command wa --pane-names 2>/dev/null | command cut -f1)" -- "$current") )
    elif [[ $current == -* ]]; then
        COMPREPLY=( $(compgen -W "$options" -- "$current") )
    elif [[ $previous == --output || $previous == --project || $previous == --socket || $previous == --to ]] ||
        (( files && COMP_CWORD > 2 )); then
        IFS=$'\n'
        COMPREPLY=( $(compgen -f -- "$current") )
    elif (( COMP_CWORD == 2 )); then
        COMPREPLY=( $(compgen -W "$words" -- "$current") )
    fi
}}
complete -F __wa_complete wa
"""


def zsh(commands: list[Completable]) -> str:
    listed = "\n".join(f"        '{one.name}:{one.help}'" for one in commands)
    cases = "\n".join(_zsh_case(one) for one in commands)
    return f"""\
#compdef wa
# zsh completion for wa; after compinit: eval "$(wa completion zsh)"
__wa_panes() {{
    local -a names
    names=(${{(f)"$(command wa --pane-names 2>/dev/null | command tr ':\\t' ',:')"}})
    _describe -t panes pane names
}}
__wa_complete() {{
    local -a commands options first
    commands=(
{listed}
    )
    if (( CURRENT == 2 )); then
        _describe -t commands command commands
        return
    fi
    if [[ $words[CURRENT-1] == --pane ]]; then
        __wa_panes
        return
    fi
    if [[ $words[CURRENT-1] == (--output|--project|--socket|--to) ]]; then
        _files
        return
    fi
    local -i panes=0 files=0
    case $words[2] in
{cases}
    esac
    if [[ $words[CURRENT] == -* ]]; then
        _describe -t options option options
    elif (( CURRENT == 3 && panes )); then
        __wa_panes
    elif (( CURRENT == 3 && $#first )); then
        _describe -t words word first
    elif (( CURRENT > 3 && files )); then
        _files
    fi
}}
compdef __wa_complete wa
"""


def _zsh_case(one: Completable) -> str:
    options = " ".join(f"'{option.name}:{option.help}'" for option in one.options)
    first = " ".join(f"'{word.name}:{word.help}'" if word.help else f"'{word.name}'" for word in one.words)
    flags = f"panes={int(one.takes_pane)}; files={int(one.takes_files)}"
    return f"        {one.name}) options=({options}); first=({first}); {flags} ;;"


def fish(commands: list[Completable]) -> str:
    lines = [
        "# fish completion for wa; wa completion fish | source",
        "function __wa_panes; command wa --pane-names 2>/dev/null; end",
        "complete -c wa -f",
    ]
    for one in commands:
        lines.append(f"complete -c wa -n __fish_use_subcommand -a {one.name} -d '{one.help}'")
        seen = f"-n '__fish_seen_subcommand_from {one.name}'"
        for option in one.options:
            takes = " -x -a '(__wa_panes)'" if option.name == "--pane" else " -r -F" if option.name == "--to" else ""
            lines.append(f"complete -c wa {seen} -l {option.name[2:]} -d '{option.help}'{takes}")
        if one.takes_pane:
            lines.append(f"complete -c wa {seen} -a '(__wa_panes)'")
        lines += [f"complete -c wa {seen} -a {word.name} -d '{word.help}'" for word in one.words]
        if one.takes_files:
            below = " ".join(word.name for word in one.words)
            lines.append(
                f"complete -c wa -F -n '__fish_seen_subcommand_from {one.name}; and __fish_seen_subcommand_from {below}'"
            )
    return "\n".join(lines) + "\n"


SHELLS: dict[str, Callable[[list[Completable]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
