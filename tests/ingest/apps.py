"""Programs that draw like agents do, each with the rows that a log of it should hold."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from terminal import Terminal

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class ChatOnAlternate:
    """A full-screen chat: a title that sticks, the end of a document, a spinner, a composer that grows, a footer.

    `show` is called after each frame, as a terminal's push would follow.
    """

    def __init__(
        self, terminal: Terminal, show: Callable[[], None], *, sticky: bool = True, mouse: bool = True
    ) -> None:
        self.terminal = terminal
        self.show = show
        self.sticky = sticky
        self.mouse = mouse
        self.document: list[str] = []
        """Logical lines; wrapped for the width of the moment."""
        self.title = ""
        self.composer = ["> "]
        self.busy = False
        self.spin = 0
        self.clock = 0
        self.dialog: list[str] = []
        """Over the middle of the document."""
        self.approval: list[str] = []
        """In the composer's place."""
        self.popup: list[str] = []
        """Between the document and the composer."""
        self.transcript: int | None = None
        """A view of the whole document, scrolled back by so many rows, that covers everything."""
        self.back = 0
        """Rows scrolled back by the user."""
        self.least_shared = 1000
        """Rows of the document that two frames had in common, where that was least."""
        self._viewed = range(0)

    def start(self) -> None:
        self.terminal.switch(alternate=True)
        self.terminal.mouse = self.mouse
        self.draw()

    def stop(self) -> None:
        self.back, self.dialog, self.busy = 0, [], False
        self.approval, self.popup, self.transcript = [], [], None
        self.draw()
        self.terminal.mouse = False
        self.terminal.switch(alternate=False)
        self.show()

    # -- what it shows ----------------------------------------------------------------------------------------------

    @property
    def cols(self) -> int:
        return self.terminal.screen.cols

    @property
    def height(self) -> int:
        """Rows for the document."""
        return self.terminal.screen.rows - len(self.bottom())

    def wrapped(self) -> list[str]:
        rows: list[str] = []
        for line in self.document:
            rows += textwrap.wrap(line, self.cols, drop_whitespace=False, break_long_words=True) or [""]
        return rows

    def bottom(self) -> list[str]:
        rows: list[str] = []
        if self.busy:
            self.spin += 1
            rows += ["", f"{SPINNER[self.spin % 10]} Working ({self.clock}s)"]
        if self.approval:
            return [*rows, "", *[row[: self.cols] for row in self.approval]]
        rows += ["", *[row[: self.cols] for row in self.popup]]
        rows += ["-" * self.cols, *[row[: self.cols] for row in self.composer], "-" * self.cols]
        return [*rows, "model-x  ~/project", "? for help"]

    def overlay(self, back: int) -> list[str]:
        rows = self.wrapped()
        height = self.terminal.screen.rows - 4
        first = max(0, len(rows) - height - back)
        view = rows[first : first + height]
        view += ["~"] * (height - len(view))
        share = 100 * (first + height) // max(1, len(rows))
        keys = [f"{min(share, 100)}%".rjust(self.cols, "-"), " up/down to scroll   pgup/pgdn to page", " q to quit"]
        return [" / T R A N S C R I P T ".ljust(self.cols, "/"), *view, *keys]

    def frame(self) -> list[str]:
        if self.transcript is not None:
            return [row[: self.cols] for row in self.overlay(self.transcript)]
        bottom = self.bottom()
        height = self.terminal.screen.rows - len(bottom)
        rows = self.wrapped()
        first = max(0, len(rows) - height - self.back)
        view = rows[first : first + height]
        if self.sticky and first > 0 and self.title:
            view = [f"# {self.title}"[: self.cols], *view[1:]]
        view += [""] * (height - len(view))
        if self.dialog:
            at = max(0, (height - len(self.dialog)) // 2)
            view[at : at + len(self.dialog)] = [row[: self.cols] for row in self.dialog]
        return (view + bottom)[: self.terminal.screen.rows]

    def _watch_shared(self) -> None:
        if self.transcript is not None or self.back:
            return
        rows = len(self.wrapped())
        first = max(0, rows - self.height)
        before, self._viewed = self._viewed, range(first + (first > 0 and self.sticky), rows)
        if self._viewed.start > before.start:
            shared = min(before.stop, self._viewed.stop) - max(before.start, self._viewed.start)
            self.least_shared = min(self.least_shared, shared)

    def draw(self) -> None:
        self._watch_shared()
        terminal = self.terminal
        for y, row in enumerate(self.frame()):
            if terminal.screen.lines[terminal.screen.first + y].text.rstrip() != row.rstrip():
                terminal.move(y)
                terminal.erase_line()
                terminal.write(row)
        terminal.move(terminal.screen.rows - 4, 2)
        self.show()

    # -- what happens -----------------------------------------------------------------------------------------------

    def say(self, lines: Sequence[str], *, jump: int = 1, typed: int = 0) -> None:
        """Lines come in, *jump* between two frames; with *typed*, each last line in pieces of so many characters."""
        for at in range(0, len(lines), jump):
            part = list(lines[at : at + jump])
            self.document += part[:-1]
            if typed:
                for cut in range(typed, len(part[-1]), typed):
                    self.document.append(part[-1][:cut])
                    self.draw()
                    self.document.pop()
            self.document.append(part[-1])
            self.draw()


class InlineRepaint:
    """Ink below the shell: finished rows are printed for good, the live block below is rubbed out and drawn again."""

    def __init__(self, terminal: Terminal, show: Callable[[], None]) -> None:
        self.terminal = terminal
        self.show = show
        self.live: list[str] = []
        self.drawn = 0

    def update(self, live: Sequence[str], final: Sequence[str] = ()) -> None:
        terminal = self.terminal
        if self.drawn:
            terminal.up(self.drawn - 1)
            terminal.erase_below()
        for row in final:
            terminal.write(row + "\n")
        self.live = list(live)
        terminal.write("\n".join(live))
        self.drawn = min(len(live), terminal.screen.rows)
        self.show()

    def stop(self) -> None:
        self.terminal.write("\n")
        self.show()


class PrintsAgain:
    """Ink with an output taller than the screen: each redraw erases everything and prints the whole history again."""

    def __init__(self, terminal: Terminal, show: Callable[[], None], *, torn: bool = False) -> None:
        self.terminal = terminal
        self.show = show
        self.torn = torn
        """Pushes may fall into the middle of a redraw."""
        self.history: list[str] = []
        self.spin = 0
        self.drawn = 0
        self.busy = True

    def rows(self) -> list[str]:
        rows: list[str] = []
        for line in self.history:
            rows += textwrap.wrap(line, self.terminal.screen.cols, drop_whitespace=False) or [""]
        return rows

    def live(self) -> list[str]:
        self.spin += 1
        cols = self.terminal.screen.cols
        state = f" {SPINNER[self.spin % 10]} Thinking... ({self.spin}s)" if self.busy else ""
        return ["", state[:cols], "▄" * cols, " >   Type your message", "▀" * cols, " ~/demo   no sandbox"]

    def draw(self) -> None:
        terminal = self.terminal
        rows = [*self.rows(), *self.live()]
        if len(rows) >= terminal.screen.rows:
            terminal.clear()
            if self.torn:
                self.show()
            half = len(rows) // 2
            terminal.write("\n".join(rows[:half]) + "\n")
            if self.torn:
                self.show()
            terminal.write("\n".join(rows[half:]))
        else:
            if self.drawn:
                terminal.up(self.drawn - 1)
                terminal.erase_below()
            terminal.write("\n".join(rows))
        self.drawn = len(rows)
        self.show()
