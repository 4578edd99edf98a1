"""Lines grouped as the agent drew them: each glyph at its column begins a block, boxes and rules stand for themselves.

That is what tells a message from a quotation of it: an agent indents what it quotes, and its own glyphs stand at their column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from wa.detect.page import BORDERS, RULES, Line, Page, is_rule, url_goes_on

TEXT = "text"
BOX = "box"
RULE = "rule"
SHELL = "shell"
"""A line at a shell's prompt."""
PLAIN = frozenset({TEXT, BOX, RULE, SHELL})
"""Kinds that are no marker of an agent."""
NBSP = "\u00a0"
JOINT = "\ufdd0"
"""Stands in a text where a row was full and the next may be its rest: nothing, or a blank. No terminal shows this character."""
MAX_JOINTS = 3
"""So many open joints are read in every combination; more of them all one way, then all the other."""
MAX_BOX_ROWS = 400
"""Of a box whose borders the terminal cut."""
SHELL_PROMPT = re.compile(
    r"(?:\([\w.-]+\) ?)?(?:\[?[\w.-]+@[\w.-]+[: ][^$#%]{0,80}|[~/][^\s$#%]{0,80}|[\w.-]+)?\s?[$#%](?: |$)"
)
SHELL_STARTS = frozenset("$#%~/([") | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_PROMPT_ENDS = re.compile(r"[$#%](?: |$)")
_URL_BROKEN = re.compile(r"https?://\S*[/?&=%_\-.,:;#+~]$")
_RULED = re.compile(r"^\s*([─━═╌])\1{2,} (?P<text>.*?\S) ([─━═╌])\3{2,}\s*$")
_DRAWN = "─━═╌ ╭╮╰╯"


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
    flush: bool = False
    """The agent's own line breaks stand at column 0, so a full row may be one of them."""
    gap: int | None = None
    """So many plain blanks follow the glyph, and then a word."""


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
    flush: bool = False


def tidy(text: str) -> str:
    return " ".join(text.replace("’", "'").split())


def join(lines: Sequence[str]) -> str:
    """One text of the rows of a block: a URL that was broken behind one of its own marks is whole again."""
    if len(lines) == 1:
        return lines[0]
    joined = ""
    for line in lines:
        if not line:
            continue
        if joined and not (joined[-1] in "/?&=%_-.,:;#+~" and _URL_BROKEN.search(joined[-300:])):
            joined += " "
        joined += line
    return joined


def readings(text: str, *, flush: bool = False) -> Iterator[str]:
    """What *text* says with each open joint closed, the likelier first: cut by the terminal, or (*flush*) broken by the agent."""
    if JOINT not in text:
        yield text
        return
    parts = text.split(JOINT)
    joints = len(parts) - 1
    said = set()
    for choice in range(2**joints) if joints <= MAX_JOINTS else (0, -1):
        out = parts[0]
        for at in range(joints):
            spaced = bool(choice >> at & 1) != (flush and not url_goes_on(parts[at]))
            out += (" " if spaced else "") + parts[at + 1]
        if out not in said:
            said.add(out)
            yield out


def unboxed(text: str) -> str:
    """A line without the borders around it, of nested boxes too."""
    bare = text.strip()
    if bare and bare[0] in BORDERS:
        bare = bare.lstrip(BORDERS + " ").rstrip(BORDERS + " ")
    return "" if bare and not bare.strip(_DRAWN) else bare


class Grouper:
    """How one agent draws: its markers, and lines that begin a text of their own wherever they stand."""

    def __init__(self, markers: Sequence[Marker], breaks: Sequence[Pattern] = ()) -> None:
        self.of_glyph: dict[str, list[Marker]] = {}
        for marker in markers:
            for glyph in marker.glyphs:
                self.of_glyph.setdefault(glyph, []).append(marker)
        self._breaks = tuple(breaks)

    def marker_of(self, line: str) -> Marker | None:
        bare = line.lstrip(" ")
        markers = self.of_glyph.get(bare[:1])
        return None if markers is None else self.fitting(markers, bare, len(line) - len(bare))

    @staticmethod
    def fitting(markers: Iterable[Marker], bare: str, column: int) -> Marker | None:
        rest = bare[1:]
        if rest and rest[0] not in " " + NBSP:
            return None
        said: str | None = None
        for marker in markers:
            if column not in marker.columns or (marker.nbsp and not rest.startswith((NBSP, " " + NBSP))):
                continue
            if marker.gap is not None and len(rest) - len(rest.lstrip(" ")) != marker.gap:
                continue
            if marker.like is not None or marker.unlike is not None:
                said = tidy(rest) if said is None else said
                if marker.like is not None and not marker.like.search(said):
                    continue
                if marker.unlike is not None and marker.unlike.search(said):
                    continue
            return marker
        return None

    def blocks(self, page: Page) -> list[Block]:
        """The blocks of a page, top first."""
        return _Blocks(self).of(page.lines)

    def begins(self, text: str) -> bool:
        """*text* begins a text of its own."""
        return any(pattern.match(text) for pattern in self._breaks)


