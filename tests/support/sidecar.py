"""A sidecar as a process of its own, in a home of its own, for tests of the whole."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from wa.api.client import connected
from wa.config.paths import Paths
from wa.model.errors import NotFound
from wa.model.log import Gap
from wa.store.reader import Reader

SOURCES = Path(__file__).parents[2] / "sidecar"
T = TypeVar("T")


def eventually(look: Callable[[], T], within_s: float = 30.0) -> T:
    """What *look* gives once it is true; AssertionError with the last thing it gave otherwise."""
    give_up = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < give_up, f"not within {within_s} s; last: {found!r}"
        time.sleep(0.02)
    return found


class Home:
    """Where sidecars of one user keep their things; they may come and go."""

    def __init__(self, folder: Path, config: str = "[wezterm]\ndiscover = false\n") -> None:
        self.folder = folder
        self.paths = Paths.from_env({"WA_HOME": str(folder)})
        self.paths.config.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.paths.config_file.write_text(config)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        self.env = kept | {"HOME": str(folder), "WA_HOME": str(folder), "PYTHONPATH": str(SOURCES)}

    def start(self, *options: str, ready: bool = True) -> subprocess.Popen[str]:
        """`wa watch` in the foreground; returns when it serves."""
        argv = [sys.executable, "-m", "wa", "watch", "--json", *options]
        process = subprocess.Popen(argv, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if ready:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith('{"ok":true'):
                words, errors = process.communicate(timeout=10)
                raise AssertionError(f"the sidecar did not start: {line}{words}{errors}")
        return process

    @contextmanager
    def sidecar(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        process = self.start(*options)
        try:
            yield process
        finally:
            end(process)

    def wa(self, *words: str, within_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "wa", *words], env=self.env, capture_output=True, text=True, timeout=within_s
        )

    def json(self, *words: str) -> Any:
        done = self.wa(*words, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)["data"]

    def ask(self, method: str, **params: Any) -> Any:
        async def inside() -> Any:
            async with connected(self.paths.socket) as sidecar:
                return await sidecar.call(method, params, within_s=30)

        return asyncio.run(inside())

    def screen(self, uid: str) -> list[str]:
        """What the pane shows; empty where it is not known yet."""
        try:
            rows: list[str] = self.ask("screen", pane=uid)["rows"]
        except NotFound:
            return []
        return [row.rstrip() for row in rows]

    def panes(self) -> dict[str, Any]:
        return {pane["pane_uid"]: pane for pane in self.ask("panes")["panes"]}

    def stored(self, uid: str) -> list[str | None]:
        """The log in order: texts, and None for each row known to be lost. Fails on a hole or a doubled position."""

        async def inside() -> list[Any]:
            reader = await Reader.open(self.paths.database)
            try:
                return await reader.log(uid)
            finally:
                await reader.close()

        found: list[str | None] = []
        for entry in asyncio.run(inside()):
            assert entry.row == len(found), f"position {entry.row} where {len(found)} was due"
            if isinstance(entry, Gap):
                found += [None] * (entry.missing or 0)
            else:
                found.append(entry.text.rstrip())
        return found

    def whole(self, uid: str) -> list[str | None]:
        """The log and then the screen: everything the pane ever printed. Needs a sidecar."""

        def look() -> list[str | None] | None:
            screen = self.ask("screen", pane=uid)
            self.ask("flush")
            stored = self.stored(uid)
            if screen["reading"] or len(stored) != screen["next_row"]:
                return None
            return stored + [text.rstrip() for text in screen["rows"][screen["logged"] :]]

        return eventually(look)


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM, within_s: float = 15.0) -> int:
    """The exit status."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError(f"the sidecar did not end within {within_s} s of signal {number}") from None
    return process.returncode


def numbered(texts: Sequence[str | None], word: str) -> list[int | None]:
    """The numbers of the rows `WORD n`, and None where rows are lost; other rows are left out."""
    found: list[int | None] = []
    for text in texts:
        if text is None:
            found.append(None)
        elif text.startswith(f"{word} ") and text[len(word) + 1 :].isdigit():
            found.append(int(text[len(word) + 1 :]))
    return found
