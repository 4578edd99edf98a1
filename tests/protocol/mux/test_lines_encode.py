"""Rows to the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.mux.naive import Naive
from protocol.mux.shape_strategies import ROWS
from wa.model.screen import Row
from wa.protocol.mux import EncodeError, PreparedRows, encode_rows, prepare_rows, style
from wa.protocol.mux.cells import WRAPPED
from wa.protocol.mux.lines import read_lines
from wa.protocol.mux.varbincode import Reader, uleb

STYLE = st.builds(
    style,
    st.integers(0, 2047),
    semantic=st.integers(0, 2),
    fg=st.none() | st.integers(0, 255),
    bg=st.none() | st.integers(0, 255),
)
RUNS = st.lists(st.tuples(st.integers(0, 9), STYLE), max_size=5)


@given(ROWS, st.integers(0, 1 << 40), st.integers(0, 511))
def test_rows_round_trip(rows: tuple[Row, ...], seqno: int, bits: int) -> None:
    """Any text comes back, wide or not, wrapped or not, and every line bears seqno and bits."""
    wire = encode_rows(rows, seqno=seqno, bits=bits)

    r = Reader(wire)
    assert read_lines(r) == rows
    assert r.pos == len(wire)
    assert {(line.seqno, line.bits) for line in Naive(wire).lines()} <= {(seqno, bits)}


@given(st.lists(st.tuples(ROWS, RUNS), max_size=3))
def test_styles_change_nothing_but_the_look(spec: list[tuple[tuple[Row, ...], list[tuple[int, bytes]]]]) -> None:
    """Runs of any lengths, too short and too long, leave text and wrap bit as they are."""
    rows = [row for some, _ in spec for row in some]
    styles = [runs for some, runs in spec for _ in some]

    assert read_lines(Reader(encode_rows(rows, styles=styles))) == tuple(rows)


@pytest.mark.parametrize("text", ["ls -la", "日本 ─ x"])
def test_styles_count_columns(text: str) -> None:
    """Two cells for a wide character; what lies behind the runs is plain; the wrap bit is on the last cell."""
    bold, prompt = style(1, fg=3), style(semantic=2)
    wire = encode_rows([Row(0, text, wrapped=True)], styles=[[(2, prompt), (2, bold)]], seqno=[7])
    plain = bytes(4)

    cells = Naive(wire).lines()[0].cells

    assert [cell.attributes for cell in cells[:4]] == [prompt, prompt, bold, bold]
    assert {cell.attributes for cell in cells[4:-1]} == {plain}
    assert cells[-1].attributes == uleb(WRAPPED) + b"\0\0\0"
    assert len(cells) == (6 if text.isascii() else 8)


def test_the_wrap_bit_joins_a_style() -> None:
    """A styled last cell keeps its style."""
    wire = encode_rows([Row(0, "ab", wrapped=True)], styles=[[(2, style(1, fg=9))]])

    assert Naive(wire).lines()[0].cells[1].attributes == style(1 | WRAPPED, fg=9)


def test_an_empty_row_has_no_cell_to_say_that_it_wraps() -> None:
    """It goes out as an empty row."""
    assert read_lines(Reader(encode_rows([Row(3, "", wrapped=True)]))) == (Row(3, ""),)


def test_counts_that_differ_are_refused() -> None:
    """A style or seqno for each row, or none."""
    with pytest.raises(ValueError, match="shorter"):
        encode_rows([Row(0, "a"), Row(1, "b")], seqno=[1])
    with pytest.raises(ValueError, match="longer"):
        encode_rows([Row(0, "a")], styles=[None, None])


@pytest.mark.parametrize("color", [-1, 256])
def test_a_colour_off_the_palette_is_refused(color: int) -> None:
    """Palette colours are bytes."""
    with pytest.raises(EncodeError):
        style(fg=color)


def test_a_lone_surrogate_is_refused() -> None:
    """UTF-8 cannot carry it."""
    with pytest.raises(EncodeError):
        encode_rows([Row(0, "\ud800")])


def test_prepared_rows_are_rows() -> None:
    """They compare and iterate as the rows they hold, with the wire form beside."""
    rows = (Row(0, "a"), Row(1, "日"))

    prepared = prepare_rows(rows, seqno=4)

    assert isinstance(prepared, PreparedRows)
    assert prepared == rows
    assert prepared.wire == encode_rows(rows, seqno=4)
