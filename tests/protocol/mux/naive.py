"""SerializedLines read one value after the other, as the format's description goes: slow, and easy to believe."""

from __future__ import annotations

from typing import NamedTuple


class Cell(NamedTuple):
    text: str
    attributes: bytes


class Line(NamedTuple):
    index: int
    cells: tuple[Cell, ...]
    seqno: int
    bits: int


class Naive:
    def __init__(self, data: bytes, pos: int = 0) -> None:
        self.data = data
        self.pos = pos

    def unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.pos]
            self.pos += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def signed(self) -> int:
        start = self.pos
        value = self.unsigned()
        bits = 7 * (self.pos - start)
        return value - (1 << bits) if value >> (bits - 1) & 1 else value

    def string(self) -> str:
        length = self.unsigned()
        self.pos += length
        return self.data[self.pos - length : self.pos].decode()

    def attributes(self) -> bytes:
        start = self.pos
        self.unsigned()
        for _ in range(2):
            if self.unsigned() == 1:
                self.pos += 1
        if self.unsigned():
            assert self.unsigned() == 0, "hyperlinks stand apart from cells"
            assert self.unsigned() == 0, "so do images"
            for _ in range(3):
                variant = self.unsigned()
                self.pos += {0: 17, 1: 16, 2: 1, 3: 0}[variant]
        return self.data[start : self.pos]

    def lines(self) -> list[Line]:
        return [self.line() for _ in range(self.unsigned())]

    def line(self) -> Line:
        index = self.signed()
        assert self.unsigned() == 0, "rows come as cells"
        cells = tuple(Cell(self.string(), self.attributes()) for _ in range(self.unsigned()))
        assert self.unsigned() == 0, "zones are not sent"
        return Line(index, cells, self.unsigned(), self.unsigned())
