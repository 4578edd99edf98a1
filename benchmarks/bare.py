"""The yardstick: a blocking socket, the frames and PDUs of `wa.protocol.mux`, and nothing behind them.

Run as a process it plays one role and obeys JSON lines on its standard input, one answer a line:

    python -m benchmarks.bare watch SOCKET      decode every push, note when marks were seen
    python -m benchmarks.bare drain SOCKET      fetch all rows that pass above the viewport, eight requests under way
    python -m benchmarks.bare poll SOCKET       every screen once a second, over a new connection each time
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.roles import Marks, Orders
from wa.model.screen import Dimensions, Row
from wa.protocol import mux as pdus
from wa.protocol.mux import Frame, FrameReader, Pdu, decode, encode, encode_frame, entries_of

CODEC = 44
SILENT = (20, 38)
"""SetClipboard and SetPalette: passed over by ident, before they are inflated."""

CHUNK_ROWS = 500
UNDER_WAY = 8


class BareClient:
    """One connection. `push` gets what the server says unasked; nothing is kept."""

    def __init__(self, path: str | Path, push: Callable[[Pdu], None] | None = None) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.reader = FrameReader()
        self.push = push
        self.serial = 1000
        self.codec = CODEC

    def ask(self, pdu: Pdu) -> int:
        """Send a request; its serial."""
        self.serial += 1
        self.socket.sendall(encode_frame(self.serial, *encode(pdu, self.codec)))
        return self.serial

    def frames(self) -> list[Frame]:
        """What arrives next; blocks until something does."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the mux hung up")
        return self.reader.feed(data)

    def pdu(self, frame: Frame) -> Pdu:
        return decode(frame.ident, frame.payload(), self.codec)

    def call(self, pdu: Pdu) -> Any:
        """A request and its reply. Pushes that come between go to `push`."""
        serial = self.ask(pdu)
        while True:
            found = None
            for frame in self.frames():
                if frame.serial == serial:
                    found = self.pdu(frame)
                else:
                    self.hear(frame)
            if isinstance(found, pdus.ErrorResponse):
                raise ConnectionError(f"{type(pdu).__name__}: {found.reason}")
            if found is not None:
                return found

    def hear(self, frame: Frame) -> None:
        if frame.serial == 0 and frame.ident not in SILENT:
            decoded = self.pdu(frame)
            if self.push is not None:
                self.push(decoded)

    def spawn(self, argv: Sequence[str], *, env: dict[str, str], cwd: str, cols: int = 80, rows: int = 24) -> int:
        """A pane in a window of its own; its id."""
        command = pdus.CommandBuilder(
            args=tuple(os.fsencode(word) for word in argv),
            envs=tuple(
                (name.encode(), pdus.EnvEntry(False, name.encode(), value.encode())) for name, value in env.items()
            ),
            cwd=os.fsencode(cwd),
        )
        size = pdus.TerminalSize(rows, cols, cols * 8, rows * 16, 0)
        reply = self.call(pdus.SpawnV2(pdus.DefaultDomain(), None, command, cwd, size, "bench"))
        assert isinstance(reply, pdus.SpawnResponse)
        return reply.pane_id

    def panes(self) -> list[pdus.PaneEntry]:
        return [entry for tab in self.call(pdus.ListPanes()).tabs for entry in entries_of(tab)]

    def dimensions(self, pane_id: int) -> Dimensions:
        reply = self.call(pdus.GetPaneRenderableDimensions(pane_id))
        assert isinstance(reply, pdus.GetPaneRenderableDimensionsResponse)
        return reply.dims

    def screen(self, pane_id: int) -> tuple[Row, ...]:
        """The two requests that `get-text` makes."""
        reply = self.call(pdus.GetLines(pane_id, (self.dimensions(pane_id).viewport,)))
        assert isinstance(reply, pdus.GetLinesResponse)
        return reply.lines

    def close(self) -> None:
        self.socket.close()


