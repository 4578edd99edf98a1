"""Changing JSON as text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa.provision.json_text import added, parse, raw_at, removed, replaced
from wa.provision.text_trouble import TextTrouble

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
BLANKS = st.text(alphabet=" \t\n", max_size=4)
COMMENTS = st.sampled_from(["", " ", "\n", " // here\n", "/* there */", "\n  // one\n  // two\n", " /* a\n b */ "])


@st.composite
def laid_out(draw: st.DrawFn, blanks: st.SearchStrategy[str], depth: int = 0) -> str:
    """JSON as anybody could have typed it."""
    kind = draw(st.sampled_from(["object", "array", "plain"] if depth else ["object"]))
    if depth > 2 or kind == "plain":
        return json.dumps(draw(st.none() | st.integers() | st.text(max_size=5)))
    parts = []
    for number in range(draw(st.integers(0, 3))):
        child = draw(laid_out(blanks, depth + 1))
        key = f'"k{number}"{draw(blanks)}:{draw(blanks)}' if kind == "object" else ""
        parts.append(f"{draw(blanks)}{key}{child}{draw(blanks)}")
    inner = ",".join(parts) if parts else draw(blanks)
    return f"{{{inner}}}" if kind == "object" else f"[{inner}]"


@given(VALUES, st.sampled_from([None, 2, "\t"]))
def test_reads_what_json_reads(value: Any, indent: int | str | None) -> None:
    """Any JSON, laid out in any way, has the value that Python's own reader finds."""
    assert parse(json.dumps(value, indent=indent)).value == value


@given(laid_out(BLANKS) | laid_out(COMMENTS), VALUES, st.booleans())
@settings(max_examples=300)
def test_taking_out_undoes_putting_in(text: str, value: Any, windows: bool) -> None:
    """Put into any file with comments in any place, a member is all that is new; taken out, every byte is as before."""
    text = text.replace("\n", "\r\n") if windows else text
    before = parse(text, comments=True)

    changed = added(text, (), "hooks", value, comments=True)

    after = parse(changed, comments=True)
    assert after.value == {**before.value, "hooks": value}
    assert list(after.keys) == [*before.keys, "hooks"]
    undone = removed(changed, (), "hooks", comments=True)
    if before.keys or text[before.start + 1 : before.end - 1].strip():
        assert undone == text or parse(undone, comments=True).value == before.value
    if before.keys:
        assert undone == text


def test_a_new_member_is_laid_out_as_its_neighbours() -> None:
    """Indentation, line breaks, a trailing line break and a byte order mark stay what they were."""
    text = '\ufeff{\r\n\t"a": 1\r\n}\r\n'

    assert added(text, (), "b", {"c": [1]}) == (
        '\ufeff{\r\n\t"a": 1,\r\n\t"b": {\r\n\t\t"c": [\r\n\t\t\t1\r\n\t\t]\r\n\t}\r\n}\r\n'
    )
    assert added('{"a":1}', (), "b", {"c": 2}) == '{"a":1,"b":{"c":2}}'
    assert added('{"a": 1}', (), "b", {"c": 2}) == '{"a": 1, "b": {"c": 2}}'
    assert added("{}", (), "b", 1) == '{\n  "b": 1\n}'


def test_a_comment_behind_a_value_stays_with_it() -> None:
    """What somebody wrote about the last value is not moved below the new one."""
    text = '{\n  "a": 1 // one\n  // the end\n}\n'

    changed = added(text, (), "b", 2, comments=True)

    assert changed == '{\n  "a": 1, // one\n  "b": 2\n  // the end\n}\n'
    assert removed(changed, (), "b", comments=True) == text


def test_only_the_named_member_goes() -> None:
    """From the front, the middle and the end, with comments that others wrote about their own."""
    text = '{\n  "a": 1, // about a\n  "b": 2, /* about b */\n  "c": 3 // about c\n}'

    assert removed(text, (), "a", comments=True) == '{ // about a\n  "b": 2, /* about b */\n  "c": 3 // about c\n}'
    assert removed(text, (), "b", comments=True) == '{\n  "a": 1, // about a /* about b */\n  "c": 3 // about c\n}'
    assert removed('{"a": [1, 2, 3]}', ("a",), 1) == '{"a": [1, 3]}'
    assert removed('{"a": 1 // x\n, "b": 2}', (), "b", comments=True) == '{"a": 1 // x\n}'


def test_a_value_is_replaced_as_it_stands() -> None:
    """Escapes of the old one can be put back as they were."""
    text = '{"a": {"b": "\\u0041\\/"}}'
    raw = raw_at(text, ("a", "b"))

    changed = replaced(text, ("a", "b"), '"new"')

    assert changed == '{"a": {"b": "new"}}'
    assert replaced(changed, ("a", "b"), raw) == text


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('{\n"a": 1,\n}', 3, "a comma before"),
        ('{\n"a": 1\n"b": 2}', 3, "a comma or"),
        ('{"a": 1, "a": 2}', 1, "stands twice"),
        ('{"a": 1} x', 1, "behind the end"),
        ('{\n\n"a": tru}', 3, "begins no value"),
        ('{"a": "b\n"}', 1, "without an end"),
        ("{'a': 1}", 1, "a key in quotes"),
        ("", 1, "a value is missing"),
        ("[" * 300 + "]" * 300, 1, "too deep"),
        ("{\n// no\n}", 2, "a comment"),
        ('{"a": 01}', 1, "a comma or"),
        ('{"a": NaN}', 1, "begins no value"),
        ("{\n", 2, "a key in quotes"),
        ('{"a"', 1, "a colon"),
    ],
)
def test_what_is_no_json_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    """A file that its own program would not read is not touched, and the person learns where to look."""
    with pytest.raises(TextTrouble) as caught:
        parse(text)

    assert caught.value.line == line
    assert reason in caught.value.reason


def test_a_comment_needs_an_end() -> None:
    """Where comments are taken, one that never ends is an error."""
    with pytest.raises(TextTrouble, match="without an end"):
        parse('{"a": 1 /* x', comments=True)
