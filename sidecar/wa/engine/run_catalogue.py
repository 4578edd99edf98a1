"""The workflows there are: those that wa ships, and the user's files, read again when one changes.

A file of CONFIG/workflows/ that is named after a shipped workflow holds its `[settings]`; any other is a workflow of the user's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wa.act.script import ScriptError, compile_script
from wa.act.toml_lines import Lines
from wa.act.workflow import Workflow
from wa.store.run_records import clean_json


class Trouble(NamedTuple):
    """A file that was refused; what was last good of it stays in force."""

    path: Path
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.path}{f':{self.line}' if self.line else ''}: {self.reason}"


class FileTroubleError(Exception):
    def __init__(self, troubles: Sequence[Trouble]) -> None:
        super().__init__("; ".join(map(str, troubles)))
        self.troubles = tuple(troubles)


class Catalogue:
    def __init__(self, shipped: Sequence[Workflow], folder: Path | None) -> None:
        self._shipped = {workflow.name: workflow for workflow in shipped}
        self._folder = folder
        self._stamps: dict[Path, tuple[int, int]] = {}
        self._good: dict[Path, Workflow] = {}
        self.troubles: tuple[Trouble, ...] = ()
        self.workflows: dict[str, Workflow] = dict(self._shipped)
        self.reload()

    def get(self, name: str) -> Workflow | None:
        return self.workflows.get(name)

    def reload(self) -> bool:
        """Whether something is in force now that was not before; costs a stat for each file."""
        folder = self._folder
        paths = sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else []
        stamps = {path: stamp for path in paths if (stamp := _stamp(path)) is not None}
        if stamps == self._stamps:
            return False
        troubles: list[Trouble] = []
        self._good = {path: workflow for path, workflow in self._good.items() if path in stamps}
        for path in stamps:
            try:
                self._good[path] = read_workflow(path, self._shipped)
            except FileTroubleError as error:
                troubles += error.troubles
        named: dict[str, Path] = {}
        for path in sorted(self._good):
            troubles += name_taken(named, path, self._good[path].name)
        self._stamps, self.troubles = stamps, tuple(troubles)
        self.workflows = {**self._shipped, **{name: self._good[path] for name, path in named.items()}}
        return True


def name_taken(named: dict[str, Path], path: Path, name: str) -> list[Trouble]:
    """Notes whose name it is, unless another file has it: then that is the trouble."""
    first = named.setdefault(name, path)
    return [] if first is path else [Trouble(path, 1, f"{first.name} has a workflow of that name, too: {name}")]


def read_workflow(path: Path, shipped: Mapping[str, Workflow]) -> Workflow:
    """The workflow of one file of the user's. Raises FileTroubleError."""
    try:
        text = path.read_text("utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise FileTroubleError([Trouble(path, None, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise FileTroubleError([Trouble(path, None, f"is no UTF-8: {error.reason} at byte {error.start}")]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FileTroubleError([Trouble(path, _line_in(str(error)), f"{error}" or "nested too deeply")]) from None
    lines = Lines(text)
    name = data.get("name", path.stem)
    if isinstance(name, str) and name in shipped:
        return _set(path, lines, data, shipped[name])
    try:
        workflow = compile_script(data, name=path.stem, origin=str(path), text=text)
    except ScriptError as error:
        raise FileTroubleError(
            [Trouble(path, lines.of(problem.where), problem.reason) for problem in error.problems]
        ) from None
    if clean_json(data) != data:
        reason = "it holds what looks like a secret, which wa would not keep in its journal: take it out"
        raise FileTroubleError([Trouble(path, None, reason)])
    return workflow


def _set(path: Path, lines: Lines, data: Mapping[str, Any], workflow: Workflow) -> Workflow:
    """A shipped workflow with other settings."""
    troubles = [
        Trouble(path, lines.of((key,)), f"{workflow.name} is shipped with wa; only its `[settings]` may be changed")
        for key in data
        if key not in ("name", "settings")
    ]
    given = data.get("settings", {})
    if not isinstance(given, dict):
        raise FileTroubleError([Trouble(path, lines.of(("settings",)), "`settings` is a table")])
    for key, value in given.items():
        where = lines.of(("settings", key))
        if key not in workflow.settings:
            known = ", ".join(sorted(workflow.settings)) or "none"
            troubles.append(Trouble(path, where, f"{workflow.name} has no setting `{key}`; it has {known}"))
        elif not _alike(value, workflow.settings[key]):
            kind = _WORDS.get(type(workflow.settings[key]), "another type")
            troubles.append(Trouble(path, where, f"`{key}` must be {kind}, not {value!r:.60}"))
        elif clean_json(value) != value:
            troubles.append(
                Trouble(path, where, f"`{key}` looks like a secret, which wa would not keep in its journal")
            )
    if troubles:
        raise FileTroubleError(troubles)
    settings = {key: given.get(key, value) for key, value in workflow.settings.items()}
    return workflow._replace(settings=settings, origin=str(path))


_WORDS: Mapping[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    tuple: "a list",
    dict: "a table",
}


def _alike(value: object, default: object) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, list | tuple):
        return isinstance(value, list) and all(type(one) is type(default[0]) for one in value if default)
    return isinstance(value, type(default))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_mtime_ns, known.st_size


def _line_in(message: str) -> int | None:
    """`… (at line 3, column 7)` is how tomllib says it."""
    digits = message.partition("line ")[2].split(",")[0].split()
    return int(digits[0]) if digits and digits[0].isdigit() else None
