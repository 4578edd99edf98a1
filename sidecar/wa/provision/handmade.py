"""What users put in by hand as wa's own commands told them to: found where it is unchanged, as a plan that takes it out."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from wa.config.paths import Paths
from wa.model.errors import ConfigError
from wa.provision import files
from wa.provision.lua import PLUGIN, plugin_files
from wa.provision.plan import Change, FileChange, Plan, RunCommand
from wa.provision.text_trouble import TextTrouble
from wa.provision.units import sidecar_unit, unit_name, unit_path
from wa.provision.wezterm_lua import config_folders, find_config, module_folders

STARTUP = (
    ".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zprofile", ".zshenv", ".config/fish/config.fish",
)  # fmt: skip
_LINE = re.compile(
    r"""\s*(?:\[\ -r\ (?P<a>\S.*/shell_integration/wa\.(?:bash|zsh)'?)\ \]\ &&\ \.\ (?P=a)
    |test\ -r\ (?P<b>\S.*/shell_integration/wa\.fish'?);\ and\ source\ (?P=b)
    |eval\ "\$\((?:/\S*/)?wa\ completion\ (?:bash|zsh)\)"
    |(?:/\S*/)?wa\ completion\ fish\ \|\ source)\s*""",
    re.VERBOSE,
)
"""As `wa shell` and `wa completion` print them."""
_SNIPPET = re.compile(
    r"^[ \t]*-- wa: begin\..*\n(?:(?!.*-- wa: ).*\n)*?.*\"wa_plugin\".*\n(?:(?!.*-- wa: ).*\n)*?[ \t]*-- wa: end[ \t\r]*(?:\n|\Z)",
    re.MULTILINE,
)
"""As `wa plugin` prints it."""


def plan_removal(paths: Paths, env: Mapping[str, str], program: str | None, untouched: Collection[Path]) -> Plan:
    """*program*: wa's own absolute path. *untouched*: files that other plans of wa's hold, left to their undo."""
    home = Path(env.get("HOME") or Path.home())
    changes, notes = list[Change](), list[str]()
    skipped = {path.resolve() for path in untouched}

    def edited(path: Path, edit: Callable[[str], str], what: str) -> None:
        """As one change, or as a note why not."""
        if path.resolve() in skipped:
            return
        try:
            before = files.read(path)
            after = files.data_of(edit(files.text_of(before)))
        except (ConfigError, TextTrouble):
            # What cannot be read as text holds no line of wa's.
            return
        if before is None or after == before:
            return
        why = files.is_kept_from_us(path)
        if why is None:
            changes.append(FileChange(PurePosixPath(path), before, after, what))
        else:
            notes.append(f"{path} {why}: take {what} out by hand.")

    for place in _startup_files(home, env):
        edited(place, _without_lines, "wa's own line")
    config = find_config(env).path
    left = None
    if config is not None:
        edited(config, lambda text: _SNIPPET.sub("", text), "the lines that load wa's plugin")
        left = _still_asks(config, changes)
    for folder in dict.fromkeys([*config_folders(env), *module_folders(env), *([config.parent] if config else [])]):
        if (folder / PLUGIN).is_dir() and not any(one.is_relative_to((folder / PLUGIN).resolve()) for one in skipped):
            if left is None:
                found, trouble = _plugin(folder / PLUGIN, paths)
                changes += found
                notes += trouble
            else:
                notes.append(f"{left} asks for wa's plugin: {folder / PLUGIN} stays until that line is gone.")
    for change, note in _units(home, paths, program, skipped):
        changes += change
        notes += note
    return Plan("uninstall", tuple(changes), notes=tuple(notes))


def drop_folders(plan: Plan) -> None:
    """Those of the plugin, once they are empty."""
    for change in plan.changes:
        if isinstance(change, FileChange) and change.after is None and change.path.parent.name == PLUGIN:
            folder = Path(change.path.parent)
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _startup_files(home: Path, env: Mapping[str, str]) -> Iterator[Path]:
    yield from (home / name for name in STARTUP)
    if (folder := env.get("ZDOTDIR", "")).startswith("/") and Path(folder) != home:
        yield from (Path(folder) / name for name in STARTUP if name.startswith(".z"))
    if (folder := env.get("XDG_CONFIG_HOME", "")).startswith("/") and Path(folder) != home / ".config":
        yield Path(folder) / "fish" / "config.fish"


def _without_lines(text: str) -> str:
    """Lines between the marks of a block are its plan's."""
    kept, inside = list[str](), False
    for line in text.splitlines(keepends=True):
        if mark := re.match(r"\s*# wa \S+: (begin|end)", line):
            inside = mark[1] == "begin"
        if inside or not _LINE.fullmatch(line):
            kept.append(line)
    return "".join(kept)


def _still_asks(config: Path, changes: list[Change]) -> str | None:
    """The place in wezterm.lua that would miss the plugin."""
    changed = {change.path: change.after for change in changes if isinstance(change, FileChange)}
    try:
        text = files.text_of(changed.get(PurePosixPath(config)) or files.read(config))
    except (ConfigError, TextTrouble):
        return None
    for number, line in enumerate(text.split("\n"), 1):
        if re.search(rf"""require\W+{PLUGIN}\b""", line) and not line.lstrip().startswith("--"):
            return f"{config}:{number}"
    return None


def _plugin(folder: Path, paths: Paths) -> tuple[list[Change], list[str]]:
    wanted = plugin_files(paths)
    changes, other = list[Change](), list[str]()
    for path in sorted(folder.iterdir()):
        try:
            data = files.read(path)
        except ConfigError:
            data = None
        if data is not None and wanted.get(path.name) == data and files.is_kept_from_us(path) is None:
            changes.append(FileChange(PurePosixPath(path), data, None, f"{path.name} of wa's plugin"))
        else:
            other.append(path.name)
    if other:
        return changes, [f"{folder} holds what this wa did not write ({', '.join(other[:5])}): it stays."]
    return changes, []


def _units(
    home: Path, paths: Paths, program: str | None, skipped: Collection[Path]
) -> Iterator[tuple[list[Change], list[str]]]:
    """One of wa's that no plan knows of."""
    manager: Literal["systemd", "launchd"] = "launchd" if sys.platform == "darwin" else "systemd"
    name = unit_name("sidecar", manager)
    path = Path(unit_path(PurePosixPath(home), name, manager))
    if not path.is_file() or path.resolve() in skipped:
        return
    try:
        data = files.read(path)
    except ConfigError:
        return
    is_ours = False
    if program is not None and manager == "systemd":
        _, wanted = sidecar_unit(paths, [program, "watch"], "systemd", home=PurePosixPath(home))
        is_ours = data == wanted
    if is_ours:
        off = RunCommand(
            ("systemctl", "--user", "disable", "--now", name),
            "wa's own service ends",
            undo=("systemctl", "--user", "enable", "--now", name),
            may_fail=True,
        )
        yield [off, FileChange(PurePosixPath(path), data, None, "wa's own service")], []
    else:
        step = (
            f"systemctl --user disable --now {name}" if manager == "systemd" else f"launchctl bootout gui/$UID/{name}"
        )
        yield [], [f"{path} was not written by this wa: it stays. To remove it: {step}; rm {path}"]
