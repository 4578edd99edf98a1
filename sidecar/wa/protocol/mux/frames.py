"""Frames of WezTerm's mux: `uleb(length | compressed << 63) uleb(serial) uleb(ident) data`.

`length` counts the encoded serial, ident and data. Serial 0 is a push; a reply repeats its request's serial.
Compressed data is one zstd frame without a content size.
"""

from __future__ import annotations

from typing import NamedTuple

import zstandard

from wa.protocol.mux.errors import DecodeError, EncodeError, FrameError
from wa.protocol.mux.varbincode import uleb

MAX_FRAME_BYTES = 64 * 1024 * 1024
MAX_PAYLOAD_BYTES = 64 * 1024 * 1024
"""Inflated; 3,500 rows of 200 true-colour cells are 19 MB."""

COMPRESS_ABOVE = 32
"""WezTerm compresses payloads larger than this if it helps (codec/src/lib.rs, 2025-02-23)."""

_COMPRESSED = 1 << 63
_LONGEST_VARINT = 10
_MAX_WINDOW_BYTES = 8 * 1024 * 1024
"""What RFC 8878 asks decoders to support; WezTerm's level 3 needs 2 MiB."""
_INFLATE_STEP = 2048
"""Bytes of input: four of them can stand for 128 KiB, so this bounds what one step yields to 64 MiB."""


class Frame(NamedTuple):
    serial: int
    ident: int
    compressed: bool
    data: bytes
    """As on the wire; `payload()` inflates."""

    def payload(self, max_bytes: int = MAX_PAYLOAD_BYTES) -> bytes:
        return inflate(self.data, max_bytes) if self.compressed else self.data


_idle_inflaters: list[zstandard.ZstdDecompressor] = []
_idle_deflaters: list[zstandard.ZstdCompressor] = []
"""Contexts cost forty times what a small frame costs. Each is taken out while in use, so threads never share one."""


def _inflater() -> zstandard.ZstdDecompressor:
    try:
        return _idle_inflaters.pop()
    except IndexError:
        return zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)


def _deflate(payload: bytes) -> bytes:
    try:
        deflater = _idle_deflaters.pop()
    except IndexError:
        deflater = zstandard.ZstdCompressor(write_content_size=False)
    try:
        return deflater.compress(payload)
    finally:
        _idle_deflaters.append(deflater)


def inflate(data: bytes, max_bytes: int = MAX_PAYLOAD_BYTES) -> bytes:
    """One whole zstd frame and nothing after it. A bomb is refused before it holds 64 MiB more than `max_bytes`."""
    inflater = _inflater()
    stream = inflater.decompressobj()
    parts: list[bytes] = []
    total = fed = 0
    try:
        while fed < len(data) and not stream.eof:
            part = stream.decompress(data[fed : fed + _INFLATE_STEP])
            fed += _INFLATE_STEP
            parts.append(part)
            total += len(part)
            if total > max_bytes:
                raise DecodeError(f"a payload inflates to more than {max_bytes} bytes")
    except zstandard.ZstdError as error:
        raise DecodeError(f"a compressed payload does not inflate: {error}") from None
    finally:
        _idle_inflaters.append(inflater)
    if not stream.eof:
        raise DecodeError("a compressed payload ends before its zstd frame does")
    if stream.unused_data or fed < len(data):
        raise DecodeError("bytes follow the zstd frame of a compressed payload")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def encode_frame(serial: int, ident: int, payload: bytes, *, compress: bool = False) -> bytes:
    """`compress` is a wish: small payloads, and those that would grow, go as they are."""
    flag = 0
    if compress and len(payload) > COMPRESS_ABOVE:
        squeezed = _deflate(payload)
        if len(squeezed) < len(payload):
            payload, flag = squeezed, _COMPRESSED
    head = uleb(serial) + uleb(ident)
    length = len(head) + len(payload)
    if length > MAX_FRAME_BYTES:
        raise EncodeError(f"a frame of {length} bytes exceeds {MAX_FRAME_BYTES}")
    return b"".join((uleb(length | flag), head, payload))


class FrameReader:
    """Cuts a byte stream into frames, whatever the sizes of the pieces it arrives in; linear in the bytes fed.

    After a FrameError every further feed raises it again. `FrameError.frames` holds what the same piece had completed
    before.
    """

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max = max_frame_bytes
        self._buf = bytearray()
        self._need = 1
        self._broken: str | None = None

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete yet; more than 0 at the end of a stream means a torn frame."""
        return len(self._buf)

    def feed(self, data: bytes) -> list[Frame]:
        if self._broken is not None:
            raise FrameError(self._broken)
        buf = self._buf
        buf += data
        frames: list[Frame] = []
        if len(buf) < self._need:
            return frames
        start = 0
        try:
            while (frame_end := self._frame_end(start)) is not None:
                body, end = frame_end
                serial, at = self._field(body, end)
                ident, at = self._field(at, end)
                frames.append(Frame(serial, ident, self._squeezed, bytes(memoryview(buf)[at:end])))
                start = end
        except FrameError as error:
            self._broken = error.message
            self._buf = bytearray()
            error.frames = tuple(frames)
            raise
        del buf[:start]
        self._need -= start
        return frames

    def _frame_end(self, start: int) -> tuple[int, int] | None:
        """Where the frame at `start` has its serial and its end, or None, with `_need` set, while it is incomplete."""
        buf = self._buf
        value = 0
        for step, byte in enumerate(buf[start : start + _LONGEST_VARINT]):
            value |= (byte & 127) << (7 * step)
            if byte < 128:
                break
        else:
            if len(buf) - start >= _LONGEST_VARINT:
                raise FrameError(
                    "a frame's length has no end: this is not a mux, or its output was mixed with other text"
                )
            self._need = len(buf) + 1
            return None
        length = value & ~_COMPRESSED
        if length > self._max:
            raise FrameError(f"a frame of {length} bytes is announced, the limit is {self._max}")
        if length < 2:
            raise FrameError(f"a frame of {length} bytes cannot hold a serial and an ident")
        self._squeezed = value >= _COMPRESSED
        body = start + step + 1
        end = body + length
        if end > len(buf):
            self._need = end
            return None
        return body, end

    def _field(self, at: int, end: int) -> tuple[int, int]:
        buf = self._buf
        value = 0
        for step, byte in enumerate(buf[at : min(at + _LONGEST_VARINT, end)]):
            value |= (byte & 127) << (7 * step)
            if byte < 128:
                return value, at + step + 1
        raise FrameError("a frame ends inside its serial or ident")
