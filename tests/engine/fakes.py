"""A multiplexer and a store in memory, as small as the seams they stand behind."""

import asyncio
import time
from dataclasses import dataclass, field

from wa.model.errors import StoreError, TerminalRefused, TerminalUnreachable
from wa.model.identity import MuxInstance, Pane
from wa.model.log import GapReason
from wa.model.observation import (
    Connected,
    Disconnected,
    PaneGone,
    RowsRead,
    ScreenPush,
    TopologyChanged,
)
from wa.model.screen import Cursor, Dimensions, Row
from wa.store.records import PaneRecord
from wa.wezterm.terminal import SourceKind


class FakePane:
    """Lines printed at the bottom of a screen with scrollback, a prompt in the last row."""

    def __init__(self, pane_id, *, cols=80, rows=4, scrollback=1000, title="sh", cwd=None, tty="/dev/pts/9999999"):
        self.pane_id, self.cols, self.rows, self.scrollback = pane_id, cols, rows, scrollback
        self.title, self.cwd, self.tty = title, cwd, tty
        self.lines = [""]
        self.first = 0
        """Stable index of lines[0]."""
        self.seqno = 0
        self.changed = set()
        """Stable indices of rows that changed since the last push."""
        self.echo = True
        self.typed = []

    @property
    def top(self):
        return self.first + max(0, len(self.lines) - self.rows)

    def dims(self):
        kept = max(len(self.lines), self.rows)
        return Dimensions(self.cols, self.rows, kept, self.top, self.first)

    def row(self, index):
        at = index - self.first
        return Row(index, self.lines[at] if 0 <= at < len(self.lines) else "")

    def viewport(self):
        return tuple(self.row(index) for index in range(self.top, self.top + self.rows))

    def cursor(self):
        return Cursor(len(self.lines[-1]), self.first + len(self.lines) - 1)

    def print(self, text):
        """Text with \\n between lines; the last one stays open."""
        head, *more = text.split("\n")
        last = self.first + len(self.lines) - 1
        self.lines[-1] += head
        self.lines += more
        self.changed |= set(range(last, last + len(more) + 1))
        over = len(self.lines) - self.rows - self.scrollback
        if over > 0:
            del self.lines[:over]
            self.first += over

    def push(self, at_ms):
        """As the server does: changed rows of the viewport and the cursor's, and the numbers of changed ones above."""
        self.seqno += 1
        changed, self.changed = self.changed | {self.cursor().y}, set()
        rows = tuple(row for row in self.viewport() if row.index in changed)
        dirty = [index for index in sorted(changed) if self.first <= index < self.top]
        ranges = (range(dirty[0], dirty[-1] + 1),) if dirty else ()
        return ScreenPush(
            self.pane_id, at_ms, self.dims(), self.cursor(), rows, ranges, self.title, self.cwd, self.seqno, False
        )

    def read(self, at_ms):
        return ScreenPush(
            self.pane_id, at_ms, self.dims(), self.cursor(), self.viewport(), (), self.title, self.cwd, -1, False
        )

    def listed(self):
        x, y = self.cursor().x, self.cursor().y - self.top
        return Pane(
            self.pane_id, self.pane_id + 100, 0, "default", self.title, self.cwd, self.cols, self.rows, True, False,
            self.tty, "", "", self.top, (x, y),
        )  # fmt: skip


