"""What the commands about agents answer: `wa explain`, `events`, `record`, `rules` and the agent's part of a pane."""

from __future__ import annotations

from typing import Any, NewType, TypedDict

Offset = NewType("Offset", int)
"""May be negative."""


class LimitResult(TypedDict):
    printed: str
    """The reset in the agent's words; "" where it prints none."""
    until: str | None
    """The same as an instant, with the minute's precision of what is printed; None where it cannot be known."""
    window: str | None
    plan: str | None
    resumes_itself: bool
    """The agent says that it goes on by itself: leave it alone."""


class DialogResult(TypedDict):
    event: str
    """`waiting.approval`, `usage.popup` …"""
    question: str
    options: list[str]
    selected: int | None
    """Index into `options`."""


class AgentDetail(TypedDict):
    confidence: float
    """0 to 1."""
    why: str
    """What settled the state, in short; `wa explain` tells all."""
    version: str | None
    model: str | None
    plan: str | None
    project: str | None
    session_id: str | None
    background: int
    """Tasks that run on behind an idle composer."""
    draft: bool | None
    """A human has typed something and not sent it; None where no composer is seen."""
    limit: LimitResult | None
    dialog: DialogResult | None


class LastEvent(TypedDict):
    event: str
    at: str


class AgentPart(TypedDict):
    """The part of a pane that tells of its agent."""

    agent: str | None
    """`codex`, `claude_code`, `gemini` or one of the user's own; None where none is known."""
    state: str
    """What is going on there: `working`, `idle`, `waiting.approval`, `limited` … (docs/topics/detection.md)."""
    since: str | None
    """Since when; None where nothing is known."""
    detail: AgentDetail | None
    last_event: LastEvent | None


class ExplainSignal(TypedDict):
    source: str
    """`dialog`, `hook`, `screen`, `title`, `process` … strongest first."""
    says: str | None
    rule: str
    text: str
    age_s: float
    expires_in_s: float | None
    won: bool


class ExplainMatch(TypedDict):
    rule: str
    event: str
    region: str
    rows: list[Offset] | None
    """First and last row, counted from the top of the screen; negative ones have scrolled away."""
    text: str
    fields: dict[str, Any]


class ExplainResult(AgentPart):
    """`wa explain`."""

    pane_uid: str
    signals: list[ExplainSignal]
    matches: list[ExplainMatch]
    silent: list[str]
    """Rules of which an anchor is on the screen and that say nothing all the same."""
    composer: bool | None
    """The place where a human types is seen; None where nobody looked for it."""
    would_change: list[str]


class RuleResult(TypedDict):
    """One rule of `wa rules list` and `wa rules show`."""

    id: str
    agent: str
    event: str
    severity: str
    anchors: list[str]
    """Without blanks: that is how they are looked for."""
    regions: list[str]
    match: list[str]
    unless: list[str]
    seen: str
    """Versions and date."""


class RulesResult(TypedDict):
    rules: list[RuleResult]


class SaidResult(TypedDict):
    event: str
    rule: str
    severity: str
    present: bool
    region: str
    first_row: int | None
    last_row: int | None
    text: str
    """The matched span."""
    fields: dict[str, Any]


class RulesTestResult(TypedDict):
    """What the rules say about one file, and where a test stands beside it whether that is as it should be."""

    file: str
    agent: str
    cols: int
    state: str
    why: str
    said: list[SaidResult]
    silent: list[str]
    """Rules whose anchor is there and that say nothing all the same."""
    wrong: list[str]
    """Differences to what the test expects; empty where there are none, or no test."""


class LintResult(TypedDict):
    agents: list[str]
    rules: int
    problems: list[str]


class RecordResult(TypedDict):
    pane_uid: str
    screen: str
    """The file with the text."""
    test: str
    agent: str
    state: str
    events: list[str]
    replaced: int
    """Places where a name or an address of yours was replaced by a neutral one; secrets are redacted besides."""


class EventResult(TypedDict):
    id: int
    """Rises with every event stored."""
    pane_uid: str
    session: str | None
    """`s12`; None for an event outside of any session."""
    at: str
    agent: str
    event: str
    rule: str
    severity: str
    present: bool
    """It was true of that moment (a dialog, a menu); False: it happened and stays true."""
    region: str
    """Where it was read, in the rule's words."""
    row: int | None
    """Position in the pane's log; None where it stands in none."""
    text: str
    """The matched span, secrets redacted."""
    fields: dict[str, Any]


class EventsResult(TypedDict):
    live: bool
    as_of: str | None
    events: list[EventResult]
    """Oldest first."""
    more: bool
    """Older ones are stored than those shown."""


RESULTS: dict[str, type] = {
    "explain": ExplainResult,
    "events": EventsResult,
    "record": RecordResult,
    "rules": RulesResult,
    "rules-test": RulesTestResult,
    "rules-lint": LintResult,
}
