"""Search over a large database, against the bare FTS5 query on the same table.

    python -m benchmarks.search_large [--rows 10000000] [--keep DIR] [--json]

Words are drawn as often as they are used in the text. Each is asked for through the Reader (newest first, limit 20:
whole lines, their panes, positions and instants, in the order of the instants, rows that are not yet indexed
included), and by the yardstick: Python's plain sqlite3 on a connection of its own,

    SELECT rowid, text FROM chunks_fts WHERE chunks_fts MATCH ? ORDER BY rowid DESC LIMIT 20

on the very same FTS5 table, and then the least that tells which rows of a chunk match: each text is split into
lines, the lines that hold the word (and not only as a part of a longer one) are kept, newest first, and fetching
stops at the twentieth. There is no order by instant, no pane, no position, no accent folded, no snapshot. What the
statement takes alone, twenty chunks' texts and no answer, is printed beside it.

The first figure is what a caller waits for, the way to the connection's thread and back included: 0.02 ms on an idle
machine, milliseconds on one that has no processor free when the threads wake. The second compares like with like:
our search, parsing and snapshot included, and the yardstick, each timed inside the thread it runs on.

Each query has its median over the rounds; p95 is over the queries. Warm: the file is in memory, connections are new
in each round, and other words were asked for before. Cold: nothing of the file is in the page cache, and each query
has a new connection. Ours and the yardstick take turns in going first.
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
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import Figure, median, percentile, report, say
from benchmarks.store_ingest import PANES, pane
from benchmarks.store_text import Text, by_frequency
from wa.model.identity import MuxInstance
from wa.model.log import Segment
from wa.model.screen import Row
from wa.store.connection import Database, snapshot
from wa.store.reader import SEARCH_WITHIN_S, Reader, make_matcher
from wa.store.records import Capture, Found
from wa.store.search import scope, search
from wa.store.writer import Writer

QUERIES = 100
WARM_UP = 50
LIMIT = 20
GOAL_MS = 50.0
GOAL_RATIO = 1.2
CALL_ROWS = 8000
WARM_ROUNDS = 15
COLD_ROUNDS = 7
QUERY = "SELECT rowid, text FROM chunks_fts WHERE chunks_fts MATCH ? ORDER BY rowid DESC LIMIT ?"


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


class Times(NamedTuple):
    """Of one query, in ms."""

    waited: float
    """Through the Reader."""
    ours: float
    """The same on the connection's thread."""
    bare: float
    statement: float
    """Of the bare query, without looking which rows match."""


def statement(connection: sqlite3.Connection, word: str) -> list[tuple[int, str]]:
    return connection.execute(QUERY, (f'"{word}"', LIMIT)).fetchall()


def bare(connection: sqlite3.Connection, word: str) -> list[tuple[int, int, str]]:
    """The newest lines that hold *word*: chunk, line, text."""
    hits: list[tuple[int, int, str]] = []
    for chunk, text in connection.execute(QUERY, (f'"{word}"', LIMIT)):
        lines = text.split("\n")
        for number in range(len(lines) - 1, -1, -1):
            if word in (line := lines[number].lower()) and stands_alone(line, word):
                hits.append((chunk, number, lines[number]))
        if len(hits) >= LIMIT:
            break
    return hits[:LIMIT]


def stands_alone(line: str, word: str) -> bool:
    """As FTS5 means it: `or` is not in `for`."""
    at = line.find(word)
    while at >= 0:
        end = at + len(word)
        if not (at and line[at - 1].isalnum()) and not line[end : end + 1].isalnum():
            return True
        at = line.find(word, at + 1)
    return False


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


async def waited(reader: Reader, word: str) -> float:
    begun = time.perf_counter()
    await reader.search(word, limit=LIMIT)
    return (time.perf_counter() - begun) * 1000


def search_on(connection: sqlite3.Connection, word: str) -> Found:
    """What `Reader.search` does on its thread, and before it."""
    matcher, deadline = make_matcher(word, regex=False), time.monotonic() + SEARCH_WITHIN_S

    def work() -> Found:
        where = scope(connection, panes=None, host=None, project=None, since_ms=None, until_ms=None)
        return search(connection, matcher, where, limit=LIMIT, context=0, deadline=deadline)

    return snapshot(connection, work)


async def ours(database: Database, word: str) -> float:
    return await database.run(lambda connection: timed(partial(search_on, connection, word)))


