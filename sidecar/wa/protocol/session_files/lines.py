"""Whole lines out of a stream that may stop anywhere."""

from __future__ import annotations

MAX_LINE_BYTES = 16 * 1024 * 1024
"""Codex writes whole replaced histories in one line, pictures included: megabytes. Longer lines are passed over."""


class LineFeed:
    """Keeps the half-written last line until it is whole."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_bytes
        self._parts: list[bytes] = []
        self._held = 0
        self._passing_over = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """The lines that became whole, without their ends and without blank ones; None for one that was too long."""
        found: list[bytes | None] = []
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._keep(part)
            if self._passing_over:
                found.append(None)
            elif line := b"".join(self._parts).strip(b"\r \t\0"):
                found.append(line)
            self.forget()
        self._keep(rest)
        return found

    def forget(self) -> None:
        self._parts, self._held, self._passing_over = [], 0, False

    def _keep(self, part: bytes) -> None:
        if not part:
            return
        self._held += len(part)
        if self._held > self._max:
            self._passing_over = True
        if self._passing_over:
            self._parts = []
        else:
            self._parts.append(part)
