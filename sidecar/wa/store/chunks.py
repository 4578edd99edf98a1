"""Rows as they lie in the database: some dozens to a chunk, so that the index has few documents, each a page."""

from __future__ import annotations

import re
import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from wa.model.log import RowKind

MAX_ROWS = 64
MAX_BYTES = 8192
"""Of UTF-8. A single longer row is a chunk of its own."""

_SURROGATES = re.compile("[\ud800-\udfff]")


class Run(NamedTuple):
    """So many rows, one after the other, were captured at one instant."""

    rows: int
    at_ms: int


class Chunk(NamedTuple):
    """A row of `chunks` or `open_chunks`, from `pane` on; `fields` is its order of columns."""

    pane: int
    first_row: int
    row_count: int
    kind: str
    continues: bool
    first_ms: int
    last_ms: int
    lengths: bytes
    wraps: bytes | None
    times: bytes | None
    text: str

    def texts(self) -> list[str]:
        """The rows."""
        lengths = self._lengths()
        if self.wraps is None and self.text.count("\n") == self.row_count - 1:
            return self.text.split("\n")
        wraps = self.wraps or bytes(self.row_count)
        texts, at, text = list[str](), 0, self.text
        for length, wrap in zip(lengths, wraps, strict=True):
            texts.append(text[at : at + length])
            at += length + (not wrap)
        return texts

    def wrapped(self) -> list[bool]:
        return [False] * self.row_count if self.wraps is None else [wrap != 0 for wrap in self.wraps]

    def runs(self) -> list[Run]:
        if self.times is None:
            return [Run(self.row_count, self.first_ms)]
        return [Run(*pair) for pair in struct.iter_unpack("<Iq", self.times)]

    def at(self) -> list[int]:
        """When each row was captured."""
        return [run.at_ms for run in self.runs() for _ in range(run.rows)]

    @property
    def row_kind(self) -> RowKind:
        return RowKind(self.kind)

    @property
    def end(self) -> int:
        return self.first_row + self.row_count

    def _lengths(self) -> array[int]:
        lengths = array("H" if len(self.lengths) == 2 * self.row_count else "I", self.lengths)
        if sys.byteorder == "big":
            lengths.byteswap()
        return lengths


FIELDS = ", ".join(Chunk._fields)


def encode(
    pane: int,
    first_row: int,
    kind: str,
    continues: bool,
    texts: Sequence[str],
    wraps: Sequence[bool],
    runs: Sequence[Run],
) -> Chunk:
    """Rows as a Chunk. *texts* must be storable: see `clean`."""
    if True in wraps:
        parts = [text if wrap else text + "\n" for text, wrap in zip(texts, wraps, strict=True)]
        text = "".join(parts) if wraps[-1] else "".join(parts)[:-1]
        marks: bytes | None = bytes(wraps)
    else:
        text, marks = "\n".join(texts), None
    instants = [run.at_ms for run in runs]
    times = None if len(runs) == 1 else b"".join([struct.pack("<Iq", *run) for run in runs])
    lengths = _pack_lengths(texts)
    return Chunk(
        pane, first_row, len(texts), kind, continues, min(instants), max(instants), lengths, marks, times, text
    )


def _pack_lengths(texts: Sequence[str]) -> bytes:
    lengths = list(map(len, texts))
    packed = array("H" if max(lengths) < 65_536 else "I", lengths)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def clean(texts: list[str]) -> list[str]:
    """*texts* with U+FFFD for each lone surrogate, which UTF-8 cannot hold; *texts* itself if there are none."""
    whole = "".join(texts)
    if whole.isascii():
        return texts
    try:
        whole.encode()
    except UnicodeEncodeError:
        return [_SURROGATES.sub("\ufffd", text) for text in texts]
    return texts


def clean_text(text: str) -> str:
    return clean([text])[0]


def sizes(texts: Sequence[str]) -> list[int]:
    """Bytes of UTF-8 of each row, its newline included."""
    return [(len(text) if text.isascii() else len(text.encode())) + 1 for text in texts]


def cut(texts: Sequence[str], wraps: Sequence[bool], hold: int) -> list[int]:
    """Where chunks end: indices after which to cut; the rows beyond the last one are not yet a whole chunk.

    Cuts stand after logical lines; a line longer than a chunk is cut between its rows. The last *hold* rows stay
    together.
    """
    count = len(texts)
    total = [0, *accumulate(sizes(texts))]
    cuts, start = list[int](), 0
    while count - start >= MAX_ROWS or total[count] - total[start] > MAX_BYTES:
        end = min(start + MAX_ROWS, count - hold)
        if end <= start:
            break
        while end > start + 1 and total[end] - total[start] > MAX_BYTES:
            end -= 1
        line_end = end
        while line_end > start and wraps[line_end - 1]:
            line_end -= 1
        start = line_end if line_end > start else end
        cuts.append(start)
    return cuts
