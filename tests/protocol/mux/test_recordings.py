"""Everything real servers sent decodes, to the last byte and to what they print themselves."""

from __future__ import annotations

from itertools import groupby

import pytest

from protocol.mux.naive import Line, Naive
from protocol.mux.recordings import NAMES, load
from wa.model.screen import Row
from wa.protocol.mux import (
    DecodeError,
    Frame,
    FrameReader,
    GetLinesResponse,
    GetPaneRenderChangesResponse,
    LeftoverBytes,
    clusters,
    decode,
    encode,
    encode_frame,
    prepare_rows,
)
from wa.protocol.mux.shapes import CURSOR, DIMS, MAYBE_TEXT, RANGES
from wa.protocol.mux.varbincode import Reader


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_decodes_with_all_bytes_consumed(name: str) -> None:
    """Every frame of every recording is one known PDU under its server's codec."""
    recording = load(name)

    for frame in recording.frames:
        decode(frame.ident, frame.payload, recording.codec)


@pytest.mark.parametrize("name", NAMES)
def test_frames_survive_any_cut_of_the_stream(name: str) -> None:
    """Fed whole, byte by byte and with a torn frame behind, the same frames come out."""
    recording = load(name)
    stream = recording.stream
    expected = [(frame.serial, frame.ident, frame.compressed, frame.payload) for frame in recording.frames]

    def seen(frames: list[Frame]) -> list[tuple[int, int, bool, bytes]]:
        return [(frame.serial, frame.ident, frame.compressed, frame.payload()) for frame in frames]

    assert seen(FrameReader().feed(stream)) == expected

    bytewise, reader = [], FrameReader()
    for at in range(len(stream)):
        bytewise += reader.feed(stream[at : at + 1])
    assert seen(bytewise) == expected
    assert reader.pending == 0

    torn = FrameReader()
    assert seen(torn.feed(stream + recording.frames[-1].wire[:-1])) == expected
    assert torn.pending == len(recording.frames[-1].wire) - 1


ASKED = [name for name in NAMES if any(frame.ident == 23 for frame in load(name).frames)]
LISTENED = [name for name in NAMES if name not in ASKED]


@pytest.mark.parametrize("name", ASKED)
def test_rows_equal_what_the_terminal_prints(name: str) -> None:
    """The rows of the last GetLines are `wezterm cli get-text`, line by line."""
    recording = load(name)
    payload = [frame.payload for frame in recording.frames if frame.ident == 23][-1]

    answer = decode(23, payload, recording.codec)

    assert isinstance(answer, GetLinesResponse)
    assert "\n".join(row.text for row in answer.lines) == recording.get_text.removesuffix("\n")


@pytest.mark.parametrize("name", LISTENED)
def test_pushed_rows_equal_what_the_terminal_prints(name: str) -> None:
    """Where nobody asked, the last push of each row in the final viewport is that line of `get-text`."""
    recording = load(name)
    newest: dict[int, str] = {}
    cols = 0
    for frame in recording.frames:
        if frame.ident == 25:
            push = decode(25, frame.payload, recording.codec)
            assert isinstance(push, GetPaneRenderChangesResponse)
            if push.dims.cols != cols:  # rows were wrapped anew and renumbered
                newest.clear()
            cols, dims = push.dims.cols, push.dims
            newest |= {row.index: row.text for row in push.bonus_lines}
    printed = recording.get_text.removesuffix("\n").split("\n")

    pairs = [(newest[row], printed[row - dims.scrollback_top]) for row in dims.viewport if row in newest]

    assert len(pairs) > dims.viewport_rows // 2
    assert [pair for pair in pairs if pair[0] != pair[1]] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_decodes_encodes_to_the_same_bytes(name: str) -> None:
    """Every payload comes back byte for byte; rows get their cells' styles and line numbers from a second reading."""
    recording = load(name)
    compared = 0

    for frame in recording.frames:
        pdu = decode(frame.ident, frame.payload, recording.codec)
        if isinstance(pdu, GetLinesResponse):
            lines, links = lines_of(frame.payload, 23)
            if links or not cut_alike(lines, pdu.lines):
                continue
            pdu = pdu._replace(lines=prepared(pdu.lines, lines))
        elif isinstance(pdu, GetPaneRenderChangesResponse):
            lines, links = lines_of(frame.payload, 25)
            if links or not cut_alike(lines, pdu.bonus_lines):
                continue
            pdu = pdu._replace(bonus_lines=prepared(pdu.bonus_lines, lines))
        compared += 1
        assert encode(pdu, recording.codec) == (frame.ident, frame.payload)

    assert compared > 0.9 * len(recording.frames) or "hyperlink" in name


def lines_of(payload: bytes, ident: int) -> tuple[list[Line], bool]:
    """The lines of a payload as the naive reader sees them, and whether hyperlinks or images follow."""
    r = Reader(payload)
    r.uleb()
    if ident == 25:
        r.flag()
        for shape in (CURSOR, DIMS, RANGES):
            shape.read(r)
        r.text()
        MAYBE_TEXT.read(r)
    naive = Naive(payload, r.pos)
    lines = naive.lines()
    return lines, payload[naive.pos : naive.pos + 2] != b"\0\0"


def cut_alike(lines: list[Line], rows: tuple[Row, ...]) -> bool:
    """Whether the server's cells are those that wa would make of the text."""
    return all(
        [cell.text for cell in line.cells if cell.text != " "] == [cell for cell in clusters(row.text) if cell != " "]
        for line, row in zip(lines, rows, strict=True)
    )


def prepared(rows: tuple[Row, ...], lines: list[Line]) -> tuple[Row, ...]:
    styles = [
        [(len(list(run)), look) for look, run in groupby(line.cells, lambda cell: cell.attributes)] for line in lines
    ]
    assert {line.bits for line in lines} <= {0}
    return prepare_rows(rows, seqno=[line.seqno for line in lines], styles=styles)


@pytest.mark.parametrize("name", ["styles", "wide-and-combining", "codec42/alerts", "hyperlink"])
def test_no_cut_of_a_payload_decodes(name: str) -> None:
    """A payload that ends early is refused wherever it ends, and one that goes on too long as well."""
    recording = load(name)
    for frame in {frame.payload: frame for frame in recording.frames}.values():
        for cut in range(0, len(frame.payload), 1 + len(frame.payload) // 400):
            with pytest.raises(DecodeError):
                decode(frame.ident, frame.payload[:cut], recording.codec)
        with pytest.raises(LeftoverBytes):
            decode(frame.ident, frame.payload + b"\0", recording.codec)


@pytest.mark.parametrize("name", ["plain", "styles", "codec42/alerts"])
def test_frames_written_again_are_read_again(name: str) -> None:
    """encode_frame makes, compressed or not, what FrameReader reads."""
    for frame in load(name).frames:
        for compress in (False, True):
            again = FrameReader().feed(encode_frame(frame.serial, frame.ident, frame.payload, compress=compress))[0]
            assert (again.serial, again.ident, again.payload()) == (frame.serial, frame.ident, frame.payload)
            if not frame.compressed and not compress:
                assert encode_frame(frame.serial, frame.ident, frame.payload) == frame.wire
