"""Values in the texts of a user's workflow: `{name}`, `{field.reset}`, `{check.output.verdict}`.

A value that was read off a screen, or that a program printed, is nobody's word: it never becomes a program, an option of one, a key, a
label or the beginning of a line that an agent takes for a command. `{{` and `}}` are braces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

MAX_CHARS = 400
"""Of one value in a text."""

_PART = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|(?P<stray>[{}])")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)*")
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]")
TRUSTED = frozenset({"event", "pane", "agent", "at", "set"})
"""Roots whose values are words of wa, or of the user's own file. All others are read off somewhere."""


class UnfitError(ValueError):
    """A value that must not stand where it would; `outcome` names the ending."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class Template(NamedTuple):
    parts: tuple[str | tuple[str, ...], ...]
    """Text, and names split at their dots."""

    @property
    def names(self) -> list[tuple[str, ...]]:
        return [part for part in self.parts if isinstance(part, tuple)]

    @property
    def text(self) -> str | None:
        """Where no value stands in it."""
        return None if self.names else "".join(part for part in self.parts if isinstance(part, str))


def parse(text: str) -> Template:
    """Raises ValueError with the reason."""
    parts: list[str | tuple[str, ...]] = []
    at = 0
    for found in _PART.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        if found["stray"]:
            raise ValueError(f"a lone {found['stray']}: write {{{{ and }}}} for braces")
        if found["name"] is None:
            parts.append(found[0][0])
        elif not _NAME.fullmatch(found["name"]):
            raise ValueError(f"{found[0]!r} is no name of a value")
        else:
            parts.append(tuple(found["name"].split(".")))
    parts.append(text[at:])
    joined: list[str | tuple[str, ...]] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part:
            joined.append(part)
    return Template(tuple(joined))


def is_trusted(name: tuple[str, ...], own: frozenset[str]) -> bool:
    """*own*: names that the user's file gives its own values."""
    return name[0] in TRUSTED or name[0] in own


def begins_a_line(template: Template, own: frozenset[str]) -> tuple[str, ...] | None:
    """The first name of a value of nobody's that stands at the beginning of a line."""
    before = "\n"
    for part in template.parts:
        if isinstance(part, str):
            before += part
        elif is_trusted(part, own):
            before += "x"
        elif not before.rpartition("\n")[2].strip():
            return part
        else:
            before += "x"
    return None


def fill(template: Template, values: Mapping[str, Any], own: frozenset[str]) -> str:
    """For a text that is typed. Raises UnfitError."""
    return "".join(
        part if isinstance(part, str) else _typed(part, look_up(part, values), is_trusted(part, own))
        for part in template.parts
    )


def fill_notice(template: Template, values: Mapping[str, Any]) -> str:
    """For a text that a person reads: what is unfit is left out, and so is a value that is missing."""
    return "".join(
        part if isinstance(part, str) else _UNFIT.sub(" ", _said(look_up(part, values, default="")))[:MAX_CHARS]
        for part in template.parts
    )


def fill_word(template: Template, values: Mapping[str, Any], own: frozenset[str]) -> str:
    """For one word of a program's. Raises UnfitError."""
    word = "".join(part if isinstance(part, str) else plain(look_up(part, values)) for part in template.parts)
    strange = any(not is_trusted(name, own) for name in template.names)
    if "\0" in word or (strange and word.startswith("-")):
        raise UnfitError("unsafe_value", f"a word would be {word!r:.60}, which a program may take for an option")
    return word


def look_up(name: tuple[str, ...], values: Mapping[str, Any], default: Any = None) -> Any:
    """Raises UnfitError where there is none, and no *default*."""
    found: Any = values
    for part in name:
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list | tuple) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            found = None
        if found is None:
            if default is not None:
                return default
            raise UnfitError("missing_value", f"there is no value {'.'.join(name)}")
    return found


def plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list | tuple):
        raise UnfitError("unsafe_value", f"{value!r:.60} is no single value")
    return str(value)


def _said(value: Any) -> str:
    return ", ".join(map(_said, value)) if isinstance(value, list | tuple) else str(value)


def _typed(name: tuple[str, ...], value: Any, trusted: bool) -> str:
    text = plain(value)
    if trusted:
        return text
    why = next(_troubles(text), None)
    if why is not None:
        raise UnfitError("unsafe_value", f"{'.'.join(name)} {why}: it is not typed")
    return text


def _troubles(text: str) -> Iterator[str]:
    if found := _UNFIT.search(text):
        yield f"holds the character U+{ord(found[0]):04X}"
    if len(text) > MAX_CHARS:
        yield f"has {len(text)} characters"
    if any(word.startswith("@") for word in text.split()):
        # Agents take `@path` for a file to be read.
        yield "holds a word that begins with @"
