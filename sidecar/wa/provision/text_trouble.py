"""Text that is not understood, and so is not changed."""

from __future__ import annotations


class TextTrouble(Exception):
    def __init__(self, line: int | None, reason: str) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.line = line
        self.reason = reason
