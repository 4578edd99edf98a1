"""Reading a user's TOML with all its problems gathered: each says where, and why."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from wa.act.toml_lines import Where
from wa.act.values import Template, parse
from wa.model.agent import PaneState

E = TypeVar("E", bound=StrEnum)

DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
MAX_S = 30 * 86400.0


class Problem(NamedTuple):
    where: Where
    reason: str


class ScriptError(ValueError):
    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.reason for problem in self.problems))


def seconds(value: object) -> float | None:
    """`90`, `"90s"`, `"20m"`, `"1h30m"`; None for what is no duration."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 <= value <= MAX_S else None
    if not isinstance(value, str):
        return None
    found = list(DURATION.finditer(value.replace(" ", "")))
    if not found or "".join(one[0] for one in found) != value.replace(" ", ""):
        return None
    total = sum(float(one["number"]) * _UNITS[one["unit"]] for one in found)
    return total if total <= MAX_S else None


class Checker:
    """Answers with something usable also where it has a problem, so that all problems are found at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, where: Iterable[str | int], reason: str) -> None:
        self.problems.append(Problem(tuple(where), reason))

    def done(self) -> None:
        """Raises ScriptError if there was a problem."""
        if self.problems:
            raise ScriptError(self.problems)

    def keys(self, table: Mapping[str, Any], where: Where, known: Iterable[str]) -> None:
        names = list(known)
        for key in table:
            if key not in names:
                near = difflib.get_close_matches(key, names, n=1)
                more = f"; did you mean `{near[0]}`?" if near else f"; known: {', '.join(names)}"
                self.problem((*where, key), f"there is no `{key}` here{more}")

    def table(self, table: Mapping[str, Any], where: Where, key: str) -> Mapping[str, Any]:
        found = table.get(key, {})
        if isinstance(found, Mapping):
            return found
        self.problem((*where, key), f"`{key}` is a table")
        return {}

    def text(self, table: Mapping[str, Any], where: Where, key: str, default: str) -> str:
        found = table.get(key, default)
        if isinstance(found, str) and (found or key not in table):
            return found
        self.problem((*where, key), f"`{key}` must be text, not {found!r:.60}")
        return default

    def template(self, table: Mapping[str, Any], where: Where, key: str, default: str = "") -> Template:
        return self.parsed(self.text(table, where, key, default), (*where, key))

    def parsed(self, text: str, where: Where) -> Template:
        try:
            return parse(text)
        except ValueError as error:
            self.problem(where, str(error))
            return Template(())

    def texts(self, table: Mapping[str, Any], where: Where, key: str) -> list[str]:
        """One text, or a list of them."""
        found = table.get(key, [])
        listed = [found] if isinstance(found, str) else found
        if (
            isinstance(listed, list)
            and all(isinstance(one, str) and one for one in listed)
            and (listed or key not in table)
        ):
            return listed
        self.problem((*where, key), f"`{key}` must be text, or a list of texts, not {found!r:.60}")
        return []

    def states(self, table: Mapping[str, Any], where: Where, key: str) -> frozenset[PaneState]:
        """Also `waiting` for all of `waiting.*`."""
        found: set[PaneState] = set()
        for name in self.texts(table, where, key):
            states = [state for state in PaneState if state == name or state.startswith(f"{name}.")]
            if not states:
                known = ", ".join(state.value for state in PaneState)
                self.problem((*where, key), f"there is no state {name!r:.60}; known: {known}")
            found.update(states)
        return frozenset(found)

    def flag(self, table: Mapping[str, Any], where: Where, key: str, default: bool) -> bool:
        found = table.get(key, default)
        if isinstance(found, bool):
            return found
        self.problem((*where, key), f"`{key}` is true or false, not {found!r:.60}")
        return default

    def whole(self, table: Mapping[str, Any], where: Where, key: str, default: int) -> int:
        found = table.get(key, default)
        if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= 1_000_000:
            return found
        self.problem((*where, key), f"`{key}` is a whole number, not {found!r:.60}")
        return default

    def duration(self, table: Mapping[str, Any], where: Where, key: str, default_s: float) -> float:
        if key not in table:
            return default_s
        found = seconds(table[key])
        if found is None:
            self.problem((*where, key), f'`{key}` is a duration such as "90s", "20m" or "2h", not {table[key]!r:.60}')
            return default_s
        return found

    def choice(self, table: Mapping[str, Any], where: Where, key: str, kind: type[E], default: E) -> E:
        found = table.get(key, default.value)
        try:
            return kind(found)
        except ValueError:
            known = ", ".join(one.value for one in kind)
            self.problem((*where, key), f"`{key}` is one of {known}, not {found!r:.60}")
            return default
