"""What owns the keyboard: a question, its options, and which of them is selected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from wa.detect.blocks import tidy
from wa.detect.page import BORDERS, Line, is_rule, width

MAX_OPTIONS = 40
BOX_MARGIN = 4
"""So much of the width a border with its blank takes, and what agents leave empty at the right."""
CUT_BLANKS = 2
"""So many blanks may stand where the terminal cut a row, and be lost."""
_NUMBERED = re.compile(r"^(?P<mark>[❯›>●▸▶→*]\s+)?\s*(?:[○◯]\s+)?(?P<number>\d{1,2})[.)]\s+(?P<label>\S.*)$")
_BORDER_STARTS = frozenset(BORDERS)
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
    start = bare.lstrip(" ")
    if not start or start[0] not in BORDERS:
        return bare
    begun = start.lstrip(BORDERS)
    while begun.lstrip(" ")[:1] in _BORDER_STARTS:
        begun = begun.lstrip(" ").lstrip(BORDERS)
    return begun.rstrip(BORDERS + " ")


def options_of(lines: Sequence[Line], cols: int) -> Options | None:
    """The last list of options in *lines*, numbered from 1 or marked by one selection."""
    return _numbered(lines, cols) or _marked(lines)


class _Read(NamedTuple):
    """A line, as one of a list of options."""

    column: int
    bare: str
    number: int
    """0: it begins no option."""
    label: str
    is_marked: bool
    number_column: int


@lru_cache(maxsize=2_048)
def _read(text: str) -> _Read:
    inside = inner(text)
    bare = inside.lstrip(" ")
    column = len(inside) - len(bare)
    found = _NUMBERED.match(bare)
    if found is None:
        return _Read(column, bare, 0, "", False, 0)
    return _Read(
        column, bare, int(found["number"]), tidy(found["label"]), bool(found["mark"]), column + found.start("number")
    )


def _numbered(lines: Sequence[Line], cols: int) -> Options | None:
    labels: list[str] = []
    selected: int | None = None
    first = last = 0
    column = 0
    above = ""
    for line in lines:
        if not labels and not line.text:
            continue
        read = _read(line.text)
        if read.number and read.number == len(labels) + 1:
            if len(labels) == MAX_OPTIONS:
                break
            if not labels:
                first, column = line.first, read.number_column
            labels.append(read.label)
        elif read.number == 1:
            labels, selected, first, column = [read.label], None, line.first, read.number_column
        elif labels and read.bare and line.first == last + 1:
            deeper = read.column > column
            if _goes_on(above, line, read.bare, cols, deeper=deeper):
                labels[-1] = tidy(labels[-1] + ("" if line.loose else " ") + read.bare)
            elif not deeper:
                continue
            last, above = line.last, line.text
            continue
        else:
            continue
        last, above = line.last, line.text
        if read.is_marked:
            selected = len(labels) - 1
    return Options(tuple(labels), selected, first, last) if len(labels) > 1 or selected is not None else None


def _goes_on(above: str, line: Line, bare: str, cols: int, *, deeper: bool) -> bool:
    """The label did not fit into the row *above*: its next word (*deeper*: in the agent's own column) had no place there."""
    if line.loose:
        return True
    length = len(bare.split(" ", 1)[0]) if deeper else 1
    return width(above) + 1 + length > cols - (BOX_MARGIN if deeper else CUT_BLANKS)


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
