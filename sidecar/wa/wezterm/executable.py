"""Where the `wezterm` command is, and which version."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from wa.model.errors import ConfigError, TerminalUnreachable, WezTermError
from wa.wezterm.processes import run

WA_WEZTERM = "WA_WEZTERM"
"""Environment variable: the command to use in place of `wezterm`, split as a shell would."""

APP_BUNDLES = ("/Applications/WezTerm.app/Contents/MacOS/wezterm", "~/Applications/WezTerm.app/Contents/MacOS/wezterm")
"""Where macOS keeps it when it is not on PATH (WezTerm's install page, 2026-11)."""


class Executable(NamedTuple):
    argv: tuple[str, ...]
    """The command; `cli …` follows."""
    found_by: str
    """WA_WEZTERM, config, PATH or app bundle."""


def find_executable(configured: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Executable | None:
    """The command to run, or None. WA_WEZTERM beats the configuration, which beats PATH.

    One that was asked for by name is not looked up: where it does not exist, running it says so.
    """
    env = os.environ if env is None else env
    if asked := env.get(WA_WEZTERM, "").strip():
        try:
            return Executable(tuple(shlex.split(asked)), WA_WEZTERM)
        except ValueError as error:
            raise ConfigError(
                f"{WA_WEZTERM} does not parse: {error}", next_step=f"Mend or unset {WA_WEZTERM}."
            ) from None
    if configured:
        return Executable(tuple(configured), "config")
    if found := shutil.which("wezterm", path=env.get("PATH")):
        return Executable((found,), "PATH")
    for bundle in APP_BUNDLES:
        if os.access(path := Path(bundle).expanduser(), os.X_OK):
            return Executable((str(path),), "app bundle")
    return None


async def read_version(argv: Sequence[str], *, timeout_s: float = 5.0) -> str:
    """What `wezterm --version` prints, `20240203-110809-5046fc22` for example. Raises WezTermError."""
    try:
        done = await run([*argv, "--version"], timeout_s=timeout_s)
    except (TimeoutError, OSError) as error:
        raise TerminalUnreachable(
            f"cannot run {argv[0]}: {error}", next_step="Install WezTerm, or try `wa demo`."
        ) from error
    words = done.stdout.decode("utf-8", "replace").split()
    if done.status != 0 or not words:
        raise WezTermError(f"`{argv[0]} --version` failed with status {done.status}")
    return words[-1]
