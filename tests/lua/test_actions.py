"""What a person may ask for: only where they opted in, and never over a key of theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.lua_stage import MARK, Stage

WAITS = f"{MARK}wa1:waiting=1{MARK}"


def applied(tmp_path: Path, opts: str = "{keys = true, palette = true}", config: str = "{}") -> tuple[Stage, Any]:
    stage = Stage(tmp_path)
    config = stage.apply(opts, config)
    stage.run_emitters()
    return stage, config


def keys(config: Any) -> list[tuple[str, str, Any]]:
    return [(one.key, one.mods, one.action.EmitEvent) for one in config["keys"].values()]


def test_without_opting_in_there_are_none(tmp_path: Path) -> None:
    """Neither keys nor a handler for the palette."""
    stage, config = applied(tmp_path, "{}", "{keys = {}}")

    assert list(config["keys"].values()) == []
    assert stage.fake.handlers["augment-command-palette"] is None


def test_the_keys_are_those_of_the_readme(tmp_path: Path) -> None:
    """Listed there as they are set here."""
    _, config = applied(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "topics" / "plugin.md").read_text(encoding="utf-8")

    assert [event for _, _, event in keys(config)] == ["wa-jump", "wa-why", "wa-pause", "wa-reprime"]
    assert all(f"`{mods.replace('|', '+')}` `{key}` | `{event}`" in page for key, mods, event in keys(config))


def test_keys_of_the_users_stay_theirs(tmp_path: Path) -> None:
    """However they are spelled; ours goes without, and the log says so."""
    stage, config = applied(
        tmp_path,
        config="{keys = {{key = 'J', mods = 'ALT|CTRL', action = 'mine'}, {key = 'phys:Y', mods = 'SHIFT|CTRL|OPT', action = 'mine'}}}",
    )
    assert [(one.key, one.action) for one in config["keys"].values()][:2] == [("J", "mine"), ("phys:Y", "mine")]
    assert [event for _, _, event in keys_of_ours(config)] == ["wa-pause", "wa-reprime"]
    assert len(stage.logs()) == 2
    assert "wa-jump" in stage.logs()[0]


def keys_of_ours(config: Any) -> list[tuple[str, str, str]]:
    return [
        (one.key, one.mods, one.action.EmitEvent) for one in config["keys"].values() if not isinstance(one.action, str)
    ]


def test_keys_may_be_chosen_and_left_out(tmp_path: Path) -> None:
    """By name; false means none."""
    _, config = applied(
        tmp_path, "{keys = {jump = {key = 'w', mods = 'LEADER'}, why = false, resume = {key = 'F9'}, pause = false}}"
    )
    assert keys(config) == [
        ("w", "LEADER", "wa-jump"),
        ("F9", "NONE", "wa-resume"),
        ("i", "CTRL|SHIFT|ALT", "wa-reprime"),
    ]


def test_the_palette_lists_every_action_and_keeps_the_users(tmp_path: Path) -> None:
    """Their own entries stand behind ours; a handler of theirs that fails takes nothing along."""
    stage, _ = applied(tmp_path, "{palette = function() return {{brief = 'mine'}} end}")
    entries = list(stage.fake.ask("augment-command-palette", None, None).values())
    assert [e.brief for e in entries][-1] == "mine"
    assert [e.action.EmitEvent for e in entries[:-1]] == ["wa-jump", "wa-why", "wa-pause", "wa-resume", "wa-reprime"]
    broken, _ = applied(tmp_path, "{palette = function() error('oh') end}")

    assert len(list(broken.fake.ask("augment-command-palette", None, None).values())) == 5
    assert len(broken.logs()) == 1


@pytest.fixture
def desk(tmp_path: Path) -> Stage:
    """Two windows; tabs 11 12 13 and 21 22 with a pane each."""
    stage, _ = applied(tmp_path)
    for window_id, tabs in ((1, (11, 12, 13)), (2, (21, 22))):
        window = stage.fake.add_window(window_id)
        for tab in tabs:
            stage.fake.add_pane(stage.fake.add_tab(window, tab), tab)
    return stage


def tab(stage: Stage, ident: int) -> Any:
    return next(one for window in stage.fake.windows.values() for one in window.list.values() if one.id == ident)


def jump(stage: Stage, *, window: int = 1) -> int | None:
    stage.fake.activated = None
    mux = stage.fake.windows[window]
    stage.fake.fire("wa-jump", stage.fake.gui_window(mux), mux.active_tab(mux).list[1])
    found: int | None = stage.fake.activated
    return found


def test_jumping_goes_round_all_that_wait(desk: Stage) -> None:
    """From the next tab on, through the other windows, and back."""
    for ident in (11, 13, 22):
        tab(desk, ident).title = WAITS + "x"

    assert jump(desk) == 13
    assert jump(desk) == 22
    assert list(desk.fake.focused.values()) == [2]
    assert jump(desk, window=2) == 11


def test_jumping_follows_into_another_workspace(desk: Stage) -> None:
    """The window there is none of the GUI's until it is switched to."""
    desk.fake.windows[2].workspace = "other"
    tab(desk, 21).title = WAITS
    desk.lua.execute(
        "require('wezterm').fake.gui_window = function() error('no gui window') end; local f = require('wezterm').fake"
    )
    mux = desk.fake.windows[1]
    window = desk.lua.execute("local mux = ...; return {mux_window = function() return mux end}", mux)
    desk.fake.fire("wa-jump", window, None)

    assert desk.fake.activated == 21
    assert list(desk.fake.workspaces.values()) == ["other"]


