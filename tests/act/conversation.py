"""Workflows as conversations: `Conversation(workflow) << what it must ask >> what it is answered << its Ending`.

`<<` takes a command, a type of command, a function that says whether it is the right one, an Ending, or the word that an Ending has.
After each answer the run is taken up anew from its journal, by way of JSON, and must stand where the first one stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Self

from wa.act.journal import Entry, context_json, context_of
from wa.act.runner import Asked, Next, Player
from wa.act.workflow import Context, Workflow
from wa.model.command import Command, Ending, Reply, Trigger

AT_MS = 1_795_000_000_000

Expected = Command | Ending | str | type | Callable[[Any], bool]


def context(
    workflow: Workflow,
    *,
    event: str = "manual",
    agent: str | None = "codex",
    pane: str = "p1",
    fields: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    profile: Mapping[str, Any] | None = None,
    seed: int = 7,
    at_ms: int = AT_MS,
) -> Context:
    """A context of a run of *workflow*, its default settings filled in."""
    trigger = Trigger(event, pane, at_ms, agent, fields or {}, None, f"{event}:{at_ms}")
    return Context(trigger, {**workflow.settings, **(settings or {})}, profile or {}, seed)


class Conversation:
    def __init__(self, workflow: Workflow, about: Context | None = None, **options: Any) -> None:
        """*options* are those of `context`."""
        self.workflow = workflow
        about = about if about is not None else context(workflow, **options)
        self.context = context_of(json.loads(json.dumps(context_json(about))))
        self.player = Player(workflow, self.context)
        self.journal: list[Entry] = []
        self.asked: list[Command] = []
        """Every command so far."""
        self.now: Next = self._met(self.player.begin())

    def __lshift__(self, expected: Expected) -> Self:
        now = self.now
        said = now.command if isinstance(now, Asked) else now
        if isinstance(expected, str):
            assert isinstance(now, Ending), f"it asks {said}, and does not end with {expected!r}"
            assert now.outcome == expected, now
        elif isinstance(expected, type):
            assert isinstance(said, expected), f"it says {said}"
        elif callable(expected):
            assert expected(said), f"it says {said}"
        else:
            assert said == expected
        return self

    def __rshift__(self, reply: Reply) -> Self:
        assert isinstance(self.now, Asked), f"it has ended: {self.now}"
        answered = json.loads(json.dumps(self.player.cleaned_reply(reply)))
        self.journal[-1] = self.journal[-1]._replace(reply=answered)
        self.now = self._met(self.player.answer(reply))
        return self

    @property
    def command(self) -> Any:
        """What it asks for now."""
        assert isinstance(self.now, Asked), f"it has ended: {self.now}"
        return self.now.command

    @property
    def ending(self) -> Ending:
        assert isinstance(self.now, Ending), f"it asks {self.now}"
        return self.now

    def _met(self, now: Next) -> Next:
        if isinstance(now, Asked):
            self.asked.append(now.command)
            said = json.loads(json.dumps(self.player.cleaned(now.command)))
            self.journal.append(Entry(now.number, AT_MS, said))
        again = Player(self.workflow, self.context).begin(self.journal, version=self.workflow.version)
        if isinstance(now, Asked):
            assert again == now._replace(recorded=True), "played again from its journal it stands elsewhere"
        else:
            assert again == now, "played again from its journal it ends otherwise"
        return now
