"""What a rule stands for, and how long its searches may take."""

from __future__ import annotations

import time

import pytest
import regex

from wa.detect.rule import (
    MATCH_TIMEOUT_S,
    MAX_HITS,
    NO_RANK,
    READING_TIMEOUT_S,
    SHORT,
    WAITS,
    WORKS,
    Budget,
    is_present,
    rank_of,
    state_of,
)
from wa.model.agent import PaneState

RUNAWAY = regex.compile(r"(?:(\w)(\w)?)+\d$")
"""Tries each way to part the letters in ones and twos, from each of them on."""


@pytest.mark.parametrize(
    ("event", "said", "state"),
    [
        ("waiting.approval", None, PaneState.WAITING_APPROVAL),
        ("waiting.plan", None, PaneState.WAITING_PLAN),
        ("turn.working", None, PaneState.WORKING),
        ("compaction.running", None, PaneState.COMPACTING),
        ("auth.device_code", None, PaneState.WAITING_LOGIN),
        ("usage.popup", None, PaneState.WAITING_CHOICE),
        ("usage.limit", None, None),
        ("session.end", "exited", PaneState.EXITED),
        ("turn.working", "error", PaneState.ERROR),
    ],
)
def test_a_state_follows_from_the_event_unless_the_rule_names_it(
    event: str, said: str | None, state: PaneState | None
) -> None:
    assert state_of(event, said) is state


def test_what_waits_for_a_human_outranks_what_works() -> None:
    """And a record, which stands for no state, has no rank at all."""
    ranks = [
        rank_of(event, None) for event in ("waiting.question", "compaction.running", "turn.working", "usage.limit")
    ]
    assert ranks == sorted(ranks)
    assert ranks[0] == WAITS
    assert ranks[2] == WORKS
    assert ranks[3] == NO_RANK
    assert rank_of("auth.device_code", None) == WAITS


def test_what_is_of_this_moment_is_told_from_what_happened() -> None:
    """An exit happened; every other state is of this moment."""
    assert is_present("waiting.trust", None)
    assert is_present("state.idle", None)
    assert is_present("error.api", "error")
    assert not is_present("session.end", "exited")
    assert not is_present("usage.limit", None)


@pytest.mark.parametrize("size", [SHORT - 1, SHORT * 4])
def test_a_search_that_runs_away_ends_and_says_so(size: int) -> None:
    """In a short text, where no clock is looked at, as in a long one; what it did not find counts as unknown."""
    budget = Budget()
    begin = time.thread_time()
    assert budget.search(RUNAWAY, "a" * size) is None
    assert time.thread_time() - begin < 5 * MATCH_TIMEOUT_S
    assert budget.lost == 1


def test_all_searches_of_a_reading_end_in_time() -> None:
    """However many run away: once the time is spent none begins."""
    budget = Budget()
    begin = time.thread_time()
    for _ in range(1_000):
        assert budget.search(RUNAWAY, "a" * 900) is None
        assert budget.search_all(RUNAWAY, "a" * 900) == []
    assert time.thread_time() - begin < 5 * (READING_TIMEOUT_S + MATCH_TIMEOUT_S)
    assert budget.lost == 2_000
    assert budget.search(regex.compile("a"), "a") is None


def test_a_search_in_time_loses_nothing() -> None:
    """Whether it finds or not."""
    budget = Budget()
    assert budget.search(regex.compile("b"), "abc") is not None
    assert budget.search(regex.compile("x"), "abc" * SHORT) is None
    assert [hit[0] for hit in budget.search_all(regex.compile("[ab]"), "abc")] == ["a", "b"]
    assert budget.lost == 0


def test_so_many_hits_are_enough() -> None:
    """A text that is nothing but one word."""
    assert len(Budget().search_all(regex.compile("a"), "a" * 10 * MAX_HITS)) == MAX_HITS
