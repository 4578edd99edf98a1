"""What the store's tests start from: a mux, panes, rows, and a Writer with a Reader beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from wa.model.identity import MuxInstance, Pane
from wa.model.log import Segment
from wa.model.screen import Cursor, Row, Screen
from wa.store.reader import Reader
from wa.store.records import Capture, LogRow, StoreSettings
from wa.store.writer import Writer

T = TypeVar("T")

MUX = MuxInstance("local", "", "/run/user/1000/wezterm/sock", "4711-99")


def pane(number: int = 0, *, title: str = "bash", cwd: str | None = "file:///home/dev") -> Pane:
    return Pane(number, 1, 1, "default", title, cwd, 80, 24, True, False, "/dev/pts/1", "", "", 0, (0, 0))


def rows(*texts: str) -> tuple[Row, ...]:
    """A text that ends in `\\` (taken off) is wrapped."""
    return tuple(Row(at, text.removesuffix("\\"), text.endswith("\\")) for at, text in enumerate(texts))


def screen(*texts: str, at_ms: int = 1000, title: str = "bash", is_alt: bool | None = None) -> Screen:
    return Screen(at_ms, 1, 80, len(texts), rows(*texts), Cursor(0, 0), title, None, is_alt)


@asynccontextmanager
async def opened(path: Path, **settings: int | None) -> AsyncIterator[tuple[Writer, Reader]]:
    writer = await Writer.open(path, settings=StoreSettings(**settings))
    try:
        reader = await Reader.open(path)
        try:
            yield writer, reader
        finally:
            await reader.close()
    finally:
        await writer.close()


class Log:
    """One pane's log, appended to at the position where it ends."""

    def __init__(self, writer: Writer, uid: str) -> None:
        self.writer = writer
        self.uid = uid
        self.next_row = 0
        self.at_ms = 1000

    async def add(self, *texts: str, at_ms: int | None = None, **more: object) -> None:
        self.at_ms = self.at_ms + 1 if at_ms is None else at_ms
        segment = Segment(self.next_row, rows(*texts), self.at_ms)
        await self.writer.capture([Capture(self.uid, (segment,), **more)])
        self.next_row += len(texts)


async def new_log(writer: Writer, number: int = 0, mux: MuxInstance = MUX, **about: str | None) -> Log:
    return Log(writer, await writer.pane_uid(mux, pane(number, **about), 1000))


def texts_of(entries: Iterable[object]) -> list[str]:
    return [entry.text for entry in entries if isinstance(entry, LogRow)]


def run(test: Callable[[], Awaitable[T]]) -> T:
    return asyncio.run(test())


def everything_in(folder: Path) -> bytes:
    """Every byte of every file below *folder*."""
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())
