"""One pane: a program, its screen, and what there is to tell of it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from wa.embedded.ghostty import CELL_HEIGHT_PX, CELL_WIDTH_PX
from wa.embedded.keys import encode_key
from wa.embedded.osc import DEFAULT_TITLE, Clipboard
from wa.embedded.pty import PtyProcess
from wa.embedded.scan import Scanner, Step, StepKind
from wa.embedded.screen import Screen
from wa.model.screen import Cursor, Dimensions
from wa.protocol.mux import Alert, KeyEvent, OutputSinceFocusLost, Pixels

COALESCE_S = 0.003
COALESCE_BYTES = 128 * 1024
"""WezTerm's `mux_output_parser_coalesce_delay_ms` and `mux_output_parser_buffer_size`."""

FOREGROUND_TTL_S = 0.3
"""For how long the foreground program's name and folder are believed."""

_PASTE_BRACKETS = re.compile("\x1b\\[20[01]~")


class PaneState(NamedTuple):
    """What a push tells besides rows; a change of any of it makes a push."""

    mouse_grabbed: bool
    cursor: Cursor
    dims: Dimensions
    title: str
    cwd: str | None


class Pane:
    """`on_change` is called after each batch of output was shown, with what it announced; `on_exit` once."""

    def __init__(
        self,
        pane_id: int,
        cols: int,
        rows: int,
        scrollback: int,
        *,
        on_change: Callable[[Pane, list[Alert | Clipboard]], None],
        on_exit: Callable[[Pane], None],
    ) -> None:
        self.pane_id = pane_id
        self.cols, self.rows = cols, rows
        self.screen = Screen(cols, rows, scrollback)
        self.has_focus = True
        self.unseen_output = False
        self._loop = asyncio.get_running_loop()
        self._on_change, self._on_exit = on_change, on_exit
        self._scanner = Scanner()
        self._process: PtyProcess | None = None
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._flush_timer: asyncio.TimerHandle | None = None
        self._foreground: tuple[float, str | None, str | None] = (-1.0, None, None)

    def attach(self, start: Callable[[Callable[[bytes], None], Callable[[], None]], PtyProcess]) -> None:
        """*start* gets what to call on output and on exit. Its OSError passes through."""
        self._process = start(self.output, self._exited)

    @property
    def tty_name(self) -> str | None:
        return self._process.tty_name if self._process else None

    # Output.

    def output(self, data: bytes) -> None:
        """Shown soon, together with what follows within COALESCE_S."""
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= COALESCE_BYTES:
            self.flush()
        elif self._flush_timer is None:
            self._flush_timer = self._loop.call_later(COALESCE_S, self.flush)

    def flush(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        data = b"".join(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        for batch in self._scanner.feed(data):
            self._show(batch)

    def _show(self, batch: list[Step]) -> None:
        heard = self.screen.apply(batch)
        if not self.has_focus and not self.unseen_output and any(step.kind is StepKind.TEXT for step in batch):
            self.unseen_output = True
            heard.append(OutputSinceFocusLost())
        replies = self.screen.take_replies()
        if replies:
            self.write(replies)
        self._on_change(self, heard)

    def _exited(self) -> None:
        self.flush()
        for batch in self._scanner.finish():
            self._show(batch)
        self._on_exit(self)

    def close(self) -> None:
        """Hangs up on the program; `on_exit` follows."""
        if self._process is None:
            self._loop.call_soon(self._on_exit, self)
        else:
            self._process.hang_up()

    def destroy(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if self._process is not None:
            self._process.destroy()
        self.screen.close()

    # Input.

    def write(self, data: bytes) -> None:
        if self._process is not None:
            self._process.write(data)

    def paste(self, text: str) -> None:
        """In brackets where the program asked for them; else with line ends as the Return key sends them."""
        if self.screen.bracketed_paste:
            text = "\x1b[200~" + _PASTE_BRACKETS.sub("", text) + "\x1b[201~"
        else:
            text = text.replace("\r\n", "\r").replace("\n", "\r")
        self.write(text.encode("utf-8", "replace"))

    def key(self, event: KeyEvent) -> None:
        self.write(encode_key(self.screen.vt, event))

    def focus(self, has_focus: bool) -> None:
        """Tells the program too, if it asked."""
        if has_focus == self.has_focus:
            return
        self.has_focus = has_focus
        self.unseen_output = False
        if self.screen.vt.mode(1004):
            self.write(b"\x1b[I" if has_focus else b"\x1b[O")

    def resize(self, cols: int, rows: int) -> None:
        cols, rows = max(1, min(cols, 4096)), max(1, min(rows, 4096))
        if (cols, rows) == (self.cols, self.rows):
            return
        self.flush()
        self.cols, self.rows = cols, rows
        self.screen.resize(cols, rows)
        if self._process is not None:
            self._process.resize(cols, rows)

    # What there is to tell.

    @property
    def pixels(self) -> Pixels:
        return Pixels(0, self.cols * CELL_WIDTH_PX, self.rows * CELL_HEIGHT_PX, reverse_video=False)

    def state(self) -> PaneState:
        screen = self.screen
        return PaneState(screen.mouse_grabbed, screen.cursor(), screen.dimensions(), self.title, self.cwd)

    @property
    def title(self) -> str:
        title = self.screen.messages.shown_title
        return (self._in_foreground()[0] or title) if title == DEFAULT_TITLE else title

    @property
    def cwd(self) -> str | None:
        """A URL: what the program said by OSC 7, else the folder of the foreground program."""
        return self.screen.messages.cwd or self._in_foreground()[1]

    def _in_foreground(self) -> tuple[str | None, str | None]:
        now = time.monotonic()
        if now - self._foreground[0] > FOREGROUND_TTL_S:
            name = cwd = None
            if self._process is not None:
                name, folder = self._process.foreground_name(), self._process.foreground_cwd()
                cwd = None if folder is None else "file://" + quote(folder if folder.endswith("/") else folder + "/")
            self._foreground = (now, name, cwd)
        return self._foreground[1:]
