"""One rule: where to look, what must stand there, what is read from it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

import regex

from wa.model.agent import PaneState, Severity

MATCH_TIMEOUT_S = 0.02
READING_TIMEOUT_S = 0.025
"""No text of a pane may hold up the sidecar: a search that takes longer, or comes when all time is spent, has not matched."""
MAX_HITS = 200
SHORT = 1_000
"""A text of so few characters is searched without looking at the clock."""

PRESENT_EVENTS = frozenset(
    {"state.idle", "turn.working", "usage.popup", "usage.autoresume", "auth.paste_code", "compaction.running"}
)
"""True only at the moment they are read; so is everything that begins with `waiting.`."""

STATE_OF_EVENT: Mapping[str, str] = {
    "turn.working": "working",
    "rate.retry": "working",
    "compaction.running": "compacting",
    "state.idle": "idle",
    "usage.popup": "waiting.choice",
    "auth.device_code": "waiting.login",
    "auth.paste_code": "waiting.login",
    "auth.url": "waiting.login",
}
"""What the pane is in while such an event is present; `waiting.*` are states by their own names."""


class Rule(NamedTuple):
    id: str
    event: str
    severity: Severity
    anchors: tuple[str, ...]
    """Literals, one of which must occur in the text; blanks in either do not count."""
    regions: tuple[str, ...]
    match: tuple[regex.Pattern[str], ...]
    """The first that matches wins; its named groups are the fields."""
    unless: tuple[regex.Pattern[str], ...]
    """Nothing of this may stand in the same region."""
    types: Mapping[str, str]
    """Field → converter, where it is not the one of the field's name."""
    constants: Mapping[str, Any]
    words: Mapping[str, Mapping[str, str]]
    """Field → what is printed → what it means."""
    after: frozenset[str]
    """The block before must be one of these; empty: any."""
    not_after: frozenset[str]
    not_under: frozenset[str]
    """As `not_after`, looking past markers that only answer another."""
    chained_under: frozenset[str] | None
    """Behind a marker that only answers another, it speaks where that one answers one of these; None: anywhere."""
    followed_by: frozenset[str] | None
    """No marker's block may stand below, but of these; None: any."""
    kinds: frozenset[str]
    """Blocks of these kinds only, where the region is made of any; empty: any."""
    columns: frozenset[int]
    """The block begins at one of these columns; empty: any."""
    min_column: int
    table: tuple[str, regex.Pattern[str]] | None
    """A field that holds rows: each match behind the rule's own is one, with the counts that it names."""
    rows: int
    """How many non-empty lines the region `bottom` has."""
    many: bool
    """Every occurrence counts, not the first of each block alone."""
    options: int
    """So many options must be on the screen for it to speak."""
    state: str | None
    stands_ms: int
    """It counts only once it has stood so long: what passes by at a start looks like what waits for somebody."""
    window_ms: int
    seen: str
    """Versions and date, as `codex 0.87.0, 0.169.0; 2026-11-20`."""
    positive: str
    near_miss: str
    unproven: str
    """Why there is no capture that it fires on; "" where there is one."""
    quotable: str
    """Why it cannot tell its words from a quotation of them; never for an event that something is done upon."""

    is_timed: bool
    """What it reads depends on when it is read."""
    present: bool
    """It says what is true of this moment, not what happened."""

    says: PaneState | None
    """The state that it stands for while it is present."""
    rank: int
    """Of several that say a state, the one of the lowest rank wins; among equals the lowest on the screen."""


WAITS, COMPACTS, WORKS, OTHER, NO_RANK = range(5)


def state_of(event: str, state: str | None) -> PaneState | None:
    if state is not None:
        return PaneState(state)
    name = STATE_OF_EVENT.get(event, event if event.startswith("waiting.") else "")
    return PaneState(name) if name else None


def rank_of(event: str, state: str | None) -> int:
    if event.startswith("waiting.") or STATE_OF_EVENT.get(event, "").startswith("waiting."):
        return WAITS
    if event == "compaction.running":
        return COMPACTS
    if STATE_OF_EVENT.get(event) == "working":
        return WORKS
    return OTHER if state is not None else NO_RANK


def is_present(event: str, state: str | None) -> bool:
    if event in PRESENT_EVENTS or event.startswith("waiting."):
        return True
    return state is not None and state != PaneState.EXITED


class Budget:
    """How long the searches of one reading may take, one by one and all together."""

    def __init__(self) -> None:
        self._left = READING_TIMEOUT_S
        self.lost = 0
        """So many searches ran out of time, or never began: what they did not find may be there all the same."""

    def search(self, pattern: regex.Pattern[str], text: str) -> regex.Match[str] | None:
        if self._left <= 0:
            self.lost += 1
            return None
        if len(text) < SHORT:  # a clock costs more than that; what runs away in it still ends by the time limit
            try:
                return pattern.search(text, timeout=min(MATCH_TIMEOUT_S, self._left))
            except TimeoutError:
                self.lost += 1
                self._left -= MATCH_TIMEOUT_S
                return None
        begin = time.thread_time()
        try:
            return pattern.search(text, timeout=min(MATCH_TIMEOUT_S, self._left))
        except TimeoutError:
            self.lost += 1
            return None
        finally:
            self._left -= time.thread_time() - begin

    def search_all(self, pattern: regex.Pattern[str], text: str) -> list[regex.Match[str]]:
        if self._left <= 0:
            self.lost += 1
            return []
        begin = time.thread_time()
        try:
            return list(islice(pattern.finditer(text, timeout=min(MATCH_TIMEOUT_S, self._left)), MAX_HITS))
        except TimeoutError:
            self.lost += 1
            return []
        finally:
            self._left -= time.thread_time() - begin
