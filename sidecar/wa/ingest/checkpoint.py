"""What a tracker must remember to go on after a restart, besides the rows in the log.

No text of a row is in it, since it is not redacted: rows on an alternate screen are remembered by 16 bits each, enough
to recognise a sequence and too little to give a secret away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from wa.model.screen import Row

VERSION = 1
MAX_MARKS = 400
"""The newest rows, where more are not stored: what pages cover, and older pages."""


def mark(text: str) -> int:
    """The same for the same text in every process. Never 0 but for a blank row."""
    text = text.rstrip()
    return (crc32(text.encode("utf-8", "surrogatepass")) & 0xFFFF) or 1 if text else 0


def marks(texts: Iterable[str]) -> tuple[int, ...]:
    return tuple(mark(text) for text in texts)


class History(NamedTuple):
    """Of the primary screen."""

    next_index: int
    cols: int
    viewport_rows: int
    physical_top: int
    column: int = 0
    """So many characters of row `next_index` are in the log."""
    renumbered: bool = False
    """Erased or wrapped anew, and not yet known where the log ends in it."""
    limit: int = 0
    """Rows at which the terminal drops its oldest; 0 if that was not seen."""
    oldest: int = -1
    """`scrollback_top`; negative if not known."""


class Stay(NamedTuple):
    """Of a screen that is, or may be, an alternate one."""

    certain: bool
    lines: tuple[int, ...]
    """Marks of the rows that are not stored, at most MAX_MARKS."""
    top: int
    """How many of them had left the screen."""
    content: int
    feet: tuple[int, ...]
    head: int
    scrolled: int
    mouse: bool
    below: tuple[tuple[int, ...], ...]
    """Screens that may come back when it closes, lowest first."""


class Checkpoint(NamedTuple):
    next_row: int
    rows_lost: int
    unnumbered: bool
    """The source had no row numbers; those in `history` are the tracker's own."""
    runs: tuple[tuple[bool, int], ...]
    history: History | None
    stay: Stay | None


def encode(checkpoint: Checkpoint) -> bytes:
    stay = checkpoint.stay
    if stay is not None:
        stay = stay._replace(
            lines=_pack(stay.lines),  # type: ignore[arg-type]
            below=tuple(_pack(rows) for rows in stay.below),  # type: ignore[misc]
        )
    return json.dumps([VERSION, *checkpoint._replace(stay=stay)], separators=(",", ":")).encode()


def decode(data: bytes) -> Checkpoint | None:
    """None for what another version wrote: the log is then found again by its rows."""
    try:
        version, next_row, rows_lost, unnumbered, runs, history, stay = json.loads(data)
        if version != VERSION:
            return None
        return Checkpoint(
            int(next_row),
            int(rows_lost),
            bool(unnumbered),
            tuple((bool(of_alternate), int(rows)) for of_alternate, rows in runs),
            None if history is None else History(*history),
            None if stay is None else _stay(*stay),
        )
    except (ValueError, TypeError):
        return None


def _stay(certain: bool, lines: str, top: int, content: int, feet: list[int], head: int, *rest: Any) -> Stay:
    scrolled, mouse, below = rest
    screens = tuple(_unpack(rows) for rows in below)
    return Stay(certain, _unpack(lines), top, content, tuple(feet), head, scrolled, mouse, screens)


def _pack(values: Sequence[int]) -> str:
    return b"".join(value.to_bytes(2, "big") for value in values).hex()


def _unpack(text: str) -> tuple[int, ...]:
    data = bytes.fromhex(text)
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))


def split_tail(tail: Sequence[Row], runs: Sequence[tuple[bool, int]]) -> tuple[list[Row], list[Row]]:
    """(primary rows, rows of the alternate screen that was shown last), oldest first, without their old numbers."""
    primary: list[Row] = []
    newest_stay: list[Row] = []
    at = len(tail)
    newest = True
    for of_alternate, count in reversed(runs):
        part = tail[max(0, at - count) : at]
        at = max(0, at - count)
        if not of_alternate:
            primary[:0] = part
        elif newest:
            newest_stay = list(part)
        newest = False
    if not runs:
        primary = list(tail)
    return [row._replace(index=-1) for row in primary], [row._replace(index=-1) for row in newest_stay]
