from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from wa.protocol.session_files.lines import HEAD_BYTES, LineFeed, TooLong


def test_the_last_line_is_kept_until_it_is_whole() -> None:
    """Half a line is no line."""
    feed = LineFeed()
    assert feed.feed(b'{"a":1}\n{"b"') == [b'{"a":1}']
    assert feed.feed(b":2}") == []
    assert feed.feed(b"\r\n\n") == [b'{"b":2}']


def test_the_beginning_of_a_line_too_long_is_told() -> None:
    """So much of it as was held when it grew too long, and no more than a little."""
    (line,) = LineFeed(1000).feed(b"a" * 500 + b"b" * 5000 + b"\n")
    assert line == TooLong((b"a" * 500)[:HEAD_BYTES])


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6), st.integers(1, 30))
def test_cuts_change_nothing(data: bytes, cuts: list[int], longest: int) -> None:
    """However the stream is cut, the lines are the same."""
    whole = LineFeed(longest).feed(data)
    feed, places = LineFeed(longest), sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in itertools.pairwise(places)]
    assert [_kind(line) for piece in pieces for line in feed.feed(piece)] == [_kind(line) for line in whole]


def _kind(line: bytes | TooLong) -> bytes | None:
    return line if isinstance(line, bytes) else None


def test_a_line_too_long_is_passed_over() -> None:
    """It takes no memory, is told once, and the next line is read again."""
    feed = LineFeed(100)
    for _ in range(1000):
        assert feed.feed(b"x" * 90) == []
    assert feed._parts == []
    assert feed.feed(b"\nnext\n") == [TooLong(b"x" * 180), b"next"]


def test_zero_bytes_around_a_line_are_dropped() -> None:
    """A crash leaves blocks of them."""
    assert LineFeed().feed(b"\0\0\0{}\n\0\0\n") == [b"{}"]
