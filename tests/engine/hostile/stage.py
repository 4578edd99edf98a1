"""What a sidecar finds around it: the time, a disk, and a multiplexer with panes, behind a line that takes its time and may break.

Each message arrives in the order in which it was sent, on both ways. What wa knows of a pane is as old as the newest thing that reached it
from there: what changed later, nobody could have known.
"""

import asyncio
import heapq
import os
import sqlite3
from collections import Counter, deque
from itertools import count

from engine.hostile.pane import AT_ONCE_S, PROGRAMS, Pane
from wa.engine.foreground import Command
from wa.model.errors import TerminalRefused, TerminalUnreachable
from wa.model.identity import Client, MuxInstance
from wa.model.identity import Pane as ListedPane
from wa.model.observation import (
    Connected,
    Disconnected,
    PaneGone,
    RowsRead,
    ScreenPush,
    TopologyChanged,
)
from wa.model.screen import Cursor, Dimensions, Row
from wa.wezterm.terminal import SourceKind

NEVER = float("inf")
TICK_S = 1e-6
REQUEST_S = 10.0
"""`wa.wezterm.connection.Limits`: without an answer and other signs of life."""
QUIET_S = 0.3
"""`wa.wezterm.mux_terminal`: until a pane is read of which the newest may not have been told."""
SILENCE_S = 25.0
"""Heartbeat and ping: then the connection counts as dead."""


class Stage:
    """Everything outside of the sidecar. It stays when a sidecar is killed."""

    def __init__(self, rng, prompt, primer):
        self.rng, self.prompt, self.primer = rng, prompt, primer
        self.of_workflows = {prompt, primer}
        """Texts that no person asked for."""
        self.now = 0.0
        self.clock_ms = 1_800_000_000_000
        self.clock_jumped = False
        self.faults = Counter()
        self.panes = []
        """All that there ever were."""
        self.is_local = rng.random() < 0.6
        """The programs in the foreground can be told."""
        self.line_s = rng.choice((0.001, 0.002, 0.01, 0.08, 0.3))
        self.slow_disk = rng.random() < 0.1
        self.full_from = self.full_until = NEVER
        self.trouble = rng.choice((0.0, 0.0, 0.003, 0.02, 0.08))
        """How often something goes wrong with a request."""
        self.everywhere = []
        """Texts that a workflow may send in any pane; how often is counted at the end."""
        self.life = None
        self.on_up = []
        """What is done once a sidecar is up."""
        self.on_request = {}
        """(kind of request, which of that kind) → what happens to the first pane right before it is served."""
        self.requests = Counter()
        self.at_next_look = []
        self._events = []
        self._order = count()
        self.runs = 0
        self.server = Server(self)

    # -- time -------------------------------------------------------------------------------------------------------

    def at(self, at, what):
        heapq.heappush(self._events, (max(at, self.now), next(self._order), what))

    def after(self, delay_s, what):
        self.at(self.now + delay_s, what)

    def next_at(self):
        own = self._events[0][0] if self._events else NEVER
        return min([own, *(pane.next_at() for pane in self.server.panes.values())])

    def go(self, at):
        """To this instant, at which the next thing happens."""
        self.now = max(self.now, at)
        happened = False
        while True:
            for pane in list(self.server.panes.values()):
                if happened or pane.next_at() <= self.now:
                    pane.advance(max(0.0, self.now - pane.now))
                pane.now = self.now
            happened = bool(self._events) and self._events[0][0] <= self.now
            if not happened:
                break
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
        self.server.tell()

    def now_ms(self):
        return self.clock_ms + round(self.now * 1000)

    def monotonic_ms(self):
        return round(self.now * 1000)

    def jump(self, by_ms):
        self.clock_ms += by_ms
        self.clock_jumped = True

    def looks(self, began, pane_id):
        """A reading of that pane is served that was asked for then."""
        due = [one for one in self.at_next_look if one[0] <= began and one[1] == pane_id]
        self.at_next_look = [one for one in self.at_next_look if one not in due]
        for _, _, what in due:
            what()

    def happens(self, kind):
        """A request of this kind is served just now: what was to happen at this one of them does."""
        self.requests[kind] += 1
        what = self.on_request.pop((kind, self.requests[kind]), None)
        if what is not None:
            what()

    # -- the disk ---------------------------------------------------------------------------------------------------

    def disk_s(self):
        if self.slow_disk and self.rng.random() < 0.1:
            return self.rng.uniform(0.05, 2.0)
        return self.rng.uniform(0.0002, 0.003)

    def disk_fails(self):
        if self.full_from <= self.now < self.full_until:
            raise sqlite3.OperationalError("database or disk is full")

    def is_up(self, life):
        for what in self.on_up:
            what(life)

    # -- what the panes tell ----------------------------------------------------------------------------------------

    def limited(self, pane):
        pane.wish("send", self.prompt, 1)

    def compacted(self, pane):
        pane.wish("send", self.primer, 1)

    def resized(self, pane):
        self.server.push(lambda: TopologyChanged(self.now_ms(), pane.pane_id + 100))

    def died(self, pane):
        self.server.remove(pane)

    # -- what happens to the mux ------------------------------------------------------------------------------------

    def add(self, agent, pane_id=0):
        pane = Pane(self, pane_id, agent)
        for text in self.everywhere:
            pane.wish("send", text, 99)
        pane.mux_key = self.server.instance.key
        self.panes.append(pane)
        self.server.panes[pane_id] = pane
        return pane

    def restart_mux(self, agent):
        """Its panes are gone, and their ids are given out anew: a pane that nobody meant stands in the old one's place."""
        gone = list(self.server.panes.values())
        self.server.end()
        self.server = Server(self)
        for old in gone:
            old.program = None
            fresh = self.add(agent or old.agent, old.pane_id)
            if agent is None:
                fresh.leave()

    def disconnect(self):
        self.server.drop("the connection was closed")


