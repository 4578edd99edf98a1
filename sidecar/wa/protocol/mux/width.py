"""How WezTerm cuts text into cells: which characters share one, and which cells are followed by a blank filler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from wa.protocol.mux.width_data import EMOJI_VARIATION, WIDE, ZERO

_JOINER = "\u200d"
_TEXT_STYLE, _EMOJI_STYLE = "\ufe0e", "\ufe0f"
_FLAGS = range(0x1F1E6, 0x1F200)
_SKINS = range(0x1F3FB, 0x1F400)


def _one_of(table: str, more: str = "") -> str:
    pairs = [pair.partition("-") for pair in table.split()]
    return "[" + "".join(f"\\U{first:0>8}-\\U{last or first:0>8}" for first, _, last in pairs) + more + "]"


all_wide = re.compile(_one_of(WIDE) + "*").fullmatch
"""Whether each single character of a string is wide, at C speed."""

may_join = re.compile(_one_of(ZERO, "\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff")).search
"""Whether some characters of a string may share a cell."""

_zero = re.compile(_one_of(ZERO)).match
_has_emoji_style = re.compile(_one_of(EMOJI_VARIATION)).match


@lru_cache(maxsize=8192)
def is_wide(cell: str) -> bool:
    """Whether the text of one cell takes two columns, so that a filler follows."""
    if len(cell) == 2 and cell[1] in (_TEXT_STYLE, _EMOJI_STYLE) and _has_emoji_style(cell):
        return cell[1] == _EMOJI_STYLE
    return sum(char_width(char) for char in cell) > 1


def char_width(char: str) -> int:
    if char < "\u0300":
        return 0 if char == "\xad" else 1
    return 2 if all_wide(char) else 0 if _zero(char) else 1


def clusters(text: str) -> Iterator[str]:
    """The texts of the cells that `text` fills; joined together they are `text` again."""
    cell = ""
    for char in text:
        if cell and char >= "\u0300" and (cell[-1] == _JOINER or _joins(cell[0], len(cell), char)):
            cell += char
        else:
            if cell:
                yield cell
            cell = char
    if cell:
        yield cell


@lru_cache(maxsize=8192)
def _joins(first: str, length: int, char: str) -> bool:
    code = ord(char)
    if code in _SKINS:
        return char_width(first) == 2
    if code in _FLAGS:
        return length == 1 and ord(first) in _FLAGS
    return _zero(char) is not None
