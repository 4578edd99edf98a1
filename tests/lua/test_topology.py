"""Which panes opened, closed and moved, and which domains came and went, seen by looking twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.lua_stage import Stage


class Eye:
    def __init__(self, folder: Path, before: Eye | None = None) -> None:
        self.stage = Stage(folder, before=before.stage if before else None)
        self.fake = self.stage.fake
        self.topology: Any = self.stage.lua.execute("return require('wa_plugin.topology').new()")
        self.now = 1_000_000

    def look(self, *, at_once: bool = True) -> list[dict[str, Any]]:
        self.now += 1000 if at_once else 0
        found = self.topology.changes(self.topology, self.now, at_once)
        return [self.plain(event) for event in found.values()]

    def plain(self, event: Any) -> dict[str, Any]:
        lists = {}
        for kind, of in event.items():
            if kind != "name":
                lists[kind] = [
                    one if isinstance(one, str) else (one.pane_id, one.tab_id, one.window_id, one.domain)
                    for one in of.values()
                ]
        return lists


@pytest.fixture
def eye(tmp_path: Path) -> Eye:
    return Eye(tmp_path)


def test_what_is_there_at_first_is_new(eye: Eye) -> None:
    """Panes in all windows, in order, and the domains that are attached."""
    window = eye.fake.add_window(1)
    tab = eye.fake.add_tab(window, 2)
    eye.fake.add_pane(tab, 4, "far")
    eye.fake.add_pane(tab, 3)
    eye.fake.add_domain("local")
    eye.fake.add_domain("off", "Detached")

    assert eye.look() == [{"attached": ["local"], "opened": [(3, 2, 1, "local"), (4, 2, 1, "far")]}]
    assert eye.look() == []


def test_panes_open_move_and_close(eye: Eye) -> None:
    """Each change is told once, with where the pane is, or was."""
    one, two = eye.fake.add_window(1), eye.fake.add_window(2)
    tab, other = eye.fake.add_tab(one, 1), eye.fake.add_tab(two, 2)
    first, second = eye.fake.add_pane(tab, 1), eye.fake.add_pane(tab, 2)
    eye.look()
    eye.fake.close_pane(tab, first)
    eye.fake.close_pane(tab, second)
    second.gone = False
    other.list[1] = second
    eye.fake.add_pane(other, 3)

    assert eye.look() == [
        {"opened": [(3, 2, 2, "local")], "moved": [(2, 2, 2, "local")], "closed": [(1, 1, 1, "local")]}
    ]
    assert eye.look() == []


def test_domains_come_and_go(eye: Eye) -> None:
    """By name, whatever it holds."""
    domain = eye.fake.add_domain('it\'s\n"x"', "Detached")
    assert eye.look() == []
    domain.state_now = "Attached"
    assert eye.look() == [{"attached": ['it\'s\n"x"']}]
    domain.state_now = "Detached"

    assert eye.look() == [{"lost": ['it\'s\n"x"']}]


def test_a_reload_tells_only_what_changed_meanwhile(eye: Eye, tmp_path: Path) -> None:
    """The last look is kept outside of the Lua state, whatever the domains are called."""
    for state in (eye, after := Eye(tmp_path)):
        window = state.fake.add_window(1)
        tab = state.fake.add_tab(window, 1)
        state.fake.add_pane(tab, 1, 'a "b" \\ c d')
        state.fake.add_domain("a b")
    eye.look()
    after.fake.add_pane(after.fake.windows[1].list[1], 2)
    for key, value in eye.stage.wezterm.GLOBAL.items():
        assert isinstance(value, str)
        after.stage.wezterm.GLOBAL[key] = value

    assert after.look() == [{"opened": [(2, 1, 1, "local")]}]


def test_looks_are_a_fifth_of_a_second_apart(eye: Eye) -> None:
    """Unless an unknown pane speaks."""
    eye.look()
    before = eye.fake.surveys
    for _ in range(1000):
        eye.look(at_once=False)
    assert eye.fake.surveys == before
    eye.look()

    assert eye.fake.surveys == before + 1


def test_what_closes_during_a_look_is_seen_by_the_next(eye: Eye) -> None:
    """A look that fails tells nothing: unknown is not absent."""
    window = eye.fake.add_window(1)
    tab = eye.fake.add_tab(window, 1)
    eye.fake.add_pane(tab, 1)
    eye.look()
    tab.gone = True
    assert eye.look() == []
    tab.gone = False

    assert eye.look() == []


def test_very_many_panes_are_looked_at_in_pieces(eye: Eye) -> None:
    """No look takes long; together they see everything, in events of a hundred."""
    window = eye.fake.add_window(1)
    for number in range(50):
        tab = eye.fake.add_tab(window, number)
        for place in range(100):
            eye.fake.add_pane(tab, number * 100 + place)
    eye.stage.lua.execute("local real = os.clock; local n = 0; os.clock = function() n = n + 0.0001; return n end")
    events: list[dict[str, Any]] = []
    pieces = 0
    while not events:
        events = eye.look()
        pieces += 1

    assert pieces > 50
    assert [len(event["opened"]) for event in events] == [100] * 50
    assert sorted(place[0] for event in events for place in event["opened"]) == list(range(5000))


def test_a_pane_that_moved_behind_the_look_is_not_closed(eye: Eye) -> None:
    """Seen in neither place, but there: kept."""
    one = eye.fake.add_window(1)
    tab = eye.fake.add_tab(one, 1)
    pane = eye.fake.add_pane(tab, 1)
    eye.look()
    eye.fake.close_pane(tab, pane)
    eye.stage.lua.execute("local pane = ...; require('wezterm').mux.get_pane = function() return pane end", pane)

    assert eye.look() == []
    eye.stage.lua.execute("require('wezterm').mux.get_pane = function() error('not found') end")
    assert eye.look() == [{"closed": [(1, 1, 1, "local")]}]
