"""Hooks into the text of an agent's settings, and out of it. Pure; raises TextTrouble for what is not understood."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from wa.model.hook import NOTIFY, STATUS_LINE, AgentHooks
from wa.provision import json_text, toml_text
from wa.provision.hook_lines import BEHIND, Caller, call_in, call_of
from wa.provision.text_trouble import TextTrouble

EMPTY = "{}\n"
_STATUS = ("statusLine", "command")


def wanted_events(hooks: AgentHooks, version: str | None) -> list[str]:
    """Those that this version knows. Of an unknown version: those that every version seen knows."""
    return [one.name for one in hooks.events if one.versions.fits(version)]


def put_in(text: str, hooks: AgentHooks, caller: Caller, version: str | None) -> str:
    """*text* with all hooks that this version knows; the same text where they are there."""
    comments = hooks.comments
    text = text if text.strip("\ufeff \t\r\n") else EMPTY
    root = _root(text, comments)
    found = {place[0]: (place, entry) for place, entry in _ours(root.value, hooks.agent)}
    wanted = {event: _entry(hooks, caller, event) for event in wanted_events(hooks, version)}
    if {event: entry for event, (_, entry) in found.items()} != wanted and found:
        text = _without_hooks(text, hooks)
        found = {}
    for one in hooks.settings:
        if one.versions.fits(version):
            text = _with_setting(text, one.path, one.value, comments)
    if wanted and not found:
        if json_text.parse(text, comments=comments).child("hooks") is None:
            text = json_text.added(text, (), "hooks", {}, comments=comments)
        for event, entry in wanted.items():
            group = {"hooks": [entry]}
            box = json_text.parse(text, comments=comments).child("hooks")
            if box is not None and event in box.keys:
                text = json_text.added(text, ("hooks", event), None, group, comments=comments)
            else:
                text = json_text.added(text, ("hooks",), event, [group], comments=comments)
    return _with_status_line(text, hooks, caller) if hooks.status_line else text


def take_out(text: str, hooks: AgentHooks, before: str | None) -> str:
    """*text* without what `put_in` put there, whatever else has changed meanwhile. *before*: the text before that, where it is kept."""
    if not text.strip("\ufeff \t\r\n"):
        return text
    comments = hooks.comments
    old = _value_before(before, comments)
    text = _without_hooks(text, hooks, old)
    for one in hooks.settings:
        if before is not None and _get(old, one.path) is None and _get(_value(text, comments), one.path) == one.value:
            text = _pruned(text, one.path, old, comments)
    return _without_status_line(text, before, comments) if hooks.status_line else text


def is_empty(text: str) -> bool:
    """Nothing is left in it, not even a comment."""
    bare = text.strip("\ufeff \t\r\n")
    return bare in ("", "{}") or (bare[:1] == "{" and bare[-1:] == "}" and not bare[1:-1].strip())


def installed(text: str, hooks: AgentHooks) -> list[str]:
    """The events that call wa, the status line among them."""
    if not text.strip("\ufeff \t\r\n"):
        return []
    value = _root(text, hooks.comments).value
    found = [place[0] for place, _ in _ours(value, hooks.agent)]
    status = _get(value, _STATUS)
    if isinstance(status, str) and (call := call_in({"command": status})) and call.event == STATUS_LINE:
        found.append(STATUS_LINE)
    return found


def programs(text: str, hooks: AgentHooks) -> set[str]:
    """Which `wa` the lines call."""
    value = _root(text, hooks.comments).value if text.strip("\ufeff \t\r\n") else {}
    calls = [call_in(entry) for _, entry in _ours(value, hooks.agent)]
    return {call.program for call in calls if call is not None}


# -- notify, in TOML ------------------------------------------------------------------------------------------------------


def put_notify(text: str, agent: str, caller: Caller) -> str:
    own = toml_text.parse(text).get(NOTIFY)
    if own is not None and (not isinstance(own, list) or not all(isinstance(word, str) for word in own)):
        raise TextTrouble(None, f"`{NOTIFY}` is no list of texts")
    call = None if own is None else call_of(own)
    if call is not None:
        own = list(call.own or ())
    words = caller.words(agent, NOTIFY) + ([BEHIND, *own] if own else [])
    if toml_text.parse(text).get(NOTIFY) == words:
        return text
    return toml_text.with_value(text, NOTIFY, toml_text.string_list(words))


def take_notify(text: str, before: str | None) -> str:
    found = toml_text.parse(text).get(NOTIFY)
    call = call_of(found) if isinstance(found, list) else None
    if call is None:
        return text
    raw = None if before is None else toml_text.raw_value(before, NOTIFY)
    if raw is not None and toml_text.parse(f"{NOTIFY} = {raw}")[NOTIFY] in (list(call.own or ()), []):
        return toml_text.with_value(text, NOTIFY, raw)
    if call.own is None:
        return toml_text.without(text, NOTIFY)
    return toml_text.with_value(text, NOTIFY, toml_text.string_list(list(call.own)))


def has_notify(text: str) -> bool:
    found = toml_text.parse(text).get(NOTIFY)
    return isinstance(found, list) and call_of(found) is not None


def notify_programs(text: str) -> set[str]:
    found = toml_text.parse(text).get(NOTIFY)
    call = call_of(found) if isinstance(found, list) else None
    return set() if call is None else {call.program}


# -- inside --------------------------------------------------------------------------------------------------------------


def _root(text: str, comments: bool) -> json_text.Node:
    root = json_text.parse(text, comments=comments)
    if not root.is_object:
        raise TextTrouble(1, "the settings are no object")
    for key in ("hooks", "statusLine"):
        if (child := root.child(key)) is not None and not child.is_object:
            raise TextTrouble(_line(text, child.start), f"`{key}` is no object")
    if (box := root.child("hooks")) is not None:
        for key, child in zip(box.keys, box.children, strict=True):
            if key[:1].isupper() and not child.is_array:
                raise TextTrouble(_line(text, child.start), f"`hooks.{key}` is no list")
    return root


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _value(text: str, comments: bool) -> Any:
    return json_text.parse(text, comments=comments).value


def _value_before(before: str | None, comments: bool) -> Any:
    if before is None or not before.strip("\ufeff \t\r\n"):
        return {}
    try:
        return _value(before, comments)
    except TextTrouble:
        return {}


def _entry(hooks: AgentHooks, caller: Caller, event: str) -> dict[str, Any]:
    return {"type": "command", "command": caller.line(hooks.agent, event), "timeout": hooks.timeout}


def _ours(value: Any, agent: str) -> list[tuple[tuple[str, int, int], dict[str, Any]]]:
    """Each of our hooks: event, place in its list, place in the group; and the hook."""
    found = []
    events = value.get("hooks") if isinstance(value, dict) else None
    for event, groups in events.items() if isinstance(events, dict) else ():
        for at, group in enumerate(groups if isinstance(groups, list) else ()):
            entries = group.get("hooks") if isinstance(group, dict) else None
            for place, entry in enumerate(entries if isinstance(entries, list) else ()):
                call = call_in(entry)
                if call is not None and call.agent == agent:
                    found.append(((event, at, place), entry))
    return found


def _without_hooks(text: str, hooks: AgentHooks, old: Any = None) -> str:
    comments = hooks.comments
    for (event, at, place), _ in reversed(_ours(_root(text, comments).value, hooks.agent)):
        value = _value(text, comments)
        group = value["hooks"][event][at]
        if len(group["hooks"]) > 1:
            # Somebody put more into our group: it is theirs too now.
            text = _without_item(text, (event, at), place, comments)
            continue
        text = json_text.removed(text, ("hooks", event), at, comments=comments)
        text = _pruned(text, ("hooks", event), old, comments)
    return text


def _without_item(text: str, group: tuple[str, int], place: int, comments: bool) -> str:
    """One hook of a group. Arrays have no path of keys, so the group is cut out, changed and put back."""
    root = json_text.parse(text, comments=comments)
    box = root.child("hooks")
    events = None if box is None else box.child(group[0])
    assert events is not None
    node = events.children[group[1]]
    inner = json_text.removed(text[node.start : node.end], ("hooks",), place, comments=comments)
    return text[: node.start] + inner + text[node.end :]


def _pruned(text: str, path: Sequence[str], old: Any, comments: bool) -> str:
    """Without the value at *path* where it is empty, or none of the user's, and then without what that leaves empty."""
    while path:
        found = _get(_value(text, comments), path)
        if found not in ([], {}) and not isinstance(found, bool | int | str):
            break
        if old and _get(old, path) is not None:
            break  # It was there before us.
        text = json_text.removed(text, path[:-1], path[-1], comments=comments)
        path = path[:-1]
        if _get(_value(text, comments), path) not in ([], {}):
            break
    return text


