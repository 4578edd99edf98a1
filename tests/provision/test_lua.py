"""What is rendered for WezTerm stays data, whatever it holds."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lupa.lua54 import LuaRuntime

from wa import __version__
from wa.config.paths import Paths
from wa.model.errors import ConfigError
from wa.provision.lua import LuaSource, lua, lua_name, plugin_files, render, settings, snippet, write_plugin

RAW = LuaRuntime(encoding=None, unpack_returned_tuples=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    PLAIN.filter(lambda value: value is not None),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, min_size=1, max_size=5),
)
CODE = [
    '"',
    "\\",
    "]]",
    "\\000",
    '" .. os.exit() .. "',
    "{{ python }}",
    "{% raw %}",
    "\n",
    "\r\n",
    "\0",
    "--[[",
    "é\u2063😀",
    "]=]",
]


def evaluated(source: str) -> Any:
    return RAW.execute(b"return " + source.encode("ascii"))


@given(st.binary() | st.sampled_from([text.encode() for text in CODE]))
def test_any_bytes_survive(data: bytes) -> None:
    """Lua reads back what went in, byte for byte."""
    assert evaluated(lua(data)) == data


@given(TEXT | st.sampled_from(CODE))
def test_any_text_survives_a_template(text: str) -> None:
    """A value shaped like code, or like a template, stays a string."""
    assert evaluated(render("{{ value | lua }}", {"value": text})) == text.encode()


def plain(value: Any) -> Any:
    """What Lua gave, as Python has it; an empty table is an empty list."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if hasattr(value, "items"):
        keys = list(value.keys())
        if keys == list(range(1, len(keys) + 1)):
            return [plain(value[key]) for key in keys]
        return {plain(key): plain(one) for key, one in value.items()}
    return value


@given(VALUES)
def test_any_value_survives(value: object) -> None:
    """Numbers of every size, truth, lists and tables within each other."""
    assert plain(evaluated(lua(value))) == value


@pytest.mark.parametrize("value", [object(), float("inf"), 2**63, {1: "x"}, "\ud800", {"a": object()}])
def test_what_lua_has_not_is_refused(value: object) -> None:
    """By an error, not by something like it."""
    with pytest.raises(ConfigError):
        lua(value)


def test_a_path_of_odd_bytes_is_written_as_these_bytes(tmp_path: Path) -> None:
    """Names of files need not be UTF-8."""
    assert evaluated(lua(os.fsdecode(b"/tmp/\xff'\""))) == b"/tmp/\xff'\""
    assert evaluated(lua(Path(os.fsdecode(b"/tmp/\xfe")))) == b"/tmp/\xfe"


@pytest.mark.parametrize("template", ["{{ value }}", "{{ value | upper }}", "x = {{ 'a' ~ value }}"])
def test_a_template_that_forgets_the_filter_is_refused(template: str) -> None:
    """There is no way past the quoting; jinja2's own filters are not even there."""
    with pytest.raises((ConfigError, jinja2.TemplateError)):
        render(template, {"value": "os.exit()"})


def test_a_template_with_an_unknown_name_is_refused() -> None:
    """Nothing defaults silently."""
    with pytest.raises((ConfigError, jinja2.UndefinedError)):
        render("{{ nowhere | lua }}", {})


@pytest.mark.parametrize("name", ["", "end", "a b", "a.b", "os.exit()", "1a", "é", "x]"])
def test_only_names_stand_for_names(name: str) -> None:
    """The name of the configuration's table enters unquoted, so it must be one."""
    with pytest.raises(ConfigError):
        lua_name(name)
    assert lua_name("my_config2") == LuaSource("my_config2")


def test_the_snippet_calls_the_plugin_once_found(tmp_path: Path) -> None:
    """With the table's name and the options; without the plugin the configuration works as before."""
    text = snippet("conf", {"window_title": True, "keys": {"jump": {"key": "j", "mods": '"]]'}}})
    state = LuaRuntime(unpack_returned_tuples=True)
    state.execute("conf = {mine = 1}")
    state.execute(text)
    state.execute("package.loaded.wa_plugin = {apply_to_config = function(c, o) got = {c, o} end}")
    state.execute(text)

    assert state.eval("got[1].mine") == 1
    assert state.eval("got[2].keys.jump.mods") == '"]]'
    assert text.startswith("-- wa: begin")
    assert text.endswith("-- wa: end\n")


def test_the_settings_name_this_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emitter, the socket and the spool of these paths; a `wa` that finds the same home."""
    monkeypatch.setenv("WA_HOME", str(tmp_path / 'it\'s "home"'))
    paths = Paths.from_env()
    found = plain(evaluated(f"(function() {plugin_files(paths)['settings.lua'].decode()} end)()"))

    assert found["socket"] == str(paths.socket)
    assert found["spool"] == str(paths.state / "spool")
    assert Path(found["emit"]).is_file()
    assert found["version"] == __version__
    assert found["wa"][:2] == ["/usr/bin/env", f'WA_HOME={tmp_path}/it\'s "home"']
    assert settings(paths)["python"] == found["python"]


def test_the_plugin_is_written_whole_and_again_without_a_touch(tmp_path: Path) -> None:
    """WezTerm reloads at every change in its folder: what is right is left alone."""
    paths = Paths.from_env({"WA_HOME": str(tmp_path / "home")})
    target, written = write_plugin(tmp_path / "config", paths)
    assert set(written) == set(plugin_files(paths))
    before = {path.name: path.stat().st_mtime_ns for path in target.iterdir()}
    (target / "marker.lua").write_text("broken")
    assert write_plugin(tmp_path / "config", paths) == (target, ["marker.lua"])
    after = {path.name: path.stat().st_mtime_ns for path in target.iterdir()}

    assert set(before) == set(after) == set(plugin_files(paths))
    assert {name for name in before if before[name] != after[name]} == {"marker.lua"}
    assert stat.S_IMODE(paths.runtime.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "config").write_text("a file")
    with pytest.raises(ConfigError, match="config"):
        write_plugin(tmp_path / "config", Paths.from_env({"WA_HOME": str(tmp_path / "home")}))
