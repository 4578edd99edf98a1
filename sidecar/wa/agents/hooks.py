"""How an agent's hooks are installed and what they say, read from its file: `[hooks]`, `[[hooks.event]]`, `[[hooks.says]]`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wa.detect.arbiter import HOOK_MS
from wa.detect.pack import PackError
from wa.model.agent import PaneState
from wa.model.hook import AgentHooks, HookEvent, HookMeaning, HookSetting
from wa.model.profile import Versions, parse_versions

EVENTS = frozenset({"turn.done", "compaction.done", "session.start", "session.end"})
"""What a hook may tell where the screen does not."""
MAX_LASTS_S = HOOK_MS // 1000
_NAME = re.compile(r"[A-Za-z][A-Za-z.]{0,63}\Z")
_KEYS = frozenset(
    {
        "command", "folder", "user_file", "project_file", "comments", "timeout", "status_line", "notify_file", "trust",
        "event", "says", "setting", "seen",
    }
)  # fmt: skip


def hooks_of(data: Mapping[str, Any]) -> AgentHooks | None:
    """None for an agent whose file says nothing of hooks. Raises PackError with the place."""
    table = data.get("hooks")
    if table is None:
        return None
    if not isinstance(table, Mapping):
        raise PackError("hooks", "hooks is no table")
    _only(table, _KEYS, "hooks")
    if not table.get("seen"):
        raise PackError("hooks", "`seen` is missing: say in which versions, and when")
    timeout = table.get("timeout", 5)
    if not isinstance(timeout, int) or isinstance(timeout, bool) or timeout < 1:
        raise PackError("hooks", "timeout is a whole number from 1 up")
    events = tuple(_event(entry) for entry in _entries(table, "event"))
    notify = table.get("notify_file")
    return AgentHooks(
        str(data.get("name", "")),
        _text(table, "command"),
        _file(table, "folder"),
        _file(table, "user_file"),
        _file(table, "project_file"),
        bool(table.get("comments", False)),
        timeout,
        events,
        tuple(_meaning(entry) for entry in _entries(table, "says")),
        tuple(_setting(entry) for entry in _entries(table, "setting")),
        bool(table.get("status_line", False)),
        None if notify is None else _file(table, "notify_file"),
        str(table.get("trust", "")),
    )


def _event(entry: Mapping[str, Any]) -> HookEvent:
    _only(entry, {"name", "versions"}, "hooks.event")
    name = _text(entry, "name")
    if not _NAME.match(name):
        raise PackError("hooks.event", f"{name!r} is no name of an event")
    return HookEvent(name, _versions(entry))


def _meaning(entry: Mapping[str, Any]) -> HookMeaning:
    _only(entry, {"on", "when", "state", "lasts_s", "event"}, "hooks.says")
    state, event, lasts_s = entry.get("state"), entry.get("event"), entry.get("lasts_s", 0)
    if state is not None and state not in set(PaneState):
        raise PackError("hooks.says", f"no such state: {state!r}")
    if event is not None and event not in EVENTS:
        raise PackError("hooks.says", f"event is one of {', '.join(sorted(EVENTS))}")
    if not isinstance(lasts_s, int | float) or isinstance(lasts_s, bool) or not 0 <= lasts_s <= MAX_LASTS_S:
        raise PackError("hooks.says", f"lasts_s is a number of seconds, {MAX_LASTS_S} at most")
    if state is not None and not lasts_s:
        raise PackError("hooks.says", "lasts_s is missing: no hook says when its state is over")
    when = entry.get("when", {})
    if not isinstance(when, Mapping) or not all(isinstance(values, list) for values in when.values()):
        raise PackError("hooks.says", "when is a table of lists")
    return HookMeaning(
        _text(entry, "on"),
        {str(field): tuple(map(str, values)) for field, values in when.items()},
        None if state is None else PaneState(state),
        int(lasts_s * 1000),
        event,
    )


def _setting(entry: Mapping[str, Any]) -> HookSetting:
    _only(entry, {"path", "value", "versions"}, "hooks.setting")
    path, value = entry.get("path"), entry.get("value")
    if not isinstance(path, list) or not path or not all(isinstance(key, str) and key for key in path):
        raise PackError("hooks.setting", "path is a list of keys")
    if not isinstance(value, bool | int | str):
        raise PackError("hooks.setting", "value is a text, a number, or true or false")
    return HookSetting(tuple(path), value, _versions(entry))


def _versions(entry: Mapping[str, Any]) -> Versions:
    try:
        return parse_versions(str(entry.get("versions", "")))
    except ValueError as error:
        raise PackError("hooks", f"versions: {error}") from None


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value or "\n" in value:
        raise PackError("hooks", f"{key} is one line of text")
    return value


def _file(table: Mapping[str, Any], key: str) -> str:
    value = _text(table, key)
    if value.startswith("/") or ".." in value.split("/"):
        raise PackError("hooks", f"{key} lies below a folder: no leading /, no ..")
    return value


def _entries(table: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    value = table.get(key, ())
    if not isinstance(value, list | tuple) or not all(isinstance(entry, Mapping) for entry in value):
        raise PackError("hooks", f"{key} is a list of tables: [[hooks.{key}]]")
    return value


def _only(entry: Mapping[str, Any], allowed: frozenset[str] | set[str], where: str) -> None:
    if unknown := sorted(set(entry) - allowed):
        raise PackError(where, f"unknown key {unknown[0]!r}; known are {', '.join(sorted(allowed))}")
