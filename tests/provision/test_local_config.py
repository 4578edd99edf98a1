"""The plan for wezterm.lua: whatever the file is, it says the same with wa in it, and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wa.config.paths import Paths
from wa.model.errors import ConfigError
from wa.provision import files
from wa.provision.layout import Picks
from wa.provision.local_config import Part, changes, look
from wa.provision.lua_eval import evaluate
from wa.provision.lua_text import take_lua_block

TRJ = {"name": "trj", "remote_address": "10.0.0.3"}


def planned(home: Path, picks: Picks) -> Part:
    env = {"HOME": str(home)}

    async def plan() -> Part:
        return await changes(await look(env), picks, Paths.from_env(env), env, None)

    return asyncio.run(plan())


def make(part: Part) -> None:
    for one in part.changes:
        assert one.after is not None
        Path(one.path).parent.mkdir(parents=True, exist_ok=True)
        Path(one.path).write_bytes(one.after)


NAME = st.sampled_from(["c", "config", "M", "_", "wezterm"])
LINE = st.sampled_from(["\n", "\r\n"])
VALUE = st.sampled_from(
    ["1", "'return c'", "[[\nreturn\n]]", "{ 1, 2 }", "(function() return 3 end)()", "wezterm.hostname()"]
)


@st.composite
def configurations(draw: st.DrawFn) -> str:
    name, line = draw(NAME), draw(LINE)
    library = "w" if name == "wezterm" else "wezterm"
    lines = [
        f"local {library} = require 'wezterm'",
        f"local {name} = {draw(st.sampled_from(['{}', f'{library}.config_builder()']))}",
    ]
    for key in draw(st.lists(st.sampled_from(["font_size", "keys", "colors", "x"]), unique=True, max_size=3)):
        value = draw(VALUE).replace("wezterm", library)
        table = "{ { key = 'q', mods = ('x' and 'ALT') or " + value + " } }"
        lines.append(f"{name}.{key} = {table if key == 'keys' else '{ ' + value + ' }' if key == 'colors' else value}")
    lines += draw(
        st.lists(st.sampled_from(["-- return x", "--[[ return y ]]", "if nil then return end", ""]), max_size=3)
    )
    ends = [
        f"return {name}",
        f"return ({name})",
        f"return {name}, 5",
        f"return {name} -- done",
        f"local r = {name} return r",
    ]
    lines.append(draw(st.sampled_from(ends)))
    return draw(st.sampled_from(["", "\ufeff"])) + line.join(lines) + draw(st.sampled_from(["", line]))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(configurations(), st.booleans())
def test_any_configuration_keeps_what_it_says(
    tmp_path_factory: pytest.TempPathFactory, text: str, has_domain: bool
) -> None:
    """A second plan is empty; without the block the bytes are the old ones; what was set is still set."""
    home = tmp_path_factory.mktemp("home")
    path = home / ".config" / "wezterm" / "wezterm.lua"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode())
    picks = Picks(domains=(TRJ,) if has_domain else None)
    make(planned(home, picks))
    after = path.read_bytes().decode()

    assert take_lua_block(after, "plugin") == text
    assert [one for one in planned(home, Picks()).changes if one.is_needed] == []
    assert [one for one in planned(home, picks).changes if one.is_needed] == []
    env = {"HOME": str(home)}
    was, now = evaluate(text, path, env=env).config, evaluate(after, path, env=env).config
    own = {key: value for key, value in now.items() if key not in ("keys", "leader", "ssh_domains")}
    assert own == {key: value for key, value in was.items() if key != "keys"}
    assert now.get("keys", [])[: len(was.get("keys", []))] == was.get("keys", [])
    assert [one["name"] for one in now.get("ssh_domains", [])] == (["trj"] if has_domain else [])


def test_options_that_the_user_changed_in_the_call_stay(tmp_path: Path) -> None:
    """Those that are plain values; a domain that they took out does not come back."""
    make(planned(tmp_path, Picks(domains=(TRJ, {"name": "css", "remote_address": "c"}))))
    path = tmp_path / ".config" / "wezterm" / "wezterm.lua"
    text = path.read_text().replace("layout = {", "window_title = true,\n      layout = {", 1)
    text = text.replace(', { name = "css", remote_address = "c" }', "")
    path.write_text(text)
    make(planned(tmp_path, Picks()))
    after = path.read_text()

    assert "window_title = true" in after
    assert "css" not in after
    assert 'startup = { domains = { "trj" }, tabs = 3 }' in after


def test_marks_that_do_not_pair_are_not_touched(tmp_path: Path) -> None:
    """Somebody took out one of the two lines."""
    path = tmp_path / ".config" / "wezterm" / "wezterm.lua"
    path.parent.mkdir(parents=True)
    path.write_text("local c = {}\n-- wa plugin: begin\nreturn c\n")
    part = planned(tmp_path, Picks())

    assert all(str(one.path) != str(path) for one in part.changes)
    assert "has no end" in part.notes[0]


def test_a_folder_that_must_not_be_written_gets_no_plugin(tmp_path: Path) -> None:
    """Then nothing of it is planned, and the lines are printed."""
    folder = tmp_path / ".config" / "wezterm"
    folder.mkdir(parents=True)
    (folder / "wezterm.lua").write_text("return {}")
    folder.chmod(0o555)
    try:
        part = planned(tmp_path, Picks())
    finally:
        folder.chmod(0o755)

    assert part.changes == ()
    assert "is read-only" in part.notes[0]


def test_a_file_that_is_no_text_is_no_configuration(tmp_path: Path) -> None:
    """UTF-16, say."""
    path = tmp_path / ".wezterm.lua"
    path.write_bytes("return {}".encode("utf-16"))

    with pytest.raises(ConfigError, match="does not work as it is"):
        planned(tmp_path, Picks())


def test_a_file_in_a_package_managers_store_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home has a link to it; what to paste is printed, for whatever writes that file."""
    store = tmp_path / "store"
    store.mkdir()
    (store / "abc-wezterm.lua").write_text("return {}")
    path = tmp_path / ".config" / "wezterm" / "wezterm.lua"
    path.parent.mkdir(parents=True)
    path.symlink_to(store / "abc-wezterm.lua")
    monkeypatch.setattr(files, "STORES", (str(store),))
    part = planned(tmp_path, Picks())

    assert all(Path(one.path).name != "wezterm.lua" for one in part.changes)
    assert any("its package manager writes" in note for note in part.notes)
    assert any("wa.apply_to_config(config)" in note for note in part.notes)
