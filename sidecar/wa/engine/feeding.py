"""Between one mux and the trackers of its panes: feeds what is heard, performs what they ask for.

A read of the screen and the pushes around it come by different ways. The answer may be older than a push that was
already taken, and feeding it then would bring back rows that have changed since. So pushes of a pane are held while its
screen is being read: the answer goes first, and those pushes after it that are not certainly older.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from wa.engine.hub import Kind
from wa.engine.items import gap_item, rows_item, screen_item
from wa.engine.pane import MAX_HELD, WatchedPane
from wa.engine.reads import Lane, Reads
from wa.engine.shared import Shared
from wa.engine.wakes import Wakes
from wa.model.errors import TerminalRefused, WezTermError
from wa.model.log import Gap, ReadBack, ReadRows, ReadScreen, ScreenChanged, Segment, WakeAt
from wa.model.observation import Interrupted, PaneObservation, RowsRead, ScreenPush, TextFrame, Tick
from wa.model.screen import Screen
from wa.wezterm.terminal import Terminal

log = logging.getLogger(__name__)

LIVELY_MS = 2000
"""A pane that printed within this time has its reads done before those of old history."""
RETRY_FIRST_S = 0.25
RETRY_LIMIT_S = 5.0
MAX_REREADS = 3
"""In a row, of a screen whose order among the pushes stays unclear; then what came last counts."""

Job = ReadRows | ReadScreen | ReadBack


class Feeding:
    def __init__(self, name: str, shared: Shared, lost: Callable[[WatchedPane], None]) -> None:
        self._shared = shared
        self._lost = lost
        """Told when the mux says that a pane does not exist."""
        self._terminal: Terminal | None = None
        self._reads: Reads[WatchedPane, Job] = Reads(self._perform, name=name)
        self._wakes: Wakes[WatchedPane] = Wakes(self._ring)
        self._unanswered: list[tuple[WatchedPane, RowsRead]] = []
        """Reads that a broken connection left without an answer; told to their trackers once there is another one."""
        self._later: set[asyncio.TimerHandle] = set()

    @property
    def reads_waiting(self) -> int:
        return self._reads.waiting + self._reads.running

    # -- the connection ---------------------------------------------------------------------------------------------

    def connected(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._reads.resume()

    def disconnected(self) -> None:
        """Nothing is asked from now on; what is under way fails."""
        self._terminal = None
        self._reads.pause()

    def resume(self, pane: WatchedPane, reason: str) -> None:
        """After a reconnect: what was asked has no answer, and pushes may have been missed."""
        answers = [read for owner, read in self._unanswered if owner is pane]
        self._unanswered = [(owner, read) for owner, read in self._unanswered if owner is not pane]
        if pane.started:
            now_ms = self._shared.clock.now_ms()
            for read in answers:
                self.feed(pane, read)
            self.feed(pane, Interrupted(pane.pane_id, now_ms, reason))
        self.read_screen(pane)

    def close(self) -> None:
        self.disconnected()
        self._wakes.close()
        for handle in self._later:
            handle.cancel()
        self._later.clear()

    def drop(self, pane: WatchedPane) -> None:
        """Nothing more is read of this pane, and it is not woken."""
        self._reads.drop(pane)
        self._wakes.drop(pane)
        self._unanswered = [(owner, read) for owner, read in self._unanswered if owner is not pane]
        pane.reads_of_rows = 0
        pane.held.clear()

    # -- what is heard ----------------------------------------------------------------------------------------------

    def hear(self, pane: WatchedPane, seen: PaneObservation) -> None:
        """Something of a pane, in the order of the connection."""
        if pane.excluded:
            return
        if isinstance(seen, ScreenPush | TextFrame):
            pane.lively_until_ms = seen.at_ms + LIVELY_MS
            if not pane.started or pane.reads_of_screen:
                if len(pane.held) < MAX_HELD:
                    pane.held.append(seen)
                else:
                    pane.held_too_many = True
                return
        elif not pane.started:
            return
        self.feed(pane, seen)

    def feed(self, pane: WatchedPane, seen: PaneObservation) -> None:
        self._wakes.drop(pane)
        if isinstance(seen, RowsRead):
            pane.reads_of_rows -= 1
        try:
            effects = pane.tracker.feed(seen)
        except Exception:
            # A fault of ours in one pane's tracker must not end the others'. It reads everything anew.
            log.exception("tracker failed", extra={"pane": pane.uid, "observation": type(seen).__name__})
            self._in_a_moment(lambda: self.read_screen(pane), RETRY_LIMIT_S)
            return
        if not effects:
            return
        shared, hub = self._shared, self._shared.hub
        segments: list[Segment] = []
        gaps: list[Gap] = []
        shown: Screen | None = None
        for effect in effects:
            if isinstance(effect, ScreenChanged):
                shown = screen = effect.screen
                # Subscribers come first: everything else may wait a millisecond, they are measured against the program.
                hub.publish(Kind.SCREEN, pane.uid, lambda screen=screen: screen_item(pane, screen))  # type: ignore[misc]
                pane.changed()
                shared.buffer.screen_changed(pane)
                if isinstance(seen, ScreenPush | TextFrame) and seen is not pane.first_reading:
                    pane.last_output_ms = seen.at_ms
            elif isinstance(effect, Segment):
                segments.append(effect)
            elif isinstance(effect, Gap):
                gaps.append(effect)
            elif isinstance(effect, WakeAt):
                delay_s = max(0.0, (effect.at_ms - shared.clock.now_ms()) / 1000)
                self._wakes.at(pane, asyncio.get_running_loop().time() + delay_s)
            elif isinstance(effect, ReadScreen):
                self.read_screen(pane)
            else:
                self._ask(pane, effect)
        if segments or gaps:
            shared.buffer.put(pane, segments, gaps)
            for segment in segments:
                hub.publish(Kind.ROWS, pane.uid, lambda segment=segment: rows_item(pane, segment))  # type: ignore[misc]
            for gap in gaps:
                hub.publish(Kind.GAP, pane.uid, lambda gap=gap: gap_item(pane, gap))  # type: ignore[misc]
        if shared.agents is not None:
            shared.agents.rows(pane, segments)
            if shown is not None:
                shared.agents.screen(pane, shown)

    def _ring(self, pane: WatchedPane) -> None:
        if pane.alive and not pane.excluded:
            self.feed(pane, Tick(pane.pane_id, self._shared.clock.now_ms()))

    # -- what is asked ----------------------------------------------------------------------------------------------

    def read_screen(self, pane: WatchedPane) -> None:
        """Soon; several wishes at once are one read."""
        if not pane.screen_queued and not pane.excluded and pane.alive:
            pane.screen_queued = True
            self._ask(pane, ReadScreen())

    async def refresh(self, pane: WatchedPane, within_s: float) -> bool:
        """A reading that began after this call has been fed; False when that did not come about in time."""
        loop = asyncio.get_running_loop()
        give_up, wanted = loop.time() + within_s, pane.screens_begun + 1
        self.read_screen(pane)
        while pane.alive and not pane.excluded and pane.screen_read < wanted:
            if (left_s := give_up - loop.time()) <= 0:
                return False
            await pane.wait_for_change(left_s)
        return pane.screen_read >= wanted

    def _ask(self, pane: WatchedPane, job: Job) -> None:
        if not isinstance(job, ReadScreen):
            pane.reads_of_rows += 1
        lively = isinstance(job, ReadScreen) or self._shared.clock.now_ms() <= pane.lively_until_ms
        self._reads.add(pane, job, Lane.LIVE if lively else Lane.HISTORY)

    async def _perform(self, pane: WatchedPane, job: Job) -> None:
        if isinstance(job, ReadScreen):
            pane.screen_queued = False
        terminal = self._terminal
        if not pane.alive or pane.excluded:
            return
        if isinstance(job, ReadRows):
            await self._perform_rows(terminal, pane, job)
        elif terminal is not None:
            await self._perform_screen(terminal, pane, job)
        elif isinstance(job, ReadBack):
            pane.reads_of_rows -= 1

    async def _perform_screen(self, terminal: Terminal, pane: WatchedPane, job: ReadScreen | ReadBack) -> None:
        pane.reads_of_screen += 1
        pane.screens_begun += 1
        begun, asked = pane.screens_begun, asyncio.get_running_loop().time()
        try:
            if isinstance(job, ReadScreen):
                seen = await terminal.read_screen(pane.pane_id)
            else:
                seen = await terminal.read_back(pane.pane_id, job.rows)
        except TerminalRefused as error:
            log.info("pane not read", extra={"pane": pane.uid, "reason": error.message})
            self._release(pane, None)
            self._lost(pane)
            self._again(pane, job)
        except WezTermError as error:
            log.info("pane not read", extra={"pane": pane.uid, "reason": error.message})
            self._release(pane, None)
            self._again(pane, job)
        else:
            pane.failed_reads = 0
            self._release(pane, seen)
            pane.screen_read, pane.screen_asked = max(pane.screen_read, begun), max(pane.screen_asked, asked)
            pane.changed()
        finally:
            if isinstance(job, ReadBack):
                pane.reads_of_rows -= 1

    async def _perform_rows(self, terminal: Terminal | None, pane: WatchedPane, job: ReadRows) -> None:
        failed = "not connected"
        read: RowsRead | None = None
        try:
            if terminal is not None:
                read = await terminal.read_rows(pane.pane_id, job.start, job.stop)
        except WezTermError as error:
            failed = error.message
        if read is None:
            # Whatever happens, the tracker hears of each read it asked for.
            asked = range(job.start, job.stop)
            read = RowsRead(pane.pane_id, self._shared.clock.now_ms(), asked, (), failed=failed)
        if not pane.alive or pane.excluded:
            return
        if read.failed is None:
            pane.failed_reads = 0
            self.feed(pane, read)
        elif self._terminal is not terminal or terminal is None:
            self._unanswered.append((pane, read))
        else:
            # The tracker may ask again at once; a server that refuses is not to be asked without a pause.
            self._in_a_moment(lambda: self._tell(pane, read), self._delay_s(pane))

    def _tell(self, pane: WatchedPane, read: RowsRead) -> None:
        if self._terminal is None:
            self._unanswered.append((pane, read))
        elif pane.alive and not pane.excluded:
            self.feed(pane, read)

    def _again(self, pane: WatchedPane, job: ReadScreen | ReadBack) -> None:
        def ask() -> None:
            if not pane.alive:
                return
            if isinstance(job, ReadScreen):
                self.read_screen(pane)
            else:
                self._ask(pane, job)

        self._in_a_moment(ask, self._delay_s(pane))

    def _delay_s(self, pane: WatchedPane) -> float:
        pane.failed_reads += 1
        return float(min(RETRY_LIMIT_S, RETRY_FIRST_S * 2 ** min(pane.failed_reads - 1, 10)))

    def _in_a_moment(self, action: Callable[[], None], delay_s: float) -> None:
        def run() -> None:
            self._later.discard(handle)
            action()

        handle = asyncio.get_running_loop().call_later(delay_s, run)
        self._later.add(handle)

    # -- held pushes ------------------------------------------------------------------------------------------------

    def _release(self, pane: WatchedPane, read: ScreenPush | TextFrame | None) -> None:
        """The read is over: feed its answer, then what was held meanwhile. None: there was no answer."""
        pane.reads_of_screen -= 1
        if not pane.alive or pane.excluded:
            pane.held.clear()
            return
        if read is not None:
            first, pane.started = not pane.started, True
            pane.first_reading = read if first else None
            self.feed(pane, read)
            pane.first_reading = None
        if not pane.started or pane.reads_of_screen:
            return
        held, pane.held = pane.held, []
        unclear, pane.held_too_many = pane.held_too_many, False
        for push in held:
            order = _order(push, read)
            if order is None and pane.rereads < MAX_REREADS:
                unclear = True
            elif order is None or order >= 0:
                self.feed(pane, push)
        if unclear:
            pane.rereads += 1
            self.read_screen(pane)
        else:
            pane.rereads = 0

    def last_words(self, pane: WatchedPane) -> None:
        """The pane is gone. If its screen was never read, the pushes heard of it are all there is: feed them.

        The first push of a pane on a connection holds its whole viewport, as a read would.
        """
        if not pane.started and pane.held and not pane.excluded:
            first, *others = pane.held
            if isinstance(first, ScreenPush) and len({row.index for row in first.rows}) >= first.dims.viewport_rows:
                pane.started = True
                self.feed(pane, first._replace(seqno=-1))
                for push in others:
                    self.feed(pane, push)
        elif pane.held and not pane.excluded:
            for push in pane.held:
                self.feed(pane, push)
        pane.held.clear()


def _order(push: ScreenPush | TextFrame, read: ScreenPush | TextFrame | None) -> int | None:
    """-1: the push is older than the read. 1: it may be fed after it.

    None: it shows another screen, and which came last is unclear.
    """
    if read is None:
        return 1
    if isinstance(push, TextFrame) or isinstance(read, TextFrame):
        return 1 if push.at_ms >= read.at_ms else -1
    if push.dims.cols != read.dims.cols or push.dims.viewport_rows != read.dims.viewport_rows:
        return None
    push_has_history = push.dims.scrollback_rows > push.dims.viewport_rows
    read_has_history = read.dims.scrollback_rows > read.dims.viewport_rows
    if push_has_history != read_has_history:
        return None
    # With history, rows only ever scroll up; without, both may be the alternate screen and nothing can be told apart.
    return -1 if push_has_history and push.dims.physical_top < read.dims.physical_top else 1
