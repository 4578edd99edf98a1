"""What `wa send --to`, `wa keys` and `wa choose` answer."""

from __future__ import annotations

from typing import TypedDict

from wa.protocol.results_acting import ActResult


class SentTo(TypedDict):
    """One pane of `wa send --to`."""

    pane_uid: str
    title: str
    agent: str | None
    state: str
    outcome: str
    """As of `wa send`; an error's `details.outcome` where it failed."""
    code: str | None
    """Of the error; None where it was done, planned or queued."""
    detail: str
    """One sentence for a person."""


class SendToResult(TypedDict):
    to: str
    """Which panes were meant, as it was typed."""
    characters: int
    dry_run: bool
    panes: list[SentTo]


RESULTS: dict[str, type] = {"send-to": SendToResult, "keys": ActResult, "choose": ActResult}
"""Which type answers which command; `send-to` is `wa send --to`."""
