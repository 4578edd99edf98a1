"""What is in the way, found by looking: settings, sidecar, WezTerm, database, disk. Each trouble with its next step."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sqlite3
import time
from collections.abc import Awaitable
from pathlib import Path
from shlex import quote

from wa import __version__
from wa.act.builtin import BUILTINS
from wa.api.doctor_findings import LEVELS, finding
from wa.api.doctor_home import home_findings
from wa.api.doctor_hooks import hook_findings
from wa.api.doctor_hosts import host_findings
from wa.api.doctor_plans import plan_findings, rescue_findings
from wa.api.doctor_setup import setup_findings
from wa.api.doctor_terminals import watched
from wa.api.doctor_units import unit_findings
from wa.api.doctor_wezterm import Looked, look_at_wezterm
from wa.api.history import open_history
from wa.api.workflows import folder_of
from wa.config.paths import Paths
from wa.config.settings import Settings
from wa.engine.run_catalogue import Catalogue
from wa.model.errors import ConfigError, WaError
from wa.protocol.results import DoctorResult
from wa.protocol.results import FixableFinding as Finding
from wa.wezterm.executable import find_executable

LOW_DISK_BYTES = 1 << 30


async def examine(paths: Paths, *, hosts: bool = False) -> DoctorResult:
    """Works with and without a sidecar; fails for no reason of its own. *hosts*: asks those that were set up, too."""
    started = time.perf_counter()
    settings, trouble = _settings(paths)
    # What needs nothing of each other is looked at side by side; some of it waits for programs.
    async with asyncio.TaskGroup() as group:
        wezterm = group.create_task(_wezterm(paths, settings))
        parts = [
            group.create_task(_safely(what, part))
            for what, part in (
                ("its folders", asyncio.to_thread(home_findings, paths)),
                ("what was begun", asyncio.to_thread(plan_findings, paths)),
                ("rescues", asyncio.to_thread(rescue_findings, paths)),
                ("what runs", _running(paths, settings, wezterm)),
                ("what was set up", asyncio.to_thread(setup_findings, paths)),
                ("workflows", asyncio.to_thread(_workflow_files, paths)),
                ("the database", _database(paths)),
                ("the disk", asyncio.to_thread(_disk, paths)),
                ("hooks", hook_findings(paths)),
                *([("hosts", host_findings(paths))] if hosts else []),
            )
        ]
    findings = [_python(), trouble, *(one for part in parts for one in part.result())]
    return DoctorResult(
        version=__version__,
        findings=findings,
        worst=max((one["level"] for one in findings), key=LEVELS.index),
        fixes=[],
        elapsed_ms=(time.perf_counter() - started) * 1000,
    )


async def _safely(what: str, part: Awaitable[list[Finding]]) -> list[Finding]:
    """One part that fails must not hide the others."""
    try:
        return await part
    except Exception as error:
        told = f"the doctor could not look at {what}: {type(error).__name__}: {error}"
        return [finding("error", told, "This is a bug of wa: please report it.")]


async def _wezterm(paths: Paths, settings: Settings) -> Looked:
    try:
        found = find_executable(settings.wezterm.command)
    except ConfigError:
        # Told where the command is looked at.
        found = None
    try:
        return await look_at_wezterm(paths, os.environ, None if found is None else found.argv)
    except OSError as error:
        what = f"WezTerm's configuration cannot be looked at: {error}"
        return Looked([finding("error", what, "See who owns it, and its mode.")], None)


async def _running(paths: Paths, settings: Settings, wezterm: asyncio.Task[Looked]) -> list[Finding]:
    """Sidecar, multiplexers, WezTerm's configuration, services."""
    seen = await watched(paths, settings, wezterm)
    runs = any("the sidecar runs" in one["what"] for one in seen)
    services = await _safely("services", unit_findings(Path.home(), sidecar_runs=runs))
    return [*seen, *(await wezterm).findings, *services]


def _python() -> Finding:
    return finding("ok", f"wa {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")


def _settings(paths: Paths) -> tuple[Settings, Finding]:
    try:
        settings = Settings.load(paths.config_file)
    except ConfigError as error:
        return Settings.defaults(), finding("error", error.message, error.next_step)
    if not paths.config_file.exists():
        return settings, finding("ok", f"no {paths.config_file}: the defaults are in force")
    return settings, finding(
        "ok", f"{paths.config_file} sets {len(settings.origin)} settings, {len(settings.mux)} muxes"
    )


def _workflow_files(paths: Paths) -> list[Finding]:
    """As the sidecar reads them."""
    folder = folder_of(paths)
    catalogue = Catalogue(BUILTINS, folder)
    findings = []
    for trouble in catalogue.troubles:
        lint = f"wa workflow lint {quote(str(trouble.path))}"
        step = f"Mend the file: `{lint}` checks it. Until then what was last good of it stays in force."
        findings.append(finding("warning", f"workflow refused: {trouble}", step))
    own = [workflow.name for workflow in catalogue.workflows.values() if workflow.origin]
    if own:
        findings.insert(0, finding("ok", f"{folder} is good for {', '.join(own)}"))
    return findings


async def _database(paths: Paths) -> list[Finding]:
    try:
        async with open_history(paths) as history:
            if history is None:
                return [finding("note", f"no database yet at {paths.database}", "`wa watch` makes it.")]
            health = await history.health()
    except WaError as error:
        return [finding("error", error.message, error.next_step)]
    size = (health.bytes + health.wal_bytes) / 1e6
    facts = f"{health.rows:,} rows of {health.panes} panes, {health.gaps} gaps, {size:.1f} MB, schema {health.schema}"
    if health.trouble is not None:
        step = f"Run `wa stop`, keep a copy of {health.path}, and try `wa export --format db --output rescued.db`."
        return [finding("error", f"the database is damaged: {health.trouble}", step)]
    checked = "checked and sound" if health.checked else "not checked to the end in time"
    return [finding("ok", f"database {health.path}: {facts}; {checked}")]


def _disk(paths: Paths) -> list[Finding]:
    folder = next((one for one in (paths.data, *paths.data.parents) if one.exists()), None)
    if folder is None:
        return []
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK_BYTES:
        step = "Free some; wa goes on in memory up to a bound, and then records gaps."
        return [finding("warning", f"only {free / 1e6:.0f} MB are free at {folder}", step)]
    return []
