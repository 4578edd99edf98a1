"""Every trace of wa taken out, newest first; what is the user's own data is named, and goes only where they say so."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wa.api import hooks as agent_hooks
from wa.api.client import connected_if_any
from wa.api.stop import stop_sidecar
from wa.config.paths import Paths
from wa.model.errors import ConfigError, WaError
from wa.model.hook import AgentHooks
from wa.protocol.results_hooks import HookFileResult
from wa.protocol.results_setup import LeftResult, PlanResult, UninstallResult
from wa.provision import applying, handmade, undoing
from wa.provision.hook_files import Place
from wa.provision.journal import Journal, house_of, journals, unreadable
from wa.provision.plan import FileChange, Plan
from wa.provision.plan_lock import held, sweep
from wa.provision.shown import result_of
from wa.provision.undoing import OnHost


async def look(paths: Paths, *, hosts: bool = False, purge: bool = False) -> UninstallResult:
    """What `uninstall` would do."""
    notes = _lost(paths)
    known = _chosen(paths, hosts, notes)
    after: undoing.Later = {}
    plans = [undoing.preview_of(one, after) for one in reversed(known)]
    plan = _by_hand(paths, known)
    if plan.changes or plan.notes:
        plans.append(result_of(plan))
    try:
        async with connected_if_any(paths.socket) as sidecar:
            pid = None if sidecar is None else int(sidecar.hello["pid"])
    except WaError as error:
        pid = None
        notes.append(f"{error.message}. {error.next_step}")
    return UninstallResult(
        done=False,
        plans=plans,
        hooks=[one for plan in await _hook_plans(paths, notes) for one in plan.result(done=False)["files"]],
        sidecar=pid,
        left=_left(paths),
        removed=[one["path"] for one in _left(paths)] if purge else [],
        notes=[*notes, *_package()],
    )


async def uninstall(
    paths: Paths, *, hosts: bool = False, purge: bool = False, on_host: OnHost | None = None
) -> UninstallResult:
    """What goes wrong with one thing is told among the notes, and does not stop the others.

    *hosts*: also the plans of other machines, by *on_host*. *purge*: database, settings and logs too.
    """
    notes = _lost(paths)
    plans = list[PlanResult]()
    for journal in reversed(_chosen(paths, hosts, notes)):
        try:
            plans += (await undoing.undo(paths, journal.id, on_host=on_host))["plans"]
        except WaError as error:
            plans.append(result_of(journal.plan, journal.state, plan_id=journal.id, diffs=False))
            notes.append(f"`wa {journal.plan.command}` ({journal.id}): {error.message}. {error.next_step}")
    sweep(paths)
    taken = list[HookFileResult]()
    for plan in await _hook_plans(paths, notes):
        try:
            taken += plan.perform()["files"]
        except WaError as error:
            notes.append(f"{error.message}. {error.next_step}")
    plans += await _take_out_by_hand(paths, notes)
    pid = None
    try:
        async with connected_if_any(paths.socket) as sidecar:
            is_there = sidecar is not None
        pid = (await stop_sidecar(paths))["pid"] if is_there else None
    except WaError as error:
        notes.append(f"{error.message}. {error.next_step}")
        is_there = True
    is_clear = not (is_there and pid is None)
    if is_clear:
        _drop_working_files(paths)
    removed = list[str]()
    if purge and not is_clear:
        notes.append("The sidecar still runs: nothing of the data was removed.")
    elif purge:
        removed = _purge(paths, notes)
    return UninstallResult(
        done=True,
        plans=plans,
        hooks=taken,
        sidecar=pid,
        left=_left(paths),
        removed=removed,
        notes=[*notes, *_package()],
    )


def is_whole(result: UninstallResult) -> bool:
    """Nothing was left alone that should have gone."""
    return not any(change["state"] in ("conflict", "failed") for plan in result["plans"] for change in plan["changes"])


# -- plans, and what was put in by hand -----------------------------------------------------------------------------------


def _chosen(paths: Paths, hosts: bool, notes: list[str]) -> list[Journal]:
    known = journals(paths)
    there = [one for one in known if one.plan.machine is not None]
    if there and not hosts:
        names = ", ".join(sorted({str(one.plan.machine) for one in there}))
        notes.append(f"What wa put on {names} stays there; `wa uninstall --hosts` takes it back too.")
    return [one for one in known if hosts or one.plan.machine is None]


def _lost(paths: Paths) -> list[str]:
    return [f"{error.message}. {error.next_step}" for error in unreadable(paths).values()]


def _by_hand(paths: Paths, standing: list[Journal]) -> Plan:
    try:
        program = agent_hooks.caller_of().program
    except ConfigError:
        program = None
    held_by_plans = {
        Path(change.path)
        for one in standing
        if one.plan.machine is None
        for change in one.plan.changes
        if isinstance(change, FileChange)
    }
    return handmade.plan_removal(paths, os.environ, program, held_by_plans)


async def _take_out_by_hand(paths: Paths, notes: list[str]) -> list[PlanResult]:
    plan = _by_hand(paths, journals(paths))
    if not plan.changes and not plan.notes:
        return []
    try:
        result = await applying.apply(plan, paths)
    except WaError as error:
        notes.append(f"{error.message}. {error.next_step}")
        return [result_of(plan)]
    handmade.drop_folders(plan)
    if result["id"] is not None:
        # Who takes wa out has no use for a way back in.
        with held(paths, "uninstall"):
            for journal in journals(paths):
                if journal.id == result["id"]:
                    journal.drop()
    result["id"] = None
    return [result]


# -- hooks ----------------------------------------------------------------------------------------------------------------


async def _hook_plans(paths: Paths, notes: list[str]) -> list[agent_hooks.Plan]:
    """One an agent: a settings file that cannot be understood does not keep the others."""
    found = []
    for name in [one.agent for one in agent_hooks.known_hooks(paths)]:
        try:
            plan = await agent_hooks.plan_uninstall(paths, [name], project=False)
        except WaError as error:
            notes.append(f"{error.message}. {error.next_step}")
            continue
        if not plan.is_empty:
            found.append(plan)
    for place in _project_places(paths):
        try:
            plan = agent_hooks.plan_uninstall_at(paths, [place])
        except WaError as error:
            notes.append(f"{error.message}. {error.next_step}")
            continue
        if not plan.is_empty:
            found.append(plan)
    return found


def _project_places(paths: Paths) -> Iterator[Place]:
    """Settings of project folders, as the records of their changes name them."""
    known = agent_hooks.known_hooks(paths)
    for record in sorted((paths.data / "hooks").glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            path = Path(str(json.loads(record.read_bytes())["path"]))
            hooks = next((one for one in known if _is_project_file(path, one)), None)
            if hooks is not None:
                yield Place(hooks, path, is_notify=False)


def _is_project_file(path: Path, hooks: AgentHooks) -> bool:
    wanted = Path(hooks.folder) / hooks.project_file
    is_of_user = path.parent == Path.home() / hooks.folder and hooks.project_file == hooks.user_file
    return path.parts[-len(wanted.parts) :] == wanted.parts and not is_of_user


# -- what is the user's ---------------------------------------------------------------------------------------------------


def _left(paths: Paths) -> list[LeftResult]:
    words = {
        paths.data: "the database: everything that panes printed",
        paths.config: "your settings, rules and workflows",
        paths.state: "logs, and what waits for a sidecar",
    }
    own = (house_of(paths), paths.data / "hooks", paths.runtime)
    found = []
    for folder, what in words.items():
        sizes = list(_sizes(folder, own))
        if sizes:
            command = ["rm", "-r", "--", str(folder)]
            found.append(LeftResult(path=str(folder), what=what, bytes=sum(sizes), command=command))
    return found


def _sizes(folder: Path, without: tuple[Path, ...]) -> Iterator[int]:
    """Of its files, but for those that go with what they are kept for."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if Path(root) / name not in without]
        for name in names:
            with suppress(OSError):
                yield (Path(root) / name).lstat().st_size


