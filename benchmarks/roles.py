"""Processes that play a part beside the sidecar: how the harness talks to them, and how they note marks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Any

from benchmarks.harness import PYTHONPATH, MeasuringError, Stage, cpu_s

Seen = dict[str, dict[int, int]]
"""tag → number of the mark → the instant it was first seen, in ns since the epoch"""


class Marks:
    """First sight of each `mark TAG N …` row, by this machine's clock."""

    def __init__(self) -> None:
        self._seen: Seen = {}
        self._newest: dict[str, int] = {}

    def look(self, texts: Iterable[str]) -> None:
        """*texts* are rows of a pane, upper ones first. Numbers of one tag only grow: old ones are passed over."""
        now = time.time_ns()
        for text in texts:
            if text.startswith("mark "):
                _, tag, number, *_ = text.split()
                seen = self._seen.setdefault(tag, {})
                newest = self._newest.get(tag, -1)
                if int(number) > newest:
                    seen[int(number)] = now
                    self._newest[tag] = int(number)

    def dump(self) -> Seen:
        """What was seen since the last dump."""
        found, self._seen = self._seen, {}
        return found


class Orders:
    """The role's end: JSON lines on standard input and output. The process ends when the harness hangs up."""

    def __init__(self) -> None:
        self._buffer = b""

    def fileno(self) -> int:
        return 0

    def take(self) -> Iterable[dict[str, Any]]:
        """Orders that have come; blocks until there is something to read."""
        data = os.read(0, 65536)
        if not data:
            raise SystemExit(0)
        *whole, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(text) for text in whole]

    def say(self, **fields: object) -> None:
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()


class Role:
    """The harness's end: a process of `python -m MODULE ARGUMENTS…`, ready when this returns."""

    def __init__(self, stage: Stage, module: str, *arguments: str) -> None:
        env = {**os.environ, "PYTHONPATH": PYTHONPATH}
        self._stage = stage
        self.what = " ".join((module, *arguments[:1]))
        self.process = stage.start(
            [sys.executable, "-m", module, *arguments],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr.buffer,
        )
        self.hear()

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu_s(self) -> float:
        return cpu_s(self.pid, children=True)

    def ask(self, **order: object) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """Its next answer."""
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        if not text:
            raise MeasuringError(f"{self.what} ended with status {self.process.wait()}")
        found: dict[str, Any] = json.loads(text)
        return found

    def end(self) -> None:
        self._stage.end(self.process)
