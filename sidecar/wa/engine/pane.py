"""A pane that is watched: its tracker, what is known of it, and who waits for its screen to change."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from wa.detect.session_book import Remembered
from wa.engine.redaction import RowsRedaction
from wa.ingest.tracker import PaneTracker
from wa.model.agent import NO_AGENT, AgentState
from wa.model.identity import MuxInstance, Pane
from wa.model.observation import ScreenPush, TextFrame
from wa.model.screen import Screen
from wa.store.command_records import CommandRecord, ShellRecord
from wa.store.records import Capture, PaneRecord
from wa.wezterm.terminal import SourceKind

MAX_HELD = 256
"""Pushes kept while a read of the screen is under way. When there are more, the read is made again instead."""


class WatchedPane:
    """Owned by one session; the registry, the buffer and sends hold references."""

    def __init__(self, uid: str, mux: MuxInstance, listed: Pane, tracker: PaneTracker, source: SourceKind) -> None:
        self.uid = uid
        self.mux = mux
        self.listed = listed
        self.tracker = tracker
        self.source: SourceKind | None = source
        """None while the mux is not connected."""
        self.title = listed.title
        self.cwd = listed.cwd
        self.alive = True
        self.excluded: str | None = None
        """Which kind of rule keeps it out; then nothing is fed, stored or served any more."""
        self.started_by_wa = False
        self.started = False
        """The tracker has had its first reading."""
        self.first_reading: ScreenPush | TextFrame | None = None
        """Being fed just now: what it shows may be of yesterday."""
        self.reads_of_rows = 0
        """Asked for and not answered yet: rows between the log and the screen."""
        self.reads_of_screen = 0
        """Under way: until they are answered, pushes are held."""
        self.screens_begun = 0
        self.screen_read = 0
        """Readings are numbered as they begin; the newest one that has been fed."""
        self.screen_asked = -math.inf
        """When, by the loop's clock, the newest one that has been fed was asked for."""
        self.screen_queued = False
        self.held: list[ScreenPush | TextFrame] = []
        self.held_too_many = False
        self.rereads = 0
        self.failed_reads = 0
        """In a row."""
        self.scrollback_rows = 0
        self.physical_top = 0
        """As pushed last: how much the terminal keeps of it, viewport included, and the screen's first row."""
        self.is_anchored = False
        self.anchor_until = 0.0
        """Until when, by the loop's clock, that is believed."""
        self.lively_until_ms = 0
        """Printed lately: its reads go before those of old history."""
        self.command_looked_ms = 0
        self.rows_stored = 0
        self.rows_lost = 0
        self.gaps = 0
        self.last_output_ms: int | None = None
        self.agent: AgentState = NO_AGENT
        self.remembered: Remembered | None = None
        """What an earlier run knew of its newest agent session."""
        self.remembered_shells: tuple[Sequence[ShellRecord], Sequence[CommandRecord]] = ((), ())
        """Shells that an earlier run knew, and what they ran."""
        self.last_event: tuple[str, int] | None = None
        """Name, and when."""
        self.redaction = RowsRedaction()
        self.send_lock = asyncio.Lock()
        self._blank: Screen | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def recall(self, record: PaneRecord | None) -> None:
        """Go on with the numbers of an earlier run."""
        if record is not None:
            self.rows_stored, self.rows_lost, self.gaps = record.rows_stored, record.rows_lost, record.gaps
            self.last_output_ms = record.last_output_ms

    @property
    def pane_id(self) -> int:
        return self.listed.pane_id

    @property
    def screen(self) -> Screen | None:
        return self._blank if self.excluded else self.tracker.screen

    def checkpoint(self) -> bytes | None:
        return self.tracker.checkpoint()

    def exclude(self, rule: str, at_ms: int) -> None:
        """For good: what the screen showed is blanked too."""
        self.excluded = rule
        self.held.clear()
        shown = self.tracker.screen
        if shown is not None:
            self._blank = shown._replace(at_ms=at_ms, generation=shown.generation + 1, rows=(), title="", cwd=None)

    def stored(self, capture: Capture) -> None:
        """Told by the buffer after a commit."""
        self.rows_stored += sum(len(segment.rows) for segment in capture.segments)
        self.rows_lost += sum(gap.missing or 0 for gap in capture.gaps)
        self.gaps += len(capture.gaps)

    # -- waiting for a change ---------------------------------------------------------------------------------------

    def changed(self) -> None:
        """The screen, or whether the pane lives, is another than before."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait_for_change(self, within_s: float) -> bool:
        """Whether something changed in time. Whoever looks before each call misses nothing."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            async with asyncio.timeout(within_s):
                await future
        except TimeoutError:
            return False
        finally:
            if future in self._waiting:
                self._waiting.remove(future)
        return True
