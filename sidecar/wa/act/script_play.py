"""Plays a user's workflow: its steps as commands."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from typing import Any

from wa.act.script_steps import Condition, Kind, Or, Script, Step
from wa.act.values import UnfitError, fill, fill_notice, fill_word, look_up
from wa.act.workflow import Context, Play
from wa.model.action import DONE, Action, ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import (
    APPROVAL,
    Act,
    Command,
    Did,
    Ending,
    Execute,
    Executed,
    Happened,
    Look,
    Notify,
    Park,
    Reply,
    Saw,
    Until,
    Woke,
)

ANSWERED_WITHIN_S = 7 * 86_400.0
"""Above every time that a question may stand (`policy.ask_min`)."""
_FINE = DONE | {ActOutcome.PLANNED, ActOutcome.QUEUED}

Inner = Generator[Command, Reply, Ending | None]


def play(script: Script, context: Context) -> Play:
    """Ends with `done`, the word of an `end` step, or the name of what went wrong."""
    try:
        ending = yield from _Playing(script, context).whole()
    except UnfitError as error:
        return Ending(error.outcome, str(error), failed=True)
    return ending or Ending("done")


class _Playing:
    def __init__(self, script: Script, context: Context) -> None:
        trigger = context.trigger
        self._script = script
        self._has_pane = bool(trigger.pane_uid)
        self._now_ms = trigger.at_ms
        self._turns: frozenset[str] = frozenset()
        self._values: dict[str, Any] = {
            "event": trigger.event,
            "pane": trigger.pane_uid,
            "agent": trigger.agent,
            "at": _iso(trigger.at_ms),
            "field": trigger.fields,
            "set": context.settings.get("set", {}),
        }
        self._saw: Saw | None = None

    def whole(self) -> Inner:
        if self._has_pane:
            saw = yield from self._look()
            if not saw.alive:
                return Ending("pane_gone")
        only_if = self._script.only_if
        if only_if is not None and not (yield from self._holds(only_if, fresh=False)):
            return Ending("not_now", "its `only_if` did not hold")
        return (yield from self._steps(self._script.steps))

    def _steps(self, steps: Sequence[Step]) -> Inner:
        for step in steps:
            ending = yield from self._step(step)
            if ending is not None:
                return ending
        return None

    def _step(self, step: Step) -> Inner:
        match step.kind:
            case Kind.SEND | Kind.CHOOSE | Kind.KEYS | Kind.INTERRUPT | Kind.EXIT:
                return (yield from self._act(step))
            case Kind.WAIT:
                return (yield from self._wait(step))
            case Kind.SLEEP:
                woke = yield Park(self._now_ms + round(step.within_s * 1000), step.spread_s)
                if isinstance(woke, Woke):
                    self._now_ms = woke.at_ms
                return None
            case Kind.RUN:
                return (yield from self._run(step))
            case Kind.NOTIFY:
                yield Notify(fill_notice(step.text, self._values), fill_notice(step.body, self._values), step.flag)
                return None
            case Kind.IF:
                holds = yield from self._holds(step.condition, fresh=True)
                return (yield from self._steps(step.then if holds else step.orelse))
            case Kind.EACH:
                return (yield from self._each(step))
            case Kind.END:
                return Ending(step.name, failed=step.flag)

    def _act(self, step: Step) -> Inner:
        while True:
            did = yield Act(self._action(step))
            assert isinstance(did, Did)
            answer = yield from self._answered(did)
            if answer != "granted":
                break
        if answer == "denied" and step.otherwise is not Or.GO_ON:
            return Ending("denied", f"A person said no. {did.detail}")
        if did.outcome in _FINE or step.otherwise is Or.GO_ON:
            return None
        return Ending(did.outcome.value, did.detail, failed=True)

    def _answered(self, did: Did) -> Generator[Command, Reply, str]:
        """What a person said to what must be asked; "" where nobody was asked, or the question expired."""
        approval = did.evidence.get("approval")
        if did.outcome is not ActOutcome.ASKED or not isinstance(approval, int):
            return ""
        happened = yield Until(ANSWERED_WITHIN_S, frozenset({f"{APPROVAL}{approval}"}))
        assert isinstance(happened, Happened)
        self._now_ms = max(self._now_ms, happened.at_ms)
        return str(happened.fields.get("answer", ""))

    def _action(self, step: Step) -> Action:
        match step.kind:
            case Kind.SEND:
                text = fill(step.text, self._values, self._turns)
                return Action(ActionKind.SEND, text, step.submit, while_busy=step.while_busy)
            case Kind.CHOOSE:
                return Action(ActionKind.CHOOSE, labels=step.words, question=step.question)
            case Kind.KEYS:
                return Action(ActionKind.KEYS, keys=step.words)
            case Kind.INTERRUPT:
                return Action(ActionKind.INTERRUPT)
            case _:
                return Action(ActionKind.EXIT)

    def _wait(self, step: Step) -> Inner:
        happened = yield Until(step.within_s, step.events, step.states, step.held_s)
        assert isinstance(happened, Happened)
        self._now_ms = max(self._now_ms, happened.at_ms)
        if happened.what or step.otherwise is Or.GO_ON:
            return None
        if happened.fields.get("gone"):
            return Ending("pane_gone")
        return Ending("timed_out", f"what it waited for did not come within {step.within_s:g} s", failed=True)

    def _run(self, step: Step) -> Inner:
        argv = tuple(fill_word(word, self._values, self._turns) for word in step.argv)
        done = yield Execute(argv, self._given(), step.within_s)
        assert isinstance(done, Executed)
        self._values[step.name] = {"status": -1 if done.status is None else done.status, "output": done.output}
        if done.status == 0 or step.otherwise is Or.GO_ON:
            return None
        how = "did not end in time, or could not be started" if done.status is None else f"ended with {done.status}"
        return Ending("program_failed", f"{argv[0]} {how}", failed=True)

    def _given(self) -> dict[str, Any]:
        saw = self._saw
        return {
            **{key: value for key, value in self._values.items() if key != "set"},
            "state": None if saw is None else saw.state.value,
            "question": None if saw is None else saw.question,
            "options": [] if saw is None else list(saw.options),
        }

    def _each(self, step: Step) -> Inner:
        outer, turns = self._values.get(step.name), self._turns
        self._turns = turns | {step.name}
        for value in self._values["set"][step.words[0]]:
            self._values[step.name] = value
            ending = yield from self._steps(step.then)
            if ending is not None:
                return ending
        self._values[step.name], self._turns = outer, turns
        return None

    # -- looking ----------------------------------------------------------------------------------------------------

    def _look(self) -> Generator[Command, Reply, Saw]:
        saw = yield Look()
        assert isinstance(saw, Saw)
        self._saw = saw
        self._now_ms = max(self._now_ms, saw.at_ms)
        about = {"state": saw.state.value, "session_id": saw.session_id, "cwd": saw.cwd}
        self._values.update(about)
        if saw.agent is not None:
            self._values["agent"] = saw.agent
        return saw

    def _holds(self, condition: Condition, *, fresh: bool) -> Generator[Command, Reply, bool]:
        if condition.looks and (fresh or self._saw is None):
            yield from self._look()
        return self._true(condition) != condition.negated

    def _true(self, condition: Condition) -> bool:
        if condition.value and look_up(condition.value, self._values, default="") not in condition.is_one_of:
            return False
        if not condition.looks:
            return True
        saw = self._saw
        if saw is None or not saw.alive:
            return False
        found = (
            (condition.draft, bool(saw.draft)),
            (condition.dialog, saw.question is not None),
            (condition.limited, saw.state is PaneState.LIMITED or saw.limit_until_ms is not None),
        )
        if any(wanted is not None and wanted != real for wanted, real in found):
            return False
        return (not condition.states or saw.state in condition.states) and (
            not condition.agents or saw.agent in condition.agents
        )


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
