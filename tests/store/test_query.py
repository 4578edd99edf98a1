"""What people type, and which lines it finds."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa.model.errors import UsageError
from wa.store.query import fold, parse

LINES = """\
error: cannot open /etc/hosts.allow
retry 3 of 5 in C++ code, foo-bar and foo_bar
the quick brown fox
jumps over
the lazy dog café CAFE\u0301
naïve Straße 中文 словарь
errors are many
x=1;y=2
#tag @name 50% C#
nothing here
nor here
nor there
the end error"""


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("error", [0, 12]),
        ("ERROR", [0, 12]),
        ("err", []),
        ("err*", [0, 6, 12]),
        ("error open", [0]),
        ("quick dog", [2]),
        ("quick end", []),
        ('"brown fox"', [2]),
        ('"fox jumps"', [2]),
        ('"fox brown"', []),
        ('"foo bar"', [1]),
        ("foo-bar", [1]),
        ("foo_bar", [1]),
        ("foo.bar", []),
        ("C++", [1]),
        ("C#", [8]),
        ("/etc/hosts", [0]),
        ("/etc/host", []),
        ("/etc/host*", [0]),
        ("hosts.allow", [0]),
        ("cafe", [4]),
        ("CAFÉ", [4]),
        ("naive", [5]),
        ("中文", [5]),
        ("СЛОВАРЬ", [5]),
        ("x=1", [7]),
        ("=", [7]),
        ("%", [8]),
        ('"', None),
        ('""', None),
        ("   ", None),
        ("", None),
        ('"unclosed phrase', []),
        ('"quick brown', [2]),
        ("AND", [1]),
        ("error OR", []),
        ("NEAR(error open)", []),
        ("text:error", []),
        ("-error", []),
        ("*", []),
        ("error*)", []),
        ("(error", []),
        ("^error", []),
        ("error:", [0]),
        ("'", []),
        ("\x00error", [0, 12]),
    ],
)
def test_a_query_finds_these_lines(query, found):
    """Words, phrases, beginnings of words and things meant to the letter; never a syntax error."""
    if found is None:
        with pytest.raises(UsageError):
            parse(query)
        return

    assert parse(query).find(LINES) == found
    assert [place.line for place in parse(query).places(LINES.encode(), accented=True)] == found


def test_accents_in_the_text_make_no_difference_to_a_plain_search():
    """Text is folded only where it must be; both ways find the same."""
    plain = "error one\nError two 中文 ─\nterror three"

    assert parse("error").find(plain) == parse("error").find(plain + "\né")
    assert parse("error").places(plain.encode(), accented=False) == parse("error").places(plain.encode(), accented=True)


def test_places_say_where_the_lines_stand():
    """In bytes of UTF-8, so that no more than the hit need be decoded."""
    data = LINES.encode()

    for query in ("error", "cafe", '"quick brown"', "nor nothing"):
        for place in parse(query).places(data, accented=True):
            assert data[place.start : place.end].decode() == LINES.split("\n")[place.line]


WORDS = st.text(st.sampled_from("abAB éÉ中ß_-.:/\"'*+()^{}\n1"), min_size=1, max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=6), WORDS)
@settings(max_examples=300, deadline=None)
def test_the_index_proposes_every_chunk_in_which_lines_are_found(texts, query):
    """Whatever is asked for, FTS5 takes the expression, and leaves out no text that has a hit."""
    try:
        parsed = parse(query)
    except UsageError:
        return
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE docs USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')")
    connection.executemany("INSERT INTO docs (rowid, text) VALUES (?, ?)", enumerate(texts))
    expression = parsed.expression()

    if expression is not None:
        proposed = {row for (row,) in connection.execute("SELECT rowid FROM docs WHERE docs MATCH ?", (expression,))}
        assert {at for at, text in enumerate(texts) if parsed.find(text)} <= proposed
    connection.close()


@given(st.text(max_size=40))
def test_folding_keeps_lines(text):
    """Whatever else it does, a line stays a line."""
    assert fold(text).count("\n") == text.count("\n")


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_query_fails(query, text):
    """It finds something or nothing, or says that there is nothing to search for."""
    try:
        found = parse(query).find(text)
    except UsageError:
        return

    assert all(0 <= line <= text.count("\n") for line in found)
