import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcwidth

from wa.act.seeing import How, appeared, before_cursor, cells, still_there, taken
from wa.model.screen import Cursor, Row, Screen


def screen(*rows, cursor=None, top=0, wrapped=()):
    """A screen of these rows; the cursor behind the text of the last one unless given as (x, row)."""
    x, y = cursor if cursor is not None else (len(rows[-1]), len(rows) - 1)
    made = tuple(Row(top + at, text, at in wrapped) for at, text in enumerate(rows))
    return Screen(0, 1, 80, len(rows), made, Cursor(x, top + y), "", None, None)


SHELL = screen("$ ls", "a b", "$ ", "", cursor=(2, 2))


def test_a_shell_echoes_at_its_prompt():
    """The line is the prompt and the text."""
    after = screen("$ ls", "a b", "$ make test", "", cursor=(11, 2))

    seen = appeared("make test", SHELL, after)

    assert seen == (How.AT_CURSOR, 2, "$maketest")
    assert still_there("make test", seen, after)
    assert not taken("make test", seen, after)


def test_a_single_letter_is_believed_only_at_the_cursor():
    """`y` typed behind a question; not a `y` that some output ends with, nor one elsewhere."""
    asked = screen("Continue? [y/N] ")

    assert appeared("y", asked, screen("Continue? [y/N] y"))
    assert appeared("y", asked, screen("Continue? [y/N] ", "ready", cursor=(5, 1))) is None
    assert appeared("y", asked, screen("12:00 y", "Continue? [y/N] ")) is None
    assert appeared("y", screen("> "), screen("│ > y  │", "", cursor=(0, 1))).how is How.ELSEWHERE


def test_a_password_prompt_shows_nothing():
    """Neither the same screen, nor a star for each letter, nor unrelated output is the text."""
    asked = screen("[sudo] password for me: ")

    assert appeared("hunter2", asked, asked) is None
    assert appeared("hunter2", asked, screen("[sudo] password for me: *******")) is None
    assert appeared("hunter2", asked, screen("[sudo] password for me: ", "Sorry, try again.")) is None


def test_text_that_stood_there_before_proves_nothing():
    """The command of a minute ago, still on the screen, is not the paste of now."""
    before = screen("$ make test", "ok", "$ ")

    assert appeared("make test", before, before) is None
    assert appeared("make test", before, screen("$ make test", "ok", "$ ", "tick")) is None
    assert appeared("make test", before, screen("$ make test", "ok", "$ make test"))


def test_the_same_text_twice_in_one_line():
    """What was typed already is not what was pasted; both together are."""
    before = screen("$ make test")

    assert appeared("make test", before, before) is None
    assert appeared("make test", before, screen("$ make testmake test"))


def test_scrolling_away_what_was_there_does_not_hide_what_came():
    """The old occurrence left at the top as the new one came at the bottom: counting alone would miss it."""
    before = screen("$ make test", "ok", "$ ", top=10)
    after = screen("ok", "$ ", "job done", "$ make test", top=11)

    assert appeared("make test", before, after)


def test_a_line_over_many_rows_is_one_line():
    """Soft wraps are joined; programs that wrap by themselves are read through."""
    text = "echo " + "x" * 60
    soft = screen("$ echo " + "x" * 13, "x" * 20, "x" * 20, "x" * 7, wrapped={0, 1, 2})
    hard = screen("> echo " + "x" * 13, "  " + "x" * 20, "  " + "x" * 27)

    assert appeared(text, screen("$ "), soft).how is How.AT_CURSOR
    assert appeared(text, screen("> "), hard).how is How.AT_CURSOR


def test_a_line_that_ends_in_the_last_column():
    """The cursor stands on its last character until more comes, or in the next row already."""
    text = "x" * 78
    for after in (
        screen("$ " + text, "", cursor=(79, 0)),
        screen("$ " + text, "", cursor=(80, 0)),
        screen("$ " + text, "", cursor=(0, 1), wrapped={0}),
    ):
        seen = appeared(text, screen("$ "), after)
        assert seen is not None
        assert still_there(text, seen, after)


def test_a_composer_with_its_cursor_elsewhere():
    """Text inside a box; the terminal's cursor rests at the bottom left."""
    empty = screen("● Hello", "╭──────╮", "│ > Try something │", "╰──────╯", "", cursor=(0, 4))
    full = screen("● Hello", "╭──────╮", "│ > do part 1     │", "╰──────╯", "", cursor=(0, 4))
    sent = screen("● Hello", "> do part 1", "╭──────╮", "│ >               │", "╰──────╯", cursor=(0, 4))

    seen = appeared("do part 1", empty, full)

    assert seen.how is How.ELSEWHERE
    assert still_there("do part 1", seen, full)
    assert taken("do part 1", seen, sent)


def test_a_composer_that_moves_keeps_its_text():
    """A busy agent prints above it: the text waits all the same, at the cursor or elsewhere."""
    for cursor in (lambda row: (11, row), lambda _: (0, 9)):
        empty = screen("● one", "────", "❯ ", "────", cursor=cursor(2))
        full = screen("● one", "────", "❯ do part 1", "────", cursor=cursor(2))
        moved = screen("● one", "  two", "  three", "────", "❯ do part 1", "────", cursor=cursor(4))
        queued = screen("● one", "  two", "  ❯ do part 1", "────", "❯ Press up to edit", "────", cursor=cursor(4))
        if cursor(4) == (11, 4):
            queued = queued._replace(cursor=Cursor(2, 4))

        seen = appeared("do part 1", empty, full)

        assert still_there("do part 1", seen, moved)
        assert taken("do part 1", seen, queued)


