"""The framing: torn, hostile, compressed."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from itertools import pairwise

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from wa.model.errors import ProtocolUnsupported
from wa.protocol.mux import DecodeError, EncodeError, Frame, FrameError, FrameReader, encode_frame, inflate
from wa.protocol.mux import frames as frames_module
from wa.protocol.mux.varbincode import uleb

FRAME = st.tuples(st.integers(0, 1 << 62), st.integers(0, 1 << 20), st.binary(max_size=200), st.booleans())


def squeeze(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=False).compress(data)


@pytest.mark.parametrize(
    ("wire", "frame"),
    [
        (bytes.fromhex("08428101") + b"hello", Frame(0x42, 0x81, False, b"hello")),
        (bytes.fromhex("024001"), Frame(0x40, 1, False, b"")),
    ],
)
def test_golden_frames_of_wezterm_itself(wire: bytes, frame: Frame) -> None:
    """The two frames in WezTerm's own tests read and write alike."""
    assert FrameReader().feed(wire) == [frame]
    assert encode_frame(frame.serial, frame.ident, frame.data) == wire


@given(st.lists(FRAME, max_size=6), st.lists(st.integers(0, 800), max_size=8), st.binary(max_size=3))
def test_any_cut_gives_the_same_frames(
    frames: list[tuple[int, int, bytes, bool]], cuts: list[int], torn: bytes
) -> None:
    """Where a stream is cut, and what is not complete at its end, changes nothing."""
    stream = b"".join(encode_frame(serial, ident, data, compress=squeezed) for serial, ident, data, squeezed in frames)
    tail = encode_frame(7, 7, b"x" * 40)[: len(torn)]
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader()
    seen: list[Frame] = []

    for start, stop in pairwise(edges):
        seen += reader.feed(stream[start:stop])
    seen += reader.feed(tail)

    assert [(frame.serial, frame.ident, frame.payload()) for frame in seen] == [frame[:3] for frame in frames]
    assert reader.pending == len(tail)


@given(st.lists(st.binary(max_size=64), max_size=8))
def test_any_bytes_give_frames_or_a_frame_error(pieces: list[bytes]) -> None:
    """Nothing but FrameError leaves the reader, and payloads fail with DecodeError at most."""
    reader = FrameReader(max_frame_bytes=1000)
    try:
        for piece in pieces:
            for frame in reader.feed(piece):
                frame.payload()
    except (FrameError, DecodeError):
        pass


@pytest.mark.parametrize(
    ("wire", "what"),
    [
        (uleb(1 << 30) + b"\1\1", "1073741824 bytes"),
        (uleb((1 << 30) | 1 << 63) + b"\1\1", "1073741824 bytes"),
        (b"\xff" * 12, "no end"),
        (b"\0\0\0\0", "cannot hold"),
        (b"\1\0\0\0", "cannot hold"),
        (b"\3\x80\x80\x80\0", "inside"),
        (b"\2\1\x80\1\1\1", "inside"),
    ],
)
def test_nonsense_is_a_frame_error_at_once(wire: bytes, what: str) -> None:
    """A length that cannot be is refused when it is read, not when its bytes have arrived."""
    reader = FrameReader()

    with pytest.raises(FrameError, match=what):
        reader.feed(wire)

    assert reader.pending == 0
    with pytest.raises(FrameError, match=what):
        reader.feed(encode_frame(1, 1, b""))
    assert issubclass(FrameError, ProtocolUnsupported)


def test_frames_before_nonsense_are_kept() -> None:
    """What the same piece completed before the nonsense is on the error."""
    with pytest.raises(FrameError) as caught:
        FrameReader().feed(encode_frame(5, 2, b"data") + b"\0\0")

    assert caught.value.frames == (Frame(5, 2, False, b"data"),)


