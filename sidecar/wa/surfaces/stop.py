"""`wa stop`."""

from __future__ import annotations

from wa.api.stop import stop_sidecar
from wa.protocol.results import StopResult
from wa.surfaces.answer import Json, answer, paths
from wa.surfaces.output import Terminal


def stop(json: Json = False) -> None:
    """End the sidecar; returns when everything it had captured is stored and its process has gone.

    Example: wa stop
    """
    answer("stop", stop_sidecar(paths()), render, as_json=json)


def render(result: StopResult, _terminal: Terminal) -> list[str]:
    return [f"Stopped (pid {result['pid']})."]
