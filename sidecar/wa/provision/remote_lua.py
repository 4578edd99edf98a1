"""The wezterm.lua of a host: panes there begin with the user's own login shell."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from wa.provision.lua import lua
from wa.provision.lua_eval import LuaTrouble, evaluate
from wa.provision.lua_text import put_lua_block
from wa.provision.plan import FileChange
from wa.provision.remote_facts import OTHER_LUA, WEZTERM_LUA, RemoteFacts
from wa.provision.text_trouble import TextTrouble

BLOCK = "login-shell"
NEW_FILE = """local wezterm = require 'wezterm'
local config = wezterm.config_builder()
return config
"""
LOGIN_SHELLS = frozenset({"bash", "zsh", "fish", "sh", "dash", "ksh", "mksh", "tcsh", "csh", "nu", "elvish"})
"""Those that know `-l` (their manuals, 2026-11)."""
_ELSEWHERE = Path("/nonexistent/.wezterm.lua")
"""Where it is evaluated: nothing of this machine's may be taken for the host's."""


class LuaChange(NamedTuple):
    change: FileChange | None
    note: str | None = None


def login_shell(facts: RemoteFacts) -> LuaChange:
    """Blocking, a second or so. A file that cannot be changed safely stays, and the note has the line to add."""
    shell = facts.get("shell")
    if shell is None or not shell.startswith("/") or shell.rpartition("/")[2] not in LOGIN_SHELLS:
        return LuaChange(
            None, f"Its shell, {shell or 'none'}, is not known to have login shells: no wezterm.lua is made."
        )
    name = next((one for one in (WEZTERM_LUA, OTHER_LUA) if facts.files[one].state != "absent"), WEZTERM_LUA)
    path, found = facts.place(name), facts.files[name]
    line = f"default_prog = {lua([shell, '-l'])}"
    if found.state not in ("absent", "held"):
        return LuaChange(None, f"{path} cannot be read ({found.state}); for login shells add to it: config.{line}")
    try:
        before = None if found.content is None else found.content.decode("utf-8")
        text = before or NEW_FILE
        had = evaluate(text, _ELSEWHERE, env={}).config.get("default_prog")
        if had is not None and f"wa {BLOCK}: begin" not in text:
            return LuaChange(None)
        after = put_lua_block(text, BLOCK, lambda config: f"{config}.{line}")
        if evaluate(after, _ELSEWHERE, env={}).config.get("default_prog") != [shell, "-l"]:
            return LuaChange(None, f"{path} sets default_prog by other means; it was left as it is.")
    except (TextTrouble, UnicodeDecodeError) as trouble:
        why = trouble if isinstance(trouble, LuaTrouble | TextTrouble) else "it is not UTF-8"
        return LuaChange(None, f"{path} was left as it is ({why}); for login shells add to it: config.{line}")
    what = "login shells in WezTerm's panes"
    return LuaChange(FileChange(path, found.content, after.encode("utf-8"), what, block=BLOCK))
