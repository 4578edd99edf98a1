"""wa's block taken out of a file that the user went on editing, Lua or not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.config.paths import Paths
from wa.provision.applying import apply
from wa.provision.blocks import put_block
from wa.provision.files import file_change
from wa.provision.lua_text import put_lua_block
from wa.provision.own_block import OwnBlock
from wa.provision.plan import Plan
from wa.provision.undoing import undo

LUA = [
    "local c = {}\nc.own = 1\nreturn c\n",
    "return { own = 1 }",
    "return { own = 1 } -- done\r\n",
    "local c = {} c.own = 1 return c",
]


def lua(text: str, value: int) -> str:
    return put_lua_block(text, "tune", lambda config: f"{config}.ours = {value}")


@pytest.mark.parametrize("text", LUA)
def test_the_users_edits_outlive_undo(tmp_path: Path, text: str) -> None:
    """Two plans write the block, the user edits beside it: each undo changes the block alone, the last takes it out."""
    paths = Paths.from_env({"WA_HOME": str(tmp_path / "wa")})
    paths.ensure()
    file = tmp_path / "wezterm.lua"
    file.write_bytes(text.encode())

    async def scenario() -> None:
        for value in (10, 20):
            after = lua(file.read_bytes().decode(), value).encode()
            await apply(Plan("tune", (file_change(file, after, "the block", block="tune"),)), paths)
        file.write_bytes(file.read_bytes().replace(b"own = 1", b"own = 2"))
        await undo(paths, None)
        assert file.read_bytes().decode() == lua(text.replace("own = 1", "own = 2"), 10)
        await undo(paths, None)

    asyncio.run(scenario())
    assert file.read_bytes().decode() == text.replace("own = 1", "own = 2")


@pytest.mark.parametrize("text", LUA)
def test_an_edited_block_is_a_conflict(tmp_path: Path, text: str) -> None:
    """What the user wrote between the marks is not thrown away."""
    paths = Paths.from_env({"WA_HOME": str(tmp_path / "wa")})
    paths.ensure()
    file = tmp_path / "wezterm.lua"
    file.write_bytes(text.encode())

    async def scenario() -> str:
        change = file_change(file, lua(text, 10).encode(), "the block", block="tune")
        await apply(Plan("tune", (change,)), paths)
        file.write_bytes(file.read_bytes().replace(b"ours = 10", b"ours = 11"))
        return (await undo(paths, None))["plans"][0]["changes"][0]["state"]

    assert asyncio.run(scenario()) == "conflict"
    assert b"ours = 11" in file.read_bytes()


@given(st.sampled_from(LUA), st.integers(0, 9), st.integers(0, 9))
def test_in_lua_a_block_is_given_back(text: str, first: int, second: int) -> None:
    """As it was, or none."""
    now, was = lua(text, second), lua(text, first)

    own = OwnBlock.of(now, "tune")
    assert own is not None
    assert own.syntax == "lua"
    assert own.with_that_of(now, was) == was
    assert own.with_that_of(now, text) == text


def test_elsewhere_too() -> None:
    """Between two lines that are comments."""
    now, was = put_block("a\n", "shell", "new"), put_block("a\n", "shell", "old")
    own = OwnBlock.of(now, "shell")

    assert own is not None
    assert own.found(now) == "new"
    assert own.with_that_of(now, was) == was
    assert own.with_that_of(now, "a\n") == "a\n"


@pytest.mark.parametrize("text", ["nothing\n", "", "-- wa tuner: begin\n"])
def test_what_has_no_block_is_none(text: str) -> None:
    """Undo then compares whole files."""
    assert OwnBlock.of(text, "tune") is None
