"""Rows from the wire: the fast way against the plain one, and what must not fool it."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.mux.naive import Naive
from protocol.mux.recordings import NAMES, load
from wa.model.screen import Row
from wa.protocol.mux import DecodeError, GetLinesResponse, LeftoverBytes, decode, is_wide
from wa.protocol.mux.cells import WRAPPED
from wa.protocol.mux.varbincode import Reader, sleb, text_bytes, uleb

PLAIN = bytes(4)
TRUE_COLOR = b"\1" + struct.pack("<4f", 0.1, 0.2, 0.3, 1.0)
TRUE_COLOR_FALLBACK = b"\0" + struct.pack("<4f", 1.0, 0.0, 0.5, 1.0) + b"\x07"
LOOKS = [
    PLAIN,
    uleb(1) + b"\1\x02\0\0",
    uleb(1 << 8) + b"\0\1\x20\0",
    uleb(2 << 13) + b"\0\0\0",
    uleb(WRAPPED) + b"\0\0\0",
    uleb(WRAPPED | 4) + b"\1\1\1\1\0",
    uleb((1 << 17) - 1) + b"\0\0\0",
    b"\0\0\0\1\0\0\3" + TRUE_COLOR + TRUE_COLOR_FALLBACK,
    b"\0\0\0\1\0\0\2\x09\3" + TRUE_COLOR,
    # A look that holds, inside, what a plain cell looks like.
    b"\0\0\0\1\0\0\1" + b"\1a\0\0\0\0\1b\0\0\0\0\1c\0\0" + b"\3\3",
]
TEXTS = [*"ab ~|01─│é日本👍☁\u0301\u00ad", "👍🏽", "e\u0301", "⚠\ufe0f", "🇩🇪", "👩\u200d💻"]
CELL = st.tuples(st.sampled_from(TEXTS), st.sampled_from(LOOKS))
RUN = st.tuples(CELL, st.integers(1, 6), st.booleans())
Spec = tuple[int, list[tuple[tuple[str, bytes], int, bool]], int, int]
LINE = st.tuples(st.integers(-5, 1 << 40), st.lists(RUN, max_size=8), st.integers(0, 1 << 40), st.integers(0, 600))


def payload(lines: list[bytes], *, links: bytes = b"\0", images: bytes = b"\0") -> bytes:
    return b"".join((b"\1", uleb(len(lines)), *lines, links, images))


def line(index: int, cells: list[tuple[str, bytes]], seqno: int = 0, bits: int = 0) -> bytes:
    body = b"".join(text_bytes(text) + look for text, look in cells)
    return sleb(index) + b"\0" + uleb(len(cells)) + body + b"\0" + uleb(seqno) + uleb(bits)


def rows(data: bytes) -> tuple[Row, ...]:
    answer = decode(23, data, 44)
    assert isinstance(answer, GetLinesResponse)
    return answer.lines


def plainly(data: bytes) -> tuple[Row, ...]:
    """The rules of the format's description, cell by cell."""
    read = Naive(data)
    read.unsigned()
    found = []
    for one in read.lines():
        text, after_wide = "", False
        for cell in one.cells:
            if not (after_wide and cell.text == " "):
                text += cell.text
            after_wide = is_wide(cell.text) and cell.text != " " and not (after_wide and cell.text == " ")
        wrapped = bool(one.cells) and bool(Naive(one.cells[-1].attributes).unsigned() & WRAPPED)
        found.append(Row(one.index, text, wrapped))
    return tuple(found)


def build(spec: Spec) -> bytes:
    index, runs, seqno, bits = spec
    cells: list[tuple[str, bytes]] = []
    for (text, look), times, fill in runs:
        for _ in range(times):
            cells.append((text, look))
            if fill:
                cells.append((" ", look))
    return line(index, cells, seqno, bits)


@given(st.lists(LINE, max_size=5))
@settings(max_examples=400)
def test_runs_are_read_as_single_cells_would_be(
    spec: list[Spec],
) -> None:
    """Runs of any text in any look, with and without fillers, give the rows of the slow way."""
    data = payload([build(one) for one in spec])

    assert rows(data) == plainly(data)


