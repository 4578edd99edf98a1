"""libghostty-vt's packed cells, and what they become: text, or lines of the mux protocol.

A cell is 64 bits: tag 2, content 24 (a codepoint, or a colour), style id 16, width 2, protected 1, link 1, semantic
type 2. Seen with ghostty 6467b1dab, 2026-11-21. A cell that was never written is 0; a printed space is not.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from wa.protocol.mux import PreparedRows, is_wide
from wa.protocol.mux.varbincode import sleb, uleb

CELL_TAG = 3
CELL_GRAPHEME = 1
_BACKGROUND, _RGB_BACKGROUND = 2, 3
"""Tags of a cell that is erased in a colour: 2 the palette's, 3 its own."""
CELL_STYLE_SHIFT, CELL_STYLE_MASK = 26, 0xFFFF
_CODEPOINT_SHIFT, _CODEPOINT_MASK = 2, 0x1FFFFF
_SPACE = ord(" ") << _CODEPOINT_SHIFT
_SPACER_TAIL = 1 << 43
"""The right half of a wide character; with bit 42 too, the place at a row's end where a wide one did not fit."""
_SEMANTIC_SHIFT = 46
_LOOK = (CELL_STYLE_MASK << CELL_STYLE_SHIFT) | 3 << _SEMANTIC_SHIFT
_WRITTEN = _CODEPOINT_MASK << _CODEPOINT_SHIFT | _BACKGROUND | _SPACER_TAIL


def is_written(cell: int) -> bool:
    return bool(cell & _WRITTEN)


def is_plain_blank(cell: int) -> bool:
    """Nothing, or a printed space in the default style."""
    return cell in (0, _SPACE)


_ASCII_ONLY = 0x7F << _CODEPOINT_SHIFT
_BARE = _CODEPOINT_MASK << _CODEPOINT_SHIFT

Color = int | tuple[int, int, int] | None
"""A palette index, red green blue, or the default."""


class Style(NamedTuple):
    """`intensity` 0 normal, 1 bold, 2 half; `underline` 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed."""

    intensity: int = 0
    underline: int = 0
    blink: bool = False
    italic: bool = False
    inverse: bool = False
    strikethrough: bool = False
    invisible: bool = False
    overline: bool = False
    foreground: Color = None
    background: Color = None
    underline_color: Color = None


_DEFAULT = Style()


class Extras(NamedTuple):
    """What the cells of one row only refer to: texts of more than one codepoint by column, styles by their id."""

    graphemes: dict[int, str]
    styles: dict[int, Style]


_NO_EXTRAS = Extras({}, {})


class RawRow(NamedTuple):
    """`extras` is None where every cell is bare: a codepoint of width 1 in the default style, or nothing."""

    cells: bytes
    wrapped: bool
    extras: Extras | None


@lru_cache(maxsize=256)
def _repeat(bits: int, cells: int) -> int:
    return int.from_bytes(bits.to_bytes(8, "little") * cells, "little")


def _only(bits: int, cells: bytes) -> bool:
    """True if no cell has a bit outside *bits*."""
    return not int.from_bytes(cells, "little") & _repeat(~bits & (1 << 64) - 1, len(cells) >> 3)


def is_bare(cells: bytes) -> bool:
    return _only(_BARE, cells)


_LOW = bytes(byte >> _CODEPOINT_SHIFT for byte in range(256))
_HIGH = bytes(byte << (8 - _CODEPOINT_SHIFT) & 0xFF for byte in range(256))


def _ascii(row: RawRow) -> bytes | None:
    """The row's bytes, if all of it is ASCII in the default style, without what was never written at the end."""
    cells = row.cells
    count = len(cells) >> 3
    if row.extras is not None or not _only(_ASCII_ONLY, cells):
        return None
    low = int.from_bytes(cells[0::8].translate(_LOW), "little")
    high = int.from_bytes(cells[1::8].translate(_HIGH), "little")
    return (low | high).to_bytes(count, "little").rstrip(b"\0").replace(b"\0", b" ")


class _Run(NamedTuple):
    """Neighbouring cells that look alike; one text each, the right halves of wide characters left out."""

    texts: str | list[str]
    style: Style
    semantic: int


