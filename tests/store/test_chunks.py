"""Rows as chunks: back again as they were, and never too many in one."""

from hypothesis import given
from hypothesis import strategies as st

from wa.store.chunks import MAX_BYTES, MAX_ROWS, Run, cut, encode, is_accented

TEXTS = st.text(st.characters(codec="utf-8"), max_size=300)
ROWS = st.lists(st.tuples(TEXTS, st.booleans()), min_size=1, max_size=150)


@given(ROWS, st.lists(st.integers(0, 2**40), min_size=1, max_size=5))
def test_rows_come_back_as_they_were(rows, instants):
    """Whatever is in them: newlines, NULs, nothing."""
    texts, wraps = [text for text, _ in rows], [wrap for _, wrap in rows]
    runs = [Run(1, at_ms) for at_ms in instants[: len(rows)]]
    runs[-1] = Run(len(rows) - len(runs) + 1, runs[-1].at_ms)

    chunk = encode(3, 17, "output", False, texts, wraps, runs, accented=False)

    assert chunk.texts() == texts
    assert chunk.wrapped() == wraps
    assert chunk.runs() == runs
    assert len(chunk.at()) == len(rows) == chunk.row_count
    assert (chunk.first_ms, chunk.last_ms) == (min(chunk.at()), max(chunk.at()))


def test_the_text_of_a_chunk_joins_soft_wraps():
    """So that a word over two rows is one word to the index."""
    chunk = encode(
        1,
        0,
        "output",
        False,
        ["see https://exam", "ple.com", "next"],
        [True, False, False],
        [Run(3, 1)],
        accented=False,
    )

    assert chunk.text == "see https://example.com\nnext"


@given(ROWS, st.integers(0, 20))
def test_a_chunk_is_neither_too_long_nor_cut_inside_a_short_line(rows, hold):
    """At most 64 rows or 8 KiB, unless a single row is larger; lines that fit are whole."""
    texts, wraps = [text for text, _ in rows], [wrap for _, wrap in rows]

    cuts = [one.end for one in cut(texts, wraps, hold)]

    assert cuts == sorted(set(cuts))
    for start, end in zip([0, *cuts], cuts, strict=False):
        size = len("\n".join(texts[start:end]).encode())
        assert end - start <= MAX_ROWS
        assert size <= MAX_BYTES or end - start == 1
        assert end <= len(texts) - hold
        if wraps[end - 1]:
            # Inside a line: then the line began with the chunk, and is longer than one.
            assert all(wraps[start:end])


@given(ROWS)
def test_what_is_left_open_is_less_than_a_chunk(rows):
    """Without rows to hold back, nothing whole is left over."""
    texts, wraps = [text for text, _ in rows], [wrap for _, wrap in rows]

    left = texts[max((one.end for one in cut(texts, wraps, 0)), default=0) :]

    assert len(left) < MAX_ROWS
    assert len("\n".join(left).encode()) <= MAX_BYTES


def test_long_rows_have_wide_lengths():
    """One byte, two or four, as the longest row needs."""
    for length in (200, 300, 70_000):
        chunk = encode(1, 0, "output", False, ["x" * length, "a\nb"], [False, False], [Run(2, 1)], accented=False)

        assert chunk.texts() == ["x" * length, "a\nb"]


def test_accents_are_told_from_other_characters():
    """Boxes, CJK and emoji need no folding; accented letters and combining marks do."""
    assert [is_accented(text.encode()) for text in ("plain", "│ box ─", "中文", "😀", "café", "e\u0301", "Ầ")] == [
        *[False] * 4,
        *[True] * 3,
    ]
