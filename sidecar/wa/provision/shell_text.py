"""Shell start-up files taken apart into simple commands: read, never run. Pure.

Enough of sh, bash, zsh and fish to find aliases, functions and sourced files; what is meant for another purpose comes
out as words that nobody asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_HEREDOC = re.compile(r"<<(-?)\s*(\\?)(['\"]?)([A-Za-z_][\w.-]*)\3")
_ENDS = frozenset("\n;&|()")


class Word(NamedTuple):
    text: str
    """Quotes and escapes taken away."""
    expands: bool = False
    """It holds a `$` or a backquote that a shell would act on: its text is not what the shell would see."""


class Command(NamedTuple):
    words: tuple[Word, ...]
    line: int

    def texts(self) -> list[str]:
        return [word.text for word in self.words]


def commands(text: str) -> Iterator[Command]:
    """Simple commands in order. Braces and keywords (`{`, `then`, `end`) are words of theirs."""
    at, line, size = 0, 1, len(text)
    words: list[Word] = []
    waiting: list[tuple[str, bool]] = []
    began = 1
    while at < size:
        sign = text[at]
        if sign == "\\" and text[at + 1 : at + 2] == "\n":
            at, line = at + 2, line + 1
        elif sign in " \t\r":
            at += 1
        elif sign == "#":
            at = _until_line_end(text, at)
        elif sign in _ENDS:
            if words:
                yield Command(tuple(words), began)
                words = []
            if sign == "(" and text[at + 1 : at + 2] == ")":
                yield Command((Word("()"),), line)
                at += 2
                continue
            at += 1
            if sign == "\n":
                line += 1
                for mark, tabs in waiting:
                    at, passed = _past_heredoc(text, at, mark, tabs)
                    line += passed
                waiting = []
        elif sign == "<" and (found := _HEREDOC.match(text, at)) and text[at + 2 : at + 3] != "<":
            waiting.append((found[4], bool(found[1])))
            at = found.end()
        else:
            if not words:
                began = line
            word, end = _word(text, at)
            line += text.count("\n", at, end)
            words.append(word)
            at = end
    if words:
        yield Command(tuple(words), began)


def words_of(text: str) -> list[Word]:
    """Those of the first simple command in *text*."""
    first = next(commands(text), None)
    return [] if first is None else list(first.words)


def _until_line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _past_heredoc(text: str, at: int, end: str, tabs: bool) -> tuple[int, int]:
    passed = 0
    while at < len(text):
        stop = _until_line_end(text, at)
        row = text[at:stop]
        at, passed = min(stop + 1, len(text)), passed + 1
        if (row.lstrip("\t") if tabs else row) == end:
            break
    return at, passed


def _word(text: str, at: int) -> tuple[Word, int]:
    pieces: list[str] = []
    expands = False
    size = len(text)
    while at < size:
        sign = text[at]
        if sign in " \t\r" or sign in _ENDS:
            break
        if sign == "\\":
            following = text[at + 1 : at + 2]
            pieces.append("" if following == "\n" else following)
            at += 2
        elif sign == "'":
            end = text.find("'", at + 1)
            end = size if end < 0 else end
            pieces.append(text[at + 1 : end])
            at = end + 1
        elif sign == '"':
            inner, at, found = _double(text, at + 1)
            pieces.append(inner)
            expands = expands or found
        else:
            expands = expands or sign in "$`"
            pieces.append(sign)
            at += 1
            if sign == "$" and text[at : at + 1] == "(":
                # A substitution is one piece, else its end would end the word's command.
                end = _past_parentheses(text, at)
                pieces.append(text[at:end])
                at = end
    return Word("".join(pieces), expands), at


def _double(text: str, at: int) -> tuple[str, int, bool]:
    pieces: list[str] = []
    expands = False
    while at < len(text):
        sign = text[at]
        if sign == '"':
            return "".join(pieces), at + 1, expands
        if sign == "\\" and text[at + 1 : at + 2] in ("$", "`", '"', "\\", "\n"):
            pieces.append(text[at + 1].replace("\n", ""))
            at += 2
            continue
        expands = expands or sign in "$`"
        pieces.append(sign)
        at += 1
    return "".join(pieces), at, expands


def _past_parentheses(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
        if depth == 0:
            break
    return at
