"""`wa status --json` and `wa panes --json`, cold, against a running sidecar; the yardstick is `python -c pass`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.harness import Figure, MeasuringError, Options, Stage, median, options, report, say, stage
from benchmarks.sidecar import Sidecar
from benchmarks.terminals import Mux

GOAL = 10.0
SAMPLES, QUICK_SAMPLES = 21, 5
NOTHING = (sys.executable, "-c", "pass")
FULL = (sys.executable, "-m", "wa", "panes")
"""What the short way saves: the same list for a person, through Typer and asyncio."""


def main(argv: Sequence[str]) -> int:
    chosen = options(argv, __doc__ or "")
    with stage(chosen) as here:
        return report(measure(here, chosen), as_json=chosen.json)


def measure(here: Stage, chosen: Options) -> list[Figure]:
    sidecar = Sidecar(here, Mux(here, "embedded"))
    commands = {name: (sys.executable, "-m", "wa", name, "--json") for name in ("status", "panes")}
    samples = QUICK_SAMPLES if chosen.quick else SAMPLES
    say(f"cold start: {samples} times each, one after the other")
    taken: dict[str, list[float]] = {name: [] for name in ("nothing", *commands, "full")}
    for round_ in range(samples + 1):
        # Round 0 compiles and fills the page cache: cold means a new process, not a cold disk.
        for name, argv in {"nothing": NOTHING, **commands, "full": FULL}.items():
            elapsed_ms = run_ms(argv, sidecar.env)
            if round_:
                taken[name].append(elapsed_ms)
    base = median(taken["nothing"])
    figures = []
    for name in commands:
        value = median(taken[name])
        figures.append(
            Figure(
                f"cold_start.{name} --json",
                value,
                "ms",
                f"python -c pass {base:.1f} ms",
                value / base,
                f"<= {GOAL:g}x",
                value <= GOAL * base,
            )
        )
    full = median(taken["full"])
    figures.append(Figure("cold_start.panes, for people", full, "ms", f"python -c pass {base:.1f} ms", full / base))
    return figures


def run_ms(argv: Sequence[str], env: dict[str, str]) -> float:
    """Start to end of one process. Raises MeasuringError where it did not answer from the sidecar."""
    begin = time.perf_counter()
    done = subprocess.run(argv, env=env, capture_output=True, check=False)
    elapsed_ms = (time.perf_counter() - begin) * 1000
    if done.returncode != 0:
        raise MeasuringError(f"{' '.join(argv)} failed: {done.stderr.decode(errors='replace')[-500:]}")
    if argv[-1] == "--json" and not json.loads(done.stdout)["data"]["live"]:
        raise MeasuringError(f"{' '.join(argv)} did not reach the sidecar")
    return elapsed_ms


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
