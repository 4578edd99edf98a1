"""How WezTerm cuts text into cells: which characters share one, and which cells are followed by a blank filler."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from wa.protocol.mux.width_data import EMOJI_VARIATION, WIDE, ZERO

_JOINER = "\u200d"
_TEXT_STYLE, _EMOJI_STYLE = "\ufe0e", "\ufe0f"
_FLAGS = range(0x1F1E6, 0x1F200)
_SKINS = range(0x1F3FB, 0x1F400)


class _Ranges:
    """A set of characters that is asked rarely (the answers are cached) and built at once."""

    __slots__ = ("_starts", "_stops")

    def __init__(self, table: str) -> None:
        pairs = [pair.partition("-") for pair in table.split()]
        self._starts = [int(first, 16) for first, _, _ in pairs]
        self._stops = [int(last or first, 16) for first, _, last in pairs]

    def __contains__(self, char: str) -> bool:
        code = ord(char)
        at = bisect_right(self._starts, code) - 1
        return at >= 0 and code <= self._stops[at]


_WIDE, _ZERO, _EMOJI_VARIATION = _Ranges(WIDE), _Ranges(ZERO), _Ranges(EMOJI_VARIATION)


@lru_cache(maxsize=8192)
def is_wide(cell: str) -> bool:
    """Whether the text of one cell takes two columns, so that a filler follows."""
    if len(cell) == 2 and cell[1] in (_TEXT_STYLE, _EMOJI_STYLE) and cell[0] in _EMOJI_VARIATION:
        return cell[1] == _EMOJI_STYLE
    return sum(char_width(char) for char in cell) > 1


def char_width(char: str) -> int:
    if char < "\u0300":
        return 0 if char == "\xad" else 1
    return 2 if char in _WIDE else 0 if char in _ZERO else 1


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
    return char in _ZERO
