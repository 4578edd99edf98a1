"""Pane text cannot steer the terminal it is shown on."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.surfaces.text import clip, harmless, pad, width

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("\x1b[2J", "␛[2J"),
        ("a\rb\nc\td", "a␍b␊c␉d"),
        ("\x9b31m", "\ufffd31m"),
        ("user\u202etxt.exe", "user\ufffdtxt.exe"),
        ("\u2066x\u2069", "\ufffdx\ufffd"),
        ("\x7f", "␡"),
        ("\udc80", "\ufffd"),
        ("tag\U000e0041", "tag\ufffd"),
        ("زر ok العربية", "زر ok العربية"),
        ("日本語 café 👩‍👩‍👧 ✳ ⠧ │", "日本語 café 👩‍👩‍👧 ✳ ⠧ │"),
    ],
)
def test_controls_are_made_visible(hostile: str, shown: str) -> None:
    """Escapes, C1 controls and direction overrides become pictures; ordinary writing of any script stays."""
    assert shown == harmless(hostile)


@given(ANY_TEXT)
def test_nothing_that_steers_survives(text: str) -> None:
    """Whatever was printed, the result has no control, surrogate or direction override, and is no longer."""
    shown = harmless(text)

    assert len(shown) == len(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(char) for char in shown} & {
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    }


@given(ANY_TEXT, st.integers(0, 40))
def test_clipped_text_fits(text: str, columns: int) -> None:
    """Cut text takes at most the columns given, and is a beginning of what it was cut from."""
    safe = harmless(text)
    cut = clip(safe, columns)

    assert width(cut) <= columns
    assert safe.startswith(cut.removesuffix("…"))


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("abc", 0, ""),
    ],
)
def test_wide_and_combining_characters_are_not_cut_in_two(text: str, columns: int, expected: str) -> None:
    """A wide character takes two columns and a combining mark none."""
    assert expected == clip(text, columns)


def test_padding_counts_columns() -> None:
    """Blanks are added by columns, not by characters."""
    assert pad("日本", 6) == "日本  "
    assert pad("日本", 6, right=True) == "  日本"
