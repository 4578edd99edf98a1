"""Panes that are never to be looked at, by title, folder, command or host (`capture.never` of config.toml).

A pane that matches once stays out until it closes: its scrollback goes on holding what must not be read, and any later
reading of it (a resize, a reconnect, a restart of the sidecar) would bring that in.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from wa.config.settings import NeverCapture
from wa.engine.foreground import Command


class Place(NamedTuple):
    """A working directory as the terminal reports it."""

    host: str
    path: str


def place_of(cwd: str | None) -> Place | None:
    """Host and path of a `file://` URL; a plain path has no host."""
    if not cwd:
        return None
    if cwd.startswith("/"):
        return Place("", cwd)
    try:
        url = urlsplit(cwd)
        host = url.hostname or ""
    except ValueError:
        return None
    if url.scheme != "file" or not url.path:
        return None
    # `?` and `#` in a folder's name are not escaped by every shell.
    path = cwd[cwd.index("/", len("file://")) :]
    return Place(host, unquote(path))


class NeverRules:
    def __init__(self, patterns: NeverCapture, *, home: Path | None = None) -> None:
        home = Path.home() if home is None else home
        self._title = _compiled(patterns.title)
        self._command = _compiled(patterns.command)
        self._host = _compiled(patterns.host)
        folders = [_expanded(pattern, home) for pattern in patterns.cwd]
        self._cwd = _compiled([form for folder in folders for form in (folder, f"{folder}/*")], ignore_case=False)

    @property
    def looks_at_commands(self) -> bool:
        return self._command is not None

    def __bool__(self) -> bool:
        return any((self._title, self._command, self._host, self._cwd))

    def excludes(
        self, *, title: str, cwd: str | None, mux_names: Iterable[str] = (), command: Command | None = None
    ) -> str | None:
        """Which kind of rule keeps this pane out; None if it may be captured. *mux_names*: its mux's name and host."""
        if self._title and self._title.match(title):
            return "title"
        place = place_of(cwd)
        if self._cwd and place and self._cwd.match(place.path.rstrip("/") or "/"):
            return "cwd"
        if self._host and any(self._host.match(name) for name in (*mux_names, place.host if place else "") if name):
            return "host"
        if self._command and command and (self._command.match(command.name) or self._command.match(command.line)):
            return "command"
        return None


def _expanded(pattern: str, home: Path) -> str:
    if pattern == "~" or pattern.startswith("~/"):
        pattern = glob_escape(str(home)) + pattern[1:]
    return pattern.rstrip("/") or "/"


def glob_escape(text: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", text)


def _compiled(patterns: Iterable[str], *, ignore_case: bool = True) -> re.Pattern[str] | None:
    wanted = [fnmatch.translate(pattern) for pattern in patterns]
    return re.compile("|".join(wanted), re.IGNORECASE if ignore_case else 0) if wanted else None
