"""What a restart of the multiplexer would end just now: told by `wa tune`, done by nobody."""

from __future__ import annotations

from typing import NamedTuple

from wa.api.status import read_status
from wa.config.paths import Paths
from wa.model.errors import WaError
from wa.protocol.results_tune import TuneAgent, TuneRestart

IDLE = frozenset({"idle", "shell", "exited"})


class Standing(NamedTuple):
    restart: TuneRestart
    reads_waiting: int | None
    """Of rows that only the terminals have. None: no sidecar runs."""


async def standing(paths: Paths, host: str = "") -> Standing:
    """On *host*, "" for this machine."""
    try:
        status = await read_status(paths)
    except WaError:
        return UNKNOWN
    if not status["live"] or (host and host not in {mux["host"] for mux in status["muxes"]}):
        return UNKNOWN
    panes = [pane for pane in status["panes"] if pane["alive"] and pane["host"] == host]
    agents = [
        TuneAgent(pane_uid=pane["pane_uid"], agent=pane["agent"], state=pane["state"], is_idle=pane["state"] in IDLE)
        for pane in panes
        if pane["agent"]
    ]
    busy = [one["pane_uid"] for one in agents if not one["is_idle"]]
    first = f"It would end the work of {', '.join(busy)}. " if busy else ""
    advice = f"{NOT_NEEDED} {first}{WHEN_IDLE}"
    # A sidecar of an older version does not tell of its reads.
    waiting = sum(mux.get("reads_waiting", 0) for mux in status["muxes"] if mux["host"] == host)
    return Standing(TuneRestart(known=True, panes=len(panes), agents=agents, advice=advice), waiting)


NOT_NEEDED = (
    "wa restarts nothing, and the values need no restart: by one only the memory of longer histories comes back."
)
WHEN_IDLE = (
    "To make one: wait until `wa status` shows every agent idle, end them (`wa sessions` keeps their ids), restart it"
    " (`systemctl --user restart wezterm-mux-server.service` where it is a service), resume each by its id: the workflow"
    " restart_agent does that, with `mux` in its `after`."
)
NOBODY_KNOWS = (
    f"{NOT_NEEDED} What it would end is not known, for no sidecar runs: `wa watch --detach`, then `wa status`."
)
UNKNOWN = Standing(TuneRestart(known=False, panes=0, agents=[], advice=NOBODY_KNOWS), None)
