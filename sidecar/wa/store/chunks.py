"""Rows as they lie in the database: some dozens to a chunk, so that the index has few documents, each a page."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from wa.model.log import RowKind

MAX_ROWS = 64
MAX_BYTES = 8192
"""Of UTF-8. A single longer row is a chunk of its own."""


_ACCENTED = tuple(bytes([lead]) for lead in (*range(0xC3, 0xCA), 0xCC, 0xCD, 0xE1))
"""First bytes of all such characters in UTF-8."""


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
    accented: bool
    first_ms: int
    last_ms: int
    lengths: bytes | None
    wraps: bytes | None
    times: bytes | None
    text: str

    def texts(self) -> list[str]:
        """The rows."""
        if self.lengths is None:
            return self.text.split("\n")
        texts, at, text = list[str](), 0, self.text
        for length, wrap in zip(self._lengths(self.lengths), self.wraps or bytes(self.row_count), strict=True):
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

    def _lengths(self, packed: bytes) -> Sequence[int]:
        width = len(packed) // self.row_count
        if width == 1:
            return packed
        lengths = array("H" if width == 2 else "I", packed)
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
    *,
    accented: bool,
) -> Chunk:
    """Rows as a Chunk. *texts* have passed `redact_rows`; *accented* may be true though none is."""
    marks: bytes | None = None
    lengths: bytes | None = None
    if True in wraps:
        parts = [text if wrap else text + "\n" for text, wrap in zip(texts, wraps, strict=True)]
        text = "".join(parts) if wraps[-1] else "".join(parts)[:-1]
        marks, lengths = bytes(wraps), _pack_lengths(texts)
    else:
        text = "\n".join(texts)
        # SQLite's LIKE stops at a NUL: a search tells chunks with one by their lengths.
        if text.count("\n") >= len(texts) or "\0" in text:
            lengths = _pack_lengths(texts)
    first_ms = last_ms = runs[0].at_ms
    times = None
    if len(runs) > 1:
        first_ms, last_ms = min(run.at_ms for run in runs), max(run.at_ms for run in runs)
        times = b"".join([struct.pack("<Iq", *run) for run in runs])
    return Chunk(pane, first_row, len(texts), kind, continues, accented, first_ms, last_ms, lengths, marks, times, text)


def is_accented(data: bytes) -> bool:
    """UTF-8 that may hold letters that fold to ASCII (as \u00e9 does), or marks that are folded away."""
    return not data.isascii() and any(lead in data for lead in _ACCENTED)


class Cut(NamedTuple):
    """Where a chunk ends, and what it is said to hold."""

    end: int
    accented: bool


def _pack_lengths(texts: Sequence[str]) -> bytes:
    """A byte a row where that is enough, else two, else four."""
    lengths = list(map(len, texts))
    longest = max(lengths)
    if longest < 256:
        return bytes(lengths)
    packed = array("H" if longest < 65_536 else "I", lengths)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def cut(texts: Sequence[str], wraps: Sequence[bool], hold: int) -> list[Cut]:
    """Where chunks end; the rows beyond the last cut are not yet a whole one.

    Cuts stand after logical lines; a line longer than a chunk is cut between its rows. The last *hold* rows stay
    together.
    """
    count = len(texts)
    cuts, start = list[Cut](), 0
    while True:
        end = min(start + MAX_ROWS, count)
        text = "\n".join(texts[start:end])
        data = b"" if text.isascii() else text.encode()
        size = len(data) or len(text)
        if end - start < MAX_ROWS and size <= MAX_BYTES:
            return cuts
        end = min(end, count - hold)
        while end > start + 1 and size > MAX_BYTES:
            end -= 1
            size -= len(texts[end].encode()) + 1
        if end <= start:
            return cuts
        line_end = end
        while line_end > start and wraps[line_end - 1]:
            line_end -= 1
        start = line_end if line_end > start else end
        cuts.append(Cut(start, is_accented(data)))
