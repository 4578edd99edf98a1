"""Each handler of the plugin: what it tells, and that nobody waits for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.lua_stage import MARK, Stage

HANDLED = {
    "user-var-changed",
    "bell",
    "gui-startup",
    "gui-attached",
    "mux-startup",
    "window-focus-changed",
    "window-config-reloaded",
}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """The plugin in a GUI with one pane, told of at once, and settled."""
    stage = Stage(tmp_path)
    stage.apply()
    stage.run_emitters()
    window, pane = stage.pane(3)
    stage.window, stage.pane3 = window, pane  # type: ignore[attr-defined]
    stage.fake.fire("window-config-reloaded", window, pane)
    stage.fake.ring()
    stage.batches.clear()
    return stage


def fire(stage: Stage, name: str, *args: object) -> None:
    assert stage.fake.fire(name, stage.window, stage.pane3, *args), "a handler waited"  # type: ignore[attr-defined]


def test_nothing_happens_when_the_plugin_is_loaded(tmp_path: Path) -> None:
    """`require` registers nothing, asks nothing, starts nothing."""
    stage = Stage(tmp_path)
    stage.lua.execute("require('wa_plugin')")

    assert dict(stage.fake.handlers.items()) == {}
    assert stage.processes() == []
    assert dict(stage.wezterm.GLOBAL.items()) == {}


def test_applying_it_only_registers_handlers(tmp_path: Path) -> None:
    """A configuration is evaluated in many states that are thrown away: no process, no file, no survey, no timer."""
    stage = Stage(tmp_path)
    config = stage.apply(config="{mine = 1}")

    assert HANDLED | {"format-tab-title", "wa-deliver"} <= set(stage.fake.handlers.keys())
    assert not {name for name in stage.fake.handlers if name.startswith("update-")}
    assert (stage.processes(), len(stage.fake.timers), stage.fake.surveys) == ([], 0, None)
    assert dict(stage.wezterm.GLOBAL.items()) == {}
    assert list(tmp_path.iterdir()) == []
    assert dict(config.items()) == {"mine": 1}


def test_applying_it_twice_is_once(tmp_path: Path) -> None:
    """A second call in one state adds no second handlers."""
    stage = Stage(tmp_path)
    stage.apply()
    stage.apply()

    assert {name: len(list(of.values())) for name, of in stage.fake.handlers.items()} == dict.fromkeys(
        stage.fake.handlers.keys(), 1
    )


def test_without_settings_the_configuration_still_works(tmp_path: Path) -> None:
    """One warning, no handler."""
    stage = Stage(tmp_path, settings="false")
    config = stage.apply(config="{mine = 1}")

    assert dict(config.items()) == {"mine": 1}
    assert dict(stage.fake.handlers.items()) == {}
    assert len(stage.logs()) == 1


def test_a_variable_of_a_shell_is_told(stage: Stage) -> None:
    """Name, value, pane, domain, GUI, and when; the file's values are in no argument of the emitter."""
    fire(stage, "user-var-changed", "WA_CMD", "t=1;n=7;c=secret")

    ((event,),) = stage.batches
    assert {k: event[k] for k in ("name", "var", "value", "pane_id", "domain", "gui")} == {
        "name": "var",
        "var": "WA_CMD",
        "value": "t=1;n=7;c=secret",
        "pane_id": 3,
        "domain": "local",
        "gui": 4242,
    }
    assert event["at_ms"] == stage.fake.now_ms
    assert event["key"]
    assert not [arg for argv in stage.processes() for arg in argv if "secret" in arg]


@pytest.mark.parametrize("name", ["WEZTERM_PROG", "wa_cmd", "", "XWA_", "V0FfQ01E", "WA_" + "X" * 100])
def test_other_variables_are_not_forwarded(stage: Stage, name: str) -> None:
    """They are none of wa's business; no process starts for them."""
    before = len(stage.processes())
    fire(stage, "user-var-changed", name, "x")

    assert len(stage.processes()) == before


@pytest.mark.parametrize("value", ["x" * 1_000_000, "é" * 500_000, "😀" * 250_000, "x" * 8193])
def test_a_value_of_a_megabyte_is_cut_but_stays_too_long(stage: Stage, value: str) -> None:
    """The sidecar counts what is too long; it need not read all of it to do so. The cut is between characters."""
    fire(stage, "user-var-changed", "WA_CMD", value)

    (event,) = stage.told
    assert value.startswith(event["value"])
    assert 8192 < len(event["value"].encode()) <= 8196


