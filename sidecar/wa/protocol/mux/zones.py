"""What OSC 133 made prompt and input, told from output by the bits of a row's cells. Read once more, and only where a prompt may be."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from wa.protocol.mux.cells import WRAPPED, count, defang, skip_attributes
from wa.protocol.mux.errors import DecodeError
from wa.protocol.mux.lines import row_index, skip_numbers
from wa.protocol.mux.varbincode import Reader
from wa.protocol.mux.width import is_wide

OUTPUT, INPUT, PROMPT = 0, 1, 2
_SHIFT = 13
"""Bits 13 and 14 of a cell's attributes (termwiz/src/cell.rs)."""
MAX_ZONED = 512
LAST_ROW_BYTES = 2 * 1024
"""The row of the cursor comes last in a push, and mostly fits into this."""
MAX_RAW_BYTES = 8 * 1024
"""Rows without a prompt are kept for a second reading up to this; whoever types at a prompt changes few."""
_PROMPTS = tuple(bytes((0x80 | intensity, 0x80, 0x01)) for intensity in range(3))
"""The bits of a prompt's cell, plain, bold or dim, as a number of seven bits a byte. Other bytes may look so too."""


def _prompts(buffer: bytes, start: int, stop: int) -> bool:
    return any(buffer.find(one, start, stop) >= 0 for one in _PROMPTS)


class RawRows:
    """Rows as they stand in a PDU, to be read once more for what `Row` leaves out. No part of what the PDU says: all are equal."""

    __slots__ = ("data",)

    def __init__(self, data: bytes = b"") -> None:
        self.data = data

    @classmethod
    def of(cls, buffer: bytes, start: int, stop: int) -> RawRows:
        """Of what may be read again."""
        if stop - start > MAX_RAW_BYTES and not _prompts(buffer, max(start, stop - LAST_ROW_BYTES), stop):
            return NO_ROWS
        return cls(bytes(buffer[start:stop]))

    @property
    def may_prompt(self) -> bool:
        """The cursor may stand in a prompt."""
        return _prompts(self.data, max(0, len(self.data) - LAST_ROW_BYTES), len(self.data))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RawRows)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "RawRows()"


NO_ROWS = RawRows()


class Zoned(NamedTuple):
    """A row in which a prompt or an input stands."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs of a row
    runs: tuple[tuple[int, str], ...]
    """OUTPUT, INPUT or PROMPT, and the text; no two alike side by side."""
    wrapped: bool = False


def read_zones(raw: bytes) -> tuple[Zoned, ...]:
    """Of rows as they stand in a PDU, which have been read as rows before; nothing of what is not understood."""
    reader = Reader(raw)
    found: list[Zoned] = []
    try:
        for _ in range(count(reader, 6)):
            index = row_index(reader)
            runs, wrapped = _cells(reader) if reader.uleb() == 0 else _clusters(reader)
            if len(found) < MAX_ZONED and any(kind for kind, _ in runs):
                found.append(Zoned(index, runs, wrapped))
            skip_numbers(reader, 3)
            reader.uleb()
            reader.uleb()
    except DecodeError:
        return ()
    return tuple(found)


def _bits(reader: Reader) -> tuple[int, bool]:
    """Kind and wrap of the attributes that come next."""
    at = reader.pos
    bits = reader.uleb()
    reader.pos = at
    skip_attributes(reader)
    return bits >> _SHIFT & 3, bool(bits & WRAPPED)


def _cells(reader: Reader) -> tuple[tuple[tuple[int, str], ...], bool]:
    cells: list[tuple[int, str]] = []
    after_wide = wrapped = False
    for _ in range(count(reader, 5)):
        text = defang(reader.text()) or " "
        kind, wrapped = _bits(reader)
        if not (after_wide and text == " "):
            cells.append((kind, text))
        after_wide = text != " " and is_wide(text)
    return _joined(cells), wrapped


def _clusters(reader: Reader) -> tuple[tuple[tuple[int, str], ...], bool]:
    """The lengths of stretches count cells: wide characters take two."""
    text = defang(reader.text())
    for _ in range(count(reader, 1)):
        reader.uleb()
    stretches = []
    wrapped = False
    for _ in range(count(reader, 5)):
        cells = reader.uleb()
        kind, wrapped = _bits(reader)
        stretches.append((cells, kind))
    reader.uleb()
    if reader.flag():
        reader.byte()
    found: list[tuple[int, str]] = []
    at = 0
    for cells, kind in stretches:
        left, begin = cells, at
        while left > 0 and at < len(text):
            left -= 2 if is_wide(text[at]) else 1
            at += 1
        found.append((kind, text[begin:at]))
    return _joined(found), wrapped


def _joined(parts: list[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    return tuple((kind, "".join(text for _, text in group)) for kind, group in groupby(parts, key=lambda part: part[0]))
