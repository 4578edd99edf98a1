"""Text of panes is written by strangers: nothing of it may steer the terminal of the person who reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wcwidth import wcswidth, wcwidth

C0 = {code: chr(0x2400 + code) for code in range(0x20)}
"""Control pictures: ESC shows as `␛`."""
DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks, embeddings, overrides and isolates that re-order what stands beside them."""
SEPARATORS = "\u2028\u2029"
HIDDEN = "\ufeff\u00ad\u180e\u2060"
CONTROLS = str.maketrans(
    {
        **C0,
        0x7F: "\u2421",
        **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
        **dict.fromkeys(map(ord, DIRECTION + SEPARATORS + HIDDEN), "\ufffd"),
        **dict.fromkeys(range(0xE0000, 0xE0080), "\ufffd"),
        **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    }
)
HARMLESS = re.compile(r"[\x20-\x7e\xa1-\xac\xae-\u0619\u2500-\u27ff\u3000-\ud7ff]*")
ZWJ = "\u200d"
ELLIPSIS = "…"


def harmless(text: str) -> str:
    """*text* with everything that could steer a terminal or re-order a line made visible instead. Never longer."""
    return text if HARMLESS.fullmatch(text) else text.translate(CONTROLS)


def width(text: str) -> int:
    """Columns that *text* takes; it must be harmless."""
    if text.isascii():
        return len(text)
    found = wcswidth(text)
    return found if found >= 0 else sum(max(0, wcwidth(char)) for char in text)


def clip(text: str, columns: int) -> str:
    """*text* cut to at most *columns* columns, with `…` where something is missing. Never cuts a character in two."""
    if width(text) <= columns:
        return text
    if columns <= 0:
        return ""
    kept: list[str] = []
    room = columns - 1
    for cluster in _clusters(text):
        room -= width(cluster)
        if room < 0:
            break
        kept.append(cluster)
    return "".join(kept) + ELLIPSIS


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """*text* filled with blanks to *columns*; text that is wider stays as it is."""
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks


def _clusters(text: str) -> Iterator[str]:
    """Pieces that a terminal draws as one: a character with its combining marks, or joined emoji."""
    piece = ""
    for char in text:
        if piece and (wcwidth(char) <= 0 or piece.endswith(ZWJ)):
            piece += char
            continue
        if piece:
            yield piece
        piece = char
    if piece:
        yield piece
