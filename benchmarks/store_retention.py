"""How long retention and forgetting hold the write lock, on a large database.

    python -m benchmarks.store_retention [--rows 200000] [--keep DIR] [--json] [--quick]

Each works on a copy of the same database: half of the rows are too old; nothing is too old; the file is too large by
half; half is forgotten. Every write transaction is timed from its lock to the end of its commit. What counts is the
longest one's processor time: on a machine that does other things too, time on the clock is theirs as well; it is
printed beside it. tests/store/test_retention.py proves that no step does more because more is stored.
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
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar
from unittest.mock import patch

from benchmarks.harness import Figure, median, percentile, report, say
from benchmarks.search_large import build
from wa.store import merging, retention, thread_side
from wa.store.connection import transaction
from wa.store.records import StoreSettings
from wa.store.writer import Writer

T = TypeVar("T")

GOAL_MS = 40.0


class Held(NamedTuple):
    """One write lock, in ms."""

    processor: float
    clock: float


@contextmanager
def timed() -> Iterator[list[Held]]:
    """Every write transaction inside, in order."""
    locks: list[Held] = []

    def timing(connection: sqlite3.Connection, work: Callable[[], T]) -> T:
        begun: list[float] = []

        def locked() -> T:
            begun[:] = time.thread_time(), time.monotonic()
            return work()

        try:
            return transaction(connection, locked)
        finally:
            if begun:
                locks.append(Held((time.thread_time() - begun[0]) * 1000, (time.monotonic() - begun[1]) * 1000))

    with (
        patch.object(retention, "transaction", timing),
        patch.object(merging, "transaction", timing),
        patch.object(thread_side, "transaction", timing),
    ):
        yield locks


async def too_old(path: Path, newest_ms: int, middle_ms: int) -> None:
    await retained(path, StoreSettings(retain_age_ms=newest_ms - middle_ms, retain_bytes=None), newest_ms)


async def nothing_too_old(path: Path, newest_ms: int, _middle_ms: int) -> None:
    await retained(path, StoreSettings(retain_age_ms=newest_ms, retain_bytes=None), newest_ms)


async def too_large(path: Path, newest_ms: int, _middle_ms: int) -> None:
    settings = StoreSettings(retain_age_ms=None, retain_bytes=path.stat().st_size // 2)  # noqa: ASYNC240 - nothing else runs
    await retained(path, settings, newest_ms)


async def retained(path: Path, settings: StoreSettings, now_ms: int) -> None:
    writer = await Writer.open(path, settings=settings)
    try:
        await writer.retain(now_ms)
    finally:
        await writer.close()


async def forgotten(path: Path, _newest_ms: int, middle_ms: int) -> None:
    writer = await Writer.open(path)
    try:
        await writer.forget(since_ms=middle_ms)
    finally:
        await writer.close()


WORK: tuple[tuple[str, Callable[[Path, int, int], Coroutine[None, None, None]]], ...] = (
    ("half is too old", too_old),
    ("nothing is too old", nothing_too_old),
    ("too large by half", too_large),
    ("half is forgotten", forgotten),
)


def measure(folder: Path, rows: int) -> list[Figure]:
    connection = sqlite3.connect(folder / "wa.db")
    oldest_ms, newest_ms = connection.execute("SELECT min(last_ms), max(last_ms) FROM chunks").fetchone()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    figures = []
    for name, work in WORK:
        copy = folder / "copy"
        copy.mkdir(mode=0o700)
        try:
            shutil.copy2(folder / "wa.db", copy / "wa.db")
            # Else the first write-back of the log would wait for the copy.
            os.sync()
            with timed() as locks:
                begun = time.monotonic()
                asyncio.run(work(copy / "wa.db", newest_ms, (oldest_ms + newest_ms) // 2))
                took = time.monotonic() - begun
        finally:
            shutil.rmtree(copy)
        longest = max(lock.processor for lock in locks)
        clock = [lock.clock for lock in locks]
        say(f"{name}: {len(locks):,} locks in {took:.1f} s, the longest {longest:.0f} ms")
        note = (
            f"{rows:,} rows, {len(locks):,} locks in {took:.1f} s; by the clock: median {median(clock):.1f} ms,"
            f" p95 {percentile(clock, 95):.0f} ms, longest {max(clock):.0f} ms"
        )
        title, against = f"store: longest write lock, {name}", f"median {median([x.processor for x in locks]):.1f} ms"
        figures.append(Figure(title, longest, "ms", against, None, f"<= {GOAL_MS:g} ms", longest <= GOAL_MS, note))
    return figures


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the database here, or use the one that is here")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="20,000 rows: a smoke test, no measurement")
    chosen = parser.parse_args(argv)
    rows = 20_000 if chosen.quick else chosen.rows
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="wab-", dir="/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not (folder / "wa.db").exists():
            asyncio.run(build(folder, rows))
        return report(measure(folder.absolute(), rows), as_json=chosen.json)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
