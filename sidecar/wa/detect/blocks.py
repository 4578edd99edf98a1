"""Lines grouped as the agent drew them: each glyph at its column begins a block, boxes and rules stand for themselves.

That is what tells a message from a quotation of it: an agent indents what it quotes, and its own glyphs stand at their column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from wa.detect.page import BORDERS, RULES, Lines, Page, is_rule, url_goes_on

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
    r"(?![\d.,]+\s?%|[A-Z]#)(?:\([\w.-]+\) ?)?(?:\[?[\w.-]+@[\w.-]+[: ][^$#%]{0,80}|[~/][^\s$#%]{0,80}|[\w.-]+)?\s?[$#%](?: |$)"
)
SHELL_STARTS = frozenset("$#%~/([") | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_PROMPT_ENDS = re.compile(r"[$#%](?: |$)")
_URL_BROKEN = re.compile(r"https?://\S*[/?&=%_\-.,:;#+~]$")
_RULED = re.compile(r"^\s*([─━═╌])\1{2,} (?P<text>.*?\S) ([─━═╌])\3{2,}\s*$")
_LINES = "─━═╌ ╭╮╰╯"
ABOVE = "\ufdd1"
"""In a part of a page by itself: what stands above it says."""
MAX_DRAWN = 1_024
"""So many parts are remembered for their blocks."""
MAX_KNOWN = 4_096
MAX_KNOWN_CHARS = 1_000
"""So many lines of so many characters are remembered for what they are."""


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
    replies: bool = False
    """It belongs to what stands above it, whose words it may repeat."""


class Block:
    """Rows that belong together."""

    __slots__ = ("_text", "column", "first", "flush", "glyph", "kind", "last", "lines", "owner", "root")

    def __init__(
        self,
        kind: str,
        column: int,
        glyph: str,
        lines: list[str],
        first: int,
        last: int,
        owner: str,
        flush: bool,
        root: str,
        text: str | None = None,
    ) -> None:
        self.kind = kind
        """A marker's name, or `text`, `box`, `rule`, `shell`."""
        self.column = column
        self.glyph = glyph
        self.lines = lines
        """Spaces squeezed, borders and glyph dropped, U+00A0 as a blank, ’ as '."""
        self.first = first
        self.last = last
        self.owner = owner
        """Name of the marker block that stands before this one; "" at the top."""
        self.flush = flush
        self.root = root
        """The same, but for markers that only answer another."""
        self._text = text

    @property
    def text(self) -> str:
        """The lines joined."""
        if self._text is None:
            self._text = join(self.lines)
        return self._text

    def __repr__(self) -> str:
        return f"Block({self.kind!r}, {self.column}, {self.first}-{self.last}, {self.text[:80]!r})"


Seen = tuple[int, int, str, str, Marker | None, bool]
"""What a line is by itself, wherever it stands: its sort, column, glyph and words; whose marker it is; whether it begins a text of its
own even directly below a block. A bare tuple, because it is taken apart for every row of every look.
"""


class Drawn(NamedTuple):
    """The blocks of a part of a page, wherever it stands."""

    size: int
    """Rows, with the empty one below."""
    blocks: tuple[Block, ...]
    """Rows count from the first of the part."""
    owner: str
    root: str
    """For what stands below."""
    is_cut: bool
    """It may hold the top of a box that is wider than the pane: such a one goes on across empty rows."""


OPEN, DRAWN, TOP, EDGE, MARKED, PROMPT = range(6)
"""Sorts of lines: words, a rule, the top of a box, another row of one, a marker's, a shell's."""


def tidy(text: str) -> str:
    return " ".join(text.replace("’", "'").split())


def join(lines: Sequence[str]) -> str:
    """One text of the rows of a block: a URL that was broken behind one of its own marks is whole again."""
    if len(lines) < 2:
        return lines[0] if lines else ""
    lines = [line for line in lines if line]
    spaced = " ".join(lines)
    if "://" not in spaced:
        return spaced
    joined = ""
    for line in lines:
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


