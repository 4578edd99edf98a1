"""The end of a pane's log in memory: however rows come, the same rows come out."""

from hypothesis import given
from hypothesis import strategies as st

from store.world import rows
from wa.model.log import RowKind
from wa.model.screen import Row
from wa.store.chunks import MAX_BYTES, MAX_ROWS
from wa.store.panelog import HOLD_ROWS, PaneLog

PLAIN = st.text(st.sampled_from("abc xyz─中\n\x00"), max_size=80)
SEGMENTS = st.lists(st.lists(st.tuples(PLAIN, st.booleans()), min_size=1, max_size=90), min_size=1, max_size=8)


def as_rows(segment):
    return tuple(Row(0, text, wrap) for text, wrap in segment)


@given(SEGMENTS)
def test_chunks_and_the_open_chunk_hold_each_row_once_in_order(segments):
    """Whatever the size of the segments and wherever lines end."""
    log, chunks = PaneLog(1), []
    for at_ms, segment in enumerate(segments):
        chunks += log.append(as_rows(segment), at_ms, RowKind.OUTPUT)
    if last := log.encoded():
        chunks.append(last)

    stored = [
        (text, wrap, at_ms)
        for chunk in chunks
        for text, wrap, at_ms in zip(chunk.texts(), chunk.wrapped(), chunk.at(), strict=True)
    ]
    assert stored == [(text, wrap, at_ms) for at_ms, segment in enumerate(segments) for text, wrap in segment]
    assert [chunk.first_row for chunk in chunks] == [sum(c.row_count for c in chunks[:at]) for at in range(len(chunks))]


@given(SEGMENTS)
def test_the_open_chunk_stays_small(segments):
    """It is rewritten with each commit: at most a chunk, and what an open line holds back."""
    log = PaneLog(1)
    for segment in segments:
        log.append(as_rows(segment), 1, RowKind.OUTPUT)

        assert len(log.texts) < MAX_ROWS + HOLD_ROWS
        assert len("\n".join(log.texts).encode()) <= 2 * MAX_BYTES


def test_a_row_at_a_time_makes_whole_chunks():
    """No chunk of one row is ever closed by a slow pane."""
    log, chunks = PaneLog(1), []
    for number in range(200):
        chunks += log.append(rows(f"row {number}"), number, RowKind.OUTPUT)

    assert [chunk.row_count for chunk in chunks] == [64, 64, 64]
    assert len(log.texts) == 8


def test_a_secret_over_two_captures_is_taken_out_of_the_row_that_was_stored_before():
    """The first row alone was no secret; joined with the second it is."""
    log = PaneLog(1)
    log.append(rows("the pass is AK\\"), 1, RowKind.OUTPUT)
    assert log.texts == ["the pass is AK"]

    log.append(rows("IAQ7ZP4KX9LM2VT6RW ok"), 2, RowKind.OUTPUT)

    assert log.texts == ["the pass is [redacted:aws_key]", " ok"]


def test_a_row_that_only_looked_like_a_secret_is_given_back():
    """As long as the line is open its end is hidden; once it goes on harmlessly it is shown."""
    log = PaneLog(1)
    log.append(rows("pip install sk-\\"), 1, RowKind.OUTPUT)
    assert log.texts == ["pip install [redacted:openai_key]"]

    log.append(rows("learn"), 2, RowKind.OUTPUT)

    assert log.texts == ["pip install sk-", "learn"]


def test_a_gap_ends_the_line():
    """What comes after it does not go on from what stands before it."""
    log = PaneLog(1)
    closed = log.append(rows("token=\\"), 1, RowKind.OUTPUT) + log.skip(5)
    closed += log.append(rows("harmless words"), 2, RowKind.OUTPUT)

    assert [chunk.texts() for chunk in closed] == [["token="]]
    assert log.texts == ["harmless words"]
    assert log.next_row == 7


def test_pages_and_output_share_no_chunk():
    """A chunk has one kind."""
    log = PaneLog(1)
    closed = log.append(rows("output"), 1, RowKind.OUTPUT) + log.append(rows("page"), 2, RowKind.SCREEN)

    assert [(chunk.kind, chunk.texts()) for chunk in closed] == [("output", ["output"])]
    assert (log.kind, log.texts) == ("screen", ["page"])


def test_a_line_longer_than_a_chunk_is_cut_and_the_cut_is_marked():
    """The next chunk says that it begins inside a line."""
    log = PaneLog(1)
    texts = [f"{number:03d}" + "x" * 97 + "\\" for number in range(200)]
    chunks = log.append(rows(*texts), 1, RowKind.OUTPUT) + log.append(rows("end"), 2, RowKind.OUTPUT) + log.close()

    assert [chunk.continues for chunk in chunks] == [False, *[True] * (len(chunks) - 1)]
    assert "".join(text for chunk in chunks for text in chunk.texts()) == "".join(t[:-1] for t in texts) + "end"


def test_a_row_of_a_megabyte_is_a_row():
    """It is a chunk of its own, not cut."""
    log = PaneLog(1)
    chunks = log.append(rows("before", "x" * 1_000_000, "after"), 1, RowKind.OUTPUT) + log.close()

    assert ["x" * 1_000_000] in [chunk.texts() for chunk in chunks]
    assert sum(chunk.row_count for chunk in chunks) == 3


def test_closing_for_age_leaves_the_open_line():
    """Its newest rows may still turn out to belong to a secret."""
    log = PaneLog(1)
    log.append(rows("one", "two", "goes on\\"), 1, RowKind.OUTPUT)

    closed = log.close(but_open_line=True)

    assert [chunk.texts() for chunk in closed] == [["one", "two"]]
    assert log.texts == ["goes on"]
