"""The steps of a user's workflow, read and checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from wa.act.script_check import Checker
from wa.act.toml_lines import Where
from wa.act.values import Template, begins_a_line, is_trusted
from wa.model.action import WhileBusy
from wa.model.agent import PaneState

MAX_DEPTH = 8
_RESULT = re.compile(r"[a-z][a-z0-9_]{0,31}")
_RESERVED = frozenset({"event", "pane", "agent", "at", "set", "field", "state", "session_id", "cwd"})
_OUTCOME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Or(StrEnum):
    """What becomes of the run when a step does not come to what it is for."""

    END = "end"
    GO_ON = "go_on"


class Condition(NamedTuple):
    """All that is named must hold."""

    states: frozenset[PaneState] = frozenset()
    agents: tuple[str, ...] = ()
    draft: bool | None = None
    dialog: bool | None = None
    limited: bool | None = None
    value: tuple[str, ...] = ()
    is_one_of: tuple[Any, ...] = ()
    negated: bool = False

    @property
    def looks(self) -> bool:
        return bool(self.states or self.agents) or any(
            one is not None for one in (self.draft, self.dialog, self.limited)
        )


class Kind(StrEnum):
    SEND = "send"
    CHOOSE = "choose"
    KEYS = "keys"
    INTERRUPT = "interrupt"
    EXIT = "exit"
    WAIT = "wait"
    SLEEP = "sleep"
    RUN = "run"
    NOTIFY = "notify"
    IF = "if"
    EACH = "for_each"
    END = "end"


class Step(NamedTuple):
    kind: Kind
    text: Template = Template(())
    """Of a send; the title of a notice."""
    body: Template = Template(())
    words: tuple[str, ...] = ()
    """Labels, keys."""
    argv: tuple[Template, ...] = ()
    question: str = ""
    name: str = ""
    """Of a result, of the value of a turn, of an ending."""
    submit: bool = True
    while_busy: WhileBusy = WhileBusy.REFUSE
    states: frozenset[PaneState] = frozenset()
    events: frozenset[str] = frozenset()
    held_s: float = 0.0
    within_s: float = 0.0
    spread_s: float = 0.0
    flag: bool = False
    """A notice needs you; an ending is a failure."""
    otherwise: Or = Or.END
    condition: Condition = Condition()
    then: tuple[Step, ...] = ()
    orelse: tuple[Step, ...] = ()

    @property
    def acts(self) -> bool:
        return self.kind in _ACTING or any(step.acts for step in (*self.then, *self.orelse))

    @property
    def needs_pane(self) -> bool:
        inner = any(step.needs_pane for step in (*self.then, *self.orelse))
        return self.kind in (*_ACTING, Kind.WAIT) or self.condition.looks or inner


class Script(NamedTuple):
    steps: tuple[Step, ...]
    only_if: Condition | None


_ACTING = (Kind.SEND, Kind.CHOOSE, Kind.KEYS, Kind.INTERRUPT, Kind.EXIT)


def read_steps(
    check: Checker, found: object, where: Where, own: Mapping[str, Any], turns: frozenset[str] = frozenset()
) -> tuple[Step, ...]:
    """*turns*: names that a `for_each` around gives values of the file's own."""
    if not isinstance(found, list) or not found:
        check.problem(where, "there must be at least one step" if found is None else "steps are a list of tables")
        return ()
    if len(where) > 3 * MAX_DEPTH:
        check.problem(where, f"steps are nested more than {MAX_DEPTH} deep")
        return ()
    steps: list[Step] = []
    for number, table in enumerate(found):
        here = (*where, number)
        if not isinstance(table, Mapping):
            check.problem(here, "a step is a table")
            continue
        kinds = [kind for kind in Kind if kind.value in table]
        if len(kinds) != 1:
            known = ", ".join(kind.value for kind in Kind)
            check.problem(here, f"a step is exactly one of {known}" + (f", not {', '.join(kinds)}" if kinds else ""))
            continue
        kind, keys = kinds[0], _READERS[kinds[0]][1]
        check.keys(table, here, (kind.value, *keys))
        steps.append(_READERS[kind][0](_Reading(check, here, own, turns), table))
    return tuple(steps)


