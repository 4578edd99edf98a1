"""The badges of one mux: asks who is attached, and writes each tab's title when it may and must be another."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from wa.engine.announced import Announced
from wa.engine.badge_gate import AGAIN_S, Attached, Gate
from wa.engine.badge_tabs import REMOTE_REST_S, REST_S, Tab
from wa.model.errors import WezTermError
from wa.model.identity import Client, MuxInstance, Pane
from wa.protocol.badges import Counts, taken_apart
from wa.wezterm.terminal import SourceKind, Terminal

log = logging.getLogger(__name__)

ASK_S = 1.0
"""Between two questions who is attached, where something hints at a change."""
ASK_AGAIN_S = 5.0
"""The same where nothing does, while there is something to show."""
ANSWER_S = 2.0
UNSEEN_S = 0.25
"""A GUI that nobody can ask (its own mux is not watched) has seen a title after so long."""
HIDDEN_S = 1.0
"""A GUI that can be asked and does not show it yet, is asked after so long whether it hangs."""
LOOK_S = 0.1
HURRIED_S = 0.03
"""How late panes may be heard while somebody looks at badges."""
AT_ONCE = 16


class Session(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def mux(self) -> MuxInstance | None: ...
    @property
    def terminal(self) -> Terminal | None: ...
    def hear_within(self, late_s: float) -> None: ...
    async def list_now(self) -> None: ...


class World(Protocol):
    """What a mux's badges know of the rest."""

    @property
    def announced(self) -> Announced: ...
    @property
    def enabled(self) -> bool: ...

    def session(self, mux: str) -> Session | None: ...
    def counts(self, mux: str) -> Mapping[int, Counts]: ...
    def own_mux(self, client: Client) -> MuxBadges | None: ...


