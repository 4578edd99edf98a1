"""What wa writes for WezTerm: the plugin's files and its settings, rendered so that no value can become code."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from wa import __version__
from wa.assets import asset_root
from wa.config.paths import Paths, ensure_private
from wa.model.errors import ConfigError
from wa.provision import files

PLUGIN = "wa_plugin"
KEYWORDS = frozenset(
    {"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil", "not",
     "or", "repeat", "return", "then", "true", "until", "while"}
)  # fmt: skip
"""Lua 5.4 manual, §3.1."""


class LuaSource(str):
    """Text that is Lua already; nothing else may enter a template."""

    __slots__ = ()


def lua(value: object) -> LuaSource:
    r"""*value* as a Lua expression; of texts everything but plain ASCII as `\ddd`. Raises ConfigError for what Lua has not."""
    if value is None:
        return LuaSource("nil")
    if isinstance(value, bool):
        return LuaSource("true" if value else "false")
    if isinstance(value, int) and -(2**63) < value < 2**63:
        return LuaSource(value)
    if isinstance(value, float) and math.isfinite(value):
        return LuaSource(value.hex())
    if isinstance(value, str):
        try:
            # Paths hold bytes that are no UTF-8 as lone surrogates.
            return _quoted(value.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError as error:
            raise ConfigError(f"a text has no bytes: {error.reason}") from error
    if isinstance(value, bytes):
        return _quoted(value)
    if isinstance(value, Path):
        return _quoted(os.fsencode(value))
    if isinstance(value, Mapping):
        return LuaSource("{" + ", ".join(f"[{lua(_key(key))}] = {lua(one)}" for key, one in value.items()) + "}")
    if isinstance(value, Sequence):
        return LuaSource("{" + ", ".join(lua(one) for one in value) + "}")
    raise ConfigError(f"a {type(value).__name__} cannot be written in Lua")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ConfigError(f"the keys of a table are text, not {type(key).__name__}")
    return key


def _quoted(data: bytes) -> LuaSource:
    return LuaSource(
        '"' + "".join(chr(one) if 32 <= one < 127 and one not in b'"\\' else f"\\{one:03d}" for one in data) + '"'
    )


def lua_name(value: str) -> LuaSource:
    """*value* where Lua wants a name, not a value. Raises ConfigError unless it is one."""
    if not (value.isascii() and value.isidentifier()) or value in KEYWORDS:
        raise ConfigError(f"{value!r:.60} is no name in Lua")
    return LuaSource(value)


def _only_source(value: Any) -> LuaSource:
    if not isinstance(value, LuaSource):
        raise ConfigError("a template holds a value that no filter has quoted")
    return value


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - what comes out is Lua; `finalize` lets nothing in that the filters have not quoted
        keep_trailing_newline=True,
        finalize=_only_source,
    )
    environment.filters = {"lua": lua, "lua_name": lua_name}
    return environment


def render(template: str, values: Mapping[str, object]) -> str:
    """*template* with *values*, each through `| lua` or `| lua_name`. Raises ConfigError, or jinja2's UndefinedError."""
    return _environment().from_string(template).render(values)


def settings(paths: Paths) -> dict[str, object]:
    """What the plugin must know of this installation."""
    wa: list[object] = [sys.executable, "-P", "-m", "wa"]
    if home := os.environ.get("WA_HOME"):
        wa = ["/usr/bin/env", f"WA_HOME={Path(home).expanduser().absolute()}", *wa]
    return {
        "python": sys.executable,
        "emit": Path(__file__).parents[1] / "emit.py",
        "socket": paths.socket,
        "spool": paths.state / "spool",
        "spool_dir": paths.runtime,
        "wa": wa,
        "version": __version__,
    }


def snippet(config: str = "config", options: Mapping[str, object] | None = None) -> str:
    """The lines for the user's own wezterm.lua, where *config* is the name of its table."""
    template = (asset_root() / "lua" / "snippet.lua.j2").read_text(encoding="utf-8")
    return render(template, {"config": config, "options": options})


def plugin_files(paths: Paths) -> dict[str, bytes]:
    """Every file of the plugin's folder, by its name in there, for a WezTerm on this machine."""
    folder = asset_root() / "lua" / PLUGIN
    found = {path.name: path.read_bytes() for path in sorted(folder.glob("*.lua"))}
    template = (folder / "settings.lua.j2").read_text(encoding="utf-8")
    found["settings.lua"] = render(template, settings(paths)).encode("ascii")
    return found


def write_plugin(folder: Path, paths: Paths) -> tuple[Path, list[str]]:
    """Write the plugin below *folder*, where WezTerm's configuration is: where it lies, and which files were not right before.

    WezTerm reads its configuration again at every change there. Raises ConfigError.
    """
    target, written = folder / PLUGIN, list[str]()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, data in plugin_files(paths).items():
            path = target / name
            if path.is_file() and path.read_bytes() == data:
                continue
            files.write(path, data)
            written.append(name)
        ensure_private(paths.runtime)
        ensure_private(paths.state)
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror or error}") from error
    return target, written
