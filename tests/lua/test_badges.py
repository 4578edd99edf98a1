"""Markers are read from titles of tabs alone, and drawn before the user's own titles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.lua_stage import MARK, Stage


def marked(body: str, own: str = "") -> str:
    return f"{MARK}wa1:{body}{MARK}{own}"


class Bar:
    """The tab bar of a window, as WezTerm asks for it."""

    def __init__(self, folder: Path, opts: str = "nil", before: str = "") -> None:
        self.stage = Stage(folder)
        self.lua = self.stage.lua
        self.lua.execute(before)
        self.stage.apply(opts)

    def tab(self, title: str = "", pane_title: str = "zsh", index: int = 0, **pane: Any) -> Any:
        active = self.strict({"pane_id": 1, "title": pane_title, "is_zoomed": False, **pane})
        return self.strict(
            {"tab_id": index, "tab_index": index, "tab_title": title, "active_pane": active, "panes": None}
        )

    def strict(self, fields: dict[str, Any]) -> Any:
        """As what WezTerm gives: a field that it does not know is an error."""
        return self.lua.execute(
            """
            local fields, known = ...
            return setmetatable({}, {__index = function(_, name)
                if not known[name] then error("attempt to get an unknown field '" .. name .. "'") end
                return fields[name]
            end})
            """,
            self.lua.table_from(fields),
            self.lua.table_from(dict.fromkeys(fields, True)),
        )

    def items(self, tab: Any, *, width: int = 40, fancy: bool = False, **config: Any) -> list[Any] | None:
        config = {"use_fancy_tab_bar": fancy, "show_tab_index_in_tab_bar": True, **config}
        answer = self.stage.fake.ask(
            "format-tab-title", tab, self.lua.table(tab), self.lua.table(), self.lua.table_from(config), False, width
        )
        return None if answer is None else list(answer.values()) if hasattr(answer, "values") else [answer]

    def text(self, tab: Any, **how: Any) -> str | None:
        items = self.items(tab, **how)
        return None if items is None else "".join(one.Text or "" for one in items if not isinstance(one, str))

    def window_title(self, *tabs: Any, active: int = 0) -> str | None:
        tab = tabs[active]
        return self.stage.fake.ask(
            "format-window-title", tab, tab.active_pane, self.lua.table(*tabs), self.lua.table(), self.lua.table()
        )


@pytest.fixture
def bar(tmp_path: Path) -> Bar:
    return Bar(tmp_path)


@pytest.fixture(scope="module")
def wide_bar(tmp_path_factory: pytest.TempPathFactory) -> Bar:
    return Bar(tmp_path_factory.mktemp("lua"))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return Stage(tmp_path_factory.mktemp("lua")).lua.execute("local m = require('wa_plugin.marker'); return m")


CLASSES = ["waiting", "error", "limited", "working", "idle", "paused"]


@given(
    st.lists(st.tuples(st.sampled_from(CLASSES), st.integers(1, 99)), unique_by=lambda one: one[0]),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_what_the_sidecar_writes_is_read_back(reader: Any, counts: list[tuple[str, int]], own: str) -> None:
    """Any counts, before any title of the user's, newlines included."""
    found, title = reader.parse(marked(",".join(f"{c}={n}" for c, n in counts), own))

    assert dict(found.items()) == dict(counts)
    if not own.startswith(MARK):
        assert title == own


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_other_title_is_the_users(reader: Any, title: str) -> None:
    """What is no marker is not touched."""
    found, own = reader.parse(title)

    assert (found, own) == (None, title) or title.startswith(MARK + "wa1:")


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ("", {}),
        ("waiting=0", {}),
        ("waiting=100", {"waiting": 99}),
        ("waiting=99999999999999999999", {"waiting": 99}),
        ("waiting=1,waiting=7", {"waiting": 1}),
        ("hacking=3,idle=2", {"idle": 2}),
        (",,=,waiting=,=3", {}),
    ],
)
def test_odd_markers_count_what_is_sound(reader: Any, body: str, counts: dict[str, int]) -> None:
    """Unknown classes, doubles, numbers out of bounds: passed over, and the marker is hidden all the same."""
    found, own = reader.parse(marked(body, "mine"))

    assert (dict(found.items()), own) == (counts, "mine")


def test_markers_before_markers_are_all_hidden(reader: Any) -> None:
    """Two sidecars, or one that crashed: the first one counts."""
    found, own = reader.parse(marked("idle=1", marked("waiting=2", "mine")))

    assert (dict(found.items()), own) == ({"idle": 1}, "mine")


def test_a_tab_without_a_marker_is_wezterms_own_business(bar: Bar) -> None:
    """WezTerm draws it as if there were no plugin."""
    assert bar.items(bar.tab("mine")) is None
    assert bar.items(bar.tab()) is None


