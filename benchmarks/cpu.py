"""What watching costs: processor time of mux and sidecar over their idle, beside polling every pane once a second."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from benchmarks.harness import TICKS_PER_S, Figure, Options, Stage, measured_on_each_mux, median, say, wait_for
from benchmarks.roles import Role
from benchmarks.sidecar import Sidecar
from benchmarks.terminals import Mux, Programs, settle

T = TypeVar("T")

PANES = 50
BUSY = 5
GOAL_IDLE = 0.5
WINDOW_S = 4.0
READ_BACK_ROWS = 200
"""Twice what a busy pane prints in a second: a poller that shall lose nothing has to ask for that."""


class Load(NamedTuple):
    name: str
    order: str
    arguments: dict[str, object]
    goal: int
    """Polling must cost at least this many times as much."""


LOADS = (
    Load("5 of 50 panes at 100 lines/s", "marks", {"per_s": 100, "seconds": 600}, 6),
    Load("5 of 50 panes redraw a spinner 10/s", "spin", {"per_s": 10}, 40),
)


class Cost(NamedTuple):
    """Processor seconds over idle, mux and client together: per second, or per completed sweep."""

    push: float
    push_mux: float
    bare: float
    cli: float
    sweep_s: float
    """How long a sweep by CLI took."""
    other: float
    """Real mux: a sweep that reads back; embedded: one by a poller without processes."""


class Run(NamedTuple):
    idle: float
    idle_mux: float
    costs: tuple[Cost, ...]
    """One for each of LOADS."""


def main(argv: Sequence[str]) -> int:
    return measured_on_each_mux(argv, __doc__ or "", measure)


def measure(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    mux = Mux(here, kind)
    programs = Programs(mux, PANES)
    window_s = WINDOW_S / 2 if chosen.quick else WINDOW_S
    runs: list[Run] = []
    for number in range(chosen.runs):
        say(f"cpu, {mux.version}, {PANES} panes: run {number + 1} of {chosen.runs}")
        runs.append(one_run(here, mux, programs, window_s, number))
    figures = [figure for at, load in enumerate(LOADS) for figure in of_load(kind, load, [r.costs[at] for r in runs])]
    return [*figures, of_idle(kind, runs)]


def one_run(here: Stage, mux: Mux, programs: Programs, window_s: float, number: int) -> Run:
    def under(load: Load, meter: Callable[[], T]) -> T:
        return loaded(programs, load, f"{number}", meter)

    sidecar = Sidecar(here, mux)
    sidecar.wait_for_panes([program.pane_id for program in programs.all.values()])
    rest(sidecar.cpu_s, mux.cpu_s)
    idle, idle_mux = used(window_s, sidecar.cpu_s, mux.cpu_s)
    push = [under(load, lambda: used(window_s, sidecar.cpu_s, mux.cpu_s)) for load in LOADS]
    sidecar.end()

    watcher = Role(here, "benchmarks.bare", "watch", str(mux.socket))
    settle(mux)
    bare = [under(load, lambda: used(window_s, watcher.cpu_s, mux.cpu_s)) for load in LOADS]
    watcher.end()

    rest(mux.cpu_s)
    (alone,) = used(window_s / 2, mux.cpu_s)
    costs: list[Cost] = []
    for load, (by_sidecar, by_mux), both in zip(LOADS, push, bare, strict=True):
        cli = under(load, lambda: sweeps_by_cli(mux, window_s))
        if mux.kind == "real":
            other = under(load, lambda: sweeps_by_cli(mux, window_s / 2, "--start-line", f"-{READ_BACK_ROWS}"))
        else:
            other = under(load, lambda: sweeps_by_client(here, mux, window_s))
        costs.append(
            Cost(
                push=by_sidecar + by_mux - idle - idle_mux,
                push_mux=by_mux - idle_mux,
                bare=sum(both) - alone,
                cli=cli.each(alone),
                sweep_s=cli.elapsed_s / cli.completed,
                other=other.each(alone),
            )
        )
    return Run(idle + idle_mux, idle_mux, tuple(costs))


def rest(*meters: Callable[[], float]) -> None:
    """Wait until a second passes in which nothing was done: what a start leaves behind is over."""
    wait_for("a second of rest", lambda: sum(used(1.0, *meters)) <= 1.5 / TICKS_PER_S, within_s=20)


def used(window_s: float, *meters: Callable[[], float]) -> list[float]:
    """What each meter gained per second, over a window in which nothing else is asked."""
    begin, before = time.monotonic(), [meter() for meter in meters]
    time.sleep(window_s)
    after, elapsed = [meter() for meter in meters], time.monotonic() - begin
    return [(late - early) / elapsed for early, late in zip(before, after, strict=True)]


def loaded(programs: Programs, load: Load, tag: str, meter: Callable[[], T]) -> T:
    """*meter* while the load is on and has been for a moment."""
    busy = programs.some(BUSY)
    arguments = {**load.arguments, "tag": tag} if load.order == "marks" else load.arguments
    programs.tell(busy, load.order, **arguments)
    time.sleep(2.5)
    found = meter()
    programs.stop(busy)
    return found


class Sweeps(NamedTuple):
    cpu_s: float
    """Of poller and mux."""
    elapsed_s: float
    completed: int

    def each(self, idle: float) -> float:
        return (self.cpu_s - idle * self.elapsed_s) / self.completed


def sweeps_by_cli(mux: Mux, window_s: float, *more: str) -> Sweeps:
    """`list`, then `get-text` of every pane: a sweep a second, or one after the other where a sweep takes longer."""
    head = [*mux.cli, "cli", "--no-auto-start"] if mux.kind == "real" else mux.cli
    begin, before, mux_before = time.monotonic(), _poller_s(), mux.cpu_s()
    count = 0
    while count == 0 or time.monotonic() < begin + window_s:
        listed = subprocess.run(
            [*head, "list", "--format", "json"], env=mux.cli_env, stdout=subprocess.PIPE, check=True
        )
        for pane in json.loads(listed.stdout):
            command = [*head, "get-text", "--pane-id", str(pane["pane_id"]), *more]
            subprocess.run(command, env=mux.cli_env, stdout=subprocess.PIPE, check=True)
        count += 1
        time.sleep(max(0.0, begin + count - time.monotonic()))
    return Sweeps(_poller_s() - before + mux.cpu_s() - mux_before, time.monotonic() - begin, count)


def _poller_s() -> float:
    """Of this process and those it has waited for: between two calls, the poller."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(spent.ru_utime + spent.ru_stime for spent in both)