@pytest.mark.parametrize("piece", [1000, 65536])
def test_a_large_frame_in_small_pieces_takes_linear_time(piece: int) -> None:
    """48 MiB in pieces of a kilobyte would take minutes if each piece were to copy what is there."""
    body = bytes(48 << 20)
    wire = encode_frame(9, 23, body)
    reader = FrameReader()
    begin = time.monotonic()

    seen = [frame for start in range(0, len(wire), piece) for frame in reader.feed(wire[start : start + piece])]

    assert time.monotonic() - begin < 10
    assert seen == [Frame(9, 23, False, body)]


def test_many_small_frames_in_one_piece_take_linear_time() -> None:
    """Half a million frames at once are cut without moving the rest for each."""
    wire = encode_frame(0, 37, b"\5") * 500_000
    begin = time.monotonic()

    assert len(FrameReader().feed(wire)) == 500_000

    assert time.monotonic() - begin < 20


@given(st.binary(max_size=3000))
def test_inflate_returns_what_was_compressed(data: bytes) -> None:
    """Frames with and without a content size inflate."""
    assert inflate(squeeze(data)) == data
    assert inflate(zstandard.ZstdCompressor().compress(data)) == data


def test_a_zstd_bomb_is_refused() -> None:
    """A gigabyte of zeros in 32 kB does not become one."""
    bomb = squeeze(bytes(1 << 30))
    assert len(bomb) < 100_000

    with pytest.raises(DecodeError, match="more than"):
        Frame(0, 23, True, bomb).payload()

    assert inflate(squeeze(b"and the next one is fine" * 9)) == b"and the next one is fine" * 9


def test_the_bound_is_exact() -> None:
    """A payload of the largest size passes, one byte more does not."""
    assert len(inflate(squeeze(bytes(5000)), 5000)) == 5000
    with pytest.raises(DecodeError):
        inflate(squeeze(bytes(5001)), 5000)


def test_damaged_compressed_data_is_a_decode_error() -> None:
    """Cut off, followed by something, in two frames, not zstd at all, or with a window beyond reason."""
    whole = squeeze(b"".join(bytes((n % 251,)) * 3 for n in range(4000)))
    for cut in range(len(whole)):
        with pytest.raises(DecodeError):
            inflate(whole[:cut])
    for damaged in (whole + b"\0", whole + whole, b"not zstd", b"", b"\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00"):
        with pytest.raises(DecodeError):
            inflate(damaged)


@given(st.integers(0, 4000), st.integers(1, 255))
def test_flipped_bits_never_crash_inflate(at: int, mask: int) -> None:
    """One damaged byte gives DecodeError or other bytes."""
    damaged = bytearray(squeeze(b"".join(b"row %d of many\n" % n for n in range(900))))
    damaged[at % len(damaged)] ^= mask
    with suppress(DecodeError):
        inflate(bytes(damaged), 1 << 20)


def test_threads_do_not_share_a_context() -> None:
    """Frames inflate in several threads at once, and the contexts are used again."""
    data = [bytes((n,)) * 200_000 + b"end" for n in range(8)]
    squeezed = [squeeze(item) for item in data]
    wrong: list[int] = []

    def work(n: int) -> None:
        for _ in range(50):
            if inflate(squeezed[n]) != data[n]:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(frames_module._idle_inflaters) <= 9


def test_compress_is_a_wish() -> None:
    """Small payloads and those that would grow go as they are; the length of compressed frames has ten bytes."""
    assert encode_frame(1, 9, b"x" * 32, compress=True) == encode_frame(1, 9, b"x" * 32)
    assert encode_frame(1, 9, bytes(range(256)), compress=True) == encode_frame(1, 9, bytes(range(256)))
    assert encode_frame(1, 9, b"x" * 99, compress=True)[9] == 1


def test_what_no_reader_would_take_is_not_written() -> None:
    """A frame beyond the limit and a negative serial are EncodeErrors."""
    with pytest.raises(EncodeError):
        encode_frame(1, 9, bytes(frames_module.MAX_FRAME_BYTES))
    with pytest.raises(EncodeError):
        encode_frame(-1, 9, b"")
