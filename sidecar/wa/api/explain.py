"""Why wa thinks what it thinks of a pane: only the sidecar knows."""

from __future__ import annotations

from wa.api.client import connected
from wa.api.panes import find_pane
from wa.config.paths import Paths
from wa.model.errors import NotFound
from wa.protocol.results_agents import ExplainResult


async def explain_pane(paths: Paths, name: str) -> ExplainResult:
    """Raises NotFound for a pane that is not alive, SidecarError without a sidecar."""
    async with connected(paths.socket) as sidecar:
        pane = await find_pane(paths, sidecar, name)
        if not pane["alive"]:
            raise NotFound(
                f"{pane['pane_uid']} has closed",
                next_step=f"`wa events --pane {pane['pane_uid']}` tells what happened there.",
            )
        result: ExplainResult = await sidecar.call("explain", {"pane": pane["pane_uid"]})
        return result