def test_jumping_when_nobody_waits_says_so(desk: Stage) -> None:
    """And stays where it is; a title of a pane is not believed."""
    tab(desk, 12).title = f"{MARK}wa1:working=1{MARK}x"

    assert jump(desk) is None
    assert list(desk.fake.toasts.values()) == ["wa: No agent waits for you."]


def test_why_shows_what_wa_explain_says(desk: Stage) -> None:
    """By the pane's name, in an overlay, a line each; control characters are no lines of the overlay's own."""
    desk.fake.run = lambda args: (True, "p3: claude\n  rule\x1b[31m\tx\n\n", "")
    mux = desk.fake.windows[1]
    desk.fake.fire("wa-why", desk.fake.gui_window(mux), tab(desk, 12).list[1])
    (overlay,) = desk.fake.overlays.values()

    assert desk.processes() == [["/usr/bin/wa", "-x", "explain", "gui-4242/12"]]
    assert [one.label for one in overlay.InputSelector.choices.values()] == ["p3: claude", "  rule [31m x"]


@pytest.mark.parametrize("cols", [1, 26, 40, 80])
def test_why_wraps_what_is_wider_than_the_pane(desk: Stage, cols: int) -> None:
    """At blanks where there are some; no word is lost, and nothing goes on without end."""
    text = (
        "    the program of an agent comes to the foreground, or its banner "
        + "x" * 90
        + " 界" * 40
        + "\n"
        + " " * 200
        + "end"
    )
    desk.fake.run = lambda args: (True, text, "")
    mux = desk.fake.windows[1]
    desk.lua.execute(
        "local pane, cols = ...; pane.get_dimensions = function() return {cols = cols} end", tab(desk, 12).list[1], cols
    )
    desk.fake.fire("wa-why", desk.fake.gui_window(mux), tab(desk, 12).list[1])
    (overlay,) = desk.fake.overlays.values()
    labels = [one.label for one in overlay.InputSelector.choices.values()]

    assert max(desk.wezterm.column_width(label) for label in labels) <= max(20, cols - 6)
    assert "".join("".join(labels).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("run", "label"),
    [
        (lambda args: (False, "", "no pane is called 'gui-1/2'\n"), "no pane is called 'gui-1/2'"),
        (lambda args: (True, "", ""), "wa explain said nothing."),
        ("return function() error('no such file') end", "wa could not be started"),
    ],
)
def test_why_says_what_went_wrong(desk: Stage, run: Any, label: str) -> None:
    """In the same place."""
    desk.fake.run = desk.lua.execute(run) if isinstance(run, str) else run
    mux = desk.fake.windows[1]
    desk.fake.fire("wa-why", desk.fake.gui_window(mux), tab(desk, 12).list[1])
    (overlay,) = desk.fake.overlays.values()

    assert label in overlay.InputSelector.choices[1].label


@pytest.mark.parametrize("what", ["pause", "resume", "reprime"])
def test_an_act_is_told(desk: Stage, what: str) -> None:
    """Of this pane, at once."""
    mux = desk.fake.windows[2]
    desk.fake.fire("wa-" + what, desk.fake.gui_window(mux), tab(desk, 22).list[1])
    (act,) = desk.named("act")

    assert (act["what"], act["pane_id"], act["domain"], act["gui"]) == (what, 22, "local", 4242)
