"""Prompt, input and output are told apart by the bits of cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.mux.recordings import load
from wa.protocol.mux import GetPaneRenderChangesResponse, decode
from wa.protocol.mux.varbincode import sleb, uleb
from wa.protocol.mux.zones import INPUT, MAX_RAW_BYTES, NO_ROWS, OUTPUT, PROMPT, RawRows, Zoned, read_zones


def cells(index, *runs, wrapped=False, bits=0):
    """A row as it stands in a push, a cell each, without colours; *runs* of kind and text."""
    pairs = [(kind, char) for kind, text in runs for char in text]
    out = sleb(index) + b"\x00" + uleb(len(pairs))
    for at, (kind, char) in enumerate(pairs):
        data = char.encode()
        last = wrapped and at == len(pairs) - 1
        out += uleb(len(data)) + data + uleb(kind << 13 | bits | (last << 11)) + b"\x00\x00\x00"
    return out + b"\x00\x00\x00"


def clusters(index, *runs):
    text = "".join(text for _, text in runs)
    out = sleb(index) + b"\x01" + uleb(len(text.encode())) + text.encode() + b"\x00" + uleb(len(runs))
    for kind, part in runs:
        out += uleb(len(part)) + uleb(kind << 13) + b"\x00\x00\x00"
    return out + uleb(len(text)) + b"\x00" + b"\x00\x00\x00"


def rows(*each):
    return uleb(len(each)) + b"".join(each)


def test_runs_of_both_storages_are_read():
    """A row of cells and a clustered one say the same; rows of output are left out."""
    runs = ((PROMPT, "$ "), (INPUT, "ls -l"), (OUTPUT, " x"))
    raw = rows(cells(7, *runs), cells(8, (OUTPUT, "total 0")), clusters(9, *runs))

    assert read_zones(raw) == (Zoned(7, runs), Zoned(9, runs))


def test_a_wrapped_row_says_so():
    """Its last cell has the bit."""
    (row,) = read_zones(rows(cells(7, (PROMPT, "$ "), (INPUT, "ab"), wrapped=True)))

    assert row.wrapped


def test_fillers_of_wide_characters_are_no_text():
    """As in rows."""
    (row,) = read_zones(rows(cells(1, (INPUT, "日 本 x"))))

    assert row.runs == ((INPUT, "日本x"),)


def test_only_what_may_be_asked_for_again_is_kept():
    """A large push without a prompt is not; with one it is, plain, bold or dim."""
    large = rows(*(cells(at, (OUTPUT, "x" * 80)) for at in range(100)))
    assert RawRows.of(large, 0, len(large)) is NO_ROWS
    assert len(large) > MAX_RAW_BYTES
    for bits in (0, 1, 2):
        with_prompt = large[:-7] + cells(99, (PROMPT, "$"), bits=bits)
        kept = RawRows.of(with_prompt, 0, len(with_prompt))
        assert kept.may_prompt
    small = rows(cells(1, (OUTPUT, "x")))
    assert not RawRows.of(small, 0, len(small)).may_prompt


@given(st.binary(max_size=300))
def test_no_bytes_raise(data):
    """What is not understood holds no zones."""
    assert isinstance(read_zones(data), tuple)


@given(
    st.lists(st.tuples(st.sampled_from([OUTPUT, INPUT, PROMPT]), st.text("ab$ ", min_size=1, max_size=9)), max_size=6)
)
def test_all_text_is_in_the_runs(runs):
    """Joined they are the row."""
    found = read_zones(rows(cells(3, *runs)))
    text = "".join(text for _, text in runs)

    assert [("".join(part for _, part in row.runs)) for row in found] == (
        [text] if any(kind for kind, _ in runs) else []
    )


@pytest.mark.parametrize("name", ["semantic-zones", "codec42/semantic-zones"])
def test_a_real_servers_prompt_and_input_are_read(name):
    """As WezTerm pushed them: a command line, its output, the next prompt."""
    recording = load(name)
    pushes = [decode(frame.ident, frame.payload, recording.codec) for frame in recording.frames]
    found = [read_zones(push.raw.data) for push in pushes if isinstance(push, GetPaneRenderChangesResponse)]

    assert [[(row.index, row.runs) for row in rows_of[:2]] for rows_of in found if rows_of] == [
        [(0, ((PROMPT, "$ "), (INPUT, "ls"))), (3, ((PROMPT, "$ "),))]
    ]
