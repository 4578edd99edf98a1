"""The cells of one row to its text, at C speed.

A cell is its text (length, UTF-8) and its attributes (bits, two colours, an optional rest). Neighbours mostly share
their attributes, so runs of cells are found by one compiled expression and their text is cut out by slices with a step.
Widths are not on the wire: a wide character is followed by a blank filler, which is dropped.
"""

from __future__ import annotations

import re

from wa.protocol.mux.errors import DecodeError
from wa.protocol.mux.varbincode import Reader
from wa.protocol.mux.width import all_wide, is_wide

WRAPPED = 1 << 11
"""In a cell's attribute bits: the row goes on in the next one, if it is the row's last cell."""

_LONGEST_RUN_CELL = 64
"""Bytes of the largest cell an expression below matches, so that a search is bounded by the row it is in."""

_BITS = rb"[\x80-\xff]{0,4}[\x00-\x7f]"
_SMALL_COLOR = rb"(?:\x00|\x01[\x00-\xff])"
_COLOR = rb"(?:\x03|\x02[\x00-\xff]|\x01[\x00-\xff]{16}|\x00[\x00-\xff]{17})"
_ATTRIBUTES = rb"(%b%b%b(?:\x00|\x01\x00\x00%b%b%b))" % (_BITS, _SMALL_COLOR, _SMALL_COLOR, _COLOR, _COLOR, _COLOR)
_ASCII = rb"\x01[ -~]"
_THREE = rb"\x03[\xe0-\xef][\x80-\xbf]{2}"

_ASCII_RUN = re.compile(_ASCII + _ATTRIBUTES + rb"(?:" + _ASCII + rb"\1)*", re.DOTALL)
_THREE_RUN = re.compile(_THREE + _ATTRIBUTES + rb"(?:" + _THREE + rb"\1)*", re.DOTALL)
_WIDE_RUN = re.compile(_THREE + _ATTRIBUTES + rb"\x01 \1(?:" + _THREE + rb"\1\x01 \1)*", re.DOTALL)
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")


def read_cells(r: Reader) -> tuple[str, bool]:
    """Variant V: one cell per column. Text, and whether the row wraps."""
    buf = r.buf
    left = count(r, 5)
    pieces: list[str] = []
    after_wide = False
    attributes = 0
    while left:
        pos = r.pos
        limit = pos + left * _LONGEST_RUN_CELL
        if (run := _ASCII_RUN.match(buf, pos, limit)) is not None:
            step = 2 + run.end(1) - run.start(1)
            r.pos = min(run.end(), pos + left * step)
            piece = buf[pos + 1 : r.pos : step].decode("ascii")
            left -= len(piece)
            if after_wide:
                after_wide = False
                if piece[0] == " ":
                    piece = piece[1:]
            attributes = run.start(1)
        elif (
            left > 1 and (run := _WIDE_RUN.match(buf, pos, limit)) is not None and (piece := _wide_piece(r, run, left))
        ):
            left -= 2 * len(piece)
            after_wide = False
            attributes = run.start(1)
        elif (run := _THREE_RUN.match(buf, pos, limit)) is not None:
            step = 4 + run.end(1) - run.start(1)
            r.pos = min(run.end(), pos + left * step)
            piece = _three_byte_text(buf, pos, r.pos, step)
            left -= len(piece)
            after_wide = is_wide(piece[-1])
            attributes = run.start(1)
        else:
            piece = r.text()
            attributes = r.pos
            skip_attributes(r)
            left -= 1
            if not piece.isprintable():
                piece = defang(piece)
            if piece in ("", " "):
                piece = "" if after_wide else " "
                after_wide = False
            else:
                after_wide = is_wide(piece)
        pieces.append(piece)
    end = r.pos
    r.pos = attributes
    wrapped = bool(pieces) and bool(r.uleb() & WRAPPED)
    r.pos = end
    return "".join(pieces), wrapped


def _wide_piece(r: Reader, run: re.Match[bytes], left: int) -> str:
    """Characters that each have their filler; empty if one of them is not wide, so that its blank is one."""
    pos = run.start()
    step = 6 + 2 * (run.end(1) - run.start(1))
    end = min(run.end(), pos + left // 2 * step)
    piece = _three_byte_text(r.buf, pos, end, step)
    if not all_wide(piece):
        return ""
    r.pos = end
    return piece


def _three_byte_text(buf: bytes, pos: int, end: int, step: int) -> str:
    joined = bytearray((end - pos) // step * 3)
    joined[0::3] = buf[pos + 1 : end : step]
    joined[1::3] = buf[pos + 2 : end : step]
    joined[2::3] = buf[pos + 3 : end : step]
    try:
        return joined.decode()
    except UnicodeDecodeError:
        raise DecodeError(f"the cells at byte {pos} are not UTF-8") from None


def read_clusters(r: Reader) -> tuple[str, bool]:
    """Variant C: the row's text without fillers, and attributes per stretch."""
    text = defang(r.text())
    for _ in range(count(r, 1)):  # columns of wide characters
        r.uleb()
    wrapped = False
    for _ in range(count(r, 5)):
        r.uleb()
        attributes = r.pos
        wrapped = bool(r.uleb() & WRAPPED)
        r.pos = attributes
        skip_attributes(r)
    r.uleb()  # length in cells
    if r.flag():
        r.byte()  # width of the last cell
    return text, wrapped


def defang(text: str) -> str:
    """Control characters as blanks, as WezTerm's own client shows them."""
    return _CONTROLS.sub(" ", text)


def skip_attributes(r: Reader) -> None:
    r.uleb()
    for _ in range(2):
        variant = r.uleb()
        if variant > 1:
            raise DecodeError(f"a small colour has no variant {variant}")
        r.take(variant)
    if r.flag():
        if r.flag():
            skip_hyperlink(r)
        if r.uleb():
            raise DecodeError("an image inside a cell: WezTerm sends images apart from cells")
        for _ in range(3):
            variant = r.uleb()
            if variant > 3:
                raise DecodeError(f"a colour has no variant {variant}")
            r.take((17, 16, 1, 0)[variant])


def skip_hyperlink(r: Reader) -> None:
    for _ in range(count(r, 2)):
        r.text()
        r.text()
    r.text()
    r.flag()


def count(r: Reader, smallest: int) -> int:
    """How many items of at least `smallest` bytes follow."""
    announced = r.uleb()
    if announced * smallest > len(r.buf) - r.pos:
        raise DecodeError(f"{announced} items are announced at byte {r.pos}, {len(r.buf) - r.pos} bytes are left")
    return announced
