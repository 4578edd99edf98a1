"""What `wa notices` and `wa notify test` answer."""

from __future__ import annotations

from typing import TypedDict


class NoticeResult(TypedDict):
    id: int
    at: str
    pane_uid: str | None
    needs_you: bool
    """False: something has ended, or is only to be known."""
    title: str
    body: str
    key: str
    """Two of one key within a day are one."""
    delivered: dict[str, str]
    """Way → `delivered`, `suppressed: WHY` or `failed: WHY`; empty while it is under way, or where there is no way."""


class NoticesResult(TypedDict):
    live: bool
    as_of: str | None
    notices: list[NoticeResult]
    """Oldest first."""
    more: bool


class NotifyTestResult(TypedDict):
    ways: dict[str, str]
    """Way → `delivered` or `failed: WHY`."""
    delivered: int


RESULTS: dict[str, type] = {"notices": NoticesResult, "notify-test": NotifyTestResult}
