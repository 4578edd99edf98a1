"""What wa puts inside the terminal: the plugin for WezTerm, and the scripts for shells."""

from __future__ import annotations

import os
from pathlib import Path

from wa.assets import asset_root
from wa.config.paths import Paths
from wa.model.errors import NotFound
from wa.protocol.results import PluginResult, ShellResult
from wa.provision.lua import snippet, write_plugin
from wa.provision.shell_lines import source_line
from wa.provision.wezterm_lua import config_folders

STARTUP_FILES = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/config.fish"}


async def put_plugin(folder: str | None, paths: Paths) -> PluginResult:
    """Raises ConfigError where it cannot be written."""
    target, written = write_plugin(Path(folder) if folder is not None else config_folders(os.environ)[0], paths)
    return PluginResult(folder=str(target), written=written, snippet=snippet())


async def shell_line(shell: str) -> ShellResult:
    """Raises NotFound for a shell that wa has no script for."""
    if shell not in STARTUP_FILES:
        raise NotFound(
            f"there is no script for {shell!r:.40}", next_step=f"There is one for {', '.join(STARTUP_FILES)}."
        )
    path = asset_root() / "shell_integration" / f"wa.{shell}"
    line = source_line(shell)
    return ShellResult(shell=shell, path=str(path), line=line, startup_file=STARTUP_FILES[shell])
