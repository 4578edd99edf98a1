"""What a workflow asks for, and what it is answered. All of it goes through JSON: the journal keeps both, and a run that is taken up
again is played forward from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from wa.model.action import Action, ActOutcome
from wa.model.agent import PaneState


class Act(NamedTuple):
    """Do this to the run's pane. Answered by Did."""

    action: Action


class Look(NamedTuple):
    """Answered by Saw."""


class Until(NamedTuple):
    """Answered by Happened: the first of these that holds from now on (`states`: that holds already counts).

    The event `progress` is that the agent got on since the step before, `approval.12` that a person has answered that question, or that
    it has expired: the field `answer` says `granted`, `denied` or `expired`.
    """

    within_s: float
    events: frozenset[str] = frozenset()
    states: frozenset[PaneState] = frozenset()
    held_s: float = 0.0
    """A state must have lasted so long."""


class Park(NamedTuple):
    """Sleep until then, over restarts, sleep of the machine and changes of its clock. Answered by Woke."""

    until_ms: int
    spread_s: float = 0.0
    """So much later at most, drawn once per run, so that not all panes of one account wake in the same second."""


class Notify(NamedTuple):
    """Answered by Told; delivery is never waited for."""

    title: str
    body: str
    needs_you: bool = True
    key: str = ""
    """Two of one key within a day are one; "" for the run's own."""


class Execute(NamedTuple):
    """A program of the user's, with JSON on its standard input. Answered by Executed."""

    argv: tuple[str, ...]
    given: Mapping[str, Any]
    within_s: float = 60.0


PROGRESS = "progress"
APPROVAL = "approval."


class Open(NamedTuple):
    """A new pane with a shell in it, in the run of the mux that took the place of the one that the run's pane ended with.

    From then on it is the run's pane. Answered by Opened.
    """

    cwd: str
    workspace: str
    agent: str
    session_id: str
    """Nothing is opened while this session runs anywhere."""
    had_ended: bool = False
    """Its turn had: a process of it that has outlived its terminal has nothing to do any more, and does no harm."""


Command = Act | Look | Until | Park | Notify | Execute | Open


class Did(NamedTuple):
    outcome: ActOutcome
    detail: str = ""
    evidence: Mapping[str, Any] = {}


class Saw(NamedTuple):
    state: PaneState
    agent: str | None = None
    version: str | None = None
    since_ms: int = 0
    question: str | None = None
    options: tuple[str, ...] = ()
    selected: int | None = None
    draft: str | None = None
    limit_until_ms: int | None = None
    resumes_itself: bool = False
    session_id: str | None = None
    cwd: str | None = None
    at_ms: int = 0
    alive: bool = True
    turn_ms: int | None = None
    """When the newest turn began, as it is remembered over restarts of wa; None: nobody knows of any."""
    session_ms: int | None = None
    """When the agent's session began in this pane; None: wa came later, or there is none."""
    progress_ms: int = 0
    """As in AgentState."""


class Happened(NamedTuple):
    what: str
    """The event or the state; "" where the time ran out."""
    at_ms: int = 0
    fields: Mapping[str, Any] = {}


class Woke(NamedTuple):
    at_ms: int


class Told(NamedTuple):
    pass


class Executed(NamedTuple):
    status: int | None
    """None: it did not end in time, or could not be started."""
    output: Any = None
    """Its standard output as JSON where it is JSON, else text, at most 64 KiB."""


class Opened(NamedTuple):
    outcome: ActOutcome
    """`pressed`: there is a pane."""
    pane_uid: str | None = None
    detail: str = ""
    runs_already: bool = False
    """The session runs somewhere, so nothing was opened."""
    at_ms: int = 0
    approval: int | None = None
    """The question that a person must answer first."""


Reply = Did | Saw | Happened | Woke | Told | Executed | Opened


class RunStatus(StrEnum):
    WAITING = "waiting"
    """For the run that has the pane."""
    RUNNING = "running"
    PARKED = "parked"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"
    OBSERVED = "observed"
    """Played through without typing, because nobody turned the workflow on."""


class Trigger(NamedTuple):
    """Why a run began."""

    event: str
    """Of the vocabulary; `state`, `schedule`, `mux.restarted` or `manual` for the others."""
    pane_uid: str
    at_ms: int
    agent: str | None = None
    fields: Mapping[str, Any] = {}
    event_id: int | None = None
    key: str = ""
    """Two triggers of one key are one: no workflow runs twice for the same event."""


MUX_RESTARTED = "mux.restarted"
"""The trigger of a run whose pane ended with its mux: it has no pane until it opens one."""


class Ending(NamedTuple):
    """What a workflow returns."""

    outcome: str
    """A word of its own: `resumed`, `already_gone_on`, `still_limited`, `gave_up` …"""
    detail: str = ""
    failed: bool = False