def _with_setting(text: str, path: tuple[str, ...], value: object, comments: bool) -> str:
    for depth in range(1, len(path)):
        here = _get(_value(text, comments), path[:depth])
        if here is None:
            text = json_text.added(text, path[: depth - 1], path[depth - 1], {}, comments=comments)
        elif not isinstance(here, dict):
            raise TextTrouble(None, f"`{'.'.join(path[:depth])}` is no object")
    if _get(_value(text, comments), path) is not None:
        return text  # The user's word.
    return json_text.added(text, path[:-1], path[-1], value, comments=comments)


def _with_status_line(text: str, hooks: AgentHooks, caller: Caller) -> str:
    """Only where there is one: a line of ours alone would take a row of the screen and show nothing."""
    own = _get(_value(text, hooks.comments), _STATUS)
    if not isinstance(own, str) or not own.strip():
        return text
    call = call_in({"command": own})
    if call is not None and call.event == STATUS_LINE:
        own = call.own[0] if call.own else ""
    line = f"{caller.line(hooks.agent, STATUS_LINE)} {BEHIND} {shlex.quote(own)}"
    if line == _get(_value(text, hooks.comments), _STATUS):
        return text
    return json_text.replaced(text, _STATUS, _quoted(line), comments=hooks.comments)


def _without_status_line(text: str, before: str | None, comments: bool) -> str:
    own = _get(_value(text, comments), _STATUS)
    call = call_in({"command": own})
    if call is None or call.event != STATUS_LINE or not call.own:
        return text
    raw = _quoted(call.own[0])
    if before is not None and _get(_value_before(before, comments), _STATUS) == call.own[0]:
        raw = json_text.raw_at(before, _STATUS, comments=comments)
    return json_text.replaced(text, _STATUS, raw, comments=comments)


def _quoted(text: str) -> str:
    """As JSON; half a surrogate pair, which JSON can escape and UTF-8 cannot hold, stays escaped."""
    is_whole = text == text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(text, ensure_ascii=not is_whole)


def _get(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