def _drop_working_files(paths: Paths) -> None:
    """Sockets, locks and control connections: nobody's data."""
    for folder in dict.fromkeys([paths.runtime, paths.socket.parent]):
        if _is_own(folder, paths):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in (paths.data / "hooks", paths.data, paths.state, paths.config):
        # What is empty is nobody's.
        with suppress(OSError):
            folder.rmdir()
    _drop_root(paths)


def _drop_root(paths: Paths) -> None:
    """`WA_HOME`, once nothing is in it."""
    if paths.data.parent == paths.config.parent:
        with suppress(OSError):
            paths.data.parent.rmdir()


def _purge(paths: Paths, notes: list[str]) -> list[str]:
    removed = []
    for folder in (paths.data, paths.config, paths.state):
        if not folder.exists() and not folder.is_symlink():
            continue
        if folder == paths.data and (standing := journals(paths)):
            names = ", ".join(one.id for one in standing)
            notes.append(f"{folder} stays: it holds the way back of plans that still stand ({names}).")
            continue
        if not _is_own(folder, paths):
            notes.append(f"{folder} stays: other things than wa's may be in it. Look, then remove it by hand.")
            continue
        try:
            shutil.rmtree(folder)
        except OSError as error:
            notes.append(f"{folder} cannot be removed: {error.strerror or error}.")
        else:
            removed.append(str(folder))
    _drop_root(paths)
    return removed


def _is_own(folder: Path, paths: Paths) -> bool:
    """It is wa's alone: by its name, or as one of the four that `WA_HOME` holds and nothing beside them."""
    try:
        known = folder.lstat()
        if not stat.S_ISDIR(known.st_mode) or known.st_uid != os.geteuid():
            return False
        if folder.name == "wa" or folder == paths.runtime or folder.name.startswith("wa-"):
            return True
        own = {one.name for one in (paths.config, paths.data, paths.state, paths.runtime)}
        return {one.name for one in folder.parent.iterdir()} <= own
    except OSError:
        return False


def _package() -> list[str]:
    import sys

    prefix = Path(sys.prefix).parts
    if "pipx" in prefix:
        command = "pipx uninstall wezterm-automata"
    elif "uv" in prefix and "tools" in prefix:
        command = "uv tool uninstall wezterm-automata"
    else:
        command = f"{sys.executable} -m pip uninstall wezterm-automata"
    return [f"wa itself is still installed. To remove it: {command}"]
