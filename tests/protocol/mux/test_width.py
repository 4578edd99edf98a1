"""Widths as WezTerm counts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.protocol.mux import clusters, is_wide
from wa.protocol.mux.width import char_width
from wa.protocol.mux.width_data import EMOJI_VARIATION, WIDE, ZERO

WIDE_CELLS = ["日", "한", "ｆ", "👍", "👍🏽", "✅", "⌚", "☝️", "⚠️", "🇩🇪", "🇩", "👩\u200d💻", "❤️\u200d🔥", "㊗️"]
NARROW_CELLS = ["a", "é", "é", "─", "█", "⏺", "☁", "⚠", "✳", "⎿", "⚡︎", "1️⃣", "…", "\ue0b0", "ั", "a️"]


@pytest.mark.parametrize("cell", WIDE_CELLS)
def test_wide_cells(cell: str) -> None:
    """Measured on 2026-11-21: `wezterm cli get-text` drops the blank behind each of these."""
    assert is_wide(cell)


@pytest.mark.parametrize("cell", NARROW_CELLS)
def test_narrow_cells(cell: str) -> None:
    """Measured on 2026-11-21: `wezterm cli get-text` keeps the blank behind each of these."""
    assert not is_wide(cell)


@pytest.mark.parametrize("table", [WIDE, ZERO, EMOJI_VARIATION], ids=["WIDE", "ZERO", "EMOJI_VARIATION"])
def test_tables_are_sorted_and_do_not_overlap(table: str) -> None:
    """The search through them relies on it."""
    edges = []
    for item in table.split():
        first, _, last = item.partition("-")
        edges += [int(first, 16), int(last or first, 16)]

    assert edges == sorted(edges)
    assert len(edges[0::2]) == len(set(edges[0::2]))


@given(st.text())
def test_clusters_join_to_their_text(text: str) -> None:
    """Nothing is lost or added when text is cut into cells."""
    assert "".join(clusters(text)) == text


@pytest.mark.parametrize(
    "cells",
    [
        ["a", "b"],
        ["e\u0301", "x"],
        ["👩\u200d👩\u200d👧", "!"],
        ["🇩🇪", "🇫🇷", "🇩"],
        ["👍🏽", "👍"],
        ["1\ufe0f\u20e3", " "],
        ["न", "म", "स\u094d", "त\u0947"],
        ["\u0301", "a"],
        ["日", "本"],
    ],
)
def test_marks_share_the_cell_of_what_they_mark(cells: list[str]) -> None:
    """Accents, joiners, skin tones and flags do not begin cells."""
    assert list(clusters("".join(cells))) == cells


@given(st.characters())
def test_every_character_has_a_width(char: str) -> None:
    """0, 1 or 2, for all of Unicode, assigned or not."""
    assert char_width(char) in (0, 1, 2)
