"""The text of a pane as lines that nobody wrapped.

A terminal cuts a long line at its width and says so (`Row.wrapped`); a file or `get-text` does not say it. There a row that is exactly as
wide as the pane may be cut or may just fit: where nothing settles it, the next line is `loose`, and rules are asked about both readings.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from wcwidth import wcswidth

from wa.model.screen import Row

RULES = "─━═╌╍┄┅▄▀▔▁"
BORDERS = "│╭╮╰╯┃┏┓┗┛┌┐└┘"
RIGHT_BORDERS = "│╮╯┃┓┛┐┘"
_ANY_WIDTH = 1 << 30
MAX_CUTS = 400
"""A logical line of more rows is left as it is: 1 MB without a line end is no message of an agent."""
MAX_URL_ROWS = 60
MAX_ROWS = 3_000
MAX_CHARS = 240_000
"""More than that of a pane, from the bottom up, is not looked at at once; nor more than MAX_ROW_CHARS of one row."""
MAX_ROW_CHARS = 12_000
MAX_PARTS, MAX_PART_CHARS = 256, 4_000
"""What parts of a page are by themselves is found, and remembered, of so many parts of so many characters."""
PADDED_SHARE = 0.5
"""Where so many rows reach the last column with blanks, the blanks were filled in and say nothing."""

NEW, LOOSE, CUT = 0, 1, 2
"""How a row follows the one above it: by itself; perhaps as its rest; as its rest."""

_GLYPHS = "■⚠•◦›✔✗❯●⏺⎿✦✕ℹ✻>"
"""What agents begin a line with; a row that begins so is no rest of another, unless the terminal says it."""
_CLOSING = ",.;:!?%)]}"
_URL_END = re.compile(r"https?://\S+$")
_BLANKS = b"\t\n\v\f\r\x1c\x1d\x1e\x1f "
_NBSP = b"\xc2\xa0"
_WIDE = re.compile(
    r"[^\x00-\u02ff\u2010-\u203f\u2190-\u21ff\u23ce\u23ff\u2500-\u25fc\u2713-\u2717\u2722-\u2727\u2729-\u273d\u276f\u2800-\u28ff]"
)


class Lines(NamedTuple):
    """The logical lines of a page, side by side: most pages have a line for each row; an object each would cost more than reading it."""

    texts: Sequence[str]
    """Blanks at the end are dropped, U+00A0 is kept."""
    firsts: Sequence[int]
    lasts: Sequence[int]
    """Rows of the page."""
    loose: frozenset[int]
    """Indexes of lines that may be the rest of the line above, without a blank between them."""

    def from_row(self, row: int) -> int:
        """Index of the first line that ends in *row* or below."""
        return bisect_left(self.lasts, row)


_NONE_LOOSE: frozenset[int] = frozenset()


class Page:
    """History that is still of interest, then the screen. What is costly is made when it is asked for."""

    __slots__ = (
        "_bare",
        "_cols",
        "_joined",
        "_last_text",
        "_lines",
        "_parts",
        "_plain",
        "_wrapped",
        "rows",
        "screen_row",
        "texts",
    )

    def __init__(
        self, texts: Sequence[str], *, cols: int | None, visible: int, wrapped: Sequence[bool] | None = None
    ) -> None:
        """*wrapped* None: nobody says where the terminal cut; *cols* None: the widest row tells the width."""
        joined = "\n".join(texts)
        if len(texts) > MAX_ROWS or len(joined) > MAX_ROW_CHARS:
            skipped = _skipped(texts)
            texts = [text[:MAX_ROW_CHARS] for text in texts[skipped:]]
            wrapped = wrapped[skipped:] if wrapped is not None else None
            joined = "\n".join(texts)
        self.texts = texts
        self.rows = len(texts)
        self.screen_row = max(0, self.rows - visible)
        """The first row of the visible screen."""
        self._cols = cols
        self._wrapped = wrapped
        self._joined = joined
        self._parts: list[str] | None = None
        self._plain: bool | None = None
        self._bare: bytes | None = None
        self._lines: Lines | None = None
        self._last_text: str | None = None

    @property
    def cols(self) -> int:
        if self._cols is None:
            self._cols = max((width(text.rstrip(" ")) for text in self.texts), default=80)
        return self._cols

    @property
    def parts(self) -> list[str]:
        """The rows, in parts between which one empty row stands: no words of an agent go on across it."""
        if self._parts is None:
            self._parts = self._joined.split("\n\n")
        return self._parts

    @property
    def bare(self) -> bytes:
        """The bare forms of all parts, set apart by a character that no anchor holds."""
        if self._bare is None:
            self._bare = bare(alike("\0".join(self.parts)))
        return self._bare

    @property
    def last_text(self) -> str:
        """The lowest row that is not empty."""
        if self._last_text is None:
            self._last_text = ""
            for text in reversed(self.texts):
                if text and not text.isspace():
                    self._last_text = text.rstrip()
                    break
        return self._last_text

    def holds(self, glyphs: str) -> bool:
        """Whether one of *glyphs* stands anywhere."""
        return any(map(self._joined.__contains__, glyphs))

    @property
    def is_plain(self) -> bool:
        """Whether each row is a line by itself, as is seen at a glance: none that the one below may go on with reaches the last column."""
        if self._plain is None:
            parts = self.parts
            self._plain = (
                (self._wrapped is None or True not in self._wrapped)
                and len(parts) <= MAX_PARTS
                and max(map(len, parts)) <= MAX_PART_CHARS
                and max(map(_open_width, parts)) < self.cols
            )
        return self._plain

    @property
    def lines(self) -> Lines:
        if self._lines is None:
            joints = None
            if not self.is_plain:
                joints = self._flagged() if self._wrapped is not None else self._guessed()
            if joints is None:
                texts = self.texts if self.is_plain else [text.rstrip(" ") for text in self.texts]
                rows = list(range(self.rows))
                self._lines = Lines(texts, rows, rows, _NONE_LOOSE)
            else:
                self._lines = self._joined_lines(joints)
        return self._lines

    @property
    def screen_line(self) -> int:
        """Index of the first line that ends on the visible screen."""
        return self.lines.from_row(self.screen_row)

    def _joined_lines(self, joints: Sequence[int]) -> Lines:
        texts: list[str] = []
        firsts: list[int] = []
        lasts: list[int] = []
        loose: set[int] = set()
        parts: list[str] = []
        for at, text in enumerate(self.texts):
            if joints[at] == CUT and parts and len(parts) <= MAX_CUTS:
                parts.append(text)
                texts[-1] = "".join(parts).rstrip(" ")
                lasts[-1] = at
                continue
            if joints[at] == LOOSE:
                loose.add(len(texts))
            parts = [text]
            texts.append(text.rstrip(" "))
            firsts.append(at)
            lasts.append(at)
        return Lines(texts, firsts, lasts, frozenset(loose))

    def _flagged(self) -> list[int] | None:
        """The terminal knows which rows it cut; an agent that breaks a URL at the last column does it by itself."""
        assert self._wrapped is not None
        texts, wrapped, cols = self.texts, self._wrapped, self.cols
        full = [at for at, text in enumerate(texts[:-1]) if len(text) >= cols and not wrapped[at] and " " not in text]
        urls = [at for at in full if texts[at + 1][:1] not in ("", " ") and self._ends_in_url(at)]
        if not urls and not any(wrapped):
            return None
        joints = [NEW, *(CUT if cut else NEW for cut in wrapped[:-1])]
        for at in urls:
            joints[at + 1] = CUT
        return joints

    def _ends_in_url(self, row: int) -> bool:
        """The rows up to this one, as far as they are full, end in a URL."""
        top = row
        while top > 0 and row - top < MAX_URL_ROWS and len(self.texts[top - 1]) >= self.cols:
            top -= 1
        return _URL_END.search("".join(self.texts[top : row + 1])) is not None

    def _guessed(self) -> list[int] | None:
        texts = self.texts
        cols = self.cols
        half = max(1, (cols + 1) // 2)
        full = [
            at
            for at, size in enumerate(map(len, texts))
            if size >= half and (size >= cols or (not texts[at].isascii() and width(texts[at]) >= cols))
        ]
        if not full:
            return None
        unpadded = [at for at in full if texts[at][-1] != " "]
        if len(unpadded) < len(full) and len(full) - len(unpadded) > PADDED_SHARE * sum(1 for text in texts if text):
            full = unpadded
        joints = [NEW] * len(texts)
        start = 0
        for at in full:
            if joints[at] == NEW:
                start = at
            if at + 1 < len(texts):
                joints[at + 1] = _joint(texts[start], texts[at], texts[at + 1], joints[at] != NEW)
        return joints if any(joints) else None


@lru_cache(maxsize=1_024)
def _open_width(part: str) -> int:
    """The cells of the widest row that the one below may go on with, wherever *part* stands. Of rows that end in blanks nobody knows."""
    widest = 0
    has_url = "://" in part
    rows = part.split("\n")
    for at, (row, below) in enumerate(zip(rows, [*rows[1:], ""], strict=True)):
        if row[-1:] == " ":
            return _ANY_WIDTH
        size = max(len(row), width(row))
        if size > widest and (
            _joint(row, row, below, False) != NEW or (has_url and _URL_END.search("".join(rows[: at + 1])))
        ):
            widest = size
    return widest


@lru_cache(maxsize=256)
def _joint(start: str, above: str, text: str, certain: bool) -> int:
    """How *text* follows *above*, which reaches the last column.

    *start* is the row where that line began. *certain*: *above* is itself (perhaps) the rest of a full row, and no two rows of words that
    are broken between words fill the width exactly.
    """
    last = above[-1]
    if last == " ":
        return CUT
    if last in RULES:
        return CUT if text[:1] == last else NEW
    if not text or text.isspace():
        return NEW
    begun = start.lstrip(" ")[:1]
    if last in RIGHT_BORDERS and begun in BORDERS:
        return NEW
    if text[0] in "╭╰│┌└├" and begun != "│":
        return NEW
    if text[0] == " " or is_rule(text) or (text[0] in _GLYPHS and text[1:2] in ("", " ", "\u00a0")):
        return NEW
    return CUT if certain or text[0] in _CLOSING or _is_url(above, text) else LOOSE


def _is_url(above: str, text: str) -> bool:
    """*above* is nothing but (the rest of) a URL, and *text* goes on without a blank."""
    return " " not in above.strip() and text[:1] not in ("", " ") and ("//" in above or "%" in above or "=" in above)


def url_goes_on(text: str) -> bool:
    """*text* ends within a URL."""
    return _URL_END.search(text[-1000:]) is not None


def alike(text: str) -> str:
    """Row for row as long as before; borders are blanks, apostrophes are plain."""
    return text if text.isascii() else text.replace("’", "'").replace("│", " ")


def bare(part: str) -> bytes:
    """The form in which anchors are looked for, of a text that is `alike`: UTF-8 without blanks, those of ASCII and U+00A0.

    So wrapping, indentation, borders and the kind of apostrophe do not matter.
    """
    # A row may hold half of a surrogate pair: whatever a program prints.
    found = part.encode("utf-8", "surrogatepass").translate(None, _BLANKS)
    return found if found.isascii() else found.replace(_NBSP, b"")


def rows_with(part: str, anchor: str, times: int) -> tuple[int, ...] | None:
    """The rows of *part* that hold *anchor*, which stands *times* in its bare form; None where not all are verbatim in a row."""
    if not anchor:
        return None
    rows: list[int] = []
    row = seen = at = 0
    for _ in range(times):
        at = part.find(anchor, at)
        if at < 0:
            return None
        row += part.count("\n", seen, at)
        rows.append(row)
        seen = at
        at += 1
    return tuple(rows)


def squeezed(text: str) -> str:
    return "".join(alike(text).split())


@lru_cache(maxsize=512)
def width(text: str) -> int:
    return len(text) if text.isascii() or _WIDE.search(text) is None else max(wcswidth(text), 0) or len(text)


def is_rule(text: str) -> bool:
    """A drawn line and nothing else; it may have a gap."""
    bare = text.strip()
    return len(bare) >= 3 and bare[0] in RULES and not bare.strip(bare[0] + " ") and bare[:3] == bare[0] * 3


def page_of_rows(rows: Sequence[Row], cols: int, visible: int) -> Page:
    """A page of rows as a terminal gives them: it knows which lines it cut. Blanks that a program printed behind others say nothing."""
    return Page(
        [row.text if row.wrapped else row.text.rstrip(" ") for row in rows],
        cols=cols,
        visible=visible,
        wrapped=[row.wrapped for row in rows],
    )


def page_of_text(texts: Sequence[str], cols: int | None, visible: int) -> Page:
    """A page of rows that nobody marked as cut."""
    return Page(texts, cols=cols, visible=visible)


def _skipped(texts: Sequence[str]) -> int:
    """So many rows at the top are too far up to be looked at."""
    skipped = max(0, len(texts) - MAX_ROWS)
    chars = 0
    for at in range(len(texts) - 1, skipped - 1, -1):
        chars += min(len(texts[at]), MAX_ROW_CHARS)
        if chars > MAX_CHARS:
            return at + 1
    return skipped
