"""Which GUIs have the plugin: what they said of themselves, over restarts of the sidecar."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from wa.config.paths import write_private
from wa.model.identity import Client
from wa.sources.proc import PROC, stat_fields

log = logging.getLogger(__name__)

MAX_KEPT = 64
MAX_TEXT = 255
EARLIER_MS = 2_000
"""The start of a process is known to a hundredth of a second, the start of the machine to a second."""
STARTED = 19
"""Place in what `stat_fields` gives: clock ticks since the machine started."""
_VIA_PROXY = re.compile(r" \(via proxy pid \d+\)$")
"""What a mux puts behind the host of a client that came by ssh (wezterm-mux-server-impl/src/sessionhandler.rs, 2023-07 to 2025-02)."""


class Announcement(NamedTuple):
    gui: int
    host: str
    plugin: str
    wezterm: str
    at_ms: int
    badges: bool = False
    """It draws them: none of the user's own handlers stands before the plugin's."""


class Announced:
    """A small file, replaced whole. Where it cannot be written, GUIs are asked to say it again by being reloaded."""

    def __init__(self, path: Path, *, proc: Path = PROC) -> None:
        self._path = path
        self._proc = proc
        self._known: dict[tuple[int, str], Announcement] = {}

    def load(self) -> None:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            found = [_announcement(one) for one in kept["guis"]]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("announcements not read", extra={"path": str(self._path), "reason": str(error)})
            return
        self._known = {(one.gui, one.host): one for one in found if one is not None}

    def add(self, said: Mapping[str, Any]) -> bool:
        """A `hello` frame; whether it is good."""
        new = _announcement(said)
        if new is None:
            return False
        before = self._known.pop((new.gui, new.host), None)
        self._known[new.gui, new.host] = new if before is None or new.at_ms >= before.at_ms else before
        while len(self._known) > MAX_KEPT:
            del self._known[next(iter(self._known))]
        if before is None or before._replace(at_ms=0) != new._replace(at_ms=0) or self._is_of_another(before):
            self._save()
        return True

    def draws(self, client: Client) -> bool:
        """Whether the GUI behind the client shows markers as badges."""
        said = self.of(client)
        return said is not None and said.badges

    def of(self, client: Client) -> Announcement | None:
        """What the GUI behind the client said last, if it has said anything."""
        said = self._known.get((client.pid, host_of(client)))
        return None if said is None or self._is_of_another(said) else said

    def __len__(self) -> int:
        return len(self._known)

    def _is_of_another(self, said: Announcement) -> bool:
        """The pid has been given to another process since."""
        if said.host != socket.gethostname():
            return False
        started_ms = _started_ms(self._proc, said.gui)
        return started_ms is not None and started_ms > said.at_ms + EARLIER_MS

    def _save(self) -> None:
        content = json.dumps({"guis": [one._asdict() for one in self._known.values()]})
        try:
            write_private(self._path, content)
        except OSError as error:
            log.error("announcements not saved", extra={"path": str(self._path), "reason": str(error)})


def host_of(client: Client) -> str:
    """Where the GUI runs."""
    return _VIA_PROXY.sub("", client.hostname)


def _announcement(said: Mapping[str, Any]) -> Announcement | None:
    gui, at_ms = said.get("gui"), said.get("at_ms")
    host, plugin, wezterm = (said.get(name) for name in ("host", "plugin", "wezterm"))
    badges = said.get("badges", False)
    if type(gui) is not int or gui <= 0 or type(at_ms) is not int or type(badges) is not bool:
        return None
    if not isinstance(host, str) or not isinstance(plugin, str) or not isinstance(wezterm, str):
        return None
    if not host or max(map(len, (host, plugin, wezterm))) > MAX_TEXT:
        return None
    return Announcement(gui, host, plugin, wezterm, at_ms, badges)


def _started_ms(proc: Path, pid: int) -> int | None:
    """None where the system does not tell."""
    fields = stat_fields(proc, pid)
    try:
        booted = next(
            line for line in (proc / "stat").read_text("ascii", "replace").splitlines() if line.startswith("btime ")
        )
        if fields is None:
            return None
        return int(booted.split()[1]) * 1000 + int(fields[STARTED]) * 1000 // os.sysconf("SC_CLK_TCK")
    except (OSError, StopIteration, ValueError, IndexError):
        return None
