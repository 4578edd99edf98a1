"""A wezterm.lua with the values of `wa tune`, tried before it is offered: in a Lua of wa's own, then by WezTerm itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wa.model.errors import ConfigError
from wa.provision import files, tune
from wa.provision.local_config import FRESH
from wa.provision.lua_check import Tried, try_out
from wa.provision.lua_eval import LuaTrouble, evaluate
from wa.provision.text_trouble import TextTrouble
from wa.provision.tune_tables import SCROLLBACK


class Fresh(NamedTuple):
    data: bytes
    """The new file."""
    before: dict[str, Any]
    """What the old one says without wa's values; empty where that is not known."""
    effective: dict[str, Any]
    """And with them."""
    unread: LuaTrouble | None
    """It does not evaluate without WezTerm."""


def fresh_file(config: Path, data: bytes | None, values: Mapping[str, int]) -> Fresh:
    try:
        text = FRESH if data is None else files.text_of(data)
        plain = tune.without_values(text)
        fresh = tune.with_values(text, values)
    except TextTrouble as trouble:
        _broken_first(config, data)
        raise unsafe(config, trouble, values) from trouble
    try:
        before = evaluate(plain, config).config
        effective = before if plain == text else evaluate(text, config).config
        after = evaluate(fresh, config).config
    except LuaTrouble as trouble:
        return Fresh(files.data_of(fresh), {}, {SCROLLBACK: None}, trouble)
    if wrong := [name for name, value in values.items() if after.get(name) != value]:
        what = f"{config} sets {wrong[0]} again after wa's lines, or keeps it from being set"
        raise ConfigError(what, next_step=f"Nothing was changed. {by_hand(values)}")
    return Fresh(files.data_of(fresh), before, effective, None)


def _broken_first(config: Path, data: bytes | None) -> None:
    """A file that does not evaluate is told as such. Raises ConfigError."""
    try:
        evaluate(files.text_of(data), config)
    except LuaTrouble as trouble:
        raise broken(config, trouble) from trouble
    except TextTrouble:
        return


async def tried_by_wezterm(command: Sequence[str] | None, config: Path, data: bytes | None, fresh: Fresh) -> list[str]:
    """Has WezTerm itself evaluate the file before and after; what to say of it. Raises ConfigError."""
    own = "the new configuration was tried by wa's own means alone"
    if command is None:
        if fresh.unread is not None:
            raise broken(config, fresh.unread)
        return [f"There is no `wezterm` here: {own}."]
    before = Tried() if data is None else await try_out(command, data, config, {}, os.environ)
    if fresh.unread is not None and (before.trouble is not None or before.errors):
        raise broken(config, fresh.unread)
    if before.errors:
        step = "Nothing was changed. Mend that: WezTerm uses its defaults until then."
        raise ConfigError(f"WezTerm does not take {config} as it is: {before.errors[0]}", next_step=step)
    after = await try_out(command, fresh.data, config, {}, os.environ)
    if after.trouble is not None:
        return [f"{own[0].upper()}{own[1:]}: {after.trouble}."]
    if said := after.new_since(before):
        step = "Nothing was changed. Please report this with that file."
        raise ConfigError(f"WezTerm complains of the new {config}: {said[0]}", next_step=step)
    notes = [f"Of {config} as it is WezTerm says: {before.complaints[0]}"] if before.complaints else []
    if fresh.unread is not None:
        notes.append(f"wa could not read {config} by itself ({fresh.unread}): what the values override is not known.")
    return notes


def broken(config: Path, trouble: LuaTrouble) -> ConfigError:
    where = str(config) if trouble.line is None else f"{config}:{trouble.line}"
    step = "Nothing was changed. Mend it: WezTerm uses what it had before, or its defaults, until then."
    return ConfigError(f"{where}: {trouble.reason}", next_step=step)


def unsafe(config: Path, trouble: TextTrouble, values: Mapping[str, int]) -> ConfigError:
    where = str(config) if trouble.line is None else f"{config}:{trouble.line}"
    step = "Nothing was changed. " + (by_hand(values) if values else "Take wa's lines out by hand.")
    return ConfigError(f"{where}: {trouble.reason}", next_step=step)


def by_hand(values: Mapping[str, int]) -> str:
    return "Put these lines there yourself: " + "; ".join(tune.body(values, "config").split("\n"))
