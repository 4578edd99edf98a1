"""A terminal in a few pages, after WezTerm's: stable row numbers, a bounded history, what a push names, how reads clamp.

Cells are one column wide. `dropped` keeps what the history lost, trimmed or erased, so that everything that was ever
final can be told.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wa.model.observation import RowsRead, ScreenPush
from wa.model.screen import Cursor, Dimensions, Row


@dataclass
class Line:
    text: str = ""
    wrapped: bool = False
    changed: int = 0

    @property
    def blank(self) -> bool:
        return not self.text.strip()


@dataclass
class Screen:
    cols: int
    rows: int
    limit: int
    """Rows of history; 0 for the alternate screen."""
    lines: list[Line] = field(default_factory=list)
    offset: int = 0
    x: int = 0
    y: int = 0
    pending: bool = False
    """The last column was written: the next character wraps."""
    top: int = 0
    bottom: int = 0
    dropped: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = [Line() for _ in range(self.rows)]
        self.bottom = self.rows

    @property
    def first(self) -> int:
        """Of the viewport, in `lines`."""
        return len(self.lines) - self.rows

    @property
    def line(self) -> Line:
        return self.lines[self.first + self.y]

    def drop(self, count: int) -> None:
        self.dropped += self.lines[:count]
        del self.lines[:count]
        self.offset += count

    def scroll(self, seq: int) -> None:
        """One row up within the scroll region."""
        into_history = self.top == 0 and self.limit > 0
        end = self.first + self.bottom
        if not into_history:
            for line in self.lines[self.first + self.top : end]:
                line.changed = seq
            del self.lines[self.first + self.top]
            self.lines.insert(end - 1, Line(changed=seq))
            return
        full = len(self.lines) + 1 > self.rows + self.limit
        self.lines.insert(end, Line(changed=seq))
        if full:
            self.drop(len(self.lines) - self.rows - self.limit)
        elif self.bottom < self.rows:
            # With a full history WezTerm forgets to name the rows below the region, which are renumbered all the same.
            for line in self.lines[self.first + self.bottom :]:
                line.changed = seq

    def erase_history(self) -> None:
        self.drop(self.first)

    def index(self, at: int) -> int:
        return self.offset + at

    def clamp(self, start: int, stop: int) -> range:
        """Rows (in `lines`) with which a read of `start … stop` is answered."""
        length = stop - start
        if not 0 <= start - self.offset < len(self.lines):
            return range(min(length, len(self.lines)))
        if not 0 <= stop - 1 - self.offset < len(self.lines):
            last = len(self.lines) - 1
            return range(max(0, last - length), last + 1)
        return range(start - self.offset, stop - self.offset)


class Terminal:
    def __init__(self, cols: int = 20, rows: int = 6, limit: int = 1000) -> None:
        self.seq = 0
        self.primary = Screen(cols, rows, limit)
        self.alternate = Screen(cols, rows, 0)
        self.on_alternate = False
        self.title = "sh"
        self.mouse = False
        self.told = 0
        self.told_state: object = None

    @property
    def screen(self) -> Screen:
        return self.alternate if self.on_alternate else self.primary

    # -- what a program does ----------------------------------------------------------------------------------------

    def write(self, text: str) -> None:
        """Characters; \\n moves to the start of the next row."""
        self.seq += 1
        for char in text:
            if char == "\n":
                self._down()
                self.screen.x, self.screen.pending = 0, False
            else:
                self._put(char)

    def _put(self, char: str) -> None:
        screen = self.screen
        if screen.pending:
            screen.line.wrapped, screen.line.changed = True, self.seq
            self._down()
            screen.x, screen.pending = 0, False
        line = screen.line
        line.text = line.text[: screen.x].ljust(screen.x) + char + line.text[screen.x + 1 :]
        line.changed = self.seq
        if screen.x == screen.cols - 1:
            line.wrapped = False
            screen.pending = True
        else:
            screen.x += 1

    def _down(self) -> None:
        screen = self.screen
        if screen.y == screen.bottom - 1:
            screen.scroll(self.seq)
        elif screen.y < screen.rows - 1:
            screen.y += 1

    def move(self, y: int, x: int = 0) -> None:
        screen = self.screen
        screen.y, screen.x, screen.pending = min(y, screen.rows - 1), min(x, screen.cols - 1), False

    def up(self, count: int) -> None:
        self.move(max(0, self.screen.y - count))

    def erase_line(self) -> None:
        self.seq += 1
        line = self.screen.line
        line.text, line.wrapped, line.changed = "", False, self.seq
        self.screen.x, self.screen.pending = 0, False

    def erase_below(self) -> None:
        self.erase_line()
        screen = self.screen
        for line in screen.lines[screen.first + screen.y + 1 :]:
            line.text, line.wrapped, line.changed = "", False, self.seq

    def erase_screen(self) -> None:
        self.seq += 1
        for line in self.screen.lines[self.screen.first :]:
            line.text, line.wrapped, line.changed = "", False, self.seq

    def erase_history(self) -> None:
        self.seq += 1
        self.screen.erase_history()

    def clear(self) -> None:
        """As `clear` does, and programs that print their history again."""
        self.move(0)
        self.erase_screen()
        self.erase_history()

    def reset(self) -> None:
        self.seq += 1
        self.on_alternate = False
        self.region()
        self.clear()
        for line in self.primary.lines:
            line.changed = self.seq

    def region(self, top: int = 0, bottom: int | None = None) -> None:
        screen = self.screen
        bottom = screen.rows if bottom is None else bottom
        if bottom - top >= 2:
            screen.top, screen.bottom = top, bottom
        self.move(0)

    def switch(self, *, alternate: bool) -> None:
        self.seq += 1
        if alternate == self.on_alternate:
            return
        self.on_alternate = alternate
        for line in self.primary.lines[: self.primary.rows]:
            line.changed = self.seq
        if alternate:
            self.alternate.top, self.alternate.bottom = 0, self.alternate.rows
            self.erase_screen()
            self.move(0)

    # -- size -------------------------------------------------------------------------------------------------------

    def resize(self, cols: int, rows: int) -> None:
        self.seq += 1
        for screen in (self.primary, self.alternate):
            self._resize(screen, cols, rows)

    def _resize(self, screen: Screen, cols: int, rows: int) -> None:
        cursor = screen.first + screen.y
        while len(screen.lines) > cursor + 1 and screen.lines[-1].blank:
            screen.lines.pop()
        if cols != screen.cols and screen.limit:
            cursor = self._rewrap(screen, cols, rows, cursor)
        elif cols < screen.cols:
            for line in screen.lines:
                line.text = line.text[:cols]
        while len(screen.lines) < rows:
            screen.lines.append(Line(changed=self.seq))
        screen.cols, screen.rows = cols, rows
        screen.top, screen.bottom = 0, rows
        screen.y = max(0, min(rows - 1, cursor - screen.first))
        screen.x, screen.pending = min(screen.x, cols - 1), False

    def _rewrap(self, screen: Screen, cols: int, rows: int, cursor: int) -> int:
        fresh: list[Line] = []
        text, began = "", 0
        at_cursor = cursor
        for at, line in enumerate(screen.lines):
            if at == cursor:
                at_cursor = len(fresh) + (len(text) + screen.x) // cols
            text += line.text
            if line.wrapped and at + 1 < len(screen.lines):
                continue
            parts = [text[i : i + cols] for i in range(0, len(text), cols)] or [""]
            fresh += [Line(part, i + 1 < len(parts), self.seq) for i, part in enumerate(parts)]
            text, began = "", at + 1
        del began
        screen.lines = fresh
        while len(screen.lines) > rows + screen.limit and screen.lines[-1].blank:
            screen.lines.pop()
        return min(at_cursor, len(screen.lines) - 1) if screen.lines else 0

    # -- what a client sees -----------------------------------------------------------------------------------------

    @property
    def dims(self) -> Dimensions:
        screen = self.screen
        top = screen.index(screen.first)
        return Dimensions(screen.cols, screen.rows, len(screen.lines), top, screen.offset)

    @property
    def cursor(self) -> Cursor:
        screen = self.screen
        return Cursor(screen.x, screen.index(screen.first + screen.y))

    def row(self, at: int) -> Row:
        line = self.screen.lines[at]
        return Row(self.screen.index(at), line.text, line.wrapped)

    def forget_client(self) -> None:
        """A new connection: everything is news again."""
        self.told, self.told_state = 0, None

    def push(self, at_ms: int) -> ScreenPush | None:
        """What changed since the last push; None for nothing."""
        screen, dims, cursor = self.screen, self.dims, self.cursor
        state = (dims, cursor, self.title, self.mouse)
        news = [at for at, line in enumerate(screen.lines) if line.changed > self.told or not self.told]
        if not news and state == self.told_state:
            return None
        self.told, self.told_state = self.seq, state
        rows = [self.row(at) for at in news if at >= screen.first]
        rows.append(self.row(screen.first + screen.y))
        dirty: list[range] = []
        for index in (screen.index(at) for at in news if at < screen.first):
            if dirty and dirty[-1].stop == index:
                dirty[-1] = range(dirty[-1].start, index + 1)
            else:
                dirty.append(range(index, index + 1))
        return ScreenPush(
            1, at_ms, dims, cursor, tuple(rows), tuple(dirty), self.title, None, max(self.seq, 1), self.mouse
        )

    def read_screen(self, at_ms: int) -> ScreenPush:
        rows = tuple(self.row(at) for at in range(self.screen.first, len(self.screen.lines)))
        return ScreenPush(1, at_ms, self.dims, self.cursor, rows, (), self.title, None, -1, self.mouse)

    def read_rows(self, start: int, stop: int, at_ms: int) -> RowsRead:
        rows = tuple(self.row(at) for at in self.screen.clamp(start, stop))
        return RowsRead(1, at_ms, range(start, stop), rows)

    # -- the truth --------------------------------------------------------------------------------------------------

    def ever_final(self) -> list[Row]:
        """Every row that has left the primary viewport upwards, in order."""
        lines = self.primary.dropped + self.primary.lines[: self.primary.first]
        return [Row(i, line.text, line.wrapped) for i, line in enumerate(lines)]

    def viewport(self) -> list[Row]:
        screen = self.screen
        return [self.row(at) for at in range(screen.first, len(screen.lines))]
