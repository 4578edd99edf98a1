"""What a prompt costs more with wa's script: from Return to the next prompt, in a terminal, with and without it by turns."""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import REPOSITORY, Figure, MeasuringError, Options, Stage, median, options, report, say, stage

sys.path.insert(0, str(REPOSITORY / "tests"))
from shell.terminal import Terminal, environment, start_of, terminal

GOALS_MS = {"bash": 1.0, "zsh": 1.0, "fish": 2.0}
LINE = "true"
PROMPTS, QUICK_PROMPTS, BY_TURNS = 400, 40, 20
QUIET_S = 0.01
"""How long nothing comes when a shell has echoed what was typed."""


def main(argv: Sequence[str]) -> int:
    chosen = options(argv, __doc__ or "")
    found: list[Figure] = []
    with stage(chosen) as here:
        for shell, goal in GOALS_MS.items():
            if shutil.which(shell) is None:
                say(f"{shell} is not on PATH")
                continue
            found.append(cost(here, shell, goal, chosen))
    return report(found, as_json=chosen.json)


def cost(here: Stage, shell: str, goal_ms: float, chosen: Options) -> Figure:
    """Medians over all prompts; by turns, so that a busy machine is busy for both."""
    homes = {silent: here.fresh(shell) for silent in (True, False)}
    times: dict[bool, list[float]] = {True: [], False: []}
    with (
        terminal(start_of(shell, homes[True]), env(homes[True], silent=True), homes[True]) as without,
        terminal(start_of(shell, homes[False]), env(homes[False], silent=False), homes[False]) as beside,
    ):
        for term in (without, beside):
            settle(term)
        prompts = QUICK_PROMPTS if chosen.quick else PROMPTS
        for _ in range(prompts // BY_TURNS):
            for term, silent in ((without, True), (beside, False)):
                times[silent] += [once(term) for _ in range(BY_TURNS)]
    plain, ours = median(times[True]), median(times[False])
    return Figure(
        f"prompt.{shell}: added from Return to the next prompt",
        ours - plain,
        "ms",
        f"{plain:.2f} ms without, {ours:.2f} with",
        ours / plain,
        f"<= {goal_ms:g} ms",
        ours - plain <= goal_ms,
        f"median of {len(times[False])} commands `{LINE}`, each with both variables and all marks",
    )


def env(home: Path, *, silent: bool) -> dict[str, str]:
    memory = Path("/dev/shm")  # as a login's own runtime folder is
    runtime = {"XDG_RUNTIME_DIR": ""} if memory.is_dir() else {}
    return environment(home, **runtime, **({"WA_SHELL_SKIP": "all"} if silent else {}))


def settle(term: Terminal) -> None:
    term.wait(lambda: "ready> " in term.shown, "the first prompt")
    for _ in range(5):
        once(term)


def once(term: Terminal) -> float:
    """Milliseconds from Return until the next prompt stands there; the line is typed before."""
    term.type(LINE)
    while select.select([term.master], [], [], QUIET_S)[0]:
        if not term.take():
            raise MeasuringError("the shell has ended")
    term.said = b""
    begin = time.perf_counter()
    os.write(term.master, b"\r")
    while b"ready> " not in term.said:
        if not term.take():
            raise MeasuringError("the shell has ended")
    return (time.perf_counter() - begin) * 1000
