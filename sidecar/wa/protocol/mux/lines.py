"""SerializedLines, the rows of the mux protocol, to Row."""

from __future__ import annotations

import re

from wa.model.screen import Row
from wa.protocol.mux.cells import count, read_cells, read_clusters, skip_hyperlink
from wa.protocol.mux.errors import DecodeError
from wa.protocol.mux.varbincode import Reader

MAX_ROWS = 1_000_000
"""Of one PDU; an empty row is 6 bytes on the wire and a hundred here."""
MAX_ROW_INDEX = 1 << 62

_NUMBER = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
_PLAIN_LINE = re.compile(
    rb"%b\x00(%b)((?:\x01[ -~]\x00\x00\x00\x00)*+)\x00%b%b" % (_NUMBER, _NUMBER, _NUMBER, _NUMBER), re.DOTALL
)
"""A row of unstyled ASCII from its index to its bits, which is most rows: one match, one slice."""


def read_lines(r: Reader) -> tuple[Row, ...]:
    announced = count(r, 6)
    if announced > MAX_ROWS:
        raise DecodeError(f"{announced} rows are announced, the limit is {MAX_ROWS}")
    buf, pos = r.buf, r.pos
    plain = _PLAIN_LINE.match
    rows: list[Row] = []
    before = b""
    for _ in range(announced):
        # A push ends with the row of the cursor, which mostly is the last one that changed.
        if before and buf.startswith(before, pos):
            rows.append(rows[-1])
            pos += len(before)
            continue
        if (line := plain(buf, pos)) is not None:
            cells, cells_end = line.span(2)
            r.pos = line.start(1)
            if r.uleb() * 6 == cells_end - cells:
                r.pos = pos
                rows.append(Row(row_index(r), buf[cells + 1 : cells_end : 6].decode("ascii")))
                before, pos = line.group(), line.end()
                continue
        r.pos = pos
        rows.append(_read_line(r))
        before, pos = buf[pos : r.pos], r.pos
    r.pos = pos
    for _ in range(count(r, 4)):  # hyperlinks, each with the cells it covers
        skip_hyperlink(r)
        skip_numbers(r, 3)
    for _ in range(count(r, 57)):
        _skip_image(r)
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
        text, wrapped = read_cells(r)
    elif storage == 1:
        text, wrapped = read_clusters(r)
    else:
        raise DecodeError(f"a row has no storage {storage}")
    skip_numbers(r, 3)  # semantic zones
    r.uleb()  # seqno
    r.uleb()  # bits
    return Row(index, text, wrapped)


def skip_numbers(r: Reader, each: int) -> None:
    for _ in range(count(r, each)):
        for _ in range(each):
            r.uleb()


def _skip_image(r: Reader) -> None:
    """SerializedImageCell: where, which part of the image, its hash, depth, padding, two optional ids."""
    r.sleb()
    r.uleb()
    r.take(16 + 32)
    r.sleb()
    for _ in range(4):
        r.uleb()
    for _ in range(2):
        if r.flag():
            r.uleb()