class MuxBadges:
    def __init__(self, mux: str, world: World) -> None:
        """*mux*: its key."""
        self.mux = mux
        self.tabs: dict[int, Tab] = {}
        self.attached = Attached(world.announced)
        self._world = world
        self._own: set[int] = set()
        """Tabs of which the list says that they are this mux's: titles of mirrors, and of tabs not listed yet, are others' to write."""
        self._numbers = itertools.count(_now_ms())
        self._was_listed = False
        self._grew_s = -math.inf
        """When the mux last had other tabs."""
        self._wanted = asyncio.Event()
        self._asked_s = -math.inf
        self.listed_s = -math.inf
        """When the mux has answered with a list last."""
        self._hinted = True

    # -- what is heard ----------------------------------------------------------------------------------------------

    def listed(self, panes: Sequence[Pane]) -> None:
        now_s = self.listed_s = _now_s()
        titles = {pane.tab_id: pane.tab_title for pane in panes}
        # A pane without a terminal of its own is a mirror, or one that wezterm itself runs over ssh: that cannot be told apart.
        self._own = titles.keys() - {pane.tab_id for pane in panes if pane.tty_name is None}
        if titles.keys() != self.tabs.keys():
            self._grew_s = now_s
        is_first, self._was_listed = not self._was_listed, True
        self.tabs = {tab_id: self._tab(tab_id, title, is_first=is_first) for tab_id, title in titles.items()}
        for tab_id, title in titles.items():
            self.tabs[tab_id].heard(title, now_s)

    def _tab(self, tab_id: int, title: str, *, is_first: bool = False) -> Tab:
        return self.tabs.get(tab_id) or Tab(title, _now_s(), self._numbers, is_first=is_first)

    def titled(self, tab_id: int, title: str) -> bool:
        """Whether that is worth a look: not where titles go round without end."""
        now_s = _now_s()
        tab = self.tabs[tab_id] = self._tab(tab_id, title)
        tab.heard(title, now_s)
        if tab.is_looping(now_s):
            return False
        self.look()
        return True

    def hint(self) -> None:
        """Perhaps another GUI has been attached, or has announced itself."""
        self._hinted = True
        self.look()

    def look(self) -> None:
        self._wanted.set()

    # -- what is done -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wanted.clear()
            try:
                delay_s = await self._step()
            except (WezTermError, TimeoutError) as error:
                log.info("titles of tabs not set", extra={"mux": self.mux, "reason": str(error)})
                delay_s = ASK_S
            except Exception:
                log.exception("badges failed", extra={"mux": self.mux})
                delay_s = ASK_AGAIN_S
            with suppress(TimeoutError):
                async with asyncio.timeout(None if delay_s == math.inf else max(0.0, delay_s)):
                    await self._wanted.wait()

    async def _step(self) -> float:
        """In how many seconds something is due without another hint."""
        session = self._world.session(self.mux)
        terminal = None if session is None else session.terminal
        if session is None or terminal is None or terminal.source is not SourceKind.PUSH:
            return math.inf
        counts = self._world.counts(self.mux) if self._world.enabled else {}
        stands = any(taken_apart(self.tabs[tab_id].known).marker for tab_id in self._own_tabs())
        due_s = math.inf
        if len(self._world.announced) and (counts or stands):
            due_s = self._ask_due_s()
            if due_s <= _now_s():
                await self.ask(terminal)
                due_s = self._ask_due_s()
        gate = self.gate()
        session.hear_within(HURRIED_S if gate is Gate.OPEN and counts else math.inf)
        if gate is Gate.UNKNOWN:
            return due_s - _now_s()
        return min(due_s, await self._write(terminal, counts if gate is Gate.OPEN else {})) - _now_s()

    def gate(self) -> Gate:
        return self.attached.gate(_now_s()) if len(self._world.announced) else Gate.CLOSED

    def _ask_due_s(self) -> float:
        gate = self.gate()
        if gate is Gate.UNKNOWN:
            return self._asked_s + AGAIN_S
        return self._asked_s + (ASK_S if self._hinted else ASK_AGAIN_S)

    async def ask(self, terminal: Terminal) -> None:
        """Who is attached now. Raises WezTermError."""
        self._hinted, self._asked_s = False, _now_s()
        async with _answered():
            self.attached.told(await terminal.clients(), _now_s())

    async def _write(self, terminal: Terminal, counts: Mapping[int, Counts]) -> float:
        """When another title is due; infinite for never."""
        watching = self._watching(terminal.mux)
        rest_s = REMOTE_REST_S if terminal.mux.host else REST_S
        due, next_s = dict[int, str](), math.inf
        for tab_id in self._own_tabs():
            tab = self.tabs[tab_id]
            title = tab.wanted(counts.get(tab_id, {}))
            if title == tab.known and (tab.seen_s is not None or not watching):
                continue
            if tab.seen_s is None and watching:
                await self._see(tab, watching)
                next_s = min(next_s, _now_s() + LOOK_S) if tab.seen_s is None else next_s
            if title == tab.known:
                continue
            may_s = tab.may_change_s(rest_s, watched=bool(watching))
            if watching:
                may_s = max(may_s, self._grew_s + rest_s)
            if may_s <= _now_s():
                due[tab_id] = title
            else:
                next_s = min(next_s, may_s)
        if due:
            await self._send(terminal, due)
            # What the mux said meanwhile may ask for another.
            return _now_s() if self._wanted.is_set() else min(next_s, _now_s() + rest_s)
        return next_s

    async def _send(self, terminal: Terminal, titles: Mapping[int, str]) -> None:
        waiting = list(titles.items())
        for at in range(0, len(waiting), AT_ONCE):
            sending = [self._set(terminal, *one) for one in waiting[at : at + AT_ONCE]]
            for failure in await asyncio.gather(*sending, return_exceptions=True):
                # A tab that has closed meanwhile refuses; the list will say so.
                if isinstance(failure, WezTermError | TimeoutError):
                    log.info("title of a tab not set", extra={"mux": self.mux, "reason": str(failure)})
                elif failure is not None:
                    raise failure

    async def _set(self, terminal: Terminal, tab_id: int, title: str) -> None:
        tab = self.tabs.get(tab_id)
        if tab is None:
            return
        tab.sending(title)
        taken = False
        try:
            async with _answered():
                await terminal.set_tab_title(tab_id, title)
            taken = True
        finally:
            tab.sent(title, _now_s(), taken=taken)
            if not taken:
                # Whether it stands there now nobody knows; not again before it could have come to rest.
                tab.changed_s = _now_s() + ANSWER_S

    # -- where titles go round ------------------------------------------------------------------------------------

    def _watching(self, mux: MuxInstance) -> list[Client]:
        """GUIs that show these tabs as those of a domain, and write back the titles they are told."""
        own = server_pid(mux)
        return [client for client in self.attached.guis if client.pid != own]

    async def _see(self, tab: Tab, watching: Collection[Client]) -> None:
        """Whether each of them shows the title that stands in the mux: by its own mux, where wa watches that.

        A title without a marker other tabs may have too: for it the GUI must have answered since.
        """
        is_one = bool(taken_apart(tab.known).marker)
        for client in watching:
            unseen_s = _now_s() - tab.changed_s
            gui = self._world.own_mux(client)
            session = None if gui is None else self._world.session(gui.mux)
            if gui is None or session is None or session.terminal is None:
                if unseen_s < UNSEEN_S:
                    return
            elif not (is_one and gui.shows(tab.known)):
                if unseen_s < HIDDEN_S:
                    return
                # It does not show this tab, or hangs: then it does not answer.
                with suppress(TimeoutError):
                    async with asyncio.timeout(ANSWER_S):
                        if gui.listed_s < tab.changed_s + HIDDEN_S:
                            await session.list_now()
                if gui.listed_s < tab.changed_s + HIDDEN_S:
                    return
        tab.seen_s = _now_s()

    def shows(self, title: str) -> bool:
        return any(tab.known == title for tab in self.tabs.values())

    def _own_tabs(self) -> list[int]:
        return [tab_id for tab_id in self.tabs if tab_id in self._own]

    @property
    def marked(self) -> int:
        """Tabs that have a marker."""
        return sum(
            bool(taken_apart(tab.known).marker) and not tab.is_anothers
            for tab in (self.tabs[tab_id] for tab_id in self._own_tabs())
        )

    @property
    def looping(self) -> int:
        """Tabs whose titles go round without end."""
        return sum(tab.is_looping(_now_s()) for tab in self.tabs.values())

    async def give_back(self) -> None:
        """Until each tab has its own title, or the mux is gone. Whoever calls this bounds it."""
        while True:
            session = self._world.session(self.mux)
            terminal = None if session is None else session.terminal
            if terminal is None or terminal.source is not SourceKind.PUSH or not self.marked:
                return
            due_s = await self._write(terminal, {})
            await asyncio.sleep(max(0.0, min(due_s - _now_s(), LOOK_S / 4)))


def server_pid(mux: MuxInstance) -> int | None:
    """Of a mux of this machine; None for others, and where the system does not tell."""
    pid = mux.started.partition("-")[0]
    return int(pid) if not mux.host and pid.isascii() and pid.isdecimal() else None


def _now_ms() -> int:
    """Grows over restarts: a title that an earlier run left is not taken for one of this run's."""
    return time.time_ns() // 1_000_000


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _answered() -> asyncio.Timeout:
    return asyncio.timeout(ANSWER_S)
