"""What all sessions of one sidecar have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wa.detect.session_book import Remembered
from wa.engine.agents import AgentWatch
from wa.engine.alerts import Alerts
from wa.engine.capture_buffer import CaptureBuffer, CaptureStore
from wa.engine.exclusions import Exclusions
from wa.engine.foreground import Foreground
from wa.engine.hub import Hub
from wa.engine.never import NeverRules
from wa.engine.registry import Registry
from wa.engine.shell_commands import ShellCommands
from wa.engine.troubles import Troubles
from wa.model.clock import Clock
from wa.model.identity import MuxInstance, Pane
from wa.model.screen import Row
from wa.store.command_records import CommandRecord, ShellRecord
from wa.store.records import PaneRecord


class Store(CaptureStore, Protocol):
    """The Writer, as far as the engine needs it beside the buffer."""

    async def pane_uid(self, mux: MuxInstance, pane: Pane, at_ms: int) -> str: ...
    async def close_absent(self, mux: MuxInstance, present: Collection[int], at_ms: int) -> int: ...
    async def mux_lost(self, mux: MuxInstance, at_ms: int | None) -> None: ...


class History(Protocol):
    """A Reader, as far as the engine needs it to go on where an earlier run stopped."""

    async def pane(self, uid: str) -> PaneRecord | None: ...
    async def checkpoint(self, uid: str) -> bytes | None: ...
    async def remembered(self, pane_uid: str) -> Remembered | None: ...
    async def last_event(self, pane_uid: str) -> tuple[str, int] | None: ...
    async def shells(self, pane_uid: str) -> tuple[Sequence[ShellRecord], Sequence[CommandRecord]]: ...
    async def tail(self, uid: str, rows: int) -> Sequence[Row]: ...


class MuxNews:
    """Which runs of muxes have come up: told once their panes are listed and those of the run before have been closed."""

    def __init__(self) -> None:
        self._up: dict[str, MuxInstance] = {}
        self._hears: Callable[[MuxInstance], None] = lambda _: None

    def came(self, mux: MuxInstance) -> None:
        self._up[f"{mux.host}|{mux.socket}"] = mux
        self._hears(mux)

    def hear(self, hears: Callable[[MuxInstance], None]) -> None:
        """From now on, and of those that came before."""
        self._hears = hears
        for mux in self._up.values():
            hears(mux)


class TabNews:
    """What is heard of tabs and their titles, as they stand in the mux: with wa's marker. By the key of the mux."""

    def __init__(self) -> None:
        self.listed: Callable[[str, list[Pane]], None] = lambda _mux, _panes: None
        """As soon as a list has come, in order with `titled`."""
        self.settled: Callable[[str], None] = lambda _: None
        """What came and went with that list is known to the session."""
        self.titled: Callable[[str, int, str], None] = lambda _mux, _tab, _title: None
        self.stirred: Callable[[str], None] = lambda _: None
        """Something may have changed, perhaps who is attached."""


@dataclass(frozen=True, slots=True)
class Shared:
    store: Store
    history: History
    buffer: CaptureBuffer
    registry: Registry
    hub: Hub
    rules: NeverRules
    exclusions: Exclusions
    clock: Clock
    foreground: Foreground = field(default_factory=Foreground)
    agents: AgentWatch | None = None
    """None: nobody asks what the agents do (parts of the engine tried alone)."""
    shells: ShellCommands | None = None
    """None: the same."""
    alerts: Alerts | None = None
    """None: the same."""
    list_interval_s: float = 20.0
    news: MuxNews = field(default_factory=MuxNews)
    tabs: TabNews = field(default_factory=TabNews)
    troubles: Troubles = field(default_factory=Troubles)
    """What was refused of what programs say."""
