"""Where a human types into an agent: is it there, what stands in it, what stands below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wa.detect.blocks import MARKED, PROMPT, Grouper, join, tidy, unboxed
from wa.detect.pack import Composer
from wa.detect.page import Page, is_rule

MAX_LINES = 60
"""So far up from the bottom a composer may begin."""
MAX_REMEMBERED = 512
MAX_REMEMBERED_CHARS = 4_000


class ComposerSeen(NamedTuple):
    first: int
    last: int
    """Rows of the page, its frame included."""
    draft: str
    footer: tuple[str, ...]
    """What stands below: by the columns that share its rows, as one text, and line by line."""


class Frame(NamedTuple):
    """A composer by itself, wherever it stands."""

    above: int
    """So many lines of it stand above the one where a human types."""
    size: int
    draft: str
    footer: tuple[str, ...]


_UNKNOWN = Frame(0, 0, "", ())


class Frames:
    """The composers of one agent. Most screens end as they did a moment ago: what lines are is found once for the same lines."""

    def __init__(self, composers: Sequence[Composer], grouper: Grouper) -> None:
        self._composers = composers
        self._grouper = grouper
        self._starts = "".join(["│" if composer.frame == "box" else composer.marks for composer in composers])
        self._known: dict[tuple[object, ...], Frame | None] = {}

    def forget(self) -> None:
        self._known.clear()

    def find(self, page: Page) -> ComposerSeen | None:
        """The lowest composer on the visible screen; None where a dialog, a shell or nothing stands in its place."""
        if not page.holds(self._starts):
            return None
        lines = page.lines
        texts = lines.texts
        known, see, starts = self._grouper.known, self._grouper.see, self._starts
        for at in range(len(texts) - 1, max(page.screen_line, len(texts) - MAX_LINES) - 1, -1):
            text = texts[at]
            if not text or (glyph := (known.get(text) or see(text))[2]) not in starts:
                continue
            for number, composer in enumerate(self._composers):
                if glyph not in ("│" if composer.frame == "box" else composer.marks):
                    continue
                above = min(at, 1)
                key = (number, above, *texts[at - above :])
                frame = self._known.get(key, _UNKNOWN)
                if frame is _UNKNOWN:
                    frame = _framed(texts[at - above :], above, composer, self._grouper)
                    if sum(map(len, texts[at - above :])) <= MAX_REMEMBERED_CHARS:
                        if len(self._known) >= MAX_REMEMBERED:
                            self._known.clear()
                        self._known[key] = frame
                if frame is not None:
                    first = at - frame.above
                    return ComposerSeen(
                        lines.firsts[first], lines.lasts[first + frame.size - 1], frame.draft, frame.footer
                    )
        return None


def _framed(texts: Sequence[str], at: int, composer: Composer, grouper: Grouper) -> Frame | None:
    """The composer whose first line is at *at*, if it is drawn as one and what stands below may stand there."""
    is_box = composer.frame == "box"
    start = unboxed(texts[at]) if is_box else texts[at]
    prompt = composer.prompt.match(start)
    if prompt is None or (composer.unlike is not None and composer.unlike.match(start)):
        return None
    count = len(texts)
    first, end = at, at + 1
    if composer.frame == "open":
        while end < count and texts[end]:
            end += 1
        below = end
        if end == count and end > at + 1:  # nothing is set apart: what stands right below is the footer
            below = end = at + 1
        body = texts[at + 1 : end]
    else:
        while end < count and not (texts[end].lstrip(" ")[:1] == "╰" if is_box else is_rule(texts[end])):
            end += 1
        if end == count or at == 0:
            return None
        above = texts[at - 1]
        if is_box and above.lstrip(" ")[:1] != "╭":
            return None
        if not is_box and not is_rule(above) and not (above[:3] and not above[:3].strip("─━▄▀")):
            return None
        body = [unboxed(text) for text in texts[at + 1 : end]] if is_box else texts[at + 1 : end]
        first, end = at - 1, end + 1
        below = end
    footer = texts[below:]
    if not _may_follow(footer, composer, grouper):
        return None
    typed = join([tidy(start[prompt.end() :]), *map(tidy, body)])
    if typed and any(placeholder.fullmatch(typed) for placeholder in composer.placeholders):
        typed = ""
    return Frame(at - first, end - first, typed, _footer_texts(footer))


def _may_follow(footer: Sequence[str], composer: Composer, grouper: Grouper) -> bool:
    shown = [text for text in footer if text]
    if len(shown) > composer.below:
        return False
    for text in shown:
        sort, column, *_ = grouper.see(text)
        if column < composer.below_column or sort in (MARKED, PROMPT):
            return False
    return composer.below_like is None or composer.below_like.search(join([tidy(text) for text in shown])) is not None


def _footer_texts(footer: Sequence[str]) -> tuple[str, ...]:
    shown = [tidy(line) for line in footer if line.strip()]
    if len(shown) < 2:
        return tuple(shown)
    columns: dict[int, list[str]] = {}
    for line in footer:
        for column, part in _parts(line):
            home = next((known for known in columns if abs(known - column) <= 1 and column > 4), column)
            columns.setdefault(home, []).append(part)
    return (*(join(parts) for parts in columns.values() if len(parts) > 1), join(shown), *shown)


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
