"""Programs that a plan runs, and services that it switches on: made, asked for, and taken back."""

from __future__ import annotations

import os
import shlex
from collections.abc import Awaitable, Callable, Sequence

from wa.provision.journal import Facts, Outcome
from wa.provision.plan import ChangeState, EnableUnit, RunCommand
from wa.wezterm import processes
from wa.wezterm.processes import Completed

Run = Callable[[Sequence[str], float], Awaitable[Completed]]
"""The words of a program and the seconds that it may take. Raises OSError or TimeoutError."""

UNIT_WITHIN_S = 60.0
_WORDS = 300
"""Of what a program said, that an error repeats."""


async def run(argv: Sequence[str], within_s: float) -> Completed:
    return await processes.run(argv, timeout_s=within_s)


class Failed(Exception):
    """Why, for the sentence that tells which change failed."""


async def perform(argv: Sequence[str], within_s: float, run: Run) -> Completed:
    """Raises Failed unless it ends with 0."""
    name = shlex.join(argv)
    try:
        done = await run(argv, within_s)
    except TimeoutError:
        raise Failed(f"`{name}` did not end within {within_s:g} s") from None
    except OSError as error:
        raise Failed(f"`{name}` cannot be started: {error.strerror or error}") from None
    if done.status != 0:
        said = " ".join((done.stderr.strip() or done.stdout.strip()).decode("utf-8", "replace").split())
        raise Failed(f"`{name}` ended with {done.status}" + (f": {said[-_WORDS:]}" if said else ""))
    return done


async def holds(change: RunCommand, run: Run) -> bool:
    """False where there is no way to ask."""
    if not change.holds:
        return False
    try:
        await perform(change.holds, change.within_s, run)
    except Failed:
        return False
    return True


async def run_command(change: RunCommand, run: Run) -> None:
    """Raises Failed where it fails, or where what it should have made is not so afterwards."""
    await perform(change.argv, change.within_s, run)
    if change.holds and not await holds(change, run):
        raise Failed(f"`{shlex.join(change.argv)}` ended well, but `{shlex.join(change.holds)}` says it is not so")


async def take_back_command(change: RunCommand, run: Run) -> Outcome:
    if not change.undo:
        return Outcome(
            ChangeState.UNDONE,
            f"wa knows no way back from `{shlex.join(change.argv)}`: what it did stays",
            "Take it back by hand where you want that.",
        )
    if change.holds and not await holds(change, run):
        return Outcome(ChangeState.UNDONE)
    try:
        await perform(change.undo, change.within_s, run)
    except Failed as error:
        return Outcome(ChangeState.CONFLICT, str(error), f"Run it by hand: {shlex.join(change.undo)}")
    return Outcome(ChangeState.UNDONE)


# -- units ----------------------------------------------------------------------------------------------------------------


class Unit:
    """One service of the user's own manager."""

    def __init__(self, change: EnableUnit, run: Run) -> None:
        self._change = change
        self._run = run

    async def is_enabled(self) -> bool:
        if self._change.manager == "launchd":
            # A file in LaunchAgents is enabled unless somebody said otherwise.
            found = await self._asked("launchctl", "print-disabled", self._domain)
            said = (b"" if found is None else found.stdout).decode("utf-8", "replace")
            return not any(
                f'"{self._change.name}"' in line and line.rstrip().endswith(("disabled", "true"))
                for line in said.splitlines()
            )
        # It tells by its status too, but that is 0 for other words than these (systemctl(1), 257).
        found = await self._asked("systemctl", "--user", "is-enabled", self._change.name)
        return found is not None and found.stdout.strip() in (b"enabled", b"enabled-runtime")

    async def is_active(self) -> bool:
        if self._change.manager == "launchd":
            found = await self._asked("launchctl", "print", self._service)
        else:
            found = await self._asked("systemctl", "--user", "is-active", self._change.name)
        return found is not None and found.status == 0

    async def holds(self) -> bool:
        return await self.is_enabled() and (not self._change.start or await self.is_active())

    async def switch_on(self) -> None:
        """Never starts anew what runs. Raises Failed."""
        change = self._change
        if change.manager == "launchd":
            await self._perform("launchctl", "enable", self._service)
            if change.start and not await self.is_active():
                await self._perform("launchctl", "bootstrap", self._domain, str(change.path))
            return
        await self.reload()
        await self._perform("systemctl", "--user", "enable", change.name)
        if change.start and not await self.is_active():
            await self._perform("systemctl", "--user", "start", change.name)

    async def reload(self) -> None:
        """The manager reads its files again. Raises Failed."""
        if self._change.manager == "systemd":
            await self._perform("systemctl", "--user", "daemon-reload")

    async def switch_back(self, *, was_enabled: bool, was_active: bool) -> str | None:
        """To what it was; what of it runs on, where it must. Raises Failed."""
        change, runs_on = self._change, None
        if not was_active and await self.is_active():
            if not change.undo_stops:
                runs_on = f"{change.name} runs on, for what runs in it is yours: wa did not stop it"
            elif change.manager == "launchd":
                await self._perform("launchctl", "bootout", self._service)
            else:
                await self._perform("systemctl", "--user", "stop", change.name)
        # A launch agent is what its file is: without a file there is none.
        if change.manager == "systemd" and not was_enabled and await self.is_enabled():
            await self._perform("systemctl", "--user", "disable", change.name)
        if change.manager == "launchd" and not was_enabled:
            await self._perform("launchctl", "disable", self._service)
        return runs_on

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    @property
    def _service(self) -> str:
        return f"{self._domain}/{self._change.name}"

    async def _asked(self, *argv: str) -> Completed | None:
        try:
            return await self._run(argv, UNIT_WITHIN_S)
        except (OSError, TimeoutError):
            return None

    async def _perform(self, *argv: str) -> None:
        await perform(argv, UNIT_WITHIN_S, self._run)


async def take_back_unit(change: EnableUnit, facts: Facts, run: Run) -> Outcome:
    unit = Unit(change, run)
    try:
        left = await unit.switch_back(
            was_enabled=facts.text("was_enabled") == "1", was_active=facts.text("was_active") == "1"
        )
    except Failed as error:
        return Outcome(ChangeState.CONFLICT, str(error), f"Look at it: {status_of(change)}")
    return Outcome(ChangeState.UNDONE, left, None if left is None else f"See it: {status_of(change)}")


def status_of(change: EnableUnit) -> str:
    if change.manager == "launchd":
        return f"launchctl print gui/{os.getuid()}/{change.name}"
    return f"systemctl --user status {change.name}"
