"""Reports taken out of a stream: whole, byte by byte, among hostile bytes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.protocol.osc7501 import MAX_BYTES, Event, Query, Report, Sieve, parse

MESSAGE = base64.b64encode(b"approve Bash: rm -rf build && make all").decode()
SAMPLES = (
    b"\x1b]7501;state=idle\x07",
    b"\x1b]7501;state=blocked:kind=permission:msg=" + MESSAGE.encode() + b"\x1b\\",
    b"\x1b]7501;?\x1b\\",
    b"\x1b]7501;state=working:app=claude:id=a/b:progress=40:title=Build\x07",
)
OTHERS = (
    b"text ",
    b"\x1b[1m",
    b"\x1b]0;title\x07",
    b"\x1b",
    b"\x1b]7501",
    b"\x1b]7501;state=none\x07",
    b"\x07",
    b"\x1b\\",
    "ä".encode(),
)


def through(pieces: list[bytes], *, release: bool = False) -> tuple[bytes, list[Event]]:
    sieve = Sieve()
    passed, events = b"", []
    for piece in pieces:
        out, said = sieve.feed(piece)
        passed += out
        events += said
        if release:
            passed += sieve.release()
    return passed + sieve.release(), events


def test_reports_and_queries_are_taken_out() -> None:
    """What stands around them passes, and they do not."""
    passed, events = through([b"a" + SAMPLES[0] + b"b" + SAMPLES[1] + SAMPLES[2] + b"c" + SAMPLES[3]])

    assert passed == b"abc"
    assert events == [
        Report("idle"),
        Report("blocked", "permission", message="approve Bash: rm -rf build && make all"),
        Query(SAMPLES[2]),
        Report("working", title="Build", app="claude", id="a/b", progress=40),
    ]


@given(st.lists(st.sampled_from(SAMPLES + OTHERS), max_size=12), st.data())
def test_where_the_stream_is_torn_does_not_matter(parts: list[bytes], data: st.DataObject) -> None:
    """Any cuts give the bytes and the reports of the whole."""
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert through(pieces) == through([whole])
    assert through([whole[i : i + 1] for i in range(len(whole))]) == through([whole])


@given(st.lists(st.sampled_from(SAMPLES + OTHERS), max_size=12), st.data())
def test_nothing_is_lost_or_moved_when_nothing_may_wait(parts: list[bytes], data: st.DataObject) -> None:
    """Released after every piece, the stream is the original but for reports that came in one piece; all are understood."""
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    passed, events = through(pieces, release=True)
    at = 0
    for byte in passed:  # what passed is the whole with sequences left out: its bytes in order
        at = whole.index(bytes([byte]), at) + 1

    assert events == through([whole])[1]
    assert len(passed) >= len(through([whole])[0])


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_pass(noise: bytes, cut: int) -> None:
    """Without the beginning of a report everything passes as it came."""
    noise = noise.replace(b"7501", b"7502")

    assert through([noise[:cut], noise[cut:]]) == (noise, [])


@pytest.mark.parametrize(
    "text",
    [
        b"\x1b]7501;state=unheard-of\x07",
        b"\x1b]7501;\x07",
        b"\x1b]7501;state=id\x00le\x07",
        b"\x1b]7501;state=idle" + b"x" * MAX_BYTES + b"\x07",
        b"\x1bPtmux;\x1b\x1b]7501;state=idle\x07\x1b\\",
        b"\x1b]7501;state=idle",
        b"\x1b]7501;state=idle\x1b[1m and on\x07",
        b"\x1b]75010;state=idle\x07",
        b"\x1b]7502;state=idle\x07",
    ],
)
def test_what_is_none_passes_whole(text: bytes) -> None:
    """Unknown states, control characters, more than 4,096 bytes, a sequence inside another, one that never ends."""
    assert through([b"a", text, b"b"]) == (b"a" + text + b"b", [])
    assert through([bytes([byte]) for byte in text]) == (text, [])


def test_a_flood_of_beginnings_takes_no_time() -> None:
    """A megabyte of torn beginnings passes in a stroke, and is not searched again for each piece."""
    flood = b"\x1b]7501;state=" * 80_000

    passed, events = through([flood[i : i + 4096] for i in range(0, len(flood), 4096)])

    assert (passed, events) == (flood, [])


def test_no_more_than_a_sequence_is_ever_held() -> None:
    """What is held back never exceeds 4,096 bytes."""
    sieve = Sieve()
    passed = 0
    for count in range(1, 20_000):
        passed += len(sieve.feed(b"\x1b]7501;x"[count - 1 : count] if count <= 8 else b"y")[0])
        assert count - passed <= MAX_BYTES


def test_a_message_that_is_no_base64_is_left_out() -> None:
    """The state counts; what cannot be read does not."""
    assert parse("state=error:msg=***:progress=900") == Report("error")
