"""Runs of workflows as they go into the store and come out of it. JSON values come without secrets (`clean_json`)."""

from __future__ import annotations

from typing import Any, NamedTuple

from wa.store.redact import redact

_ROUNDS = 4


class Step(NamedTuple):
    """A command that is about to be carried out."""

    number: int
    at_ms: int
    command: dict[str, Any]
    status: str
    wake_ms: int | None = None


class NewRun(NamedTuple):
    workflow: str
    version: str
    pane_uid: str | None
    key: str
    context: dict[str, Any]
    mode: str
    status: str
    started_ms: int
    first: Step | None = None
    """Its first command, to be carried out once this is stored."""


class RunRecord(NamedTuple):
    id: int
    workflow: str
    version: str
    pane_uid: str | None
    key: str
    context: dict[str, Any]
    mode: str
    """live, observe or dry."""
    status: str
    started_ms: int
    wake_ms: int | None
    ended_ms: int | None
    outcome: str | None
    detail: str | None


class StepRecord(NamedTuple):
    number: int
    at_ms: int
    command: dict[str, Any]
    reply: dict[str, Any] | None
    replied_ms: int | None


class LostRecord(NamedTuple):
    """An agent that was in a pane when its mux ended."""

    session: str
    """`s12`"""
    pane_uid: str
    agent: str
    session_id: str | None
    confidence: float
    state: str | None
    """The last one that is known."""
    cwd: str | None
    """As the terminal gave it."""
    title: str
    workspace: str
    mux: str
    host: str
    lost_ms: int | None
    """When the connection to the mux broke; None: nobody watched it end."""
    seen_ms: int
    """The last that is known of the pane."""


class SwitchRecord(NamedTuple):
    name: str
    pane_uid: str | None
    """None: all panes."""
    enabled: bool
    at_ms: int


class Reply(NamedTuple):
    """To the step that stood open."""

    number: int
    at_ms: int
    reply: dict[str, Any]


class End(NamedTuple):
    at_ms: int
    status: str
    outcome: str
    detail: str


def clean_json(value: Any) -> Any:
    """*value* with the secrets taken out of its texts. Twice is once."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(name)): clean_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(one) for one in value]
    return value


def clean_text(text: str) -> str:
    for _ in range(_ROUNDS):
        before, text = text, redact(text)
        if text == before:
            break
    # A lone surrogate (a file name that is no UTF-8) is nothing that SQLite takes.
    return text.encode("utf-8", "replace").decode("utf-8")
