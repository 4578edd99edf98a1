"""How an agent is typed into, read from its file: `[send]`, `[interrupt]`, `[[exit]]`, `[resume]`, `[[option]]`, `[limits]`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wa.act.keys import key_bytes
from wa.detect.pack import PackError
from wa.model.profile import ExitStep, ExitWay, OptionMeaning, Profile, Sending, Versions, parse_versions

WHILE_WORKING = ("steer", "queue", "refuse")
UNTIL = ("shell", "dialog", "hint")
EFFECTS = frozenset(
    {
        "approve", "always", "deny", "destructive", "exit", "keep", "login", "model", "money", "settings", "stop", "trust",
        "update", "wait",
    }
)  # fmt: skip
"""What an option of a dialog may do; `unknown` is what no entry names."""
_PLACES = re.compile(r"\{([^}]*)\}")


def profile_of(data: Mapping[str, Any]) -> Profile:
    """Raises PackError with the place."""
    name = str(data.get("name", ""))
    send = _table(data, "send", {"paste_pause_ms", "while_working", "bracketed", "cursor", "mask", "seen"})
    interrupt = _table(data, "interrupt", {"keys", "seen"})
    resume = _table(data, "resume", {"command", "seen"})
    limits = _table(data, "limits", {"close", "goes_on_by_itself", "goes_on_within_s", "seen"})
    for table, given in (("send", send), ("interrupt", interrupt), ("resume", resume), ("limits", limits)):
        if given and not given.get("seen"):
            raise PackError(table, "`seen` is missing: say in which versions, and when")
    return Profile(
        name,
        _sending(send),
        _keys(interrupt, "keys", "interrupt"),
        tuple(_exit(entry, f"exit {n}") for n, entry in enumerate(_entries(data, "exit"), 1)),
        _resume(resume),
        tuple(_option(entry, f"option {n}") for n, entry in enumerate(_entries(data, "option"), 1)),
        _texts(limits, "close", "limits"),
        composer=bool(data.get("composer")) and bool(send),
    )


def _sending(table: Mapping[str, Any]) -> Sending:
    pause = table.get("paste_pause_ms", 100)
    if not isinstance(pause, int | float) or isinstance(pause, bool) or not 0 <= pause <= 5_000:
        raise PackError("send", "paste_pause_ms is a number from 0 to 5000")
    working = table.get("while_working", "steer")
    if working not in WHILE_WORKING:
        raise PackError("send", f"while_working is one of {', '.join(WHILE_WORKING)}")
    mask = table.get("mask")
    return Sending(
        pause / 1000,
        str(working),
        bool(table.get("bracketed", False)),
        bool(table.get("cursor", False)),
        None if mask is None else _pattern(mask, "send"),
    )


def _exit(entry: Mapping[str, Any], where: str) -> ExitWay:
    _only(entry, {"versions", "steps", "seen"}, where)
    steps = entry.get("steps")
    if not isinstance(steps, list) or not steps:
        raise PackError(where, "`steps` is missing: a list of tables")
    if not entry.get("seen"):
        raise PackError(where, "`seen` is missing: say in which versions, and when")
    return ExitWay(_versions(entry, where), tuple(_step(step, where) for step in steps), str(entry["seen"]))


def _step(step: object, where: str) -> ExitStep:
    if not isinstance(step, Mapping):
        raise PackError(where, "a step is a table")
    _only(step, {"keys", "text", "choose", "until", "within_s"}, where)
    if sum(bool(step.get(what)) for what in ("keys", "text", "choose")) != 1:
        raise PackError(where, "a step has one of keys, text and choose")
    until = step.get("until", "shell")
    if until not in UNTIL:
        raise PackError(where, f"until is one of {', '.join(UNTIL)}")
    within_s = step.get("within_s", 5.0)
    if not isinstance(within_s, int | float) or isinstance(within_s, bool) or not 0 < within_s <= 120:
        raise PackError(where, "within_s is a number of seconds, 120 at most")
    text = step.get("text", "")
    if not isinstance(text, str) or "\n" in text:
        raise PackError(where, "text is one line")
    return ExitStep(_keys(step, "keys", where), text, _texts(step, "choose", where), str(until), float(within_s))


def _option(entry: Mapping[str, Any], where: str) -> OptionMeaning:
    _only(entry, {"like", "question", "effects", "seen"}, where)
    effects = _texts(entry, "effects", where)
    if unknown := sorted(set(effects) - EFFECTS):
        raise PackError(where, f"no such effect: {unknown[0]!r}; there are {', '.join(sorted(EFFECTS))}")
    if not effects:
        raise PackError(where, "`effects` is missing")
    if not entry.get("seen"):
        raise PackError(where, "`seen` is missing: say in which versions, and when")
    asked = entry.get("question")
    question = None if asked is None else _pattern(asked, where)
    return OptionMeaning(_pattern(entry.get("like"), where), frozenset(effects), question)


def _resume(table: Mapping[str, Any]) -> str:
    command = table.get("command", "")
    if not isinstance(command, str) or "\n" in command:
        raise PackError("resume", "command is one line")
    if unknown := [name for name in _PLACES.findall(command) if name != "session_id"]:
        raise PackError("resume", f"{{{unknown[0]}}} is not known: only {{session_id}} is")
    return command


def _versions(entry: Mapping[str, Any], where: str) -> Versions:
    try:
        return parse_versions(str(entry.get("versions", "")))
    except ValueError as error:
        raise PackError(where, f"versions: {error}") from None


def _keys(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    names = _texts(entry, key, where)
    for name in names:
        if key_bytes(name) is None:
            raise PackError(where, f"{name!r} names no key: they are spelled as in ctrl+c, escape, shift+tab")
    return names


def _texts(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = entry.get(key, ())
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        raise PackError(where, f"{key} is a list of texts")
    return tuple(value)


def _pattern(text: object, where: str) -> re.Pattern[str]:
    if not isinstance(text, str) or not text:
        raise PackError(where, "a pattern is a text")
    try:
        return re.compile(text)
    except re.error as error:
        raise PackError(where, f"{error} in {text!r}") from None


def _table(data: Mapping[str, Any], key: str, allowed: set[str]) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, Mapping):
        raise PackError(key, f"{key} is no table")
    _only(value, allowed, key)
    return value


def _entries(data: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    value = data.get(key, ())
    if not isinstance(value, list | tuple) or not all(isinstance(entry, Mapping) for entry in value):
        raise PackError(key, f"{key} is a list of tables: [[{key}]]")
    return value


def _only(entry: Mapping[str, Any], allowed: set[str], where: str) -> None:
    if unknown := sorted(set(entry) - allowed):
        raise PackError(where, f"unknown key {unknown[0]!r}; known are {', '.join(sorted(allowed))}")