class _Reading(NamedTuple):
    check: Checker
    where: Where
    own: Mapping[str, Any]
    turns: frozenset[str]

    def names(self, template: Template, key: str, *, typed: bool = False) -> Template:
        for name in template.names:
            if name[0] == "set" and (len(name) != 2 or name[1] not in self.own):
                self.check.problem((*self.where, key), f"[set] has no {'.'.join(name[1:]) or 'value without a name'}")
            elif name[0] == "field" and len(name) < 2:
                self.check.problem((*self.where, key), "say which field: {field.reset}")
        if typed and (name_ := begins_a_line(template, self.turns)) is not None:
            reason = "agents take what begins with / ! or # for commands, so put words of yours before it"
            self.check.problem((*self.where, key), f"{{{'.'.join(name_)}}} begins a line: {reason}")
        return template

    def otherwise(self, table: Mapping[str, Any]) -> Or:
        return self.check.choice(table, self.where, "or", Or, Or.END)

    def inner(self, table: Mapping[str, Any], key: str, *more: str) -> tuple[Step, ...]:
        return read_steps(self.check, table.get(key), (*self.where, key), self.own, self.turns | set(more))


def _send(read: _Reading, table: Mapping[str, Any]) -> Step:
    check, where = read.check, read.where
    text = read.names(check.template(table, where, "send"), "send", typed=True)
    return Step(
        Kind.SEND,
        text,
        submit=check.flag(table, where, "submit", True),
        while_busy=check.choice(table, where, "while_busy", WhileBusy, WhileBusy.REFUSE),
        otherwise=read.otherwise(table),
    )


def _choose(read: _Reading, table: Mapping[str, Any]) -> Step:
    labels = _literal(read, table, "choose")
    question = check_literal(read, table, "question")
    return Step(Kind.CHOOSE, words=labels, question=question, otherwise=read.otherwise(table))


def _keys(read: _Reading, table: Mapping[str, Any]) -> Step:
    keys = _literal(read, table, "keys")
    for key in keys:
        if not re.fullmatch(r"(?:(?:ctrl|alt|shift)\+)*(?:[a-z0-9]|[a-z][a-z0-9_]+)", key):
            read.check.problem((*read.where, "keys"), f'{key!r:.40} is no key: write "escape", "ctrl+c", "down"')
    return Step(Kind.KEYS, words=keys, otherwise=read.otherwise(table))


def _plain(kind: Kind) -> Callable[[_Reading, Mapping[str, Any]], Step]:
    def reading(read: _Reading, table: Mapping[str, Any]) -> Step:
        if not read.check.flag(table, read.where, kind.value, True):
            read.check.problem((*read.where, kind.value), f"write {kind.value} = true")
        return Step(kind, otherwise=read.otherwise(table))

    return reading


def _wait(read: _Reading, table: Mapping[str, Any]) -> Step:
    check, where = read.check, (*read.where, "wait")
    wait = check.table(table, read.where, "wait")
    check.keys(wait, where, ("state", "event", "held", "within"))
    states = check.states(wait, where, "state")
    events = frozenset(check.texts(wait, where, "event"))
    if not states and not events:
        check.problem(where, "say for which state or event")
    if "within" not in wait:
        check.problem(where, 'say how long at most: within = "30m"')
    held_s = check.duration(wait, where, "held", 0.0)
    within_s = check.duration(wait, where, "within", 0.0)
    if held_s and not states:
        check.problem((*where, "held"), "`held` goes with `state`")
    return Step(
        Kind.WAIT, states=states, events=events, held_s=held_s, within_s=within_s, otherwise=read.otherwise(table)
    )


def _sleep(read: _Reading, table: Mapping[str, Any]) -> Step:
    check, where = read.check, read.where
    within_s, spread_s = check.duration(table, where, "sleep", 0.0), check.duration(table, where, "spread", 0.0)
    return Step(Kind.SLEEP, within_s=within_s, spread_s=spread_s)


def _run(read: _Reading, table: Mapping[str, Any]) -> Step:
    check, where = read.check, read.where
    words = check.texts(table, where, "run")
    if isinstance(table.get("run"), str):
        check.problem(
            (*where, "run"), 'a program is a list of words: run = ["~/bin/check", "--fast"]; no shell reads it'
        )
    argv = [read.names(check.parsed(word, (*where, "run")), "run") for word in words]
    if argv and argv[0].names:
        check.problem((*where, "run"), "which program is started may not come from a value")
    for word in argv[1:]:
        strange = [name for name in word.names if not is_trusted(name, read.turns)]
        if strange and len(word.parts) != 1:
            reason = "stands alone as a whole word, or is read from standard input"
            check.problem((*where, "run"), f"{{{'.'.join(strange[0])}}} {reason}")
    name = check.text(table, where, "name", "run")
    if not _RESULT.fullmatch(name) or name in _RESERVED:
        check.problem((*where, "name"), f"{name!r:.40} cannot name a result")
    within_s = check.duration(table, where, "within", 60.0)
    return Step(Kind.RUN, argv=tuple(argv), name=name, within_s=within_s, otherwise=read.otherwise(table))