class _Blocks:
    """One pass from the top down."""

    def __init__(self, grouper: Grouper) -> None:
        self._grouper = grouper
        self._out: list[Block] = []
        self._kind = ""
        self._glyph = ""
        self._column = 0
        self._first = self._last = 0
        self._flush = False
        self._gathered: list[str] = []
        self._owner = ""

    def of(self, lines: Sequence[Line]) -> list[Block]:
        markers = self._grouper.of_glyph
        cut_box = 0
        for at, line in enumerate(lines):
            text = line.text
            bare = text.lstrip(" ")
            if cut_box:
                cut_box = self._in_cut_box(line, bare, cut_box)
                continue
            if not bare:
                self._end()
                continue
            glyph = bare[0]
            if glyph in RULES and self._ruled(line, text, glyph):
                continue
            if glyph in "╭│╰":
                if glyph == "╭" and (line.last > line.first or "╮" not in text) and _closes(lines, at):
                    self._begin(BOX, glyph, line)
                    cut_box = MAX_BOX_ROWS
                    continue
                if glyph == "╭" or self._kind == BOX or (len(bare) > 1 and bare[-1] == "│"):
                    self._boxed(line, glyph)
                    continue
            if self._kind == BOX:
                self._end()
            found = markers.get(glyph)
            if found is not None:
                marker = Grouper.fitting(found, bare, len(text) - len(bare))
                if marker is not None:
                    self._begin(marker.name, glyph, line)
                    self._flush = marker.flush
                    self._gathered.append(tidy(bare[1:]))
                    continue
            if text[0] in SHELL_STARTS and _PROMPT_ENDS.search(text, 0, 200) and SHELL_PROMPT.match(text):
                self._end()
                said = tidy(text)
                self._out.append(Block(SHELL, 0, glyph, said, (said,), line.first, line.last, self._owner))
                self._owner = SHELL
                continue
            if self._kind and self._grouper.begins(text):
                self._end()
            if not self._kind:
                self._begin(TEXT, glyph, line)
            elif line.loose and self._gathered and self._gathered[-1]:
                self._gathered[-1] += JOINT + tidy(text)
                self._last = line.last
                continue
            self._gathered.append(tidy(text))
            self._last = line.last
        self._end()
        return self._out

    def _begin(self, kind: str, glyph: str, line: Line) -> None:
        self._end()
        self._kind, self._glyph, self._column = kind, glyph, line.column
        self._first, self._last, self._flush = line.first, line.last, False

    def _end(self) -> None:
        if self._kind:
            gathered = self._gathered
            self._out.append(
                Block(
                    self._kind,
                    self._column,
                    self._glyph,
                    join(gathered),
                    tuple(gathered),
                    self._first,
                    self._last,
                    self._owner,
                    self._flush,
                )
            )
            if self._kind not in PLAIN:
                self._owner = self._kind
            self._kind, self._gathered = "", []

    def _ruled(self, line: Line, text: str, glyph: str) -> bool:
        """A drawn line, or words in the middle of one."""
        if is_rule(text):
            self._end()
            self._out.append(Block(RULE, line.column, glyph, "", (), line.first, line.last, self._owner))
            return True
        if glyph in "─━═╌" and (ruled := _RULED.match(text)) is not None:
            self._end()
            said = tidy(ruled["text"])
            self._out.append(Block(RULE, line.column, glyph, said, (said,), line.first, line.last, self._owner))
            return True
        return False

    def _boxed(self, line: Line, glyph: str) -> None:
        if self._kind != BOX or (glyph == "╭" and self._column == line.column):
            self._begin(BOX, glyph, line)
        self._gathered.append(tidy(unboxed(line.text)))
        self._last = line.last
        if glyph == "╰" and line.column == self._column:
            self._end()

    def _in_cut_box(self, line: Line, bare: str, left: int) -> int:
        """A box that is wider than the pane: what was a row of it is several, the right border alone on one. How many may follow."""
        said = tidy(unboxed(line.text))
        if line.loose and self._gathered and self._gathered[-1]:
            self._gathered[-1] += said
        else:
            self._gathered.append(said)
        self._last = line.last
        if bare[:1] == "╰" or left == 1:
            self._end()
            return 0
        return left - 1


def _closes(lines: Sequence[Line], at: int) -> bool:
    """Further down stands the lower left corner of the box whose top line is at *at*."""
    column = lines[at].column
    return any(
        line.column == column and line.text[column : column + 1] == "╰" for line in lines[at + 1 : at + MAX_BOX_ROWS]
    )
