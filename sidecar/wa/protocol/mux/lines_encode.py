"""Row to SerializedLines, for the server's side.

A plain row is one slice assignment into a prepared run of cells. Styles ride along per row as runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from wa.model.screen import Row
from wa.protocol.mux.lines import WRAPPED
from wa.protocol.mux.varbincode import Reader, sleb, text_bytes, uleb
from wa.protocol.mux.width import clusters, is_wide

PLAIN = bytes(4)
Run = tuple[int, bytes]
"""How many cells, and their attributes as `style` gives them."""

_PLAIN_CELL = b"\x01 \x00\x00\x00\x00"
_WRAPPED_PLAIN = uleb(WRAPPED) + bytes(3)


def style(bits: int = 0, *, semantic: int = 0, fg: int | None = None, bg: int | None = None) -> bytes:
    """Attributes of a cell: `bits` as WezTerm has them, `semantic` 0 output, 1 input, 2 prompt; palette colours."""
    colors = b"".join(b"\x00" if color is None else b"\x01" + bytes((color,)) for color in (fg, bg))
    return uleb(bits | semantic << 13) + colors + b"\x00"


class PreparedRows(tuple[Row, ...]):  # noqa: SLOT001 - a tuple with an attribute needs its dict
    """Rows with their wire form: goes into a PDU where rows go, and is sent as prepared."""

    wire: bytes


def prepare_rows(rows: Sequence[Row], **how: Any) -> PreparedRows:
    """Takes what encode_rows takes."""
    prepared = PreparedRows(rows)
    prepared.wire = encode_rows(rows, **how)
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
    ends = repeat(seqno) if isinstance(seqno, int) else seqno
    parts: list[bytes | bytearray] = [uleb(len(rows))]
    append = parts.append
    line_bits = uleb(bits)
    for at, ((index, text, wrapped), end) in enumerate(zip(rows, ends, strict=False)):
        runs = styles[at] if styles is not None else None
        append(sleb(index))
        if text.isascii() and text.isprintable() and not runs:
            append(_plain_cells(text, wrapped))
        else:
            append(_styled_cells(text, wrapped, runs or ()))
        append(b"\x00" + uleb(end) + line_bits)
    append(b"\x00\x00")
    return b"".join(parts)


def _plain_cells(text: str, wrapped: bool) -> bytearray:
    count = len(text)
    head = b"\x00" + uleb(count)
    out = bytearray(head + _PLAIN_CELL * count)
    out[len(head) + 1 :: 6] = text.encode("ascii")
    if wrapped and count:
        out[-4:] = _WRAPPED_PLAIN
    return out


def _styled_cells(text: str, wrapped: bool, runs: Sequence[Run]) -> bytearray:
    cells: list[str] = []
    for grapheme in clusters(text):
        cells.append(grapheme)
        if is_wide(grapheme):
            cells.append(" ")
    out = bytearray(b"\x00" + uleb(len(cells)))
    attributes = [attrs for count, attrs in runs for _ in range(count)][: len(cells)]
    attributes += [PLAIN] * (len(cells) - len(attributes))
    if wrapped and cells:
        attributes[-1] = _wrap(attributes[-1])
    for cell, attrs in zip(cells, attributes, strict=True):
        out += text_bytes(cell)
        out += attrs
    return out


def _wrap(attrs: bytes) -> bytes:
    r = Reader(attrs)
    return uleb(r.uleb() | WRAPPED) + attrs[r.pos :]
