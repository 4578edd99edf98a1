"""A plain client of the mux protocol: sends requests, keeps pushes in the order they came."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from wa.model.screen import Row
from wa.protocol.mux import (
    ErrorResponse,
    FrameReader,
    GetLines,
    GetLinesResponse,
    GetPaneRenderableDimensions,
    GetPaneRenderableDimensionsResponse,
    GetPaneRenderChangesResponse,
    NotifyAlert,
    Pdu,
    SetPalette,
    decode,
    encode,
    encode_frame,
    ident_of,
)

WITHIN_S = 10.0
PALETTE = ident_of(SetPalette)

T = TypeVar("T")


class Wire:
    def __init__(self, path: Path, codec: int = 44) -> None:
        self.path = path
        self.pushes: list[Pdu] = []
        self._replies: dict[int, Pdu] = {}
        self._codec = codec
        self._serial = 5000
        self._reader = FrameReader()
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise

    def close(self) -> None:
        self.socket.close()

    def pump(self, within_s: float) -> bool:
        """Takes what arrives; False if nothing did. Raises EOFError when the server hangs up."""
        if not select.select([self.socket], [], [], max(within_s, 0))[0]:
            return False
        data = self.socket.recv(1 << 20)
        if not data:
            raise EOFError("the server closed the connection")
        for frame in self._reader.feed(data):
            pdu = SetPalette(0, b"") if frame.ident == PALETTE else decode(frame.ident, frame.payload(), self._codec)
            if frame.serial:
                self._replies[frame.serial] = pdu
            else:
                self.pushes.append(pdu)
        return True

    def send(self, request: Pdu) -> int:
        self._serial += 1
        ident, payload = encode(request, self._codec)
        self.socket.sendall(encode_frame(self._serial, ident, payload))
        return self._serial

    def ask(self, request: Pdu, expected: type[T]) -> T:
        reply = self.answer(self.send(request))
        assert isinstance(reply, expected), f"{request} was answered with {reply}"
        return reply

    def refusal(self, request: Pdu) -> str:
        return self.ask(request, ErrorResponse).reason

    def answer(self, serial: int) -> Pdu:
        self.wait(lambda: serial in self._replies, "an answer")
        return self._replies.pop(serial)

    def wait(self, condition: Callable[[], Any], what: str, within_s: float = WITHIN_S) -> None:
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, f"no {what} within {within_s} s; pushes: {self.pushes[-5:]}"
            self.pump(end - time.monotonic())

    def quiet(self, for_s: float) -> None:
        """Takes whatever comes until nothing has come for a while."""
        while self.pump(for_s):
            pass

    # What is asked for most.

    def dims(self, pane_id: int) -> GetPaneRenderableDimensionsResponse:
        return self.ask(GetPaneRenderableDimensions(pane_id), GetPaneRenderableDimensionsResponse)

    def rows(self, pane_id: int, start: int, stop: int) -> tuple[Row, ...]:
        return self.ask(GetLines(pane_id, (range(start, stop),)), GetLinesResponse).lines

    def all_rows(self, pane_id: int) -> tuple[Row, ...]:
        dims = self.dims(pane_id).dims
        return self.rows(pane_id, dims.scrollback_top, dims.physical_top + dims.viewport_rows)

    def viewport(self, pane_id: int) -> list[str]:
        dims = self.dims(pane_id).dims
        return [row.text for row in self.rows(pane_id, dims.physical_top, dims.physical_top + dims.viewport_rows)]

    def changes(self, pane_id: int) -> list[GetPaneRenderChangesResponse]:
        return [p for p in self.pushes if isinstance(p, GetPaneRenderChangesResponse) and p.pane_id == pane_id]

    def alerts(self, pane_id: int) -> list[Any]:
        return [p.alert for p in self.pushes if isinstance(p, NotifyAlert) and p.pane_id == pane_id]

    def wait_for_text(self, pane_id: int, text: str) -> None:
        self.wait(
            lambda: any(text in row.text for push in self.changes(pane_id) for row in push.bonus_lines),
            f"push of {text!r}",
        )
