"""Rows as logical lines and as words: what stays the same when a history is wrapped at another width."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from wa.model.screen import Row

_WORD = re.compile(r"\w+")


class Line(NamedTuple):
    """Rows `first … stop` of a list, joined where the terminal wrapped them."""

    text: str
    first: int
    stop: int

    @property
    def key(self) -> int:
        return hash(self.text.rstrip())


def logical_lines(rows: Sequence[Row]) -> list[Line]:
    """The last one may go on in rows that are not there."""
    lines: list[Line] = []
    first = 0
    for at, row in enumerate(rows):
        if not row.wrapped:
            text = row.text if at == first else "".join([part.text for part in rows[first : at + 1]])
            lines.append(Line(text, first, at + 1))
            first = at + 1
    if first < len(rows):
        lines.append(Line("".join([part.text for part in rows[first:]]), first, len(rows)))
    return lines


class Place(NamedTuple):
    """A point between two characters: `rows[row].text[column:]` is what follows."""

    row: int
    column: int


def place_in(rows: Sequence[Row], line: Line, characters: int) -> Place:
    """Where *characters* of the line have passed. Never past the line's end."""
    for at in range(line.first, line.stop):
        length = len(rows[at].text)
        if characters < length:
            return Place(at, characters)
        characters -= length
    return Place(line.stop, 0)


class Word(NamedTuple):
    key: int
    row: int
    column: int
    """0 for the first word of its row, whatever stands before it."""


def words(rows: Sequence[Row]) -> list[Word]:
    """Words only: bullets, boxes and indents are drawn anew for each width. Words cut by a soft wrap are joined."""
    found: list[Word] = []
    for line in logical_lines(rows):
        starts: list[int] = []
        length = 0
        for at in range(line.first, line.stop):
            starts.append(length)
            length += len(rows[at].text)
        at = 0
        last_row = -1
        for match in _WORD.finditer(line.text):
            while at + 1 < len(starts) and match.start() >= starts[at + 1]:
                at += 1
            row = line.first + at
            found.append(Word(hash(match.group()), row, 0 if row != last_row else match.start() - starts[at]))
            last_row = row
    return found
