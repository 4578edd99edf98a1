"""From Segment to commit, redaction included, against a bare FTS5 insert of the same chunks.

    python -m benchmarks.store_ingest [--rows N] [--json] [--quick]

The yardstick is a plain `fts5(text)` table that gets the very chunks which the Writer made, in as many transactions,
with the same journal, synchronisation and overwriting of deleted content. Both alternate; the ratio is the median of
the runs'.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Figure, report, say
from benchmarks.store_text import Text
from wa.model.identity import MuxInstance, Pane
from wa.model.log import Segment
from wa.model.screen import Row
from wa.store.records import Capture
from wa.store.writer import Writer

PANES = 20
SEGMENT_ROWS = (20, 400)
CALL_ROWS = 4000
GOAL = 0.7


def pane(number: int) -> Pane:
    return Pane(
        number, 0, 0, "default", "bench", "file:///home/dev", 80, 24, True, False, "/dev/pts/1", "", "", 0, (0, 0)
    )


def calls_of(rows: Sequence[str]) -> list[list[tuple[int, Segment]]]:
    """What a sidecar hands in under load: segments of several panes a call."""
    ends, calls, at, turn = [0] * PANES, [], 0, 0
    call: list[tuple[int, Segment]] = []
    in_call = 0
    low, high = SEGMENT_ROWS
    while at < len(rows):
        size = low + (turn * 7919) % (high - low)
        number = turn % PANES
        part = tuple(Row(index, text) for index, text in enumerate(rows[at : at + size]))
        call.append((number, Segment(ends[number], part, 1_700_000_000_000 + turn)))
        ends[number] += len(part)
        at += size
        in_call += len(part)
        turn += 1
        if in_call >= CALL_ROWS:
            calls.append(call)
            call, in_call = [], 0
    return [*calls, call] if call else calls


async def through_writer(folder: Path, calls: Sequence[Sequence[tuple[int, Segment]]]) -> tuple[float, list[str]]:
    """Seconds, and the chunks as they were stored."""
    writer = await Writer.open(folder / "wa.db")
    try:
        mux = MuxInstance("local", "", "/bench", "1")
        uids = [await writer.pane_uid(mux, pane(number), 0) for number in range(PANES)]
        captures = [[Capture(uids[number], (segment,)) for number, segment in call] for call in calls]
        begun = time.perf_counter()
        for call in captures:
            await writer.capture(call)
        took = time.perf_counter() - begun
    finally:
        await writer.close()
    connection = sqlite3.connect(folder / "wa.db")
    stored = connection.execute("SELECT text FROM chunks UNION ALL SELECT text FROM open_chunks").fetchall()
    connection.close()
    return took, [text for (text,) in stored]


def bare(folder: Path, chunks: Sequence[str], transactions: int) -> float:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE VIRTUAL TABLE bare USING fts5 (text)")
        each = max(1, round(len(chunks) / transactions))
        documents = [(text,) for text in chunks]
        begun = time.perf_counter()
        for start in range(0, len(documents), each):
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO bare (text) VALUES (?)", documents[start : start + each])
            connection.execute("COMMIT")
        return time.perf_counter() - begun
    finally:
        connection.close()


def measure(rows: int, runs: int) -> list[Figure]:
    texts = Text(seed=7).take(rows)
    calls = calls_of(texts)
    size_mb = sum(len(text.encode()) + 1 for text in texts) / 1e6
    ours, yardstick, chunks = [], [], list[str]()
    for run in range(runs):
        folder = Path(tempfile.mkdtemp(prefix="wab-", dir="/tmp"))
        try:
            took, chunks = asyncio.run(through_writer(folder, calls))
            ours.append(took)
            yardstick.append(bare(folder, chunks, len(calls)))
        finally:
            shutil.rmtree(folder)
        say(f"run {run + 1} of {runs}: {took:.2f} s, bare {yardstick[-1]:.2f} s")
    speed, against = rows / statistics.median(ours), rows / statistics.median(yardstick)
    ratio = statistics.median(theirs / mine for theirs, mine in zip(yardstick, ours, strict=True))
    mb_s = size_mb / statistics.median(ours)
    note = f"{size_mb:.0f} MB, {len(chunks):,} chunks, {len(calls)} commits; median of {runs}; {mb_s:.1f} MB/s"
    name = "store: segment to commit, redaction included"
    bare_text = f"bare FTS5 insert {against:,.0f} rows/s"
    return [Figure(name, speed, "rows/s", bare_text, ratio, f">= {GOAL} x bare", ratio >= GOAL, note)]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=0, help="rows a run (default 400,000; --quick 60,000)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="three short runs")
    chosen = parser.parse_args(argv)
    rows = chosen.rows or (60_000 if chosen.quick else 400_000)
    return report(measure(rows, 3 if chosen.quick else 7), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
