"""The block of a file change, in whichever of the two syntaxes it was written: between comment lines, or in Lua."""

from __future__ import annotations

from typing import NamedTuple

from wa.provision import blocks

LUA = "lua"


class OwnBlock(NamedTuple):
    name: str
    syntax: str
    """`lua`, or what begins a comment."""

    @classmethod
    def of(cls, text: str, name: str) -> OwnBlock | None:
        """None: it has none of that name. Raises TextTrouble."""
        if f"-- wa {name}: begin" in text or f"--[[ wa {name}: begin" in text:
            # Nothing else that wa writes into has comments that begin so.
            return cls(name, LUA)
        comment = blocks.comment_of(text, name)
        return None if comment is None else cls(name, comment)

    def found(self, text: str) -> str | None:
        """Raises TextTrouble where its marks do not pair."""
        if self.syntax == LUA:
            # Imported here: with it comes a template engine.
            from wa.provision.lua_text import lua_block_in

            return lua_block_in(text, self.name)
        return blocks.block_in(text, self.name, comment=self.syntax)

    def with_that_of(self, text: str, was: str) -> str:
        """*text* with the block that *was* has, in its place; without one where that has none. Raises TextTrouble."""
        if self.syntax == LUA:
            from wa.provision.lua_text import with_lua_block_of

            return with_lua_block_of(text, was, self.name)
        former = blocks.block_in(was, self.name, comment=self.syntax)
        if former is None:
            return blocks.take_block(text, self.name, comment=self.syntax)
        return blocks.put_block(text, self.name, former, comment=self.syntax)
