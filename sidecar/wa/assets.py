"""Where the shipped files are: the plugin for WezTerm, shell integration, scripts for other machines."""

from __future__ import annotations

from pathlib import Path

from wa.model.errors import WaError


class AssetsMissingError(WaError):
    """The installation is not whole."""

    code = "assets"
    next_step = (
        "Install wa again: `uv tool install wezterm-automata`, or `pip install --force-reinstall wezterm-automata`."
    )


def asset_root() -> Path:
    """Folder that holds lua/, shell_integration/ and setup/: the installed copy, else this checkout."""
    package = Path(__file__).parent
    for root in (package / "_assets", package.parents[1]):
        if (root / "lua" / "wa_plugin").is_dir():
            return root
    raise AssetsMissingError(f"lua/wa_plugin is neither below {package / '_assets'} nor in {package.parents[1]}")