def is_prompt(text: str) -> bool:
    """*text* is a line at a shell's prompt."""
    return _PROMPT_ENDS.search(text, 0, 200) is not None and SHELL_PROMPT.match(text) is not None


def unboxed(text: str) -> str:
    """A line without the borders around it, of nested boxes too."""
    bare = text.strip()
    if bare and bare[0] in BORDERS:
        bare = bare.lstrip(BORDERS + " ").rstrip(BORDERS + " ")
    return "" if bare and not bare.strip(_LINES) else bare


class Grouper:
    """How one agent draws: its markers, and lines that begin a text of their own wherever they stand.

    Most of what a pane shows, it showed a moment ago: what a line is, is found once for each text.
    """

    def __init__(self, markers: Sequence[Marker], breaks: Pattern | None = None) -> None:
        self._of_glyph: dict[str, list[Marker]] = {}
        for marker in markers:
            for glyph in marker.glyphs:
                self._of_glyph.setdefault(glyph, []).append(marker)
        self._breaks = breaks
        self.known: dict[str, Seen] = {}
        self._drawn: dict[str, Drawn] = {}

    def forget(self) -> None:
        self.known.clear()
        self._drawn.clear()

    def see(self, text: str) -> Seen:
        """*text* is not empty."""
        seen = self.known.get(text)
        if seen is None:
            seen = self._look(text)
            if len(text) <= MAX_KNOWN_CHARS:
                if len(self.known) >= MAX_KNOWN:
                    self.known.clear()
                self.known[text] = seen
        return seen

    def _look(self, text: str) -> Seen:
        bare = text.lstrip(" ")
        glyph = bare[0]
        column = len(text) - len(bare)
        if glyph in RULES:
            if is_rule(text):
                return DRAWN, column, glyph, "", None, False
            if glyph in "─━═╌" and (ruled := _RULED.match(text)) is not None:
                return DRAWN, column, glyph, tidy(ruled["text"]), None, False
        elif glyph == "╭":
            return TOP, column, glyph, tidy(unboxed(text)), None, False
        elif glyph in "│╰":
            return EDGE, column, glyph, tidy(unboxed(text)), None, False
        markers = self._of_glyph.get(glyph)
        if markers is not None and (marker := _fitting(markers, bare, column)) is not None:
            return MARKED, column, glyph, tidy(bare[1:]), marker, False
        if text[0] in SHELL_STARTS and ("$" in text or "#" in text or "%" in text) and is_prompt(text):
            return PROMPT, column, glyph, tidy(text), None, False
        begins = self._breaks is not None and self._breaks.match(text) is not None
        return OPEN, column, glyph, tidy(text), None, begins

    def blocks(self, page: Page) -> list[Block]:
        """The blocks of a page, top first."""
        if not page.is_plain:
            return _blocks(self, page.lines, "", "")[0]
        known, draw = self._drawn, self._draw
        out: list[Block] = []
        owner = root = ""
        top = 0
        for part in page.parts:
            size, blocks, owner_below, root_below, is_cut = known.get(part) or draw(part)
            if is_cut:
                return _blocks(self, page.lines, "", "")[0]
            for one in blocks:
                under = owner if one.owner is ABOVE else one.owner
                under_root = root if one.root is ABOVE else one.root
                first, last = top + one.first, top + one.last
                out.append(
                    Block(
                        one.kind, one.column, one.glyph, one.lines, first, last, under, one.flush, under_root, one.text
                    )
                )
            if owner_below is not ABOVE:
                owner = owner_below
            if root_below is not ABOVE:
                root = root_below
            top += size
        return out if top == page.rows + 1 else _blocks(self, page.lines, "", "")[0]

    def _draw(self, part: str) -> Drawn:
        texts = part.split("\n")
        rows = range(len(texts))
        blocks, owner, root = _blocks(self, Lines(texts, rows, rows, frozenset()), ABOVE, ABOVE)
        if len(self._drawn) >= MAX_DRAWN:
            self._drawn.clear()
        is_cut = "╭" in part and any("╭" in text and "╮" not in text for text in texts)
        drawn = self._drawn[part] = Drawn(len(texts) + 1, tuple(blocks), owner, root, is_cut)
        return drawn


