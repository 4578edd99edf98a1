"""What wa puts inside the terminal: the plugin for WezTerm, and the scripts for shells."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from wa.assets import asset_root
from wa.config.paths import Paths
from wa.model.errors import NotFound
from wa.protocol.results import PluginResult, ShellResult
from wa.provision.lua import snippet, write_plugin

STARTUP_FILES = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/config.fish"}


async def put_plugin(folder: str | None, paths: Paths) -> PluginResult:
    """Raises ConfigError where it cannot be written."""
    target, written = write_plugin(Path(folder) if folder is not None else wezterm_folder(os.environ), paths)
    return PluginResult(folder=str(target), written=written, snippet=snippet())


def wezterm_folder(env: Mapping[str, str]) -> Path:
    """Where WezTerm looks for its configuration first (wezterm's docs, config/files, 2025-02-23)."""
    home = Path(env.get("HOME") or Path.home())
    if given := env.get("WEZTERM_CONFIG_FILE"):
        return Path(given).parent
    xdg = env.get("XDG_CONFIG_HOME", "")
    return (Path(xdg) if xdg.startswith("/") else home / ".config") / "wezterm"


async def shell_line(shell: str) -> ShellResult:
    """Raises NotFound for a shell that wa has no script for."""
    if shell not in STARTUP_FILES:
        raise NotFound(
            f"there is no script for {shell!r:.40}", next_step=f"There is one for {', '.join(STARTUP_FILES)}."
        )
    path = asset_root() / "shell_integration" / f"wa.{shell}"
    quoted = shlex.quote(str(path)) if shell != "fish" else _fish_quoted(str(path))
    line = f"test -r {quoted}; and source {quoted}" if shell == "fish" else f"[ -r {quoted} ] && . {quoted}"
    return ShellResult(shell=shell, path=str(path), line=line, startup_file=STARTUP_FILES[shell])


def _fish_quoted(text: str) -> str:
    """In fish a backslash quotes only itself and the quote, between single quotes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
