"""How soon the sidecar knows what a program wrote, beside a bare client of the same mux at the same time.

Programs print marks with their own clock; a subscriber in another process notes when a screen first shows each.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.harness import Figure, Options, Stage, measured_on_each_mux, median, percentile, say, wait_for
from benchmarks.roles import Role, Seen
from benchmarks.sidecar import Sidecar
from benchmarks.terminals import Mux, Programs, settle
from benchmarks.unknown_codec import front

ROWS = 24
GOAL_RATIO = 2.5
GOAL_ONE_PANE_MS = 25.0
GOAL_COMMIT_MS = 150.0
GOAL_CLI_MS = 600.0


class Load(NamedTuple):
    name: str
    programs: int
    marks_per_s: float
    seconds: float


ONE = Load("1 pane, 20 lines/s", 1, 20, 3.0)
BUSY = Load("50 panes, 5 at 100 lines/s", 5, 100, 3.0)


class Delays(NamedTuple):
    """p95 of one run, in milliseconds."""

    sidecar: float
    bare: float
    committed: float


def main(argv: Sequence[str]) -> int:
    return measured_on_each_mux(argv, __doc__ or "", pushed, polled)


def pushed(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    mux = Mux(here, kind)
    programs = Programs(mux, 50, rows=ROWS)
    sidecar = Sidecar(here, mux)
    sidecar.wait_for_panes([program.pane_id for program in programs.all.values()])
    subscriber = Role(here, "benchmarks.sidecar", "subscribe", str(sidecar.paths.socket))
    bare = Role(here, "benchmarks.bare", "watch", str(mux.socket))
    commits = Role(here, "benchmarks.commits", str(sidecar.paths.database))
    figures: list[Figure] = []
    for load in (ONE, BUSY):
        runs: list[Delays] = []
        for number in range(chosen.runs):
            say(f"latency, {mux.version}, {load.name}: run {number + 1} of {chosen.runs}")
            settle(mux)
            tag = f"{load.programs}r{number}"
            workers = programs.some(load.programs)
            seconds = load.seconds / 2 if chosen.quick else load.seconds
            answers = programs.run(workers, "marks", tag=tag, per_s=load.marks_per_s, seconds=seconds)
            stamps = {
                f"{tag}.{program.name}": answer["stamps"] for program, answer in zip(workers, answers, strict=True)
            }
            seen = gather([subscriber, bare, commits], stamps)
            runs.append(
                Delays(
                    percentile(delays(stamps, seen[0]), 95),
                    percentile(delays(stamps, seen[1]), 95),
                    percentile(delays(stamps, seen[2], passed_by=ROWS - 1), 95),
                )
            )
        figures += summary(kind, load, runs)
    return figures


def gather(roles: Sequence[Role], stamps: dict[str, list[int]]) -> list[Seen]:
    """What each role saw, once that holds the last mark of every tag (of those stored: the last to pass the top)."""
    found: list[Seen] = []
    for role in roles:
        last = 1 + (ROWS - 1 if role.what.startswith("benchmarks.commits") else 0)
        seen: Seen = {}

        def complete(role: Role = role, seen: Seen = seen, last: int = last) -> bool:
            for tag, marks in role.ask()["seen"].items():
                seen.setdefault(tag, {}).update({int(number): at for number, at in marks.items()})
            return all(len(marks) - last in seen.get(tag, {}) for tag, marks in stamps.items() if len(marks) >= last)

        wait_for(f"the last mark in {role.what}", complete, within_s=15)
        found.append(seen)
    return found


def delays(stamps: dict[str, list[int]], seen: Seen, *, passed_by: int = 0) -> list[float]:
    """Milliseconds from a mark's write, or from the write of the *passed_by*-th mark after it, to its first sight.

    A mark that was never seen by itself (two in one push) counts with the next one that was: it was on that screen.
    """
    found: list[float] = []
    for tag, marks in stamps.items():
        known = seen.get(tag, {})
        later = None
        for number in range(len(marks) - 1, -1, -1):
            later = known.get(number, later)
            if later is not None and number + passed_by < len(marks):
                found.append((later - marks[number + passed_by]) / 1e6)
    return found


def summary(kind: str, load: Load, runs: Sequence[Delays]) -> list[Figure]:
    sidecar, bare = median([run.sidecar for run in runs]), median([run.bare for run in runs])
    ratio = median([run.sidecar / run.bare for run in runs])
    committed = median([run.committed for run in runs])
    most = GOAL_ONE_PANE_MS if load is ONE else None
    goal = f"<= {GOAL_RATIO}x" + (f" and <= {most:g} ms" if most else "")
    return [
        Figure(
            f"latency.screen.p95 ({kind}, {load.name})",
            sidecar,
            "ms",
            f"bare client {bare:.2f} ms",
            ratio,
            goal,
            ratio <= GOAL_RATIO and (most is None or sidecar <= most),
        ),
        Figure(
            f"latency.committed.p95 ({kind}, {load.name})",
            committed,
            "ms",
            f"bare client, on its screen {bare:.2f} ms",
            median([run.committed / run.bare for run in runs]),
            f"<= {GOAL_COMMIT_MS:g} ms",
            committed <= GOAL_COMMIT_MS,
        ),
    ]


def polled(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    """The same where wa has to poll by `wezterm cli`: the server reports an unknown codec."""
    mux = Mux(here, kind)
    programs = Programs(mux, 5, rows=ROWS)
    fronted = front(here, mux.socket)
    words = ", ".join(f'"{word}"' for word in mux.cli)
    sidecar = Sidecar(here, mux, settings=f"command = [{words}]\n", socket_path=fronted)
    sidecar.wait_for_panes([program.pane_id for program in programs.all.values()])
    sources = {pane["source"] for pane in sidecar.panes().values()}
    assert sources == {"cli"}, f"meant to measure polling, but panes are watched by {sources}"
    subscriber = Role(here, "benchmarks.sidecar", "subscribe", str(sidecar.paths.socket))
    shown: list[float] = []
    called: list[float] = []
    for number in range(chosen.runs):
        say(f"latency by CLI, {mux.version}, 5 panes: run {number + 1} of {chosen.runs}")
        tag = f"cli{number}"
        workers = programs.some(5)
        answers = programs.run(workers, "marks", tag=tag, per_s=3, seconds=3 if chosen.quick else 6)
        stamps = {f"{tag}.{program.name}": answer["stamps"] for program, answer in zip(workers, answers, strict=True)}
        seen = gather([subscriber], stamps)
        shown.append(percentile(delays(stamps, seen[0]), 95))
        begin = time.perf_counter()
        command = [*mux.cli, "cli", "--no-auto-start", "list"] if kind == "real" else [*mux.cli, "list"]
        subprocess.run(command, env=mux.cli_env, stdout=subprocess.DEVNULL, check=True)
        called.append((time.perf_counter() - begin) * 1000)
    one, value = median(called), median(shown)
    return [
        Figure(
            f"latency.screen.p95 ({kind}, by CLI, 5 panes at 3 lines/s)",
            value,
            "ms",
            f"one CLI call {one:.0f} ms",
            value / one,
            f"<= {GOAL_CLI_MS:g} ms",
            value <= GOAL_CLI_MS,
        )
    ]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
