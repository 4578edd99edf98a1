"""Hooks of agents: into their settings, out again, how they stand, and whether they arrive."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from wa.agents.loader import Agents
from wa.api.client import connected
from wa.config.paths import Paths
from wa.model.errors import ConfigError, NotFound, UsageError, WaError
from wa.model.hook import TESTED, AgentHooks
from wa.protocol.results_hooks import (
    HookFileResult,
    HooksResult,
    HooksStatusResult,
    HookStatusResult,
    HooksTestResult,
    HookTestResult,
)
from wa.provision import hook_diff, hook_edits, hook_files
from wa.provision.hook_files import Change, Place, Records
from wa.provision.hook_lines import Caller
from wa.sources.session_homes import Homes

VERSION_WITHIN_S = 20.0
TEST_WITHIN_S = 5.0
_VERSION = re.compile(rb"\d+\.\d+\.\d+")


class Plan:
    """What would be done; nothing is, until `perform`."""

    def __init__(
        self, records: Records, changes: list[Change], versions: Mapping[str, str | None], install: bool
    ) -> None:
        self._records = records
        self._install = install
        self.changes = changes
        self.versions = versions

    @property
    def is_empty(self) -> bool:
        return not any(change.is_one for change in self.changes)

    def result(self, *, done: bool) -> HooksResult:
        return HooksResult(
            done=done,
            files=[
                HookFileResult(
                    agent=change.place.hooks.agent,
                    version=self.versions.get(change.place.hooks.agent),
                    path=str(change.place.path),
                    changed=change.is_one,
                    diff=hook_diff.shown_diff(change.before, change.after, str(change.place.path)),
                )
                for change in self.changes
            ],
            notes=self._notes(),
        )

    def _notes(self) -> list[str]:
        hooks = {change.place.hooks.agent: change.place.hooks for change in self.changes if change.is_one}
        return [f"{one.agent}: {one.trust}" for one in hooks.values() if one.trust and self._install]

    def perform(self) -> HooksResult:
        """Raises Refused or ConfigError; what was done before that stays done, and can be undone."""
        result = self.result(done=True)
        for change in self.changes:
            if change.is_one:
                hook_files.perform(change, self._records, install=self._install)
            elif not self._install and change.before is None:
                self._records.drop(change.place.path)
        return result


async def plan_install(paths: Paths, agents: list[str], *, project: bool) -> Plan:
    """For the agents named, else for those that are there. Raises ConfigError with file and line, NotFound."""
    chosen = _chosen(paths, agents)
    caller = caller_of()
    async with asyncio.TaskGroup() as group:
        looks = {one.agent: group.create_task(asyncio.to_thread(version_of, one)) for one in chosen}
    versions = {agent: look.result() for agent, look in looks.items()}
    places = [place for one in chosen for place in _places(one, project=project)]
    changes = [hook_files.to_install(place, caller, versions[place.hooks.agent]) for place in places]
    return Plan(_records(paths), changes, versions, install=True)


async def plan_uninstall(paths: Paths, agents: list[str], *, project: bool) -> Plan:
    """Raises ConfigError with file and line."""
    chosen = [_hooks(paths)[name] for name in agents] if (agents := _names(paths, agents)) else _hooks(paths).values()
    return plan_uninstall_at(paths, [place for one in chosen for place in _places(one, project=project)])


def plan_uninstall_at(paths: Paths, places: list[Place]) -> Plan:
    """Of those files alone. Raises ConfigError with file and line."""
    records = _records(paths)
    return Plan(records, [hook_files.to_uninstall(place, records) for place in places], {}, install=False)


def known_hooks(paths: Paths) -> list[AgentHooks]:
    return list(_hooks(paths).values())


async def hooks_status(paths: Paths, agents: list[str], *, project: bool) -> HooksStatusResult:
    """What stands in the files, and what the sidecar has taken."""
    names = _names(paths, agents)
    shown = [
        _status(place)
        for one in _hooks(paths).values()
        if not names or one.agent in names
        for place in _places(one, project=project)
    ]
    try:
        async with connected(paths.socket) as sidecar:
            said = await sidecar.call("hooks")
    except WaError:
        said = None
    return HooksStatusResult(
        files=shown,
        live=said is not None,
        taken=0 if said is None else int(said["taken"]),
        dropped={} if said is None else dict(said["dropped"]),
    )


async def hooks_test(paths: Paths, agents: list[str]) -> HooksTestResult:
    """Calls what the settings call, with an event that says nothing, and looks whether it has arrived."""
    names = _names(paths, agents)
    tested = []
    for one in _hooks(paths).values():
        programs = {
            program
            for project in (False, True)
            for place in _places(one, project=project)
            for program in _programs(place)
        }
        if not programs and one.agent in names:
            raise NotFound(f"no hooks of {one.agent} are installed", next_step=f"wa hooks install --agent {one.agent}")
        tested += [await _test(paths, one.agent, program) for program in sorted(programs)]
    if not tested:
        raise NotFound("no hooks are installed", next_step="wa hooks install")
    return HooksTestResult(tests=tested)


async def _test(paths: Paths, agent: str, program: str) -> HookTestResult:
    started = time.perf_counter()
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "hook",
            agent,
            TESTED,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(TEST_WITHIN_S):
            printed, _ = await process.communicate()
    except (OSError, TimeoutError) as error:
        return HookTestResult(
            agent=agent, program=program, ms=None, silent=False, arrived=False, trouble=f"{error or 'no answer'}"
        )
    took_ms = (time.perf_counter() - started) * 1000
    try:
        async with connected(paths.socket) as sidecar:
            arrived = int((await sidecar.call("hooks"))["tested"].get(agent, 0)) > 0
        trouble = None if arrived else "the sidecar has not heard of it"
    except WaError as error:
        arrived, trouble = False, f"{error.message}: what hooks tell waits in {paths.state / 'spool'}"
    silent = not printed and process.returncode == 0
    if not silent:
        trouble = f"it must print nothing and leave with 0, not {process.returncode}"
    return HookTestResult(
        agent=agent, program=program, ms=round(took_ms, 1), silent=silent, arrived=arrived, trouble=trouble
    )


# -- which files, which agents --------------------------------------------------------------------------------------------


def caller_of(env: Mapping[str, str] | None = None) -> Caller:
    """The very installation of wa that runs, by its absolute path. Raises ConfigError."""
    env = os.environ if env is None else env
    beside = Path(sys.executable).with_name("wa")
    program = str(beside) if beside.exists() else shutil.which("wa")
    if program is None:
        raise ConfigError(
            "the `wa` command is not found: hooks could not call it", next_step="Install wa, so that `wa` is on PATH."
        )
    home = env.get("WA_HOME")
    return Caller(os.path.abspath(program), {} if not home else {"WA_HOME": os.path.abspath(os.path.expanduser(home))})  # noqa: PTH100, PTH111 - a link stays


def version_of(hooks: AgentHooks) -> str | None:
    """Of its program on PATH; None where there is none, or it does not say."""
    found = shutil.which(hooks.command)
    if found is None:
        return None
    program = Path(found).resolve()
    return _packaged(program, hooks.command) or _asked(program)


def _packaged(program: Path, command: str) -> str | None:
    """As its npm package says, or the folder that an installer named for it: to ask some programs takes seconds and leaves files."""
    for folder in list(program.parents)[:4]:
        with suppress(OSError, ValueError, AttributeError):
            package = json.loads((folder / "package.json").read_bytes())
            if command in package["bin"] if isinstance(package.get("bin"), dict) else False:
                return _version_in(str(package["version"]).encode())
    return _version_in(program.name.encode())


def _asked(program: Path) -> str | None:
    with tempfile.TemporaryDirectory(prefix="wa-") as home:
        env = {"PATH": os.environ.get("PATH", ""), "HOME": home, "TMPDIR": home}
        try:
            done = subprocess.run(
                [program, "--version"],
                capture_output=True,
                timeout=VERSION_WITHIN_S,
                stdin=subprocess.DEVNULL,
                check=False,
                env=env,
                cwd=home,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return _version_in(done.stdout)


def _version_in(text: bytes) -> str | None:
    found = _VERSION.search(text)
    return None if found is None else found[0].decode()


def _hooks(paths: Paths) -> dict[str, AgentHooks]:
    return Agents(paths.config / "agents").hooks


def _names(paths: Paths, words: list[str]) -> list[str]:
    agents = Agents(paths.config / "agents")
    names = []
    for word in words:
        name = agents.name_of(word)
        if name is None or name not in agents.hooks:
            known = ", ".join(sorted(agents.hooks))
            raise UsageError(f"wa knows no hooks of {word!r}", next_step=f"There are those of {known}.")
        names.append(name)
    return names


def _chosen(paths: Paths, agents: list[str]) -> list[AgentHooks]:
    """Those that are named, else those that are there: by program or by folder."""
    known, names = _hooks(paths), _names(paths, agents)
    if names:
        return [known[name] for name in names]
    there = [one for one in known.values() if shutil.which(one.command) or _home(one).is_dir()]
    if not there:
        raise NotFound(
            "none of the agents whose hooks wa knows is here", next_step=f"Name one: --agent {next(iter(known))}"
        )
    return there


def _home(hooks: AgentHooks) -> Path:
    homes = Homes.from_env(os.environ)
    return {"claude_code": homes.claude, "codex": homes.codex, "gemini": homes.gemini}.get(
        hooks.agent, Path.home() / hooks.folder
    )


def _places(hooks: AgentHooks, *, project: bool) -> Iterator[Place]:
    if project:
        yield Place(hooks, Path.cwd() / hooks.folder / hooks.project_file, is_notify=False)
        return
    yield Place(hooks, _home(hooks) / hooks.user_file, is_notify=False)
    if hooks.notify_file is not None:
        yield Place(hooks, _home(hooks) / hooks.notify_file, is_notify=True)


def _records(paths: Paths) -> Records:
    return Records(paths.data / "hooks")


def _status(place: Place) -> HookStatusResult:
    path = place.path
    try:
        text, events = hook_files.text_of(path) or "", list[str]()
        if place.is_notify:
            events = ["notify"] if hook_files.understood(path, lambda: hook_edits.has_notify(text)) else []
        else:
            events = hook_files.understood(path, lambda: hook_edits.installed(text, place.hooks))
        trouble = None
        gone = [program for program in _programs(place) if not os.access(program, os.X_OK)]
        if gone:
            trouble = f"{gone[0]} is not there any more: `wa hooks install` puts in the present one"
    except ConfigError as error:
        events, trouble = [], error.message
    return HookStatusResult(agent=place.hooks.agent, path=str(path), events=events, trouble=trouble)


def _programs(place: Place) -> set[str]:
    try:
        text = hook_files.text_of(place.path)
        if text is None:
            return set()
        if place.is_notify:
            return hook_files.understood(place.path, lambda: hook_edits.notify_programs(text))
        return hook_files.understood(place.path, lambda: hook_edits.programs(text, place.hooks))
    except ConfigError:
        return set()
