"""Lua 5.4 text as tokens: enough to know what is code, and how deep it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from wa.provision.text_trouble import TextTrouble

_LONG = re.compile(r"\[(=*)\[")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9][A-Za-z0-9_.]*")
_BLANK = re.compile(r"[ \t\r\n\f\v]+")
_OPENS = frozenset({"do", "function", "if", "repeat"})
"""`while` and `for` open with their `do`."""
_CLOSES = frozenset({"end", "until"})
_BRACKETS = {"(": ")", "[": "]", "{": "}"}


class Kind(Enum):
    NAME = "name"
    """Keywords too."""
    TEXT = "text"
    NUMBER = "number"
    SIGN = "sign"
    COMMENT = "comment"


class Token(NamedTuple):
    kind: Kind
    text: str
    start: int
    end: int
    depth: int
    """How many blocks and brackets are open around it; one that opens or closes stands outside."""


def line_of(text: str, at: int) -> int:
    """From 1, as Lua counts."""
    return len(re.findall(r"\r\n|\n\r|\r|\n", text[:at])) + 1


def tokens(text: str) -> Iterator[Token]:
    """Every token and comment of *text*, in order. Raises TextTrouble where strings, comments or blocks do not close."""
    at, length = 1 if text.startswith("\ufeff") else 0, len(text)
    open_: list[tuple[str, int]] = []
    while at < length:
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        start, sign = at, text[at]
        if text.startswith("--", at):
            at = _comment_end(text, at)
            yield Token(Kind.COMMENT, text[start:at], start, at, len(open_))
        elif sign in "\"'":
            at = _quoted_end(text, at)
            yield Token(Kind.TEXT, text[start:at], start, at, len(open_))
        elif long := _LONG.match(text, at):
            at = _long_end(text, long)
            yield Token(Kind.TEXT, text[start:at], start, at, len(open_))
        elif name := _NAME.match(text, at):
            at = name.end()
            if name[0] in _CLOSES:
                _close(text, open_, name[0], start)
            yield Token(Kind.NAME, name[0], start, at, len(open_))
            if name[0] in _OPENS:
                open_.append((name[0], start))
        elif number := _NUMBER.match(text, at):
            at = number.end()
            yield Token(Kind.NUMBER, number[0], start, at, len(open_))
        else:
            at += 1
            if sign in ")]}":
                _close(text, open_, sign, start)
            yield Token(Kind.SIGN, sign, start, at, len(open_))
            if sign in _BRACKETS:
                open_.append((sign, start))
    if open_:
        word, start = open_[-1]
        raise TextTrouble(line_of(text, start), f"`{word}` is not closed")


def _close(text: str, open_: list[tuple[str, int]], word: str, at: int) -> None:
    if open_:
        opened = open_[-1][0]
        if _BRACKETS.get(opened, "until" if opened == "repeat" else "end") == word:
            open_.pop()
            return
    raise TextTrouble(line_of(text, at), f"`{word}` closes nothing")


def _comment_end(text: str, at: int) -> int:
    if long := _LONG.match(text, at + 2):
        return _long_end(text, long)
    found = re.compile(r"[\r\n]").search(text, at)
    return len(text) if found is None else found.start()


def _long_end(text: str, opening: re.Match[str]) -> int:
    close = f"]{opening[1]}]"
    found = text.find(close, opening.end())
    if found < 0:
        raise TextTrouble(line_of(text, opening.start()), f"`{opening[0]}` is not closed")
    return found + len(close)


def _quoted_end(text: str, start: int) -> int:
    quote, at = text[start], start + 1
    while at < len(text) and text[at] not in "\r\n":
        if text[at] == quote:
            return at + 1
        if text[at] != "\\":
            at += 1
        elif text.startswith("z", at + 1):
            blank = _BLANK.match(text, at + 2)
            at = blank.end() if blank else at + 2
        else:
            at += 3 if text[at + 1 : at + 3] in ("\r\n", "\n\r") else 2
    raise TextTrouble(line_of(text, start), "a string is not closed")