def _notify(read: _Reading, table: Mapping[str, Any]) -> Step:
    check, where = read.check, read.where
    title = read.names(check.template(table, where, "notify"), "notify")
    body = read.names(check.template(table, where, "body"), "body")
    return Step(Kind.NOTIFY, title, body, flag=check.flag(table, where, "needs_you", True))


def _if(read: _Reading, table: Mapping[str, Any]) -> Step:
    condition = read_condition(read.check, table["if"], (*read.where, "if")) or Condition()
    orelse = read.inner(table, "else") if "else" in table else ()
    return Step(Kind.IF, condition=condition, then=read.inner(table, "then"), orelse=orelse)


def _each(read: _Reading, table: Mapping[str, Any]) -> Step:
    check, where = read.check, read.where
    name = check.text(table, where, "for_each", "")
    values = read.own.get(name)
    if not isinstance(values, list) or not values:
        check.problem((*where, "for_each"), f"[set] has no list {name!r:.40}")
    turn = check.text(table, where, "as", "each")
    if not _RESULT.fullmatch(turn) or turn in _RESERVED:
        check.problem((*where, "as"), f"{turn!r:.40} cannot name a value")
    return Step(Kind.EACH, words=(name,), name=turn, then=read.inner(table, "do", turn))


def _end(read: _Reading, table: Mapping[str, Any]) -> Step:
    outcome = read.check.text(table, read.where, "end", "done")
    if not _OUTCOME.fullmatch(outcome):
        read.check.problem((*read.where, "end"), f"{outcome!r:.40} is no word for an ending: small letters and _")
    return Step(Kind.END, name=outcome, flag=read.check.flag(table, read.where, "failed", False))


def _literal(read: _Reading, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Words that no value may stand in."""
    words = read.check.texts(table, read.where, key)
    for word in words:
        if read.check.parsed(word, (*read.where, key)).names:
            read.check.problem((*read.where, key), f"no value may stand in `{key}`: it decides what is pressed")
    return tuple(words)


def check_literal(read: _Reading, table: Mapping[str, Any], key: str) -> str:
    return next(iter(_literal(read, table, key)), "") if key in table else ""


def read_condition(check: Checker, found: object, where: Where) -> Condition | None:
    if found is None:
        return None
    if not isinstance(found, Mapping) or not found:
        check.problem(where, 'a condition is a table: { state = "idle", draft = false }')
        return None
    check.keys(found, where, ("state", "agent", "draft", "dialog", "limited", "value", "is", "not"))
    if "not" in found:
        if len(found) > 1:
            check.problem(where, '`not` stands alone: { not = { state = "idle" } }')
        inner = read_condition(check, found["not"], (*where, "not"))
        return None if inner is None else inner._replace(negated=not inner.negated)
    value = check.template({"value": "{" + str(found["value"]) + "}"}, where, "value") if "value" in found else None
    if ("value" in found) != ("is" in found):
        check.problem(where, '`value` and `is` go together: { value = "check.status", is = 0 }')
    wanted: Sequence[Any] = found["is"] if isinstance(found.get("is"), list) else [found.get("is")]
    return Condition(
        states=check.states(found, where, "state"),
        agents=tuple(check.texts(found, where, "agent")),
        draft=check.flag(found, where, "draft", False) if "draft" in found else None,
        dialog=check.flag(found, where, "dialog", False) if "dialog" in found else None,
        limited=check.flag(found, where, "limited", False) if "limited" in found else None,
        value=value.names[0] if value is not None and value.names else (),
        is_one_of=tuple(wanted),
    )


_READERS: Mapping[Kind, tuple[Callable[[_Reading, Mapping[str, Any]], Step], tuple[str, ...]]] = {
    Kind.SEND: (_send, ("submit", "while_busy", "or")),
    Kind.CHOOSE: (_choose, ("question", "or")),
    Kind.KEYS: (_keys, ("or",)),
    Kind.INTERRUPT: (_plain(Kind.INTERRUPT), ("or",)),
    Kind.EXIT: (_plain(Kind.EXIT), ("or",)),
    Kind.WAIT: (_wait, ("or",)),
    Kind.SLEEP: (_sleep, ("spread",)),
    Kind.RUN: (_run, ("name", "within", "or")),
    Kind.NOTIFY: (_notify, ("body", "needs_you")),
    Kind.IF: (_if, ("then", "else")),
    Kind.EACH: (_each, ("as", "do")),
    Kind.END: (_end, ("failed",)),
}
