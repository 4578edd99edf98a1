"""A pane that workflows are played against, in virtual time: what it shows when, and what becomes of what is done to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from wa.act.journal import Entry, context_json, context_of
from wa.act.runner import Asked, Player
from wa.act.workflow import Context, Workflow
from wa.model.action import Action, ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import (
    Act,
    Command,
    Did,
    Ending,
    Happened,
    Look,
    Notify,
    Open,
    Opened,
    Park,
    Reply,
    Saw,
    Told,
    Trigger,
    Until,
    Woke,
)

START_MS = 1_790_000_000_000
MAX_COMMANDS = 500


class Turn(NamedTuple):
    """From *at_s* on the pane looks otherwise; or an event happens."""

    at_s: float
    change: Mapping[str, Any] = {}
    event: str = ""


@dataclass
class World:
    """`saw` is the pane now. `answers`: what the next actions of a kind come to; without one they succeed."""

    workflow: Workflow
    saw: Saw
    now_ms: int = START_MS
    turns: list[Turn] = field(default_factory=list)
    answers: list[tuple[ActionKind, ActOutcome, Mapping[str, Any]]] = field(default_factory=list)
    """Kind, outcome, and how the pane looks afterwards."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    spread: float = 0.5
    """How much of a spread is drawn."""
    typed: list[str] = field(default_factory=list)
    told: list[Notify] = field(default_factory=list)
    at: list[tuple[float, str]] = field(default_factory=list)
    """When (seconds after the start) each action that was tried, and its outcome."""
    seen_at_act: list[PaneState] = field(default_factory=list)
    opens: list[Opened] = field(default_factory=list)
    """What the next wishes for a pane come to; without one there is `p9`, with a shell."""
    opens_asked: list[tuple[float, Open]] = field(default_factory=list)
    promised: list[bool] = field(default_factory=list)
    """For each action: whether the agent said at that moment that it goes on by itself."""

    def play(
        self,
        fields: Mapping[str, Any] | None = None,
        *,
        event: str = "",
        settings: Mapping[str, Any] | None = None,
        profile: Mapping[str, Any] | None = None,
        after_s: float = 0.0,
    ) -> Ending:
        """The run from its trigger, *after_s* ago, to its ending."""
        trigger = Trigger(
            event or min(self.workflow.events),
            "p1",
            self.now_ms - int(after_s * 1000),
            self.saw.agent,
            fields or {},
        )
        context = Context(trigger, {**self.workflow.settings, **(settings or {})}, profile or {}, seed=7)
        context = context_of(json.loads(json.dumps(context_json(context))))
        player = Player(self.workflow, context)
        journal: list[Entry] = []
        now = player.begin()
        while isinstance(now, Asked):
            assert len(journal) < MAX_COMMANDS, f"no end after {MAX_COMMANDS} commands"
            reply = self._answer(now.command)
            asked, replied = player.cleaned(now.command), player.cleaned_reply(reply)
            journal.append(_through_json(Entry(now.number, self.now_ms, asked, replied)))
            now = player.answer(reply)
        for number in range(0, len(journal), 1 + len(journal) // 20):
            cut = [*journal[:number], journal[number]._replace(reply=None)]
            again = Player(self.workflow, context).begin(cut, version=self.workflow.version)
            assert isinstance(again, Asked), again
            assert (again.number, again.recorded) == (number, True)
        assert now.outcome != "broken", now.detail
        return now

    @property
    def elapsed_s(self) -> float:
        return (self.now_ms - START_MS) / 1000

    def _answer(self, command: Command) -> Reply:
        handlers: dict[type, Callable[[Any], Reply]] = {
            Look: lambda _: self.saw._replace(at_ms=self.now_ms),
            Act: self._act,
            Until: self._until,
            Park: self._park,
            Notify: self._told,
            Open: self._open,
        }
        return handlers[type(command)](command)

    def _open(self, command: Open) -> Opened:
        self.opens_asked.append((self.elapsed_s, command))
        opened = self.opens.pop(0) if self.opens else Opened(ActOutcome.PRESSED, "p9", "p9 was opened")
        if opened.pane_uid is not None:
            self.saw = pane("shell", None)._replace(since_ms=self.now_ms)
        return opened._replace(at_ms=self.now_ms)

    def _told(self, command: Notify) -> Told:
        self.told.append(command)
        return Told()

    def _act(self, command: Act) -> Did:
        action = command.action
        self.seen_at_act.append(self.saw.state)
        self.promised.append(self.saw.resumes_itself)
        at = next((n for n, answer in enumerate(self.answers) if answer[0] is action.kind), None)
        if at is None:
            outcome, after = _DONE[action.kind], dict[str, Any]()
        else:
            _, outcome, after = self.answers.pop(at)  # type: ignore[assignment]
        if outcome in _DONE.values():
            self.typed.append(_words(action))
        self.at.append((self.elapsed_s, f"{_words(action)}: {outcome.value}"))
        self.change(after)
        said = outcome in (ActOutcome.EXITED, ActOutcome.REFUSED, ActOutcome.ASKED)
        return Did(outcome, f"it was {outcome.value}", self.evidence if said else {})

    def _park(self, command: Park) -> Woke:
        self._forward(max(self.now_ms, command.until_ms + int(command.spread_s * self.spread * 1000)))
        return Woke(self.now_ms)

    def _until(self, command: Until) -> Happened:
        deadline = self.now_ms + int(command.within_s * 1000)
        while True:
            due = max(self.now_ms, self.saw.since_ms + int(command.held_s * 1000))
            upcoming = self.turns[0] if self.turns else None
            next_ms = START_MS + int(upcoming.at_s * 1000) if upcoming is not None else deadline + 1
            if self.saw.state in command.states and due <= min(deadline, next_ms):
                self.now_ms = due
                return Happened(self.saw.state.value, self.now_ms)
            if upcoming is None or next_ms > deadline:
                self.now_ms = deadline
                return Happened("", self.now_ms)
            self._forward(next_ms, at_most=1)
            if upcoming.event in command.events:
                return Happened(upcoming.event, self.now_ms, upcoming.change.get("fields", {}))

    def _forward(self, to_ms: int, at_most: int = 1_000_000) -> None:
        while self.turns and at_most and START_MS + int(self.turns[0].at_s * 1000) <= to_ms:
            turn = self.turns.pop(0)
            at_most -= 1
            self.now_ms = max(self.now_ms, START_MS + int(turn.at_s * 1000))
            self.change(turn.change)
        self.now_ms = max(self.now_ms, to_ms)

    def change(self, change: Mapping[str, Any]) -> None:
        said = {name: value for name, value in change.items() if name != "fields"}
        if "state" in said:
            said["state"] = PaneState(said["state"])
            if said["state"] is not self.saw.state:
                said.setdefault("since_ms", self.now_ms)
            if not said["state"].startswith("waiting."):
                said = {"question": None, "options": (), "selected": None} | said
        self.saw = self.saw._replace(**said)


_DONE = {
    ActionKind.SEND: ActOutcome.SUBMITTED,
    ActionKind.CHOOSE: ActOutcome.CHOSEN,
    ActionKind.EXIT: ActOutcome.EXITED,
    ActionKind.RUN: ActOutcome.SUBMITTED,
    ActionKind.KEYS: ActOutcome.PRESSED,
    ActionKind.INTERRUPT: ActOutcome.PRESSED,
}


def _through_json(entry: Entry) -> Entry:
    return entry._replace(command=json.loads(json.dumps(entry.command)), reply=json.loads(json.dumps(entry.reply)))


def _words(action: Action) -> str:
    said = action.text or " ".join(action.keys or action.labels)
    return f"{action.kind.value} {said}".strip()


def pane(state: str, agent: str | None = "codex", **more: Any) -> Saw:
    return Saw(PaneState(state), agent, **({"since_ms": START_MS} | more))
