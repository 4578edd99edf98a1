"""`wa hook`, as an agent's settings call it, told to a sidecar and written to its spool; the yardstick is `python -c pass`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Figure, MeasuringError, Options, Stage, median, options, report, say, stage
from benchmarks.sidecar import Sidecar
from benchmarks.terminals import Mux

GOAL_MS = 50.0
SAMPLES, QUICK_SAMPLES = 31, 5
NOTHING = (sys.executable, "-c", "pass")
WORDS = "x" * 20_000
PAYLOAD = json.dumps({"session_id": "0" * 36, "hook_event_name": "Stop", "last_assistant_message": WORDS}).encode()


def main(argv: Sequence[str]) -> int:
    chosen = options(argv, __doc__ or "")
    with stage(chosen) as here:
        return report(measure(here, chosen), as_json=chosen.json)


def measure(here: Stage, chosen: Options) -> list[Figure]:
    sidecar = Sidecar(here, Mux(here, "embedded"))
    alone = sidecar.env | {"WA_HOME": str(here.fresh("nobody"))}
    script = Path(sys.executable).with_name("wa")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "wa"]
    hook = (*command, "hook", "claude_code", "Stop")
    runs = {"nothing": (NOTHING, alone), "told": (hook, sidecar.env), "spooled": (hook, alone)}
    samples = QUICK_SAMPLES if chosen.quick else SAMPLES
    say(f"hook: {samples} times each, one after the other")
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(samples + 1):
        for name, (argv, env) in runs.items():
            elapsed_ms = run_ms(argv, env)
            if round_:  # The first compiles.
                taken[name].append(elapsed_ms)
    base = median(taken["nothing"])
    figures = []
    for name in ("told", "spooled"):
        value = median(taken[name])
        yardstick = f"python -c pass {base:.1f} ms"
        goal = f"<= {GOAL_MS:g} ms"
        figures.append(Figure(f"hook.{name}", value, "ms", yardstick, value / base, goal, value <= GOAL_MS))
    return figures


def run_ms(argv: Sequence[str], env: dict[str, str]) -> float:
    """Start to end of one process. Raises MeasuringError where it printed something or failed."""
    begin = time.perf_counter()
    done = subprocess.run(argv, env=env, input=PAYLOAD, capture_output=True, check=False)
    elapsed_ms = (time.perf_counter() - begin) * 1000
    if done.returncode or done.stdout or done.stderr:
        raise MeasuringError(f"{' '.join(argv)} failed: {(done.stdout + done.stderr).decode(errors='replace')[-500:]}")
    return elapsed_ms


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
