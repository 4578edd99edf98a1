"""WezTerm's configuration, and wa's plugin beside it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from shlex import join
from typing import NamedTuple

from wa import __version__
from wa.api.doctor_findings import finding
from wa.config.paths import Paths
from wa.model.errors import StoreError
from wa.protocol.results import FixableFinding
from wa.provision import files
from wa.provision.journal import journals
from wa.provision.lua import PLUGIN, plugin_files
from wa.provision.lua_check import Tried, try_out
from wa.provision.lua_eval import LuaTrouble, evaluate
from wa.provision.lua_tokens import Kind, tokens
from wa.provision.plan import FileChange
from wa.provision.text_trouble import TextTrouble
from wa.provision.tune_tables import SCROLLBACK
from wa.provision.wezterm_lua import config_folders, find_config, module_folders

SETTINGS = "settings.lua"
MAX_FILES = 200
MAX_FILE_BYTES = 1 << 20
SETUP = ("wa", "setup", "local")
ANEW = (*SETUP, "--no-shell", "--no-completion", "--no-service", "--yes")
"""The plugin and its block alone, as they were picked."""
MEND = "Mend that line; until then a WezTerm that starts uses its defaults, and one that runs what it had."


class Looked(NamedTuple):
    findings: list[FixableFinding]
    rows: int | None
    """`scrollback_lines` as it is set; None where that is not known."""


async def look_at_wezterm(paths: Paths, env: Mapping[str, str], wezterm: Sequence[str] | None) -> Looked:
    """Runs the configuration in a Lua of its own, as `wa setup` does, and by *wezterm*, the command, where there is one."""
    found = find_config(env)
    if found.path is None:
        what = f"no wezterm.lua: WezTerm uses its defaults (looked at {found.tried[0]} first)"
        return Looked([finding("note", what), *await asyncio.to_thread(_plugins, paths, None, env)], None)
    told, rows = await asyncio.to_thread(_evaluated, found.path, env)
    data = _bytes(found.path)
    if data is not None and wezterm is not None and (isinstance(told, LuaTrouble) or told["level"] == "ok"):
        tried = await try_out(wezterm, data, found.path, {}, env)
        told = _judged(found.path, told, tried)
    elif isinstance(told, LuaTrouble):
        told = _broken(found.path, told)
    return Looked([told, *await asyncio.to_thread(_plugins, paths, found.path, env)], rows)


def _judged(path: Path, told: FixableFinding | LuaTrouble, tried: Tried) -> FixableFinding:
    if tried.trouble is not None:
        return _broken(path, told) if isinstance(told, LuaTrouble) else told
    if isinstance(told, LuaTrouble):
        if tried.errors:
            return _broken(path, told)
        what = f"{path} is good for WezTerm; wa cannot read it by itself ({told})"
        return finding("ok", what)
    if tried.errors:
        return finding("error", f"WezTerm does not take {path}: {tried.errors[0]}", MEND)
    if tried.complaints:
        return finding("warning", f"WezTerm says of {path}: {tried.complaints[0]}", "Mend that line, or its module.")
    return told


def _broken(path: Path, trouble: LuaTrouble) -> FixableFinding:
    where = str(path) if trouble.line is None else f"{path}:{trouble.line}"
    return finding("error", f"wezterm.lua is broken: {where}: {trouble.reason}", MEND)


def _plugins(paths: Paths, config: Path | None, env: Mapping[str, str]) -> list[FixableFinding]:
    folders = (folder / PLUGIN for folder in dict.fromkeys(module_folders(env)))
    plugins = [plugin for plugin in folders if (plugin / "init.lua").is_file()]
    return [one for plugin in plugins for one in _plugin_findings(plugin, paths, config, env)]


def _evaluated(path: Path, env: Mapping[str, str]) -> tuple[FixableFinding | LuaTrouble, int | None]:
    # Not by files.read: what a package manager or root has put there is read all the same.
    if not path.exists():
        what = f"{path} is a link to nothing" if path.is_symlink() else f"{path}, of WEZTERM_CONFIG_FILE, is not there"
        return finding("error", what, "Correct the name; WezTerm uses its defaults."), None
    if (data := _bytes(path)) is None:
        return finding("error", f"{path} is no file that can be read", "Look at that path."), None
    try:
        config = evaluate(files.text_of(data), path, env=env).config
    except LuaTrouble as trouble:
        return trouble, None
    except TextTrouble as trouble:
        return finding("error", f"wezterm.lua is broken: {path}: {trouble}", "Mend it."), None
    rows = config.get(SCROLLBACK)
    return finding("ok", f"{path} evaluates"), int(rows) if isinstance(rows, int | float) else None


def _plugin_findings(
    plugin: Path, paths: Paths, config: Path | None, env: Mapping[str, str]
) -> Iterator[FixableFinding]:
    wanted = plugin_files(paths)
    differ = [name for name, data in wanted.items() if _bytes(plugin / name) != data]
    if differ:
        yield _outdated(plugin, differ, wanted, _is_set_up(plugin, paths))
    else:
        yield finding("ok", f"{plugin} is of this wa")
    if config is None or not _is_loaded(config, env):
        file = config or config_folders(env)[0] / "wezterm.lua"
        what = f"{plugin} lies there, and {file} does not load it: no badges, no events"
        yield finding("warning", what, f"Run `{join(SETUP)}`: it adds the lines.", fix=SETUP)


def _outdated(plugin: Path, differ: list[str], wanted: Mapping[str, bytes], is_set_up: bool) -> FixableFinding:
    there = (_bytes(plugin / SETTINGS) or b"").decode("ascii", "replace")
    version = re.search(r'^ *version = "([^"]*)"', there, re.MULTILINE)
    name = version[1] if version else "unknown"
    argv = list(ANEW) if is_set_up else ["wa", "plugin", str(plugin.parent)]
    step = f"Run `{join(argv)}`; WezTerm loads it at once."
    # Where more than the version differs, it serves another installation, or another WA_HOME: the user's to decide.
    ours = wanted[SETTINGS].decode("ascii")
    if not there or _without_version(there) == _without_version(ours):
        of = f"of wa {name}" if name != __version__ else f"not as this wa {__version__} writes it"
        return finding("warning", f"{plugin} is {of} ({', '.join(differ)})", step, fix=argv, safe=True)
    what = f"{plugin} serves another installation of wa, or another WA_HOME (its version {name}, this is {__version__})"
    return finding("warning", what, f"If this one is to be served: {step[0].lower()}{step[1:]}", fix=argv)


def _is_set_up(plugin: Path, paths: Paths) -> bool:
    """A plan wrote it: only by a plan can it be written anew so that `wa setup undo` still takes it back."""
    try:
        known = journals(paths)
    except StoreError:
        return False
    return any(
        isinstance(change, FileChange) and change.path.parent == PurePosixPath(plugin)
        for journal in known
        if journal.plan.machine is None
        for change in journal.plan.changes
    )


def _without_version(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.strip().startswith("version = ")]


def _is_loaded(config: Path, env: Mapping[str, str]) -> bool:
    """The configuration, or one of the modules beside it, names the plugin."""
    folders = dict.fromkeys((config.parent, config.resolve().parent, *module_folders(env)))
    others = [one for folder in folders if folder.is_dir() for one in sorted(folder.glob("*.lua"))[:MAX_FILES]]
    return any(_names_plugin(_bytes(one) or b"") for one in (config, *others))


def _names_plugin(data: bytes) -> bool:
    if PLUGIN.encode() not in data:
        return False
    try:
        said = [token.text for token in tokens(files.text_of(data)) if token.kind is Kind.TEXT]
    except TextTrouble:
        return True
    return any(text.strip("\"'[]=") == PLUGIN for text in said)


def _bytes(path: Path) -> bytes | None:
    with suppress(OSError):
        if path.is_file() and path.stat().st_size <= MAX_FILE_BYTES:
            return path.read_bytes()
    return None
