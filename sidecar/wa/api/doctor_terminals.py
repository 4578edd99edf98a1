"""The sidecar, and what it watches or would watch: multiplexers by their sockets and over ssh, the `wezterm` command."""

from __future__ import annotations

import asyncio
import time

from wa import __version__
from wa.api.client import SidecarClient
from wa.api.doctor_findings import Level, as_finding, finding
from wa.api.doctor_wezterm import Looked
from wa.api.times import age
from wa.config.paths import Paths
from wa.config.settings import Settings
from wa.model.errors import SidecarError, WaError, WezTermError
from wa.protocol.envelope import iso_or_none
from wa.protocol.results import FixableFinding as Finding
from wa.provision.tune_cost import cost_finding
from wa.wezterm.connect import Options, connect
from wa.wezterm.discovery import Candidate, Discovery, discover
from wa.wezterm.executable import read_version
from wa.wezterm.peers import Outcome
from wa.wezterm.targets import SocketTarget, SshTarget, Target
from wa.wezterm.terminal import Terminal

INSTALL = "Install WezTerm (https://wezterm.org/install), or see wa work without it: `wa demo`."
LATENCY_PINGS = 5
CONNECT_WITHIN_S = 15.0
SIDECAR_WITHIN_S = 30.0


async def watched(paths: Paths, settings: Settings, wezterm: asyncio.Task[Looked]) -> list[Finding]:
    """Sidecar, multiplexers and the `wezterm` command."""
    findings = await _sidecar(paths)
    found = await _discover(settings)
    if not any(one["level"] == "ok" for one in findings):
        # A sidecar has just told of what it is connected to; a second connection would tell nothing new.
        findings += await _terminals(_targets(found, settings), found, settings, wezterm)
    findings += [one for candidate in found.candidates if (one := _unusable(candidate)) is not None]
    return [*findings, await _executable(found)]


async def _sidecar(paths: Paths) -> list[Finding]:
    try:
        client = await SidecarClient.connect(paths.socket)
    except SidecarError as error:
        return [finding("note", error.message, error.next_step)]
    except WaError as error:
        return [finding("error", error.message, error.next_step)]
    try:
        hello = client.hello
        up = age(iso_or_none(int(hello["started_ms"])))
        findings = [finding("ok", f"the sidecar runs: pid {hello['pid']}, version {hello['version']}, up {up}")]
        if hello["version"] != __version__:
            step = "Run `wa stop`, then `wa watch --detach`."
            findings.append(finding("warning", f"the sidecar is wa {hello['version']}, this is {__version__}", step))
        reply = await client.call("doctor", within_s=SIDECAR_WITHIN_S)
        return findings + [as_finding(one) for one in reply["findings"]]
    except WaError as error:
        return [finding("error", error.message, error.next_step)]
    finally:
        await client.close()


async def _discover(settings: Settings) -> Discovery:
    """As the sidecar would look."""
    named = [SocketTarget(entry.name, entry.socket) for entry in settings.mux if entry.socket is not None]
    found = await discover(named, wezterm=settings.wezterm.command)
    if settings.wezterm.discover:
        return found
    return found._replace(candidates=tuple(one for one in found.candidates if one.explicit))


def _targets(found: Discovery, settings: Settings) -> list[Target]:
    over_ssh = [
        SshTarget(one.ssh, one.name, one.wezterm or ("wezterm",)) for one in settings.mux if one.ssh is not None
    ]
    return [*found.targets, *over_ssh]


async def _terminals(
    targets: list[Target], found: Discovery, settings: Settings, wezterm: asyncio.Task[Looked]
) -> list[Finding]:
    async with asyncio.TaskGroup() as group:
        looks = [group.create_task(_look(target, settings, wezterm)) for target in targets]
    findings = [one for look in looks for one in look.result()]
    if not targets and not settings.wezterm.discover:
        what = "nothing would be watched: `wezterm.discover` is off, and no [[mux]] names a multiplexer"
        findings.append(finding("warning", what, "Add one (`wa config path`), or give `wa watch` --socket or --ssh."))
    elif not targets:
        step = INSTALL if found.executable is None else "Start WezTerm; wa looks again every few seconds."
        findings.append(finding("error", f"no WezTerm runs: no socket answers in {found.runtime_dir}", step))
    return findings