def _runs(row: RawRow) -> list[_Run]:
    """Left to right, without what was never written at the end."""
    cells = row.cells[: -(-len(row.cells.rstrip(b"\0")) // 8) * 8]
    graphemes, styles = row.extras or _NO_EXTRAS
    packed = array("Q", cells)
    while packed and not packed[-1] & _WRITTEN:
        packed.pop()
    columns: Sequence[int] = range(len(packed))
    if int.from_bytes(cells, "little") & _repeat(_SPACER_TAIL, len(cells) >> 3):
        columns = [x for x, cell in enumerate(packed) if not cell & _SPACER_TAIL]
        packed = array("Q", [packed[x] for x in columns])
    runs: list[_Run] = []
    at = 0
    for look, group in groupby([cell if cell & _BACKGROUND else cell & _LOOK for cell in packed]):
        end = at + sum(1 for _ in group)
        semantic = look >> _SEMANTIC_SHIFT & 3
        if look & _BACKGROUND:
            runs.append(_Run(" " * (end - at), Style(background=_background(look)), semantic))
        else:
            text = "".join([chr(cell >> _CODEPOINT_SHIFT & _CODEPOINT_MASK) for cell in packed[at:end]])
            texts: str | list[str] = text.replace("\0", " ")
            if graphemes:
                texts = [graphemes.get(columns[at + n], char) for n, char in enumerate(texts)]
            style = styles.get(look >> CELL_STYLE_SHIFT & CELL_STYLE_MASK, _DEFAULT)
            runs.append(_Run(texts, style, semantic))
        at = end
    return runs


def _background(cell: int) -> Color:
    content = cell >> _CODEPOINT_SHIFT
    if cell & CELL_TAG == _RGB_BACKGROUND:
        return (content & 0xFF, content >> 8 & 0xFF, content >> 16 & 0xFF)
    return content & 0xFF


def row_lengths(cells: bytes) -> tuple[int, int]:
    """Cells up to the last one that was written, and up to the last one that is more than a plain blank."""
    packed = array("Q", cells[: -(-len(cells.rstrip(b"\0")) // 8) * 8])
    written = len(packed)
    while written and not packed[written - 1] & _WRITTEN:
        written -= 1
    last = written
    while last and packed[last - 1] in (0, _SPACE):
        last -= 1
    return written, last


def pad(row: RawRow, length: int) -> RawRow:
    """The row with plain blanks at its end, up to *length* cells."""
    written, _ = row_lengths(row.cells)
    length = min(length, len(row.cells) >> 3)
    if length <= written:
        return row
    return row._replace(cells=row.cells[: written * 8] + blanks(length - written) + row.cells[length * 8 :])


@lru_cache(maxsize=256)
def blanks(count: int) -> bytes:
    """So many plain blanks, packed."""
    return _SPACE.to_bytes(8, "little") * count


def row_text(row: RawRow) -> str:
    """As `wezterm cli get-text` prints the row."""
    plain = _ascii(row)
    if plain is not None:
        return plain.decode("ascii")
    return "".join(["".join(run.texts) for run in _runs(row)])


# On the wire.

_WRAPPED_BIT = 11
_SEMANTIC_BIT = 13
_PLAIN_CELL = b"\x01 \0\0\0\0"
_NO_COLOR = b"\x03"


def _small_color(color: Color) -> bytes:
    return bytes((1, color)) if isinstance(color, int) else b"\0"


def _true_color(color: Color) -> bytes:
    if isinstance(color, tuple):
        return b"\x01" + struct.pack("<4f", *(part / 255 for part in color), 1.0)
    return _NO_COLOR


@lru_cache(maxsize=4096)
def encode_attributes(style: Style, semantic: int, wrapped: bool) -> bytes:
    """CellAttributes: bits, palette colours, and a box for what these cannot hold."""
    bits = (
        style.intensity
        | style.underline << 2
        | style.blink << 5
        | style.italic << 7
        | style.inverse << 8
        | style.strikethrough << 9
        | style.invisible << 10
        | wrapped << _WRAPPED_BIT
        | style.overline << 12
        | semantic << _SEMANTIC_BIT
    )
    fat = b"\0"
    colors = (style.foreground, style.background)
    if style.underline_color is not None or any(isinstance(color, tuple) for color in colors):
        under = style.underline_color
        fat = b"\x01\0\0" + (bytes((2, under)) if isinstance(under, int) else _true_color(under))
        fat += b"".join(map(_true_color, colors))
    return uleb(bits) + _small_color(colors[0]) + _small_color(colors[1]) + fat


def _encode_line(row: RawRow, seqno: bytes) -> bytes:
    """Line: storage variant V (one entry per cell), no zones, seqno, no bits."""
    plain = _ascii(row)
    if plain is not None:
        body = bytearray(_PLAIN_CELL * len(plain))
        body[1::6] = plain
        if row.wrapped and plain:
            body[-4:] = encode_attributes(_DEFAULT, 0, True)
        return b"".join((b"\0", uleb(len(plain)), body, b"\0", seqno, b"\0"))
    parts: list[bytes] = []
    count = 0
    wrapped_end = b""
    for texts, look, semantic in _runs(row):
        attributes = encode_attributes(look, semantic, False)
        if isinstance(texts, str) and texts.isascii():
            unit = 2 + len(attributes)
            body = bytearray((b"\x01 " + attributes) * len(texts))
            body[1::unit] = texts.encode("ascii")
            parts.append(bytes(body))
            count += len(texts)
            if row.wrapped:
                end = _encode_cell(texts[-1], encode_attributes(look, semantic, True))[1]
                wrapped_end = bytes(body[:-unit]) + end
        else:
            for text in texts:
                cells, data = _encode_cell(text, attributes)
                parts.append(data)
                count += cells
            if row.wrapped:
                wrapped_end = _encode_cell(texts[-1], encode_attributes(look, semantic, True))[1]
    if row.wrapped and count:
        parts[-1] = wrapped_end
    return b"".join((b"\0", uleb(count), *parts, b"\0", seqno, b"\0"))


@lru_cache(maxsize=4096)
def _encode_cell(text: str, attributes: bytes) -> tuple[int, bytes]:
    """Cells on the wire, and how many: a wide character is followed by a blank."""
    data = text.encode("utf-8", "replace")
    cell = uleb(len(data)) + data + attributes
    return (2, cell + b"\x01 " + attributes) if is_wide(text) else (1, cell)


def encode_lines(rows: Sequence[tuple[int, RawRow]], seqno: int) -> PreparedRows:
    """For a PDU's field of rows: indexed lines, no links and no images beside them."""
    end = uleb(seqno)
    prepared = PreparedRows()
    prepared.wire = b"".join((uleb(len(rows)), *[sleb(index) + _encode_line(row, end) for index, row in rows], b"\0\0"))
    return prepared
