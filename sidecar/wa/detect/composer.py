"""Where a human types into an agent: is it there, what stands in it, what stands below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wa.detect.blocks import SHELL_PROMPT, Grouper, join, tidy, unboxed
from wa.detect.pack import Composer
from wa.detect.page import Line, Page, is_rule

MAX_LINES = 60
"""So far up from the bottom a composer may begin."""


class ComposerSeen(NamedTuple):
    first: int
    last: int
    """Rows of the page, its frame included."""
    draft: str
    footer: tuple[str, ...]
    """The lines below, raw."""


def find_composer(page: Page, composers: Sequence[Composer], grouper: Grouper) -> ComposerSeen | None:
    """The lowest composer on the visible screen; None where a dialog, a shell or nothing stands in its place."""
    lines = page.lines[max(page.screen_line, len(page.lines) - MAX_LINES) :]
    for at in range(len(lines) - 1, -1, -1):
        for composer in composers:
            text = unboxed(lines[at].text) if composer.frame == "box" else lines[at].text
            if composer.prompt.match(text) is None:
                continue
            if composer.unlike is not None and composer.unlike.match(text):
                continue
            if (seen := _framed(lines, at, composer, grouper)) is not None:
                return seen
    return None


def _framed(lines: Sequence[Line], at: int, composer: Composer, grouper: Grouper) -> ComposerSeen | None:
    first, end = at, at + 1
    if composer.frame == "open":
        while end < len(lines) and lines[end].text.strip():
            end += 1
        footer = lines[end:]
        if end == len(lines) and end > at + 1:  # nothing is set apart: what stands right below is the footer
            end, footer = at + 1, lines[at + 1 :]
        body = [line.text for line in lines[at:end]]
    else:
        closes = (
            (lambda text: is_rule(text)) if composer.frame == "rules" else (lambda text: text.lstrip(" ")[:1] == "╰")
        )
        while end < len(lines) and not closes(lines[end].text):
            end += 1
        if end == len(lines) or at == 0:
            return None
        above = lines[at - 1].text
        if composer.frame == "rules" and not is_rule(above) and not (above[:3] and not above[:3].strip("─━▄▀")):
            return None
        if composer.frame == "box" and above.lstrip(" ")[:1] != "╭":
            return None
        body = [unboxed(line.text) if composer.frame == "box" else line.text for line in lines[at:end]]
        first, end = at - 1, end + 1
        footer = lines[end:]
    below = [line.text for line in footer if line.text.strip()]
    if len(below) > composer.below:
        return None
    for line in footer:
        if not line.text.strip():
            continue
        if (
            line.column < composer.below_column
            or grouper.marker_of(line.text) is not None
            or SHELL_PROMPT.match(line.text)
        ):
            return None
    if (
        composer.below_like is not None
        and composer.below_like.search(tidy(join([tidy(text) for text in below]))) is None
    ):
        return None
    prompt = composer.prompt.match(body[0])
    typed = join([tidy(body[0][prompt.end() :] if prompt else body[0]), *(tidy(text) for text in body[1:])])
    if any(placeholder.fullmatch(typed) for placeholder in composer.placeholders):
        typed = ""
    return ComposerSeen(lines[first].first, lines[end - 1].last, typed, tuple(line.text for line in footer))


def footer_texts(footer: Sequence[str]) -> list[str]:
    """The footer by the columns that share its rows, as one text, and line by line."""
    shown = [tidy(line) for line in footer if line.strip()]
    if len(shown) < 2:
        return shown
    columns: dict[int, list[str]] = {}
    for line in footer:
        for column, part in _parts(line):
            home = next((known for known in columns if abs(known - column) <= 1 and column > 4), column)
            columns.setdefault(home, []).append(part)
    return [*(join(parts) for parts in columns.values() if len(parts) > 1), join(shown), *shown]


def _parts(line: str) -> list[tuple[int, str]]:
    parts: list[tuple[int, str]] = []
    column, size = 0, len(line)
    while column < size:
        while column < size and line[column] == " ":
            column += 1
        end = line.find("  ", column)
        end = size if end < 0 else end
        if column < size:
            parts.append((column, tidy(line[column:end])))
        column = end
    return parts