def test_a_spinner_beside_it_is_not_the_taking():
    """Something moved, but the text stands where it stood."""
    empty = screen("working |", "> ", cursor=(0, 0))
    full = screen("working /", "> do part 1", cursor=(0, 0))
    seen = appeared("do part 1", empty, full)

    assert not taken("do part 1", seen, screen("working -", "> do part 1", cursor=(0, 0)))
    assert taken("do part 1", seen, screen("working -", "> ", cursor=(0, 0)))


@pytest.mark.parametrize(
    "placeholder", ["[Pasted text #1 +1 lines]", "[Pasted Content 1500 chars]", "[Pasted Text: 12 lines]"]
)
def test_a_placeholder_stands_for_a_long_paste(placeholder):
    """Only for texts that a composer would hide, and only a new one."""
    before, after = screen("> ", "", cursor=(0, 1)), screen(f"> {placeholder}", "", cursor=(0, 1))
    long = "word " * 300

    seen = appeared(long, before, after)

    assert seen.how is How.PLACEHOLDER
    assert still_there(long, seen, after)
    assert taken(long, seen, before)
    assert appeared("short", before, after) is None
    assert appeared(long, after, after) is None


def test_many_lines_are_seen_by_their_end():
    """As a shell with bracketed paste or a composer shows them."""
    text = "first line\nsecond line\nthird line"

    assert appeared(text, screen("$ "), screen("$ first line", "second line", "third line"))
    assert appeared(text, screen("> "), screen("> first line", "  second line", "  third line", "", cursor=(0, 3)))
    assert appeared(text, screen("$ "), screen("$ first line", "second line", "")) is None


def test_enter_moves_the_cursor_to_another_row():
    """Also at the bottom, where the rows move instead; a command that clears the screen moves it too."""
    before, after = screen("$ ", top=5), screen("$ true", top=5)
    seen = appeared("true", before, after)

    assert taken("true", seen, screen("$ ", top=6))
    assert taken("true", seen, screen("$ true", "", top=5))
    assert taken("true", seen, screen("$ ", top=0))
    assert not taken("true", seen, after)


def test_text_that_went_away_is_not_there_any_more():
    """Somebody typed, a dialog opened, the line was cleared: no carriage return then."""
    seen = appeared("rm x", SHELL, screen("$ ls", "a b", "$ rm x", "", cursor=(6, 2)))

    for now in (
        screen("$ ls", "a b", "$ ", "", cursor=(2, 2)),
        screen("$ ls", "a b", "$ rm x y", "", cursor=(8, 2)),
        screen("Really?", "", "", "", cursor=(7, 0)),
        screen("$ ls", "a b", "$ rm x", "$ ", cursor=(2, 3)),
        screen("$ ls", "a b", "$ rm x", "rm x", cursor=(4, 3)),
    ):
        assert not still_there("rm x", seen, now)


def test_wide_characters_are_counted_in_cells():
    """The cursor's column is a cell; a wide character takes two, a combining mark none."""
    assert cells("日本語x", 4) == "日本"
    assert cells("e\u0301x", 1) == "e\u0301"
    assert before_cursor(screen("$ 日本 rest", cursor=(6, 0))) == "$日本"
    assert appeared("日本", screen("$ "), screen("$ 日本", cursor=(6, 0)))


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=300)


@given(TEXT, st.integers(10, 60), st.text("ab$> ", max_size=20))
def test_any_echo_at_a_prompt_is_seen(text, cols, prompt):
    """Whatever the text and the width: echoed with soft wraps it is seen, and where nothing changed it is not."""
    rows, row, used = [], "", 0
    for char in itertools.chain(prompt, text):
        width = max(0, wcwidth(char))
        if used + width > cols:
            rows.append(row)
            row, used = "", 0
        row, used = row + char, used + width
    rows.append(row)
    before = screen(prompt, cursor=(len(prompt), 0))
    after = screen(*rows, cursor=(used, len(rows) - 1), wrapped=set(range(len(rows) - 1)))

    if len(rows) == 1 or len(prompt) <= cols:
        assert appeared(text, before, after) is not None
    assert appeared(text, before, before) is None


@given(
    st.text(max_size=40),
    st.lists(st.text(max_size=20), min_size=1, max_size=6),
    st.integers(-3, 30),
    st.integers(-3, 9),
)
def test_no_screen_is_too_odd_to_be_judged(text, rows, x, y):
    """Cursors out of sight, empty screens, any text: an answer, never a crash."""
    odd, empty = screen(*rows, cursor=(max(x, 0), y)), Screen(0, 1, 80, 0, (), Cursor(0, 0), "", None, None)
    for before, after in ((odd, odd), (empty, odd), (odd, empty)):
        seen = appeared(text, before, after)
        if seen is not None:
            still_there(text, seen, empty)
            taken(text, seen, odd)
