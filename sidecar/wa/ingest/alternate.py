"""One stay on an alternate screen: its document, and when what goes into the log."""

from __future__ import annotations

from collections.abc import Sequence

from wa.ingest.checkpoint import MAX_MARKS, Stay, marks
from wa.ingest.document import Document
from wa.ingest.ledger import Ledger
from wa.ingest.shown import Line
from wa.model.log import GapReason, RowKind
from wa.model.observation import ScreenPush
from wa.model.screen import Dimensions, Row

MAX_PAGES = 40
"""Pages of a program that jumps about, per stay. The others are one gap wherever they stand."""


class Alternate:
    """`certain` False: it may as well be the primary screen before its first scroll. Then nothing goes into the log
    until a program has taken the mouse, or rows have left the screen without beginning a history.
    """

    def __init__(self, ledger: Ledger, rows: Sequence[Row], seen: ScreenPush, *, certain: bool) -> None:
        self.ledger = ledger
        self.certain = certain
        self.dims: Dimensions = seen.dims
        self._tallest = seen.dims.viewport_rows
        self.document = Document(rows, seen.at_ms)
        self.mouse = seen.mouse_grabbed
        self.unheard = False
        """Frames may have been missed since the last one."""
        self._pages = 0
        self._leaves_out = False
        """The log ends in a gap for pages."""

    def resume(self, stay: Stay, newest: Sequence[Row], rows: Sequence[Row], seen: ScreenPush) -> None:
        """Go on with a document of which *newest* rows are in the log. What left the screen unseen is a gap."""
        self.mouse = self.mouse or stay.mouse
        document, lost = Document.resumed(stay, newest, rows, seen.at_ms)
        self.document = document
        if self.likely or stay.scrolled:
            self.ledger.gap(lost, GapReason.DISCONNECTED, seen.at_ms)

    @property
    def likely(self) -> bool:
        return self.certain or self.mouse or self.scrolled

    def rows_kept_above(self, dims: Dimensions) -> int:
        """See `wa.ingest.kept`. 0 too where another screen shows."""
        lower = dims.scrollback_top == 0 and dims.scrollback_rows == self._tallest > dims.viewport_rows
        return dims.physical_top if lower and self.likely else 0

    @property
    def scrolled(self) -> bool:
        return self.document.scrolled > 0

    def look(self, rows: Sequence[Row], seen: ScreenPush) -> None:
        if (seen.dims.cols, seen.dims.viewport_rows) != (self.dims.cols, self.dims.viewport_rows):
            if self.likely:
                self.document.resized(other_width=seen.dims.cols != self.dims.cols)
            else:
                # The primary screen wraps its rows anew by itself, which looks like scrolling and is none.
                self.document = Document(rows, seen.at_ms)
        self.dims = seen.dims
        self._tallest = max(self._tallest, seen.dims.viewport_rows)
        self.mouse = self.mouse or seen.mouse_grabbed
        missed = GapReason.DISCONNECTED if self.unheard else GapReason.UNSEEN
        self.document.look(rows, seen.at_ms, seen.cursor.y - seen.dims.physical_top, missed)
        self.unheard = False
        self.settle(seen.at_ms)

    def goes_on(self, rows: Sequence[Row], seen: ScreenPush) -> bool:
        """The frame is this program's, although every row was drawn and most are new."""
        return self.likely and self.document.composer_is_in(rows, seen.cursor.y - seen.dims.physical_top)

    def settle(self, at_ms: int) -> None:
        if self.likely:
            self._store(self.document.take_gone(), at_ms)

    def wake_ms(self) -> int | None:
        return None

    def close(self, at_ms: int) -> None:
        self._store(self.document.take_all(at_ms), at_ms)

    def _store(self, lines: Sequence[Line], at_ms: int) -> None:
        run: list[Row] = []
        kind = RowKind.OUTPUT
        page: object = None
        for line in lines:
            is_page = line.block.page and line.block.grown < self.dims.viewport_rows
            if is_page and line.block is not page:
                page = line.block
                self._pages += 1
            if is_page and self._pages > MAX_PAGES:
                self.ledger.store(run, at_ms, kind, numbered=False)
                run = []
                if not self._leaves_out:
                    self._leaves_out = True
                    self.ledger.gap(None, GapReason.UNSEEN, at_ms)
                continue
            self._leaves_out = False
            of_kind = RowKind.SCREEN if is_page else RowKind.OUTPUT
            if of_kind is not kind or line.lost is not None:
                self.ledger.store(run, at_ms, kind, numbered=False)
                run, kind = [], of_kind
            if line.lost is not None:
                self.ledger.gap(None, line.lost, at_ms)
            run.append(line.row)
        self.ledger.store(run, at_ms, kind, numbered=False)

    def stay(self) -> Stay:
        document = self.document
        first = max(document.stored, len(document.lines) - MAX_MARKS)
        return Stay(
            certain=self.certain,
            lines=marks(line.row.text for line in document.lines[first:]),
            top=document.shown.top - first,
            content=document.content - first,
            feet=tuple(document.composer.heights),
            head=document.head,
            scrolled=document.scrolled,
            mouse=self.mouse,
            below=(),
        )