async def _look(target: Target, settings: Settings, wezterm: asyncio.Task[Looked]) -> list[Finding]:
    """Connects as the sidecar would, asks, and leaves."""
    where = target.path if isinstance(target, SocketTarget) else f"ssh {target.host}"
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            terminal = await connect(target, Options(wezterm=settings.wezterm.command))
    except TimeoutError:
        step = "It may be busy or stopped; look at the window, or restart it."
        return [finding("error", f"{target.name} ({where}) does not answer within {CONNECT_WITHIN_S:g} s", step)]
    except WezTermError as error:
        return [finding("error", f"{target.name} ({where}): {error.message}", error.next_step)]
    try:
        taken_ms = []
        for _ in range(LATENCY_PINGS):
            began = time.perf_counter()
            panes = await terminal.list_panes()
            taken_ms.append((time.perf_counter() - began) * 1000)
        how = "by push" if terminal.codec is not None else "by polling `wezterm cli`"
        codec = "" if terminal.codec is None else f", codec {terminal.codec}"
        answer = sorted(taken_ms)[len(taken_ms) // 2]
        what = f"{target.name} ({where}): version {terminal.version or 'unknown'}{codec}, {how}"
        findings = [finding("ok", f"{what}, {len(panes)} panes, answers in {answer:.1f} ms")]
        if terminal.notice is not None:
            findings.append(finding("warning", f"{target.name}: {terminal.notice}", "Report the version named above."))
        if isinstance(target, SocketTarget):
            findings += await _cost(target.name, terminal, len(panes), (await wezterm).rows)
        return findings
    except WezTermError as error:
        return [finding("error", f"{target.name} ({where}): {error.message}", error.next_step)]
    finally:
        await terminal.close()


async def _cost(name: str, terminal: Terminal, panes: int, rows: int | None) -> list[Finding]:
    """At most: what each pane holds is not asked for, and is told by the sidecar where one watches."""
    try:
        clients = len(await terminal.clients())
    except WezTermError:
        return []
    cost = None if rows is None else cost_finding(name, [rows] * panes, clients=clients)
    return [] if cost is None else [cost]


def _unusable(candidate: Candidate) -> Finding | None:
    name = f"{candidate.name} ({candidate.path})"
    if candidate.same_as is not None:
        return finding("ok", f"{name} is the server of {candidate.same_as}: watched once")
    if candidate.outcome is Outcome.LIVE:
        return None
    if candidate.outcome is Outcome.STALE and not candidate.explicit:
        return finding("note", f"{name}: {candidate.detail}", None)
    level: Level = "error" if candidate.explicit else "warning"
    steps = {
        Outcome.MISSING: "Correct the path, or start that multiplexer.",
        Outcome.STALE: "Start that multiplexer.",
        Outcome.DENIED: "It must belong to you: look with `ls -l`.",
        Outcome.BUSY: "It hangs or is starved: look at the window, or restart it.",
        Outcome.NOT_A_SOCKET: "Correct the path.",
        Outcome.TOO_LONG: "Move the socket to a shorter path (107 bytes at most).",
    }
    return finding(level, f"{name}: {candidate.detail}", steps.get(candidate.outcome, "Look at that path."))


async def _executable(found: Discovery) -> Finding:
    if found.executable is None:
        what = "the `wezterm` command is not on PATH: there is no way round where the protocol cannot be spoken"
        return finding("note", what, INSTALL)
    argv = found.executable.argv
    try:
        version = await read_version(argv)
    except WezTermError as error:
        return finding("warning", f"`{' '.join(argv)}` ({found.executable.found_by}): {error.message}", error.next_step)
    return finding("ok", f"`{' '.join(argv)}` ({found.executable.found_by}) is version {version}")
