"""What the layout's options put into wezterm.lua: what was picked, what is there, and nothing of the user's twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lupa import lua54

from wa.model.host import FoundHost
from wa.provision.layout import LOOKS, Own, Picks, body, call, domain_of, layout_of, own_of
from wa.provision.lua_eval import evaluate

TRJ = {"name": "trj", "remote_address": "10.0.0.3"}
CSS = {"name": "css", "remote_address": "10.0.0.4"}


def test_without_domains_and_wishes_there_is_no_layout() -> None:
    """The block then only turns the plugin on."""
    assert layout_of({}, Picks(), Own()) == {}


def test_with_domains_everything_that_the_user_has_not_is_on() -> None:
    """The one layout that wa makes; each domain has a look of its own."""
    made = layout_of({}, Picks(domains=(TRJ, CSS)), Own())

    assert made["domains"] == [TRJ, CSS]
    assert {name: look["scheme"] for name, look in made["looks"].items()} == {"trj": LOOKS[0][0], "css": LOOKS[1][0]}
    assert made["startup"] == {"tabs": 3, "domains": ["trj", "css"]}
    assert made["keys"] == {"domains": ["trj", "css"]}


def test_what_the_user_has_stays_off_unless_it_is_asked_for() -> None:
    """A leader, a handler of gui-startup, colours; their own domains are not made again, and count."""
    own = Own(domains=("trj",), colours="colours", startup="a handler", keys="a leader")

    assert layout_of({}, Picks(domains=(TRJ, CSS)), own) == {"domains": [CSS]}
    asked = layout_of({}, Picks(colours=True, startup=True, tabs=1, keys=True), own)
    assert set(asked) == {"looks", "startup", "keys"}
    assert asked["startup"] == {"tabs": 1, "domains": ["trj"]}


def test_a_second_run_keeps_what_the_first_one_made() -> None:
    """Also a no, and the colours of each domain when others come."""
    first = layout_of({}, Picks(domains=(TRJ,), keys=False, tabs=2, startup=True), Own())
    assert first["keys"] is False
    assert layout_of(first, Picks(), Own()) == first
    more = layout_of(first, Picks(domains=(CSS,)), Own())

    assert [one["name"] for one in more["domains"]] == ["trj", "css"]
    assert more["looks"]["trj"] == first["looks"]["trj"]
    assert more["looks"]["css"] != first["looks"]["trj"]
    assert more["startup"] == {"tabs": 2, "domains": ["trj", "css"]}
    assert more["keys"] is False


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from("abcdefghij"), unique=True).map(
        lambda names: tuple({"name": name, "remote_address": name} for name in names)
    ),
    st.builds(
        Picks,
        colours=st.none() | st.booleans(),
        startup=st.none() | st.booleans(),
        tabs=st.none() | st.integers(1, 9),
        keys=st.none() | st.booleans(),
    ),
    st.builds(
        Own,
        domains=st.lists(st.sampled_from("abxyz"), unique=True).map(tuple),
        colours=st.none() | st.just("x"),
        startup=st.none() | st.just("x"),
        keys=st.none() | st.just("x"),
    ),
)
def test_whatever_is_picked_a_second_run_changes_nothing(
    domains: tuple[dict[str, Any], ...], picks: Picks, own: Own
) -> None:
    """With the same words, or with none."""
    given = Picks(domains, picks.colours, picks.startup, picks.tabs, picks.keys)
    first = layout_of({}, given, own)

    assert layout_of(first, given, own) == first
    assert layout_of(first, Picks(), own) == first
    names = [one["name"] for one in first.get("domains", ())]
    assert not set(names) & set(own.domains)


def test_the_lines_are_lua_that_says_the_same(tmp_path: Path) -> None:
    """Names that are code, keywords and quotes are texts; the order of the keys is always the same."""
    hostile = {"name": "a]] end os.exit() --", "remote_address": 'x"\n', "username": "é\\", "end": "nil"}
    layout = layout_of({}, Picks(domains=(hostile, TRJ)), Own())
    text = body("c", {"layout": layout})
    plugin = {tmp_path / "wezterm" / "wa_plugin.lua": b"return { apply_to_config = function(c, o) c.o = o end }"}
    env = {"HOME": "/nowhere", "XDG_CONFIG_HOME": str(tmp_path)}
    found = evaluate(f"local c = {{}}\n{text}return c", tmp_path / "x.lua", env=env, modules=plugin)

    assert found.config["o"]["layout"] == layout
    backwards = {key: layout[key] for key in reversed(layout)}
    assert body("c", {"layout": backwards}) == text
    pasted = "\n".join(call({"layout": layout}))
    assert lua54.LuaRuntime().execute("local text = ... return load(text) ~= nil", pasted)


def test_what_the_user_has_is_read_from_their_configuration(tmp_path: Path) -> None:
    """Told in words."""
    text = """
    local wezterm = require 'wezterm'
    wezterm.on('gui-startup', function() end)
    return { leader = { key = 'b', mods = 'CTRL' }, color_scheme = 'Batman', ssh_domains = {
      { name = 'one', remote_address = 'h' }, { name = 'plain', remote_address = 'h', multiplexing = 'None' },
    }, unix_domains = { { name = 'socket' } } }
    """
    own = own_of(evaluate(text, tmp_path / "wezterm.lua"))

    assert own.domains == ("one", "socket")
    assert own.keys == "a leader of your own, CTRL b"
    assert own.colours == "colours of your own (Batman)"
    assert own.startup == "a gui-startup handler of your own"
    assert not own.draws_tabs
    assert own_of(evaluate("return { colors = { background = 'red' } }", tmp_path / "wezterm.lua")).colours == (
        "colours of your own"
    )
    assert own_of(evaluate("return {}", tmp_path / "wezterm.lua")) == Own()


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        (
            FoundHost("trj", "trj", ("ssh config",), user="ubuntu", address="10.0.0.3", port=2222, identities=("/k",)),
            {
                "name": "trj",
                "remote_address": "10.0.0.3:2222",
                "username": "ubuntu",
                "ssh_option": {"identityfile": "/k"},
            },
        ),
        (
            FoundHost("v6", "v6", ("given",), user="u", address="fe80::1", port=22),
            {"name": "v6", "remote_address": "[fe80::1]", "username": "u"},
        ),
        (
            FoundHost("far", "far", ("ssh config",), user="u", address="10.1.1.1", port=22, jump="gate"),
            {"name": "far", "remote_address": "far", "username": "u"},
        ),
    ],
)
def test_a_host_becomes_a_domain_that_wezterm_multiplexes(host: FoundHost, wanted: dict[str, Any]) -> None:
    """With what ssh knows; over another machine by its alias, which WezTerm looks up itself."""
    assert domain_of(host) == {**wanted, "multiplexing": "WezTerm", "assume_shell": "Posix"}
