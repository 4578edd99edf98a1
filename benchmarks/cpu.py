"""What watching costs: processor time of mux and sidecar over their idle, beside polling every pane once a second."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from benchmarks.harness import Figure, Options, Stage, cpu_s, median, options, report, say, stage
from benchmarks.roles import Role
from benchmarks.sidecar import Sidecar
from benchmarks.terminals import Mux, Program, Programs, settle

T = TypeVar("T")

PANES = 50
BUSY = 5
GOAL_IDLE = 0.5
WINDOW_S = 5.0


class Load(NamedTuple):
    name: str
    order: str
    arguments: dict[str, object]
    goal: float
    """Push may cost at most this part of polling."""


LOADS = (
    Load("5 of 50 panes at 100 lines/s", "marks", {"per_s": 100, "seconds": 600}, 1 / 6),
    Load("5 of 50 panes redraw a spinner 10/s", "spin", {"per_s": 10}, 1 / 40),
)


class Run(NamedTuple):
    """Processor seconds per second (push) or per completed sweep (polling), over idle; mux and client together."""

    idle: float
    idle_mux: float
    push: tuple[float, ...]
    push_mux: tuple[float, ...]
    bare: tuple[float, ...]
    cli: tuple[float, ...]
    client: tuple[float, ...]
    sweep_s: tuple[float, ...]
    """How long one sweep by CLI took."""


def main(argv: Sequence[str]) -> int:
    chosen = options(argv, __doc__ or "")
    figures: list[Figure] = []
    for kind in chosen.mux:
        with stage(chosen) as here:
            figures += measure(here, kind, chosen)
    return report(figures, as_json=chosen.json)


def measure(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    mux = Mux(here, kind)
    programs = Programs(mux, PANES)
    window_s = WINDOW_S / 2 if chosen.quick else WINDOW_S
    runs: list[Run] = []
    for number in range(chosen.runs):
        say(f"cpu, {mux.version}, {PANES} panes: run {number + 1} of {chosen.runs}")
        runs.append(one_run(here, mux, programs, window_s, number))
    return summary(kind, runs)


def one_run(here: Stage, mux: Mux, programs: Programs, window_s: float, number: int) -> Run:
    sidecar = Sidecar(here, mux)
    sidecar.wait_for_panes([program.pane_id for program in programs.all.values()])
    settle(mux)
    idle, idle_mux = used(window_s, sidecar.cpu_s, mux.cpu_s)
    push = [loaded(programs, load, number, lambda: used(window_s, sidecar.cpu_s, mux.cpu_s)) for load in LOADS]
    sidecar.end()

    watcher = Role(here, "benchmarks.bare", "watch", str(mux.socket))
    settle(mux)
    bare_idle = sum(used(window_s / 2, lambda: cpu_s(watcher.pid, children=True), mux.cpu_s))
    bare = [
        loaded(programs, load, number, lambda: used(window_s, lambda: cpu_s(watcher.pid, children=True), mux.cpu_s))
        for load in LOADS
    ]
    watcher.end()

    settle(mux)
    (alone,) = used(window_s / 2, mux.cpu_s)
    cli = [loaded(programs, load, number, lambda: sweeps_by_cli(mux, programs, window_s)) for load in LOADS]
    client = [loaded(programs, load, number, lambda: sweeps_by_client(here, mux, window_s)) for load in LOADS]
    return Run(
        idle=idle + idle_mux,
        idle_mux=idle_mux,
        push=tuple(by_sidecar + by_mux - idle - idle_mux for by_sidecar, by_mux in push),
        push_mux=tuple(by_mux - idle_mux for _, by_mux in push),
        bare=tuple(sum(both) - bare_idle for both in bare),
        cli=tuple((cost - alone * elapsed) / count for cost, elapsed, count in cli),
        client=tuple((cost - alone * elapsed) / count for cost, elapsed, count in client),
        sweep_s=tuple(elapsed / count for _, elapsed, count in cli),
    )


def used(window_s: float, *meters: Callable[[], float]) -> list[float]:
    """What each meter gained per second, over a window in which nothing else is asked."""
    begin, before = time.monotonic(), [meter() for meter in meters]
    time.sleep(window_s)
    after, elapsed = [meter() for meter in meters], time.monotonic() - begin
    return [(late - early) / elapsed for early, late in zip(before, after, strict=True)]


def loaded(programs: Programs, load: Load, number: int, meter: Callable[[], T]) -> T:
    """*meter* while the load is on and has been for a moment."""
    busy: list[Program] = programs.some(BUSY)
    arguments = {**load.arguments, "tag": f"c{number}"} if load.order == "marks" else load.arguments
    programs.tell(busy, load.order, **arguments)
    time.sleep(0.5)
    found = meter()
    programs.stop(busy)
    return found


Sweeps = tuple[float, float, int]
"""Processor seconds of poller and mux, elapsed seconds, completed sweeps."""


def sweeps_by_cli(mux: Mux, programs: Programs, window_s: float) -> Sweeps:
    """`list`, then `get-text` of every pane; a sweep a second, or one after the other where a sweep takes longer."""
    head = [*mux.cli, "cli", "--no-auto-start"] if mux.kind == "real" else mux.cli
    begin, before, mux_before = time.monotonic(), _poller_s(), mux.cpu_s()
    count = 0
    while (due := begin + count) < begin + window_s or count == 0:
        time.sleep(max(0.0, due - time.monotonic()))
        if time.monotonic() > begin + window_s and count:
            break
        listed = subprocess.run(
            [*head, "list", "--format", "json"], env=mux.cli_env, stdout=subprocess.PIPE, check=True
        )
        for pane in json.loads(listed.stdout):
            command = [*head, "get-text", "--pane-id", str(pane["pane_id"])]
            subprocess.run(command, env=mux.cli_env, stdout=subprocess.DEVNULL, check=True)
        count += 1
    return _poller_s() - before + mux.cpu_s() - mux_before, time.monotonic() - begin, count


def _poller_s() -> float:
    """Of this process and those it has waited for: between two calls, the poller."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(spent.ru_utime + spent.ru_stime for spent in both)


