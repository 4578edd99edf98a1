"""The hosts that were set up from here, asked over ssh: does each have this wa?"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from shlex import join

from wa import __version__
from wa.api.doctor_findings import finding
from wa.config.paths import Paths
from wa.model.errors import StoreError, WaError
from wa.protocol.results import FixableFinding
from wa.provision.journal import journals
from wa.provision.plan import PlanState
from wa.wezterm.processes import run
from wa.wezterm.ssh import explain, open_session, ssh_words
from wa.wezterm.targets import SshTarget

WITHIN_S = 20.0
AT_ONCE = 8
ASK = (
    "sh -c '"
    'PATH="$HOME/.local/bin:$HOME/.local/share/wa/venv/bin:$PATH"; export PATH; '
    'command -v wa >/dev/null 2>&1 || { echo "<wa:none>"; exit 0; }; '
    'echo "<wa:$(wa --version 2>&1 </dev/null | tail -n 1)>"'
    "'"
)
"""For whatever shell the user has there; what start-up files print around its answer is passed over."""
_SAID = re.compile(r"<wa:(?:(none)|wa (\d+(?:\.\d+)*)\S*|([^>\n]*))>")


async def host_findings(paths: Paths, ssh: Sequence[str] | None = None) -> list[FixableFinding]:
    """Side by side, each within its time."""
    try:
        known = [one for one in journals(paths) if one.plan.machine is not None and one.state is PlanState.FINISHED]
    except StoreError:
        return []
    hosts = sorted({one.plan.machine for one in known if one.plan.machine is not None})
    if not hosts:
        return [finding("note", "no host was set up from here", "`wa setup remote` does it.")]
    few = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_ask(host, paths, tuple(ssh or ssh_words()), few)) for host in hosts]
    return [one.result() for one in asked]


async def _ask(host: str, paths: Paths, ssh: tuple[str, ...], few: asyncio.Semaphore) -> FixableFinding:
    async with few:
        try:
            session = await open_session(SshTarget(host, ssh=ssh), paths.runtime)
            done = await run(session.argv(ASK), timeout_s=WITHIN_S)
        except TimeoutError:
            return finding(
                "warning", f"{host} does not answer within {WITHIN_S:g} s", f"Try `ssh {host} true` by hand."
            )
        except WaError as error:
            return finding("warning", f"{host}: {error.message}", error.next_step)
        except OSError as error:
            return finding("warning", f"{host}: ssh cannot be run: {error.strerror or error}", "Install OpenSSH.")
    said = _SAID.search(done.stdout.decode("utf-8", "replace"))
    if said is None:
        why = explain(host, done.status, done.stderr)
        return finding("warning", why.message, why.next_step)
    return _judged(host, *said.groups())


def _judged(host: str, none: str | None, version: str | None, other: str | None) -> FixableFinding:
    argv = ["wa", "setup", "remote", host]
    step = f"Run `{join(argv)}`: it brings this one there."
    if none is not None:
        return finding("warning", f"{host} has no wa", step, fix=argv)
    if version is None:
        return finding("error", f"{host}: its wa does not start: {other}", step, fix=argv)
    there, here = _numbers(version), _numbers(__version__)
    if there < here:
        return finding("warning", f"{host} has wa {version}, this is {__version__}", step, fix=argv)
    if there > here:
        return finding("note", f"{host} has wa {version}, newer than {__version__} here", "Upgrade wa here.")
    return finding("ok", f"{host} has wa {version}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d+", version)[:3])
