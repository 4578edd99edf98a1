"""One key at the top of a TOML file, changed as text: comments, order and everything else stay as they are.

Only keys of the root table, in one plain word. Each change is checked by reading the result as TOML: if anything but that key
says something else than before, it is refused.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from wa.provision.text_trouble import TextTrouble

_KEY = re.compile(r"[ \t]*([A-Za-z0-9_-]+|\"[^\"\\\r\n]*\"|'[^'\r\n]*')[ \t]*=[ \t]*")


class Statement(NamedTuple):
    """`key = value` of the root table: `text[start:end]`, line break and trailing comment not included."""

    key: str
    start: int
    value: int
    """Where the value begins."""
    end: int
    line_end: int
    """Behind its line break."""


def parse(text: str) -> dict[str, Any]:
    """Raises TextTrouble with the line."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise TextTrouble(int(line[1]) if line else None, str(error).partition(" (at ")[0]) from None


def raw_value(text: str, key: str) -> str | None:
    """As it stands in the file."""
    found = _find(text, key)
    return None if found is None else text[found.value : found.end]


def with_value(text: str, key: str, raw: str) -> str:
    """*text* with `key = raw` at the top, in its old place if it has one. Raises TextTrouble."""
    found = _find(text, key)
    if found is not None:
        return _checked(text, text[: found.value] + raw + text[found.end :], key)
    line = "\r\n" if "\r\n" in text else "\n"
    statements = list(_statements(text))
    at = statements[-1].line_end if statements else 1 if text.startswith("\ufeff") else 0
    before = line if statements and not text[:at].endswith("\n") else ""
    return _checked(text, f"{text[:at]}{before}{key} = {raw}{line}{text[at:]}", key)


def without(text: str, key: str) -> str:
    """*text* without the line that `with_value` has put in. Raises TextTrouble."""
    found = _find(text, key)
    if found is None:
        return text
    return _checked(text, text[: found.start] + text[found.line_end :], key)


def string_list(words: list[str]) -> str:
    """As a TOML array of basic strings; JSON's escapes are TOML's too, but for U+007F."""
    return "[" + ", ".join(json.dumps(word, ensure_ascii=False).replace("\x7f", "\\u007F") for word in words) + "]"


def _checked(before: str, after: str, key: str) -> str:
    old, new = parse(before), parse(after)
    old.pop(key, None)
    new.pop(key, None)
    if old != new:
        raise TextTrouble(None, f"`{key}` cannot be changed without changing something else")
    return after


def _find(text: str, key: str) -> Statement | None:
    found = [one for one in _statements(text) if one.key == key]
    if not found and key in parse(text):
        raise TextTrouble(None, f"`{key}` is written in a way that is not understood here")
    return found[0] if found else None


def _statements(text: str) -> Iterator[Statement]:
    """Of the root table, as long as they have one plain key. *text* is TOML."""
    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        line_end = _line_end(text, at)
        stripped = text[at:line_end].strip()
        if stripped.startswith("["):
            return
        if not stripped or stripped.startswith("#"):
            at = line_end
            continue
        key = _KEY.match(text, at)
        start = key.end() if key is not None else text.index("=", at) + 1
        end = _value_end(text, start)
        line_end = _line_end(text, end)
        if key is not None:
            yield Statement(key[1].strip("\"'"), at, start, end, line_end)
        else:
            yield Statement("", at, start, end, line_end)
        at = line_end


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _value_end(text: str, at: int) -> int:
    """Where the value that begins at *at* ends."""
    depth, end = 0, at
    while at < len(text):
        sign = text[at]
        if sign in "\"'":
            at = end = _string_end(text, at)
        elif sign == "#":
            if depth == 0:
                return end
            at = _line_end(text, at)
        elif sign == "\n" and depth == 0:
            return end
        else:
            depth += (sign in "[{") - (sign in "]}")
            at += 1
            end = end if sign in " \t\r\n" else at
    return end


def _string_end(text: str, at: int) -> int:
    quote = text[at]
    close = quote * 3 if text.startswith(quote * 3, at) else quote
    at += len(close)
    while not text.startswith(close, at):
        at += 2 if quote == '"' and text[at] == "\\" else 1
        if at >= len(text):
            raise TextTrouble(None, "a text without an end")
    at += len(close)
    while len(close) == 3 and text[at : at + 1] == quote:  # up to two quotes may stand before the end
        at += 1
    return at
