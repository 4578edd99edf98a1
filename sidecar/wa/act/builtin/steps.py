"""What the built-in workflows have in common: one command, one reply of its kind; and a send that waits for its moment."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple, TypeVar

from wa.act.workflow import OnState
from wa.model.action import DONE, Action, ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import (
    APPROVAL,
    Act,
    Command,
    Did,
    Ending,
    Happened,
    Look,
    Notify,
    Park,
    Reply,
    Saw,
    Told,
    Until,
    Woke,
)

T = TypeVar("T")
Steps = Generator[Command, Reply, T]

LEFT = frozenset({PaneState.SHELL, PaneState.EXITED})
GONE = OnState(frozenset({PaneState.EXITED}), held_s=3.0)
"""Exit texts have come by then, mostly. After five seconds nobody knows any more which agent it was."""
"""The agent is not there any more."""
AT_WORK = frozenset({PaneState.WORKING, PaneState.COMPACTING, PaneState.STARTING})
ASKING = frozenset(state for state in PaneState if state.startswith("waiting."))
"""A dialog owns the keyboard."""

SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{5,127}")
"""Printed text is not trusted: what has another form is no id, and never becomes part of a command line."""

RETRY_S = 20.0
SOON_S = 2.0
_SOON = frozenset({ActOutcome.SCREEN_MOVED})
_LATER = frozenset(
    {
        ActOutcome.BUSY,
        ActOutcome.DIALOG_OPEN,
        ActOutcome.HUMAN_TYPING,
        ActOutcome.DRAFT,
        ActOutcome.ASKED,
        ActOutcome.NO_COMPOSER,
        ActOutcome.UNREACHABLE,
    }
)
"""Nothing was typed, and waiting may help. Whatever else is no success may have left something behind: never tried again."""


class WrongReplyError(TypeError):
    """A reply that does not belong to its command: the journal is of another version."""


def ask(command: Command, kind: type[T]) -> Steps[T]:
    reply: object = yield command
    if not isinstance(reply, kind):
        raise WrongReplyError(f"{type(command).__name__} was answered by {type(reply).__name__}")
    return reply


def look() -> Steps[Saw]:
    return (yield from ask(Look(), Saw))


def act(action: Action) -> Steps[Did]:
    return (yield from ask(Act(action), Did))


def until(
    within_s: float,
    *states: PaneState,
    events: frozenset[str] = frozenset(),
    held_s: float = 0.0,
) -> Steps[Happened]:
    return (yield from ask(Until(max(0.0, within_s), events, frozenset(states), held_s), Happened))


def answered(did: Did, within_s: float) -> Steps[str]:
    """What a person said to what must be asked: `granted`, `denied`, or `` where nobody was asked, or answered in time."""
    approval = did.evidence.get("approval") if did.outcome is ActOutcome.ASKED else None
    return (yield from answer_to(approval if isinstance(approval, int) else None, within_s))


def answer_to(approval: int | None, within_s: float) -> Steps[str]:
    """`granted`, `denied`, or `` where nothing was asked, or answered in time."""
    if approval is None:
        return ""
    happened = yield from until(within_s, events=frozenset({f"{APPROVAL}{approval}"}))
    answer = str(happened.fields.get("answer", ""))
    return answer if answer in ("granted", "denied") else ""


def denied(did: Did) -> Ending:
    return Ending("denied", f"A person said no. {did.detail}")


def park(until_ms: int, spread_s: float = 0.0) -> Steps[int]:
    """When it woke."""
    woke: Woke = yield from ask(Park(until_ms, spread_s), Woke)
    return woke.at_ms


def tell(title: str, body: str, *, needs_you: bool = True, key: str = "") -> Steps[None]:
    yield from ask(Notify(title, body, needs_you, key), Told)


def send(text: str) -> Action:
    return Action(ActionKind.SEND, text, submit=True)


def away(saw: Saw, agent: str | None) -> Ending | None:
    """How a run ends whose pane or agent is not there any more."""
    if not saw.alive:
        return Ending("pane_gone", "The pane has closed.")
    if saw.state in LEFT or (agent is not None and saw.agent != agent):
        return Ending("agent_gone", f"{agent or 'The agent'} is not in the pane any more ({saw.state.value}).")
    return None


class Sent(NamedTuple):
    did: Did | None
    """None: not tried, `ending` says why."""
    ending: Ending | None = None

    @property
    def taken(self) -> bool:
        return self.did is not None and (self.did.outcome in DONE or self.did.outcome is ActOutcome.QUEUED)

    @property
    def planned(self) -> bool:
        return self.did is not None and self.did.outcome is ActOutcome.PLANNED


def send_when_free(text: str, patience_s: float, moot: Callable[[Saw], Ending | None]) -> Steps[Sent]:
    """Send *text* once, as soon as nothing stands in the way. Before each try *moot* may say that it is not wanted any more.

    Only outcomes that typed nothing are tried again.
    """
    saw = yield from look()
    deadline = saw.at_ms + int(patience_s * 1000)
    while True:
        if (ending := moot(saw)) is not None:
            return Sent(None, ending)
        did = yield from act(send(text))
        answer = yield from answered(did, (deadline - saw.at_ms) / 1000)
        if answer == "denied":
            return Sent(None, denied(did))
        if answer == "granted":
            saw = yield from look()
            continue
        if did.outcome not in _LATER and did.outcome not in _SOON:
            return Sent(did)
        saw = yield from look()
        if saw.at_ms >= deadline:
            return Sent(did)
        wait_s = SOON_S if did.outcome in _SOON else RETRY_S
        yield from park(min(deadline, saw.at_ms + int(wait_s * 1000)))
        saw = yield from look()


def not_sent(did: Did) -> Ending:
    """The end of a run whose text was not submitted. Its outcome is that of the action."""
    return Ending(did.outcome.value, did.detail, failed=True)


def seconds(settings: Mapping[str, Any], name: str) -> float:
    value = settings[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{name} must be a number of seconds, not {value!r:.40}")
    return float(value)


def words(value: object) -> tuple[str, ...]:
    """One text, or several."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(str(word) for word in value) if isinstance(value, list | tuple) else ()