def test_a_badge_stands_before_the_title(bar: Bar) -> None:
    """Number, glyph in its colour, the user's title; without one the pane's."""
    items = bar.items(bar.tab(marked("waiting=1", "build"), index=2))

    assert items is not None
    assert bar.text(bar.tab(marked("waiting=1", "build"), index=2)) == " 3: ✋ build "
    assert items[1].Foreground.AnsiColor == "Yellow"
    assert items[3] == "ResetAttributes"
    assert bar.text(bar.tab(marked("working=1"), "codex")) == " 1: ▶ codex "
    assert bar.text(bar.tab(marked("working=1"), "codex"), fancy=True) == "1: ▶ codex "
    assert bar.text(bar.tab(marked("idle=1", "x")), show_tab_index_in_tab_bar=False) == "○ x"
    assert bar.text(bar.tab(marked("idle=1", "x")), tab_and_split_indices_are_zero_based=True) == " 0: ○ x "


def test_several_agents_are_counted(bar: Bar) -> None:
    """Most urgent first, a number where there is more than one."""
    assert bar.text(bar.tab(marked("waiting=2,working=3,paused=1", "x"))) == " 1: ✋2▶3‖ x "


def test_progress_is_drawn_as_wezterm_draws_it(bar: Bar) -> None:
    """A title with a badge does not lose it."""
    progress = bar.lua.table_from({"Percentage": 50})
    assert bar.text(bar.tab(marked("working=1", "x"), progress=progress)) == " 1: \U000f0aa2 ▶ x "


@pytest.mark.parametrize("width", [4, 6, 8, 10, 16, 30])
def test_it_is_never_wider_than_there_is_room(bar: Bar, width: int) -> None:
    """What is most urgent stays longest; the title is cut first."""
    text = bar.text(bar.tab(marked("waiting=12,error=3,working=4", "a very long title of mine")), width=width)

    assert text is not None
    if width >= 10:
        assert bar.stage.wezterm.column_width(text) <= width
        assert "✋12" in text


TITLES = st.text(st.sampled_from("ab 界é▶"), max_size=30)


@settings(max_examples=300)
@given(
    counts=st.dictionaries(st.sampled_from(CLASSES), st.integers(1, 99), min_size=1),
    own=TITLES,
    pane=TITLES,
    fancy=st.booleans(),
    index=st.booleans(),
    width=st.integers(8, 60),
    progress=st.none() | st.integers(0, 100),
)
def test_it_answers_the_same_when_given_just_the_room_it_took(
    wide_bar: Bar,
    counts: dict[str, int],
    own: str,
    pane: str,
    fancy: bool,
    index: bool,
    width: int,
    progress: int | None,
) -> None:
    """WezTerm asks twice, the second time with the width of the first answer: nothing may vanish by that."""
    body = ",".join(f"{name}={count}" for name, count in counts.items())
    more = {} if progress is None else {"progress": wide_bar.lua.table_from({"Percentage": progress})}
    tab = wide_bar.tab(marked(body, own), pane, **more)
    first = wide_bar.text(tab, width=width, fancy=fancy, show_tab_index_in_tab_bar=index)
    assert first is not None
    cells = wide_bar.stage.wezterm.column_width(first)

    assert wide_bar.text(tab, width=min(cells, width), fancy=fancy, show_tab_index_in_tab_bar=index) == first


def test_a_pane_cannot_draw_a_badge(bar: Bar) -> None:
    """A program writes the titles of its pane: a marker there is no marker, and the sign is taken out."""
    assert bar.text(bar.tab("", marked("waiting=9", "x"))) == " 1: wa1:waiting=9x "
    assert bar.text(bar.tab(marked("idle=1"), marked("waiting=9", "x"))) == " 1: ○ wa1:waiting=9x "


def test_the_users_own_handler_is_asked_with_plain_titles(tmp_path: Path) -> None:
    """It sees neither markers nor where they were, and less room; what it answers stands behind the badge."""
    bar = Bar(
        tmp_path,
        """{format_tab_title = function(tab, tabs, panes, config, hover, width)
            seen = {tab.tab_title, tab.active_pane.title, tabs[1].tab_title, tab.tab_index, width}
            return '<' .. tab.tab_title .. '>'
        end}""",
    )
    assert bar.text(bar.tab(marked("waiting=1", "mine"), "p" + MARK, index=4), width=30) == "✋ <mine>"
    assert list(bar.lua.globals().seen.values()) == ["mine", "p", "mine", 4, 27]
    assert bar.text(bar.tab("plain")) == "<plain>"


