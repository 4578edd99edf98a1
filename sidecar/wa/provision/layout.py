"""The layout that the plugin is asked for: what each option puts into the call in wezterm.lua, and what the user has already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wa.model.host import FoundHost
from wa.provision.lua import KEYWORDS, lua
from wa.provision.lua_eval import Evaluated

BLOCK = "plugin"
"""The name of wa's block in wezterm.lua."""
LOOKS = (
    ("Tokyo Night", "#7aa2f7"),
    ("Gruvbox Dark (Gogh)", "#fe8019"),
    ("Everforest Dark (Gogh)", "#a7c080"),
    ("Dracula", "#bd93f9"),
    ("Nord (Gogh)", "#88c0d0"),
    ("Catppuccin Mocha", "#f5c2e7"),
    ("Solarized Dark (Gogh)", "#b58900"),
    ("rose-pine", "#ebbcba"),
)
"""Colour schemes that WezTerm has built in (20240203 and 2025-02-23), and a colour that stands for each in the tab bar."""
ORDER = ("badges", "window_title", "palette", "layout", "domains", "looks", "startup", "tabs", "keys", "name",
         "remote_address", "username", "multiplexing", "assume_shell", "ssh_option", "scheme", "color", "text")  # fmt: skip
"""Of the keys of what is written, so that it is the same text each time; others stand behind, by their names."""
TABS = 3
"""Of a window that a start makes."""


@dataclass(frozen=True, slots=True)
class Picks:
    """What the user asked for. None: nothing was said, so it stays as it is."""

    domains: tuple[dict[str, Any], ...] | None = None
    """Entries of `ssh_domains`."""
    colours: bool | None = None
    startup: bool | None = None
    tabs: int | None = None
    keys: bool | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """What the configuration has without wa. Each is said as the end of a sentence, for a person."""

    domains: tuple[str, ...] = ()
    """Those that keep panes elsewhere, by name: ssh's that are multiplexed, TLS, sockets."""
    colours: str | None = None
    startup: str | None = None
    keys: str | None = None
    draws_tabs: bool = False
    """It has a handler of `format-tab-title`; WezTerm asks only the first."""


def own_of(found: Evaluated) -> Own:
    tables = [one for key in ("ssh_domains", "tls_clients", "unix_domains") for one in found.tables(key)]
    names = [one.get("name") for one in tables if one.get("multiplexing", "WezTerm") != "None"]
    domains = [name for name in names if isinstance(name, str)]
    scheme, colours = found.config.get("color_scheme"), None
    if scheme or found.config.get("colors"):
        colours = f"colours of your own ({scheme})" if isinstance(scheme, str) else "colours of your own"
    leader = found.config.get("leader")
    own_keys = None
    if isinstance(leader, dict):
        own_keys = f"a leader of your own, {leader.get('mods', '')} {leader.get('key', '')}".replace("  ", " ").rstrip()
    return Own(
        domains=tuple(domains),
        colours=colours,
        startup="a gui-startup handler of your own" if "gui-startup" in found.handlers else None,
        keys=own_keys,
        draws_tabs="format-tab-title" in found.handlers,
    )


def domain_of(host: FoundHost) -> dict[str, Any]:
    """The entry of `ssh_domains` for a host.

    WezTerm reads ~/.ssh/config too: where the way leads over another machine, the alias stands there, and WezTerm takes
    the rest from that file.
    """
    name = host.title
    if host.jump is not None or host.address is None:
        address = host.name
    else:
        plain = f"[{host.address}]" if ":" in host.address else host.address
        address = plain if host.port in (None, 22) else f"{plain}:{host.port}"
    entry: dict[str, Any] = {"name": name, "remote_address": address}
    if host.user is not None:
        entry["username"] = host.user
    entry |= {"multiplexing": "WezTerm", "assume_shell": "Posix"}
    if host.identities:
        entry["ssh_option"] = {"identityfile": host.identities[0]}
    return entry


