"""A question's options, and which of them is selected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.detect.dialog import (
    MAX_OPTIONS,
    MAX_REMEMBERED,
    MAX_REMEMBERED_CHARS,
    Listed,
    Lists,
    Options,
    inner,
    options_of,
)
from wa.detect.page import page_of_text

LABELS = st.lists(st.sampled_from(["Yes", "No", "Yes, always", "Tell it what to do", "Exit 1"]), min_size=2, max_size=9)


def options(*rows: str, cols: int = 80, start: int = 0) -> Options | None:
    return options_of(page_of_text(rows, cols, 50).lines, start, cols)


@given(labels=LABELS, selected=st.integers(0, 8), mark=st.sampled_from("❯›>●"), boxed=st.booleans())
def test_numbered_options_are_read_in_order(labels: list[str], selected: int, mark: str, boxed: bool) -> None:
    """In a box or not, whichever is marked and with whichever mark."""
    chosen = selected % len(labels)
    rows = [f"{mark if at == chosen else ' '} {at + 1}. {label}" for at, label in enumerate(labels)]
    if boxed:
        rows = ["╭" + "─" * 38 + "╮", *(f"│ {row:36} │" for row in rows), "╰" + "─" * 38 + "╯"]
    found = options("What now?", "", *rows, "", "Enter to select", cols=80)
    top = 2 + boxed
    assert found == Options(tuple(labels), chosen, top, top + len(labels) - 1)


@given(labels=LABELS, chosen=st.integers(0, 8))
def test_options_without_numbers_are_read_by_their_mark(labels: list[str], chosen: int) -> None:
    """What stands in one column with the marked one."""
    rows = [f"{'❯' if at == chosen % len(labels) else ' '} {label}" for at, label in enumerate(labels)]
    found = options("What now?", "", *rows, "", "Enter to select")
    assert found is not None
    assert (found.labels, found.selected) == (tuple(labels), chosen % len(labels))


def test_the_lowest_list_counts() -> None:
    """A list that an agent wrote before is no choice of now."""
    found = options("1. plan", "2. build", "3. test", "", "Go on?", "› 1. Yes", "  2. No")
    assert found == Options(("Yes", "No"), 0, 5, 6)


def test_a_list_that_begins_above_the_dialog_is_not_seen() -> None:
    """*start* is where the dialog begins."""
    assert options("1. plan", "2. build", "Go on?", start=2) is None


def test_a_label_that_was_broken_is_whole() -> None:
    """Its second row stands deeper than the number, and its first word had no place above."""
    found = options("› 1. Yes, and do not ask", "     again for this", "  2. No", cols=26)
    assert found is not None
    assert found.labels == ("Yes, and do not ask again for this", "No")


def test_a_description_below_a_label_is_not_part_of_it() -> None:
    """There was room for its first word in the row above."""
    found = options("› 1. Default", "     Asks before it writes", "  2. Full access", "     Asks nothing")
    assert found is not None
    assert found.labels == ("Default", "Full access")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["no list here"],
        ["1. one alone"],
        ["2. begins with", "3. the wrong number"],
        ["> quoted", "", "text"],
        ["version 1.2", "and 2.3"],
    ],
)
def test_what_is_no_list_has_no_options(rows: list[str]) -> None:
    assert options(*rows) is None


def test_one_selected_option_is_a_list() -> None:
    """A question with a single answer."""
    assert options("› 1. Continue") == Options(("Continue",), 0, 0, 0)


def test_a_list_without_end_is_cut() -> None:
    """Numbers of two digits at most, and so many options."""
    found = options(*[f"  {number}. option" for number in range(1, 500)])
    assert found is not None
    assert len(found.labels) == MAX_OPTIONS


@pytest.mark.parametrize(
    ("text", "said"), [("│ a │", " a"), ("│ │ a │ │", " a"), ("  a  ", "  a"), ("╭──╮", "──"), ("", ""), ("│", "")]
)
def test_the_inside_of_a_row_keeps_its_indentation(text: str, said: str) -> None:
    assert inner(text) == said


@given(
    rows=st.lists(st.text(st.sampled_from("❯›>●12. )abc│╭╮╰╯─○"), max_size=30), max_size=20),
    cols=st.integers(1, 40),
)
def test_no_screen_breaks_it(rows: list[str], cols: int) -> None:
    """What is found lies on the page, and the selected one is among the options."""
    found = options(*rows, cols=cols)
    if found is not None:
        assert found.labels
        assert 0 <= found.first <= found.last < len(rows)
        assert found.selected is None or 0 <= found.selected < len(found.labels)


def listed(lists: Lists, *rows: str, cols: int = 80, start: int = 0) -> Listed | None:
    return lists.find(page_of_text(rows, cols, 50).lines, start, cols)


def test_a_list_belongs_to_the_question_above_it() -> None:
    """Where the first words of a question stand below the list only, it is another's; words that stand nowhere tell nothing."""
    found = listed(Lists(), "  Go on?", "› 1. Yes", "  2. No", "", "  Shall I │ push?")
    assert found is not None
    assert found.of("Go on?") == found.of("") == found.of("Never printed") == found.options
    assert found.of("Shall I push?") is None


@given(
    rows=st.lists(
        st.sampled_from(["1. Yes", "› 1. Yes", "  2. No", "     it goes on", "x" * 20, "", "❯ Exit"]), max_size=9
    )
)
def test_a_list_is_the_same_wherever_it_was_seen_before(rows: list[str]) -> None:
    """Further down on the page, at another width, and where the terminal may have cut a row, it is looked at for itself."""
    lists = Lists()
    for above in range(3):
        for cols in (20, 80):
            page = page_of_text(["prose"] * above + rows, cols, 50)
            start = page.lines.from_row(above)
            found = lists.find(page.lines, start, cols)
            assert (None if found is None else found.options) == options_of(page.lines, start, cols)


def test_what_is_remembered_of_lists_is_bounded() -> None:
    """By their number and by their length."""
    lists = Lists()
    for number in range(MAX_REMEMBERED + 20):
        assert listed(lists, "› 1. Yes", "  2. No", f"{number}") is not None
    assert 0 < len(lists._known) <= MAX_REMEMBERED
    lists.forget()
    assert listed(lists, "› 1. Yes", "  2. No", "x" * MAX_REMEMBERED_CHARS, cols=9_000) is not None
    assert not lists._known
