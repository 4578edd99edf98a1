"""Hooks in agents' settings that call a wa which is gone."""

from __future__ import annotations

from shlex import join

from wa.api.doctor_findings import finding
from wa.api.hooks import hooks_status
from wa.config.paths import Paths
from wa.model.errors import WaError
from wa.protocol.results import FixableFinding


async def hook_findings(paths: Paths) -> list[FixableFinding]:
    """Of the user's own settings, not of projects."""
    try:
        told = await hooks_status(paths, [], project=False)
    except WaError as error:
        return [finding("warning", error.message, error.next_step)]
    found = []
    for one in told["files"]:
        if one["trouble"] is None:
            continue
        if not one["events"]:
            found.append(finding("warning", f"hooks: {one['trouble']}", "Mend that file."))
            continue
        argv = ["wa", "hooks", "install", "--agent", one["agent"]]
        what = f"hooks of {one['agent']} in {one['path']}: {one['trouble'].partition(':')[0]}"
        found.append(finding("error", what, f"Run `{join(argv)}`: it puts the present wa in.", fix=argv))
    if good := [one["agent"] for one in told["files"] if one["events"] and one["trouble"] is None]:
        found.insert(0, finding("ok", f"hooks are in the settings of {', '.join(dict.fromkeys(good))}"))
    return found
