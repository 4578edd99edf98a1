"""WezTerm's configuration, and wa's plugin beside it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from shlex import join
from typing import NamedTuple

from wa import __version__
from wa.api.doctor_findings import finding
from wa.config.paths import Paths
from wa.protocol.results import FixableFinding
from wa.provision import files
from wa.provision.lua import PLUGIN, plugin_files
from wa.provision.lua_eval import LuaTrouble, evaluate
from wa.provision.lua_tokens import Kind, tokens
from wa.provision.text_trouble import TextTrouble
from wa.provision.tune_tables import SCROLLBACK
from wa.provision.wezterm_lua import config_folders, find_config, module_folders

SETTINGS = "settings.lua"
MAX_FILES = 200
MAX_FILE_BYTES = 1 << 20
SETUP = ("wa", "setup", "local")


class Looked(NamedTuple):
    findings: list[FixableFinding]
    rows: int | None
    """`scrollback_lines` as it is set; None where that is not known."""


async def look_at_wezterm(paths: Paths, env: Mapping[str, str]) -> Looked:
    """Runs the configuration in a Lua of its own, as `wa setup` does."""
    try:
        return await asyncio.to_thread(_look, paths, env)
    except OSError as error:
        step = "See who owns it, and its mode."
        return Looked([finding("error", f"WezTerm's configuration cannot be looked at: {error}", step)], None)


def _look(paths: Paths, env: Mapping[str, str]) -> Looked:
    found = find_config(env)
    rows, findings = None, list[FixableFinding]()
    if found.path is None:
        findings.append(
            finding("note", f"no wezterm.lua: WezTerm uses its defaults (looked at {found.tried[0]} first)")
        )
    else:
        told, rows = _evaluated(found.path, env)
        findings.append(told)
    plugins = [
        folder / PLUGIN for folder in dict.fromkeys(module_folders(env)) if (folder / PLUGIN / "init.lua").is_file()
    ]
    for plugin in plugins:
        findings += _plugin_findings(plugin, paths, found.path, env)
    return Looked(findings, rows)


def _evaluated(path: Path, env: Mapping[str, str]) -> tuple[FixableFinding, int | None]:
    # Not by files.read: what a package manager or root has put there is read all the same.
    if not path.exists():
        what = f"{path} is a link to nothing" if path.is_symlink() else f"{path}, of WEZTERM_CONFIG_FILE, is not there"
        return finding("error", what, "Correct the name; WezTerm uses its defaults."), None
    if (data := _bytes(path)) is None:
        return finding("error", f"{path} is no file that can be read", "Look at that path."), None
    try:
        config = evaluate(files.text_of(data), path, env=env).config
    except LuaTrouble as trouble:
        where = str(path) if trouble.line is None else f"{path}:{trouble.line}"
        step = "Mend that line; until then a WezTerm that starts uses its defaults, and one that runs what it had."
        return finding("error", f"wezterm.lua is broken: {where}: {trouble.reason}", step), None
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
        yield _outdated(plugin, differ, wanted)
    else:
        yield finding("ok", f"{plugin} is of this wa")
    if config is None or not _is_loaded(config, env):
        file = config or config_folders(env)[0] / "wezterm.lua"
        what = f"{plugin} lies there, and {file} does not load it: no badges, no events"
        yield finding("warning", what, f"Run `{join(SETUP)}`: it adds the lines.", fix=SETUP)


def _outdated(plugin: Path, differ: list[str], wanted: Mapping[str, bytes]) -> FixableFinding:
    there = (_bytes(plugin / SETTINGS) or b"").decode("ascii", "replace")
    version = re.search(r'^ *version = "([^"]*)"', there, re.MULTILINE)
    name = version[1] if version else "unknown"
    argv = ["wa", "plugin", str(plugin.parent)]
    step = f"Run `{join(argv)}`; WezTerm loads it at once."
    # Where more than the version differs, it serves another installation, or another WA_HOME: the user's to decide.
    ours = wanted[SETTINGS].decode("ascii")
    if not there or _without_version(there) == _without_version(ours):
        of = f"of wa {name}" if name != __version__ else f"not as this wa {__version__} writes it"
        return finding("warning", f"{plugin} is {of} ({', '.join(differ)})", step, fix=argv, safe=True)
    what = f"{plugin} serves another installation of wa, or another WA_HOME (its version {name}, this is {__version__})"
    return finding("warning", what, f"If this one is to be served: {step[0].lower()}{step[1:]}", fix=argv)


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
