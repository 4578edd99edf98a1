"""A new wezterm.lua, tried by the user's own `wezterm` before it takes the place of the old one."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wa.provision.wezterm_lua import config_folders, data_folder
from wa.wezterm.processes import run

WITHIN_S = 20.0
_LINE = re.compile(r"^\d\d:\d\d:\d\d\.\d+\s+(?P<level>WARN|ERROR)\s+(?P<from>\S+)\s+> (?P<what>.*)")

_ERROR = re.compile(r"(?i)syntax error|runtime error|error converting|error loading|callback error")


@dataclass(frozen=True, slots=True)
class Tried:
    """What WezTerm's log says while it evaluates a configuration."""

    complaints: tuple[str, ...] = ()
    """Of the levels WARN and ERROR, each in one line, with the paths of the files that were meant."""
    trouble: str | None = None
    """Why nothing can be said: the program did not start, or did not end."""

    @property
    def errors(self) -> list[str]:
        """What keeps the configuration from being used at all."""
        return [one for one in self.complaints if _ERROR.match(one)]

    def new_since(self, before: Tried) -> list[str]:
        """What was not said before; line numbers may have moved."""
        known = {re.sub(r"\d+", "0", one) for one in before.complaints}
        return [one for one in self.complaints if re.sub(r"\d+", "0", one) not in known]


async def try_out(
    wezterm: Sequence[str], text: bytes, path: Path, modules: Mapping[str, bytes], env: Mapping[str, str]
) -> Tried:
    """Has `wezterm ls-fonts` evaluate *text* as *path*, with *modules* (by their names below WezTerm's folder) in place.

    The user's other modules and WezTerm's plugins are there as links; no window, no socket and no log of theirs is
    touched, and nothing is made in their home.
    """
    # Short names: Lua cuts paths in its messages to some forty characters.
    with tempfile.TemporaryDirectory(prefix="wa-") as made:
        root, own = Path(made), config_folders(env)[0]
        folder = root / "c" / "wezterm"
        file = folder / path.name
        await asyncio.to_thread(_lay_out, root, folder, own, {**modules, path.name: text})
        await asyncio.to_thread(_link_all, root / "d" / "wezterm" / "plugins", data_folder(env) / "plugins")
        dropped = ("WEZTERM_", "DISPLAY", "WAYLAND_DISPLAY")
        there = {name: value for name, value in env.items() if not name.startswith(dropped)}
        there |= {"XDG_CONFIG_HOME": str(root / "c"), "XDG_DATA_HOME": str(root / "d"), "NO_COLOR": "1"}
        there["XDG_RUNTIME_DIR"] = str(root / "run")
        try:
            done = await run(
                [*wezterm, "--config-file", str(file), "ls-fonts", "--text", "a"], timeout_s=WITHIN_S, env=there
            )
        except TimeoutError:
            return Tried(trouble=f"`{wezterm[0]} ls-fonts` had not ended after {WITHIN_S:g} s")
        except OSError as error:
            return Tried(trouble=f"`{wezterm[0]}` cannot be started: {error.strerror or error}")
        said = done.stderr.decode("utf-8", "replace").replace(str(file), str(path)).replace(str(folder), str(own))
        complaints = _complaints(said)
        if done.status != 0 and not complaints:
            return Tried(trouble=f"`{wezterm[0]} ls-fonts` ended with {done.status}")
        return Tried(tuple(complaints))


def _lay_out(root: Path, folder: Path, own: Path, written: Mapping[str, bytes]) -> None:
    (root / "run").mkdir(mode=0o700)
    _link_all(folder, own, besides={name.partition("/")[0] for name in written})
    for name, data in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def _link_all(folder: Path, own: Path, *, besides: Collection[str] = ()) -> None:
    folder.mkdir(parents=True)
    if own.is_dir():
        for entry in own.iterdir():
            if entry.name not in besides:
                (folder / entry.name).symlink_to(entry)


def _complaints(said: str) -> list[str]:
    found: list[str] = []
    for line in said.splitlines():
        if begun := _LINE.match(line):
            what = begun["what"].removeprefix("lua: ")
            found.append(re.sub(r'\[string "([^"]*)"\]', r"\1", what))
        elif found and re.match(r"\s", line) is None and line and line != "stack traceback:":
            # WezTerm's errors go on in the lines behind.
            found[-1] += f" {line.strip()}"
        elif found and (place := re.match(r'\s+\[string "([^"]*)"\]:(\d+): in main chunk', line)):
            found[-1] += f" ({place[1]}, line {place[2]})"
    return found
