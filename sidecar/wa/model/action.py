"""Whatever changes a pane is an Action of an Actor, and waits for a Decision."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from wa.model.agent import Dialog, PaneState


class ActionKind(StrEnum):
    SEND = "send"
    """Paste a text, and submit it."""
    KEYS = "keys"
    """Single keys, by name."""
    CHOOSE = "choose"
    """One option of the dialog that is open, by its label."""
    INTERRUPT = "interrupt"
    """End the agent's turn, as its file says."""
    EXIT = "exit"
    """End the agent, as its file says."""
    RUN = "run"
    """A command line at a shell's prompt: to start or resume an agent."""
    SPAWN = "spawn"
    KILL = "kill"


class WhileBusy(StrEnum):
    """What becomes of a send while the agent works."""

    REFUSE = "refuse"
    QUEUE = "queue"
    INTERRUPT = "interrupt"


class ActorKind(StrEnum):
    HUMAN = "human"
    """A person at the command line, who named the pane and the text."""
    AGENT = "agent"
    WORKFLOW = "workflow"
    REMOTE = "remote"
    """Over HTTP or MCP."""


class Actor(NamedTuple):
    kind: ActorKind
    name: str = ""


class Action(NamedTuple):
    kind: ActionKind
    text: str = ""
    """What a send would paste, or a run would type."""
    submit: bool = False
    """A carriage return follows."""
    forced: bool = False
    """The actor was told that the program may take each line break as Enter, and wants it so."""
    keys: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """Of the option to choose; the first that the dialog has. Compared folded and without shortcuts such as `(y)`."""
    question: str = ""
    """Words of the dialog that it answers; another dialog is not answered. "" for whichever is open."""
    effects: frozenset[str] = frozenset()
    """What choosing the option does, in the words of the agent's file (`model`, `money`, `stop`, `login`, `approve` …); `unknown` where
    the file does not know it. Filled in by whoever reads the dialog, never by the actor."""
    while_busy: WhileBusy = WhileBusy.REFUSE

    @property
    def fingerprint(self) -> str:
        """What a grant is bound to: equal for two actions that would do the same."""
        said: Mapping[str, Any] = {
            "kind": self.kind.value,
            "text": self.text,
            "submit": self.submit,
            "forced": self.forced,
            "keys": list(self.keys),
            "labels": list(self.labels),
            "question": self.question,
            "while_busy": self.while_busy.value,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class HumanSign(NamedTuple):
    """Signs of a person at this pane. Seconds ago; None: never, or nobody can say."""

    focused: bool = False
    """A client has it in focus."""
    input_s: float | None = None
    """The newest input of a client that has it in focus."""
    typed_s: float | None = None
    """The newest change of the composer that wa did not make."""


class PaneView(NamedTuple):
    """What is known of a pane when an Action on it is judged."""

    alive: bool
    excluded: bool = False
    """The configuration says never to look at it, so nothing done to it could be verified."""
    is_alt: bool | None = None
    bracketed_paste: bool | None = None
    """Does the program take a paste as one piece? None: nothing says so (the mux protocol has no flag for it)."""
    started_by_wa: bool = False
    uid: str = ""
    agent: str | None = None
    state: PaneState = PaneState.UNKNOWN
    """By the screen as it is now, and by the other signals as far as they are not older."""
    dialog: Dialog | None = None
    draft: str | None = None
    """In the composer, and not put there by wa; "" for an empty one, None for no composer."""
    human: HumanSign = HumanSign()
    paused: str | None = None
    """Which pause holds it: `all`, an agent's name, or its own uid."""
    resumes_itself: bool = False
    """The screen says that the agent goes on by itself once its limit is over."""


class Ledger(NamedTuple):
    """What was done before, as far as it bears on a decision; read from the database, so that it outlives a restart."""

    pane_last_ms: int | None = None
    """The newest action of an automation on this pane."""
    pane_hour: int = 0
    """Of automations, on this pane, in the last hour."""
    all_minute: int = 0
    """Of automations, on all panes, in the last minute."""
    granted: bool = False
    """A person granted exactly this action on this pane, and the grant has neither expired nor been used."""


class Allow(NamedTuple):
    reason: str
    rule: str = ""


class Deny(NamedTuple):
    reason: str
    next_step: str
    rule: str = ""


class Ask(NamedTuple):
    """A person must say yes first."""

    reason: str
    rule: str = ""


Decision = Allow | Deny | Ask


class Stage(StrEnum):
    """How far an action has come; written down before the step that it names begins."""

    DECIDED = "decided"
    TYPING = "typing"
    """A paste or a key may be under way."""
    SUBMITTING = "submitting"
    """A carriage return may be under way."""
    ENDED = "ended"


class ActOutcome(StrEnum):
    SUBMITTED = "submitted"
    PASTED = "pasted"
    """Stands in the pane's input, as asked for."""
    PRESSED = "pressed"
    """Keys were sent and the screen answered."""
    CHOSEN = "chosen"
    """The option was taken and its dialog is gone."""
    EXITED = "exited"
    """The agent has ended and a shell is at its prompt."""
    QUEUED = "queued"
    PLANNED = "planned"
    """A dry run, or observe mode: it would have been tried."""
    REFUSED = "refused"
    ASKED = "asked"
    """A person must grant it; nothing was typed."""
    BUSY = "busy"
    DIALOG_OPEN = "dialog_open"
    NO_DIALOG = "no_dialog"
    NO_OPTION = "no_option"
    HUMAN_TYPING = "human_typing"
    """A person is at the pane, or has paused it."""
    DRAFT = "draft"
    """Text of a person's stands in the composer."""
    NO_COMPOSER = "no_composer"
    NOT_SEEN = "not_seen"
    SCREEN_MOVED = "screen_moved"
    NOT_TAKEN = "not_taken"
    PANE_GONE = "pane_gone"
    UNREACHABLE = "unreachable"
    INTERRUPTED = "interrupted"
    """The sidecar ended in the middle; what is known of it afterwards stands in the evidence."""


DONE = frozenset({ActOutcome.SUBMITTED, ActOutcome.PASTED, ActOutcome.PRESSED, ActOutcome.CHOSEN, ActOutcome.EXITED})
"""What was asked for was seen to happen."""


class Acted(NamedTuple):
    outcome: ActOutcome
    detail: str
    """One sentence for a person."""
    evidence: Mapping[str, Any] = {}
    """What was seen, JSON: the row it was seen in, the dialog, the rule of the policy."""
    seen_after_ms: float | None = None
    taken_after_ms: float | None = None
    action_id: int | None = None
