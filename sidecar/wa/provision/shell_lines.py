"""What wa puts into the start-up files of the shells that somebody uses: its script, and completion."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wa.assets import asset_root
from wa.provision import blocks, files
from wa.provision.plan import FileChange
from wa.provision.text_trouble import TextTrouble

BLOCK = "shell"
SHELLS = ("bash", "zsh", "fish")
BASH_COMPLETIONS = (
    "/usr/share/bash-completion/bash_completion",
    "/etc/profile.d/bash_completion.sh",
    "/usr/local/etc/profile.d/bash_completion.sh",
    "/opt/homebrew/etc/profile.d/bash_completion.sh",
)
"""Where bash-completion is, which reads completions from ~/.local/share (Debian, Fedora, Homebrew, 2026)."""


@dataclass(frozen=True, slots=True)
class ShellPlan:
    changes: tuple[FileChange, ...] = ()
    notes: tuple[str, ...] = ()


def used_shells(env: Mapping[str, str]) -> list[str]:
    """The one that $SHELL names, and those with a start-up file."""
    login = Path(env.get("SHELL", "")).name
    return [shell for shell in SHELLS if shell == login or startup_file(shell, env).is_file()]


def startup_file(shell: str, env: Mapping[str, str]) -> Path:
    """Of an interactive shell. zsh's stands where ZDOTDIR says, in the environment or in ~/.zshenv."""
    home = _home(env)
    if shell == "bash":
        return home / ".bashrc"
    if shell == "zsh":
        return _zdotdir(env) / ".zshrc"
    return _config(env) / "fish" / "config.fish"


def shell_changes(
    env: Mapping[str, str], wa: str, scripts: Mapping[str, str], data: Path, *, completion: bool = True
) -> ShellPlan:
    """Blocks at the end of each start-up file, and completion where each shell finds it.

    *wa*: the command, by its absolute path. *scripts*: completion by shell. *data*: wa's own data folder, for zsh's.
    Raises ConfigError where a file is not to be read.
    """
    changes: list[FileChange] = []
    notes: list[str] = []
    for shell in used_shells(env):
        path = startup_file(shell, env)
        lines = [source_line(shell)]
        if completion:
            if shell == "zsh":
                place = data / "completion.zsh"
                changes.append(files.file_change(place, scripts["zsh"].encode(), "completion of wa's commands for zsh"))
                # compdef is there once the user's own compinit has run, or oh-my-zsh.
                quoted = shlex.quote(str(place))
                lines.append(f"(( $+functions[compdef] )) && [ -r {quoted} ] && . {quoted}")
            else:
                added, note = _completion_file(shell, env, wa)
                changes += added
                notes += note
        if shell == "bash" and (unread := _unread_bashrc(env)) is not None:
            notes.append(
                f"{unread} does not read ~/.bashrc, so shells of a log-in do not either; this line in it does:"
            )
            notes.append("  [ -r ~/.bashrc ] && . ~/.bashrc")
        block = _block(shell, path, "\n".join(lines))
        if isinstance(block, FileChange):
            changes.append(block)
            continue
        if shell == "fish":
            # Files of this folder are read before config.fish, which is second best.
            beside = _config(env) / "fish" / "conf.d" / "wa.fish"
            if files.is_kept_from_us(beside) is None:
                text = lines[0] + "\n"
                changes.append(files.file_change(beside, text.encode(), "the line that loads wa's script in fish"))
                continue
        notes += [f"{path} {block}. Put this at its end by other means:", *(f"  {line}" for line in lines)]
    return ShellPlan(tuple(changes), tuple(notes))


def source_line(shell: str) -> str:
    """The line that loads wa's script, if it is there."""
    path = str(asset_root() / "shell_integration" / f"wa.{shell}")
    if shell == "fish":
        quoted = fish_quoted(path)
        return f"test -r {quoted}; and source {quoted}"
    quoted = shlex.quote(path)
    return f"[ -r {quoted} ] && . {quoted}"


def fish_quoted(text: str) -> str:
    """In fish a backslash quotes only itself and the quote, between single quotes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _block(shell: str, path: Path, body: str) -> FileChange | str:
    """Or why it cannot be, as the end of a sentence that begins with the path."""
    kept = files.is_kept_from_us(path)
    try:
        before = files.read(path)
        text = files.text_of(before)
        plain = blocks.take_block(text, BLOCK)
        if source_line(shell) in plain.splitlines():
            # The user has put it there by hand, and asks for no more of it.
            body = "\n".join(body.split("\n")[1:])
            if not body:
                return FileChange(
                    PurePosixPath(path), before, before, f"the line that loads wa's script in {shell}", block=BLOCK
                )
        after = files.data_of(blocks.put_block(text, BLOCK, body + "\n"))
    except TextTrouble as trouble:
        return f"is not understood: {trouble}"
    change = FileChange(PurePosixPath(path), before, after, f"the line that loads wa's script in {shell}", block=BLOCK)
    return kept if kept is not None and change.is_needed else change


def _completion_file(shell: str, env: Mapping[str, str], wa: str) -> tuple[list[FileChange], list[str]]:
    """A file that has wa print its completion when it is first asked for."""
    if shell == "bash":
        share = env.get("XDG_DATA_HOME", "")
        root = Path(share) if share.startswith("/") else _home(env) / ".local" / "share"
        path = root / "bash-completion" / "completions" / "wa"
        text = f'eval "$({shlex.quote(wa)} completion bash)"\n'
        if not any(map(os.path.exists, BASH_COMPLETIONS)):
            return [], [
                "The package bash-completion is not here: for completion put this into ~/.bashrc: " + text.rstrip()
            ]
    else:
        path = _config(env) / "fish" / "completions" / "wa.fish"
        text = f"{fish_quoted(wa)} completion fish | source\n"
    kept = files.is_kept_from_us(path)
    change = files.file_change(path, text.encode("utf-8", "surrogateescape"), f"completion of wa's commands in {shell}")
    if kept is not None and change.is_needed:
        return [], [f"{path} {kept}; so {shell} completes nothing of wa's."]
    return [change], []


def _unread_bashrc(env: Mapping[str, str]) -> Path | None:
    """The start-up file of a bash at log-in, where it names ~/.bashrc nowhere: the first of three (bash(1), 5.2)."""
    for name in (".bash_profile", ".bash_login", ".profile"):
        path = _home(env) / name
        try:
            return None if "bashrc" in path.read_text(encoding="utf-8", errors="surrogateescape") else path
        except OSError:
            continue
    return None


def _home(env: Mapping[str, str]) -> Path:
    return Path(env.get("HOME") or Path.home())


def _config(env: Mapping[str, str]) -> Path:
    xdg = env.get("XDG_CONFIG_HOME", "")
    return Path(xdg) if xdg.startswith("/") else _home(env) / ".config"


def _zdotdir(env: Mapping[str, str]) -> Path:
    home = _home(env)
    if given := env.get("ZDOTDIR"):
        return Path(given)
    try:
        text = (home / ".zshenv").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return home
    found = re.findall(r"^\s*(?:export\s+|typeset\s+-gx\s+)?ZDOTDIR=(\S+)", text, re.MULTILINE)
    if not found:
        return home
    known = {"HOME": str(home), "XDG_CONFIG_HOME": str(_config(env))}
    word = re.sub(r"\A~(?=/|\Z)", "$HOME", found[-1].replace('"', "").replace("'", ""))
    word = re.sub(r"\$\{(\w+):?-[^}]*\}", r"${\1}", word)
    word = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: known.get(match[1] or match[2], "\0"), word)
    return home if "\0" in word or not word.startswith("/") else Path(word)
