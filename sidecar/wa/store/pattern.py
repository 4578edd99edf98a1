"""Regular expressions over stored lines, for what words cannot catch: paths, hashes, parts of words.

The syntax is that of the `regex` module. A pattern is tried on each logical line by itself. Words that every match
must hold are given to the index first, so that most chunks are never read.
"""

from __future__ import annotations

import time

import regex

from wa.model.errors import UsageError
from wa.store.query import Place, places_of_lines

_LOOKS_BEYOND = regex.compile(r"\(\?|\\[AZzGKRX]|[*+?}]\+")
"""What could make a pattern match a line but not the text that the line is part of; or the other way round."""
_QUANTIFIERS = "*?{"
_BREAKS = "dDwWsSBpPhNXRLgQE"
"""After a backslash: a class of characters, or something that is not looked into."""


class Pattern:
    """A compiled pattern. `find` raises TimeoutError at *deadline* (of time.monotonic)."""

    def __init__(self, text: str, *, deadline: float) -> None:
        try:
            self._pattern = regex.compile(text)
            self._in_chunk = None if _LOOKS_BEYOND.search(text) else regex.compile(text, regex.MULTILINE)
        except (regex.error, RecursionError, OverflowError) as error:
            raise UsageError(f"not a regular expression: {error}", next_step="Mend the pattern.") from error
        self._words = required_words(text)
        self._deadline = deadline

    def expression(self) -> str | None:
        return " ".join(self._words) or None

    def literal(self) -> str:
        return ""

    def places(self, data: bytes, *, accented: bool) -> list[Place]:  # noqa: ARG002 - patterns are not folded
        return places_of_lines(data, self.find(data.decode()))

    def find(self, text: str) -> list[int]:
        if self._in_chunk is not None and not self._search(self._in_chunk, text):
            return []
        return [number for number, line in enumerate(text.split("\n")) if self._search(self._pattern, line)]

    def _search(self, pattern: regex.Pattern[str], text: str) -> bool:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return pattern.search(text, timeout=left) is not None


def required_words(pattern: str) -> list[str]:
    """Words (`"word"` or `"word"*`, for FTS5) that stand in every match of *pattern*; in doubt none.

    Only plain text outside of groups and classes is looked at. The index knows whole words, so a piece of text counts
    only where the pattern itself says that a word begins there.
    """
    if "(?" in pattern:
        return []
    words: list[str] = []
    for text, begins, ends in _pieces(pattern):
        words += _words_of(text, begins=begins, ends=ends)
    return words


def _pieces(pattern: str) -> list[tuple[str, bool, bool]]:
    """Runs of plain text at the pattern's top level, and whether a word surely begins and ends at their edges."""
    pieces: list[tuple[str, bool, bool]] = []
    run, begins = "", False
    at = depth = 0

    def finish(*, ends: bool) -> None:
        nonlocal run, begins
        if run:
            pieces.append((run, begins, ends))
        run, begins = "", ends

    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "|" and depth == 0:
            return []
        if char == "[":
            at = _class_end(pattern, at)
            finish(ends=False)
        elif char == "\\":
            escaped = pattern[at : at + 1]
            at += 1
            if depth == 0 and escaped == "b":
                finish(ends=True)
            elif depth or escaped in _BREAKS or escaped.isalnum() or not escaped:
                finish(ends=False)
            else:
                run += escaped
        elif char in "()":
            depth += 1 if char == "(" else -1
            finish(ends=False)
        elif char in _QUANTIFIERS or char == "+":
            if char in _QUANTIFIERS:
                run = run[:-1]
            finish(ends=False)
            if char == "{":
                at = pattern.find("}", at) + 1 or len(pattern)
        elif char in "^$" and depth == 0:
            finish(ends=True)
        elif depth or char == "." or not char.isascii():
            finish(ends=False)
        else:
            run += char
    finish(ends=False)
    return pieces


def _class_end(pattern: str, at: int) -> int:
    """Past the `]` that closes the class opened before *at*."""
    if pattern[at : at + 1] == "^":
        at += 1
    if pattern[at : at + 1] == "]":
        at += 1
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1


def _words_of(text: str, *, begins: bool, ends: bool) -> list[str]:
    words: list[str] = []
    at = 0
    while at < len(text):
        if not text[at].isalnum():
            at += 1
            continue
        end = at
        while end < len(text) and text[end].isalnum():
            end += 1
        if (at > 0 or begins) and end - at >= 2:
            words.append(f'"{text[at:end]}"' if end < len(text) or ends else f'"{text[at:end]}"*')
        at = end
    return words
