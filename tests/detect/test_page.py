"""Rows of a pane, as lines that nobody wrapped."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.screens import cut
from wa.detect.page import (
    MAX_CHARS,
    MAX_CUTS,
    MAX_PART_CHARS,
    MAX_PARTS,
    MAX_ROW_CHARS,
    MAX_ROWS,
    Page,
    alike,
    bare,
    is_rule,
    page_of_rows,
    page_of_text,
    rows_with,
    width,
)
from wa.model.screen import Row

WORDS = st.text(st.sampled_from("abcXYZ 019.,:()/•›❯│─’額é"), max_size=300)
ANY = st.text(st.characters(), max_size=80)


def rows_cut(texts: list[str], cols: int) -> list[Row]:
    """As a terminal cuts them, and says so."""
    rows: list[Row] = []
    for text in texts:
        pieces = cut(text, cols)
        rows += [Row(len(rows) + at, piece, at < len(pieces) - 1) for at, piece in enumerate(pieces)]
    return rows


def lines(page: Page) -> list[str]:
    """A loose line is set off by `|`."""
    found = page.lines
    return [f"|{text}" if at in found.loose else text for at, text in enumerate(found.texts)]


@given(texts=st.lists(WORDS, min_size=1, max_size=12), cols=st.integers(2, 120))
def test_lines_that_a_terminal_cut_are_whole_again(texts: list[str], cols: int) -> None:
    """At any width, with wide characters too; each line knows the rows it stood in, and no row is in two lines."""
    if any("http" in text for text in texts):
        return
    rows = rows_cut(texts, cols)
    page = page_of_rows(rows, cols, 10)

    assert list(page.lines.texts) == [text.rstrip(" ") for text in texts]
    covered = [
        row for first, last in zip(page.lines.firsts, page.lines.lasts, strict=True) for row in range(first, last + 1)
    ]
    assert covered == list(range(len(rows)))


FULL = st.sampled_from(
    [
        *(
            "",
            " ",
            "word",
            "› b",
            "• b",
            " deeper",
            "│ in │",
            "╭──────╮",
            "────────",
            "────",
            "─",
            "額度額度",
            "e\u0301" * 8,
            ", and",
        ),
        *(
            "12345678",
            "1234567 ",
            "│ 3456 │",
            "│34567│─",
            "│https://a│",
            "http://a",
            "https://abc",
            "s://a/bc",
            "https://│",
        ),
    ]
)


@settings(max_examples=300)
@example(rows=["http://a", "› b"], flagged=False, cols=8)
@example(rows=["│http://a│", "│ b│"], flagged=False, cols=9)
@example(rows=["12345678", "› b"], flagged={0}, cols=8)
@given(
    rows=st.lists(FULL, max_size=8),
    flagged=st.one_of(st.none(), st.just(False), st.sets(st.integers(0, 8))),
    cols=st.integers(6, 9),
)
def test_a_page_that_is_plain_at_a_glance_is_plain(rows: list[str], flagged: bool | set[int] | None, cols: int) -> None:
    """A slow look finds the same lines: whether the terminal says what it cut or nobody does, beside URLs, boxes and wide characters."""
    wrapped = None if flagged is None else [isinstance(flagged, set) and at in flagged for at in range(len(rows))]
    page, slow = (Page(rows, cols=cols, visible=10, wrapped=wrapped) for _ in range(2))
    slow._plain = False
    assert page.lines == slow.lines._replace(texts=list(slow.lines.texts))


def test_full_rows_of_drawings_leave_a_page_plain() -> None:
    """Agents draw boxes and lines from edge to edge."""
    assert page_of_text(["╭──────╮", "│ word │", "╰──────╯", "────────", "> "], 8, 10).is_plain is False
    assert page_of_text(["╭──────╮", "│ word │", "╰──────╯", "────────", ">", "────────", "  below"], 8, 10).is_plain
    assert not page_of_text(["12345678", "9"], 8, 10).is_plain


@given(rows=st.lists(FULL, max_size=8), cut=st.sets(st.integers(0, 7)), blanks=st.integers(1, 9))
def test_blanks_that_a_program_printed_behind_its_words_say_nothing(
    rows: list[str], cut: set[int], blanks: int
) -> None:
    """Programs fill rows up; only where the terminal cut a row its blanks stand between words."""
    bare_rows = [Row(at, text if at in cut else text.rstrip(" "), at in cut) for at, text in enumerate(rows)]
    filled = [row if row.wrapped else row._replace(text=row.text + " " * blanks) for row in bare_rows]
    page, other = page_of_rows(bare_rows, 8, 10), page_of_rows(filled, 8, 10)
    assert (page.lines, page.parts, page.last_text) == (other.lines, other.parts, other.last_text)


def test_a_page_of_very_many_or_very_large_parts_is_not_taken_apart() -> None:
    """A flood is looked at as it is; its lines are the same."""
    flood, wall = ["word", ""] * (MAX_PARTS + 1), ["word" * 10] * (MAX_PART_CHARS // 40 + 1)
    for rows in (flood, wall):
        page = page_of_text(rows, 80, 10)
        assert not page.is_plain
        assert list(page.lines.texts) == rows


def test_the_bare_form_of_a_page_holds_no_word_across_empty_rows() -> None:
    """As its parts one by one; wrapping does not part words."""
    assert page_of_text(["a b", "c\u00a0’", "", "", "", " d │"], 80, 10).bare == b"abc'\0\0d"


@given(texts=st.lists(ANY, max_size=20), cols=st.one_of(st.none(), st.integers(1, 100)), visible=st.integers(1, 50))
def test_whatever_a_pane_shows_makes_a_page(texts: list[str], cols: int | None, visible: int) -> None:
    """Controls, halves of surrogate pairs, rows of blanks only: every row is in exactly one line, and nothing is made up."""
    texts = [text.replace("\n", " ") for text in texts]
    page = page_of_text(texts, cols, visible)

    found = page.lines
    assert [
        row for first, last in zip(found.firsts, found.lasts, strict=True) for row in range(first, last + 1)
    ] == list(range(len(texts)))
    assert "".join("".join(found.texts).split(" ")) == "".join("".join(texts).split(" "))
    assert page.screen_row == max(0, len(texts) - visible)
    assert "\n\n".join(page.parts) == "\n".join(texts)


@given(texts=st.lists(WORDS, min_size=1, max_size=12), cols=st.integers(2, 60), other=st.integers(2, 60))
def test_the_form_for_anchors_does_not_depend_on_the_width(texts: list[str], cols: int, other: int) -> None:
    """Blanks, row ends, U+00A0, borders and curly apostrophes do not count, wherever the terminal cut."""
    forms = {bare(alike("\n".join(row.text for row in rows_cut(texts, size)))) for size in (cols, other)}

    plain = "".join("".join(texts).split()).replace("│", "").replace("’", "'")
    assert forms == {plain.encode()}


def test_parts_end_where_an_empty_row_stands() -> None:
    """Two empty rows leave one of them to the part below."""
    assert page_of_text(["a", "b", "", "c", "", "", "d"], 80, 9).parts == ["a\nb", "c", "\nd"]
    assert page_of_text([], 80, 9).parts == [""]


def test_rows_with_an_anchor_are_named() -> None:
    """Each row once for each time it stands there, from the top down."""
    part = "esc to interrupt\n\nx esc to interrupt esc to interrupt"
    assert rows_with(part, "esc to interrupt", 3) == (0, 2, 2)


@pytest.mark.parametrize(
    "text", ["esc to inter\nrupt", "esc  to interrupt", "│ esc to │\n│ interrupt │", "esc\u00a0to interrupt"]
)
def test_rows_are_not_named_where_an_anchor_is_not_verbatim(text: str) -> None:
    """Wrapped, set wider or in a box: then it may stand anywhere, and a rule is asked everywhere."""
    part = alike(text)
    assert bare("esc to interrupt") in bare(part)
    assert rows_with(part, "esc to interrupt", 1) is None


def test_one_anchor_verbatim_and_one_wrapped_name_no_rows() -> None:
    """Else the wrapped one would not be asked about."""
    assert rows_with("esc to interrupt\nesc to inter\nrupt", "esc to interrupt", 2) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["abcdefghij", "klm"], ["abcdefghij", "|klm"]),
        (["abcdefghi", "jkl"], ["abcdefghi", "jkl"]),
        (["abcdefghij", ", klm"], ["abcdefghij, klm"]),
        (["abcdefghij", " klm"], ["abcdefghij", " klm"]),
        (["abcdefghij", ""], ["abcdefghij", ""]),
        (["abcdefghij", "• new"], ["abcdefghij", "• new"]),
        (["abcdefgh  ", "klm"], ["abcdefgh  klm"]),
        (["──────────", "───"], ["─────────────"]),
        (["──────────", "text"], ["──────────", "text"]),
        (["│ abcdef │", "│ ghijkl │"], ["│ abcdef │", "│ ghijkl │"]),
        (["https://a/", "b?c=d"], ["https://a/b?c=d"]),
        (["額額額額額", "限"], ["額額額額額", "|限"]),
    ],
)
def test_a_full_row_is_joined_as_far_as_it_is_sure(texts: list[str], expected: list[str]) -> None:
    """Where nobody marked cuts, a row of the whole width goes on for sure, perhaps (`|`), or plainly not."""
    assert lines(page_of_text(texts, 10, 5)) == expected


def test_rows_that_were_filled_with_blanks_are_not_cut() -> None:
    """A copy pads every row to the width: its blanks say nothing about where lines end."""
    texts = [text.ljust(10) for text in ("one", "two", "three")]
    assert lines(page_of_text(texts, 10, 5)) == ["one", "two", "three"]


def test_a_url_that_an_agent_broke_at_the_last_column_is_whole() -> None:
    """The terminal says "not cut" there, because the agent ended the row itself."""
    rows = [Row(0, "https://example.com/"), Row(1, "oauth?code=1"), Row(2, "next")]
    assert lines(page_of_rows(rows, 20, 5)) == ["https://example.com/oauth?code=1", "next"]


def test_a_line_of_too_many_rows_is_left_in_parts() -> None:
    """A megabyte without an end of line is no message of an agent."""
    rows = [Row(at, "x" * 80, at < 999) for at in range(1_000)]
    longest = max(map(len, page_of_rows(rows, 80, 24).lines.texts))
    assert longest <= 80 * (MAX_CUTS + 1)


def test_what_is_too_much_is_taken_from_the_bottom() -> None:
    """Rows, characters of a row and characters of all are bounded; the lowest rows stay."""
    many = page_of_text([f"row {at}" for at in range(MAX_ROWS + 500)], 80, 24)
    assert many.rows == MAX_ROWS
    assert many.texts[-1] == f"row {MAX_ROWS + 499}"

    long = page_of_text(["x" * 1_000_000, "last"], 80, 24)
    assert len(long.texts[0]) == MAX_ROW_CHARS
    assert long.texts[-1] == "last"

    much = page_of_text(["x" * MAX_ROW_CHARS] * 200, 80, 24)
    assert sum(map(len, much.texts)) <= MAX_CHARS


def test_cuts_stay_with_their_rows_when_rows_are_skipped() -> None:
    """The flags of the terminal move up with the rows that are left."""
    rows = [Row(at, "plain", False) for at in range(MAX_ROWS)]
    rows += [Row(MAX_ROWS, "x" * 80, True), Row(MAX_ROWS + 1, "end", False)]
    page = page_of_rows(rows, 80, 24)
    assert page.lines.texts[-1] == "x" * 80 + "end"
    assert page.lines.firsts[-1] == page.rows - 2


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["   "], ["\u00a0"]])
def test_an_empty_pane_is_a_page(texts: list[str]) -> None:
    """Without a width too; there is no last text."""
    page = page_of_text(texts, None, 24)
    assert len(page.lines.texts) == len(texts)
    assert page.last_text == ""


def test_the_last_text_is_the_lowest_row_that_shows_something() -> None:
    assert page_of_text(["one", "two  ", "", "   "], 80, 24).last_text == "two"


@given(text=st.text(st.sampled_from("─━═╌▄ abc"), max_size=20))
def test_a_rule_is_one_character_drawn_over_and_over(text: str) -> None:
    """With gaps at most; three of it at least, at its start."""
    drawn = text.strip()
    is_one = len(set(drawn) - {" "}) == 1 and drawn[:1] in "─━═╌▄" and len(set(drawn[:3])) == 1 and len(drawn) >= 3
    assert is_rule(text) == is_one


@given(text=ANY)
def test_what_is_taken_as_alike_keeps_its_columns(text: str) -> None:
    """Borders and apostrophes are replaced one for one, so a place in one is a place in the other."""
    assert len(alike(text)) == len(text)


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("額度", 4), ("é", 1), ("› ❯ •", 5), ("─" * 7, 7), ("", 0)])
def test_a_width_counts_cells(text: str, cells: int) -> None:
    assert width(text) == cells
