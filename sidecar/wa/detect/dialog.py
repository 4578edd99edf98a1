"""What owns the keyboard: a question, its options, and which of them is selected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from wa.detect.blocks import tidy
from wa.detect.page import BORDERS, Line, is_rule

_NUMBERED = re.compile(r"^(?P<mark>[❯›>●▸▶→*]\s+)?\s*(?:[○◯]\s+)?(?P<number>\d{1,2})[.)]\s+(?P<label>\S.*)$")
_SELECTED = re.compile(r"^(?P<mark>[❯›>●▸▶→]\s+)(?P<label>\S.*)$")


class Options(NamedTuple):
    labels: tuple[str, ...]
    selected: int | None
    first: int
    last: int
    """Rows of the page."""


def inner(text: str) -> str:
    """The line inside its borders, indentation kept."""
    bare = text.rstrip(" ")
    while (start := bare.lstrip(" ")) and start[0] in BORDERS:
        bare = start[1:]
        if bare and bare[-1] in BORDERS:
            bare = bare[:-1].rstrip(" ")
    return bare


def options_of(lines: Sequence[Line]) -> Options | None:
    """The last list of options in *lines*, numbered from 1 or marked by one selection."""
    return _numbered(lines) or _marked(lines)


def _numbered(lines: Sequence[Line]) -> Options | None:
    labels: list[str] = []
    selected: int | None = None
    first = last = 0
    column = 0
    for line in lines:
        text = inner(line.text)
        bare = text.lstrip(" ")
        found = _NUMBERED.match(bare)
        if found is not None and int(found["number"]) == len(labels) + 1 and labels:
            labels.append(tidy(found["label"]))
            last = line.last
        elif found is not None and int(found["number"]) == 1:
            labels, selected, first, last = [tidy(found["label"])], None, line.first, line.last
            column = len(text) - len(bare) + found.start("number")
        elif labels and bare and line.first == last + 1 and len(text) - len(bare) > column:
            last = line.last
            continue
        else:
            continue
        if found["mark"]:
            selected = len(labels) - 1
    return Options(tuple(labels), selected, first, last) if len(labels) > 1 or selected is not None else None


def _marked(lines: Sequence[Line]) -> Options | None:
    for at in range(len(lines) - 1, -1, -1):
        text = inner(lines[at].text)
        bare = text.lstrip(" ")
        if (found := _SELECTED.match(bare)) is None:
            continue
        column = len(text) - len(bare) + found.start("label")
        start = end = at
        while start > 0 and _option(lines[start - 1], column):
            start -= 1
        while end + 1 < len(lines) and _option(lines[end + 1], column):
            end += 1
        if start == end:
            continue
        labels = tuple(tidy(inner(line.text).lstrip(" ❯›>●▸▶→")) for line in lines[start : end + 1])
        return Options(labels, at - start, lines[start].first, lines[end].last)
    return None


def _option(line: Line, column: int) -> bool:
    text = inner(line.text)
    return bool(text.strip()) and len(text) - len(text.lstrip(" ")) == column and not is_rule(text)
