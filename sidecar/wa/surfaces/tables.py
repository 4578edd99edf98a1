"""Tables for people. They fit the terminal; in a pipe nothing is cut and nothing is coloured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wa.surfaces.output import Style, Terminal
from wa.surfaces.text import clip, harmless, pad, width

GUTTER = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """`flexible` ones are cut first, down to `least` cells; then columns go, highest `drop` first (0 never goes)."""

    head: str
    right: bool = False
    flexible: bool = False
    least: int = 8
    drop: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    style: Style | None = None


def table(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], terminal: Terminal) -> list[str]:
    """Lines, the header first. Text is made harmless here."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max([width(column.head), *(width(row[at].text) for row in cells)]) for at, column in enumerate(columns)]
    shown = list(range(len(columns)))
    if terminal.columns is not None:
        shown = _fit(columns, widths, terminal.columns)
    head = [Cell(columns[at].head, Style.DIM) for at in range(len(columns))]
    lines = []
    for row in [head, *cells]:
        parts = []
        for at in shown:
            text = clip(row[at].text, widths[at])
            last_left = at == shown[-1] and not columns[at].right
            parts.append(
                terminal.styled(text if last_left else pad(text, widths[at], right=columns[at].right), row[at].style)
            )
        lines.append(GUTTER.join(parts).rstrip())
    return lines


def _cell(value: str | Cell) -> Cell:
    cell = value if isinstance(value, Cell) else Cell(value)
    return Cell(harmless(cell.text), cell.style)


def _fit(columns: Sequence[Column], widths: list[int], room: int) -> list[int]:
    """Which columns are shown; narrows *widths* in place."""
    shown = list(range(len(columns)))
    natural = list(widths)
    while True:
        widths[:] = natural
        over = sum(widths[at] for at in shown) + len(GUTTER) * (len(shown) - 1) - room
        while over > 0:
            widest = max(
                (at for at in shown if columns[at].flexible),
                key=lambda at: widths[at] - columns[at].least,
                default=None,
            )
            if widest is None or widths[widest] <= columns[widest].least:
                break
            widths[widest] -= 1
            over -= 1
        droppable = [at for at in shown if columns[at].drop]
        if over <= 0 or not droppable:
            break
        shown.remove(max(droppable, key=lambda at: columns[at].drop))
    if over > 0:
        # Nothing may go any more: the widest are cut below their least, so that no line is wrapped by the terminal.
        while over > 0 and max(widths[at] for at in shown) > 1:
            widths[max(shown, key=lambda at: widths[at])] -= 1
            over -= 1
    return shown
