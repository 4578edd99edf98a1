"""Who wants to hear of what. A change is packed once, when somebody wants it, and not at all when nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from wa.protocol.sidecar_wire import pack_value


class Kind(StrEnum):
    SCREEN = "screen"
    ROWS = "rows"
    GAP = "gap"
    PANE = "pane"
    EVENT = "event"
    STATE = "state"
    ALERT = "alert"


class Subscription:
    """One stream of one client. *deliver* takes packed data and must neither wait nor raise."""

    def __init__(self, kinds: Iterable[Kind], panes: Iterable[str] | None, deliver: Callable[[bytes], None]) -> None:
        self.kinds = frozenset(kinds)
        self.panes = None if panes is None else frozenset(panes)
        self.deliver = deliver
        self.is_hurried = True
        """What is told late is too late for it. Whoever changes it tells the hub (`Hub.heed`)."""

    def wants(self, pane_uid: str) -> bool:
        return self.panes is None or pane_uid in self.panes


class Hub:
    def __init__(self) -> None:
        self._by_kind: dict[Kind, tuple[Subscription, ...]] = dict.fromkeys(Kind, ())
        self.watchers: set[Callable[[], None]] = set()
        """Told when somebody has come or gone."""

    @property
    def wanted(self) -> bool:
        """Whether anybody listens to whom every tenth of a second counts."""
        return any(subscription.is_hurried for known in self._by_kind.values() for subscription in known)

    def add(self, subscription: Subscription) -> None:
        for kind in subscription.kinds:
            self._by_kind[kind] = (*self._by_kind[kind], subscription)
        self.heed()

    def remove(self, subscription: Subscription) -> None:
        for kind in subscription.kinds:
            self._by_kind[kind] = tuple(known for known in self._by_kind[kind] if known is not subscription)
        self.heed()

    def heed(self) -> None:
        for watcher in list(self.watchers):
            watcher()

    def __len__(self) -> int:
        return len({id(subscription) for known in self._by_kind.values() for subscription in known})

    def publish(self, kind: Kind, pane_uid: str, make: Callable[[], Any]) -> None:
        """Hand the value of *make* to all who want it, before this returns."""
        receivers = [known for known in self._by_kind[kind] if known.wants(pane_uid)]
        if receivers:
            packed = pack_value(make())
            for receiver in receivers:
                receiver.deliver(packed)