def _fitting(markers: Iterable[Marker], bare: str, column: int) -> Marker | None:
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


def _blocks(grouper: Grouper, lines: Lines, owner: str, root: str) -> tuple[list[Block], str, str]:
    """One pass from the top down, with the owner and the root above it, and then below it. It runs for every look at every pane that
    shows something new, so it is one function.
    """
    known, see = grouper.known, grouper.see
    texts, firsts, lasts, loose = lines
    out: list[Block] = []
    block: Block | None = None
    """The one that is open."""
    cut_box = 0
    """So many rows of a cut box may follow."""
    for at, text in enumerate(texts):
        if cut_box:
            assert block is not None
            cut_box = _in_cut_box(block, lines, at, cut_box)
            if not cut_box:
                block = None
            continue
        if not text:
            block = None
            continue
        sort, column, glyph, said, marker, begins = known.get(text) or see(text)
        if sort == EDGE and (block is None or block.kind != BOX) and not _is_edge(text):
            sort, said = OPEN, tidy(text)
        if sort == OPEN:
            if block is None or begins or block.kind == BOX:
                block = Block(TEXT, column, glyph, [said], firsts[at], lasts[at], owner, False, root)
                out.append(block)
                continue
            if at in loose:
                block.lines[-1] += JOINT + said
            else:
                block.lines.append(said)
            block.last = lasts[at]
        elif marker is not None:
            block = Block(marker.name, column, glyph, [said], firsts[at], lasts[at], owner, marker.flush, root)
            out.append(block)
            owner = marker.name
            if not marker.replies:
                root = owner
        elif sort == DRAWN:
            out.append(Block(RULE, column, glyph, [said] if said else [], firsts[at], lasts[at], owner, False, root))
            block = None
        elif sort == PROMPT:
            out.append(Block(SHELL, column, glyph, [said], firsts[at], lasts[at], owner, False, root))
            owner = root = SHELL
            block = None
        elif sort == TOP and (lasts[at] > firsts[at] or "╮" not in text) and _closes(texts, at):
            block = Block(BOX, column, glyph, [said], firsts[at], lasts[at], owner, False, root)
            out.append(block)
            cut_box = MAX_BOX_ROWS
        else:
            if block is None or block.kind != BOX or (sort == TOP and block.column == column):
                block = Block(BOX, column, glyph, [], firsts[at], lasts[at], owner, False, root)
                out.append(block)
            block.lines.append(said)
            block.last = lasts[at]
            if glyph == "╰" and column == block.column:
                block = None
    return out, owner, root


def _closes(texts: Sequence[str], at: int) -> bool:
    """Further down stands the lower left corner of the box whose top line is at *at*."""
    corner = texts[at][: len(texts[at]) - len(texts[at].lstrip(" "))] + "╰"
    return any(text.startswith(corner) for text in texts[at + 1 : at + MAX_BOX_ROWS])


def _in_cut_box(block: Block, lines: Lines, at: int, left: int) -> int:
    """A box that is wider than the pane: what was a row of it is several, the right border alone on one. How many may follow."""
    text = lines.texts[at]
    said = tidy(unboxed(text))
    if at in lines.loose and block.lines and block.lines[-1]:
        block.lines[-1] += said
    else:
        block.lines.append(said)
    block.last = lines.lasts[at]
    return 0 if text.lstrip(" ")[:1] == "╰" else left - 1


def _is_edge(text: str) -> bool:
    """A row of a box whose top is not to be seen."""
    return len(text) > 1 and text[-1] == "│"
