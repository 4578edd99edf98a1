"""Memory of the sidecar at 100 panes, each of which has printed a few hundred rows."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.harness import Figure, Options, Stage, measured_on_each_mux, median, rss_mb, say
from benchmarks.roles import Role
from benchmarks.sidecar import Sidecar
from benchmarks.stored import Stored
from benchmarks.terminals import Mux, Programs, settle

PANES = 100
ROWS = 400
GOAL_MB = 120.0


def main(argv: Sequence[str]) -> int:
    return measured_on_each_mux(argv, __doc__ or "", measure)


def measure(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    mux = Mux(here, kind)
    programs = Programs(mux, PANES)
    panes = [program.pane_id for program in programs.all.values()]
    sidecars: list[float] = []
    clients: list[float] = []
    for number in range(chosen.runs):
        say(f"memory, {mux.version}, {PANES} panes: run {number + 1} of {chosen.runs}")
        sidecar = Sidecar(here, mux)
        sidecar.wait_for_panes(panes)
        bare = Role(here, "benchmarks.bare", "watch", str(mux.socket))
        stored = Stored(sidecar)
        before = stored.settled()
        programs.run(programs.some(PANES), "count_to", tag=f"m{number}", count=ROWS)
        # The newest rows of each pane stay on its screen; the first run begins on empty screens.
        stored.wait_for({pane: before.get(pane, 0) + ROWS - 24 for pane in panes}, within_s=60)
        sidecar.flush()
        settle(mux)
        sidecars.append(sidecar.rss_mb())
        clients.append(rss_mb(bare.pid))
        stored.close()
        bare.end()
        sidecar.end()
    value, client = median(sidecars), median(clients)
    return [
        Figure(
            f"memory.sidecar ({kind}, {PANES} panes)",
            value,
            "MB",
            f"bare client {client:.0f} MB",
            value / client,
            f"<= {GOAL_MB:g} MB",
            value <= GOAL_MB,
            f"each pane printed {ROWS} rows while it was watched",
        )
    ]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
