"""A tracker in front of a terminal: what is asked is answered, late or at once, and time passes."""

from __future__ import annotations

from collections.abc import Callable

from replay import Log
from terminal import Terminal

from wa.ingest import PaneTracker
from wa.model.log import Effect, ReadBack, ReadRows, ReadScreen, WakeAt
from wa.model.observation import Interrupted, PaneGone, PaneObservation, PaneResized, TextFrame, Tick
from wa.model.screen import Row


class Stage:
    """`by_text`: the terminal is seen as `wezterm cli get-text` shows it, without row numbers and pushes."""

    def __init__(self, terminal: Terminal, *, by_text: bool = False, began: bool = True) -> None:
        self.terminal = terminal
        self.by_text = by_text
        self.log = Log()
        self.now_ms = 1_000
        self.wake_ms: int | None = None
        self.asked: list[Effect] = []
        self.number = 0
        """Of the last numbered line that a test had printed."""
        self.reads = self.ticks = 0
        self.rows_asked: list[range] = []
        self.tracker = PaneTracker(1)
        if began:
            self.begin()

    def begin(self) -> None:
        if self.by_text:
            self.feed(self.frame(0))
        else:
            self.feed(self.terminal.read_screen(self.now_ms))
        self.answer()

    # -- observations -----------------------------------------------------------------------------------------------

    def feed(self, seen: PaneObservation) -> None:
        self.wake_ms = None
        effects = self.tracker.feed(seen)
        self.log.take(effects)
        for effect in effects:
            if isinstance(effect, WakeAt):
                self.wake_ms = effect.at_ms
            elif isinstance(effect, ReadRows | ReadScreen | ReadBack):
                self.asked.append(effect)
                if isinstance(effect, ReadRows):
                    self.rows_asked.append(range(effect.start, effect.stop))

    def push(self) -> None:
        """What a connected source tells at this moment."""
        if self.by_text:
            self.feed(self.frame(0))
        elif (push := self.terminal.push(self.now_ms)) is not None:
            self.feed(push)

    def frame(self, history: int) -> TextFrame:
        screen, _dims = self.terminal.screen, self.terminal.dims
        first = max(0, screen.first - history)
        return TextFrame(
            pane_id=1,
            at_ms=self.now_ms,
            texts=tuple(line.text for line in screen.lines[first:]),
            history_rows=screen.first - first,
            viewport_rows=screen.rows,
            cols=screen.cols,
            cursor=(screen.x, screen.y),
            title="sh",
            cwd=None,
            complete=screen.first - first < history,
        )

    def resized(self, cols: int, rows: int) -> None:
        self.terminal.resize(cols, rows)
        if not self.by_text:
            self.feed(PaneResized(1, self.now_ms))

    def interrupted(self) -> None:
        """The connection broke and stands again."""
        self.asked.clear()
        self.terminal.forget_client()
        self.feed(Interrupted(1, self.now_ms, "reconnected"))

    def gone(self) -> None:
        self.feed(PaneGone(1, self.now_ms))

    # -- answers and time -------------------------------------------------------------------------------------------

    def answer_one(self, at: int = 0) -> None:
        if not self.asked:
            return
        effect = self.asked.pop(at % len(self.asked))
        self.reads += 1
        if isinstance(effect, ReadRows):
            self.feed(self.terminal.read_rows(effect.start, effect.stop, self.now_ms))
        elif isinstance(effect, ReadBack):
            self.feed(self.frame(effect.rows))
        else:
            self.feed(self.terminal.read_screen(self.now_ms))

    def answer(self, while_: Callable[[], bool] = lambda: True) -> None:
        rounds = 0
        while self.asked and while_():
            rounds += 1
            assert rounds < 2_000, "the tracker asks for ever"
            self.answer_one()

    def pass_time(self, by_ms: int, *, answering: bool = True) -> None:
        until = self.now_ms + by_ms
        while self.wake_ms is not None and self.wake_ms <= until:
            self.now_ms = max(self.now_ms, self.wake_ms)
            self.wake_ms = None
            self.ticks += 1
            self.feed(Tick(1, self.now_ms))
            if answering:
                self.answer()
        self.now_ms = until

    def settle(self, by_ms: int = 10_000) -> None:
        self.push()
        self.answer()
        self.pass_time(by_ms)
        if self.by_text:
            self.push()
            self.answer()
            self.pass_time(by_ms)

    # -- restarts ---------------------------------------------------------------------------------------------------

    def restart(self, *, tail: int = 400) -> None:
        """The sidecar was killed, with everything it returned stored, and starts again."""
        saved = self.tracker.checkpoint()
        assert len(saved) <= 4096, len(saved)
        rows = self.log.rows[-tail:]
        self.tracker = PaneTracker(1, resume=saved, tail=[Row(0, row.text, row.wrapped) for row in rows])
        assert self.tracker.next_row == self.log.next_row
        self.log.generation = 0
        self.asked.clear()
        self.wake_ms = None
        self.terminal.forget_client()

    # -- what must hold ---------------------------------------------------------------------------------------------

    def check_numbers(self) -> None:
        """Without resizes and alternate screens a row's position in the log is its number: each row that was ever final
        is there, at its place, or a gap says that it is not.
        """
        final = [row.text for row in self.terminal.ever_final()]
        at = 0
        for item in self.log.items:
            if hasattr(item, "missing"):
                assert item.missing is not None, item
                at += item.missing
                continue
            for row in item.rows:
                assert row.text == final[at], (at, row, final[at])
                at += 1
        screen = self.log.screen
        assert screen is not None
        assert at == len(final) + screen.screen.logged, (at, len(final))
        assert [row.text for row in screen.screen.rows] == [row.text for row in self.terminal.viewport()]


def joined(rows: list[Row]) -> list[str]:
    """Logical lines, without blanks at their ends."""
    lines: list[str] = []
    text = ""
    for row in rows:
        text += row.text
        if not row.wrapped:
            lines.append(text.rstrip())
            text = ""
    if text:
        lines.append(text.rstrip())
    while lines and not lines[-1]:
        lines.pop()
    return lines