def sweeps_by_client(here: Stage, mux: Mux, window_s: float) -> Sweeps:
    """The same requests by one process that starts nothing."""
    poller = Role(here, "benchmarks.bare", "poll", str(mux.socket))
    poller.ask()
    begin, before = time.monotonic(), poller.cpu_s() + mux.cpu_s()
    time.sleep(window_s)
    count = poller.ask()["sweeps"]
    found = Sweeps(poller.cpu_s() + mux.cpu_s() - before, time.monotonic() - begin, count)
    poller.end()
    return found


def of_load(kind: str, load: Load, costs: Sequence[Cost]) -> list[Figure]:
    push, bare = median([cost.push for cost in costs]) * 100, median([cost.bare for cost in costs]) * 100
    cli, other = median([cost.cli for cost in costs]), median([cost.other for cost in costs])
    ratio = median([cost.push / cost.cli for cost in costs])
    note = f"{median([cost.push_mux for cost in costs]) * 100:.1f} % of it is the mux's own"
    note += f"; a sweep took {median([cost.sweep_s for cost in costs]):.2f} s"
    note += f"; the bare client's ratio is {median([cost.bare / cost.cli for cost in costs]):.3g}x"
    if kind == "embedded":
        note += (
            "; this polling is mostly the start of a Python per call: the line of the other poller is the fairer one"
        )
    another = "by a process that starts none" if kind == "embedded" else f"that reads {READ_BACK_ROWS} rows back"
    unit = "% of a core"
    return [
        Figure(
            f"cpu.push ({kind}, {load.name})",
            push,
            unit,
            f"polling by CLI {cli:.3f} CPU-s a sweep",
            ratio,
            f"<= 1/{load.goal}",
            ratio <= 1 / load.goal,
            note,
        ),
        Figure(
            f"cpu.push/other poller ({kind}, {load.name})",
            push,
            unit,
            f"one {another} {other:.3f} CPU-s",
            median([cost.push / cost.other for cost in costs]),
        ),
        Figure(
            f"cpu.push/bare client ({kind}, {load.name})",
            push,
            unit,
            f"a bare client, nothing stored {bare:.1f} %",
            median([cost.push / cost.bare for cost in costs]),
        ),
    ]


def of_idle(kind: str, runs: Sequence[Run]) -> Figure:
    # The mean: what happens once in twenty seconds is in one window of five.
    idle, mux = (
        statistics.mean(values) * 100 for values in zip(*((run.idle, run.idle_mux) for run in runs), strict=True)
    )
    return Figure(
        f"cpu.idle ({kind}, {PANES} panes, nothing happens)",
        idle,
        "% of a core",
        f"of it the mux {mux:.2f} %",
        None,
        f"<= {GOAL_IDLE} %",
        idle <= GOAL_IDLE,
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
