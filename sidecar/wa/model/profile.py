"""How one agent is typed into, interrupted, ended and resumed: the tables `[send]`, `[exit]` … of its file."""

from __future__ import annotations

import re
from typing import NamedTuple

_NUMBERS = re.compile(r"\d+")
_BOUND = re.compile(r"(>=|<=|==|<|>)\s*v?(\d+(?:\.\d+)*)")


class Versions(NamedTuple):
    """Bounds that must all hold, such as `>=0.100, <0.200`; none: any."""

    bounds: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def fits(self, version: str | None) -> bool:
        """A version that nobody knows fits only where none is asked for."""
        if not self.bounds:
            return True
        if version is None or not (mine := tuple(map(int, _NUMBERS.findall(version)[:3]))):
            return False
        return all(_holds(mine, sign, bound) for sign, bound in self.bounds)


def parse_versions(text: str) -> Versions:
    """Raises ValueError for what is no list of bounds."""
    bounds: list[tuple[str, tuple[int, ...]]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _BOUND.fullmatch(part)
        if found is None:
            raise ValueError(f"{part!r} is no bound such as `>=0.100`")
        bounds.append((found[1], tuple(map(int, found[2].split(".")))))
    return Versions(tuple(bounds))


def _holds(mine: tuple[int, ...], sign: str, bound: tuple[int, ...]) -> bool:
    size = max(len(mine), len(bound))
    one, other = (numbers + (0,) * (size - len(numbers)) for numbers in (mine, bound))
    return {">=": one >= other, "<=": one <= other, "==": one == other, "<": one < other, ">": one > other}[sign]


class Sending(NamedTuple):
    paste_pause_s: float = 0.1
    """From seeing a paste to the carriage return."""
    while_working: str = "steer"
    """What a text that is submitted during a turn does: steer, queue or refuse."""
    bracketed: bool = False
    """It takes a paste of several lines as one piece."""
    cursor: bool = False
    """The terminal's cursor stands where the next character goes."""
    mask: re.Pattern[str] | None = None
    """What it shows in the place of a long paste."""


class ExitStep(NamedTuple):
    keys: tuple[str, ...] = ()
    text: str = ""
    """Pasted, seen and submitted, like any other."""
    choose: tuple[str, ...] = ()
    until: str = "shell"
    """shell: at its prompt; dialog: or a dialog opened; hint: or the footer asks for the key again."""
    within_s: float = 5.0


class ExitWay(NamedTuple):
    versions: Versions
    steps: tuple[ExitStep, ...]
    seen: str


class OptionMeaning(NamedTuple):
    like: re.Pattern[str]
    effects: frozenset[str]
    question: re.Pattern[str] | None = None
    """Only in a dialog that asks so."""


class Profile(NamedTuple):
    agent: str
    send: Sending = Sending()
    interrupt: tuple[str, ...] = ()
    exits: tuple[ExitWay, ...] = ()
    resume: str = ""
    options: tuple[OptionMeaning, ...] = ()
    limit_close: tuple[str, ...] = ()
    composer: bool = True
    """Where it is typed into can be found on the screen."""

    def exit_way(self, version: str | None) -> ExitWay | None:
        return next((way for way in self.exits if way.versions.fits(version)), None)

    def effects(self, label: str, question: str) -> frozenset[str]:
        """What the option does by the first entry that fits; `unknown` where none does."""
        for meaning in self.options:
            if meaning.like.search(label) and (meaning.question is None or meaning.question.search(question)):
                return meaning.effects
        return frozenset({"unknown"})


NO_PROFILE = Profile("", composer=False)
"""Of a pane without an agent, or with one that nothing is known of."""
