"""Bytes as WezTerm's parser takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.embedded.utf8 import Utf8


def fed(*pieces: bytes) -> bytes:
    utf8 = Utf8()
    return b"".join(utf8.feed(piece) for piece in pieces)


@given(st.text(st.characters(exclude_characters=[chr(code) for code in range(0x7F, 0xA0)], codec="utf-8")))
def test_text_is_left_alone(text: str) -> None:
    """Valid UTF-8 without DEL and C1 controls passes unchanged."""
    assert fed(text.encode()) == text.encode()


@given(st.binary(max_size=60))
def test_the_result_is_always_utf8(data: bytes) -> None:
    """Whatever comes in, text comes out."""
    fed(data).decode()


@given(st.binary(max_size=40))
def test_where_bytes_are_cut_does_not_matter(data: bytes) -> None:
    """A character cut in two is put together again; a broken one is broken in the same way."""
    assert fed(*(bytes((byte,)) for byte in data), b" .") == fed(data + b" .")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"caf\xe9 \xff\xfe ok", "caf\ufffd ok"),
        (b"\xc3(x", "\ufffdx"),
        (b"\xe2\x82x", "\ufffd"),
        (b"\xf0\x9f\x92 x", "\ufffdx"),
        (b"\xc0\xafx", "x"),
        (b"a\x7fb", "ab"),
        ("a\u0085b\u009b1m".encode(), "a\x1bEb\x1b[1m"),
        (b"a\x85b\x9b1m", "a\x1bEb\x1b[1m"),
    ],
)
def test_what_is_not_text_becomes_what_wezterm_makes_of_it(data: bytes, expected: str) -> None:
    """As tried on wezterm-mux-server 20250223."""
    assert fed(data) == expected.encode()