@pytest.mark.parametrize(
    "value", ['"]] .. os.exit()', "a\nb\0c", MARK + "wa1:waiting=9" + MARK, "'; rm -rf /", "\x1b]0;x\x07"]
)
def test_hostile_values_arrive_as_they_are(stage: Stage, value: str) -> None:
    """As data, in one line each."""
    fire(stage, "user-var-changed", "WA_DONE", value)

    assert [event["value"] for event in stage.told] == [value]


def test_a_domain_with_quotes_is_told_by_its_name(stage: Stage) -> None:
    """Names of domains are the user's, and any text."""
    name = 'it\'s "a" \\ domain\n[x]'
    window = stage.fake.add_window(9)
    pane = stage.fake.add_pane(stage.fake.add_tab(window, 9), 99, name)
    stage.fake.fire("bell", stage.fake.gui_window(window), pane)

    assert [e["domain"] for e in stage.named("bell")] == [name]
    assert [p["domain"] for e in stage.named("topology") for p in e["opened"]] == [name]


def test_bell_and_focus_are_told(stage: Stage) -> None:
    """With pane and window."""
    fire(stage, "bell")
    fire(stage, "window-focus-changed")

    bell, focus = stage.told
    assert (bell["name"], bell["pane_id"], bell["domain"]) == ("bell", 3, "local")
    assert (focus["name"], focus["window_id"], focus["pane_id"], focus["focused"]) == ("focus", 3, 3, True)


def test_a_window_that_closes_is_no_error(stage: Stage) -> None:
    """WezTerm has no answer for it; what comes after is told."""
    stage.lua.execute(
        "require('wezterm').fake.gui_window({ id = 1 }).__index.is_focused = function() error('closed') end"
    )
    fire(stage, "window-focus-changed")
    fire(stage, "bell")

    assert [one["name"] for one in stage.told] == ["bell"]


def test_ten_thousand_bells_become_a_handful(stage: Stage) -> None:
    """While an emitter is under way they are one event; each handler returns at once."""
    stage.fake.run = None
    before = len(stage.processes())
    for _ in range(10_000):
        fire(stage, "bell")
    assert len(stage.processes()) == before + 1
    stage.run_emitters()
    stage.take(Path(stage.processes()[-1][-1]))
    stage.fake.finish(True, "", "")

    assert [event["name"] for event in stage.told] == ["bell", "bell"]


def test_the_handlers_of_others_do_not_wait_for_the_emitter(stage: Stage) -> None:
    """A handler that the user registered after ours runs while the emitter is under way."""
    stage.fake.run = None
    stage.lua.execute("require('wezterm').on('bell', function() seen = true end)")
    fire(stage, "bell")

    assert stage.lua.eval("seen") is True


def test_when_the_window_is_gone_the_event_is_told_all_the_same(stage: Stage) -> None:
    """The emitter is started by the handler itself then."""
    stage.fake.can_perform = False
    fire(stage, "bell")

    assert [e["name"] for e in stage.told] == ["bell"]


def test_a_pane_that_is_gone_breaks_nothing(stage: Stage) -> None:
    """Its domain is not known any more; what it said is told."""
    window = stage.fake.add_window(9)
    tab = stage.fake.add_tab(window, 9)
    pane = stage.fake.add_pane(tab, 99)
    stage.fake.close_pane(tab, pane)
    stage.fake.fire("user-var-changed", stage.fake.gui_window(window), pane, "WA_DONE", "x")

    assert [(e["pane_id"], e["domain"]) for e in stage.named("var")] == [(99, "")]


def test_the_plugin_announces_itself_once_it_is_known_whether_it_draws(tmp_path: Path) -> None:
    """Half a second after the first event; at once where WezTerm has asked for a title before."""
    stage = Stage(tmp_path)
    stage.apply()
    stage.run_emitters()
    window, pane = stage.pane(3)
    stage.fake.fire("window-config-reloaded", window, pane)
    assert stage.named("hello") == []

    stage.fake.ask("format-tab-title", stage.lua.table(tab_title="", tab_index=0))
    stage.fake.ring()
    (hello,) = stage.named("hello")
    assert {k: hello[k] for k in ("gui", "host", "plugin", "server", "badges")} == {
        "gui": 4242,
        "host": "fakehost",
        "plugin": "0.1.0",
        "server": False,
        "badges": True,
    }


