"""A wezterm.lua with the values of `wa tune`, tried before it is offered: in a Lua of wa's own, then by WezTerm itself."""

from __future__ import annotations

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


class Place(NamedTuple):
    """A wezterm.lua."""

    shown: str
    """Its path, with its machine before it where that is another one."""
    data: bytes | None
    """None: there is none yet."""
    read_as: Path
    """Where it is evaluated: a path that leads to nothing where the file is on another machine."""
    env: Mapping[str, str]


class Fresh(NamedTuple):
    data: bytes
    """The new file."""
    before: dict[str, Any]
    """What the old one says without wa's values; empty where that is not known."""
    effective: dict[str, Any]
    """And with them."""
    unread: LuaTrouble | None
    """It does not evaluate without WezTerm."""


def fresh_file(place: Place, values: Mapping[str, int]) -> Fresh:
    """Blocking, a second or so. Raises ConfigError where it cannot be done safely."""
    try:
        text = FRESH if place.data is None else files.text_of(place.data)
        plain = tune.without_values(text)
        fresh = tune.with_values(text, values)
    except TextTrouble as trouble:
        _broken_first(place)
        raise unsafe(place.shown, trouble, values) from trouble
    try:
        before = evaluated(place, plain)
        effective = before if plain == text else evaluated(place, text)
        after = evaluated(place, fresh)
        if plain != text and _missed(after, values):
            # The user went on below the block: it moves down to the last `return` again.
            fresh = tune.with_values(plain, values)
            after = evaluated(place, fresh)
    except LuaTrouble as trouble:
        return Fresh(files.data_of(fresh), {}, {SCROLLBACK: None}, trouble)
    if wrong := _missed(after, values):
        what = f"{place.shown} sets {wrong[0]} again after wa's lines, or keeps it from being set"
        raise ConfigError(what, next_step=f"Nothing was changed. {by_hand(values)}")
    return Fresh(files.data_of(fresh), before, effective, None)


def _missed(config: Mapping[str, Any], values: Mapping[str, int]) -> list[str]:
    return [name for name, value in values.items() if config.get(name) != value]


def evaluated(place: Place, text: str) -> dict[str, Any]:
    """Raises LuaTrouble."""
    return evaluate(text, place.read_as, env=place.env).config


def _broken_first(place: Place) -> None:
    """A file that does not evaluate is told as such. Raises ConfigError."""
    try:
        evaluated(place, files.text_of(place.data))
    except LuaTrouble as trouble:
        raise broken(place.shown, trouble) from trouble
    except TextTrouble:
        return


async def tried_by_wezterm(command: Sequence[str] | None, place: Place, fresh: Fresh) -> list[str]:
    """Has WezTerm itself evaluate the file before and after; what to say of it. Raises ConfigError."""
    own = "the new configuration was tried by wa's own means alone"
    if command is None:
        if fresh.unread is not None:
            raise broken(place.shown, fresh.unread)
        return [f"{own[0].upper()}{own[1:]}: no `wezterm` could be asked."]
    before = Tried() if place.data is None else await try_out(command, place.data, place.read_as, {}, place.env)
    if fresh.unread is not None and (before.trouble is not None or before.errors):
        raise broken(place.shown, fresh.unread)
    if before.errors:
        step = "Nothing was changed. Mend that: WezTerm uses its defaults until then."
        raise ConfigError(f"WezTerm does not take {place.shown} as it is: {before.errors[0]}", next_step=step)
    after = await try_out(command, fresh.data, place.read_as, {}, place.env)
    if after.trouble is not None:
        return [f"{own[0].upper()}{own[1:]}: {after.trouble}."]
    if said := after.new_since(before):
        step = "Nothing was changed. Please report this with that file."
        raise ConfigError(f"WezTerm complains of the new {place.shown}: {said[0]}", next_step=step)
    notes = [f"Of {place.shown} as it is WezTerm says: {before.complaints[0]}"] if before.complaints else []
    if fresh.unread is not None:
        notes.append(
            f"wa could not read {place.shown} by itself ({fresh.unread}): what the values override is not known."
        )
    return notes


def broken(shown: str, trouble: LuaTrouble) -> ConfigError:
    where = shown if trouble.line is None else f"{shown}:{trouble.line}"
    step = "Nothing was changed. Mend it: WezTerm uses what it had before, or its defaults, until then."
    return ConfigError(f"{where}: {trouble.reason}", next_step=step)


def unsafe(shown: str, trouble: TextTrouble, values: Mapping[str, int]) -> ConfigError:
    where = shown if trouble.line is None else f"{shown}:{trouble.line}"
    step = "Nothing was changed. " + (by_hand(values) if values else "Take wa's lines out by hand.")
    return ConfigError(f"{where}: {trouble.reason}", next_step=step)


def by_hand(values: Mapping[str, int]) -> str:
    return "Put these lines there yourself: " + "; ".join(tune.body(values, "config").split("\n"))
