"""What the engine asks of the store: the seam between the two rooms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from wa.model.log import Gap, Segment
from wa.model.screen import Screen


class Capture(NamedTuple):
    pane_uid: str
    segments: tuple[Segment, ...]
    gaps: tuple[Gap, ...]
    screen: Screen | None
    checkpoint: bytes | None


class PaneUpdate(NamedTuple):
    pane_uid: str


class CaptureStore(Protocol):
    """Every method returns after the commit, or raises StoreError and nothing of it is stored."""

    async def capture(self, captures: Sequence[Capture]) -> None: ...
    async def update_panes(self, records: Sequence[PaneUpdate]) -> None: ...
    async def close_panes(self, uids: Sequence[str], at_ms: int) -> None: ...
