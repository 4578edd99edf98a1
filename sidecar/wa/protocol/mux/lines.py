"""SerializedLines, the rows of the mux protocol, to Row at C speed.

A cell is its text (length, UTF-8) and its attributes (bits, two colours, an optional rest). Neighbours mostly share
their attributes, so runs of cells are found by one compiled expression and their text is cut out by a slice with a
step: `01 ch 00 00 00 00` is a plain cell. Widths are not on the wire: a wide character is followed by a blank filler,
which is dropped (width.py).
"""

from __future__ import annotations

import re

from wa.model.screen import Row
from wa.protocol.mux.errors import DecodeError
from wa.protocol.mux.varbincode import Reader
from wa.protocol.mux.width import is_wide

WRAPPED = 1 << 11
"""In a cell's attribute bits: the row goes on in the next one, if it is the row's last cell."""

MAX_ROWS = 1_000_000
"""Of one PDU; an empty row is 6 bytes on the wire and a hundred here."""
MAX_ROW_INDEX = 1 << 62

_NUMBER = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
_SMALL_COLOR = rb"(?:\x00|\x01[\x00-\xff])"
_SLIM = rb"[\x80-\xff]{0,4}[\x00-\x7f]" + _SMALL_COLOR + _SMALL_COLOR + rb"\x00"
_COLOR = rb"(?:\x03|\x02[\x00-\xff]|\x01[\x00-\xff]{16}|\x00[\x00-\xff]{17})"
_FAT = rb"[\x80-\xff]{0,4}[\x00-\x7f]" + _SMALL_COLOR + _SMALL_COLOR + rb"\x01\x00\x00" + _COLOR + _COLOR + _COLOR

_PLAIN_LINE = re.compile(
    rb"([\x80-\xff]{0,9}[\x00-\x7f])\x00([\x80-\xff]{0,4}[\x00-\x7f])((?:\x01[ -~]\x00\x00\x00\x00)*+)\x00"
    + _NUMBER
    + _NUMBER,
    re.DOTALL,
)
_ASCII_RUN = re.compile(rb"\x01[ -~]((?:" + _SLIM + rb")|(?:" + _FAT + rb"))(?:\x01[ -~]\1)*+", re.DOTALL)
_THREE_BYTE_RUN = re.compile(
    rb"\x03[\xe0-\xef][\x80-\xbf]{2}((?:" + _SLIM + rb")|(?:" + _FAT + rb"))(?:\x03[\xe0-\xef][\x80-\xbf]{2}\1)*+",
    re.DOTALL,
)
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")


def read_lines(r: Reader) -> tuple[Row, ...]:
    count = r.uleb()
    if count > MAX_ROWS or count * 6 > len(r.buf) - r.pos:
        raise DecodeError(f"{count} rows are announced at byte {r.pos}, {len(r.buf) - r.pos} bytes are left")
    rows: list[Row] = []
    append = rows.append
    buf, pos = r.buf, r.pos
    plain = _PLAIN_LINE.match
    while len(rows) < count:
        match = plain(buf, pos)
        if match is not None:
            cells_at, cells_end = match.span(3)
            r.pos = match.start(2)
            if r.uleb() * 6 == cells_end - cells_at:
                r.pos = pos
                append(Row(row_index(r), buf[cells_at + 1 : cells_end : 6].decode("ascii")))
                pos = match.end()
                continue
        r.pos = pos
        append(_read_line(r))
        pos = r.pos
    r.pos = pos
    _skip_hyperlinks(r)
    _skip_images(r)
    return tuple(rows)


def row_index(r: Reader) -> int:
    index = r.sleb()
    if not -MAX_ROW_INDEX < index < MAX_ROW_INDEX:
        raise DecodeError(f"{index} is no row of a terminal")
    return index


def _read_line(r: Reader) -> Row:
    index = row_index(r)
    storage = r.uleb()
    if storage == 0:
        text, wrapped = _read_cells(r)
    elif storage == 1:
        text, wrapped = _read_clusters(r)
    else:
        raise DecodeError(f"a row has no storage {storage}")
    for _ in range(_count(r, 3)):  # zones
        r.uleb()
        r.uleb()
        r.uleb()
    r.uleb()  # seqno
    r.uleb()  # bits
    return Row(index, text, wrapped)


