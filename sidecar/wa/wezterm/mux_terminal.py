"""A multiplexer over its own protocol: everything it prints is pushed, nothing is polled.

Connecting has no side effect on the server: wa never registers as a client, never focuses, resizes or colours anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import NamedTuple

from wa.model.clock import Clock
from wa.model.errors import TerminalRefused, TerminalUnreachable, WezTermError
from wa.model.identity import Client, MuxInstance, Pane
from wa.model.observation import (
    Connected,
    Disconnected,
    Interrupted,
    Observation,
    RowsRead,
    ScreenPush,
    TextFrame,
    TopologyChanged,
)
from wa.model.screen import Row
from wa.protocol import mux
from wa.protocol.mux import DecodeError
from wa.wezterm import capabilities, translate
from wa.wezterm.connection import MuxConnection
from wa.wezterm.inbox import Barrier, Heard
from wa.wezterm.quarantine import Verdict
from wa.wezterm.terminal import SourceKind, SpawnRequest, SplitRequest
from wa.wezterm.viewport import read_viewport
from wa.wezterm.wire_ids import peek_pane_id

log = logging.getLogger(__name__)

ROWS_PER_READ = 500
"""Larger reads hold up the server's main thread, and with it a GUI."""

_SLICE_S = 0.005
"""How long pushes are decoded before everything else gets a turn."""
_QUIET_MS = 300
_QUIET_READ_S = 2.0


class _Known(NamedTuple):
    """What a viewport read does not tell of a pane, as heard last."""

    title: str
    cwd: str | None
    mouse_grabbed: bool


