"""A scripted mux server: truthful about the panes it is given, and lying where a test tells it to."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wa.model.screen import Cursor, Dimensions, Row
from wa.protocol import mux
from wezterm.waiting import until

Answer = mux.Pdu | bytes | None
"""A PDU, raw bytes to write as they are, or no answer at all."""


@dataclass
class FakePane:
    pane_id: int
    rows: list[str] = field(default_factory=lambda: [""] * 24)
    cols: int = 80
    viewport_rows: int = 24
    first_index: int = 0
    tab_id: int = 0
    window_id: int = 0
    title: str = "sh"
    tty_name: str | None = "/dev/pts/9"

    @property
    def top(self) -> int:
        return self.first_index + max(0, len(self.rows) - self.viewport_rows)

    @property
    def dims(self) -> Dimensions:
        return Dimensions(self.cols, self.viewport_rows, len(self.rows), self.top, self.first_index)

    @property
    def cursor(self) -> Cursor:
        return Cursor(0, self.first_index + len(self.rows) - 1)

    def print(self, *lines: str) -> None:
        self.rows += lines

    def lines(self, asked: range) -> tuple[Row, ...]:
        """Clamped as WezTerm does: a start out of range gives the oldest rows."""
        end = self.first_index + len(self.rows)
        start = asked.start if self.first_index <= asked.start < end else self.first_index
        return tuple(
            Row(index, self.rows[index - self.first_index]) for index in range(start, min(start + len(asked), end))
        )

    def push(self, seqno: int, first: int | None = None) -> mux.GetPaneRenderChangesResponse:
        viewport = range(self.top if first is None else first, self.first_index + len(self.rows))
        return mux.GetPaneRenderChangesResponse(
            self.pane_id, False, self.cursor, self.dims, (), self.title, None, self.lines(viewport), None, seqno
        )


class FakeConnection:
    def __init__(self, mux_: "FakeMux", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.mux = mux_
        self.reader = reader
        self.writer = writer

    def send(self, serial: int, pdu: mux.Pdu, *, compress: bool = False) -> None:
        ident, payload = mux.encode(pdu, self.mux.layout)
        self.writer.write(mux.encode_frame(serial, ident, payload, compress=compress))

    async def serve(self) -> None:
        frames = mux.FrameReader()
        while data := await self.reader.read(65536):
            for frame in frames.feed(data):
                pdu = mux.decode(frame.ident, frame.payload(), self.mux.layout)
                self.mux.asked.append(pdu)
                self.mux.serials.append(frame.serial)
                answer = self.mux.answer(pdu)
                if isinstance(answer, bytes):
                    self.writer.write(answer)
                elif answer is not None:
                    self.send(frame.serial, answer)


class FakeMux:
    def __init__(self, codec: int = 44) -> None:
        self.codec = codec
        """What it claims; claims beyond what wa knows are made in the layout of 44."""
        self.version = "20250223-fake"
        self.panes: dict[int, FakePane] = {0: FakePane(0)}
        self.asked: list[mux.Pdu] = []
        self.serials: list[int] = []
        self.connections: list[FakeConnection] = []
        self.greeting = b""
        self.lies: dict[type[Any], Callable[[Any], Answer]] = {}
        """Answers in place of the truthful ones, by kind of request."""
        self._ids = itertools.count(100)
        self._seqno = itertools.count(1)
        self.connected = asyncio.Event()

    @property
    def layout(self) -> int:
        return self.codec if self.codec in mux.SUPPORTED_CODECS else 44

    def answer(self, pdu: mux.Pdu) -> Answer:
        if (lie := self.lies.get(type(pdu))) is not None:
            return lie(pdu)
        return self.truth(pdu)

    def truth(self, pdu: mux.Pdu) -> Answer:
        pane = self.panes.get(getattr(pdu, "pane_id", -1))
        if hasattr(pdu, "pane_id") and pane is None:
            return mux.ErrorResponse(f"Error: no such pane {pdu.pane_id}")
        match pdu:
            case mux.GetCodecVersion():
                return mux.GetCodecVersionResponse(self.codec, self.version, "/bin/fake", None)
            case mux.ListPanes():
                return mux.list_panes([(self._entry(pane), "") for pane in self.panes.values()], {})
            case mux.GetPaneRenderableDimensions(pane_id):
                return mux.GetPaneRenderableDimensionsResponse(pane_id, pane.cursor, pane.dims)
            case mux.GetLines(pane_id, (asked,)):
                return mux.GetLinesResponse(pane_id, pane.lines(asked))
            case mux.Ping():
                return mux.Pong()
            case mux.SpawnV2() | mux.SplitPane():
                pane = FakePane(next(self._ids))
                self.panes[pane.pane_id] = pane
                return mux.SpawnResponse(pane.tab_id, pane.pane_id, pane.window_id, mux.TerminalSize(24, 80))
            case mux.KillPane(pane_id):
                del self.panes[pane_id]
                self.push(mux.PaneRemoved(pane_id))
                return mux.UnitResponse()
            case mux.GetClientList():
                client = mux.ClientId("host", "me", 7, 0, 0)
                return mux.GetClientListResponse((mux.ClientInfo(client, 1_000, "default", 1_005, 0),))
            case _:
                return mux.UnitResponse()

    def _entry(self, pane: FakePane) -> mux.PaneEntry:
        return mux.PaneEntry(
            window_id=pane.window_id,
            tab_id=pane.tab_id,
            pane_id=pane.pane_id,
            title=pane.title,
            size=mux.TerminalSize(pane.viewport_rows, pane.cols),
            working_dir="file:///tmp/",
            is_active=True,
            is_zoomed=False,
            workspace="default",
            cursor=pane.cursor,
            physical_top=pane.top,
            top_row=0,
            left_col=0,
            tty_name=pane.tty_name,
        )

    def push(self, *pdus: mux.Pdu, compress: bool = True) -> None:
        for connection in self.connections:
            for pdu in pdus:
                connection.send(0, pdu, compress=compress)

    def push_raw(self, data: bytes) -> None:
        for connection in self.connections:
            connection.writer.write(data)

    def push_pane(self, pane_id: int) -> None:
        self.push(self.panes[pane_id].push(next(self._seqno)))

    def hang_up(self) -> None:
        for connection in self.connections:
            connection.writer.transport.abort()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = FakeConnection(self, reader, writer)
        self.connections.append(connection)
        writer.write(self.greeting)
        self.connected.set()
        try:
            await connection.serve()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.connections.remove(connection)
            writer.close()

    @asynccontextmanager
    async def listening(self, path: Path) -> AsyncIterator[str]:
        server = await asyncio.start_unix_server(self._accepted, path)
        try:
            yield str(path)
        finally:
            server.close()
            for connection in list(self.connections):
                connection.writer.transport.abort()
            await server.wait_closed()
            await until(lambda: not self.connections)


def frame_of(pdu: mux.Pdu, serial: int = 0, codec: int = 44, *, compress: bool = False) -> bytes:
    ident, payload = mux.encode(pdu, codec)
    return mux.encode_frame(serial, ident, payload, compress=compress)
