"""Row to SerializedLines, for the server's side.

A plain row is one slice assignment into a prepared run of cells. Styles ride along per row, as runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat

from wa.model.screen import Row
from wa.protocol.mux.cells import WRAPPED
from wa.protocol.mux.errors import EncodeError
from wa.protocol.mux.varbincode import Reader, sleb, text_bytes, uleb
from wa.protocol.mux.width import clusters, is_wide, may_join

PLAIN = bytes(4)
Run = tuple[int, bytes]
"""How many cells, and their attributes as `style` gives them."""

_PLAIN_CELL = b"\x01 " + PLAIN


def style(bits: int = 0, *, semantic: int = 0, fg: int | None = None, bg: int | None = None) -> bytes:
    """Attributes of a cell: `bits` as WezTerm has them, `semantic` 0 output, 1 input, 2 prompt; palette colours."""
    out = uleb(bits | semantic << 13)
    for color in (fg, bg):
        if color is None:
            out += b"\x00"
        elif 0 <= color < 256:
            out += bytes((1, color))
        else:
            raise EncodeError(f"{color} is no colour of the palette")
    return out + b"\x00"


class PreparedRows(tuple[Row, ...]):  # noqa: SLOT001 - a tuple with an attribute needs its dict
    """Rows with their wire form: goes into a PDU where rows go, and is sent as prepared."""

    wire: bytes


def prepare_rows(
    rows: Sequence[Row],
    *,
    seqno: int | Sequence[int] = 0,
    styles: Sequence[Sequence[Run] | None] | None = None,
    bits: int = 0,
) -> PreparedRows:
    """Takes what encode_rows takes."""
    prepared = PreparedRows(rows)
    prepared.wire = encode_rows(rows, seqno=seqno, styles=styles, bits=bits)
    return prepared


def encode_rows(
    rows: Sequence[Row],
    *,
    seqno: int | Sequence[int] = 0,
    styles: Sequence[Sequence[Run] | None] | None = None,
    bits: int = 0,
) -> bytes:
    """SerializedLines without hyperlinks and images.

    `seqno` and `bits` are the lines' own; `styles[i]` colours `rows[i]` from its first cell on, and what lies behind is
    plain. Columns count: a wide character is two cells. An empty row cannot carry `wrapped`.
    """
    seqnos = repeat(seqno, len(rows)) if isinstance(seqno, int) else seqno
    runs_of = repeat(None, len(rows)) if styles is None else styles
    line_bits = uleb(bits)
    parts: list[bytes | bytearray] = [uleb(len(rows))]
    append = parts.append
    for (index, text, wrapped), line_seqno, runs in zip(rows, seqnos, runs_of, strict=True):
        append(sleb(index))
        append(_ascii_cells(text, wrapped, runs) if text.isascii() else _cells(text, wrapped, runs))
        append(b"\x00" + uleb(line_seqno) + line_bits)
    append(b"\x00\x00")
    return b"".join(parts)


def _ascii_cells(text: str, wrapped: bool, runs: Sequence[Run] | None) -> bytearray:
    count = len(text)
    out = bytearray(b"\x00" + uleb(count))
    raw = text.encode("ascii")
    at = 0
    last = PLAIN
    for length, attributes in runs or ():
        if length and at < count:
            _append_run(out, raw[at : at + length], attributes)
            at += length
            last = attributes
    if at < count:
        _append_run(out, raw[at:], PLAIN)
        last = PLAIN
    if wrapped and count:
        out[len(out) - len(last) :] = _with_wrap(last)
    return out


def _append_run(out: bytearray, raw: bytes, attributes: bytes) -> None:
    start = len(out) + 1
    cell = _PLAIN_CELL if attributes is PLAIN else b"\x01 " + attributes
    out += cell * len(raw)
    out[start :: len(cell)] = raw


def _cells(text: str, wrapped: bool, runs: Sequence[Run] | None) -> bytearray:
    cells: list[bytes] = []
    for cell in clusters(text) if may_join(text) else text:
        cells += _cell(cell)
    out = bytearray(b"\x00" + uleb(len(cells)))
    at = 0
    last = PLAIN
    for length, attributes in (*(runs or ()), (len(cells), PLAIN)):
        if part := cells[at : at + length]:
            out += attributes.join(part)
            out += attributes
            at += length
            last = attributes
    if wrapped:
        out[len(out) - len(last) :] = _with_wrap(last)
    return out


@lru_cache(maxsize=32768)
def _cell(text: str) -> tuple[bytes, ...]:
    """The texts of a cell and of its filler, if it has one."""
    return (text_bytes(text), b"\x01 ") if is_wide(text) else (text_bytes(text),)


def _with_wrap(attributes: bytes) -> bytes:
    r = Reader(attributes)
    return uleb(r.uleb() | WRAPPED) + attributes[r.pos :]