def _count(r: Reader, smallest: int) -> int:
    count = r.uleb()
    if count * smallest > len(r.buf) - r.pos:
        raise DecodeError(f"{count} items are announced at byte {r.pos}, {len(r.buf) - r.pos} bytes are left")
    return count


def _read_cells(r: Reader) -> tuple[str, bool]:
    """Variant V: one cell per column."""
    left = _count(r, 5)
    buf = r.buf
    pieces: list[str] = []
    after_wide = False
    attrs = 0
    while left:
        pos = r.pos
        if (match := _ASCII_RUN.match(buf, pos)) is not None:
            step = 2 + match.end(1) - match.start(1)
            end = min(match.end(), pos + left * step)
            piece = buf[pos + 1 : end : step].decode("ascii")
            left -= len(piece)
            if after_wide and piece[0] == " ":
                piece = piece[1:]
            after_wide = False
            attrs = match.start(1)
            r.pos = end
        elif (match := _THREE_BYTE_RUN.match(buf, pos)) is not None:
            step = 4 + match.end(1) - match.start(1)
            end = min(match.end(), pos + left * step)
            joined = bytearray((end - pos) // step * 3)
            joined[0::3] = buf[pos + 1 : end : step]
            joined[1::3] = buf[pos + 2 : end : step]
            joined[2::3] = buf[pos + 3 : end : step]
            try:
                piece = joined.decode()
            except UnicodeDecodeError:
                raise DecodeError(f"the cells at byte {pos} are not UTF-8") from None
            left -= len(piece)
            after_wide = is_wide(piece[-1])
            attrs = match.start(1)
            r.pos = end
        else:
            piece = r.text()
            attrs = r.pos
            _skip_attributes(r)
            left -= 1
            if not piece.isprintable():
                piece = _defang(piece)
            if piece == " " or not piece:
                piece = "" if after_wide else " "
                after_wide = False
            else:
                after_wide = is_wide(piece)
        pieces.append(piece)
    end = r.pos
    r.pos = attrs
    wrapped = bool(pieces) and bool(r.uleb() & WRAPPED)
    r.pos = end
    return "".join(pieces), wrapped


def _read_clusters(r: Reader) -> tuple[str, bool]:
    """Variant C: the row's text without fillers, and attributes per stretch."""
    text = _defang(r.text())
    for _ in range(_count(r, 1)):
        r.uleb()
    wrapped = False
    for _ in range(_count(r, 5)):
        r.uleb()
        attrs = r.pos
        wrapped = bool(r.uleb() & WRAPPED)
        r.pos = attrs
        _skip_attributes(r)
    r.uleb()  # length in cells
    if r.flag():
        r.byte()
    return text, wrapped


def _defang(text: str) -> str:
    """Control characters as blanks, as WezTerm's own client shows them."""
    return _CONTROLS.sub(" ", text)


def _skip_attributes(r: Reader) -> None:
    r.uleb()
    for _ in range(2):
        variant = r.uleb()
        if variant > 1:
            raise DecodeError(f"a small colour has no variant {variant}")
        r.take(variant)
    if r.flag():
        if r.flag():
            _skip_hyperlink(r)
        if r.uleb():
            raise DecodeError("an image inside a cell: WezTerm sends images apart from cells")
        for _ in range(3):
            variant = r.uleb()
            if variant > 3:
                raise DecodeError(f"a colour has no variant {variant}")
            r.take((17, 16, 1, 0)[variant])


def _skip_hyperlink(r: Reader) -> None:
    for _ in range(_count(r, 2)):
        r.text()
        r.text()
    r.text()
    r.flag()


def _skip_hyperlinks(r: Reader) -> None:
    for _ in range(_count(r, 4)):
        _skip_hyperlink(r)
        for _ in range(_count(r, 3)):
            r.uleb()
            r.uleb()
            r.uleb()


def _skip_images(r: Reader) -> None:
    for _ in range(_count(r, 57)):
        r.sleb()
        r.uleb()
        r.take(16 + 32)
        r.sleb()
        for _ in range(4):
            r.uleb()
        for _ in range(2):
            if r.flag():
                r.uleb()
