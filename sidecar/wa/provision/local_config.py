"""wezterm.lua and the plugin beside it: what is there, and the changes that bring in what was picked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from wa.config.paths import Paths
from wa.model.errors import ConfigError
from wa.provision import files
from wa.provision.layout import BLOCK, Own, Picks, body, call, layout_of, own_of
from wa.provision.lua import PLUGIN, plugin_files
from wa.provision.lua_check import Tried, try_out
from wa.provision.lua_eval import LuaTrouble, Opaque, evaluate
from wa.provision.lua_text import lua_block_alone, put_lua_block, take_lua_block
from wa.provision.plan import FileChange
from wa.provision.text_trouble import TextTrouble
from wa.provision.wezterm_lua import config_folders, find_config, module_folders

FRESH = 'local wezterm = require("wezterm")\nlocal config = wezterm.config_builder()\n\nreturn config\n'
"""Of a home without one."""
_LISTENS = b"return { apply_to_config = function(config, opts) config.__wa = config.__wa or opts return config end }"
"""A plugin that only says how it was called."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The configuration as it is."""

    path: Path
    is_there: bool
    text: str
    options: dict[str, Any] = field(default_factory=dict)
    """Of wa's own block; functions are left out."""
    own: Own = field(default_factory=Own)
    warnings: tuple[str, ...] = ()
    unread: LuaTrouble | None = None
    """It does not evaluate without WezTerm."""
    edit_trouble: TextTrouble | None = None
    """A block cannot be put there safely."""

    @property
    def layout(self) -> dict[str, Any]:
        found = self.options.get("layout")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Part:
    changes: tuple[FileChange, ...] = ()
    notes: tuple[str, ...] = ()


async def look(env: Mapping[str, str]) -> Desk:
    """Raises ConfigError where the file cannot be read."""
    return await asyncio.to_thread(_look, env)


def _look(env: Mapping[str, str]) -> Desk:
    found = find_config(env)
    path = found.path or config_folders(env)[0] / "wezterm.lua"
    data = files.read(path)
    if data is None:
        return Desk(path, is_there=False, text=FRESH)
    trouble: TextTrouble | None = None
    text = plain = data.decode("utf-8", "surrogateescape")
    try:
        text = plain = files.text_of(data)
        plain = take_lua_block(text, BLOCK)
        put_lua_block(text, BLOCK, lambda _: "")
    except TextTrouble as caught:
        trouble = caught
    options = _said_options(text, path, env) if trouble is None else {}
    try:
        said = evaluate(plain, path, env=env)
    except LuaTrouble as caught:
        return Desk(path, True, text, options, unread=caught, edit_trouble=trouble)
    return Desk(path, True, text, options, own_of(said), said.warnings, None, trouble)


def _said_options(text: str, path: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """Of wa's own block, whatever stands around it."""
    listens = {module_folders(env)[0] / f"{PLUGIN}.lua": _LISTENS}
    try:
        chunk = lua_block_alone(text, BLOCK)
        said = None if chunk is None else evaluate(chunk, path, env=env, modules=listens).config.get("__wa")
    except TextTrouble:
        return {}
    return _plain(said) if isinstance(said, dict) else {}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if not isinstance(one, Opaque)}
    return [_plain(one) for one in value if not isinstance(one, Opaque)] if isinstance(value, list) else value


