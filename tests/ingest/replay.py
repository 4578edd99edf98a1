"""Recorded traffic played to a tracker: pushes as they came, reads answered from what the recording knows.

The recording client only listened, so what a read would have said is known only where the end of the run still shows
it: rows that `get_text` holds at the end. Reads of rows that were erased later come too late: they are answered once
the rows are gone, with the oldest rows there are then. Time passes as recorded, and wake-ups ring in between.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from wa.ingest import PaneTracker
from wa.model.log import Effect, Gap, ReadRows, ReadScreen, RowKind, ScreenChanged, Segment, WakeAt
from wa.model.observation import PaneGone, PaneObservation, PaneResized, RowsRead, ScreenPush, Tick
from wa.model.screen import Dimensions, Row
from wa.protocol.mux import (
    FrameReader,
    GetPaneRenderableDimensionsResponse,
    GetPaneRenderChangesResponse,
    PaneRemoved,
    TabResized,
    decode,
)

DATA = Path(__file__).parents[1] / "data" / "mux"


class Log:
    """The effects of a tracker, as the store would keep them; checks what must hold of any of them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.kinds: list[RowKind] = []
        self.gaps: list[Gap] = []
        self.items: list[Segment | Gap] = []
        self.next_row = 0
        self.screen: ScreenChanged | None = None
        self.generation = 0

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Segment):
                assert effect.rows, "an empty segment"
                assert effect.first_row == self.next_row, "positions have a hole"
                self.next_row += len(effect.rows)
                self.rows.extend(effect.rows)
                self.kinds.extend([effect.kind] * len(effect.rows))
                self.items.append(effect)
            elif isinstance(effect, Gap):
                assert effect.row == self.next_row, "a gap stands elsewhere"
                assert effect.missing is None or effect.missing > 0
                self.next_row += effect.missing or 0
                self.gaps.append(effect)
                self.items.append(effect)
            elif isinstance(effect, ScreenChanged):
                assert effect.screen.generation > self.generation
                self.generation = effect.screen.generation
                self.screen = effect

    @property
    def texts(self) -> list[str]:
        return [row.text for row in self.rows]

    def output(self) -> list[str]:
        return [row.text for row, kind in zip(self.rows, self.kinds, strict=True) if kind is RowKind.OUTPUT]

    def all_texts(self) -> list[str]:
        """The log, then what of the screen is not in it."""
        if self.screen is None:
            return self.texts
        return self.texts + [row.text for row in self.screen.screen.rows[self.screen.screen.logged :]]


class Recording(NamedTuple):
    name: str
    seen: list[PaneObservation]
    get_text: list[str]
    last: Dimensions

    @property
    def oldest(self) -> int:
        return self.last.scrollback_top


def load(path: Path) -> Recording:
    data: dict[str, Any] = json.loads(path.read_text())
    seen: list[PaneObservation] = []
    last = Dimensions(80, 24, 24, 0, 0)
    clock = 0
    for entry in data["frames"]:
        seconds, frame = (entry[0], entry[4]) if len(entry) == 5 else (None, entry[3])
        clock = int(seconds * 1000) if seconds is not None else clock + 5
        for found in FrameReader().feed(bytes.fromhex(frame)):
            pdu = decode(found.ident, found.payload(), data["codec"])
            if isinstance(pdu, GetPaneRenderChangesResponse):
                seen.append(as_push(pdu, clock))
                last = pdu.dims
            elif isinstance(pdu, GetPaneRenderableDimensionsResponse):
                last = pdu.dims
            elif isinstance(pdu, TabResized):
                seen.append(PaneResized(data["pane"], clock))
            elif isinstance(pdu, PaneRemoved):
                seen.append(PaneGone(pdu.pane_id, clock))
    return Recording(path.stem, seen, data["get_text"].split("\n"), last)


