"""A wezterm.lua is read by running it where it can do nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa.provision.lua import lua
from wa.provision.lua_eval import WITHIN_S, LuaTrouble, Opaque, evaluate, ssh_domains

USUAL = """
local wezterm = require 'wezterm'
local act = wezterm.action
local config = wezterm.config_builder()
config.font = wezterm.font_with_fallback { 'JetBrains Mono', 'Noto Color Emoji' }
config.leader = { key = 'a', mods = 'CTRL', timeout_milliseconds = 1000 }
config.keys = {
  { key = 'x', mods = 'LEADER', action = act.SpawnTab 'CurrentPaneDomain' },
  { key = 'y', mods = 'ALT', action = act.ActivateTabRelative(1) },
  { key = 'z', action = wezterm.action_callback(function(window, pane) window:toast() end) },
  { key = 'q', action = act.QuitApplication },
}
config.ssh_domains = { { name = 'trj', remote_address = '10.0.0.3:2222', username = 'ubuntu' } }
local bar = wezterm.plugin.require 'https://example.invalid/bar.wezterm'
bar.apply_to_config(config)
for _, host in ipairs(bar.hosts) do config.keys[#config.keys + 1] = host end
config.color_scheme = wezterm.gui and wezterm.gui.get_appearance():find 'Dark' and 'dark' or 'light'
config.window_background_gradient = { colors = { wezterm.color.parse('#123456'):darken(0.2) } }
config.status = wezterm.nerdfonts.md_tag .. os.date('%H') .. (os.getenv('HOME') or '') .. wezterm.hostname()
local pipe = io.popen('uname')
config.system = pipe:read('*a'):gsub('%s+$', '')
pipe:close()
local handle = io.open('/etc/hostname')
if handle then config.read = true end
wezterm.on('gui-startup', function(cmd) wezterm.mux.spawn_window(cmd or {}) end)
wezterm.on('format-tab-title', function(tab) return tab.tab_title end)
return config
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "wezterm").mkdir()
    return tmp_path / "wezterm" / "wezterm.lua"


def read(text: str, path: Path, **more: Any) -> Any:
    env = {"HOME": str(path.parents[1] / "home"), "XDG_CONFIG_HOME": str(path.parents[1]), "PATH": os.environ["PATH"]}
    return evaluate(text, path, env=env, **more)


def test_a_usual_configuration_gives_its_tables(path: Path) -> None:
    """What was refused or is not known is named; nothing of it stops the reading."""
    found = read(USUAL, path)

    assert found.config["leader"] == {"key": "a", "mods": "CTRL", "timeout_milliseconds": 1000}
    assert found.tables("ssh_domains") == [{"name": "trj", "remote_address": "10.0.0.3:2222", "username": "ubuntu"}]
    assert [one["key"] for one in found.tables("keys")] == ["x", "y", "z", "q"]
    assert found.tables("keys")[0]["action"] == {"action": "SpawnTab", "argument": "CurrentPaneDomain"}
    assert found.tables("keys")[2]["action"]["callback"] == Opaque("function")
    assert found.config["color_scheme"] == "light"
    assert "read" not in found.config
    assert found.handlers == ("gui-startup", "format-tab-title")
    assert found.config["system"] == ""
    assert found.warnings == (
        "the plugin https://example.invalid/bar.wezterm was not loaded",
        "programs that `io.popen` would start were not started",
    )


def test_modules_of_its_own_folder_are_read_and_others_are_not(path: Path) -> None:
    """As WezTerm looks for them: NAME.lua and NAME/init.lua; given ones before those that are there."""
    (path.parent / "hosts").mkdir()
    (path.parent / "hosts" / "init.lua").write_text("return { require 'hosts.one' }")
    (path.parent / "hosts" / "one.lua").write_text("return { name = 'one', from = ... }")
    (path.parents[1] / "outside.lua").write_text("return {}")
    text = "return { ssh_domains = require 'hosts' }"

    assert read(text, path).tables("ssh_domains") == [{"name": "one", "from": "hosts.one"}]
    given = {path.parent / "hosts.lua": b"return { { name = 'given' } }"}
    assert read(text, path, modules=given).tables("ssh_domains") == [{"name": "given"}]
    for module in ("'outside'", "'..outside'", "'/etc/passwd'", "'nowhere'"):
        with pytest.raises(LuaTrouble, match="not found"):
            read(f"return {{ x = require({module}) }}", path)
    with pytest.raises(LuaTrouble, match="cannot open"):
        read(f"return dofile({lua(str(path.parents[1] / 'outside.lua'))})", path)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("local x = 1\n\nx.y.z = 2\nreturn {}", 3, "attempt to index a number"),
        ("local x = {\nreturn x", 2, "unexpected symbol|expected"),
        ("return 5", None, "returns a number, not a table"),
        ("return 'x'", None, "returns a string, not a table"),
        ("local x", None, "returns nothing, not a table"),
        ("return function() end", None, "returns a function, not a table"),
        ("error({})", None, "an error that is a table"),
        ("error('mine', 0)", None, "mine"),
        ("\nrequire('wezterm').on('bell', 5)\nreturn {}", 2, "no function"),
        ("\nos.exit(0)", 2, "os.exit"),
    ],
)
def test_what_does_not_evaluate_says_where(text: str, line: int | None, why: str, path: Path) -> None:
    """Its own line where there is one."""
    with pytest.raises(LuaTrouble, match=why) as caught:
        read(text, path)

    assert caught.value.line == line


