"""Fake agents in the embedded mux, a sidecar that may be killed, and what both wrote down."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from support.embedded import RunningMux
from support.sidecar import Home, eventually

FAKE = Path(__file__).parents[1] / "support" / "fake_codex.py"


def command(folder: Path, work_s: float) -> str:
    """For `bash -c`."""
    words = " ".join(shlex.quote(str(word)) for word in (sys.executable, FAKE, folder, work_s))
    return f"exec -a codex {words}"


class Agent:
    """A fake agent in a pane of its own."""

    def __init__(self, mux: RunningMux, folder: Path, *, work_s: float = 0.5) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.pane_id = int(mux.run("spawn", "--new-window", "--", "/bin/bash", "-c", command(folder, work_s)))

    def uid(self, home: Home) -> str:
        def found() -> str | None:
            return next((uid for uid, pane in home.panes().items() if pane["pane_id"] == self.pane_id), None)

        return eventually(found) or ""

    def until(self, home: Home, state: str, within_s: float = 30.0) -> str:
        uid = self.uid(home)
        eventually(lambda: home.panes()[uid]["state"] == state, within_s)
        return uid

    def signal(self, number: int) -> None:
        pid = eventually(lambda: (self.folder / "pid").exists() and (self.folder / "pid").read_text())
        os.kill(int(pid), number)

    def compact(self) -> None:
        """Prints the row of a compaction."""
        self.signal(signal.SIGUSR1)

    def limit(self, row: str) -> None:
        (self.folder / "limit").write_text(row)
        self.signal(signal.SIGUSR2)

    def said(self, kind: str = "prompt") -> list[dict[str, Any]]:
        log = self.folder / "said.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [one for line in lines if (one := json.loads(line))["kind"] == kind]

    @property
    def prompts(self) -> list[str]:
        return [one["text"] for one in self.said()]


class Watched:
    """The database of a sidecar, looked at from beside it."""

    def __init__(self, home: Home) -> None:
        self._path = home.paths.database

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def progress(self) -> tuple[Any, ...]:
        """Grows with each thing that is written down about runs and actions."""
        return (
            *self.rows("SELECT count(*), count(ended_ms) FROM workflow_runs")[0],
            *self.rows("SELECT count(*), count(replied_ms) FROM workflow_steps")[0],
            *self.rows(
                "SELECT count(*), coalesce(sum(stage <> 'decided'), 0), coalesce(sum(stage IN ('submitting', 'ended')), 0),"
                " count(ended_ms) FROM actions"
            )[0],
        )

    def has_ended(self, workflow: str) -> bool:
        """Its first run has."""
        return self.runs(workflow)[:1] != [] and self.runs(workflow)[0][0] in ("done", "failed", "aborted", "observed")

    def runs(self, workflow: str) -> list[tuple[Any, ...]]:
        """`(status, outcome, detail)`, oldest first."""
        return self.rows("SELECT status, outcome, detail FROM workflow_runs WHERE workflow = ? ORDER BY id", workflow)


def enable(home: Home, name: str, pane: str | None = None) -> None:
    home.ask("workflow_switch", name=name, pane=pane, enabled=True)


def write(home: Home, name: str, text: str) -> None:
    folder = home.paths.config / "workflows"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text)
