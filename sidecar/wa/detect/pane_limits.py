"""The limit that a pane shows, and until when it holds."""

from __future__ import annotations

from wa.detect.fields import instant, text
from wa.detect.limits import SAME_NOTICE_MS
from wa.detect.reading import Reading, newest
from wa.model.agent import Limit

LIMIT_SLACK_MS = 60_000
"""Printed times have no seconds."""
MAX_LIMITS = 64


class PaneLimits:
    def __init__(self) -> None:
        self._until: dict[str, int | None] = {}
        """When each limit ends, as computed when it was first read: the same words mean tomorrow once their time has passed."""
        self._dated: tuple[int, Limit] | None = None
        """The newest limit that named its reset, and when it was seen last."""
        self._undated: dict[str, Limit] = {}
        """Of notices that name no reset: the limit that they tell of again."""

    def of(self, reading: Reading | None) -> Limit | None:
        """In the words of the newest notice."""
        said = newest(reading, "usage.limit")
        if said is None:
            return None
        until = instant(said.fields.get("resets_at"))
        if len(self._until) > MAX_LIMITS:
            self._until.clear()
        return Limit(
            str(said.fields.get("reset", "")),
            self._until.setdefault(said.identity, until),
            text(said.fields.get("window")),
            text(said.fields.get("plan")),
            newest(reading, "usage.autoresume") is not None,
        )

    def with_reset(self, limit: Limit | None, reading: Reading | None, at_ms: int) -> Limit | None:
        """Where the notice names no reset, the one that was named just before: Gemini CLI names it in a box, and prints an error after it.

        A limit ends by its own reset, not by this one: the next may be told in the same words.
        """
        said = newest(reading, "usage.limit")
        if limit is None or said is None:
            return limit
        if limit.printed or limit.until_ms is not None:
            self._dated = (at_ms, limit)
            return limit
        if self._dated is not None and at_ms - self._dated[0] <= SAME_NOTICE_MS:
            if len(self._undated) > MAX_LIMITS:
                self._undated.clear()
            self._undated[said.identity] = self._dated[1]
        known = self._undated.get(said.identity)
        if known is None or known.until_ms is None or at_ms >= known.until_ms + LIMIT_SLACK_MS:
            return limit
        return limit._replace(printed=known.printed, until_ms=known.until_ms)