@pytest.mark.parametrize("name", NAMES)
def test_recorded_rows_are_read_as_single_cells_would_be(name: str) -> None:
    """All rows that a real server answered with."""
    for frame in load(name).frames:
        if frame.ident == 23:
            assert rows(frame.payload) == plainly(frame.payload)


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ("日 本 ", "日本"),
        ("日 x本 ", "日x本"),
        ("日x", "日x"),
        ("日  x", "日 x"),
        ("日", "日"),
        ("─ │ ", "─ │ "),
        ("─日 ─ ", "─日─ "),
        ("日─ 本 ", "日─ 本"),
        ("👍 x", "👍x"),
        ("👍x", "👍x"),
        ("👍👍 ", "👍👍"),
        ("☁ x", "☁ x"),
        ("   ", "   "),
        ("", ""),
    ],
)
@pytest.mark.parametrize("look", LOOKS[:3])
def test_only_the_blank_behind_a_wide_character_is_a_filler(cells: str, text: str, look: bytes) -> None:
    """Blanks behind narrow characters stay, and nothing but a blank is dropped."""
    assert rows(payload([line(3, [(cell, look) for cell in cells])])) == (Row(3, text),)


def test_a_filler_may_look_different_from_its_character() -> None:
    """A wide character before the row's last column has its wrap bit on the filler."""
    cells = [("日", PLAIN), (" ", uleb(WRAPPED) + b"\0\0\0")]

    assert rows(payload([line(0, cells)])) == (Row(0, "日", wrapped=True),)


@pytest.mark.parametrize("at", range(3))
def test_only_the_last_cell_tells_that_a_row_wraps(at: int) -> None:
    """The wrap bit on any other cell means nothing."""
    cells = [(char, uleb(WRAPPED) + b"\0\0\0" if at == n else PLAIN) for n, char in enumerate("abc")]

    assert rows(payload([line(0, cells)])) == (Row(0, "abc", wrapped=at == 2),)


@pytest.mark.parametrize("text", ["", "\n", "\r", "\t", "\x1b", "\x7f", "\x00", "\x9b"])
def test_control_characters_are_blanks(text: str) -> None:
    """As WezTerm's own client shows them: none reaches a log, a row has no line break inside."""
    assert rows(payload([line(0, [("a", PLAIN), (text, PLAIN), ("b", PLAIN)])])) == (Row(0, "a b"),)
    assert rows(payload([line(0, [("a" + text + "b", PLAIN)])])) == (Row(0, f"a{' ' if text else ''}b"),)


def test_clustered_rows_are_read() -> None:
    """Variant C: text without fillers, wide columns, attributes by stretch; the last stretch tells the wrap."""
    clustered = (
        b"\7\1"
        + text_bytes("a日b\x07")
        + b"\1\1"
        + b"\2\2"
        + PLAIN
        + b"\2"
        + uleb(WRAPPED | 1)
        + b"\1\x05\0\0"
        + b"\5\1\1"
        + b"\0\4\0"
    )

    assert rows(payload([clustered, line(8, [("x", PLAIN)])])) == (Row(7, "a日b ", wrapped=True), Row(8, "x"))


def test_links_and_images_are_passed_over() -> None:
    """They stand behind the rows, and inside attributes links may too."""
    link = b"\1\2id\1x" + text_bytes("https://example.org/") + b"\0"
    image = b"\x05\3" + bytes(48) + b"\x7f" + b"\0\0\0\0" + b"\1\x80\1\0"
    linked = b"\0\0\0\1\1" + link + b"\0\3\3\3"
    cells = [("a", linked), ("b", linked), ("─", linked)]

    data = payload([line(0, cells)], links=b"\1" + link + b"\1\0\0\2", images=b"\1" + image)

    assert rows(data) == (Row(0, "ab─"),)


def test_semantic_zones_are_passed_over() -> None:
    """They are computed on the far side and normally not sent."""
    zoned = b"\0\0\1" + b"\1a\0\0\0\0" + b"\2\1\0\4\0\4\x80\1" + b"\7\0"

    assert rows(payload([zoned])) == (Row(0, "a"),)


def test_an_index_may_occur_twice() -> None:
    """Both rows come, in order: the last one wins for whoever reads them."""
    assert [row.text for row in rows(payload([line(5, [("a", PLAIN)]), line(5, [("b", PLAIN)])]))] == ["a", "b"]


@given(LINE, LINE, st.lists(st.booleans(), max_size=6))
def test_a_row_that_is_repeated_is_read_like_any_other(one: Spec, other: Spec, order: list[bool]) -> None:
    """Whatever follows whatever: the plain reading gives the same rows."""
    both = [build(one), build(other)]
    data = payload([both[which] for which in order])
    assert rows(data) == plainly(data)