def test_the_users_items_and_silence_are_kept(tmp_path: Path) -> None:
    """A list of FormatItems is appended; nil means WezTerm's usual title, with the badge."""
    bar = Bar(tmp_path, "{format_tab_title = function() return answer end}")
    bar.lua.execute("answer = {{Background = {Color = '#123456'}}, {Text = 'mine'}}")
    items = bar.items(bar.tab(marked("error=1", "x")))
    assert items is not None
    assert [items[-2].Background.Color, items[-1].Text] == ["#123456", "mine"]
    bar.lua.execute("answer = nil")

    assert bar.text(bar.tab(marked("error=1", "x"))) == " 1: ✗ x "
    assert bar.items(bar.tab("x")) is None


def test_a_handler_of_the_users_that_fails_shows_no_marker(tmp_path: Path) -> None:
    """WezTerm would draw the raw title; ours stands in, and the log has it once."""
    bar = Bar(tmp_path, "{format_tab_title = function() error('oh') end}")
    for _ in range(100):
        assert bar.text(bar.tab(marked("error=1", "x"))) == " 1: ✗ x "

    assert len(bar.stage.logs()) == 1


def test_a_handler_before_ours_may_call_ours(tmp_path: Path) -> None:
    """WezTerm runs only the first; `badge` gives it the cells and the title."""
    bar = Bar(
        tmp_path,
        before="""
        require('wezterm').on('format-tab-title', function(tab, tabs, panes, config, hover, width)
            local items, cells, title = require('wa_plugin').badge(tab, width)
            items[#items + 1] = {Text = '[' .. title .. ']' .. cells}
            return items
        end)""",
    )
    assert bar.text(bar.tab(marked("waiting=1", "mine"))) == "✋ [mine]3"
    assert bar.text(bar.tab("", "zsh")) == "[zsh]0"


def test_glyphs_and_colours_are_the_users(tmp_path: Path) -> None:
    """An empty glyph draws nothing; a colour is a name of the palette, or any."""
    bar = Bar(tmp_path, "{styles = {idle = {glyph = ''}, waiting = {glyph = 'W', color = '#ff0000'}}}")

    assert bar.text(bar.tab(marked("waiting=1,idle=1", "x"))) == " 1: W x "
    items = bar.items(bar.tab(marked("waiting=1", "x")))
    assert items is not None
    assert items[1].Foreground.Color == "#ff0000"
    assert bar.text(bar.tab(marked("idle=3", "x"))) == " 1: x "


def test_titles_need_nobody_to_wait(bar: Bar) -> None:
    """WezTerm asks where nothing can yield; nothing is started and nothing is written."""
    for _ in range(1000):
        bar.items(bar.tab(marked("waiting=1", "x")))

    assert bar.stage.processes() == []
    assert bar.stage.fake.surveys is None


def test_a_title_takes_less_than_a_tenth_of_a_millisecond(bar: Bar) -> None:
    """WezTerm asks twice a tab and repaint."""
    took = bar.lua.execute(
        """
        local ask, tab, tabs, config = ...
        local began = os.clock()
        for _ = 1, 2000 do ask('format-tab-title', tab, tabs, {}, config, false, 30) end
        return (os.clock() - began) / 2
        """,
        bar.stage.fake.ask,
        bar.tab(marked("waiting=2,working=12,idle=3", "a long title of the user's own")),
        bar.lua.table(),
        bar.lua.table_from({"use_fancy_tab_bar": True}),
    )
    print(f"format-tab-title: {took:.4f} ms")
    assert took < 0.5


def test_the_window_counts_all_its_tabs(tmp_path: Path) -> None:
    """`✋1 ▶3 ⏳1` before WezTerm's usual title, where it is asked for."""
    bar = Bar(tmp_path, "{window_title = true}")
    tabs = [
        bar.tab(marked("waiting=1,working=1", "a"), "vim" + MARK),
        bar.tab(marked("limited=1,working=2", "b"), index=1),
        bar.tab("c", index=2),
        bar.tab(marked("idle=4"), index=3),
    ]
    assert bar.window_title(*tabs) == "✋1 ▶3 ⏳1  [1/4] vim"
    assert bar.window_title(tabs[2]) == "zsh"


def test_the_window_title_is_left_alone_unless_asked_for(bar: Bar) -> None:
    """No handler is registered, so a user's own is the first."""
    assert bar.stage.fake.handlers["format-window-title"] is None


def test_the_users_window_title_is_kept(tmp_path: Path) -> None:
    """Theirs behind the counts."""
    bar = Bar(tmp_path, "{window_title = true, format_window_title = function(tab) return 'W ' .. tab.tab_title end}")

    assert bar.window_title(bar.tab(marked("working=2", "mine"))) == "▶2  W mine"
