"""The loop that polls one server through its CLI and tells what it saw."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from wa.model.clock import Clock
from wa.model.errors import TerminalRefused, TerminalUnreachable, WezTermError
from wa.model.identity import Pane
from wa.model.observation import Connected, Disconnected, Observation, PaneGone, TextFrame, TopologyChanged
from wa.wezterm.background import Background
from wa.wezterm.cli_calls import CONCURRENCY, Starved
from wa.wezterm.cli_plan import PollPlan

log = logging.getLogger(__name__)

LOST_AFTER = 5
"""Failed lists in a row after which the server counts as gone."""


class CliPoller:
    """Asks as the plan says; what it saw waits, one frame a pane at most, until it is taken."""

    def __init__(
        self,
        name: str,
        list_panes: Callable[[], Awaitable[list[Pane]]],
        read: Callable[[int], Awaitable[TextFrame]],
        plan: PollPlan,
        clock: Clock,
    ) -> None:
        self.name = name
        self.error: WezTermError | None = None
        self._list_panes = list_panes
        self._read = read
        self._plan = plan
        self._clock = clock
        self._panes: dict[int, Pane] = {}
        self._frames: dict[int, TextFrame] = {}
        self._seen: deque[Observation] = deque()
        self._arrived = asyncio.Event()
        self._freed = asyncio.Event()
        self._under_way = 0
        self._failed_lists = 0
        self._work: Background | None = None

    async def observations(self) -> AsyncIterator[Observation]:
        self._work = Background(self._poll(), name=f"poll {self.name}")
        try:
            yield Connected(self._clock.now_ms())
            while True:
                while self._seen:
                    seen = self._seen.popleft()
                    yield seen
                    if isinstance(seen, Disconnected):
                        return
                    if isinstance(seen, TextFrame):
                        self._plan.taken(seen.pane_id)
                        self._freed.set()
                self._arrived.clear()
                await self._arrived.wait()
        finally:
            await self._work.stop()

    def end(self, error: WezTermError) -> None:
        if self.error is None:
            self.error = error
            self._tell(Disconnected(self._clock.now_ms(), error.message))
            self._freed.set()

    async def stop(self) -> None:
        self.end(TerminalUnreachable(f"{self.name}: closed"))
        if self._work is not None:
            await self._work.stop()

    # -- the loop ---------------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        async with asyncio.TaskGroup() as calls:
            while self.error is None:
                self._freed.clear()
                now_ms = self._clock.monotonic_ms()
                if self._plan.list_is_due(now_ms):
                    self._plan.list_started()
                    calls.create_task(self._list(), name=f"list {self.name}")
                    self._under_way += 1
                for pane_id in self._plan.due(now_ms):
                    if self._under_way >= CONCURRENCY:
                        break
                    self._plan.read_started(pane_id, now_ms)
                    calls.create_task(self._look_at(pane_id), name=f"read {self.name}/{pane_id}")
                    self._under_way += 1
                await self._until_due()

    async def _until_due(self) -> None:
        wait_s: float | None = None
        if self._under_way < CONCURRENCY and (due_ms := self._plan.next_due_ms()) is not None:
            wait_s = max(0.0, (due_ms - self._clock.monotonic_ms()) / 1000)
        try:
            async with asyncio.timeout(wait_s):
                await self._freed.wait()
        except TimeoutError:
            return

    async def _list(self) -> None:
        asked_ms = self._clock.monotonic_ms()
        try:
            panes = await self._list_panes()
        except WezTermError as error:
            self._list_failed(error)
        else:
            now_ms = self._clock.monotonic_ms()
            self._failed_lists = 0
            self._plan.listed(panes, now_ms, now_ms - asked_ms)
            self._compare({pane.pane_id: pane for pane in panes})
        finally:
            self._call_ended()

    def _list_failed(self, error: WezTermError) -> None:
        starved = isinstance(error, Starved)
        self._plan.list_failed(self._clock.monotonic_ms(), timed_out=starved)
        self._failed_lists += 1
        log.info("list failed", extra={"mux": self.name, "reason": error.message, "in_a_row": self._failed_lists})
        if self._failed_lists >= LOST_AFTER or (isinstance(error, TerminalUnreachable) and not starved):
            self.end(error)

    async def _look_at(self, pane_id: int) -> None:
        try:
            frame = await self._read(pane_id)
        except WezTermError as error:
            self._plan.read_failed(pane_id, timed_out=isinstance(error, Starved))
            if isinstance(error, TerminalRefused):
                self._plan.list_soon()
            elif isinstance(error, TerminalUnreachable) and not isinstance(error, Starved):
                self.end(error)
        else:
            changed = _content(self._frames.get(pane_id)) != _content(frame)
            self._plan.read(pane_id, self._clock.monotonic_ms(), changed=changed)
            if changed:
                self._frames[pane_id] = frame
                self._tell(frame)
        finally:
            self._call_ended()

    def _call_ended(self) -> None:
        self._under_way -= 1
        self._freed.set()

    # -- what changed -----------------------------------------------------------------------------------------------

    def _compare(self, panes: dict[int, Pane]) -> None:
        """A pane is gone when a list that succeeded lacks it; a list that failed says nothing."""
        before, self._panes = self._panes, panes
        at_ms = self._clock.now_ms()
        for pane_id in before.keys() - panes.keys():
            self._frames.pop(pane_id, None)
            self._tell(PaneGone(pane_id, at_ms))
        changed = before.keys() != panes.keys()
        resized: set[int] = set()
        for pane_id in before.keys() & panes.keys():
            old, new = before[pane_id], panes[pane_id]
            if (old.cols, old.rows) != (new.cols, new.rows):
                resized.add(new.tab_id)
            changed = changed or _place(old) != _place(new)
        for tab_id in sorted(resized):
            self._tell(TopologyChanged(at_ms, resized_tab=tab_id))
        if changed and not resized:
            self._tell(TopologyChanged(at_ms))

    def _tell(self, seen: Observation) -> None:
        self._seen.append(seen)
        self._arrived.set()


def _place(pane: Pane) -> Pane:
    """What makes a list worth asking for again; the rest travels with each frame."""
    return pane._replace(title="", cwd=None, cursor=(0, 0), cols=0, rows=0, left_col=0, top_row=0, window_rows=0)


def _content(frame: TextFrame | None) -> object:
    return frame and (frame.texts, frame.cursor, frame.title, frame.cwd, frame.cols, frame.viewport_rows)
