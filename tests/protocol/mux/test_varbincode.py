"""Numbers and shapes of the serialisation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.protocol.mux.errors import DecodeError, EncodeError
from wa.protocol.mux.varbincode import BOOL, TEXT, U8, UINT, Choice, Option, Reader, Vec, sleb, uleb


@given(st.integers(0, (1 << 64) - 1))
def test_unsigned_numbers_round_trip(number: int) -> None:
    """All of 64 bits, and nothing is left over."""
    r = Reader(uleb(number))
    assert (r.uleb(), r.pos) == (number, len(r.buf))


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_signed_numbers_round_trip(number: int) -> None:
    """All of 64 bits with sign, and nothing is left over."""
    r = Reader(sleb(number))
    assert (r.sleb(), r.pos) == (number, len(r.buf))


@pytest.mark.parametrize(
    ("encoded", "unsigned", "signed"),
    [("00", 0, 0), ("7f", 127, -1), ("8001", 128, 128), ("3f", 63, 63), ("40", 64, -64), ("e58e26", 624485, 624485)],
)
def test_golden_numbers(encoded: str, unsigned: int, signed: int) -> None:
    """LEB128 as its definition spells it."""
    assert Reader(bytes.fromhex(encoded)).uleb() == unsigned
    assert Reader(bytes.fromhex(encoded)).sleb() == signed


@pytest.mark.parametrize("encoded", ["ff" * 10 + "01", "ff" * 9 + "02", "80" * 10, "ff" * 20, "80", ""])
def test_numbers_beyond_64_bits_or_cut_off_are_refused(encoded: str) -> None:
    """No number takes more than ten bytes, and none more than 64 bits."""
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex(encoded)).uleb()


@pytest.mark.parametrize("encoded", ["ff" * 10 + "01", "ff" * 9 + "02", "80" * 9 + "01", "80" * 10, "80", ""])
def test_signed_numbers_beyond_64_bits_or_cut_off_are_refused(encoded: str) -> None:
    """The same with sign."""
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex(encoded)).sleb()


@pytest.mark.parametrize("number", [-1, 1 << 64])
def test_unsigned_numbers_out_of_range_are_not_written(number: int) -> None:
    """EncodeError rather than other bytes."""
    with pytest.raises(EncodeError):
        uleb(number)


@pytest.mark.parametrize("number", [-(1 << 63) - 1, 1 << 63])
def test_signed_numbers_out_of_range_are_not_written(number: int) -> None:
    """EncodeError rather than other bytes."""
    with pytest.raises(EncodeError):
        sleb(number)


@pytest.mark.parametrize("encoded", ["0261ff", "03e282", "05616263", "ffffffffffffffff7f", "03eda080"])
def test_strings_that_are_none_are_refused(encoded: str) -> None:
    """Bad UTF-8, surrogates, too short, and a length of half the universe."""
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex(encoded)).text()


def test_a_lone_surrogate_is_not_written() -> None:
    """What UTF-8 cannot carry is an EncodeError."""
    with pytest.raises(EncodeError):
        TEXT.write(bytearray(), "\ud800")


@pytest.mark.parametrize("count", [5, 1 << 20, 1 << 40, (1 << 64) - 1])
def test_a_lying_count_costs_nothing(count: int) -> None:
    """A sequence longer than its bytes is refused before anything is built."""
    with pytest.raises(DecodeError, match="announced"):
        Vec(TEXT).read(Reader(uleb(count) + b"\0\0\0\0"))


@pytest.mark.parametrize(("shape", "encoded"), [(BOOL, b"\2"), (Option(UINT), b"\2\0"), (Choice("it", 3), b"\3")])
def test_variants_that_do_not_exist_are_refused(shape: Option[int], encoded: bytes) -> None:
    """A flag is 0 or 1, an enum's number below its count."""
    with pytest.raises(DecodeError):
        shape.read(Reader(encoded))


@pytest.mark.parametrize(("shape", "value"), [(U8, 256), (U8, -1), (Choice("it", 3), 3), (Choice("it", 3), -1)])
def test_values_out_of_range_are_not_written(shape: Choice, value: int) -> None:
    """EncodeError rather than other bytes."""
    with pytest.raises(EncodeError):
        shape.write(bytearray(), value)
