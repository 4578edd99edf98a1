"""What owns the keyboard: a question, its options, and which of them is selected."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from wa.detect.blocks import MAX_KNOWN_CHARS, tidy
from wa.detect.labels import OptionRow, goes_on, labels_of
from wa.detect.page import BORDERS, Lines, is_rule, squeezed

MAX_OPTIONS = 40
MAX_REMEMBERED = 256
MAX_REMEMBERED_CHARS = 4_000
QUESTION_SIGN = 16
"""So many characters tell where a question begins."""
_NUMBERED = re.compile(r"^(?P<mark>[❯›>●▸▶→*]\s+)?\s*(?:[○◯]\s+)?(?P<number>\d{1,2})[.)]\s+(?P<label>\S.*)$")
_BORDER_STARTS = frozenset(BORDERS)
_SELECTED = re.compile(r"^(?P<mark>[❯›>●▸▶→]\s+)(?P<ticked>[✔✓]\s+)?(?P<label>\S.*)$")
_TICKS = "✔✓"
"""Beside what is in force now: no part of a label. Seen in Claude Code 2.1.12 and 2.1.328, 2026-11-21."""


class Options(NamedTuple):
    labels: tuple[str, ...]
    selected: int | None
    first: int
    last: int
    """Lines, counted from the first that was looked at."""


class Listed(NamedTuple):
    """A list of options, and the words around it."""

    options: Options
    above: str
    """Line by line without blanks, down to the last option."""
    below: str

    def of(self, question: str) -> Options | None:
        """The options, if the dialog is the one that says *question*: a list that ends above its first words belongs to something else."""
        words = squeezed(question)[:QUESTION_SIGN]
        return None if words not in self.above and words in self.below else self.options


_UNKNOWN = Listed(Options((), None, 0, 0), "", "")


class Lists:
    """The options of one agent's dialogs. One that waits is painted again and again: what it lists is found once for the same lines."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Listed | None] = {}

    def forget(self) -> None:
        self._known.clear()

    def find(self, lines: Lines, start: int, cols: int) -> Listed | None:
        """The last list in *lines* from index *start* on."""
        texts = lines.texts[start:]
        key = (cols, *texts, *[at - start for at in sorted(lines.loose) if at >= start])
        found = self._known.get(key, _UNKNOWN)
        if found is _UNKNOWN:
            found = _listed(lines, start, cols)
            if sum(map(len, texts)) <= MAX_REMEMBERED_CHARS:
                if len(self._known) >= MAX_REMEMBERED:
                    self._known.clear()
                self._known[key] = found
        return found


def _listed(lines: Lines, start: int, cols: int) -> Listed | None:
    options = options_of(lines, start, cols)
    if options is None:
        return None
    said = [squeezed(text) for text in lines.texts[start:]]
    return Listed(options, "\n".join(said[: options.last + 1]), "\n".join(said[options.last + 1 :]))


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


def options_of(lines: Lines, start: int, cols: int) -> Options | None:
    """The last list of options in *lines* from index *start* on, numbered from 1 or marked by one selection."""
    return _numbered(lines, start, cols) or _marked(lines, start)


class _Read(NamedTuple):
    """A line, as one of a list of options."""

    column: int
    bare: str
    number: int
    """0: it begins no option."""
    label_at: int
    """Where its label begins, inside its borders."""
    is_marked: bool
    number_column: int


def _read(text: str) -> _Read:
    return _known(text) if len(text) <= MAX_KNOWN_CHARS else _look(text)


def _look(text: str) -> _Read:
    inside = inner(text)
    bare = inside.lstrip(" ")
    column = len(inside) - len(bare)
    found = _NUMBERED.match(bare)
    if found is None:
        return _Read(column, bare, 0, 0, False, 0)
    starts = column + found.start("label"), bool(found["mark"]), column + found.start("number")
    return _Read(column, bare, int(found["number"]), *starts)


_known = lru_cache(maxsize=2_048)(_look)


def _numbered(lines: Lines, start: int, cols: int) -> Options | None:
    texts = lines.texts
    options: list[list[OptionRow]] = []
    selected: int | None = None
    first = last = start
    column = 0
    above = ""
    for at in range(start, len(texts)):
        text = texts[at]
        if not options and not text:
            continue
        read = _read(text)
        if read.number and (read.number == len(options) + 1 or read.number == 1):
            if read.number == 1:
                options, selected, first, column = [], None, at, read.number_column
            elif len(options) == MAX_OPTIONS:
                break
            options.append([OptionRow(inner(text), read.label_at, is_loose=False, goes_on=False)])
        elif options and read.bare and at == last + 1:
            deeper = read.column > column
            fits_not = goes_on(above, read.bare, cols, deeper=deeper)
            if not (deeper or fits_not or at in lines.loose):
                continue
            options[-1].append(OptionRow(inner(text), read.column, at in lines.loose, fits_not))
            last, above = at, text
            continue
        else:
            continue
        last, above = at, text
        if read.is_marked:
            selected = len(options) - 1
    if len(options) < 2 and selected is None:
        return None
    return Options(tuple(map(_unticked, labels_of(options))), selected, first - start, last - start)


def _marked(lines: Lines, top: int) -> Options | None:
    texts = lines.texts
    for at in range(len(texts) - 1, top - 1, -1):
        text = inner(texts[at])
        bare = text.lstrip(" ")
        if (found := _SELECTED.match(bare)) is None:
            continue
        column = len(text) - len(bare) + found.start("label")
        start = end = at
        while start > top and _option(texts[start - 1], column):
            start -= 1
        while end + 1 < len(texts) and _option(texts[end + 1], column):
            end += 1
        if start == end:
            continue
        labels = tuple(_unticked(tidy(inner(text).lstrip(" ❯›>●▸▶→"))) for text in texts[start : end + 1])
        return Options(labels, at - start, start - top, end - top)
    return None


def _option(row: str, column: int) -> bool:
    text = inner(row)
    return bool(text.strip()) and len(text) - len(text.lstrip(f" {_TICKS}")) == column and not is_rule(text)


def _unticked(label: str) -> str:
    return label.strip(f" {_TICKS}") or label