class Yardstick:
    """A plain connection in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        uri = f"{(folder / 'wa.db').as_uri()}?mode=ro"
        self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self._thread = ThreadPoolExecutor(1)

    async def ask(self, query: Callable[[sqlite3.Connection, str], object], word: str) -> float:
        work = partial(timed, partial(query, self._connection, word))
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        self._thread.shutdown()
        self._connection.close()


async def warm_round(folder: Path, words: Sequence[str], turn: int) -> list[Times]:
    times: list[Times] = []
    reader, database = await Reader.open(folder / "wa.db"), await Database.open_reader(folder / "wa.db")
    with closing(Yardstick(folder)) as yardstick, closing(Yardstick(folder)) as other:
        try:
            for word in by_frequency(Text(), WARM_UP, seed=6):
                await waited(reader, word)
                await ours(database, word)
                await yardstick.ask(bare, word)
                await other.ask(statement, word)
            for number, word in enumerate(words, turn):
                first = await yardstick.ask(bare, word) if number % 2 else None
                mine = await ours(database, word)
                theirs = await yardstick.ask(bare, word) if first is None else first
                alone = await other.ask(statement, word)
                times.append(Times(await waited(reader, word), mine, theirs, alone))
        finally:
            await reader.close()
            await database.close()
    return times


async def cold_round(folder: Path, words: Sequence[str], turn: int) -> list[Times]:
    times: list[Times] = []
    for number, word in enumerate(words, turn):
        first = await bare_cold(folder, word, bare) if number % 2 else None
        evict(folder)
        database = await Database.open_reader(folder / "wa.db")
        try:
            mine = await ours(database, word)
        finally:
            await database.close()
        theirs = await bare_cold(folder, word, bare) if first is None else first
        evict(folder)
        reader = await Reader.open(folder / "wa.db")
        try:
            whole = await waited(reader, word)
        finally:
            await reader.close()
        times.append(Times(whole, mine, theirs, await bare_cold(folder, word, statement)))
    return times


async def bare_cold(folder: Path, word: str, query: Callable[[sqlite3.Connection, str], object]) -> float:
    evict(folder)
    with closing(Yardstick(folder)) as yardstick:
        return await yardstick.ask(query, word)


def evict(folder: Path) -> None:
    """Have the system forget what it keeps of the database in memory."""
    file = os.open(folder / "wa.db", os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


def p95(rounds: Sequence[Sequence[Times]]) -> Times:
    """Over the queries, of each query's median over the rounds."""
    medians = [[median(column) for column in zip(*query, strict=True)] for query in zip(*rounds, strict=True)]
    return Times(*(percentile(column, 95) for column in zip(*medians, strict=True)))


async def measure(folder: Path, rows: int) -> list[Figure]:
    words = by_frequency(Text(), QUERIES, seed=5)
    size = (folder / "wa.db").stat().st_size / 1e9
    figures: list[Figure] = []
    rounds: list[tuple[str, int, Callable[[Path, Sequence[str], int], Awaitable[list[Times]]]]] = [
        ("warm", WARM_ROUNDS, warm_round)
    ]
    if hasattr(os, "posix_fadvise"):
        rounds.append(("cold", COLD_ROUNDS, cold_round))
    for name, count, one_round in rounds:
        found = p95([await one_round(folder, words, turn) for turn in range(count)])
        title = f"store: search, newest first, p95, {name}"
        beside = f"bare FTS5 query {found.bare:.2f} ms"
        note = f"{rows:,} rows, {size:.1f} GB; {QUERIES} queries by term frequency, limit {LIMIT}; median of {count}"
        note += f"; the bare statement alone {found.statement:.2f} ms"
        say(f"{name}: {found.waited:.2f} ms, on its thread {found.ours:.2f} ms, bare {found.bare:.2f} ms")
        ratio = found.ours / found.bare
        figures += [
            Figure(
                *(title, found.waited, "ms", beside, found.waited / found.bare),
                *(f"<= {GOAL_MS:g} ms", found.waited <= GOAL_MS, note),
            ),
            Figure(
                *(f"{title}, on its thread", found.ours, "ms", beside, ratio),
                *(f"<= {GOAL_RATIO} x bare", ratio <= GOAL_RATIO),
            ),
        ]
    return figures


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the database here, or use the one that is here")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="200,000 rows: a smoke test, no measurement")
    chosen = parser.parse_args(argv)
    rows = 200_000 if chosen.quick else chosen.rows
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="wab-", dir="/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not (folder / "wa.db").exists():
            asyncio.run(build(folder, rows))
            os.sync()
        return report(asyncio.run(measure(folder.absolute(), rows)), as_json=chosen.json)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
