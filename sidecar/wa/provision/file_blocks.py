"""wa's block in a file of either kind: between two lines that are comments (blocks.py), or in Lua (lua_text.py). Pure."""

from __future__ import annotations

import re

from wa.provision import blocks, lua_text
from wa.provision.text_trouble import TextTrouble

LUA = "--"
"""What begins a comment there; nothing else that wa writes into has it."""


def comment_of(text: str, name: str) -> str | None:
    """What begins the comments of the block *name* in *text*; None where it has none."""
    if re.search(rf"--(\[\[)? wa {re.escape(name)}: begin\b", text):
        return LUA
    return blocks.comment_of(text, name)


def block_in(text: str, name: str, comment: str) -> str | None:
    """Raises TextTrouble where its marks do not pair."""
    return lua_text.lua_block_in(text, name) if comment == LUA else blocks.block_in(text, name, comment=comment)


def with_block_of(text: str, was: str, name: str, comment: str) -> str:
    """*text* with the block that *was* has, in its own place; without one where that has none. Raises TextTrouble."""
    if comment == LUA:
        return lua_text.with_lua_block_of(text, was, name)
    body = blocks.block_in(was, name, comment=comment)
    if body is None:
        return blocks.take_block(text, name, comment=comment)
    return blocks.put_block(text, name, body, comment=comment)


def written(text: str, name: str) -> tuple[str, str] | None:
    """Comment and block of what wa has just written; None where it cannot be found again."""
    comment = comment_of(text, name)
    try:
        body = None if comment is None else block_in(text, name, comment)
    except TextTrouble:
        return None
    return None if comment is None or body is None else (comment, body)
