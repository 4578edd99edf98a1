"""How WezTerm cuts text into cells: which characters share one, and which cells are followed by a filler."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from wcwidth import wcwidth

_ZWJ = "\u200d"
_EMOJI_STYLE = "\ufe0f"
_TEXT_STYLE = "\ufe0e"


@lru_cache(maxsize=8192)
def is_wide(cell: str) -> bool:
    if _EMOJI_STYLE in cell:
        return True
    if cell.endswith(_TEXT_STYLE):
        return False
    return sum(max(wcwidth(char), 0) for char in cell) >= 2


def clusters(text: str) -> Iterator[str]:
    """Characters with the marks that belong to them; joined together they are `text` again."""
    cell = ""
    for char in text:
        if cell and (wcwidth(char) == 0 or cell[-1] == _ZWJ):
            cell += char
        else:
            if cell:
                yield cell
            cell = char
    if cell:
        yield cell