class Server:
    """One run of a multiplexer's server."""

    def __init__(self, stage):
        stage.runs += 1
        self.stage = stage
        host = "" if stage.is_local else "far"
        self.instance = MuxInstance("fake", host, "/run/fake", f"run-{stage.runs}", "UTC")
        self.panes = {}
        self.links = []
        self.down_until = 0.0
        self.is_over = False
        self._held = deque()
        """Requests that came while it did not serve."""

    def stall(self, seconds):
        """It neither serves nor tells for so long, and then all at once."""
        stage = self.stage
        self.down_until = max(self.down_until, stage.now + seconds)
        stage.at(self.down_until, self._serve)
        if seconds > SILENCE_S:
            stage.after(SILENCE_S, lambda: self.drop("no sign of life"))

    def take(self, handle):
        if self.is_over:
            return
        self._held.append(handle)
        self._serve()

    def _serve(self):
        while self._held and self.stage.now >= self.down_until and not self.is_over:
            self._held.popleft()()

    def tell(self):
        """What changed on the screens, to everybody who listens."""
        if self.stage.now < self.down_until:
            return
        for link in self.links:
            for pane in self.panes.values():
                link.show(pane)

    def push(self, make):
        for link in self.links:
            link.down(make)

    def remove(self, pane):
        if self.panes.get(pane.pane_id) is pane:
            del self.panes[pane.pane_id]
            self.push(lambda: PaneGone(pane.pane_id, self.stage.now_ms()))

    def leave(self):
        """Whoever listened is not there any more."""
        for link in self.links:
            link.is_broken = True
        self.links = []

    def drop(self, reason):
        """Every connection breaks; what was sent by then still arrives."""
        for link in self.links:
            link.broken(reason)
        self.links = []

    def end(self):
        self.drop("the server ended")
        self.is_over = True