@pytest.mark.parametrize("opts", ["nil", "{badges = false}"])
def test_where_nobody_asks_it_for_titles_it_says_so(tmp_path: Path, opts: str) -> None:
    """A handler before ours, or none: a marker would be seen as text, so none may be sent."""
    stage = Stage(tmp_path)
    stage.apply(opts)
    stage.run_emitters()
    window, pane = stage.pane(3)
    stage.fake.fire("window-config-reloaded", window, pane)
    stage.fake.ring()

    assert [e["badges"] for e in stage.named("hello")] == [False]


def test_hello_is_said_again_with_later_events_once_a_minute(stage: Stage) -> None:
    """So that a sidecar that started later knows; and at once when the drawing begins."""
    fire(stage, "bell")
    assert stage.named("hello") == []
    stage.fake.now_ms += 60_001
    fire(stage, "bell")
    assert len(stage.named("hello")) == 1
    stage.fake.ask("format-tab-title", stage.lua.table(tab_title="", tab_index=0))
    fire(stage, "bell")

    assert [e["badges"] for e in stage.named("hello")] == [False, True]


def test_any_number_of_reloads_tells_no_more_than_a_few_events(stage: Stage) -> None:
    """What was told before a reload is not told again: panes are not new, and hello waits for its minute."""
    told = []
    for _ in range(50):
        after = Stage(stage.folder, before=stage)
        after.apply()
        after.run_emitters()
        window, pane = after.pane(3)
        after.fake.fire("window-config-reloaded", window, pane)
        after.fake.ring()
        assert len(after.fake.timers) == 0
        told += after.told
        stage = after

    assert told == []


def test_keys_of_events_are_unique_across_states(stage: Stage) -> None:
    """Also of two states that begin in the same millisecond."""
    keys = []
    for _ in range(20):
        after = Stage(stage.folder, before=stage)
        after.apply()
        after.run_emitters()
        window, pane = after.pane(3)
        for _ in range(5):
            after.fake.fire("bell", window, pane)
        keys += [event["key"] for event in after.told]

    assert len(keys) == len(set(keys)) == 100
    assert max(map(len, keys)) <= 128


@pytest.mark.parametrize("name", ["gui-startup", "gui-attached", "mux-startup"])
def test_the_start_of_wezterm_waits_for_nothing(tmp_path: Path, name: str) -> None:
    """The emitter runs in the background; what there is is told."""
    stage = Stage(tmp_path, gui=name != "mux-startup")
    stage.apply()
    stage.run_emitters()
    stage.pane(3, "dom")
    stage.fake.add_domain("local")
    stage.fake.add_domain("far", "Detached")
    assert stage.fake.fire(name)

    assert all(one.background for one in stage.fake.processes.values())
    (topology,) = stage.named("topology")
    assert topology["attached"] == ["local"]
    assert [place["pane_id"] for place in topology["opened"]] == [3]
    assert [e["server"] for e in stage.named("hello")] == ([True] if name == "mux-startup" else [])


def test_a_handler_takes_less_than_a_millisecond(stage: Stage) -> None:
    """Over a thousand panes, a megabyte of value, with the emitter ready at once: the slowest of many but one in twenty."""
    for number in range(100):
        tab = stage.fake.add_tab(stage.fake.windows[1], 100 + number)
        for place in range(10):
            stage.fake.add_pane(tab, 1000 + number * 10 + place)
    measure = stage.lua.execute(
        """
        local fake, window, pane, value = ...
        return function(n)
          local times = {}
          for i = 1, n do
            fake.now_ms = fake.now_ms + 211
            local began = os.clock()
            fake.fire("user-var-changed", window, pane, "WA_CMD", value .. i)
            times[i] = os.clock() - began
          end
          table.sort(times)
          return times[math.floor(n / 2)] * 1000, times[math.floor(n * 0.95)] * 1000
        end
        """,
        stage.fake,
        stage.window,  # type: ignore[attr-defined]
        stage.pane3,  # type: ignore[attr-defined]
        "x" * 1000,
    )
    stage.fake.run = stage.lua.execute("return function(args) os.remove(args[#args]); return true, '', '' end")
    middle, nearly_all = measure(400)
    print(f"lua per event: p50 {middle:.3f} ms, p95 {nearly_all:.3f} ms")

    assert middle < 1.0