def watch(path: str) -> None:
    marks = Marks()

    def look(pdu: Pdu) -> None:
        if isinstance(pdu, pdus.GetPaneRenderChangesResponse):
            marks.look([row.text for row in pdu.bonus_lines])

    client = BareClient(path, look)
    orders = Orders()
    ends: list[socket.socket | Orders] = [client.socket, orders]
    orders.say(ready=True)
    while True:
        readable, _, _ = select.select(ends, [], [])
        if client.socket in readable:
            for frame in client.frames():
                client.hear(frame)
        if orders in readable:
            for _order in orders.take():
                orders.say(seen=marks.dump())


class Drained(NamedTuple):
    rows: int
    missing: int
    twice: int
    """Rows that came again."""
    ended_ns: int


class Drain:
    """Every row of one pane that passes above the viewport, until a row with *last* in it is on the screen.

    The server clamps: of rows that are trimmed by the time it answers it sends the oldest it has. They count too.
    """

    def __init__(self, client: BareClient, pane_id: int, last: str) -> None:
        self.client, self.pane_id, self.last = client, pane_id, last
        self.first = self.next = self.top = client.dimensions(pane_id).physical_top
        self.oldest = 0
        self.under_way: set[int] = set()
        self.got: set[int] = set()
        self.received = 0
        self.seen_last = False
        client.push = self.hear

    def hear(self, pdu: Pdu) -> None:
        if isinstance(pdu, pdus.GetPaneRenderChangesResponse) and pdu.pane_id == self.pane_id:
            self.top, self.oldest = pdu.dims.physical_top, pdu.dims.scrollback_top
            self.seen_last = self.seen_last or any(self.last in row.text for row in pdu.bonus_lines)

    def ask(self) -> None:
        self.next = max(self.next, self.oldest)
        while self.next < self.top and len(self.under_way) < UNDER_WAY:
            stop = min(self.next + CHUNK_ROWS, self.top)
            if stop - self.next < CHUNK_ROWS and self.under_way and not self.seen_last:
                return  # a full chunk will be there soon
            self.under_way.add(self.client.ask(pdus.GetLines(self.pane_id, (range(self.next, stop),))))
            self.next = stop

    def take(self, rows: Sequence[Row]) -> None:
        self.received += len(rows)
        self.got.update(row.index for row in rows)
        self.oldest = max(self.oldest, rows[0].index)
        self.next = max(self.next, rows[-1].index + 1)

    def run(self) -> Drained:
        while not (self.seen_last and self.next >= self.top and not self.under_way):
            for frame in self.client.frames():
                if frame.serial not in self.under_way:
                    self.client.hear(frame)
                    continue
                self.under_way.remove(frame.serial)
                reply = self.client.pdu(frame)
                assert isinstance(reply, pdus.GetLinesResponse), reply
                self.take(reply.lines)
            self.ask()
        ended_ns = time.time_ns()
        rows = sum(self.first <= index < self.top for index in self.got)
        return Drained(rows, self.top - self.first - rows, self.received - len(self.got), ended_ns)


def drain(path: str) -> None:
    client = BareClient(path)
    orders = Orders()
    orders.say(ready=True)
    while True:
        for order in orders.take():
            draining = Drain(client, order["pane_id"], order["last"])
            orders.say(begun=True)
            orders.say(**draining.run()._asdict())


def poll(path: str) -> None:
    """One sweep a second, or one after the other where a sweep takes longer; answers how many were completed."""
    orders = Orders()
    orders.say(ready=True)
    sweeps: deque[float] = deque()
    due = time.monotonic()
    while True:
        if select.select([orders], [], [], max(0.0, due - time.monotonic()))[0]:
            for _order in orders.take():
                orders.say(sweeps=len(sweeps), slowest_s=max(sweeps, default=0.0))
                sweeps.clear()
            continue
        begin = time.monotonic()
        client = BareClient(path)
        for pane in client.panes():
            client.screen(pane.pane_id)
        client.close()
        sweeps.append(time.monotonic() - begin)
        due = max(due + 1.0, time.monotonic())


if __name__ == "__main__":
    {"watch": watch, "drain": drain, "poll": poll}[sys.argv[1]](sys.argv[2])
