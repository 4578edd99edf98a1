"""A user's workflow: its TOML, checked and made into a Workflow. docs/topics/workflows.md says what may stand in it."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from wa.act.script_check import Checker, ScriptError
from wa.act.script_play import play
from wa.act.script_steps import Script, read_condition, read_steps
from wa.act.workflow import Busy, OnSchedule, OnState, Panes, Workflow

__all__ = ["ScriptError", "compile_script"]

_WORDS = {
    "session": "start end resume_hint",
    "turn": "working done interrupted",
    "state": "idle",
    "waiting": "approval question plan trust update choice login",
    "usage": "warning limit autoresume popup",
    "rate": "retry",
    "error": "api auth network capacity context crash",
    "context": "low",
    "compaction": "running done",
    "auth": "device_code url paste_code ok failed",
    "model": "switched",
    "background": "tasks",
    "mcp": "error",
    "command": "start done",
}
EVENTS = frozenset(f"{group}.{word}" for group, words in _WORDS.items() for word in words.split())
"""The vocabulary of docs/topics/events.md."""
_KEYS = (
    *(
        "name",
        "about",
        "agents",
        "trigger",
        "panes",
        "only_if",
        "set",
        "step",
        "when_busy",
        "max_age",
        "cooldown",
        "per_hour",
    ),
    "enabled",
)
_TRIGGER = ("event", "state", "held", "together", "every", "at", "zone", "days", "manual")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
MIN_EVERY_S = 10.0


def compile_script(data: Mapping[str, Any], *, name: str, origin: str, text: str) -> Workflow:
    """*name* where the file gives none; *text* is what another version is told by. Raises ScriptError with all problems."""
    check = Checker()
    check.keys(data, (), _KEYS)
    name = check.text(data, (), "name", name)
    if not _NAME.fullmatch(name):
        check.problem(("name",), f"{name!r:.60} is no name: small letters, digits, - and _")
    events, starts = _trigger(check, data)
    own = check.table(data, (), "set")
    _set(check, own)
    together = any(isinstance(start, OnState) and start.together for start in starts)
    steps = read_steps(check, data.get("step"), ("step",), own)
    only_if = read_condition(check, data.get("only_if"), ("only_if",))
    if together and (only_if is not None or any(step.needs_pane for step in steps)):
        check.problem(
            ("trigger", "together"),
            "a run of all panes together has no pane of its own: it may notify and run programs only",
        )
    if "enabled" in data:
        check.problem(("enabled",), "a file turns nothing on: `wa workflow enable` does")
    max_age_s = check.duration(data, (), "max_age", 900.0)
    workflow = Workflow(
        name=name,
        events=events,
        play=partial(play, Script(steps, only_if)),
        about=check.text(data, (), "about", "A workflow of your own."),
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
        settings={"set": own},
        agents=frozenset(check.texts(data, (), "agents")),
        max_age_s=max_age_s,
        starts=starts,
        panes=_panes(check, data),
        when_busy=check.choice(data, (), "when_busy", Busy, Busy.WAIT),
        lease=any(step.acts for step in steps),
        cooldown_s=check.duration(data, (), "cooldown", 0.0),
        per_hour=check.whole(data, (), "per_hour", 0),
        origin=origin,
    )
    check.done()
    return workflow


def _trigger(check: Checker, data: Mapping[str, Any]) -> tuple[frozenset[str], tuple[OnState | OnSchedule, ...]]:
    if "trigger" not in data:
        check.problem((), "a workflow needs a [trigger]: an event, a state, every, at, or manual = true")
        return frozenset(), ()
    table = check.table(data, (), "trigger")
    where = ("trigger",)
    check.keys(table, where, _TRIGGER)
    kinds = [key for key in ("event", "state", "every", "at", "manual") if key in table]
    if len(kinds) != 1:
        check.problem(where, f"one of event, state, every, at and manual belongs into [trigger], not {len(kinds)}")
    for key, of in (("held", "state"), ("together", "state"), ("zone", "at"), ("days", "at")):
        if key in table and of not in table:
            check.problem((*where, key), f"`{key}` goes with `{of}`")
    events = frozenset(check.texts(table, where, "event"))
    for event in sorted(events):
        if event not in EVENTS and event not in _WORDS:
            near = difflib.get_close_matches(event, sorted(EVENTS), n=1)
            check.problem((*where, "event"), f"there is no event {event!r:.60}{f'; {near[0]}?' if near else ''}")
    if "state" in table:
        states = check.states(table, where, "state")
        held_s = check.duration(table, where, "held", 0.0)
        together = check.flag(table, where, "together", False)
        return events, (OnState(states, held_s, together),)
    if "every" in table:
        every_s = check.duration(table, where, "every", 0.0)
        if every_s < MIN_EVERY_S:
            check.problem((*where, "every"), f"{MIN_EVERY_S:g} s at least")
        return events, (OnSchedule(every_s=every_s),)
    if "at" in table:
        return events, (_at(check, table, where),)
    return events, ()


def _at(check: Checker, table: Mapping[str, Any], where: tuple[str, ...]) -> OnSchedule:
    at = check.text(table, where, "at", "")
    if not _CLOCK.fullmatch(at):
        check.problem((*where, "at"), f'{at!r:.20} is no time of the day: write "09:00"')
        at = "00:00"
    zone = check.text(table, where, "zone", "")
    if zone and not _ZONE.fullmatch(zone):
        check.problem((*where, "zone"), f"{zone!r:.60} is no time zone: write Europe/Berlin")
    days = check.texts(table, where, "days")
    for day in days:
        if day not in _DAYS:
            check.problem((*where, "days"), f"{day!r:.20} is no day: {', '.join(_DAYS)}")
    return OnSchedule(at=at, zone=zone, days=frozenset(_DAYS.index(day) for day in days if day in _DAYS))


def _panes(check: Checker, data: Mapping[str, Any]) -> Panes:
    table = check.table(data, (), "panes")
    check.keys(table, ("panes",), Panes._fields)
    return Panes(**{key: check.text(table, ("panes",), key, "") for key in Panes._fields if key in table})


def _set(check: Checker, own: Mapping[str, Any]) -> None:
    for key, value in own.items():
        where = ("set", key)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
            check.problem(where, f"{key!r:.60} is no name of a value")
        single = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str | int | float | bool) for one in single):
            check.problem(where, "a value is text, a number, true or false, or a list of these")