class FakeTerminal:
    source = SourceKind.PUSH
    version = "fake 1"
    codec = 44
    notice = None

    def __init__(self, server):
        self.server = server
        self.mux = server.instance
        self.queue = asyncio.Queue()
        self.closed = False

    def tell(self, *observations):
        for seen in observations:
            self.queue.put_nowait(seen)

    def _check(self):
        if self.closed or self.server.gone:
            raise TerminalUnreachable("the connection is gone")

    def _pane(self, pane_id):
        self._check()
        if pane_id not in self.server.panes:
            raise TerminalRefused(f"no such pane {pane_id}")
        return self.server.panes[pane_id]

    async def list_panes(self):
        self._check()
        self.server.lists += 1
        if self.server.list_fails:
            raise TerminalUnreachable("no answer to ListPanes")
        listed = [pane.listed() for pane in self.server.panes.values()]
        await self.server.pause("list")
        self._check()
        return listed

    async def read_screen(self, pane_id):
        read = self._pane(pane_id).read(self.server.clock.now_ms())
        self.server.reads.append(("screen", pane_id))
        await self.server.pause("screen")
        self._check()
        return read

    async def read_rows(self, pane_id, start, stop):
        pane, asked = self._pane(pane_id), range(start, stop)
        self.server.reads.append(("rows", pane_id))
        await self.server.pause("rows")
        if self.closed or self.server.gone:
            return RowsRead(pane_id, 0, asked, (), failed="the connection broke")
        last = pane.first + len(pane.lines)
        first = start if pane.first <= start < last else pane.first
        rows = tuple(pane.row(index) for index in range(first, min(last, first + len(asked))))
        return RowsRead(pane_id, self.server.clock.now_ms(), asked, rows)

    async def read_back(self, pane_id, rows):
        raise TerminalUnreachable("not by push")

    async def paste(self, pane_id, text):
        pane = self._pane(pane_id)
        self.server.typed.append((pane_id, text))
        await self.server.react(pane, text)

    async def write(self, pane_id, data):
        pane = self._pane(pane_id)
        self.server.typed.append((pane_id, data))
        await self.server.react(pane, data)

    async def kill(self, pane_id):
        self.server.close_pane(pane_id)

    async def spawn(self, request):
        self._check()
        return self.server.add(FakePane(max(self.server.panes, default=-1) + 1)).pane_id

    async def clients(self):
        self._check()
        return self.server.clients

    async def observations(self):
        yield Connected(self.server.clock.now_ms())
        while True:
            seen = await self.queue.get()
            yield seen
            if isinstance(seen, Disconnected):
                return

    def relax(self, late_s):
        self.server.relaxed.append(late_s)

    async def close(self):
        self.closed = True


class Clock:
    """Real time unless moved."""

    def __init__(self):
        self.ahead_ms = 0

    def now_ms(self):
        return time.monotonic_ns() // 1_000_000 + 1_000_000_000 + self.ahead_ms

    monotonic_ms = now_ms


@dataclass
class FakeServer:
    """A mux: panes, and whoever is connected to it. `gone` until it comes back; `restart` gives it another identity."""

    name: str = "fake"
    run: int = 1
    gone: bool = False
    list_fails: bool = False
    panes: dict = field(default_factory=dict)
    clients: list = field(default_factory=list)
    connections: list = field(default_factory=list)
    typed: list = field(default_factory=list)
    reads: list = field(default_factory=list)
    relaxed: list = field(default_factory=list)
    lists: int = 0
    connects: int = 0
    clock: Clock = field(default_factory=Clock)
    pauses: dict = field(default_factory=dict)
    """Kind of request → an Event to wait for before answering."""

    @property
    def instance(self):
        return MuxInstance(self.name, "", f"/run/{self.name}", f"run-{self.run}")

    async def connect(self):
        self.connects += 1
        await asyncio.sleep(0)
        if self.gone:
            raise TerminalUnreachable("nobody listens")
        terminal = FakeTerminal(self)
        self.connections.append(terminal)
        return terminal

    async def pause(self, kind):
        await asyncio.sleep(0)
        if (event := self.pauses.get(kind)) is not None:
            await event.wait()

    def tell(self, *observations):
        for terminal in self.connections:
            if not terminal.closed:
                terminal.tell(*observations)

    def add(self, pane):
        self.panes[pane.pane_id] = pane
        self.tell(TopologyChanged(self.clock.now_ms()))
        return pane

    def print(self, pane_id, text):
        pane = self.panes[pane_id]
        pane.print(text)
        self.tell(pane.push(self.clock.now_ms()))

    def close_pane(self, pane_id):
        del self.panes[pane_id]
        self.tell(PaneGone(pane_id, self.clock.now_ms()))

    def drop(self, reason="the connection was closed", unheard=False):
        """Break every connection; the server lives on."""
        for terminal in self.connections:
            if not terminal.closed:
                terminal.closed = True
                terminal.queue.put_nowait(Disconnected(self.clock.now_ms(), reason, unheard))
        self.connections.clear()

    def restart(self, unheard=False):
        """Another run of the server: its panes are gone, its ids begin anew."""
        self.panes.clear()
        self.run += 1
        self.drop(unheard=unheard)

    async def react(self, pane, typed):
        """A shell: echoes what is pasted, and runs the line at a carriage return."""
        await asyncio.sleep(0)
        if isinstance(typed, bytes):
            if typed == b"\r":
                self.print(pane.pane_id, "\nran it\n$ ")
        elif pane.echo:
            self.print(pane.pane_id, typed)


