"""The layout: domains, looks, a start and keys, each only where it is asked for and nothing of the user's is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.lua_stage import MARK, Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def listed(table: Any) -> list[Any]:
    return list(table.values()) if table is not None else []


def bound(config: Any) -> dict[tuple[str, str], Any]:
    return {(one.mods or "NONE", one.key): one.action for one in listed(config["keys"])}


def test_without_a_layout_nothing_of_it_is_there(stage: Stage) -> None:
    """Neither domains, keys nor colours."""
    config = stage.apply()

    assert dict(config.items()) == {}


def test_domains_are_added_beside_those_that_are_there(stage: Stage) -> None:
    """One whose name is taken stays as it is; what WezTerm makes of ssh's own configuration stays too."""
    layout = """{ layout = { domains = {
        { name = "trj", remote_address = "new" }, { name = "css", remote_address = "c", multiplexing = "WezTerm" },
    } } }"""
    fresh = stage.apply(layout)
    assert [one.name for one in listed(fresh.ssh_domains)] == ["SSH:usual", "trj", "css"]

    other = Stage(stage.folder)
    own = other.apply(layout, '{ ssh_domains = { { name = "trj", remote_address = "old" } } }')
    assert [(one.name, one.remote_address) for one in listed(own.ssh_domains)] == [("trj", "old"), ("css", "c")]
    third = Stage(stage.folder)
    unix = third.apply(layout, '{ ssh_domains = {}, unix_domains = { { name = "css" } } }')
    assert [one.name for one in listed(unix.ssh_domains)] == ["trj"]


def test_keys_go_between_domains(stage: Stage) -> None:
    """Ctrl-a and a digit: a tab there; arrows: tabs; w: the launcher; twice Ctrl-a: the key itself."""
    config = stage.apply('{ layout = { keys = { domains = { "local", "trj" } } } }')
    keys = bound(config)

    assert (config.leader.key, config.leader.mods) == ("a", "CTRL")
    assert keys["LEADER", "1"].SpawnTab == "DefaultDomain"
    assert keys["LEADER", "2"].SpawnTab.DomainName == "trj"
    assert ("LEADER", "3") not in keys
    assert keys["LEADER", "w"].ShowLauncherArgs.flags == "FUZZY|DOMAINS"
    assert keys["CTRL|SHIFT", "LeftArrow"].ActivateTabRelative == -1
    assert keys["CTRL|SHIFT", "RightArrow"].ActivateTabRelative == 1
    assert keys["LEADER|CTRL", "a"].SendKey.key == "a"


def test_a_key_and_a_leader_of_the_users_own_stay(stage: Stage) -> None:
    """However they are spelled."""
    config = stage.apply(
        '{ layout = { keys = { domains = { "trj", "css" } } } }',
        """{ leader = { key = "b", mods = "ALT" }, keys = {
            { key = "1", mods = "LEADER", action = "mine" }, { key = "leftarrow", mods = "SHIFT|CTRL", action = "mine" },
        } }""",
    )
    keys = bound(config)

    assert config.leader.key == "b"
    assert keys["LEADER", "1"] == "mine"
    assert keys["SHIFT|CTRL", "leftarrow"] == "mine"
    assert ("CTRL|SHIFT", "LeftArrow") not in keys
    assert keys["LEADER", "2"].SpawnTab.DomainName == "css"
    assert ("LEADER|CTRL", "a") not in keys


def test_keys_between_tabs_look_for_the_colours(stage: Stage) -> None:
    """Where domains have some: the other tab may be of another one."""
    config = stage.apply('{ layout = { keys = {}, looks = { trj = { scheme = "Dracula" } } } }')
    step, look = bound(config)["CTRL|SHIFT", "LeftArrow"].Multiple.values()

    assert (step.ActivateTabRelative, look.EmitEvent) == (-1, "wa-look")


def test_a_key_on_ctrl_a_is_worth_more_than_a_leader(stage: Stage) -> None:
    """Then there is no leader, and what hangs on it does nothing."""
    config = stage.apply(
        "{ layout = { keys = { domains = {} } } }", '{ keys = { { key = "A", mods = "CTRL", action = "mine" } } }'
    )
    assert config.leader.key == "a"  # Ctrl-Shift-a is another key.

    other = Stage(stage.folder).apply(
        "{ layout = { keys = { domains = {} } } }", '{ keys = { { key = "a", mods = "CTRL", action = "mine" } } }'
    )
    assert other.leader is None


LOOKS = """{ layout = { looks = {
    trj = { scheme = "Dracula", color = "#ff0000", text = "TRJ" }, css = { scheme = "Tokyo Night" },
    quiet = { text = "" },
} } }"""


class Desk:
    """One window with a pane of each domain."""

    def __init__(self, stage: Stage, *domains: str) -> None:
        self.stage = stage
        self.mux = stage.fake.add_window(1)
        self.tabs = {}
        for at, domain in enumerate(domains, 1):
            self.tabs[domain] = stage.fake.add_tab(self.mux, at)
            stage.fake.add_pane(self.tabs[domain], at, domain)
        self.window = stage.fake.gui_window(self.mux)

    def show(self, domain: str, event: str = "window-focus-changed") -> None:
        self.mux.active = self.tabs[domain]
        pane = self.stage.lua.eval("function(tab) return tab.list[1] end")(self.tabs[domain])
        if event == "user-var-changed":
            self.stage.fake.fire(event, self.window, pane, "OTHER", "x")
        else:
            self.stage.fake.emit_window_event(self.window, event, pane)

    @property
    def scheme(self) -> str | None:
        return self.mux.overrides.color_scheme if self.mux.overrides is not None else None


