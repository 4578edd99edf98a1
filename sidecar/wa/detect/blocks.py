"""Lines grouped as the agent drew them: each glyph at its column begins a block, boxes and rules stand for themselves.

That is what tells a message from a quotation of it: an agent indents what it quotes, and its own glyphs stand at their column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from wa.detect.page import BORDERS, Line, Page, is_rule

TEXT = "text"
BOX = "box"
RULE = "rule"
SHELL = "shell"
"""A line at a shell's prompt."""
PLAIN = frozenset({TEXT, BOX, RULE, SHELL})
"""Kinds that are no marker of an agent."""
NBSP = "\u00a0"
SHELL_PROMPT = re.compile(
    r"(?:\([\w.-]+\) ?)?(?:\[?[\w.-]+@[\w.-]+[: ][^$#%]{0,80}|[~/][^\s$#%]{0,80}|[\w.-]+)?\s?[$#%](?: |$)"
)
SHELL_STARTS = frozenset("$#%~/([") | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_URL_GOES_ON = re.compile(r"https?://\S*[/?&=%_\-.,:;#+~]$")
_RULED = re.compile(r"^\s*([─━═╌])\1{2,} (?P<text>.*?\S) ([─━═╌])\3{2,}\s*$")


class Pattern(Protocol):
    """A compiled expression of `re` or `regex`."""

    def match(self, text: str, /) -> object: ...
    def search(self, text: str, /) -> object: ...


class Marker(NamedTuple):
    """A glyph that begins a block of an agent's transcript."""

    name: str
    glyphs: str
    columns: frozenset[int]
    nbsp: bool = False
    """The glyph is followed by a blank and U+00A0, or by U+00A0: quoted rows have plain blanks."""
    like: Pattern | None = None
    unlike: Pattern | None = None


class Block(NamedTuple):
    kind: str
    """A marker's name, or `text`, `box`, `rule`."""
    column: int
    glyph: str
    text: str
    """Joined over rows, spaces squeezed, borders and glyph dropped, U+00A0 as a blank, ’ as '."""
    lines: tuple[str, ...]
    """The same, line by line."""
    first: int
    last: int
    owner: str
    """Name of the marker block that stands before this one; "" at the top."""


def tidy(text: str) -> str:
    return " ".join(text.replace("’", "'").split())


def join(lines: Sequence[str]) -> str:
    """One text of the rows of a block: a URL that was broken behind one of its own marks is whole again."""
    joined = ""
    for line in lines:
        if not line:
            continue
        if joined and not _URL_GOES_ON.search(joined[-300:]):
            joined += " "
        joined += line
    return joined


def unboxed(text: str) -> str:
    """A line without the borders around it, of nested boxes too."""
    bare = text.strip()
    while bare and bare[0] in BORDERS:
        bare = bare[1:].strip(" ")
        if bare and bare[-1] in BORDERS:
            bare = bare[:-1].strip(" ")
    return "" if bare and not bare.strip("─━═╌ ╭╮╰╯") else bare


def marker_of(line: str, markers: Sequence[Marker]) -> Marker | None:
    bare = line.lstrip(" ")
    if not bare:
        return None
    glyph, column = bare[0], len(line) - len(bare)
    for marker in markers:
        if glyph in marker.glyphs and column in marker.columns:
            rest = bare[1:]
            if rest and rest[0] not in " " + NBSP:
                continue
            if marker.nbsp and not rest.startswith((NBSP, " " + NBSP)):
                continue
            said = tidy(rest)
            if marker.like is not None and not marker.like.search(said):
                continue
            if marker.unlike is not None and marker.unlike.search(said):
                continue
            return marker
    return None


def blocks_of(page: Page, markers: Sequence[Marker], breaks: Sequence[Pattern] = ()) -> list[Block]:
    """The blocks of a page, top first. A line that one of *breaks* matches begins a text of its own."""
    return list(_blocks(page.lines, markers, breaks))


def _blocks(lines: Sequence[Line], markers: Sequence[Marker], breaks: Sequence[Pattern]) -> Iterator[Block]:
    kind, glyph, column = "", "", 0
    gathered: list[str] = []
    first = last = 0
    owner = ""

    def done() -> Iterator[Block]:
        nonlocal kind, gathered, owner
        if kind:
            yield Block(kind, column, glyph, join(gathered), tuple(gathered), first, last, owner)
            if kind not in PLAIN:
                owner = kind
        kind, gathered = "", []

    for line in lines:
        text = line.text
        bare = text.lstrip(" ")
        if not bare:
            yield from done()
            continue
        if is_rule(text):
            yield from done()
            yield Block(RULE, line.column, bare[0], "", (), line.first, line.last, owner)
            continue
        if bare[0] == "╭" or (bare[0] in "│╰" and (kind == BOX or (len(bare) > 1 and bare[-1] == "│"))):
            if kind != BOX or (bare[0] == "╭" and column == line.column):
                yield from done()
                kind, glyph, column, first = BOX, bare[0], line.column, line.first
            gathered.append(tidy(unboxed(text)))
            last = line.last
            if bare[0] == "╰" and line.column == column:
                yield from done()
            continue
        if kind == BOX:
            yield from done()
        if (ruled := _RULED.match(text)) is not None:
            yield from done()
            said = tidy(ruled["text"])
            yield Block(RULE, line.column, bare[0], said, (said,), line.first, line.last, owner)
            continue
        marker = marker_of(text, markers)
        if marker is not None:
            yield from done()
            kind, glyph, column, first, last = marker.name, bare[0], line.column, line.first, line.last
            gathered = [tidy(bare[1:])]
            continue
        if (shell := text[0] in SHELL_STARTS and SHELL_PROMPT.match(text) is not None) or any(
            b.match(text) for b in breaks
        ):
            yield from done()
            if shell:
                yield Block(SHELL, 0, bare[0], tidy(text), (tidy(text),), line.first, line.last, owner)
                owner = SHELL
                continue
        if not kind:
            kind, glyph, column, first = TEXT, bare[0], line.column, line.first
        gathered.append(tidy(text))
        last = line.last
    yield from done()
