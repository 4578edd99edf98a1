"""The text of a pane as lines that nobody wrapped.

A terminal cuts a long line at its width and says so (`Row.wrapped`); a file or `get-text` does not say it. Then a row that is exactly
as wide as the pane is taken for cut, unless it is plainly whole: a border, a rule, or the next row begins something new.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wcwidth import wcswidth

from wa.model.screen import Row

RULES = "─━═╌╍┄┅▄▀▔▁"
BORDERS = "│╭╮╰╯┃┏┓┗┛┌┐└┘"
RIGHT_BORDERS = "│╮╯┃┓┛┐┘"
MAX_CUTS = 400
"""A logical line of more rows is left as it is: 1 MB without a line end is no message of an agent."""


class Line(NamedTuple):
    """A logical line; `first` and `last` are rows of the page. Blanks at its end are dropped, U+00A0 is kept."""

    text: str
    first: int
    last: int

    @property
    def column(self) -> int:
        """Where the text begins; 0 for an empty line."""
        return len(self.text) - len(self.text.lstrip(" "))


class Page(NamedTuple):
    """History that is still of interest, then the screen."""

    lines: tuple[Line, ...]
    cols: int
    screen_row: int
    """The first row of the visible screen."""
    rows: int

    @property
    def screen_line(self) -> int:
        """Index of the first line that ends on the visible screen."""
        for at, line in enumerate(self.lines):
            if line.last >= self.screen_row:
                return at
        return len(self.lines)


def width(text: str) -> int:
    return len(text) if text.isascii() else max(wcswidth(text), 0) or len(text)


def is_rule(text: str) -> bool:
    """A drawn line and nothing else."""
    bare = text.strip()
    return len(bare) >= 3 and bare[0] in RULES and not bare.strip(bare[0])


def page_of_rows(rows: Sequence[Row], cols: int, visible: int) -> Page:
    """A page of rows as a terminal gives them: it knows which lines it cut."""
    lines: list[Line] = []
    first = 0
    parts: list[str] = []
    for at, row in enumerate(rows):
        if not parts:
            first = at
        if row.wrapped and at + 1 < len(rows) and len(parts) < MAX_CUTS:
            parts.append(row.text)
            continue
        parts.append(row.text)
        lines.append(Line("".join(parts).rstrip(" "), first, at))
        parts = []
    return Page(tuple(lines), cols, max(0, len(rows) - visible), len(rows))


def page_of_text(texts: Sequence[str], cols: int, visible: int) -> Page:
    """A page of rows that nobody marked as cut."""
    rows = [text.rstrip(" ") for text in texts]
    lines: list[Line] = []
    parts: list[str] = []
    first = 0
    for at, text in enumerate(rows):
        if not parts:
            first = at
        parts.append(text)
        if at + 1 < len(rows) and len(parts) < MAX_CUTS and _cut(parts[0], text, rows[at + 1], cols):
            continue
        lines.append(Line("".join(parts), first, at))
        parts = []
    return Page(tuple(lines), cols, max(0, len(rows) - visible), len(rows))


def _cut(start: str, text: str, following: str, cols: int) -> bool:
    if len(text) < cols // 2 or not following or width(text) != cols:
        return False
    if is_rule(text):
        return following[0] == text[-1]
    if text[-1] in RIGHT_BORDERS and start.lstrip(" ")[:1] in BORDERS:
        return False
    return following.lstrip(" ")[:1] not in "╭╰│" or start.lstrip(" ")[:1] == "│"
