"""What the desk works with, and what an order to it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from wa.engine.pane import WatchedPane
from wa.model.action import Acted, Action, Actor, Decision, HumanSign, PaneView, Stage
from wa.model.sight import Sight

Asks = Callable[[Sight, Action], Decision]
Notes = Callable[[Stage], Awaitable[None]]
MINUTE_MS = 60_000


class Hands(Protocol):
    """docs/topics/acting.md"""

    async def look(self, pane: WatchedPane) -> Sight: ...

    async def perform(
        self, pane: WatchedPane, action: Action, ask: Asks, note: Notes, found: Stage = Stage.DECIDED
    ) -> Acted: ...


class Eyes(Protocol):
    """What a reading means for a judgement."""

    def view(self, pane: WatchedPane, sight: Sight, action: Action, paused: str | None) -> PaneView: ...

    def resolve(self, pane: WatchedPane, sight: Sight, action: Action) -> Action | None:
        """With the effects of the option that it would take; None where the dialog has none of its labels."""
        ...

    def obstacle(self, pane: WatchedPane, sight: Sight, action: Action) -> Acted | None:
        """What would keep the hands from it just now."""
        ...


class Persons(Protocol):
    async def poll(self, pane: WatchedPane) -> None: ...
    def sign(self, pane: WatchedPane) -> HumanSign: ...


UNWRITTEN = "never.unwritten"


class TooSoonError(Exception):
    """Another automation acted there a moment ago."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


class Bounds(NamedTuple):
    ask_ms: int = 240 * MINUTE_MS
    grant_ms: int = 30 * MINUTE_MS
    queue_ms: int = 24 * 60 * MINUTE_MS


class Order(NamedTuple):
    pane_uid: str
    action: Action
    actor: Actor
    key: str
    dry_run: bool
    run: int | None
    step: int | None
