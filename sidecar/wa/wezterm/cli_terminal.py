"""A multiplexer through `wezterm cli`: polled, for servers whose protocol wa does not know.

Frames come without row numbers and soft wraps, and up to half a second late. `cli_plan` says what is asked when.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from wa.model.clock import Clock
from wa.model.errors import TerminalRefused, TerminalUnreachable, UsageError, WezTermError
from wa.model.identity import Client, MuxInstance, Pane
from wa.model.observation import Observation, RowsRead, ScreenPush, TextFrame
from wa.protocol.wezterm_json import parse_clients, parse_list
from wa.wezterm import translate
from wa.wezterm.cli_calls import CliCalls, SshRoute
from wa.wezterm.cli_plan import PollPlan
from wa.wezterm.cli_poller import CliPoller
from wa.wezterm.terminal import SourceKind, SpawnRequest, SplitRequest

_FRESH_LIST_MS = 500
_FRAME_ATTEMPTS = 3
_SPLIT_SIDES = {"left": "--left", "right": "--right", "top": "--top", "bottom": "--bottom"}


class CliTerminal:
    """Made by `wa.wezterm.connect`."""

    source = SourceKind.CLI
    codec = None

    def __init__(
        self,
        instance: MuxInstance,
        calls: CliCalls,
        clock: Clock,
        *,
        version: str,
        reason: str,
        plan: PollPlan | None = None,
    ) -> None:
        self.mux = instance
        self.version = version
        self.notice = f"polled through `wezterm cli`, up to half a second late and without soft wraps: {reason}"
        self._calls = calls
        self._clock = clock
        self._plan = plan or PollPlan()
        self._panes: dict[int, Pane] = {}
        self._listed_ms: int | None = None
        self._poller: CliPoller | None = None
        self._closed = False

    @property
    def error(self) -> WezTermError | None:
        """Why it ended; None while it stands."""
        return self._poller.error if self._poller is not None else None

    # -- reading ----------------------------------------------------------------------------------------------------

    async def list_panes(self) -> list[Pane]:
        """While panes are polled, the poller's list if it is at most half a second old."""
        polled = self._poller is not None and self._poller.error is None
        if polled and self._listed_ms is not None and self._clock.monotonic_ms() - self._listed_ms <= _FRESH_LIST_MS:
            return list(self._panes.values())
        return await self._list()

    async def _list(self) -> list[Pane]:
        panes = parse_list(await self._calls.call("list", "--format", "json"))
        self._panes = {pane.pane_id: pane for pane in panes}
        self._listed_ms = self._clock.monotonic_ms()
        return panes

    async def read_screen(self, pane_id: int) -> ScreenPush | TextFrame:
        return await self._frame(pane_id, 0, list_first=True)

    async def read_rows(self, pane_id: int, start: int, stop: int) -> RowsRead:
        return RowsRead(pane_id, self._clock.now_ms(), range(start, stop), (), failed="the CLI gives no row numbers")

    async def read_back(self, pane_id: int, rows: int) -> TextFrame:
        return await self._frame(pane_id, max(0, rows), list_first=True)

    async def _frame_as_listed(self, pane_id: int) -> TextFrame:
        return await self._frame(pane_id, 0, list_first=False)

    async def _frame(self, pane_id: int, history: int, *, list_first: bool) -> TextFrame:
        """The viewport and up to *history* rows before it.

        The CLI clamps a range to what exists and says nothing, so a number of rows that does not fit the listed height
        means that the list is out of date.
        """
        for attempt in range(1, _FRAME_ATTEMPTS + 1):
            if list_first or attempt > 1:
                await self._list()
            pane = self._panes.get(pane_id)
            if pane is None:
                raise TerminalRefused(f"{self.mux.name}: no such pane {pane_id}")
            texts = await self._text(pane_id, -history, pane.rows - 1)
            if len(texts) == pane.rows if history == 0 else pane.rows <= len(texts) <= pane.rows + history:
                return self._as_frame(pane, texts, history)
        raise TerminalUnreachable(f"{self.mux.name}: pane {pane_id} changes its size all the time")

    async def _text(self, pane_id: int, start: int, end: int) -> tuple[str, ...]:
        """*end* is inclusive. Without it the CLI prints two rows too many."""
        printed = await self._calls.call(
            "get-text", "--pane-id", str(pane_id), f"--start-line={start}", f"--end-line={end}"
        )
        return tuple(printed.decode("utf-8", "replace").removesuffix("\n").split("\n"))

    def _as_frame(self, pane: Pane, texts: tuple[str, ...], asked_history: int) -> TextFrame:
        above = len(texts) - pane.rows
        return TextFrame(
            pane_id=pane.pane_id,
            at_ms=self._clock.now_ms(),
            texts=texts,
            history_rows=above,
            viewport_rows=pane.rows,
            cols=pane.cols,
            cursor=pane.cursor,
            title=pane.title,
            cwd=pane.cwd,
            complete=above < asked_history,
        )

    # -- writing ----------------------------------------------------------------------------------------------------

    async def paste(self, pane_id: int, text: str) -> None:
        await self._calls.call("send-text", "--pane-id", str(pane_id), stdin=translate.check_text(text).encode())

    async def write(self, pane_id: int, data: bytes) -> None:
        try:
            translate.check_write(data).decode("utf-8")
        except UnicodeDecodeError:
            raise UsageError(
                "`wezterm cli` sends nothing but UTF-8", next_step="Send other bytes where the protocol is spoken."
            ) from None
        await self._calls.call("send-text", "--no-paste", "--pane-id", str(pane_id), stdin=data)

    async def spawn(self, request: SpawnRequest) -> int:
        """The size is the server's: the CLI cannot choose it."""
        translate.check_spawn(request)
        if request.window_id is not None:
            where = ["--window-id", str(request.window_id)]
        else:
            where = ["--new-window", "--workspace", translate.spawn_workspace(request)]
        return await self._new_pane("spawn", where, request)

    async def split(self, request: SplitRequest) -> int:
        translate.check_split(request)
        how = [_SPLIT_SIDES[request.direction], "--percent", str(request.percent), "--pane-id", str(request.pane_id)]
        return await self._new_pane("split-pane", how, request)

    async def _new_pane(self, command: str, options: list[str], request: SpawnRequest | SplitRequest) -> int:
        if request.cwd is not None:
            options = [*options, "--cwd", request.cwd]
        env: dict[str, str] | None = None
        if request.argv:
            options = [*options, "--", *request.argv]
            # The CLI hands its whole environment on to the program.
            if isinstance(self._calls.route, SshRoute):
                if request.env:
                    raise TerminalRefused(f"{self.mux.name}: no environment can be given through the CLI over ssh")
            else:
                env = {**request.env, "WEZTERM_UNIX_SOCKET": self.mux.socket}
        printed = await self._calls.call(command, *options, env=env)
        try:
            return int(printed.split()[0])
        except (ValueError, IndexError):
            raise TerminalRefused(f"{self.mux.name}: `wezterm cli {command}` printed {printed[:40]!r}") from None

    async def kill(self, pane_id: int) -> None:
        await self._calls.call("kill-pane", "--pane-id", str(pane_id))

    async def set_tab_title(self, tab_id: int, title: str) -> None:
        words = ["--", title] if translate.check_text(title).startswith("-") else [title]
        await self._calls.call("set-tab-title", "--tab-id", str(tab_id), *words)

    async def clients(self) -> list[Client]:
        return parse_clients(await self._calls.call("list-clients", "--format", "json"))

    def relax(self, late_s: float) -> None:  # noqa: ARG002 - polling is as slow as it may be
        return

    async def close(self) -> None:
        self._closed = True
        if self._poller is not None:
            await self._poller.stop()
        await self._calls.route.close()

    # -- hearing ----------------------------------------------------------------------------------------------------

    async def observations(self) -> AsyncIterator[Observation]:
        """A pane is not read again before its last frame has been taken, which bounds what waits here."""
        if self._poller is not None:
            raise RuntimeError("observations() has one consumer")
        self._poller = CliPoller(self.mux.name, self._list, self._frame_as_listed, self._plan, self._clock)
        if self._closed:
            self._poller.end(TerminalUnreachable(f"{self.mux.name}: closed"))
        async for seen in self._poller.observations():
            yield seen
