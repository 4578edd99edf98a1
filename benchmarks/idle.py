"""A thousand panes in which nothing happens: processor time of embedded mux and sidecar, memory per pane."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Sequence

from benchmarks.bare import BareClient
from benchmarks.cpu import rest, used
from benchmarks.harness import Figure, Options, Stage, options, report, say, stage
from benchmarks.sidecar import Sidecar
from benchmarks.terminals import Mux, settle

PANES = 1000
GOAL = 0.5
WINDOW_S = 5.0


def main(argv: Sequence[str]) -> int:
    chosen = options(argv, __doc__ or "")
    with stage(chosen) as here:
        return report(measure(here, chosen), as_json=chosen.json)


def measure(here: Stage, chosen: Options) -> list[Figure]:
    panes = PANES // 5 if chosen.quick else PANES
    allow_files(4 * panes + 512)
    mux = Mux(here, "embedded")
    client = BareClient(mux.socket)
    argv = ["/bin/sh", "-c", "echo 'a pane that waits'; exec sleep 1000000"]
    client.spawn(argv, env=mux.env, cwd="/")
    sidecar = Sidecar(here, mux)
    settle(mux)
    mux_before, sidecar_before = mux.rss_mb(), sidecar.rss_mb()
    say(f"idle, {mux.version}: starting {panes} panes")
    begin = time.monotonic()
    spawned = [client.spawn(argv, env=mux.env, cwd="/") for _ in range(panes)]
    spawning_s = time.monotonic() - begin
    client.close()
    sidecar.wait_for_panes(spawned, within_s=120)
    rest(sidecar.cpu_s, mux.cpu_s)
    runs: list[tuple[float, float]] = []
    for number in range(chosen.runs):
        say(f"idle, {panes} panes: run {number + 1} of {chosen.runs}")
        by_sidecar, by_mux = used(WINDOW_S, sidecar.cpu_s, mux.cpu_s)
        runs.append((by_sidecar * 100, by_mux * 100))
    both, alone = statistics.mean([sum(run) for run in runs]), statistics.mean([run[1] for run in runs])
    return [
        Figure(
            f"idle.cpu (embedded, {panes} panes)",
            both,
            "% of a core",
            f"the mux's part {alone:.2f} %",
            None,
            f"<= {GOAL} %",
            both <= GOAL,
        ),
        Figure(
            f"idle.memory per pane (embedded, {panes} panes)",
            (mux.rss_mb() - mux_before + sidecar.rss_mb() - sidecar_before) * 1000 / panes,
            "kB",
            f"of it the mux {(mux.rss_mb() - mux_before) * 1000 / panes:.0f} kB",
            note=f"in all {mux.rss_mb():.0f} and {sidecar.rss_mb():.0f} MB; spawned in {spawning_s:.1f} s",
        ),
    ]


def allow_files(wanted: int) -> None:
    """Open files for the processes started from here; the mux holds a terminal per pane."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted, hard)
        )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
