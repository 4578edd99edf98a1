"""Where a human types into an agent: is it there, what stands in it, what stands below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wa.detect.blocks import MARKED, PROMPT, Grouper, join, tidy, unboxed
from wa.detect.pack import Composer
from wa.detect.page import Lines, Page, is_rule

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
    texts = page.lines.texts
    known, see = grouper.known, grouper.see
    starts = "".join(["│" if composer.frame == "box" else composer.marks for composer in composers])
    for at in range(len(texts) - 1, max(page.screen_line, len(texts) - MAX_LINES) - 1, -1):
        text = texts[at]
        if not text or (glyph := (known.get(text) or see(text)).glyph) not in starts:
            continue
        for composer in composers:
            is_box = composer.frame == "box"
            if glyph not in ("│" if is_box else composer.marks):
                continue
            said = unboxed(text) if is_box else text
            if composer.prompt.match(said) is None:
                continue
            if composer.unlike is not None and composer.unlike.match(said):
                continue
            if (seen := _framed(page.lines, at, composer, grouper)) is not None:
                return seen
    return None


def _framed(lines: Lines, at: int, composer: Composer, grouper: Grouper) -> ComposerSeen | None:
    """The composer whose first line is at *at*, if it is drawn as one and what stands below may stand there."""
    texts = lines.texts
    count = len(texts)
    first, end = at, at + 1
    if composer.frame == "open":
        while end < count and texts[end]:
            end += 1
        below = end
        if end == count and end > at + 1:  # nothing is set apart: what stands right below is the footer
            below = end = at + 1
        body = texts[at:end]
    else:
        is_rules = composer.frame == "rules"
        while end < count and not (is_rule(texts[end]) if is_rules else texts[end].lstrip(" ")[:1] == "╰"):
            end += 1
        if end == count or at == 0:
            return None
        above = texts[at - 1]
        if is_rules and not is_rule(above) and not (above[:3] and not above[:3].strip("─━▄▀")):
            return None
        if not is_rules and above.lstrip(" ")[:1] != "╭":
            return None
        body = texts[at:end] if is_rules else [unboxed(text) for text in texts[at:end]]
        first, end = at - 1, end + 1
        below = end
    footer = tuple(texts[below:])
    if not _may_follow(footer, composer, grouper):
        return None
    prompt = composer.prompt.match(body[0])
    typed = join([tidy(body[0][prompt.end() :] if prompt else body[0]), *map(tidy, body[1:])])
    if typed and any(placeholder.fullmatch(typed) for placeholder in composer.placeholders):
        typed = ""
    return ComposerSeen(lines.firsts[first], lines.lasts[end - 1], typed, footer)


def _may_follow(footer: Sequence[str], composer: Composer, grouper: Grouper) -> bool:
    shown = [text for text in footer if text]
    if len(shown) > composer.below:
        return False
    for text in shown:
        seen = grouper.see(text)
        if seen.column < composer.below_column or seen.sort in (MARKED, PROMPT):
            return False
    return composer.below_like is None or composer.below_like.search(join([tidy(text) for text in shown])) is not None


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