class Link:
    """One connection, and the Terminal at wa's end of it."""

    source = SourceKind.PUSH
    version = "fake 1"
    codec = 44
    notice = None

    def __init__(self, stage, life):
        self.stage, self.life, self.server = stage, life, stage.server
        self.mux = self.server.instance
        self.is_broken = False
        self._queue = asyncio.Queue()
        self._up_at = self._down_at = 0.0
        self._told = dict.fromkeys(self.server.panes)
        self._seqno = count(1)
        self._waiting = set()
        self.known_at = {}
        """Pane id → how old the newest is that wa knows of it."""
        self.server.links.append(self)

    # -- the line ---------------------------------------------------------------------------------------------------

    def _takes_s(self):
        line_s = self.stage.line_s
        return self.stage.rng.uniform(0.5 * line_s, 1.5 * line_s)

    def up(self, handle):
        self._up_at = max(self.stage.now + self._takes_s(), self._up_at + TICK_S)
        self.stage.at(self._up_at, lambda: self.server.take(handle))

    def down(self, make, then=None, about=None):
        """*make* says at the server what is sent; *then* is told at wa's end, else it is an observation. *about*: a pane's id."""
        if self.is_broken:
            return
        sent, sent_at = make(), self.stage.now
        self._down_at = max(self.stage.now + self._takes_s(), self._down_at + TICK_S)

        def arrives():
            if self.is_broken or self.life.is_dead:
                return
            if about is not None:
                # What happened in that very instant, but before, shows.
                self.known_at[about] = sent_at + AT_ONCE_S / 2
            (then or self._queue.put_nowait)(sent)

        self.stage.at(self._down_at, arrives)

    def show(self, pane):
        """The rows that changed since it was told last. What is lost now is not told later either."""
        drawn, told = pane.drawn, self._told.get(pane.pane_id)
        if told == drawn:
            return
        self._told[pane.pane_id] = drawn
        if pane.frames_lost_until > self.stage.now:
            self.stage.at(pane.frames_lost_until + QUIET_S, lambda: self._read_quiet(pane))
            return
        before = () if told is None else told.tall
        changed = [
            at for at, row in enumerate(drawn.tall) if at >= len(before) or row != before[at]
        ]  # fmt: skip
        shown = range(drawn.top, drawn.top + len(drawn.rows))
        which = {*(at for at in changed if at in shown), drawn.top + drawn.y}
        which |= {at for at in shown if at >= len(drawn.tall) and at < len(before)}
        if told is None or told.top != drawn.top:
            which |= {at for at in shown if told is None or at >= told.top + len(told.rows)}
        dirty = tuple(range(at, at + 1) for at in changed if at < drawn.top)
        push = self._screen(pane, drawn, sorted(which), dirty, next(self._seqno))
        self.down(lambda: push, about=pane.pane_id)

    def _read_quiet(self, pane):
        """A pane that has been quiet is read, where its server may lose what it told last."""
        if not self.is_broken and self.server.panes.get(pane.pane_id) is pane:
            drawn = pane.drawn
            read = self._screen(pane, drawn, range(drawn.top, drawn.top + len(drawn.rows)), (), -1)
            self.down(lambda: read, about=pane.pane_id)

    def _screen(self, pane, drawn, which, dirty, seqno):
        rows = tuple(_row(pane, drawn, at, drawn.rows[at - drawn.top]) for at in which)
        dims = Dimensions(pane.cols, len(drawn.rows), drawn.top + len(drawn.rows), drawn.top, 0)
        cursor = Cursor(drawn.x, drawn.top + drawn.y)
        return ScreenPush(pane.pane_id, self.stage.now_ms(), dims, cursor, rows, dirty, "", None, seqno, False)

    def broken(self, reason):
        if self.is_broken:
            return
        self.is_broken = True
        for future in self._waiting:
            if not future.done():
                future.set_exception(TerminalUnreachable(reason))
        if not self.life.is_dead:
            self._queue.put_nowait(Disconnected(self.stage.now_ms(), reason))

    # -- requests ---------------------------------------------------------------------------------------------------

    async def _ask(self, kind, serve, about=None):
        """*serve* is called at the server; its value, or what it raises, comes back."""
        stage = self.stage
        await self.life.point(kind)
        if self.is_broken:
            raise TerminalUnreachable("the connection is gone")
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        trouble = stage.rng.choice(("refused", "breaks", "broke")) if stage.rng.random() < stage.trouble else ""
        began = stage.now

        def handle():
            stage.happens(kind)
            if kind == "screen" and not stage.is_local:
                stage.looks(began, about)
            if self.server.is_over:
                return
            if trouble == "broke":
                # It was never read.
                self.server.drop("the connection was reset")
                return
            try:
                if trouble == "refused":
                    raise TerminalRefused("the server is out of something")
                answer, error = serve(), None
            except TerminalRefused as raised:
                answer, error = None, raised
            if trouble == "breaks":
                self.server.drop("the connection was reset")
                return
            stage.happens(f"{kind} served")
            self.down(lambda: (answer, error), arrives, about)

        def arrives(sent):
            if kind == "screen" and stage.is_local:
                # Which program it is can be told later than what it shows.
                stage.looks(began, about)
            _settle(future, *sent)

        self.up(handle)
        await self.life.point(f"{kind} sent")
        try:
            async with asyncio.timeout(REQUEST_S):
                return await future
        except TimeoutError:
            raise TerminalUnreachable(f"no answer within {REQUEST_S:g} s") from None
        finally:
            self._waiting.discard(future)

    def _pane(self, pane_id):
        pane = self.server.panes.get(pane_id)
        if pane is None:
            raise TerminalRefused(f"no such pane {pane_id}")
        return pane

    def _listed(self, pane):
        drawn = pane.drawn
        tty = f"/dev/pts/{9_000_000 + pane.pane_id}"
        return ListedPane(
            pane.pane_id, pane.pane_id + 100, 0, "default", "", None, pane.cols, len(drawn.rows), True, False,
            tty, "", "", drawn.top, (drawn.x, drawn.y),
        )  # fmt: skip

    async def list_panes(self):
        return await self._ask("list", lambda: [self._listed(pane) for pane in self.server.panes.values()])

    async def read_screen(self, pane_id):
        def serve():
            pane = self._pane(pane_id)
            drawn = pane.drawn
            return self._screen(pane, drawn, range(drawn.top, drawn.top + len(drawn.rows)), (), -1)

        return await self._ask("screen", serve, about=pane_id)

    async def read_rows(self, pane_id, start, stop):
        asked = range(start, stop)

        def serve():
            pane = self._pane(pane_id)
            drawn = pane.drawn
            rows = (*drawn.tall, *drawn.rows[len(drawn.tall) - drawn.top :])
            first = start if 0 <= start < len(rows) else 0
            return tuple(_row(pane, drawn, at, rows[at]) for at in range(first, min(len(rows), first + len(asked))))

        try:
            rows = await self._ask("rows", serve)
        except (TerminalRefused, TerminalUnreachable) as error:
            return RowsRead(pane_id, 0, asked, (), failed=error.message)
        return RowsRead(pane_id, self.stage.now_ms(), asked, rows)

    async def read_back(self, pane_id, rows):
        raise TerminalUnreachable("not by push")

    async def paste(self, pane_id, text):
        await self._type("paste", pane_id, text)

    async def write(self, pane_id, data):
        await self._type("write", pane_id, data)

    async def _type(self, kind, pane_id, data):
        known_at = self.known_at.get(pane_id, -1.0)
        await self._ask(kind, lambda: self._pane(pane_id).write(data, known_at))

    async def clients(self):
        def serve():
            used = max((pane.used_at for pane in self.server.panes.values()), default=-1e9)
            focused = max(self.server.panes.values(), key=lambda pane: pane.used_at, default=None)
            pane_id = None if focused is None else focused.pane_id
            return [Client("desk", "dev", os.getpid() + 1, "default", pane_id, 1e6, self.stage.now - used)]

        return await self._ask("clients", serve)

    async def kill(self, pane_id):
        raise AssertionError("nobody ends a pane here")

    async def observations(self):
        yield Connected(self.stage.now_ms())
        while True:
            seen = await self._queue.get()
            yield seen
            if isinstance(seen, Disconnected):
                return

    def relax(self, late_s):
        pass

    async def close(self):
        self.broken("closed")
        if self in self.server.links:
            self.server.links.remove(self)


def _row(pane, drawn, at, text):
    return Row(at, text, drawn.line <= at < len(drawn.tall) - 1 and len(text) >= pane.cols)


def _settle(future, answer, error):
    if future.done():
        return
    if error is None:
        future.set_result(answer)
    else:
        future.set_exception(error)


class Programs:
    """What stands in the foreground of each terminal, where that can be told."""

    def __init__(self, stage):
        self.stage = stage

    def of(self, tty):
        pane = self.stage.server.panes.get(int(tty.rpartition("/")[2]) - 9_000_000)
        if pane is None or not self.stage.is_local:
            return None
        name = PROGRAMS[pane.program]
        return Command(name, name)

    def family(self, tty):
        found = self.of(tty)
        return [] if found is None else [found]

    def is_anchored(self, tty):
        return True
