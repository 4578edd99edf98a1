"""What an agent in a pane said, and what it is doing: the words of docs/topics/detection.md."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

FieldValue = str | int | float | bool | tuple["FieldValue", ...] | Mapping[str, "FieldValue"]


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Place(NamedTuple):
    """Where something was read.

    Rows count from the top of the text that was looked at (history that was looked at included); `first_row` None means that it was
    no text of the pane: the title, a file, a process.
    """

    region: str
    """Title, marker, box, dialog, footer … as named in the rule; or the name of a source."""
    first_row: int | None
    last_row: int | None
    text: str
    """The matched span, spaces squeezed, at most 400 characters. May hold secrets: redact before it leaves the process."""


COMPUTED = frozenset({"resets_at", "resets_at_ambiguous"})
"""Fields that are not printed but follow from what is, and from when it was read."""


class Detection(NamedTuple):
    """An event of the vocabulary was read off a pane."""

    event: str
    agent: str
    rule: str
    severity: Severity
    fields: Mapping[str, FieldValue]
    present: bool
    """True of this very moment (a dialog, a spinner, an idle composer); False: something that happened and stays true."""
    place: Place
    window_ms: int = 0
    """Read again within this time it is the same event; 0: as long as the session lasts."""

    @property
    def identity(self) -> str:
        """Equal for two readings of one thing: no position, so that it survives scrolling, wrapping and repainting, and no instant
        that was computed from what is printed, because that may move with the time of reading.
        """
        return f"{self.event}|{_plain({name: value for name, value in self.fields.items() if name not in COMPUTED})}"


def _plain(value: FieldValue) -> str:
    if isinstance(value, str):
        return " ".join(value.split()).casefold()
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}={_plain(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, tuple):
        return "[" + ",".join(map(_plain, value)) + "]"
    return " ".join(str(value).split()).casefold()


class PaneState(StrEnum):
    SHELL = "shell"
    STARTING = "starting"
    WORKING = "working"
    IDLE = "idle"
    WAITING_APPROVAL = "waiting.approval"
    WAITING_QUESTION = "waiting.question"
    WAITING_PLAN = "waiting.plan"
    WAITING_TRUST = "waiting.trust"
    WAITING_LOGIN = "waiting.login"
    WAITING_UPDATE = "waiting.update"
    WAITING_CHOICE = "waiting.choice"
    LIMITED = "limited"
    COMPACTING = "compacting"
    AUTH_ERROR = "auth_error"
    ERROR = "error"
    EXITED = "exited"
    UNKNOWN = "unknown"


class SignalSource(StrEnum):
    """Where a signal comes from, strongest first; docs/topics/detection.md says who beats whom."""

    DIALOG = "dialog"
    HOOK = "hook"
    SCREEN = "screen"
    TITLE = "title"
    SESSION_FILE = "session_file"
    PROCESS = "process"
    ALERT = "alert"
    SHELL_MARK = "shell_mark"


class Signal(NamedTuple):
    source: SignalSource
    says: PaneState | None
    """None: it speaks about the agent, not about what it does."""
    agent: str | None
    rule: str
    text: str
    """What was seen, in short."""
    at_ms: int
    expires_ms: int | None
    """None: true until something else is read in its place."""


class Dialog(NamedTuple):
    """A box that owns the keyboard."""

    rule: str
    event: str
    question: str
    options: tuple[str, ...]
    selected: int | None
    """Index into `options`; None where no marker is seen."""
    hint: str = ""


class Limit(NamedTuple):
    """Why no turn is possible, and until when.

    `until_ms` has the precision of what was printed, mostly a minute: the real end lies up to 60 s later.
    """

    printed: str
    until_ms: int | None
    window: str | None
    plan: str | None
    resumes_itself: bool
    """The agent said that it goes on by itself: leave it alone."""


class AgentState(NamedTuple):
    """What is known of a pane now. `since_ms` is when `state` began, `agent` None means that no agent is known there."""

    agent: str | None
    state: PaneState
    since_ms: int
    confidence: float
    """0 … 1: 1 where a process or a hook says so, 0.9 for a screen in the agent's own layout, less for a title or a banner."""
    signals: tuple[Signal, ...]
    """Those that were in force, the winner first."""
    dialog: Dialog | None = None
    limit: Limit | None = None
    draft: str | None = None
    """Text that a human left in the composer; "" for an empty composer, None where there is none to be seen."""
    version: str | None = None
    model: str | None = None
    plan: str | None = None
    project: str | None = None
    """The folder that the agent works in, as it prints it."""
    session_id: str | None = None
    background: int = 0
    """Tasks still running behind an idle composer."""
    progress_ms: int = 0
    """When it last wrote something, or counted more tokens, as far as wa has watched; 0: never seen. A spinner is no progress."""


NO_AGENT = AgentState(None, PaneState.UNKNOWN, 0, 0.0, ())


class Transition(NamedTuple):
    """A pane's state changed; stored with its evidence."""

    at_ms: int
    before: PaneState
    after: AgentState
