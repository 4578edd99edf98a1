"""Ending the sidecar."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from wa.api.client import SidecarClient, SidecarGoneError, connected
from wa.config.paths import Paths
from wa.model.errors import TimedOut
from wa.protocol.results import StopResult

STOP_WITHIN_S = 30.0
LOOK_EVERY_S = 0.02


async def stop_sidecar(paths: Paths) -> StopResult:
    """Returns once its process has gone. Raises SidecarError where none runs, TimedOut where it does not end."""
    async with connected(paths.socket) as sidecar:
        pid = int(sidecar.hello["pid"])
        await _ask(sidecar)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                while _runs(pid):  # noqa: ASYNC110 - another process's end raises no event here
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError as error:
            step = f"See the end of {paths.log_file}; `kill {pid}` ends it."
            raise TimedOut(f"the sidecar (pid {pid}) did not end within {STOP_WITHIN_S:g} s", next_step=step) from error
    return StopResult(stopped=True, pid=pid)


async def _ask(sidecar: SidecarClient) -> None:
    try:
        await sidecar.call("stop", within_s=STOP_WITHIN_S)
    except SidecarGoneError:
        # It may end before its answer is out.
        return


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # A zombie has ended; whoever started it has not looked yet.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True
