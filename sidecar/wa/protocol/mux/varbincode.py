"""The serialisation under the mux protocol: varbincode 0.1, LEB128 numbers and no field names.

A Shape reads and writes one type. Shapes compose; layouts.py composes them into PDUs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from wa.protocol.mux.errors import DecodeError, EncodeError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_U64 = 1 << 64
_I64 = 1 << 63
_ONE_BYTE = tuple(bytes((n,)) for n in range(128))


def uleb(value: int) -> bytes:
    if 0 <= value < 128:
        return _ONE_BYTE[value]
    if not 0 <= value < _U64:
        raise EncodeError(f"{value} is not an unsigned number of 64 bits")
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def sleb(value: int) -> bytes:
    if -64 <= value < 64:
        return _ONE_BYTE[value & 127]
    if not -_I64 <= value < _I64:
        raise EncodeError(f"{value} is not a signed number of 64 bits")
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value & 127)
    return bytes(out)


class Reader:
    """A position in a payload. Every method raises DecodeError instead of reading past the end."""

    __slots__ = ("buf", "pos")

    def __init__(self, buf: bytes, pos: int = 0) -> None:
        self.buf = buf
        self.pos = pos

    def byte(self) -> int:
        try:
            value = self.buf[self.pos]
        except IndexError:
            raise DecodeError(f"the payload ends at byte {self.pos} inside a value") from None
        self.pos += 1
        return value

    def uleb(self) -> int:
        value = self.byte()
        if value < 128:
            return value
        value &= 127
        for shift in range(7, 70, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                if value >= _U64:
                    break
                return value
        raise DecodeError(f"a number ending at byte {self.pos} exceeds 64 bits")

    def sleb(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                if byte & 64:
                    value -= 1 << (shift + 7)
                if not -_I64 <= value < _I64:
                    break
                return value
        raise DecodeError(f"a number ending at byte {self.pos} exceeds 64 bits")

    def take(self, count: int) -> bytes:
        start = self.pos
        end = start + count
        if end > len(self.buf):
            raise DecodeError(f"{count} bytes are announced at byte {start}, {len(self.buf) - start} are left")
        self.pos = end
        return self.buf[start:end]

    def text(self) -> str:
        start = self.pos
        raw = self.take(self.uleb())
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise DecodeError(f"the string at byte {start} is not UTF-8") from None

    def flag(self) -> bool:
        value = self.byte()
        if value > 1:
            raise DecodeError(f"byte {self.pos - 1} should be 0 or 1 and is {value}")
        return value == 1


class Shape(Protocol[T]):
    def read(self, r: Reader) -> T: ...

    def write(self, out: bytearray, value: T) -> None: ...


class _Plain(Generic[T]):
    """A type that Reader and one function already know."""

    def __init__(self, read: Callable[[Reader], T], encode: Callable[[T], bytes]) -> None:
        self.read = read
        self._encode = encode

    def write(self, out: bytearray, value: T) -> None:
        out += self._encode(value)


def text_bytes(value: str) -> bytes:
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        raise EncodeError("a string holds a lone surrogate, which UTF-8 cannot carry") from None
    return uleb(len(raw)) + raw


def _u8_bytes(value: int) -> bytes:
    if not 0 <= value < 256:
        raise EncodeError(f"{value} is not a byte")
    return bytes((value,))


def _read_blob(r: Reader) -> bytes:
    return r.take(r.uleb())


UINT: Shape[int] = _Plain(Reader.uleb, uleb)
INT: Shape[int] = _Plain(Reader.sleb, sleb)
U8: Shape[int] = _Plain(Reader.byte, _u8_bytes)
BOOL: Shape[bool] = _Plain(Reader.flag, lambda value: b"\x01" if value else b"\x00")
TEXT: Shape[str] = _Plain(Reader.text, text_bytes)
BLOB: Shape[bytes] = _Plain(_read_blob, lambda value: uleb(len(value)) + value)
REST: Shape[bytes] = _Plain(lambda r: r.take(len(r.buf) - r.pos), bytes)
"""Whatever follows, unread: for payloads that wa passes over."""


class Option(Generic[T]):
    def __init__(self, item: Shape[T]) -> None:
        self._item = item

    def read(self, r: Reader) -> T | None:
        return self._item.read(r) if r.flag() else None

    def write(self, out: bytearray, value: T | None) -> None:
        if value is None:
            out.append(0)
        else:
            out.append(1)
            self._item.write(out, value)


class Vec(Generic[T]):
    """A counted sequence. Items are read until the bytes run out: a lying count costs nothing."""

    def __init__(self, item: Shape[T]) -> None:
        self._item = item

    def read(self, r: Reader) -> tuple[T, ...]:
        count = r.uleb()
        if count > len(r.buf) - r.pos:
            raise DecodeError(f"{count} items are announced at byte {r.pos}, {len(r.buf) - r.pos} bytes are left")
        read = self._item.read
        return tuple([read(r) for _ in range(count)])

    def write(self, out: bytearray, value: tuple[T, ...]) -> None:
        out += uleb(len(value))
        for item in value:
            self._item.write(out, item)


class Pair(NamedTuple):
    """Two shapes in a row, as a tuple of two; a Map is a Vec of these."""

    first: Shape[Any]
    second: Shape[Any]

    def read(self, r: Reader) -> tuple[Any, Any]:
        return self.first.read(r), self.second.read(r)

    def write(self, out: bytearray, value: tuple[Any, Any]) -> None:
        self.first.write(out, value[0])
        self.second.write(out, value[1])


class Struct(Generic[T]):
    """A NamedTuple whose fields follow each other in order."""

    def __init__(self, make: Callable[..., T], *fields: Shape[Any]) -> None:
        self._make = make
        self._fields = fields

    def read(self, r: Reader) -> T:
        return self._make(*[field.read(r) for field in self._fields])

    def write(self, out: bytearray, value: Any) -> None:
        for field, item in zip(self._fields, value, strict=False):
            field.write(out, item)


class Union(Generic[T]):
    """An enum with payloads: the variant's position, then its fields. Each variant has a class of its own."""

    def __init__(self, what: str, *variants: tuple[type[Any], Shape[Any]]) -> None:
        self._what = what
        self._shapes = [shape for _, shape in variants]
        self._index = {cls: index for index, (cls, _) in enumerate(variants)}

    def __len__(self) -> int:
        return len(self._shapes)

    def read(self, r: Reader) -> T:
        return self.read_variant(r, r.uleb())

    def read_variant(self, r: Reader, index: int) -> T:
        if index >= len(self._shapes):
            raise DecodeError(f"{self._what} has no variant {index}")
        value: T = self._shapes[index].read(r)
        return value

    def write(self, out: bytearray, value: T) -> None:
        index = self._index.get(type(value))
        if index is None:
            raise EncodeError(f"{self._what} has no variant {type(value).__name__} under this codec")
        out += uleb(index)
        self._shapes[index].write(out, value)


class Choice:
    """An enum without payloads, as its number below `count`."""

    def __init__(self, what: str, count: int) -> None:
        self._what = what
        self._count = count

    def read(self, r: Reader) -> int:
        value = r.uleb()
        if value >= self._count:
            raise DecodeError(f"{self._what} has no variant {value}")
        return value

    def write(self, out: bytearray, value: int) -> None:
        if not 0 <= value < self._count:
            raise EncodeError(f"{self._what} has no variant {value}")
        out += uleb(value)