def layout_of(before: Mapping[str, Any], picks: Picks, own: Own) -> dict[str, Any]:
    """The options of the layout: those of *before*, changed by what was picked. A part that nobody asked for is not there."""
    domains = {str(one["name"]): one for one in before.get("domains", ())}
    for one in picks.domains or ():
        domains[one["name"]] = one
    # A domain of that name of the user's own stays theirs.
    domains = {name: one for name, one in domains.items() if name not in own.domains}
    names = [*own.domains, *domains]
    made: dict[str, Any] = {}
    if domains:
        made["domains"] = list(domains.values())
    decided = {
        "looks": _decided(picks.colours, before.get("looks"), own.colours, names),
        "startup": _decided(picks.startup, before.get("startup"), own.startup, names),
        "keys": _decided(picks.keys, before.get("keys"), own.keys, names),
    }
    if decided["looks"] and names:
        made["looks"] = _looks(names, before.get("looks") or {})
    if decided["startup"]:
        tabs = picks.tabs if picks.tabs is not None else (before.get("startup") or {}).get("tabs", TABS)
        made["startup"] = {"tabs": tabs, "domains": names} if names else {"tabs": tabs}
    if decided["keys"]:
        made["keys"] = {"domains": names} if names else {}
    # A no stays a no.
    return made | {part: False for part, is_on in decided.items() if is_on is False}


def _looks(names: Sequence[str], old: Mapping[str, Any]) -> dict[str, Any]:
    taken = {look.get("scheme") for look in old.values()}
    free = [one for one in LOOKS if one[0] not in taken] or list(LOOKS)
    new = [name for name in names if name not in old]
    return {name: old[name] for name in names if name in old} | {
        name: {"scheme": free[at % len(free)][0], "color": free[at % len(free)][1]} for at, name in enumerate(new)
    }


def is_default(own: str | None, names: Sequence[str]) -> bool:
    """Whether a part is wanted where nobody says: there are domains, and the user has nothing of that kind."""
    return own is None and bool(names)


def _decided(picked: bool | None, before: object, own: str | None, names: Sequence[str]) -> bool | None:
    """None: it is not wanted, but nobody said no."""
    if picked is not None:
        return picked
    if before is not None:
        return before is not False
    return True if is_default(own, names) else None


def body(variable: str, options: Mapping[str, Any]) -> str:
    """The lines of the block in wezterm.lua. A plugin that is not there is no error."""
    inside = _pretty(options, 2) if options else ""
    return (
        f'do\n  local found, wa = pcall(require, "wa_plugin")\n  if found then\n'
        f"    wa.apply_to_config({variable}{', ' + inside if inside else ''})\n  end\nend\n"
    )


def call(options: Mapping[str, Any], variable: str = "config") -> list[str]:
    """The lines to paste where wa must not write."""
    inside = f", {_pretty(options, 0)}" if options else ""
    return ['local wa = require("wa_plugin")', *f"wa.apply_to_config({variable}{inside})".split("\n")]


def _pretty(value: Any, depth: int) -> str:
    """*value* in Lua, a table on one line where it is short."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: (ORDER.index(key) if key in ORDER else len(ORDER), key))
        pieces = [f"{_key(key)} = {_pretty(value[key], depth + 1)}" for key in keys]
    elif isinstance(value, list | tuple):
        pieces = [_pretty(one, depth + 1) for one in value]
    else:
        return lua(value)
    line = "{ " + ", ".join(pieces) + " }" if pieces else "{}"
    if len(line) + 2 * depth <= 110 and "\n" not in line:
        return line
    blank = "  " * (depth + 1)
    return "{\n" + "".join(f"{blank}{one},\n" for one in pieces) + "  " * depth + "}"


def _key(name: str) -> str:
    if name.isascii() and name.isidentifier() and name not in KEYWORDS:
        return name
    return f"[{lua(name)}]"
