"""Search over a large database, against the bare FTS5 query over the same chunks.

    python -m benchmarks.search_large [--rows 10000000] [--keep DIR] [--json]

Words are drawn as often as they are used in the text; each is asked for once through the Reader (newest first, limit
20, whole lines told apart) and once as a bare query: the 20 newest chunks of a plain `fts5(text)` table that holds
the same chunks, with their text. Both databases stand in one folder; both are warmed by other words first. With
`--keep` they are made once and used again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Figure, percentile, report, say
from benchmarks.store_ingest import PANES, pane
from benchmarks.store_text import Text, by_frequency
from wa.model.identity import MuxInstance
from wa.model.log import Segment
from wa.model.screen import Row
from wa.store.reader import Reader
from wa.store.records import Capture
from wa.store.writer import Writer

QUERIES = 100
WARM_UP = 50
LIMIT = 20
GOAL_MS = 50.0
GOAL_RATIO = 1.2
CALL_ROWS = 8000
ROUNDS = 5
QUERY = "SELECT rowid, text FROM bare WHERE bare MATCH ? ORDER BY rowid DESC LIMIT ?"


async def build(folder: Path, rows: int) -> None:
    """About a minute a million rows."""
    text = Text(seed=11)
    source = text.rows()
    writer = await Writer.open(folder / "wa.db")
    try:
        mux = MuxInstance("local", "", "/bench", "1")
        uids = [await writer.pane_uid(mux, pane(number), 0) for number in range(PANES)]
        ends = [0] * PANES
        done = turn = 0
        while done < rows:
            captures, size = [], min(CALL_ROWS, rows - done)
            for begin in range(0, size, 200):
                number = turn % PANES
                part = tuple(Row(0, next(source)) for _ in range(min(200, size - begin)))
                captures.append(Capture(uids[number], (Segment(ends[number], part, 1_700_000_000_000 + turn * 40),)))
                ends[number] += len(part)
                turn += 1
            await writer.capture(captures)
            done += size
            if done % 1_000_000 < CALL_ROWS:
                say(f"{done:,} rows stored")
    finally:
        await writer.close()


def build_bare(folder: Path) -> None:
    stored = sqlite3.connect(folder / "wa.db")
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    try:
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = NORMAL")
        bare.execute("CREATE VIRTUAL TABLE bare USING fts5 (text)")
        found = stored.execute("SELECT text FROM chunks ORDER BY id")
        while chunks := found.fetchmany(128):
            bare.execute("BEGIN")
            bare.executemany("INSERT INTO bare (text) VALUES (?)", chunks)
            bare.execute("COMMIT")
    finally:
        bare.close()
        stored.close()


async def measure(folder: Path, rows: int) -> list[Figure]:
    text = Text()
    words = by_frequency(text, QUERIES, seed=5)
    warm = by_frequency(text, WARM_UP, seed=6)
    bare = sqlite3.connect(f"{(folder / 'bare.db').as_uri()}?mode=ro", uri=True)
    reader = await Reader.open(folder / "wa.db")
    try:
        for word in warm:
            await reader.search(word, limit=LIMIT)
            bare.execute(QUERY, (f'"{word}"', LIMIT)).fetchall()
        ours: list[float] = []
        theirs: list[float] = []
        hits = 0
        for turn in range(ROUNDS):
            mine, yardstick = [], []
            for word in words:
                begun = time.perf_counter()
                found = await reader.search(word, limit=LIMIT)
                mine.append((time.perf_counter() - begun) * 1000)
                begun = time.perf_counter()
                bare.execute(QUERY, (f'"{word}"', LIMIT)).fetchall()
                yardstick.append((time.perf_counter() - begun) * 1000)
                hits += len(found.hits) if turn == 0 else 0
            ours.append(percentile(mine, 95))
            theirs.append(percentile(yardstick, 95))
    finally:
        await reader.close()
        bare.close()
    value, against = sorted(ours)[ROUNDS // 2], sorted(theirs)[ROUNDS // 2]
    ratio = value / against
    size = (folder / "wa.db").stat().st_size / 1e9
    drawn = f"{QUERIES} queries by term frequency, limit {LIMIT}, {hits:,} hits"
    note = f"{rows:,} rows, {size:.1f} GB, {drawn}; median of {ROUNDS}"
    name = "store: search, newest first, p95"
    yard = f"bare FTS5 query {against:.2f} ms"
    return [
        Figure(name, value, "ms", yard, ratio, f"<= {GOAL_MS:g} ms", value <= GOAL_MS, note),
        Figure(f"{name}, over bare", value, "ms", yard, ratio, f"<= {GOAL_RATIO} x bare", ratio <= GOAL_RATIO),
    ]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the databases here, or use those that are here")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="200,000 rows: a smoke test, no measurement")
    chosen = parser.parse_args(argv)
    rows = 200_000 if chosen.quick else chosen.rows
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="wab-", dir="/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not (folder / "bare.db").exists():
            asyncio.run(build(folder, rows))
            build_bare(folder)
            os.sync()
        return report(asyncio.run(measure(folder.absolute(), rows)), as_json=chosen.json)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