def test_an_error_in_a_module_names_the_module(path: Path) -> None:
    """Its line is none of the file's."""
    (path.parent / "broken.lua").write_text("\n\nlocal x = = 1")
    with pytest.raises(LuaTrouble, match=r"broken\.lua:3") as caught:
        read("return { require 'broken' }", path)

    assert caught.value.line == 1


@pytest.mark.parametrize(
    "text",
    [
        "while true do end",
        "coroutine.wrap(function() while true do end end)()",
        "while true do pcall(error) end",
        "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
        "local s = ('a'):rep(40) return { s:find(('a?'):rep(40) .. s) }",
        "local function f() return f() + 1 end return { f() }",
        "return { setmetatable({}, { __gc = function() while true do end end }) }",
        "local a = {} a.a = a return a",
        "local t = {} for i = 1, 1e6 do t[i] = {} end return t",
        "local t = {} local u = t for i = 1, 1e5 do u.x = {} u = u.x end return t",
    ],
)
def test_whatever_it_does_ends(text: str, path: Path) -> None:
    """Endless loops, all memory, patterns without an end, trees without a leaf."""
    began = time.monotonic()
    try:
        read(text, path)
    except LuaTrouble as trouble:
        assert str(trouble)  # noqa: PT017 - either is well

    assert time.monotonic() - began < 3 * WITHIN_S


def test_it_can_neither_write_nor_start_anything(path: Path) -> None:
    """Nor reach Python, nor load bytecode."""
    marker = path.parent / "written"
    text = f"""
    local at = {lua(str(marker))}
    local function try(what, ...) return (pcall(what, ...)) end
    try(function() io.open(at, 'w'):close() end)
    try(function() os.execute('touch ' .. at) end)
    try(function() io.popen('touch ' .. at):read() end)
    try(function() require('wezterm').run_child_process({{ 'touch', at }}) end)
    try(function() package.loadlib('/lib/x86_64-linux-gnu/libc.so.6', '*') end)
    return {{
      debug = debug.sethook, dump = string.dump, python = python, loadlib = package.loadlib,
      bytecode = load('\\27Lua', 'x', 'b'), ran = require('wezterm').run_child_process({{ 'true' }}),
    }}
    """

    assert read(text, path).config == {"ran": False}
    assert not marker.exists()


def test_bytes_that_are_no_utf_8_come_back_as_they_are(path: Path) -> None:
    """A file of another time."""
    text = b"return { a = '\xe4\xff', ['\xe4'] = '\xc3\xa4' }".decode("utf-8", "surrogateescape")

    assert read(text, path).config == {"a": "\udce4\udcff", "\udce4": "ä"}


def test_domains_are_read_from_the_text_where_the_file_fails(path: Path) -> None:
    """Which way it was, and why, is said."""
    broken = """
    -- ssh_domains = { { name = 'comment' } }
    local s = "ssh_domains = { { name = 'string' } }"
    config.ssh_domains = {
      { name = 'a', remote_address = "h:22", username = unknown.name }, -- }
      --[==[ } ]==]
      { name = [[b}]], ssh_option = { identityfile = '/k' }, multiplexing = 'WezTerm' },
    }
    config['ssh_domains'] = { { name = 'c' } }
    this is no lua
    """
    found = ssh_domains(broken, path)

    assert found.way == "read"
    assert found.trouble is not None
    assert "line 10" in found.trouble
    assert [one["name"] for one in found.domains] == ["a", "b}", "c"]
    assert found.domains[0] == {"name": "a", "remote_address": "h:22"}
    assert found.domains[1]["ssh_option"] == {"identityfile": "/k"}
    assert ssh_domains(USUAL, path).way == "evaluated"
    nothing = ssh_domains("local = 1", path)
    assert (nothing.way, nothing.domains) == ("unreadable", ())


PLAIN = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=8), PLAIN, max_size=6))
def test_what_is_written_in_lua_is_read_again(tree: dict[str, Any]) -> None:
    """Every table, but for the empty list, which Lua cannot tell from the empty table."""

    def same(value: Any) -> Any:
        if isinstance(value, list):
            return [same(one) for one in value] or {}
        return {key: same(one) for key, one in value.items()} if isinstance(value, dict) else value

    assert evaluate(f"return {lua(tree)}", Path("/nowhere/wezterm.lua")).config == same(tree)
