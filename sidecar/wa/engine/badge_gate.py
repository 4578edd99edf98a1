"""May a mux have markers? Only while each GUI that is attached to it draws them: for another a marker would be text.

A `wezterm cli` registers for as long as it runs, a few milliseconds. It shows no titles: what is not known to be a GUI counts once it was
seen twice.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from wa.engine.announced import Announced, host_of
from wa.model.identity import Client
from wa.sources.proc import PROC

AGAIN_S = 0.3
"""Until it is asked again whether a stranger is still there."""


class Gate(Enum):
    UNKNOWN = "unknown"
    """Nobody has been asked yet, or a stranger is there who may be gone in a moment."""
    OPEN = "open"
    CLOSED = "closed"


class Attached:
    """The GUIs of one mux."""

    def __init__(self, announced: Announced, *, proc: Path = PROC) -> None:
        self._announced = announced
        self._proc = proc
        self.asked = False
        self.guis: list[Client] = []
        """As told last, without those that show nothing."""
        self._strangers: dict[tuple[int, str], float] = {}
        """Since when."""

    def told(self, clients: Sequence[Client], now_s: float) -> None:
        self.asked = True
        self.guis = [client for client in clients if not self._shows_nothing(client)]
        strangers = {(client.pid, client.hostname): client for client in self.guis if not self._announced.draws(client)}
        self._strangers = {
            key: -AGAIN_S if self._is_gui(client) else self._strangers.get(key, now_s)
            for key, client in strangers.items()
        }

    def gate(self, now_s: float) -> Gate:
        if not self.asked:
            return Gate.UNKNOWN
        if not self.guis:
            return Gate.CLOSED
        strange = [self._strangers.get((one.pid, one.hostname), now_s) for one in self.strangers]
        if not strange:
            return Gate.OPEN
        return Gate.CLOSED if min(strange) <= now_s - AGAIN_S else Gate.UNKNOWN

    @property
    def strangers(self) -> list[Client]:
        """GUIs that have not announced that they draw badges."""
        return [client for client in self.guis if not self._announced.draws(client)]

    def _shows_nothing(self, client: Client) -> bool:
        """The sidecar itself, or a `wezterm cli`."""
        if host_of(client) not in ("", socket.gethostname()) or host_of(client) != client.hostname:
            return False
        return client.pid == os.getpid() or self._name(client.pid) == "wezterm"

    def _is_gui(self, client: Client) -> bool:
        return host_of(client) == socket.gethostname() and self._name(client.pid).startswith("wezterm-gui")

    def _name(self, pid: int) -> str:
        """Of the program; "" where it is not known."""
        try:
            return (self._proc / str(pid) / "comm").read_text("utf-8", "replace").strip()
        except OSError:
            return ""
