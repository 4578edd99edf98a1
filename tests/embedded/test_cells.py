"""Packed cells to text and to the wire."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from wa.embedded.cells import RawRow, Style, encode_lines, pad, row_lengths, row_text
from wa.embedded.ghostty import Vt
from wa.protocol.mux import GetLinesResponse, decode, encode

STYLES = [
    b"\x1b[m",
    b"\x1b[1;31m",
    b"\x1b[38;5;200;4m",
    b"\x1b[48;2;1;2;3m",
    b"\x1b[7;9m",
    b"\x1b[58;5;3;4:3m",
    b"\x1b]133;A\x07",
]
TEXT = st.text(st.characters(exclude_categories=["C", "Z"], max_codepoint=0x1FFFF) | st.just(" "), max_size=12)


def shown(*output: bytes, cols: int = 40, rows: int = 6) -> list[RawRow]:
    vt = Vt(cols, rows, 100)
    for data in output:
        vt.feed(data)
    read = vt.read(0, vt.state().history + rows)
    vt.close()
    return read


def sent(rows: list[RawRow]) -> list[tuple[int, str, bool]]:
    _, payload = encode(GetLinesResponse(1, encode_lines(list(enumerate(rows, 100)), 5)), 44)
    decoded = decode(23, payload, 44)
    assert isinstance(decoded, GetLinesResponse)
    return [(row.index, row.text, row.wrapped) for row in decoded.lines]


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXT.map(str.encode) | st.sampled_from([*STYLES, b"\r\n", b"\x1b[K", b"\x1b[5C", b"\t"]), max_size=14))
def test_what_is_sent_reads_as_what_is_shown(output: list[bytes]) -> None:
    """Any characters in any styles: a client gets the same text and the same wraps, all bytes consumed."""
    rows = shown(*output)

    assert sent(rows) == [
        (index, row_text(row), row.wrapped and row_text(row) != "") for index, row in enumerate(rows, 100)
    ]


def test_text_keeps_what_was_written() -> None:
    """Printed blanks at the end are text; gaps are blanks; what was never written is not there."""
    rows = shown("ab  \r\n\x1b[3Cgap\r\n日本 e\u0301 👩\u200d💻|\r\n\x1b[41m\x1b[K\x1b[m\r\n".encode())

    assert [row_text(row) for row in rows] == ["ab  ", "   gap", "日本 e\u0301 👩\u200d💻|", " " * 40, "", ""]


def test_styles_are_read() -> None:
    """Attributes and the three kinds of colours come from the terminal."""
    (row, *_) = shown(b"\x1b[1;3;4:3;7;9;53;38;5;9;48;2;1;2;3;58;5;7mx", cols=3)

    assert row.extras is not None
    assert list(row.extras.styles.values()) == [
        Style(1, 3, False, True, True, True, False, True, 9, (1, 2, 3), 7),
    ]


def test_lengths() -> None:
    """What was written, and what is more than a plain blank."""
    rows = shown(b"ab   \r\n\x1b[7m  \x1b[m  \r\n    \r\n\r\n")

    assert [row_lengths(row.cells) for row in rows[:4]] == [(5, 2), (4, 2), (4, 0), (0, 0)]


def test_padding_is_blanks_at_the_end() -> None:
    """A padded row is longer by plain blanks, never shorter, never beyond its columns."""
    rows = shown(b"ab\r\n", cols=10)

    assert [row_text(pad(rows[0], length)) for length in (0, 2, 5, 99)] == ["ab", "ab", "ab   ", "ab" + " " * 8]
    assert row_text(pad(rows[1], 4)) == "    "
