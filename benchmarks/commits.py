"""When was what first readable in the database, seen by another process with a read-only connection.

    python -m benchmarks.commits DATABASE      one role (benchmarks/roles.py)

`PRAGMA data_version` moves when somebody else has committed. It is asked every millisecond; what is new is then
read, and counts as readable at the end of that.
"""

from __future__ import annotations

import select
import sqlite3
import sys
from pathlib import Path

from benchmarks.roles import Marks, Orders
from wa.store.read_log import log
from wa.store.records import LogRow

EVERY_S = 0.001


class Watched:
    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self.marks = Marks()
        self.version = -1
        self.next_row: dict[int, int] = {}

    def look(self) -> None:
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        if version == self.version:
            return
        self.version = version
        texts: list[str] = []
        for pane, next_row in self.connection.execute("SELECT id, next_row FROM panes").fetchall():
            before = self.next_row.get(pane, 0)
            if next_row > before:
                rows = log(self.connection, pane, first_row=before)
                texts += [row.text for row in rows if isinstance(row, LogRow)]
                self.next_row[pane] = next_row
        self.marks.look(texts)


def main(path: Path) -> None:
    watched = Watched(path)
    orders = Orders()
    watched.look()
    orders.say(ready=True)
    while True:
        if select.select([orders], [], [], EVERY_S)[0]:
            for _order in orders.take():
                orders.say(seen=watched.marks.dump())
        watched.look()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
