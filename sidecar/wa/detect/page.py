"""The text of a pane as lines that nobody wrapped.

A terminal cuts a long line at its width and says so (`Row.wrapped`); a file or `get-text` does not say it. There a row that is exactly as
wide as the pane may be cut or may just fit: where nothing settles it, the next line is `loose`, and rules are asked about both readings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from wcwidth import wcswidth

from wa.model.screen import Row

RULES = "─━═╌╍┄┅▄▀▔▁"
BORDERS = "│╭╮╰╯┃┏┓┗┛┌┐└┘"
RIGHT_BORDERS = "│╮╯┃┓┛┐┘"
MAX_CUTS = 400
"""A logical line of more rows is left as it is: 1 MB without a line end is no message of an agent."""
MAX_ROWS = 3_000
MAX_CHARS = 240_000
"""More than that of a pane, from the bottom up, is not looked at at once; nor more than MAX_ROW_CHARS of one row."""
MAX_ROW_CHARS = 12_000
PADDED_SHARE = 0.5
"""Where so many rows reach the last column with blanks, the blanks were filled in and say nothing."""

NEW, LOOSE, CUT = 0, 1, 2
"""How a row follows the one above it: by itself; perhaps as its rest; as its rest."""

_GLYPHS = "■⚠•◦›✔✗❯●⏺⎿✦✕ℹ✻>"
"""What agents begin a line with; a row that begins so is no rest of another, unless the terminal says it."""
_CLOSING = ",.;:!?%)]}"
_URL_END = re.compile(r"https?://\S+$")
_WIDE = re.compile(
    r"[^\x00-\u02ff\u2010-\u203f\u2190-\u21ff\u23ce\u23ff\u2500-\u25fc\u2713-\u2717\u2722-\u2727\u2729-\u273d\u276f\u2800-\u28ff]"
)


class Line(NamedTuple):
    """A logical line; `first` and `last` are rows of the page. Blanks at its end are dropped, U+00A0 is kept."""

    text: str
    first: int
    last: int
    loose: bool = False
    """It may be the rest of the line above, without a blank between them."""

    @property
    def column(self) -> int:
        """Where the text begins; 0 for an empty line."""
        return len(self.text) - len(self.text.lstrip(" "))


class Page:
    """History that is still of interest, then the screen. What is costly is made when it is asked for."""

    def __init__(
        self, texts: Sequence[str], *, cols: int | None, visible: int, wrapped: Sequence[bool] | None = None
    ) -> None:
        """*wrapped* None: nobody says where the terminal cut; *cols* None: the widest row tells the width."""
        skipped = _skipped(texts)
        if skipped:
            texts = texts[skipped:]
            wrapped = wrapped[skipped:] if wrapped is not None else None
        self.texts = [text if len(text) <= MAX_ROW_CHARS else text[:MAX_ROW_CHARS] for text in texts]
        self.rows = len(texts)
        self.screen_row = max(0, self.rows - visible)
        """The first row of the visible screen."""
        self._cols = cols
        self._wrapped = wrapped

    @cached_property
    def cols(self) -> int:
        return (
            self._cols if self._cols is not None else max((width(text.rstrip(" ")) for text in self.texts), default=80)
        )

    @cached_property
    def squeezed(self) -> str:
        return squeezed("\n".join(self.texts))

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines())

    @property
    def screen_line(self) -> int:
        """Index of the first line that ends on the visible screen."""
        for at, line in enumerate(self.lines):
            if line.last >= self.screen_row:
                return at
        return len(self.lines)

    def _lines(self) -> Iterator[Line]:
        joints = self._flagged() if self._wrapped is not None else self._guessed()
        texts = self.texts
        last = len(texts) - 1
        at = 0
        while at <= last:
            if at == last or joints[at + 1] != CUT:
                yield Line(texts[at].rstrip(" "), at, at, joints[at] == LOOSE)
                at += 1
                continue
            end = at + 1
            while end < last and joints[end + 1] == CUT and end - at < MAX_CUTS:
                end += 1
            yield Line("".join(texts[at : end + 1]).rstrip(" "), at, end, joints[at] == LOOSE)
            at = end + 1

    def _flagged(self) -> list[int]:
        """The terminal knows which rows it cut; an agent that breaks a URL at the last column does it by itself."""
        assert self._wrapped is not None
        joints = [NEW, *(CUT if wrapped else NEW for wrapped in self._wrapped[:-1])]
        for at in range(1, len(joints)):
            above = self.texts[at - 1]
            if joints[at] == NEW and "/" in above and width(above) >= self.cols and _is_url(above, self.texts[at]):
                joints[at] = CUT
        return joints

    def _guessed(self) -> list[int]:
        texts = self.texts
        joints = [NEW] * len(texts)
        cols = self.cols
        # Most rows cannot be that wide: a character takes two columns at most.
        full = [len(text) * 2 >= cols and width(text) >= cols for text in texts]
        if not any(full):
            return joints
        blank_ended = sum(1 for text, is_full in zip(texts, full, strict=True) if is_full and text.endswith(" "))
        if blank_ended > PADDED_SHARE * sum(1 for text in texts if text):
            full = [is_full and not text.endswith(" ") for text, is_full in zip(texts, full, strict=True)]
        start = 0
        for at in range(1, len(texts)):
            if full[at - 1]:
                joints[at] = _joint(texts[start], texts[at - 1], texts[at], joints[at - 1] != NEW)
            if joints[at] == NEW:
                start = at
        return joints


def _joint(start: str, above: str, text: str, certain: bool) -> int:
    """How *text* follows *above*, which reaches the last column.

    *start* is the row where that line began. *certain*: *above* is itself (perhaps) the rest of a full row, and no two rows of words that
    are broken between words fill the width exactly.
    """
    if above[-1] == " ":
        return CUT
    if not text.strip():
        return NEW
    if above[-1] in RULES:
        return CUT if text[0] == above[-1] else NEW
    begun = start.lstrip(" ")[:1]
    if above[-1] in RIGHT_BORDERS and begun in BORDERS:
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


def squeezed(text: str) -> str:
    """The form in which anchors are looked for: wrapping, indentation, borders and the kind of apostrophe do not matter."""
    if not text.isascii():
        text = text.replace("’", "'").replace("│", " ")
    return "".join(text.split())


def width(text: str) -> int:
    return len(text) if text.isascii() or _WIDE.search(text) is None else max(wcswidth(text), 0) or len(text)


def is_rule(text: str) -> bool:
    """A drawn line and nothing else; it may have a gap."""
    bare = text.strip()
    return len(bare) >= 3 and bare[0] in RULES and not bare.strip(bare[0] + " ") and bare[:3] == bare[0] * 3


def page_of_rows(rows: Sequence[Row], cols: int, visible: int) -> Page:
    """A page of rows as a terminal gives them: it knows which lines it cut."""
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
    if not skipped and sum(map(len, texts)) <= MAX_CHARS:
        return 0
    chars = 0
    for at in range(len(texts) - 1, skipped - 1, -1):
        chars += min(len(texts[at]), MAX_ROW_CHARS)
        if chars > MAX_CHARS:
            return at + 1
    return skipped
