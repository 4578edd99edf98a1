"""Whole lines out of a stream that may stop anywhere."""

from __future__ import annotations

from typing import NamedTuple

MAX_LINE_BYTES = 2 * 1024 * 1024
"""Longer lines are passed over: Codex writes pictures and whole histories in one line. Parsing holds the interpreter for some
15 ms a megabyte of text, 50 where it is all small values (CPython 3.11)."""
HEAD_BYTES = 256


class TooLong(NamedTuple):
    """A line that was passed over."""

    head: bytes
    """Its first bytes."""


class LineFeed:
    """Keeps the half-written last line until it is whole."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_bytes
        self._parts: list[bytes] = []
        self._held = 0
        self._too_long: TooLong | None = None

    def feed(self, data: bytes) -> list[bytes | TooLong]:
        """The lines that became whole, without their ends and without blank ones."""
        found: list[bytes | TooLong] = []
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._keep(part)
            if self._too_long is not None:
                found.append(self._too_long)
            elif line := b"".join(self._parts).strip(b"\r \t\0"):
                found.append(line)
            self.forget()
        self._keep(rest)
        return found

    def forget(self) -> None:
        self._parts, self._held, self._too_long = [], 0, None

    def _keep(self, part: bytes) -> None:
        if not part or self._too_long is not None:
            return
        self._held += len(part)
        self._parts.append(part)
        if self._held > self._max:
            self._too_long = TooLong(b"".join(self._parts)[:HEAD_BYTES])
            self._parts = []
