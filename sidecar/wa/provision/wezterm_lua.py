"""Where WezTerm's configuration is, as WezTerm itself looks for it (config/src/config.rs and lua.rs, 2025-02-23)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Found:
    path: Path | None
    """None: there is no configuration; WezTerm then uses its defaults."""
    tried: tuple[Path, ...]
    """In WezTerm's order, as far as it looks."""
    is_required: bool = False
    """The environment names it: WezTerm fails where it is missing."""


def find_config(env: Mapping[str, str]) -> Found:
    """The first that exists, a broken link and a folder included: WezTerm takes it, and says what is wrong."""
    home = _home(env)
    wanted = [home / ".wezterm.lua", *(folder / "wezterm.lua" for folder in config_folders(env))]
    given = env.get("WEZTERM_CONFIG_FILE")
    if given:
        return Found(Path(given), (Path(given),), is_required=True)
    for count, path in enumerate(wanted, 1):
        if path.is_symlink() or path.exists():
            return Found(path, tuple(wanted[:count]))
    return Found(None, tuple(wanted))


def config_folders(env: Mapping[str, str]) -> list[Path]:
    """The user's own first: a new configuration and modules belong there."""
    xdg = env.get("XDG_CONFIG_HOME")
    first = Path(xdg) if xdg else _home(env) / ".config"
    more = [Path(one) for one in env.get("XDG_CONFIG_DIRS", "").split(":") if one]
    return [folder / "wezterm" for folder in (first, *more)]


def module_folders(env: Mapping[str, str]) -> list[Path]:
    """Where `require` looks, first to last. The configuration's own folder is none of them unless it is named here."""
    return [*reversed(config_folders(env)), _home(env) / ".wezterm"]


def data_folder(env: Mapping[str, str]) -> Path:
    """Where `plugins/` lies, among others."""
    if sys.platform == "darwin":
        return _home(env) / "Library" / "Application Support" / "wezterm"
    xdg = env.get("XDG_DATA_HOME")
    return (Path(xdg) if xdg else _home(env) / ".local" / "share") / "wezterm"


def _home(env: Mapping[str, str]) -> Path:
    return Path(env.get("HOME") or Path.home())