class FakeStore:
    """Writer and Reader in one, as strict as the real one about positions."""

    def __init__(self):
        self.records, self.uids = {}, {}
        self.rows, self.gaps, self.screens, self.checkpoints = {}, {}, {}, {}
        self.closed, self.updates, self.lost = [], [], {}
        self.failure = None
        self.commits = 0

    def _obey(self):
        if self.failure is not None:
            raise StoreError(self.failure)

    async def pane_uid(self, mux, pane, at_ms):
        await asyncio.sleep(0)
        self._obey()
        return self.uids.setdefault((mux.key, pane.pane_id), f"p{len(self.uids) + 1}")

    async def capture(self, captures):
        await asyncio.sleep(0)
        self._obey()
        self.commits += 1
        for capture in captures:
            rows = self.rows.setdefault(capture.pane_uid, {})
            for segment in capture.segments:
                for position, row in enumerate(segment.rows, segment.first_row):
                    assert position not in rows, (capture.pane_uid, position, "stored twice")
                    rows[position] = row
            self.gaps.setdefault(capture.pane_uid, []).extend(capture.gaps)
            if capture.screen is not None:
                self.screens[capture.pane_uid] = capture.screen
            if capture.checkpoint is not None:
                self.checkpoints[capture.pane_uid] = capture.checkpoint

    async def update_panes(self, records):
        await asyncio.sleep(0)
        self._obey()
        self.updates += records

    async def close_panes(self, uids, at_ms):
        await asyncio.sleep(0)
        self._obey()
        self.closed += uids

    async def close_absent(self, mux, present, at_ms):
        await asyncio.sleep(0)
        self._obey()
        gone = [uid for (key, pane_id), uid in self.uids.items() if key != mux.key or pane_id not in present]
        self.closed += [uid for uid in gone if uid not in self.closed]
        return len(gone)

    async def mux_lost(self, mux, at_ms):
        self._obey()
        self.lost[mux.key] = at_ms

    async def pane(self, uid):
        rows = self.rows.get(uid, {})
        lost = sum(gap.missing or 0 for gap in self.gaps.get(uid, []))
        return PaneRecord(
            uid, "fake", "", "", "", 0, None, None, "", None, "", 80, 24, True, None, 0, None,
            min(rows, default=None), max(rows, default=-1) + 1, len(rows), lost, len(self.gaps.get(uid, [])), None,
        )  # fmt: skip

    async def checkpoint(self, uid):
        return self.checkpoints.get(uid)

    async def shells(self, uid):
        return (), ()

    async def remembered(self, uid):
        return None

    async def last_event(self, uid):
        return None

    async def tail(self, uid, rows):
        known = self.rows.get(uid, {})
        return [known[position] for position in sorted(known)[-rows:]]

    def texts(self, uid):
        """The stored rows in order; a hole is None times its size."""
        found = {position: row.text.rstrip() for position, row in self.rows.get(uid, {}).items()}
        for gap in self.gaps.get(uid, []):
            assert gap.reason is not GapReason.UNREADABLE
            found.update(dict.fromkeys(range(gap.row, gap.row + (gap.missing or 0))))
        assert sorted(found) == list(range(len(found)))
        return [found[position] for position in sorted(found)]
