"""One client's connection: requests in, replies and pushes out.

Everybody hears of every pane from the moment of connecting, without asking. Per pane a connection remembers up to which
change it has told, so that a push carries what is new to this client: changed rows of the viewport, always the cursor's
row once more, and the indices of changed rows above (as wezterm-mux-server-impl/src/sessionhandler.rs, 2025-02-23).
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from wa.embedded.cells import RawRow, encode_lines
from wa.embedded.palette import PALETTE
from wa.embedded.pane import Pane, PaneState
from wa.embedded.refusal import Refusal
from wa.embedded.requests import answer
from wa.protocol.mux import (
    Alert,
    ClientId,
    ClientInfo,
    DecodeError,
    ErrorResponse,
    FrameError,
    FrameReader,
    GetPaneRenderChangesResponse,
    NotifyAlert,
    PaletteChanged,
    Pdu,
    SetPalette,
    UnknownPdu,
    decode,
    encode,
    encode_frame,
)

if TYPE_CHECKING:
    from wa.embedded.server import EmbeddedMux

log = logging.getLogger(__name__)

CODEC = 44
UNREAD_BYTES = 64 * 1024 * 1024
"""A client that has left this much unread is cut off. (WezTerm would go on collecting.)"""
COMPRESS_ABOVE = 256 * 1024
"""Over a local socket smaller payloads are sent faster than they are squeezed."""


class _Told:
    """What this client knows of one pane."""

    __slots__ = ("palette", "seqno", "state")

    def __init__(self) -> None:
        self.seqno = 0
        self.state: PaneState | None = None
        self.palette = False


class Session(asyncio.Protocol):
    def __init__(self, mux: EmbeddedMux) -> None:
        self.mux = mux
        self.client_id: ClientId | None = None
        self.proxy_id: ClientId | None = None
        self.focused_pane_id: int | None = None
        self._connected_at = self._last_input = int(time.time())
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._told: dict[int, _Told] = {}
        self._held: dict[Pane, list[Alert]] = {}
        """Panes to be told of when the request has come of which a part is here; and what they announced."""

    # The connection.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=UNREAD_BYTES)
        self.mux.sessions.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self.mux.sessions.discard(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._request(frame.serial, frame.ident, frame.payload())
            if self._held and not self.waits:
                held, self._held = self._held, {}
                for pane, alerts in held.items():
                    self._tell(pane, alerts)
        except (FrameError, DecodeError) as error:
            log.warning("a client was cut off: it sent what is no request", extra={"error": str(error)})
            self.close()

    @property
    def waits(self) -> bool:
        """For the rest of a request."""
        return self._reader.pending > 0

    def _request(self, serial: int, ident: int, payload: bytes) -> None:
        try:
            request = decode(ident, payload, CODEC)
        except UnknownPdu:
            self.send(ErrorResponse(f"Error: invalid PDU Invalid {{ ident: {ident} }}"), serial)
            return
        try:
            reply = answer(self.mux, self, request)
        except Refusal as refusal:
            reply = ErrorResponse(f"Error: {refusal}")
        self.send(reply, serial)

    def send(self, pdu: Pdu, serial: int = 0) -> None:
        """A push, unless it has the serial of a request."""
        ident, payload = encode(pdu, CODEC)
        self._send(encode_frame(serial, ident, payload, compress=len(payload) > COMPRESS_ABOVE))

    def _send(self, frame: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(frame)
        if transport.get_write_buffer_size() > UNREAD_BYTES:
            log.warning("a client was cut off: it does not read", extra={"unread_bytes": UNREAD_BYTES})
            self.close()

    # Who the client is.

    def had_input(self) -> None:
        self._last_input = int(time.time())

    def info(self) -> ClientInfo | None:
        if self.client_id is None:
            return None
        return ClientInfo(self.client_id, self._connected_at, None, self._last_input, self.focused_pane_id)

    # Pushes.

    def forget(self, pane: Pane) -> None:
        if (alerts := self._held.pop(pane, None)) is not None:
            self._tell(pane, alerts)
        self._told.pop(pane.pane_id, None)

    def push(self, pane: Pane, alerts: list[Alert], input_serial: int | None = None) -> None:
        """What has changed in a pane since this client was last told, if anything; then what the pane announced.

        As in WezTerm, a connection is told nothing while it waits for the rest of a request.
        """
        if self.waits and input_serial is None:
            self._held.setdefault(pane, []).extend(alerts)
        else:
            self._tell(pane, alerts, input_serial)

    def _tell(self, pane: Pane, alerts: list[Alert], input_serial: int | None = None) -> None:
        told = self._told.get(pane.pane_id)
        if told is None:
            told = self._told[pane.pane_id] = _Told()
        screen, state = pane.screen, pane.state()
        rows, dirty = screen.changed_since(told.seqno)
        if rows or dirty or state != told.state or input_serial is not None:
            ident, payload = self._changes(pane, state, rows, dirty, input_serial)
            self._send(encode_frame(0, ident, payload, compress=len(payload) > COMPRESS_ABOVE))
        told.seqno, told.state = screen.seqno, state
        if not told.palette:
            told.palette = True
            alerts = [*alerts, PaletteChanged()]
        for alert in alerts:
            if isinstance(alert, PaletteChanged):
                self.send(SetPalette(pane.pane_id, PALETTE))
            else:
                self.send(NotifyAlert(pane.pane_id, alert))

    def _changes(
        self,
        pane: Pane,
        state: PaneState,
        rows: list[tuple[int, RawRow]],
        dirty: tuple[range, ...],
        input_serial: int | None,
    ) -> tuple[int, bytes]:
        seqno = pane.screen.seqno
        cursor_row = pane.screen.row(state.cursor.y)
        bonus = rows if cursor_row is None else [*rows, (state.cursor.y, cursor_row)]
        return encode(
            GetPaneRenderChangesResponse(
                pane.pane_id,
                state.mouse_grabbed,
                state.cursor,
                state.dims,
                dirty,
                state.title,
                state.cwd,
                encode_lines(bonus, seqno),
                input_serial,
                seqno,
                pane.pixels,
            ),
            CODEC,
        )
