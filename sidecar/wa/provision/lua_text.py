"""A block of wa's in a configuration written in Lua, changed as text: every byte of the user's stays.

It stands before the last `return` where that returns a variable. Any other expression is put into a call, between
`--[[ wa NAME: begin ]]` and `--[[ wa NAME: end ]]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from wa.provision.lua import KEYWORDS
from wa.provision.lua_tokens import Kind, Token, line_of, tokens
from wa.provision.text_trouble import TextTrouble

WARNING = "-- Written by wa; anything changed between these lines is lost when it writes again."
IN_CALL = "config"
"""The name of the table where the user's file has none for it."""


_IN_CALL = re.compile(r"--\[\[ wa \S+: (begin|end)\b")
"""A mark of a block around the expression: another block's stand outside or inside of it, never between its marks."""


class Returned(NamedTuple):
    """The last statement of a chunk: `text[start:end]` is what it returns."""

    at: int
    """Of the word `return`."""
    start: int
    end: int
    variable: str | None


def returned(text: str) -> Returned:
    """Raises TextTrouble where the chunk returns nothing."""
    found, last = None, None
    rest: list[Token] = []
    for token in tokens(text):
        if token.kind is Kind.COMMENT and not (found and _IN_CALL.match(token.text)):
            continue
        if found is not None:
            rest.append(token)
        elif token.text == "return" and token.kind is Kind.NAME and token.depth == 0:
            found = token
        last = token
    if found is None:
        raise TextTrouble(line_of(text, last.end) if last else None, "the file returns no configuration")
    if rest and rest[-1].text == ";" and rest[-1].kind is Kind.SIGN:
        rest.pop()
    if not rest:
        raise TextTrouble(line_of(text, found.start), "the file returns nothing")
    only = rest[0] if len(rest) == 1 else None
    is_variable = only is not None and only.kind is Kind.NAME and only.text not in KEYWORDS
    return Returned(found.start, rest[0].start, rest[-1].end, only.text if only and is_variable else None)


def put_lua_block(text: str, name: str, body: Callable[[str], str]) -> str:
    """*text* with the block *name*, in the place of one that is there; *body* gets the name of the configuration's table.

    Raises TextTrouble where it cannot be done safely.
    """
    old = _marked(text, name)
    plain = take_lua_block(text, name)
    found = returned(plain)
    line_start = max(plain.rfind("\n", 0, found.at), plain.rfind("\r", 0, found.at)) + 1
    line_start = max(line_start, 1 if plain.startswith("\ufeff") else 0)
    is_alone = plain[line_start : found.at].strip(" \t") == ""
    line_end = _line_end(plain)
    lines = [WARNING, *(line.rstrip() for line in body(found.variable or IN_CALL).rstrip("\n").split("\n"))]
    begin, end = f"--[[ wa {name}: begin ]]", f"--[[ wa {name}: end ]]"
    if found.variable is None:
        call = [f"{begin} (function({IN_CALL})", *lines, f"return {IN_CALL}", f"end)( {end}"]
        fresh = [line_end.join(call), f"{begin} ) {end}"]
        places = [found.start, found.end]
    elif is_alone:
        fresh = [line_end.join([f"-- wa {name}: begin", *lines, f"-- wa {name}: end", ""])]
        places = [line_start]
    else:
        fresh = [line_end.join([begin, *lines, end])]
        places = [found.at]
    if len(old) == len(fresh) and all(
        text.startswith("--[[", start) is one.startswith("--[[") for (start, _), one in zip(old, fresh, strict=True)
    ):
        return _replaced(text, old, fresh)
    return _replaced(plain, [(at, at) for at in places], fresh)


def take_lua_block(text: str, name: str) -> str:
    """*text* without the block *name*: the very bytes from before. Raises TextTrouble where its marks do not pair."""
    found = _marked(text, name)
    return _replaced(text, found, [""] * len(found))


def lua_block_in(text: str, name: str) -> str | None:
    """What stands between the marks of the block *name*, marks included."""
    found = _marked(text, name)
    return "".join(text[start:end] for start, end in found) if found else None


def with_lua_block_of(text: str, was: str, name: str) -> str:
    """*text* with the block that *was* has in the place of its own; without one where that has none. Raises TextTrouble."""
    places, fresh = _marked(text, name), [was[start:end] for start, end in _marked(was, name)]
    if not fresh:
        return take_lua_block(text, name)
    if len(fresh) != len(places):
        raise TextTrouble(None, f"wa's block {name!r} is of another kind than it was")
    return _replaced(text, places, fresh)


def lua_block_alone(text: str, name: str) -> str | None:
    """A chunk with the block *name* and an empty table for the configuration, which it returns. Raises TextTrouble."""
    pieces = [text[start:end] for start, end in _marked(text, name)]
    if not pieces:
        return None
    if len(pieces) > 1:
        return f"return {pieces[0]} {{}} {pieces[-1]}"
    variable = returned(take_lua_block(text, name)).variable or IN_CALL
    return f"local {variable} = {{}}\n{pieces[0]}\nreturn {variable}"


def _replaced(text: str, places: list[tuple[int, int]], fresh: list[str]) -> str:
    kept, at = list[str](), 0
    for (start, end), one in zip(places, fresh, strict=True):
        kept += [text[at:start], one]
        at = end
    return "".join([*kept, text[at:]])


def _marked(text: str, name: str) -> list[tuple[int, int]]:
    """Where the pieces of a block stand. A comment is a mark, a string that looks like one is none."""
    mark = re.compile(rf"--(\[\[)?[ ]wa[ ]{re.escape(name)}:[ ](begin|end)\b")
    if not mark.search(text):
        return []
    pieces: list[tuple[int, int]] = []
    begun: Token | None = None
    for token in tokens(text):
        found = mark.match(token.text) if token.kind is Kind.COMMENT else None
        if found is None:
            continue
        if (found[2] == "begin") is (begun is not None):
            raise TextTrouble(line_of(text, token.start), f"the marks of wa's block {name!r} do not pair")
        if begun is None:
            begun = token
            continue
        if found[1] is None:
            start = begun.start
            end = token.end
            for line_end in ("\r\n", "\n", "\r"):
                if text.startswith(line_end, end):
                    end += len(line_end)
                    break
            pieces.append((start, end))
        else:
            pieces.append((begun.start, token.end))
        begun = None
    if begun is not None:
        raise TextTrouble(line_of(text, begun.start), f"wa's block {name!r} has no end")
    return pieces


def _line_end(text: str) -> str:
    found = re.search(r"\r\n|\n|\r", text)
    return found[0] if found else "\n"
