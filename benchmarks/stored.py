"""What is committed, read from the database beside the sidecar, so that looking costs it nothing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping

from benchmarks.harness import MeasuringError
from benchmarks.sidecar import Sidecar
from wa.store.read_log import log
from wa.store.records import LogEntry

AGREE_S = 0.5


class Stored:
    def __init__(self, sidecar: Sidecar) -> None:
        self.sidecar = sidecar
        uri = f"{sidecar.paths.database.as_uri()}?mode=ro"
        self.connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        # The number behind `p` in a pane_uid; in a database that saw one run of a mux, pane ids name panes too.
        self.numbers = dict(self.connection.execute("SELECT pane_id, id FROM panes WHERE alive").fetchall())

    def positions(self) -> dict[int, int]:
        """For each pane id, how many positions its log has: rows stored and rows lost."""
        return dict(self.connection.execute("SELECT pane_id, next_row FROM panes").fetchall())

    def wait_for(self, wanted: Mapping[int, int], *, within_s: float) -> int:
        """Until every log has as many positions; the instant when it was seen, in ns since the epoch."""
        deadline = time.monotonic() + within_s
        while True:
            found, now = self.positions(), time.time_ns()
            if all(found.get(pane, 0) >= count for pane, count in wanted.items()):
                return now
            if time.monotonic() > deadline:
                short = {
                    pane: (found.get(pane, 0), count) for pane, count in wanted.items() if found.get(pane, 0) < count
                }
                raise MeasuringError(f"not all rows were stored within {within_s:g} s: {short}")
            self.sidecar.check()
            time.sleep(0.005)

    def settled(self) -> dict[int, int]:
        """The positions, once two looks half a second apart agree."""
        found = self.positions()
        while True:
            time.sleep(AGREE_S)
            self.sidecar.flush()
            if (again := self.positions()) == found:
                return found
            found = again

    def log(self, pane_id: int, first_row: int) -> list[LogEntry]:
        return log(self.connection, self.numbers[pane_id], first_row=first_row)

    def close(self) -> None:
        self.connection.close()
