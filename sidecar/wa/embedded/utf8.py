"""A program's bytes as WezTerm's parser takes them (crates vtparse and utf8parse, 2025-02-23), in valid UTF-8.

A byte that breaks a sequence off is swallowed with it and both become U+FFFD; bytes that begin nothing are passed over;
C1 controls, as bytes or as characters, become the ESC sequences they stand for; DEL is nothing.
"""

from __future__ import annotations

import codecs
import re
import threading

_C1 = re.compile("[\x80-\x9f]")
_FIRST_CONTINUATION = {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}


_unfinished = threading.local()
"""`at`: where the piece under decoding ends inside a character."""


def _length(lead: int) -> int:
    if 0xC2 <= lead <= 0xDF:
        return 2
    return 3 if 0xE0 <= lead <= 0xEF else 4 if 0xF0 <= lead <= 0xF4 else 0


def _mend(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    data, at = error.object, error.start
    lead = data[at]
    length = _length(lead)
    if not length:
        return (chr(lead) if lead < 0xA0 else ""), at + 1
    low, high = _FIRST_CONTINUATION.get(lead, (0x80, 0xBF))
    end = at + 1
    while end < len(data) and low <= data[end] <= high:
        low, high = 0x80, 0xBF
        end += 1
    if end == len(data):
        _unfinished.at = at
        return "", end
    return "\ufffd", end + 1


codecs.register_error("wa.vtparse", _mend)


class Utf8:
    """Feed it pieces of any size; a character cut in two waits for its other half."""

    def __init__(self) -> None:
        self._half = b""

    def feed(self, data: bytes) -> bytes:
        if not self._half and data.isascii():
            return data.replace(b"\x7f", b"") if b"\x7f" in data else data
        data = self._half + data
        self._half = b""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            _unfinished.at = len(data)
            text = data.decode("utf-8", "wa.vtparse")
            self._half = data[_unfinished.at :]
            data = text.encode()
        if _C1.search(text) is not None:
            data = _C1.sub(lambda match: "\x1b" + chr(ord(match[0]) - 0x40), text).encode()
        return data.replace(b"\x7f", b"") if b"\x7f" in data else data