def sweeps_by_client(here: Stage, mux: Mux, window_s: float) -> Sweeps:
    """The same requests by one process that starts nothing."""
    poller = Role(here, "benchmarks.bare", "poll", str(mux.socket))
    poller.ask()
    begin, before = time.monotonic(), cpu_s(poller.pid, children=True) + mux.cpu_s()
    time.sleep(window_s)
    count = poller.ask()["sweeps"]
    cost = cpu_s(poller.pid, children=True) + mux.cpu_s() - before
    elapsed = time.monotonic() - begin
    poller.end()
    return cost, elapsed, count


def summary(kind: str, runs: Sequence[Run]) -> list[Figure]:
    figures: list[Figure] = []
    for at, load in enumerate(LOADS):
        ratio = median([run.push[at] / run.cli[at] for run in runs])
        push, cli = median([run.push[at] for run in runs]) * 100, median([run.cli[at] for run in runs])
        sweep_s = median([run.sweep_s[at] for run in runs])
        by_mux = median([run.push_mux[at] for run in runs]) * 100
        note = f"{by_mux:.1f} % of it is the mux's own; a sweep took {sweep_s:.2f} s"
        if kind == "embedded":
            note += "; most of this polling is the start of a Python per call: read the next line beside it"
        figures += [
            Figure(
                f"cpu.push ({kind}, {load.name})",
                push,
                "% of a core",
                f"polling by CLI {cli:.2f} CPU-s a sweep",
                ratio,
                f"<= 1/{1 / load.goal:.0f}",
                ratio <= load.goal,
                note,
            ),
            Figure(
                f"cpu.push to in-process poller ({kind}, {load.name})",
                push,
                "% of a core",
                f"poller without processes {median([run.client[at] for run in runs]):.3f} CPU-s a sweep",
                median([run.push[at] / run.client[at] for run in runs]),
            ),
            Figure(
                f"cpu.bare client to polling ({kind}, {load.name})",
                median([run.bare[at] for run in runs]) * 100,
                "% of a core",
                f"polling by CLI {cli:.2f} CPU-s a sweep",
                median([run.bare[at] / run.cli[at] for run in runs]),
                note="decodes every push and stores nothing",
            ),
        ]
    idle = median([run.idle for run in runs]) * 100
    mux = median([run.idle_mux for run in runs]) * 100
    figures.append(
        Figure(
            f"cpu.idle ({kind}, {PANES} panes, nothing happens)",
            idle,
            "% of a core",
            f"the mux's part {mux:.2f} %",
            None,
            f"<= {GOAL_IDLE} %",
            idle <= GOAL_IDLE,
        )
    )
    return figures


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
