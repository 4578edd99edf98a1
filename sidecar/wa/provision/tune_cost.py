"""When panes × rows × clients is expensive for the one thread of a multiplexer: a finding of `wa doctor`. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from wa.protocol.results import FixableFinding
from wa.provision.tune_tables import COSTS, SWARM_ROWS, share

EXPENSIVE_PERCENT = 50.0
"""Of the thread, by what lies above the screens alone: the other half is for everything else that it does."""


def percent(rows: Sequence[int], clients: int) -> tuple[float, float]:
    """What all of it takes where every pane prints 20 lines a second, and how much of that is for rows above the screens."""
    total = sum(share(one) for one in rows) * clients
    return total, total - COSTS[0].cpu_percent * len(rows) * clients


def cost_finding(name: str, rows: Sequence[int], *, clients: int, host: str = "") -> FixableFinding | None:
    """*rows*: what each pane keeps, screen included; *host*: the ssh name. None where it is cheap."""
    total, above = percent(rows, clients)
    if above < EXPENSIVE_PERCENT:
        return None
    held = sorted((one for one in rows if one > COSTS[0].rows), reverse=True)
    heard = "one client" if clients == 1 else f"{clients} clients"
    what = (
        f"{name}: {len(held)} panes with up to {held[0]:,} rows each, and {heard}: while they all print 20 lines a second,"
        f" that takes {total:.0f} % of the one thread that serves every pane, {above:.0f} % for rows above the screens"
    )
    argv = ["wa", "tune", "--profile", "swarm"] + (["--host", host] if host else [])
    step = (
        f"Run `{' '.join(argv)}`: {SWARM_ROWS:,} rows in the terminal, history in wa's database"
        " (it prints what was measured). Close clients that nobody looks at."
    )
    return FixableFinding(level="warning", what=what, next_step=step, fix=argv, safe=False)
