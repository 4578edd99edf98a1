"""Where agents keep their session files, and which of those could belong to a folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

MAX_FILES = 20_000
"""Files looked at for one question, newest folders first; a stat each."""
MAX_SMALL_FILE = 1 << 20
_FILES = {
    "codex": re.compile(r"rollout-.*\.jsonl"),
    "claude_code": re.compile(r".*\.jsonl"),
    "gemini": re.compile(r"session-.*\.jsonl?"),
}
SLUG_CHARS = 200
"""Claude Code cuts longer folder names here and puts a digest behind."""


class Homes(NamedTuple):
    codex: Path
    """CODEX_HOME, ~/.codex"""
    claude: Path
    """CLAUDE_CONFIG_DIR, ~/.claude"""
    gemini: Path
    """GEMINI_CLI_HOME/.gemini, ~/.gemini"""

    @classmethod
    def from_env(cls, env: Mapping[str, str], user: Path | None = None) -> Homes:
        """*user* stands in where the environment names no HOME."""
        home = Path(env.get("HOME") or user or Path.home())
        return cls(
            Path(env.get("CODEX_HOME") or home / ".codex"),
            Path(env.get("CLAUDE_CONFIG_DIR") or home / ".claude"),
            Path(env.get("GEMINI_CLI_HOME") or home) / ".gemini",
        )


HOME_VARIABLES = frozenset({"HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "GEMINI_CLI_HOME"})


class Found(NamedTuple):
    path: Path
    written_ms: int
    size: int


def local_folder(cwd: str | None) -> str | None:
    """The path in a file:// URL or a plain path; None where it lies on another host or is no absolute path."""
    if not cwd:
        return None
    if cwd.startswith("file:"):
        # Not by urlsplit: shells report folders with # and ? in them as they are.
        host, slash, path = cwd.removeprefix("file:").removeprefix("//").partition("/")
        here, host = socket.gethostname().lower(), host.lower()
        if not slash or (host not in ("", "localhost", here) and host.partition(".")[0] != here.partition(".")[0]):
            return None
        cwd = "/" + unquote(path)
    if not cwd.startswith("/") or "\0" in cwd:
        return None
    return cwd.rstrip("/") or "/"


def same_folder(one: str, other: str) -> bool:
    """Agents write the resolved path, terminals often the one that was typed."""
    return one == other or os.path.realpath(one) == os.path.realpath(other)


def files_of(agent: str, homes: Homes, folders: Sequence[str], since_ms: int) -> list[Found]:
    """Session files that could be of *agent* in one of *folders* and were written at *since_ms* or later, newest first.

    Codex files them by day, not by folder: all written since then are told. Never raises: what cannot be read is not there.
    """
    names = sorted({name for folder in folders for name in (folder, os.path.realpath(folder))})
    match agent:
        case "codex":
            folders_of_files = _codex(homes.codex / "sessions")
        case "claude_code":
            folders_of_files = _claude(homes.claude / "projects", names)
        case "gemini":
            folders_of_files = _gemini(homes.gemini, names)
        case _:
            return []
    found: list[Found] = []
    looked_at = 0
    for place in folders_of_files:
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if not _FILES[agent].fullmatch(entry.name):
                        continue
                    looked_at += 1
                    if looked_at > MAX_FILES:
                        break
                    found += _seen(place, entry, since_ms)
        except (OSError, ValueError):
            continue
    return sorted(found, key=lambda file: -file.written_ms)


def _seen(place: Path, entry: os.DirEntry[str], since_ms: int) -> list[Found]:
    try:
        status = entry.stat()
    except OSError:
        return []
    written_ms = status.st_mtime_ns // 1_000_000
    if written_ms < since_ms or not stat.S_ISREG(status.st_mode):
        return []
    return [Found(place / entry.name, written_ms, status.st_size)]


def look(path: Path) -> Found | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return Found(path, status.st_mtime_ns // 1_000_000, status.st_size) if stat.S_ISREG(status.st_mode) else None


def claude_slug(folder: str) -> str:
    """The name that Claude Code gives a folder's sessions; of a longer one its first 200 characters. 2.1.12 to 2.1.328."""
    return re.sub(r"[^a-zA-Z0-9]", "-", folder)[:SLUG_CHARS]


def _codex(sessions: Path) -> Iterator[Path]:
    for year in _folders(sessions):
        for month in _folders(year):
            yield from _folders(month)


def _claude(projects: Path, folders: list[str]) -> Iterator[Path]:
    for slug in sorted({claude_slug(folder) for folder in folders}):
        yield projects / slug
        if len(slug) == SLUG_CHARS:
            yield from (projects / name for name in _names(projects) if name.startswith(slug + "-"))


def _gemini(home: Path, folders: list[str]) -> Iterator[Path]:
    projects = {hashlib.sha256(folder.encode("utf-8", "surrogateescape")).hexdigest() for folder in folders}
    names = _projects(home / "projects.json")
    projects |= {name for folder in folders if (name := names.get(folder)) is not None}
    yield from (home / "tmp" / project / "chats" for project in sorted(projects))


def _projects(path: Path) -> Mapping[str, str]:
    """Gemini CLI 0.61's names of folders, as far as they are names."""
    try:
        if path.stat().st_size > MAX_SMALL_FILE:
            return {}
        known = json.loads(path.read_bytes().decode("utf-8", "replace"))["projects"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {
        folder: name
        for folder, name in known.items()
        if isinstance(name, str) and name not in ("", ".", "..") and "/" not in name and "\0" not in name
    }


def _folders(path: Path) -> list[Path]:
    """Those named with digits, the greatest first."""
    return [path / name for name in sorted(_names(path), reverse=True) if name.isdigit()]


def _names(path: Path) -> list[str]:
    try:
        return os.listdir(path)  # noqa: PTH208 - names alone are wanted
    except (OSError, ValueError):
        return []
