"""Search over a large database, against the bare FTS5 query over the same chunks.

    python -m benchmarks.search_large [--rows 10000000] [--keep DIR] [--json]

Words are drawn as often as they are used in the text; each is asked for once through the Reader (newest first, limit
20, whole lines with their positions) and once as a bare query: the 20 newest chunks of a plain `fts5(text)` table
that holds the same chunks, by `highlight()`, which is how FTS5 says where in a chunk the words stand, through the
same driver. What the same query takes that only hands out the chunks' texts is printed beside it. Warm: both
databases are in memory, and other words were asked for before. Cold: neither file is in the page cache, and
connections are new.
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
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import aiosqlite

from benchmarks.harness import Figure, median, percentile, report, say
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
WARM_ROUNDS = 5
COLD_ROUNDS = 5
QUERY = "SELECT rowid, highlight(bare, 0, '<', '>') FROM bare WHERE bare MATCH ? ORDER BY rowid DESC LIMIT ?"
TEXT_QUERY = "SELECT rowid, text FROM bare WHERE bare MATCH ? ORDER BY rowid DESC LIMIT ?"


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


class Sample(NamedTuple):
    """p95 of one round, in ms."""

    ours: float
    bare: float
    text_only: float


async def asked(connection: aiosqlite.Connection, query: str, word: str) -> float:
    begun = time.perf_counter()
    await connection.execute_fetchall(query, (f'"{word}"', LIMIT))
    return (time.perf_counter() - begun) * 1000


async def searched(reader: Reader, word: str) -> float:
    begun = time.perf_counter()
    await reader.search(word, limit=LIMIT)
    return (time.perf_counter() - begun) * 1000


def bare_database(folder: Path) -> aiosqlite.Connection:
    return aiosqlite.connect(f"{(folder / 'bare.db').as_uri()}?mode=ro", uri=True)


async def warm_round(folder: Path, words: Sequence[str]) -> Sample:
    times: list[tuple[float, ...]] = []
    reader = await Reader.open(folder / "wa.db")
    try:
        async with bare_database(folder) as bare:
            for word in by_frequency(Text(), WARM_UP, seed=6):
                await searched(reader, word)
                await asked(bare, QUERY, word)
            for word in words:
                ours = await searched(reader, word)
                times.append((ours, await asked(bare, QUERY, word), await asked(bare, TEXT_QUERY, word)))
    finally:
        await reader.close()
    return p95(times)


async def cold_round(folder: Path, words: Sequence[str]) -> Sample:
    times: list[tuple[float, ...]] = []
    for word in words:
        evict(folder)
        reader = await Reader.open(folder / "wa.db")
        try:
            columns = [await searched(reader, word)]
        finally:
            await reader.close()
        for query in (QUERY, TEXT_QUERY):
            evict(folder)
            async with bare_database(folder) as bare:
                columns.append(await asked(bare, query, word))
        times.append(tuple(columns))
    return p95(times)


def p95(times: Sequence[Sequence[float]]) -> Sample:
    return Sample(*(percentile(column, 95) for column in zip(*times, strict=True)))


def evict(folder: Path) -> None:
    """Have the system forget what it keeps of the databases in memory."""
    for name in ("wa.db", "bare.db"):
        file = os.open(folder / name, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


async def measure(folder: Path, rows: int) -> list[Figure]:
    words = by_frequency(Text(), QUERIES, seed=5)
    size = (folder / "wa.db").stat().st_size / 1e9
    note = f"{rows:,} rows, {size:.1f} GB; {QUERIES} queries by term frequency, limit {LIMIT}; median of {{}} rounds"
    figures: list[Figure] = []
    rounds: list[tuple[str, int, Callable[[Path, Sequence[str]], Awaitable[Sample]]]] = [
        ("warm", WARM_ROUNDS, warm_round)
    ]
    if hasattr(os, "posix_fadvise"):
        rounds.append(("cold", COLD_ROUNDS, cold_round))
    for name, count, one_round in rounds:
        samples = [await one_round(folder, words) for _ in range(count)]
        ours, bare, text_only = (median(column) for column in zip(*samples, strict=True))
        ratio = median([sample.ours / sample.bare for sample in samples])
        title = f"store: search, newest first, p95, {name}"
        texts = f"bare FTS5 query {bare:.2f} ms ({text_only:.2f} without places)"
        say(f"{name}: {ours:.2f} ms, bare {bare:.2f} ms")
        figures += [
            Figure(title, ours, "ms", texts, ratio, f"<= {GOAL_MS:g} ms", ours <= GOAL_MS, note.format(count)),
            Figure(f"{title}, over bare", ours, "ms", texts, ratio, f"<= {GOAL_RATIO} x bare", ratio <= GOAL_RATIO),
        ]
    return figures


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
