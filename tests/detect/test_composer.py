"""Where a human types into an agent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.screens import detectors
from wa.detect.composer import MAX_REMEMBERED, MAX_REMEMBERED_CHARS, ComposerSeen, Frames
from wa.detect.pack import compile_pack
from wa.detect.page import page_of_text

MARKERS = [{"name": "user", "glyphs": "›", "unlike": r"^\d+\. "}, {"name": "agent", "glyphs": "•"}]
OPEN = {
    "marks": "›",
    "signs": ["›"],
    "prompt": r"^›(?: |$)",
    "unlike": r"^› \d+\. ",
    "placeholders": ["Ask me anything", "Try .*"],
    "below": 3,
    "below_column": 2,
    "below_like": "shortcuts",
}
RULES = {"frame": "rules", "marks": "❯", "signs": ["❯"], "prompt": r"^❯(?:[ \xa0]|$)", "below": 3, "below_column": 2}
BOXED = {"frame": "box", "marks": ">", "signs": ["╮>"], "prompt": "^>(?: |$)", "below": 2}
LINE = "─" * 30
DRAFTS = st.text(st.sampled_from("abc 1.?"), max_size=20).map(lambda text: " ".join(text.split()))


def frames_of(*composers: dict[str, Any]) -> Frames:
    pack = compile_pack({"name": "a", "layout": {"marker": MARKERS}, "composer": list(composers)})
    return Frames(pack.composers, pack.grouper)


def seen(composer: dict[str, Any], *rows: str, visible: int = 24) -> ComposerSeen | None:
    return frames_of(composer).find(page_of_text(rows, 80, visible))


def test_an_open_composer_is_read_with_its_draft_and_footer() -> None:
    """The draft runs to the first empty row, what is below is the footer."""
    found = seen(OPEN, "• said", "", "› fix the", "  tests", "", "  ? for shortcuts")
    assert found == ComposerSeen(2, 3, "fix the tests", ("? for shortcuts",))


@pytest.mark.parametrize("text", ["", "Ask me anything", "Try this one"])
def test_a_placeholder_is_no_draft(text: str) -> None:
    """Nothing is typed there; a text that only begins like one is."""
    found = seen(OPEN, f"› {text}".rstrip(), "", "  ? for shortcuts")
    assert found is not None
    assert found.draft == ""
    typed = seen(OPEN, "› Ask me anything else", "", "  ? for shortcuts")
    assert typed is not None
    assert typed.draft == "Ask me anything else"


@pytest.mark.parametrize(
    "rows",
    [
        ["› 1. Yes, proceed", "  2. No", "", "  ? for shortcuts"],
        ["› typed", "", "  nothing like it"],
        ["› typed", "", "? for shortcuts at the edge"],
        ["› typed", "", "  ? for shortcuts", "", "• an answer"],
        ["› typed", "", "  ? for shortcuts", "", "$ ls"],
        ["› typed", "", "  ? for shortcuts", "  2", "  3", "  4"],
        ["  › quoted", "", "  ? for shortcuts"],
        ["›glued", "", "  ? for shortcuts"],
    ],
)
def test_what_only_looks_like_a_composer_is_none(rows: list[str]) -> None:
    """A list of options, a prompt of the past, one without its footer, or with something below that cannot stand there."""
    assert seen(OPEN, *rows) is None


def test_a_composer_between_rules_needs_both() -> None:
    """And its frame belongs to it."""
    assert seen(RULES, "● said", LINE, "❯ draft", "  more", LINE, "  ? hint") == ComposerSeen(
        1, 4, "draft more", ("? hint",)
    )
    assert seen(RULES, LINE, "❯ draft", "  ? hint") is None
    assert seen(RULES, "● said", "❯ draft", LINE) is None
    assert seen(RULES, "❯ draft", LINE) is None


def test_a_composer_in_a_box_is_read_without_its_borders() -> None:
    """A box that stays open, or a row of one without its top, is none."""
    assert seen(BOXED, "╭────────╮", "│ > hi   │", "│   you  │", "╰────────╯", " hint") == ComposerSeen(
        0, 3, "hi you", ("hint",)
    )
    assert seen(BOXED, "╭────────╮", "│ > hi   │") is None
    assert seen(BOXED, "text", "│ > hi   │", "╰────────╯") is None


def test_a_composer_that_scrolled_away_is_none() -> None:
    """Only the visible screen counts."""
    rows = ["› typed", "", "  ? for shortcuts", *[""] * 30]
    assert seen(OPEN, *rows, visible=40) is not None
    assert seen(OPEN, *rows, visible=20) is None


def test_the_lowest_of_two_is_the_composer() -> None:
    """What was typed before stands above it in the same form."""
    found = seen(
        {**OPEN, "below_like": "shortcuts", "below": 9}, "› first", "", "  x", "", "› second", "", "  ? for shortcuts"
    )
    assert found is not None
    assert (found.first, found.draft) == (4, "second")


def test_a_footer_is_read_by_its_columns_too() -> None:
    """A hint that goes on in the row below, beside another one."""
    found = seen(
        {**OPEN, "below": 6},
        "› ",
        "",
        "  ? for shortcuts      Context 3% left",
        "                       until compact",
    )
    assert found is not None
    assert "Context 3% left until compact" in found.footer
    assert "? for shortcuts Context 3% left" in found.footer


@given(
    above=st.lists(st.sampled_from(["", "text", "• said", LINE, "› before"]), max_size=12),
    draft=DRAFTS,
    tail=st.integers(0, 5),
)
def test_a_composer_is_the_same_wherever_it_stands(above: list[str], draft: str, tail: int) -> None:
    """What is above, and empty rows below, change nothing but its rows."""
    own = [f"› {draft}".rstrip(), "", "  ? for shortcuts"]
    alone = seen(OPEN, *own, visible=60)
    moved = seen(OPEN, *above, "", *own, *[""] * tail, visible=60)
    assert (alone is None) == (moved is None)
    if alone is not None and moved is not None:
        by = len(above) + 1
        assert moved == alone._replace(first=alone.first + by, last=alone.last + by)


@given(drafts=st.lists(DRAFTS, max_size=8))
def test_what_was_found_before_changes_nothing(drafts: list[str]) -> None:
    """One that remembers reads as one that sees it for the first time."""
    old = frames_of(OPEN)
    for draft in drafts:
        page = page_of_text([f"› {draft}".rstrip(), "", "  ? for shortcuts"], 80, 24)
        assert old.find(page) == frames_of(OPEN).find(page)
        assert old.find(page) == old.find(page)


def test_what_is_remembered_is_bounded() -> None:
    """By number and by size: each key typed makes another draft, and a paste may be large."""
    frames = frames_of(OPEN)
    for number in range(MAX_REMEMBERED + 20):
        frames.find(page_of_text([f"› {number}", "", "  ? for shortcuts"], 80, 24))
    frames.find(page_of_text(["› " + "x" * 2 * MAX_REMEMBERED_CHARS, "", "  ? for shortcuts"], 80, 24))
    assert len(frames._known) <= MAX_REMEMBERED
    assert max(sum(len(part) for part in key if isinstance(part, str)) for key in frames._known) <= MAX_REMEMBERED_CHARS


@pytest.mark.parametrize("agent", ["codex", "claude_code", "gemini"])
@given(
    rows=st.lists(st.text(st.sampled_from("›❯>!*│╭╮╰╯─▀▄ ?ab1.$"), max_size=30), max_size=20), cols=st.integers(1, 40)
)
def test_no_screen_breaks_the_search(agent: str, rows: list[str], cols: int) -> None:
    """Whatever is drawn, a composer that is found lies on the page."""
    pack = detectors()[agent].pack
    page = page_of_text(rows, cols, 10)
    found = Frames(pack.composers, pack.grouper).find(page)
    if found is not None:
        assert 0 <= found.first <= found.last < page.rows
        assert found.last >= page.screen_row
