"""Regular expressions: line by line, bounded in time, and the index asked first."""

import re
import sqlite3
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa.model.errors import UsageError
from wa.store.pattern import Pattern, required_words

TEXT = "error: cannot open /etc/hosts\nab12cd34 deadbeef\nfoo\nbar\n  indented error"


def pattern(text: str, *, within_s: float = 5.0) -> Pattern:
    return Pattern(text, deadline=time.monotonic() + within_s)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"err.r", [0, 4]),
        (r"^error", [0]),
        (r"error$", [4]),
        (r"^foo$", [2]),
        (r"\Afoo\Z", [2]),
        (r"foo\nbar", []),
        (r"foo\s+bar", []),
        (r"[0-9a-f]{8}", [1]),
        (r"(?i)ERROR", [0, 4]),
        (r"(?<!\s)error", [0]),
        (r"/etc/\w+", [0]),
        (r"[^x]*bar", [3]),
        (r"nothing", []),
    ],
)
def test_a_pattern_is_tried_on_each_line_by_itself(text, found):
    """Anchors mean the line's ends; no match reaches over them."""
    assert pattern(text).find(TEXT) == found
    assert [place.line for place in pattern(text).places(TEXT.encode(), accented=False)] == found


@pytest.mark.parametrize("text", ["(", "[", "*", "(?P<x", "a{2,1}", "\\"])
def test_what_is_no_regular_expression_is_said_to_be_none(text):
    """A usage error, with the reason."""
    with pytest.raises(UsageError, match="not a regular expression"):
        pattern(text)


def test_a_pattern_that_would_take_for_ever_is_stopped():
    """At its deadline, whatever it is doing."""
    slow = pattern(r"(a|aa)+$", within_s=0.2)
    begun = time.monotonic()

    with pytest.raises(TimeoutError):
        slow.find("a" * 50_000 + "b")

    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"error", []),
        (r"\berror\b", ['"error"']),
        (r"\berror", ['"error"*']),
        (r"/etc/hosts", ['"etc"', '"hosts"*']),
        (r"^commit [0-9a-f]+", ['"commit"']),
        (r"took \d+ ms$", ['"ms"']),
        (r"a|/etc/", []),
        (r"[|]/etc/\|", ['"etc"']),
        (r"(?i)/etc/", []),
        (r"/etc/(hosts|passwd) now", ['"etc"', '"now"*']),
        (r" foos?:", ['"foo"*']),
        (r" fo+ x", ['"fo"*']),
        (r" foo{2}-bar-", ['"fo"*', '"bar"']),
        (r"\.ab\w", ['"ab"*']),
        (r" [a]bc ", []),
        (r" \x41bc ", []),
    ],
)
def test_words_that_every_match_must_hold_are_taken_from_the_pattern(text, words):
    """Only where the pattern itself says that a word begins, and whether it ends."""
    assert required_words(text) == words


PIECES = st.sampled_from(
    ["ab", "cd", " ", "/", r"\b", r"\w", ".", "x?", "y*", "z+", "(ab)", "[cd]", "^", "$", "-", r"\.", "é"]
)


@given(
    st.lists(PIECES, min_size=1, max_size=8),
    st.lists(st.sampled_from(["ab", "cd", "abcd", " ", "/", "-", ".", "z", "x", "é"]), max_size=12),
)
@settings(max_examples=500, deadline=None)
def test_the_index_proposes_every_line_that_matches(pieces, line):
    """The words taken from a pattern are in each text that it matches."""
    text = "".join(line)
    expression = pattern("".join(pieces)).expression()
    if expression is None or not re.search("".join(pieces), text):
        return
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE docs USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')")
    connection.execute("INSERT INTO docs VALUES (?)", (text,))

    assert connection.execute("SELECT count(*) FROM docs WHERE docs MATCH ?", (expression,)).fetchone() == (1,)
    connection.close()
