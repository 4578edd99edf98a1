"""kill -9 in the middle of a burst: nothing missing, nothing doubled, whatever the moment."""

from __future__ import annotations

import random
import signal
import sys
from pathlib import Path

import pytest

from support.embedded import running_embedded_mux
from support.sidecar import Home, end, eventually, numbered

PRINT = """
import sys, time
rows, per_s = int(sys.argv[1]), int(sys.argv[2])
began = time.monotonic()
for n in range(rows):
    print("row", n)
    if n % 50 == 49:
        sys.stdout.flush()
        time.sleep(max(0.0, began + n / per_s - time.monotonic()))
print("done", flush=True)
time.sleep(100000)
"""


def rows_stored(home: Home, least: int) -> int:
    """How many rows are committed; 0 until there are *least*."""
    stored = sum(pane["rows_stored"] for pane in home.panes().values())
    return stored if stored >= least else 0


def kill_again_and_again(folder: Path, *, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    rows = 6_000 * (kills + 1)
    program = (sys.executable, "-c", PRINT, str(rows), "4000")
    with running_embedded_mux(program, scrollback=rows + 1000) as mux:
        home = Home(folder)
        target = ("--socket", f"m={mux.socket}")
        wanted = 0
        for _ in range(kills):
            victim = home.start(*target)
            # In the middle: rows have been committed in this run, and the program prints on.
            wanted += chance.randrange(1, 4000)
            wanted = eventually(lambda least=wanted: rows_stored(home, least))
            victim.send_signal(signal.SIGKILL)
            assert end(victim) == -signal.SIGKILL
        with home.sidecar(*target):
            eventually(lambda: "done" in home.screen("p1"), 120)
            whole = home.whole("p1")
            assert numbered(whole, "row") == list(range(rows))
            assert None not in whole
            assert home.panes()["p1"]["gaps"] == 0


def test_killed_three_times_in_a_burst(tmp_path: Path) -> None:
    """After each restart the log goes on where it was committed: every row once, in order, no gap."""
    kill_again_and_again(tmp_path, kills=3, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_killed_twenty_times_in_a_burst(tmp_path: Path, seed: int) -> None:
    """As often as it takes to meet the unlucky moments."""
    kill_again_and_again(tmp_path, kills=20, seed=seed)
