"""Events from outside (docs/protocol/events-in.md): checked, limited, told once, and handed to whose they are.

The socket lets in this user's programs only, and any of them may be deceived by what a pane prints: a frame says what it says,
as often as it likes. Nothing here waits, raises, or answers.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeGuard

from wa.engine.rate import Rate
from wa.engine.troubles import Troubles
from wa.model.clock import Clock

log = logging.getLogger(__name__)

MAX_EVENT_BYTES = 256 * 1024
MAX_KEY_BYTES = 128
MAX_NAME_CHARACTERS = 64
KEYS_KNOWN = 4_096
PER_SOURCE_S, SOURCE_BURST = 200, 1_000
PER_PANE_S, PANE_BURST = 50, 100
TOO_OLD_MS = 24 * 3600 * 1000
AHEAD_MS = 60_000
"""Sender and sidecar have one clock; what is told for later than this is no time of an event."""
SOURCES = frozenset({"lua", "hook", "program"})

Taker = Callable[[Mapping[str, Any], int | None], None]
"""A frame whose common fields are in order, and the pid of who sent it; None where it is not known (the spool)."""


class Intake:
    def __init__(self, clock: Clock, troubles: Troubles) -> None:
        self.takers: dict[str, Taker] = {}
        """By `source.name` (`lua.var`), or by `source` for all names that have no taker of their own."""
        self.troubles = troubles
        self.taken = 0
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._by_source = Rate(PER_SOURCE_S, SOURCE_BURST)
        self._by_pane = Rate(PER_PANE_S, PANE_BURST)

    def take(self, message: Mapping[str, Any], peer_pid: int | None, size: int = 0, *, spooled: bool = False) -> None:
        """*size*: bytes of the frame. What was *spooled* comes all at once, and is bounded where it lies."""
        if size > MAX_EVENT_BYTES:
            self.troubles.count("frames of events were larger than 256 KiB")
            return
        source, name, key, at_ms = (message.get(field) for field in ("source", "name", "key", "at_ms"))
        if not isinstance(source, str) or source not in SOURCES:
            self.troubles.count("events came from a source that wa does not know")
            return
        if (
            not _is_text(name, MAX_NAME_CHARACTERS)
            or not _is_text(key, MAX_KEY_BYTES)
            or not isinstance(at_ms, int)
            or isinstance(at_ms, bool)
        ):
            self.troubles.count(f"events of {source} lacked a name, a key or a time")
            return
        now_ms = self._clock.now_ms()
        if at_ms > now_ms + AHEAD_MS:
            self.troubles.count(f"events of {source} were dated into the future")
            return
        if at_ms < now_ms - TOO_OLD_MS:
            if not spooled:
                self.troubles.count(f"events of {source} were older than a day")
            return
        if (source, key) in self._known:
            return
        since_ms = self._clock.monotonic_ms()
        # One pane that floods must not use up what others may say.
        if not spooled and not self._by_pane.allows((source, _place(source, message)), since_ms):
            self.troubles.count(f"more than {PER_PANE_S} events a second came from {source} about one pane")
            return
        if not spooled and not self._by_source.allows(source, since_ms):
            self.troubles.count(f"more than {PER_SOURCE_S} events a second came from {source}")
            return
        self._known[source, key] = None
        if len(self._known) > KEYS_KNOWN:
            self._known.popitem(last=False)
        taker = self.takers.get(f"{source}.{name}") or self.takers.get(source)
        if taker is None:
            return
        self.taken += 1
        try:
            taker({**message, "at_ms": min(at_ms, now_ms)}, peer_pid)
        except Exception:
            self.troubles.count(f"events of {source} were not understood")
            log.exception("event not taken", extra={"source": source})


def _is_text(value: object, limit: int) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value.encode("utf-8", "surrogatepass")) <= limit


def _place(source: str, message: Mapping[str, Any]) -> Hashable:
    """Which pane it speaks of, by what its source calls panes."""
    if source == "lua":
        gui, pane_id = message.get("gui"), message.get("pane_id")
        return (gui, pane_id) if isinstance(gui, int) and isinstance(pane_id, int) else None
    tty = message.get("tty")
    return tty if isinstance(tty, str) else None
