"""The user's own wezterm evaluates a new configuration before it is written, in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from wa.provision.lua_check import Tried, try_out

WEZTERM = shutil.which("wezterm")
real = [pytest.mark.wezterm, pytest.mark.skipif(WEZTERM is None, reason="needs wezterm on PATH")]


def tried(home: Path, text: str, program: str = "wezterm", **modules: bytes) -> Tried:
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "DISPLAY": ":77", "WEZTERM_PANE": "3"}
    path = home / ".config" / "wezterm" / "wezterm.lua"
    given = {f"{name}.lua": data for name, data in modules.items()}
    return asyncio.run(try_out([program], text.encode(), path, given, env))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("local x = = 1", ":1: unexpected symbol", marks=real),
        pytest.param("\nlocal x = nil\nreturn x.y", ":3: attempt to index a nil", marks=real),
        pytest.param("return { front_end = 7 }", "front_end", marks=real),
        pytest.param(
            "local w = require 'wezterm'\nlocal c = w.config_builder()\nc.none = 1\nreturn c", "line 3", marks=real
        ),
        pytest.param("require('wezterm').log_warn('careful')\nreturn {}", "careful", marks=real),
        pytest.param("return { color_scheme = 'No Such' }", "No Such", marks=real),
    ],
)
def test_what_it_complains_of_is_told_with_the_line(text: str, why: str, tmp_path: Path) -> None:
    """In the words of its log, with the path that is meant."""
    found = tried(tmp_path, text)

    assert found.trouble is None
    assert any(why in one for one in found.complaints), found
    assert not any("/c/wezterm" in one for one in found.complaints)


@pytest.mark.wezterm
@pytest.mark.skipif(WEZTERM is None, reason="needs wezterm on PATH")
def test_modules_of_the_user_and_new_ones_are_there(tmp_path: Path) -> None:
    """The user's by links, ours in their place; nothing is written into the home's own folders."""
    folder = tmp_path / ".config" / "wezterm"
    folder.mkdir(parents=True)
    (folder / "mine.lua").write_text("return 'mine'")
    (folder / "ours.lua").write_text("return 'old'")
    before = sorted(path.name for path in folder.iterdir())
    text = "local w = require 'wezterm'\nw.log_warn(require 'mine' .. ' ' .. require 'ours')\nreturn {}"

    assert tried(tmp_path, text, ours=b"return 'new'").complaints == ("mine new",)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert tried(tmp_path, "return {}").complaints == ()


@pytest.mark.wezterm
@pytest.mark.skipif(WEZTERM is None, reason="needs wezterm on PATH")
def test_plugins_of_the_user_are_there_and_none_is_fetched_into_their_home(tmp_path: Path) -> None:
    """WezTerm makes folders for plugins that it does not have, and for its log."""
    plugins = tmp_path / ".local" / "share" / "wezterm" / "plugins"
    own = plugins / "httpssCssZssZsexamplesDsinvalidsZsbar" / "plugin"
    own.mkdir(parents=True)
    (own / "init.lua").write_text("return { name = 'bar' }")
    text = "local w = require 'wezterm'\nw.log_warn(w.plugin.require('https://example.invalid/%s').name)\nreturn {}"

    assert tried(tmp_path, text % "bar").complaints == ("bar",)
    assert tried(tmp_path, text % "other").complaints
    assert list(plugins.iterdir()) == [own.parent]
    bare = tmp_path / "bare"
    bare.mkdir()
    assert tried(bare, text % "other").complaints
    assert list(bare.iterdir()) == []


def test_only_what_was_not_said_before_counts() -> None:
    """Line numbers move with the block."""
    before = Tried(("w.lua:3: old", "colour 5"))

    assert Tried(("w.lua:30: old", "colour 5")).new_since(before) == []
    assert Tried(("w.lua:30: new", "colour 5")).new_since(before) == ["w.lua:30: new"]


def test_a_wezterm_that_cannot_be_started_or_fails_says_so(tmp_path: Path) -> None:
    """Then wa's own means must do."""
    assert "cannot be started" in str(tried(tmp_path, "return {}", program="/nowhere/wezterm").trouble)
    assert "ended with 1" in str(tried(tmp_path, "return {}", program=shutil.which("false") or "false").trouble)
