"""When an agent last got on with its work. That a spinner turns, or a clock runs, is no progress."""

from __future__ import annotations

from collections.abc import Sequence

from wa.detect.fields import number
from wa.detect.page import Page
from wa.detect.reading import Reading
from wa.model.agent import Detection

AT_WORK = frozenset({"turn.working", "rate.retry", "compaction.running", "background.tasks"})
"""Rows of these stand below what the agent has said and done; from there down the screen moves by itself."""
MOVING = str.maketrans("", "", "0123456789⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏⠂⠐◐◑◒◓·✢✳✶✻✽*•◦⏺●○")
"""Spinners, clocks and counters, and the mark of a tool that runs, which blinks."""


class Progress:
    """Of one pane: rows that scroll away, text above the row of work, its count of tokens."""

    def __init__(self) -> None:
        self.at_ms = 0
        """0: nothing was seen yet."""
        self._said: Sequence[str] = ()
        self._tokens: int | None = None

    def rows(self, at_ms: int) -> None:
        """Something went from the screen into the log."""
        self.at_ms = max(self.at_ms, at_ms)

    def look(self, page: Page, reading: Reading, at_ms: int) -> None:
        said = _said(page, reading)
        tokens = max((found for one in reading.detections if (found := _tokens(one)) is not None), default=None)
        if _differ(said, self._said) or (tokens is not None and tokens != self._tokens):
            self.at_ms = max(self.at_ms, at_ms)
        self._said = said
        self._tokens = self._tokens if tokens is None else tokens


def _differ(new: Sequence[str], old: Sequence[str]) -> bool:
    if new == old:
        return False
    return len(new) != len(old) or any(a != b and _plain(a) != _plain(b) for a, b in zip(new, old, strict=True))


def _plain(text: str) -> str:
    return text.translate(MOVING).strip()


def _said(page: Page, reading: Reading) -> Sequence[str]:
    """The rows of the screen that the agent has written."""
    tops = [
        one.place.first_row
        for one in reading.detections
        if one.present and one.event in AT_WORK and one.place.first_row is not None
    ]
    composer = None if reading.look is None else reading.look.composer
    if not tops and composer is not None:
        tops = [composer.first]
    stop = min(tops, default=page.rows)
    return page.texts[page.screen_row : stop]


def _tokens(found: Detection) -> int | None:
    return number(found.fields.get("tokens")) if found.event == "turn.working" else None
