"""What runs of workflows need of the rest of the sidecar, and how a pane looks to them."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from wa.engine.pane import WatchedPane
from wa.engine.registry import Registry
from wa.model.action import Acted, Action, Actor
from wa.model.agent import PaneState
from wa.model.clock import Clock
from wa.model.command import Notify, Open, Opened, Saw
from wa.model.sight import Sight
from wa.store.agent_records import EventRecord

_OUTLASTS = frozenset(
    {PaneState.WORKING, PaneState.COMPACTING, PaneState.LIMITED, PaneState.AUTH_ERROR, PaneState.ERROR}
)
"""A composer that waits says nothing against these: other signals do (a title, a limit that was read before)."""


STATES_KEPT = 32
"""Of one pane, for waits that begin a moment after what they wait for."""


class Desk(Protocol):
    """The one way to a pane: docs/topics/acting.md."""

    async def act(
        self,
        pane_uid: str,
        action: Action,
        actor: Actor,
        *,
        key: str = "",
        dry_run: bool = False,
        run: int | None = None,
        step: int | None = None,
    ) -> Acted: ...


class Place(NamedTuple):
    """What asks for a new pane: a step of a run, as the desk names them."""

    pane_uid: str
    """The one that ended."""
    workflow: str
    key: str
    run: int
    step: int
    plan: bool


class Opener(Protocol):
    async def open(self, wish: Open, place: Place) -> Opened:
        """Never raises for what a mux, a policy or the database says. A key that is known opens nothing again."""
        ...


class Eyes(Protocol):
    async def look(self, pane: WatchedPane, *, recent: bool = False) -> Sight:
        """A reading; *recent*: one of a moment ago will do. Raises a WaError where there is none."""
        ...


class Teller(Protocol):
    def tell(self, pane_uid: str | None, notify: Notify, key: str, workflow: str) -> None:
        """Takes it for delivery and does not wait; two of one *key* within a day are one."""
        ...


class Events(Protocol):
    """A RunReader, as far as runs ask it for what was said."""

    async def said_since(self, pane_uid: str, since_ms: int) -> list[EventRecord]:
        """Events of the pane, oldest first."""
        ...

    async def entered_since(self, pane_uid: str, since_ms: int) -> list[tuple[int, str]]:
        """`(at_ms, state)`: states that the pane came into, oldest first."""
        ...

    async def answer(self, approval: int, now_ms: int) -> tuple[str, int]:
        """`asked`, `granted`, `denied` or `expired`, and when."""
        ...

    async def newest_session(self, pane_uid: str) -> tuple[int | None, int | None, str | None]:
        """When the agent's session began, when its newest turn did, and its id; None where nobody knows."""
        ...


class Stirs:
    """Wakes who waits for something in a pane. Whoever looks before each wait misses nothing."""

    def __init__(self) -> None:
        self._of: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._entered: defaultdict[str, deque[tuple[int, str]]] = defaultdict(lambda: deque(maxlen=STATES_KEPT))

    def entered(self, pane_uid: str, state: str, at_ms: int) -> None:
        self._entered[pane_uid].append((at_ms, state))

    def entered_since(self, pane_uid: str, since_ms: int) -> list[tuple[int, str]]:
        """States that the pane came into from that instant on, as long as this sidecar runs; oldest first."""
        return [(at_ms, state) for at_ms, state in self._entered.get(pane_uid, ()) if at_ms >= since_ms]

    def forget(self, pane_uid: str) -> None:
        self._entered.pop(pane_uid, None)

    @contextmanager
    def listening(self, pane_uid: str) -> Iterator[asyncio.Event]:
        stir = asyncio.Event()
        self._of[pane_uid].add(stir)
        try:
            yield stir
        finally:
            self._of[pane_uid].discard(stir)
            if not self._of[pane_uid]:
                del self._of[pane_uid]

    def stir(self, pane_uids: Iterable[str]) -> None:
        for uid in pane_uids:
            for event in self._of.get(uid, ()):
                event.set()


@dataclass(frozen=True, slots=True)
class RunWorld:
    registry: Registry
    clock: Clock
    desk: Desk
    eyes: Eyes
    teller: Teller
    events: Events
    stirs: Stirs
    opener: Opener | None = None
    """None: no pane can be opened."""


def saw(pane: WatchedPane, sight: Sight | None, at_ms: int) -> Saw:
    """What a workflow is shown. Without a sight, what was known last."""
    settled = pane.agent if sight is None else sight.settled
    dialog = settled.dialog if sight is None else sight.dialog
    limit = settled.limit
    return Saw(
        state=settled.state if sight is None else state_of(sight),
        agent=settled.agent if sight is None else sight.agent or settled.agent,
        version=settled.version,
        since_ms=settled.since_ms,
        question=None if dialog is None else dialog.question,
        options=() if dialog is None else dialog.options,
        selected=None if dialog is None else dialog.selected,
        draft=settled.draft if sight is None else sight.draft,
        limit_until_ms=None if limit is None else limit.until_ms,
        resumes_itself=limit is not None and limit.resumes_itself,
        session_id=settled.session_id,
        cwd=settled.project or pane.cwd,
        at_ms=at_ms if sight is None else sight.at_ms,
        alive=pane.alive and (sight is None or sight.alive),
        progress_ms=pane.agent.progress_ms,
    )


def state_of(sight: Sight) -> PaneState:
    """The screen as it is now, but where it says less than the other signals together."""
    if sight.dialog is not None:
        return sight.state
    if sight.state is PaneState.UNKNOWN or (sight.state is PaneState.IDLE and sight.settled.state in _OUTLASTS):
        return sight.settled.state
    return sight.state
