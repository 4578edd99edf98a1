"""What `wa run` costs: 50 MB through it against the same terminal without it, and how much later a program starts."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import PYTHONPATH, REPOSITORY, Figure, Options, Stage, median, options, report, stage

sys.path.insert(0, str(REPOSITORY / "tests"))
from shell.terminal import environment, terminal

BYTES, QUICK_BYTES = 50_000_000, 5_000_000
SHIM = (sys.executable, "-m", "wa", "run", "--")
LINE = b"\x1b[32mok\x1b[0m      tests/shell/test_bash.py::test_status_and_last_argument_are_the_users  0.12 s\n"


def main(argv: Sequence[str]) -> int:
    chosen = options(argv, __doc__ or "")
    with stage(chosen) as here:
        return report(measured(here, chosen), as_json=chosen.json)


def measured(here: Stage, chosen: Options) -> list[Figure]:
    home = here.fresh("run")
    size = QUICK_BYTES if chosen.quick else BYTES
    (home / "text").write_bytes(LINE * (size // len(LINE)))
    plain, ours, started, started_ours = [], [], [], []
    for _ in range(chosen.runs):
        plain.append(drained(("cat", "text"), home))
        ours.append(drained((*SHIM, "cat", "text"), home))
        started.append(drained(("true",), home))
        started_ours.append(drained((*SHIM, "true"), home))
    megabytes = size / 1e6
    ratio = median(ours) / median(plain)
    return [
        Figure(
            f"run: {megabytes:.0f} MB printed through `wa run`",
            megabytes / median(ours),
            "MB/s",
            f"{megabytes / median(plain):.0f} MB/s without",
            ratio,
            "",
            None,
            "coloured lines printed by cat, read as fast as they come; time with the shim by time without",
        ),
        Figure(
            "run: a program starts and ends later by",
            (median(started_ours) - median(started)) * 1000,
            "ms",
            f"{median(started) * 1000:.1f} ms without",
        ),
    ]


def drained(argv: Sequence[str], home: Path) -> float:
    """Seconds from the start of *argv* in a terminal until all that it printed is read and it has ended."""
    env = environment(home, PYTHONPATH=PYTHONPATH, WA_HOME=str(home / "wa"))
    begin = time.perf_counter()
    with terminal(argv, env, home) as term:
        try:
            while os.read(term.master, 1 << 16):
                pass
        except OSError:
            pass
        term.process.wait()
        return time.perf_counter() - begin
