"""Stable row indices and what is told of changes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from wa.embedded.cells import row_text
from wa.embedded.scan import Scanner
from wa.embedded.screen import SAFE_BYTES, Screen
from wa.model.screen import Dimensions


class Shown:
    """A screen, fed as a pane feeds it."""

    def __init__(self, cols: int = 20, rows: int = 5, scrollback: int = 50) -> None:
        self.screen = Screen(cols, rows, scrollback)
        self.scanner = Scanner()

    def feed(self, *pieces: bytes) -> None:
        for piece in pieces:
            for batch in self.scanner.feed(piece):
                self.screen.apply(batch)
                self.screen.sync()

    @property
    def dims(self) -> Dimensions:
        return self.screen.dimensions()

    def rows(self) -> dict[int, str]:
        dims = self.dims
        kept = range(dims.scrollback_top, dims.physical_top + dims.viewport_rows)
        return {index: row_text(row) for index, row in self.screen.read(kept)}


class Follower:
    """A client that knows only what it was told: pushed rows, and rows it read because they were named."""

    def __init__(self) -> None:
        self.seqno = 0
        self.rows: dict[int, str] = {}

    def follow(self, shown: Shown) -> None:
        screen, dims = shown.screen, shown.dims
        rows, dirty = screen.changed_since(self.seqno)
        for named in dirty:
            self.rows |= {index: row_text(row) for index, row in screen.read(named)}
        self.rows |= {index: row_text(row) for index, row in rows}
        self.seqno = screen.seqno
        kept = range(dims.scrollback_top, dims.physical_top + dims.viewport_rows)
        self.rows = {index: text for index, text in self.rows.items() if index in kept}


def lines(first: int, last: int) -> bytes:
    return b"".join(b"line %d\r\n" % n for n in range(first, last + 1))


SEQUENCES = [
    b"\r\n", b"\x1b[2J", b"\x1b[3J", b"\x1b[H", b"\x1b[K", b"\x1b[2;3H", b"\x1b[5;1H", b"\x1b[1;3r", b"\x1b[r",
    b"\x1b[2S", b"\x1b[2T", b"\x1b[L", b"\x1b[M", b"\x1bM", b"\x1bc", "日本".encode(), b"\x1b[31m", b"\x1b[m",
    b"\x1b[3P", b"\x1b[X",
]  # fmt: skip
OUTPUT = st.one_of(
    st.integers(0, 40).map(lambda n: lines(n, n + 3)),
    st.integers(1, 90).map(lambda n: b"x" * n),
    st.sampled_from(SEQUENCES),
)
SCREENS = st.sampled_from([b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?47h", b"\x1b[?47l"])


@settings(max_examples=150, deadline=None)
@given(st.lists(OUTPUT | SCREENS, max_size=25).map(b"".join), st.data())
def test_where_the_output_is_cut_does_not_matter(output: bytes, data: st.DataObject) -> None:
    """Numbers, text and cursor are the same whole and in any pieces."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(output)), max_size=6)))
    whole, pieces = Shown(), Shown()

    whole.feed(output)
    pieces.feed(*(output[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(output)], strict=True)))

    assert (pieces.dims, pieces.screen.cursor(), pieces.rows()) == (whole.dims, whole.screen.cursor(), whole.rows())


@settings(max_examples=150, deadline=None)
@given(st.lists(OUTPUT | SCREENS, max_size=25).map(b"".join))
def test_a_limit_drops_the_oldest_rows_and_changes_nothing_else(output: bytes) -> None:
    """With any limit, what is kept has the numbers and the text it has without one."""
    endless, limited = Shown(scrollback=10_000), Shown(scrollback=7)
    endless.feed(output)
    limited.feed(output)

    kept = limited.rows()
    assert limited.dims.physical_top == endless.dims.physical_top
    assert limited.dims.scrollback_top == max(endless.dims.scrollback_top, limited.dims.physical_top - 7)
    assert kept == {index: text for index, text in endless.rows().items() if index in kept}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(OUTPUT, max_size=4).map(b"".join), max_size=10))
def test_whoever_follows_knows_every_row(batches: list[bytes]) -> None:
    """Pushed rows and rows read because they were named are together everything, at every moment."""
    shown, always, rarely = Shown(), Follower(), Follower()
    shown.screen.sync()
    for n, batch in enumerate(batches):
        shown.feed(batch)
        always.follow(shown)
        assert always.rows == shown.rows()
        if n % 3 == 2:
            rarely.follow(shown)
            assert rarely.rows == shown.rows()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(OUTPUT, st.tuples(st.integers(2, 60), st.integers(2, 12))), max_size=15))
def test_whoever_follows_knows_every_row_after_a_resize_too(steps: list[bytes | tuple[int, int]]) -> None:
    """A change of size voids the numbers; what is told after it makes a follower right again."""
    shown, follower = Shown(), Follower()
    for step in steps:
        if isinstance(step, bytes):
            shown.feed(step)
        else:
            shown.screen.resize(*step)
            shown.screen.sync()
            follower.rows.clear()
            follower.seqno = 0
        follower.follow(shown)

        dims = shown.dims
        assert follower.rows == shown.rows()
        assert (
            len(follower.rows) == dims.scrollback_rows == dims.physical_top + dims.viewport_rows - dims.scrollback_top
        )


def test_pieces_larger_than_history_are_counted() -> None:
    """Far more rows than are kept pass in one piece of output, blank ones among them; the numbers are right."""
    shown = Shown(scrollback=3)
    shown.feed(b"\n" * (SAFE_BYTES * 20) + b"\r\nend")

    top = SAFE_BYTES * 20 + 1 - 4
    assert (shown.dims.scrollback_top, shown.dims.physical_top) == (top - 3, top)
    assert shown.rows()[top + 4] == "end"


def test_a_narrow_screen_is_counted_too() -> None:
    """On few columns every byte may be a row."""
    shown = Shown(cols=2, rows=3, scrollback=10)
    shown.feed(b"x" * 100_000)

    assert shown.dims.physical_top == 50_000 - 3


def test_rows_that_did_not_change_are_not_told() -> None:
    """A row written over with the same text is told as written; a row that was only passed by is not."""
    shown = Shown()
    shown.feed(lines(1, 3))
    seqno = shown.screen.seqno
    shown.feed(b"\x1b[1;1H")

    assert shown.screen.changed_since(seqno) == ([], ())


def test_the_screens_own_answers_are_taken_once() -> None:
    """Replies to the program's questions are handed over in order, and those to our own questions never."""
    shown = Shown()
    shown.feed(b"\x1b[6n\x1b[1m\x1b[Kab\x1b[c\x1b[M")

    assert shown.screen.take_replies().startswith(b"\x1b[1;1R\x1b[?65;")
    assert shown.screen.take_replies() == b""


def test_a_flood_of_bells_is_bounded() -> None:
    """A program that prints a binary file does not make thousands of alerts."""
    shown = Shown()
    (batch,) = shown.scanner.feed(b"\x07" * 10_000)

    assert len(shown.screen.apply(batch)) <= 16