class MuxTerminal:
    """Made by `wa.wezterm.connect`, after the handshake."""

    source = SourceKind.PUSH

    def __init__(self, instance: MuxInstance, connection: MuxConnection, version: str, clock: Clock) -> None:
        self.mux = instance
        self.version = version
        self.connection = connection
        self._clock = clock
        self._connected_ms = clock.now_ms()
        self._known: dict[int, _Known] = {}
        self._listed: set[int] | None = None
        self._quiet_since: dict[int, int] = {}
        self._gone: set[int] = set()
        self._observed = False

    @property
    def codec(self) -> int | None:
        return self.connection.codec

    @property
    def notice(self) -> str | None:
        return self.connection.quarantine.notice

    @property
    def error(self) -> WezTermError | None:
        """Why the connection ended; None while it stands."""
        return self.connection.error

    # -- reading ----------------------------------------------------------------------------------------------------

    async def list_panes(self) -> list[Pane]:
        """In order with `observations()`, so that a pane whose end was heard does not come back from an older list."""
        found = mux.panes_of(await self.connection.request(mux.ListPanes(), mux.ListPanesResponse, ordered=True))
        self._listed = {pane.pane_id for pane in found}
        self._gone -= self._listed
        for pane in found:
            grabbed = self._known[pane.pane_id].mouse_grabbed if pane.pane_id in self._known else False
            self._known[pane.pane_id] = _Known(pane.title, pane.cwd, grabbed)
        return found

    async def read_screen(self, pane_id: int) -> ScreenPush | TextFrame:
        """In order with `observations()`: what was pushed before it has been taken when this returns."""
        if pane_id not in self._known:
            await self.list_panes()
            if pane_id not in self._known:
                raise TerminalRefused(f"{self.mux.name}: no such pane {pane_id}")
        return await self._read_screen(pane_id, ordered=True)

    async def _read_screen(self, pane_id: int, *, ordered: bool, timeout_s: float | None = None) -> ScreenPush:
        view = await read_viewport(self.connection, pane_id, ordered=ordered, timeout_s=timeout_s)
        known = self._known.get(pane_id) or _Known("", None, False)
        return ScreenPush(
            pane_id=pane_id,
            at_ms=self._clock.now_ms(),
            dims=view.dims,
            cursor=view.cursor,
            rows=view.rows,
            dirty=(),
            title=known.title,
            cwd=known.cwd,
            seqno=-1,
            mouse_grabbed=known.mouse_grabbed,
        )

    async def read_rows(self, pane_id: int, start: int, stop: int) -> RowsRead:
        """Never raises: where no answer came, `RowsRead.failed` says why."""
        requested = range(start, stop)
        rows: tuple[Row, ...] = ()
        failed: str | None = None
        try:
            if requested:
                read = mux.GetLines(pane_id, (requested,))
                rows = (await self.connection.request(read, mux.GetLinesResponse)).lines
        except WezTermError as error:
            failed = error.message
        return RowsRead(pane_id, self._clock.now_ms(), requested, rows, failed)

    async def read_back(self, pane_id: int, rows: int) -> TextFrame:
        screen = await self._read_screen(pane_id, ordered=True)
        top, oldest = screen.dims.physical_top, screen.dims.scrollback_top
        first = max(oldest, top - max(rows, 0))
        history: list[Row] = []
        at = first
        while at < top:
            read = await self.read_rows(pane_id, at, min(top, at + ROWS_PER_READ))
            if read.failed is not None:
                raise TerminalUnreachable(f"{self.mux.name}: {read.failed}")
            fresh = [row for row in read.rows if at <= row.index < top]
            if not fresh or fresh[0].index != at:
                # Trimmed meanwhile: what is left begins later, and the answer holds other rows.
                history, first = [], at + len(read.requested)
            else:
                history += fresh
            at += len(read.requested)
        viewport = {row.index: row.text for row in screen.rows}
        return TextFrame(
            pane_id=pane_id,
            at_ms=screen.at_ms,
            texts=(*(row.text for row in history), *(viewport.get(index, "") for index in screen.dims.viewport)),
            history_rows=len(history),
            viewport_rows=screen.dims.viewport_rows,
            cols=screen.dims.cols,
            cursor=(screen.cursor.x, screen.cursor.y - top),
            title=screen.title,
            cwd=screen.cwd,
            complete=first <= oldest,
        )

    # -- writing ----------------------------------------------------------------------------------------------------

    async def paste(self, pane_id: int, text: str) -> None:
        await self.connection.request(mux.SendPaste(pane_id, translate.check_text(text)), mux.UnitResponse)

    async def write(self, pane_id: int, data: bytes) -> None:
        await self.connection.request(mux.WriteToPane(pane_id, translate.check_write(data)), mux.UnitResponse)

    async def spawn(self, request: SpawnRequest) -> int:
        return (await self.connection.request(translate.spawn_pdu(request), mux.SpawnResponse)).pane_id

    async def split(self, request: SplitRequest) -> int:
        return (await self.connection.request(translate.split_pdu(request), mux.SpawnResponse)).pane_id

    async def kill(self, pane_id: int) -> None:
        await self.connection.request(mux.KillPane(pane_id), mux.UnitResponse)

    async def set_tab_title(self, tab_id: int, title: str) -> None:
        title = translate.check_text(title)
        await self.connection.request(mux.TabTitleChanged(tab_id, title), mux.UnitResponse, ordered=True)

    async def clients(self) -> list[Client]:
        answer = await self.connection.request(mux.GetClientList(), mux.GetClientListResponse)
        return [translate.client(info, self._clock.now_ms()) for info in answer.clients]

    def relax(self, late_s: float) -> None:
        self.connection.relax(late_s)

    async def close(self) -> None:
        await self.connection.close()

    # -- hearing ----------------------------------------------------------------------------------------------------

    async def observations(self) -> AsyncIterator[Observation]:
        if self._observed:
            raise RuntimeError("observations() has one consumer")
        self._observed = True
        inbox = self.connection.inbox
        loop = asyncio.get_running_loop()
        try:
            yield Connected(self._connected_ms)
            slice_ends = loop.time() + _SLICE_S
            while True:
                self.connection.consumer = asyncio.current_task()
                if not len(inbox):
                    item = await inbox.get(self._quiet_wait_s())
                    slice_ends = loop.time() + _SLICE_S
                else:
                    if loop.time() > slice_ends:
                        await asyncio.sleep(0)
                        slice_ends = loop.time() + _SLICE_S
                    item = await inbox.get()
                if item is None:
                    async for seen in self._read_quiet_panes():
                        yield seen
                elif isinstance(item, Heard):
                    for seen in await self._understood(item):
                        yield seen
                elif isinstance(item, Barrier):
                    item.passed()
                    await asyncio.sleep(0)  # the reader that waited goes first
                else:
                    yield item
                    if isinstance(item, Disconnected):
                        return
        finally:
            self.connection.consumer = None

    async def _understood(self, heard: Heard) -> list[Observation]:
        frame = heard.frame
        if self.connection.quarantine.holds(frame.ident):
            return []
        try:
            pdu = await self.connection.decoded(frame)
        except DecodeError as error:
            return self._not_understood(heard, error)
        if isinstance(pdu, mux.GetPaneRenderChangesResponse):
            if pdu.pane_id in self._gone:
                return []  # when a pane is killed, a push of it can follow its removal
            self._known[pdu.pane_id] = _Known(pdu.title, pdu.working_dir or None, pdu.mouse_grabbed)
            if capabilities.may_miss_updates(self.connection.codec):
                self._quiet_since[pdu.pane_id] = heard.at_ms
            if self._listed is not None and pdu.pane_id not in self._listed:
                # The birth of a pane is not announced; its first output is.
                self._listed.add(pdu.pane_id)
                return [TopologyChanged(heard.at_ms), translate.screen_push(pdu, heard.at_ms)]
        elif isinstance(pdu, mux.PaneRemoved):
            self._known.pop(pdu.pane_id, None)
            self._quiet_since.pop(pdu.pane_id, None)
            self._gone.add(pdu.pane_id)
            if self._listed is not None:
                self._listed.discard(pdu.pane_id)
        seen = translate.observation(pdu, heard.at_ms, late=heard.late)
        return [] if seen is None else [seen]

    def _not_understood(self, heard: Heard, error: DecodeError) -> list[Observation]:
        ident = heard.frame.ident
        verdict = self.connection.quarantine.failed(ident, heard.at_ms)
        pane_id = peek_pane_id(heard.frame)
        log.warning(
            "push not understood",
            extra={"mux": self.mux.name, "ident": ident, "pane_id": pane_id, "reason": error.message},
        )
        if verdict is Verdict.GIVE_UP:
            self.connection.fail(error)
        elif verdict is Verdict.REREAD and pane_id is None:
            return [TopologyChanged(heard.at_ms)]
        if pane_id is None:
            return []
        return [Interrupted(pane_id, heard.at_ms, f"a push did not decode: {error.message}")]

    # Servers before September 2024 can lose the last change of a pane (capabilities.py): it is read once it is quiet.

    def _quiet_wait_s(self) -> float | None:
        if not self._quiet_since:
            return None
        due_ms = min(self._quiet_since.values()) + _QUIET_MS
        return max(0.0, (due_ms - self._clock.now_ms()) / 1000)

    async def _read_quiet_panes(self) -> AsyncIterator[Observation]:
        now_ms = self._clock.now_ms()
        for pane_id in [pane for pane, since in self._quiet_since.items() if now_ms - since >= _QUIET_MS]:
            del self._quiet_since[pane_id]
            try:
                yield await self._read_screen(pane_id, ordered=False, timeout_s=_QUIET_READ_S)
            except WezTermError as error:
                log.debug("quiet pane not read", extra={"pane_id": pane_id, "reason": error.message})
