"""kill -9 in the middle of writing: the file opens, and the checkpoint says exactly what is stored."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import wa
from store.world import new_log, opened, run
from wa.model.log import Gap
from wa.store.records import LogRow

ENV = {**os.environ, "PYTHONPATH": str(Path(wa.__file__).parents[1])}
PANES = 4
WRITING = """
import asyncio, random, sys
from pathlib import Path
from wa.model.identity import MuxInstance, Pane
from wa.model.log import Gap, GapReason, Segment
from wa.model.screen import Row
from wa.store.reader import Reader
from wa.store.records import Capture
from wa.store.writer import Writer

async def pane(writer, reader, number, chance):
    uid = await writer.pane_uid(MuxInstance("local", "", "/run/x", "1"),
        Pane(number, 0, 0, "", "t", None, 80, 24, True, False, None, "", "", 0, (0, 0)), 1)
    at = int(await reader.checkpoint(uid) or b"0")
    while True:
        numbers = range(at, at + chance.randint(1, 90))
        rows = tuple(Row(0, f"{uid} row {row} " + "x" * (row % 90), row % 7 == 0) for row in numbers)
        gap = (Gap(at + len(rows), 5, GapReason.TRIMMED, at),) if chance.random() < 0.1 else ()
        end = at + len(rows) + 5 * len(gap)
        await writer.capture([Capture(uid, (Segment(at, rows, at),), gap, None, b"%d" % end)])
        sys.stdout.write(f"{uid} {end}\\n"); sys.stdout.flush()
        at = end

async def main(path, seed):
    writer = await Writer.open(path)
    reader = await Reader.open(path)
    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(pane(writer, reader, number, random.Random(seed + number)))

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def test_twenty_times_in_the_middle_of_writing(tmp_path):
    """No row that was reported stored is missing, none is doubled, and the next start goes on from there."""
    chance = random.Random(11)
    path = tmp_path / "wa.db"
    for turn in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITING, str(path), str(turn)], env=ENV, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 0.15))  # the moment of the kill is what is varied
        process.send_signal(signal.SIGKILL)
        said = (first + process.stdout.read()).decode().splitlines()
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        reported = dict(line.split() for line in said if len(line.split()) == 2)

        found = run(lambda: stored(path))

        assert len(found) == PANES or turn == 0
        for uid, (entries, checkpoint, next_row, trouble) in found.items():
            assert trouble is None
            assert checkpoint == next_row >= int(reported.get(uid, "0")), (turn, uid)
            at = 0
            for entry in entries:
                assert entry.row == at
                if isinstance(entry, LogRow):
                    assert entry.text == f"{uid} row {at} " + "x" * (at % 90)
                at += 1 if isinstance(entry, LogRow) else entry.missing
            assert at == next_row
    assert sum(len(entries) for entries, *_ in found.values()) > 500


async def stored(path: Path):
    async with opened(path) as (_, reader):
        trouble = (await reader.health()).trouble
        found = {}
        for pane in await reader.panes():
            entries: list[LogRow | Gap] = await reader.log(pane.pane_uid)
            checkpoint = int(await reader.checkpoint(pane.pane_uid) or b"0")
            found[pane.pane_uid] = entries, checkpoint, pane.next_row, trouble
        return found


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.2])
def test_in_the_middle_of_forgetting(tmp_path, moment):
    """Some of it may be left, never half a chunk; forgetting again finishes it."""
    path = tmp_path / "wa.db"

    async def fill():
        async with opened(path) as (writer, _):
            for number in range(2):
                log = await new_log(writer, number)
                await log.add(*(f"word{number} row {row} of many" for row in range(20_000)))

    async def check():
        async with opened(path) as (writer, reader):
            entries = await reader.log("p1")
            record = await reader.pane("p1")
            deleted = await writer.forget(pane_uid="p1")
            check = "INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('integrity-check', 1)"
            await writer._database.run(lambda connection: connection.execute(check))
            other = len(await reader.log("p2"))
            return record.rows_stored == len(entries) == deleted, other, (await reader.health()).trouble

    run(fill)
    code = (
        "import asyncio, sys; from pathlib import Path; from wa.store.writer import Writer\n"
        "async def main():\n"
        "    writer = await Writer.open(Path(sys.argv[1])); print('go', flush=True)\n"
        "    await writer.forget(pane_uid='p1')\n"
        "asyncio.run(main())"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], env=ENV, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(moment)  # the moment of the kill is what is varied
    process.kill()
    process.wait()
    process.stdout.close()

    assert run(check) == (True, 20_000, None)
    assert b"word0" not in path.read_bytes()