def as_push(pdu: GetPaneRenderChangesResponse, at_ms: int) -> ScreenPush:
    return ScreenPush(
        pane_id=pdu.pane_id,
        at_ms=at_ms,
        dims=pdu.dims,
        cursor=pdu.cursor,
        rows=pdu.bonus_lines,
        dirty=tuple(pdu.dirty_lines),
        title=pdu.title,
        cwd=pdu.working_dir,
        seqno=pdu.seqno,
        mouse_grabbed=pdu.mouse_grabbed,
    )


class Replay:
    def __init__(self, recording: Recording, tracker: PaneTracker, log: Log) -> None:
        self.recording = recording
        self.tracker = tracker
        self.log = log
        self.reads: list[ReadRows] = []
        self.asked: list[ReadRows] = []
        self.wake_ms: int | None = None
        self.now_ms = 0
        self.truth = {i: Row(i, text) for i, text in enumerate(recording.get_text, recording.oldest)}
        self.view: dict[int, Row] = {}
        self.last: ScreenPush | None = None

    def run(self, *, from_: int = 0, to: int | None = None, settle_ms: int = 5_000) -> None:
        for seen in self.recording.seen[from_:to]:
            if isinstance(seen, PaneGone):
                break
            self.pass_time(seen.at_ms)
            if isinstance(seen, ScreenPush):
                self._show(seen)
            self.feed(seen)
            self.answer()
        if to is None:
            self.pass_time(self.now_ms + settle_ms)

    def pass_by(self, to: int) -> None:
        """Nobody listens: only the terminal knows what was printed up to observation *to*."""
        for seen in self.recording.seen[:to]:
            if isinstance(seen, ScreenPush):
                self._show(seen)
            self.now_ms = max(self.now_ms, seen.at_ms)

    def _show(self, seen: ScreenPush) -> None:
        self.last = seen
        for changed in seen.dirty:
            for index in changed:
                self.view.pop(index, None)
        self.view.update({row.index: row for row in seen.rows})

    def restart(self) -> None:
        """The sidecar was killed, with everything that was returned stored, and comes back at once."""
        saved = self.tracker.checkpoint()
        tail = [Row(0, row.text, row.wrapped) for row in self.log.rows[-400:]]
        self.tracker = PaneTracker(self.recording.seen[0].pane_id, resume=saved, tail=tail)
        self.log.generation = 0
        self.reads, self.wake_ms = [ReadRows(-1, -1)], None
        self.answer()

    def pass_time(self, to_ms: int) -> None:
        while self.wake_ms is not None and self.wake_ms <= to_ms:
            self.now_ms, self.wake_ms = self.wake_ms, None
            self.feed(Tick(1, self.now_ms))
            self.answer()
        self.now_ms = to_ms

    def feed(self, seen: PaneObservation) -> None:
        self.wake_ms = None
        effects = self.tracker.feed(seen)
        self.log.take(effects)
        for effect in effects:
            if isinstance(effect, WakeAt):
                self.wake_ms = effect.at_ms
            elif isinstance(effect, ReadRows):
                self.reads.append(effect)
                self.asked.append(effect)
            elif isinstance(effect, ReadScreen):
                self.reads.append(ReadRows(-1, -1))

    def answer(self) -> None:
        rounds = 0
        late: list[ReadRows] = []
        while self.reads and self.last is not None:
            rounds += 1
            assert rounds < 200, "the tracker asks for ever"
            read = self.reads.pop(0)
            if read.start < 0:
                rows = tuple(self.view.get(i, Row(i, "")) for i in self.last.dims.viewport)
                self.feed(self.last._replace(seqno=-1, rows=rows, dirty=(), at_ms=self.now_ms))
            elif all(index in self.view for index in range(read.start, read.stop)):
                rows = tuple(self.view[index] for index in range(read.start, read.stop))
                self.feed(RowsRead(1, self.now_ms, range(read.start, read.stop), rows))
            elif read.start < self.recording.oldest and self.last.dims.scrollback_top <= read.start:
                late.append(read)
            else:
                start = max(read.start, self.last.dims.scrollback_top)
                rows = tuple(self.truth.get(i, Row(i, "")) for i in range(start, start + read.stop - read.start))
                self.feed(RowsRead(1, self.now_ms, range(read.start, read.stop), rows))
        self.reads = late
