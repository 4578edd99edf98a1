"""A wezterm.lua with values in it, tried before it is offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from wa.model.errors import ConfigError
from wa.provision.local_config import FRESH
from wa.provision.tune import with_values, without_values
from wa.provision.tune_file import Place, evaluated, fresh_file
from wa.provision.tune_tables import tuned

VALUES = tuned(64)


def place(text: str | None) -> Place:
    return Place("lab:/w.lua", None if text is None else text.encode(), Path("/nonexistent/w.lua"), {})


def test_what_it_says_before_and_with_the_values() -> None:
    """A first block overrides the user's; a second one what the first set."""
    text = "local c = { scrollback_lines = 9000 }\nreturn c\n"
    first = fresh_file(place(text), VALUES)
    assert (first.before["scrollback_lines"], first.effective["scrollback_lines"]) == (9000, 9000)

    second = fresh_file(place(first.data.decode()), tuned(128))
    assert (second.before["scrollback_lines"], second.effective["scrollback_lines"]) == (9000, 1_000_000)
    assert second.data.decode() == with_values(text, tuned(128))


def test_a_block_that_the_user_went_on_below_moves_down() -> None:
    """It stands before the last `return` again, and everything else is the user's."""
    text = with_values("local c = {}\nreturn c\n", VALUES).replace("return", "c.shape_cache_size = 3\nreturn")
    fresh = fresh_file(place(text), VALUES).data.decode()

    assert evaluated(place(None), fresh)["shape_cache_size"] == 8_192
    assert without_values(fresh) == "local c = {}\nc.shape_cache_size = 3\nreturn c\n"
    assert fresh_file(place(fresh), VALUES).data.decode() == fresh


def test_without_a_file_one_is_made() -> None:
    """With nothing in it but the values."""
    assert without_values(fresh_file(place(None), VALUES).data.decode()) == FRESH


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("local c = {}\nreturn setmetatable({}, { __newindex = function() end })", "keeps it from being set"),
        ("local c = {}\n-- wa tune: begin\nreturn c\n", "tune"),
        ("local c = = 1\n-- wa tune: begin\nreturn c\n", r"^lab:/w.lua:1: "),
    ],
)
def test_what_does_not_hold_is_not_offered(text: str, said: str) -> None:
    """With the file's place, and the lines to add by hand where that would help."""
    with pytest.raises(ConfigError, match=said) as error:
        fresh_file(place(text), VALUES)
    assert "Nothing was changed" in error.value.next_step


def test_what_only_wezterm_can_evaluate_is_marked() -> None:
    """Nothing of it is known then; the file is made all the same, for WezTerm to judge."""
    fresh = fresh_file(place("return { a = nothing.there }"), VALUES)

    assert fresh.unread is not None
    assert fresh.before == {}
