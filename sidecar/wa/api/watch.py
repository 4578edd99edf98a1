"""Starting the sidecar, in the foreground or on its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wa.config.paths import Paths
from wa.config.settings import MuxEntry, Settings, mux_entry
from wa.engine.daemon import Wish, start_detached
from wa.engine.sidecar import Sidecar, with_log_level
from wa.model.errors import ConfigError, TerminalUnreachable, UsageError
from wa.protocol.results import WatchResult
from wa.wezterm.discovery import discover
from wa.wezterm.targets import SocketTarget, SshTarget, Target

INSTALL = "Install it (https://wezterm.org/install), name a multiplexer with --socket or --ssh, or try `wa demo`."


@dataclass(frozen=True, slots=True)
class WatchWish:
    sockets: tuple[str, ...] = ()
    """`PATH` or `NAME=PATH` each."""
    ssh: tuple[str, ...] = ()
    log_level: str | None = None


async def watch_panes(paths: Paths, wish: WatchWish, *, ready: Callable[[WatchResult], None]) -> None:
    """Be the sidecar until a signal or `wa stop`; *ready* is told once it serves."""
    settings = Settings.load(paths.config_file)
    sidecar = Sidecar(paths, with_log_level(settings, wish.log_level), targets=targets_of(wish, settings))
    await sidecar.run(ready)


async def detach_sidecar(paths: Paths, wish: WatchWish) -> WatchResult:
    """Start a sidecar that goes on alone; returns when it serves."""
    targets = targets_of(wish, Settings.load(paths.config_file))
    return await start_detached(paths, Wish(targets=targets, log_level=wish.log_level))


async def nothing_to_watch(paths: Paths, wish: WatchWish) -> str | None:
    """What to tell a person when no WezTerm runs yet; None when one does, or a multiplexer is named.

    Raises ConfigError where nothing may be looked for, and TerminalUnreachable where WezTerm is not even installed.
    """
    settings = Settings.load(paths.config_file)
    if settings.mux or wish.sockets or wish.ssh:
        return None
    if not settings.wezterm.discover:
        raise ConfigError(
            f"there is nothing to watch: {paths.config_file} turns `wezterm.discover` off and names no multiplexer",
            next_step="Add a [[mux]] table, or give --socket or --ssh.",
        )
    found = await discover(wezterm=settings.wezterm.command)
    if found.targets:
        return None
    if found.executable is None:
        where = f"no socket answers in {found.runtime_dir}, and there is no `wezterm` on PATH"
        raise TerminalUnreachable(f"no WezTerm is here: {where}", next_step=INSTALL)
    return f"No WezTerm runs yet (no socket answers in {found.runtime_dir}). It will be watched as soon as it does."


def targets_of(wish: WatchWish, settings: Settings) -> tuple[Target, ...]:
    """What `--socket` and `--ssh` name. Raises UsageError for a name that cannot be or is taken."""
    entries: list[MuxEntry] = []
    for option, value in [*(("--socket", one) for one in wish.sockets), *(("--ssh", one) for one in wish.ssh)]:
        entry = _entry(option, value)
        if any(entry.name == other.name for other in (*settings.mux, *entries)):
            step = "Give each another name: --socket NAME=PATH."
            raise UsageError(f"two multiplexers are called {entry.name!r}", next_step=step)
        entries.append(entry)
    return tuple(
        SocketTarget(entry.name, entry.socket) if entry.socket is not None else SshTarget(entry.ssh or "", entry.name)
        for entry in entries
    )


def _entry(option: str, value: str) -> MuxEntry:
    name, equals, path = value.partition("=")
    try:
        if option == "--ssh":
            return mux_entry(None, ssh=value)
        if not equals or "/" in name:
            name, path = "", value
        if not path:
            raise ConfigError("it names no path")
        return mux_entry(name or None, socket=str(Path(path).expanduser().absolute()))
    except ConfigError as error:
        raise UsageError(f"{option} {value!r}: {error.message}", next_step="Run `wa help watch`.") from error
