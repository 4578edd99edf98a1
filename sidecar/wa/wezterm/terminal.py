"""The seam between wa and a multiplexer.

Two implementations: MuxTerminal (protocol, pushes) and CliTerminal (`wezterm cli`, polling).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from wa.model.identity import Client, MuxInstance, Pane
from wa.model.observation import Observation, RowsRead, ScreenPush, TextFrame


class SourceKind(StrEnum):
    PUSH = "push"
    CLI = "cli"


@dataclass(frozen=True, slots=True)
class SpawnRequest:
    """A new tab. Give either `window_id` or `workspace` (a new window there); with neither, a new window in `wa`.

    `argv` empty means the server's default shell with the server's environment; otherwise `env` is the program's whole
    environment.
    """

    argv: Sequence[str] = ()
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    window_id: int | None = None
    workspace: str | None = None
    cols: int = 80
    rows: int = 24


@dataclass(frozen=True, slots=True)
class SplitRequest:
    pane_id: int
    direction: str = "bottom"
    """left, right, top or bottom: where the new pane goes."""
    percent: int = 50
    argv: Sequence[str] = ()
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


class Terminal(Protocol):
    """One connected multiplexer.

    Every method may raise TerminalUnreachable (no answer: nothing is known), TerminalRefused (an answer that says no)
    or ProtocolUnsupported. All have time-outs. Success of a write means that the server queued it, not that a program
    read it.
    """

    @property
    def mux(self) -> MuxInstance: ...

    @property
    def source(self) -> SourceKind: ...

    @property
    def version(self) -> str:
        """The server's version text; "" where unknown."""
        ...

    @property
    def codec(self) -> int | None:
        """None through the CLI."""
        ...

    @property
    def notice(self) -> str | None:
        """What a person should know of this source: that the CLI stands in, and why."""
        ...

    async def list_panes(self) -> list[Pane]: ...

    async def read_screen(self, pane_id: int) -> ScreenPush | TextFrame:
        """The whole viewport now: a ScreenPush (push) or a TextFrame without history (CLI)."""
        ...

    async def read_rows(self, pane_id: int, start: int, stop: int) -> RowsRead:
        """Rows by stable index (push only); at most 500, and several calls may be under way."""
        ...

    async def read_back(self, pane_id: int, rows: int) -> TextFrame:
        """The newest *rows* rows of history and the viewport, unindexed."""
        ...

    async def paste(self, pane_id: int, text: str) -> None:
        """In one piece, bracketed where the program asked for that. No newline is added."""
        ...

    async def write(self, pane_id: int, data: bytes) -> None:
        """Raw keystrokes, verbatim; at most 1 KiB (the server writes on its main thread)."""
        ...

    async def spawn(self, request: SpawnRequest) -> int:
        """The new pane's id."""
        ...

    async def split(self, request: SplitRequest) -> int: ...

    async def kill(self, pane_id: int) -> None: ...

    async def set_tab_title(self, tab_id: int, title: str) -> None:
        """By push: what the mux told of titles before its answer has been yielded by `observations()` when this returns."""
        ...

    async def clients(self) -> list[Client]: ...

    def observations(self) -> AsyncIterator[Observation]:
        """Everything heard, in order, starting with Connected. One consumer.

        Ends after Disconnected: a Terminal is one connection; whoever holds it connects anew. The queue behind it is
        bounded by bytes; on overflow the newest state of each pane survives as Interrupted and the reader of the socket
        is never held up.
        """
        ...

    def relax(self, late_s: float) -> None:
        """How late observations may come where that spares the server work, in seconds; 0 at first.

        Lull is yielded whenever nothing more will come for so long.
        """
        ...

    async def close(self) -> None: ...
