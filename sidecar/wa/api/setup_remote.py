"""`wa setup remote`: hosts looked at side by side, set up by plans, and looked at again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wa.config.paths import Paths
from wa.config.settings import Settings
from wa.model.errors import NotFound, TerminalUnreachable, WaError, WezTermError
from wa.model.host import FoundHost
from wa.protocol.results_setup import HostResult, HostsResult, PlanResult
from wa.provision.hosts import HostsFound, look_for_hosts
from wa.provision.journal import house_of, journal_of, new_id
from wa.provision.plan_lock import held
from wa.provision.remote import RemoteMachine
from wa.provision.remote_hosts import (
    Circumstances,
    Here,
    Prospect,
    look_at,
    set_up,
    side_by_side,
    survey,
    take_back,
)
from wa.provision.wheels import cache_folder
from wa.wezterm import codec
from wa.wezterm.discovery import discover
from wa.wezterm.executable import find_executable, read_version
from wa.wezterm.ssh import ssh_words
from wa.wezterm.targets import SshTarget

Told = Callable[[HostResult], None]

SURVEY_S = 8.0
MOST_SURVEYED = 32
"""Beyond, a menu is read by its names and addresses."""


@dataclass(frozen=True, slots=True)
class RemoteWish:
    with_wa: bool = True
    look_s: float = 60.0
    apply_s: float = 900.0


async def find(wanted: Sequence[str] | None, env: Mapping[str, str] | None = None) -> HostsFound:
    """The hosts that the user's files name. *wanted*: only these, found or not. Raises TerminalUnreachable."""
    env = os.environ if env is None else env
    return await look_for_hosts(Path(env.get("HOME") or Path.home()), env, None, wanted)


class RemoteSetup:
    """Of some hosts: `look`, then `make`, then `leave` in every case."""

    def __init__(self, paths: Paths, hosts: Sequence[FoundHost], wish: RemoteWish) -> None:
        self._paths = paths
        self._hosts = hosts
        self._wish = wish
        self._given: Circumstances | None = None
        self._prospects: list[Prospect] = []

    async def look(self, told: Told) -> HostsResult:
        """What holds on each, and what would be done. Nothing is changed. Raises NotFound where there are no hosts."""
        if not self._hosts:
            raise NotFound("no hosts to set up", next_step="Name them: wa setup remote HOST, or --remotes a,b.")
        given = self._given = await _circumstances(self._paths, self._wish)
        taken: set[str] = set()
        for host in self._hosts:
            while (plan_id := new_id(house_of(self._paths))) in taken:
                pass
            taken.add(plan_id)
            self._prospects.append(Prospect(host, plan_id))
        await side_by_side(self._prospects, lambda one: look_at(one, given), lambda one: told(one.result(given.here)))
        return self.result()

    @property
    def is_to_do(self) -> bool:
        return any(one.is_to_do for one in self._prospects)

    async def make(self, told: Told) -> HostsResult:
        """Every plan, on its host. Raises Refused where another wa sets up, ConfigError where no journal can be kept."""
        given = self._given
        assert given is not None, "look first"
        waiting = [one for one in self._prospects if one.is_to_do]
        with held(self._paths, "setup remote") as house:
            await side_by_side(waiting, lambda one: set_up(one, given, house), lambda one: told(one.result(given.here)))
        return self.result()

    def result(self) -> HostsResult:
        assert self._given is not None
        here = self._given.here
        return HostsResult(here=here.title, hosts=[one.result(here) for one in self._prospects], notes=[])

    async def leave(self) -> None:
        """End the connections that are wa's own."""
        for one in self._prospects:
            if one.machine is not None:
                await one.machine.leave()


async def survey_hosts(paths: Paths, hosts: Sequence[FoundHost]) -> dict[str, HostResult]:
    """What holds on each, by its `name`, before anybody picks some. Nothing is changed, and nothing planned.

    Not asked: those that known_hosts alone names (places that keep code are among them), and what comes behind the
    first `MOST_SURVEYED`.
    """
    given = await _circumstances(paths, RemoteWish(with_wa=False, look_s=SURVEY_S))
    asked = [one for one in hosts if one.is_usable and tuple(one.found_in) != ("known_hosts",)][:MOST_SURVEYED]
    prospects = [Prospect(one, "") for one in asked]

    async def ask(one: Prospect) -> None:
        try:
            async with asyncio.timeout(SURVEY_S):
                await survey(one, given)
        except TimeoutError:
            raise TerminalUnreachable(f"no answer within {SURVEY_S:g} s") from None

    try:
        await side_by_side(prospects, ask, lambda _: None)
    finally:
        for one in prospects:
            if one.machine is not None:
                await asyncio.shield(one.machine.leave())
    return {one.host.name: one.result(given.here) for one in prospects}


async def _circumstances(paths: Paths, wish: RemoteWish) -> Circumstances:
    return Circumstances(
        here=await here_wezterm(paths),
        cache=cache_folder(),
        house=house_of(paths),
        with_wa=wish.with_wa,
        look_s=wish.look_s,
        apply_s=wish.apply_s,
    )


async def undo_there(paths: Paths, host: str, plan_id: str) -> PlanResult:
    """Takes back a plan on *host*. Raises WaError."""
    journal = journal_of(paths, plan_id)
    known = (await find([host])).hosts
    if not known or not known[0].is_usable:
        raise WaError(f"{host} cannot be reached any more", next_step="Add it to ~/.ssh/config again.")
    target = SshTarget(known[0].name, ssh=(*ssh_words(), *known[0].options))
    machine = await RemoteMachine.reach(target)
    try:
        return await take_back(machine, journal)
    finally:
        await machine.leave()


async def here_wezterm(paths: Paths) -> Here:
    """Version and codec of this machine's; by its server where the version does not tell."""
    with suppress(WaError, WezTermError):
        configured = Settings.load(paths.config_file).wezterm.command
        found = find_executable(configured)
        if found is None:
            return Here(None, None)
        version = await read_version(found.argv)
        known = codec.codec_of(version)
        for target in (await discover(wezterm=configured)).targets if known is None else ():
            with suppress(WezTermError, OSError):
                known = await codec.ask_socket(Path(target.path))
                break
        return Here(version, known)
    return Here(None, None)