@pytest.mark.parametrize("event", ["wa-look", "window-focus-changed", "window-config-reloaded", "user-var-changed"])
def test_a_window_has_the_colours_of_its_panes_domain(stage: Stage, event: str) -> None:
    """Set when the domain is another one, and only then: each change evaluates the configuration once more."""
    stage.run_emitters()
    stage.apply(LOOKS)
    desk = Desk(stage, "local", "trj", "css")
    desk.show("local", event)
    assert (desk.scheme, desk.mux.changes) == (None, None)
    for domain, scheme in (("trj", "Dracula"), ("trj", "Dracula"), ("css", "Tokyo Night"), ("local", None)):
        desk.show(domain, event)
        assert desk.scheme == scheme

    assert desk.mux.changes == 3


def test_other_overrides_and_a_scheme_of_the_users_own_stay(stage: Stage) -> None:
    """Somebody's size of letters, and somebody's colours."""
    stage.run_emitters()
    stage.apply(LOOKS)
    desk = Desk(stage, "local", "trj")
    desk.mux.overrides = stage.lua.table_from({"font_size": 20})
    desk.show("trj")
    assert dict(desk.mux.overrides.items()) == {"font_size": 20, "color_scheme": "Dracula"}
    desk.mux.overrides = stage.lua.table_from({"color_scheme": "mine"})
    desk.show("local")
    desk.show("trj")

    assert desk.scheme == "mine"


def test_a_domain_has_a_badge_in_its_tabs(stage: Stage) -> None:
    """Before that of the agents, where there is room; other domains have none."""
    stage.apply(LOOKS)

    def drawn(domain: str, title: str = "", width: int = 40) -> str | None:
        pane = stage.lua.table_from({"pane_id": 1, "title": "zsh", "domain_name": domain})
        tab = stage.lua.table_from({"tab_index": 0, "tab_title": title, "active_pane": pane})
        tabs, config = stage.lua.table(tab), stage.lua.table()
        items = stage.fake.ask("format-tab-title", tab, tabs, stage.lua.table(), config, False, width)
        return None if items is None else "".join(one.Text or "" for one in items.values() if not isinstance(one, str))

    assert drawn("trj") == " 1: TRJ zsh "
    assert drawn("css") == " 1: css zsh "
    assert drawn("local") is None
    assert drawn("quiet") is None
    assert drawn("trj", f"{MARK}wa1:waiting=2{MARK}mine") == " 1: TRJ ✋2 mine "
    assert drawn("trj", f"{MARK}wa1:waiting=2{MARK}mine", width=16) == " 1: TR ✋2 mine "
    assert drawn("trj", f"{MARK}wa1:waiting=2{MARK}mine", width=13) == " 1: ✋2 mine "


START = '{ layout = { startup = { tabs = 3, domains = { "full", "down", "empty", "none" } } } }'


def places(stage: Stage) -> list[list[str]]:
    survey = stage.lua.eval(
        """function(windows)
            local found = {}
            for _, window in ipairs(windows) do
                local names = {}
                for _, tab in ipairs(window.list) do names[#names + 1] = tab.list[1].domain end
                found[#found + 1] = table.concat(names, " ")
            end
            return found
        end"""
    )
    return [one.split() for one in survey(stage.fake.windows).values()]


def test_a_start_opens_what_is_there_and_makes_tabs_only_where_nothing_is(stage: Stage) -> None:
    """A host that refuses, and a domain that is not there, stop none of the others."""
    stage.run_emitters()
    stage.apply(START)
    stage.fake.add_domain("full", "Detached").holds = 2
    stage.fake.add_domain("down", "Detached").trouble = "connection refused"
    stage.fake.add_domain("empty", "Detached")
    stage.fake.fire("gui-startup", None)
    assert places(stage) == [["local"] * 3]
    stage.fake.ring()

    assert places(stage) == [["local"] * 3, ["full"], ["full"], ["empty"] * 3]
    logs = listed(stage.fake.logs)
    assert any("down is not attached" in one and "refused" in one for one in logs)
    assert any("none is not attached" in one and "no such domain" in one for one in logs)


def test_a_start_with_a_program_opens_nothing_else(stage: Stage) -> None:
    """`wezterm start -- htop` is what its user asked for."""
    stage.run_emitters()
    stage.apply(START)
    stage.fake.fire("gui-startup", stage.lua.table_from({"args": stage.lua.table("htop")}))

    assert places(stage) == []


def test_a_layout_is_taken_from_the_second_call_too(stage: Stage) -> None:
    """Lines that somebody pasted by hand call us before the block that `wa setup` wrote."""
    stage.apply()
    config = stage.apply('{ layout = { keys = { domains = { "trj" } } } }')

    assert config.leader.key == "a"
