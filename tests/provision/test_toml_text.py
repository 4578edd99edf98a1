"""Changing one key of a TOML file as text."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.provision.text_trouble import TextTrouble
from wa.provision.toml_text import parse, raw_value, string_list, with_value, without

FILES = [
    "",
    "# nothing yet\n",
    'model = "x"\n',
    'model = "x"',
    'model = "x" # why\n\n# about tui\n[tui]\nnotify = ["not", "ours"]\n',
    "[tui]\nnotify = 1\n",
    'a = """\n[not a table]\nnotify = 1\n"""\nb = [\n  "x]", # ]\n  \'y\',\n]\n[t]\nc = 1\n',
    "a.b = 1\n'quoted key' = 2\n[[t]]\nx = 1\n",
    "\ufeffmodel = 'x'\r\n\r\n[t]\r\na = 1\r\n",
    "a = { b = [1, 2], c = '#' } # x\n",
    "a = '''x''''\nb = \"\"\"y\\\"\"\"\"\n",
]


@pytest.mark.parametrize("text", FILES)
def test_taking_out_undoes_putting_in(text: str) -> None:
    """The key is at the top, nothing else changed, and afterwards every byte is as before."""
    changed = with_value(text, "notify", '["wa"]')

    assert parse(changed) == {**parse(text), "notify": ["wa"]}
    assert raw_value(changed, "notify") == '["wa"]'
    undone = without(changed, "notify")
    assert undone == text or undone == f"{text}\n"


@pytest.mark.parametrize(
    "raw", ['["a", "b"]', "[\n  'a', # first\n  'b'\n]", '[ "x\\"]" ]', "'a'", "[\"\"\"a\n\"\"\", '''b''']"]
)
@pytest.mark.parametrize("behind", ["\n", " # why\n", "", "\r\n[t]\r\n"])
def test_a_value_is_replaced_and_put_back(raw: str, behind: str) -> None:
    """In its own place, with what stands behind it on the line."""
    text = f"a = 1\nnotify = {raw}{behind}"

    changed = with_value(text, "notify", '["wa"]')

    assert changed == f'a = 1\nnotify = ["wa"]{behind}'
    assert raw_value(text, "notify") == raw
    assert with_value(changed, "notify", raw) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=5))
def test_any_words_survive(words: list[str]) -> None:
    """Quotes, line breaks and control characters included."""
    assert tomllib.loads(f"notify = {string_list(words)}")["notify"] == words


def test_what_is_no_toml_is_refused_with_its_line() -> None:
    """The person learns where to look."""
    with pytest.raises(TextTrouble) as caught:
        with_value("a = 1\nb = \n", "notify", "[]")

    assert caught.value.line == 2


def test_a_key_in_a_form_that_is_not_understood_is_refused() -> None:
    """Nothing is guessed about `notify.x`."""
    with pytest.raises(TextTrouble, match="not understood"):
        with_value("notify.x = 1\n", "notify", "[]")