def test_a_row_that_only_begins_like_the_one_before_is_another() -> None:
    """The last bytes of a row are its own: two with the same cells may have another age."""
    cells = [(char, PLAIN) for char in "the same"]
    found = rows(payload([line(5, cells, seqno=1), line(5, cells, seqno=300), line(5, cells, seqno=300), line(6, [])]))
    assert found == (Row(5, "the same"), Row(5, "the same"), Row(5, "the same"), Row(6, ""))


GOOD = line(1, [(char, PLAIN) for char in "plain row"])


@pytest.mark.parametrize(
    "damaged",
    [
        uleb(1 << 40) + GOOD + b"\0\0",
        uleb(1_000_001) + GOOD * 1_000_001 + b"\0\0",
        b"\2" + GOOD + b"\0\0",
        b"\1\0\2\0\0\0\0\0\0",
        b"\1\0\0" + uleb(1 << 62) + GOOD,
        b"\1\0\0\1\1a\0\2\0\0\0\0\0\0\0",
        b"\1\0\0\1\1a\0\0\0\2\0\0\0\0\0",
        b"\1\0\0\1\1a\0\0\0\1\0\1\3\3\3\0\0\0\0\0",
        b"\1\0\0\1\1a\0\0\0\1\0\0\4\3\3\0\0\0\0\0",
        b"\1\0\0\1\3\xe2\x28\xa1\0\0\0\0\0\0\0\0\0",
        b"\1\0\0\1\3\xed\xa0\x80\0\0\0\0\0\0\0\0\0",
        b"\1\0\0\1\3\xe0\x80\x80\0\0\0\0\0\0\0\0\0",
        b"\1" + sleb(1 << 62) + b"\0\0\0\0\0\0\0",
        b"\1" + b"\x80" * 9 + b"\x7f" + b"\0\0\0\0\0\0\0",
        b"\1" + GOOD + uleb(1 << 50) + b"\0",
        b"\1" + GOOD + b"\0" + uleb(1 << 50),
    ],
)
def test_nonsense_among_rows_is_a_decode_error(damaged: bytes) -> None:
    """Counts beyond the bytes, variants that do not exist, text that is none, rows beyond reason."""
    with pytest.raises(DecodeError) as caught:
        decode(23, b"\1" + damaged, 44)
    assert not isinstance(caught.value, LeftoverBytes)


@pytest.mark.parametrize(
    "unit",
    [
        b"\1 \0\0\0\0",
        b"\1a\0\1\0\0\0",
        b"\0\0\0\0\1 ",
        b"\3\xe2\x94\x80\0\0\0\0",
        b"\3\xe6\x97\xa5\0\0\0\0\1 \0\0\0\0",
        b"\0",
        b"\x80",
        b"\0\0\1\1a\0\0\0\0",
        b"\0\0\1\1a\0\0\0\0\0\0\0" + b"\1a\0\0\0\0",
    ],
)
def test_hostile_repetition_takes_linear_time(unit: bytes) -> None:
    """A megabyte of what the expressions look for, at every offset, are read or refused in seconds."""
    body = unit * ((1 << 20) // len(unit))
    begin = time.monotonic()

    for offset in range(len(unit)):
        for head in (uleb(150_000), uleb(150_000) + b"\0\0" + uleb(130_000)):
            try:
                decode(23, b"\1" + head + body[offset:], 44)
            except DecodeError:
                continue

    assert time.monotonic() - begin < 20


def test_rows_nested_in_a_run_take_linear_time() -> None:
    """Rows of one cell, each the beginning of a run through all that follows, do not each read all that follows."""
    head = b"\0\0\1"
    row_inside = bytes((39,)) + b"x" * 15, b"x" * 16, b"x" * 6 + bytes(7) + head
    unit = b"\1a" + b"\0\0\0\1\0\0" + b"".join(b"\1" + free for free in row_inside)
    units = (3 << 20) // len(unit) // 2 * 2
    data = b"\1" + uleb(units) + head + unit * units
    begin = time.monotonic()

    with pytest.raises(LeftoverBytes):
        decode(23, data, 44)

    assert time.monotonic() - begin < 10


def test_reader_is_left_behind_the_rows() -> None:
    """read_lines stops where the next field begins."""
    from wa.protocol.mux.lines import read_lines

    r = Reader(payload([GOOD, line(2, [("─", PLAIN)])])[1:] + b"next")

    assert [row.index for row in read_lines(r)] == [1, 2]
    assert r.take(4) == b"next"