async def changes(
    desk: Desk, picks: Picks, paths: Paths, env: Mapping[str, str], wezterm: Sequence[str] | None
) -> Part:
    """The plugin, and the block that calls it, tried before they are offered. *wezterm*: the command, where there is one.

    Raises ConfigError where the user's own configuration, or the new one, does not work: then nothing is to be written.
    """
    modules = {f"{PLUGIN}/{name}": data for name, data in plugin_files(paths).items()}
    options = _options(desk, picks)
    folder = config_folders(env)[0]
    notes: list[str] = []
    made: list[FileChange] = []
    for name, data in modules.items():
        made.append(files.file_change(folder / name, data, f"the plugin for WezTerm, {Path(name).name}"))
    kept = next(
        (f"{one.path} {why}" for one in made if one.is_needed and (why := files.is_kept_from_us(one.path))), None
    )
    if kept is not None:
        return Part((), (f"The plugin for WezTerm is not written: {kept}.", *_by_hand(options)))
    if desk.edit_trouble is not None and desk.unread is None:
        why = f"{desk.path} is not changed: {desk.edit_trouble}."
        return Part(tuple(made), (why, *_by_hand(options)))
    before = await _old_works(desk, modules, env, wezterm)
    if desk.edit_trouble is not None:
        raise _broken(desk, desk.edit_trouble)
    text = put_lua_block(desk.text, BLOCK, lambda variable: body(variable, options))
    new = files.data_of(text)
    if desk.unread is None:
        await asyncio.to_thread(
            _evaluates, text, desk.path, env, {folder / name: data for name, data in modules.items()}
        )
    if wezterm is None:
        notes.append("There is no `wezterm` here: the new configuration was tried by wa's own means alone.")
    else:
        after = await try_out(wezterm, new, desk.path, modules, env)
        if after.trouble is not None:
            notes.append(f"The new configuration was tried by wa's own means alone: {after.trouble}.")
        elif said := after.new_since(before):
            raise ConfigError(
                f"WezTerm complains of the new {desk.path}: {said[0]}",
                next_step="Nothing was written. Please report this with that file.",
            )
        elif before.complaints:
            notes.append(f"Of {desk.path} as it is WezTerm says: {before.complaints[0]}")
    why_not = files.is_kept_from_us(desk.path)
    old = files.data_of(desk.text) if desk.is_there else None
    if why_not is not None and old != new:
        return Part(tuple(made), (f"{desk.path} {why_not}.", *_by_hand(options)))
    made.append(FileChange(PurePosixPath(desk.path), old, new, _what(desk), block=BLOCK))
    if re.search(r"^-- wa: begin", take_lua_block(desk.text, BLOCK), re.MULTILINE):
        notes.append(f"The lines of `wa plugin` that you pasted into {desk.path} can go: wa's own block does the same.")
    if desk.own.draws_tabs:
        notes.append(
            f"{desk.path} draws the tabs by a handler of its own, so no badges are drawn; docs/topics/plugin.md has the"
            " line that brings both together."
        )
    notes += [f"In {desk.path}: {one}." for one in desk.warnings if "was not loaded" in one]
    if desk.unread is not None:
        notes.append(
            f"wa could not read {desk.path} by itself ({desk.unread}): what you did not ask for by name is left off."
        )
    return Part(tuple(made), tuple(notes))


def _options(desk: Desk, picks: Picks) -> dict[str, Any]:
    options = dict(desk.options)
    layout = layout_of(desk.layout, picks, desk.own) if desk.unread is None else _picked_only(desk.layout, picks)
    options.pop("layout", None)
    return {**options, "layout": layout} if layout else options


def _picked_only(before: Mapping[str, Any], picks: Picks) -> dict[str, Any]:
    """Of a configuration that cannot be read nothing is known: what was not asked for by name stays off."""
    unknown = Own(colours="unknown", startup="unknown", keys="unknown")
    return layout_of(before, picks, unknown)


async def _old_works(
    desk: Desk, modules: Mapping[str, bytes], env: Mapping[str, str], wezterm: Sequence[str] | None
) -> Tried:
    """What WezTerm says of the file as it is. Raises ConfigError where it does not evaluate."""
    if wezterm is None or not desk.is_there:
        if desk.unread is not None:
            raise _broken(desk, desk.unread)
        return Tried()
    if desk.unread is not None and "still runs" in desk.unread.reason:
        raise _broken(desk, desk.unread)
    tried = await try_out(wezterm, files.data_of(desk.text), desk.path, modules, env)
    if tried.trouble is not None and desk.unread is not None:
        raise _broken(desk, desk.unread)
    broken = [one for one in tried.complaints if _ERROR.match(one)]
    if broken:
        if desk.unread is not None:
            raise _broken(desk, desk.unread)
        raise ConfigError(
            f"WezTerm does not take {desk.path} as it is: {broken[0]}",
            next_step="Nothing was written. Mend that, then run it again.",
        )
    return tried


_ERROR = re.compile(r"(?i)syntax error|runtime error|error converting|error loading|callback error")


def _broken(desk: Desk, trouble: TextTrouble) -> ConfigError:
    return ConfigError(
        f"{desk.path} does not work as it is: {trouble}", next_step="Nothing was written. Mend that, then run it again."
    )


def _evaluates(text: str, path: Path, env: Mapping[str, str], modules: Mapping[Path, bytes]) -> None:
    try:
        evaluate(text, path, env=env, modules=modules)
    except LuaTrouble as trouble:
        raise ConfigError(
            f"the new {path} would not work: {trouble}",
            next_step="Nothing was written. Please report this with that file.",
        ) from trouble


def _by_hand(options: Mapping[str, Any]) -> list[str]:
    lines = call(options)
    return [
        "Paste this before its last `return`, with the name of your own table for `config`:",
        *(f"  {one}" for one in lines),
    ]


def _what(desk: Desk) -> str:
    if not desk.is_there:
        return "a configuration for WezTerm, with wa in it"
    if desk.path.is_symlink():
        return f"wa's block in wezterm.lua; the file is {desk.path.resolve()}"
    return "wa's block in wezterm.lua"
