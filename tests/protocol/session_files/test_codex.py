from __future__ import annotations

import json

import pytest

from support.session_files import BIG, REQUEST, brief, read, recorded
from wa.protocol.session_files import LimitHit, RateLimits, RateWindow, SessionMeta, TokenCount, TurnEnded, Unknown
from wa.protocol.session_files.codex import CodexReader

OLD, NEW = "codex-0.87.0", "codex-0.169.0"
SESSION = "01a1fe02-0ec0-7892-83ab-1e87b8d16840"


def event(kind: str, **payload: object) -> str:
    return json.dumps(
        {"timestamp": "2026-11-21T12:00:00.5Z", "type": "event_msg", "payload": {"type": kind, **payload}}
    )


def usage(total: int, last: int) -> dict[str, object]:
    return {"total_token_usage": {"input_tokens": total}, "last_token_usage": {"input_tokens": last}}


@pytest.mark.parametrize(
    ("build", "scenario", "told"),
    [
        (NEW, "slow", ["session", "turn", "session gpt-6-sol", "tokens 12345", "done"]),
        (OLD, "slow", ["session", "turn", "session gpt-5.2-codex", "tokens 12345"]),
        (NEW, "hang", ["session", "turn", "session gpt-6-sol", "interrupted"]),
        (OLD, "hang", ["session", "turn", "session gpt-5.2-codex", "interrupted"]),
        (NEW, "e401", ["session", "turn", "session gpt-6-sol", "error http_connection_failed 401", "failed"]),
        (NEW, "cx-limit-plus", ["session", "turn", "session gpt-6-sol", "used [100.0, 40.0]", "limit", "failed"]),
        (OLD, "cx-limit-plus", ["session", "turn", "session gpt-5.2-codex", "used [100.0, 40.0]"]),
        (
            NEW,
            "big-then-compact",
            [
                *("session", "turn", "session gpt-6-sol", "tokens 100000", "done"),
                *("turn", "tokens 12345", "compacted None None None", "done"),
                *("turn", "tokens 12345", "done"),
            ],
        ),
        (
            OLD,
            "big-then-compact",
            [
                *("session", "turn", "session gpt-5.2-codex", "tokens 100000"),
                *("tokens 12345", "compacted None None None", "turn", "tokens 12345"),
            ],
        ),
    ],
)
def test_a_recorded_session_tells_its_story(build: str, scenario: str, told: list[str]) -> None:
    """Sessions of both eras become turns, counts, limits and compactions, in order, and each count comes once."""
    assert brief(read(recorded(build, scenario))) == told


def test_the_first_line_says_which_session_it_is() -> None:
    """Id, folder, start and version stand in session_meta."""
    meta = read(recorded(NEW, "slow"))[0]
    assert meta == SessionMeta(SESSION, "/home/dev/demo", 1795262910151, "0.169.0", None)


@pytest.mark.parametrize("build", [OLD, NEW])
def test_counts_are_kept_per_model(build: str) -> None:
    """After a change of model, that model's total is its own; the session's sum goes on."""
    counts = [record for record in read(recorded(build, "cx-usage-steps")) if isinstance(record, TokenCount)]
    assert len({count.model for count in counts}) == 2
    assert [count.total for count in counts] == [REQUEST, REQUEST.plus(REQUEST), REQUEST]
    assert [count.turn for count in counts] == [REQUEST] * 3
    assert counts[-1].session == REQUEST.plus(REQUEST).plus(REQUEST)


@pytest.mark.parametrize("build", [OLD, NEW])
def test_a_turn_counts_from_nothing(build: str) -> None:
    """What was used before a turn does not count for it."""
    counts = [record for record in read(recorded(build, "big-then-compact")) if isinstance(record, TokenCount)]
    assert counts[0].turn == BIG
    assert counts[-1].turn == REQUEST


def test_limits_carry_their_windows() -> None:
    """Used percent, length and reset of both windows are told, and once as long as they stay the same."""
    limits = [record for record in read(recorded(OLD, "cx-usage-steps")) if isinstance(record, RateLimits)]
    assert [limit.primary and limit.primary.used_percent for limit in limits] == [76, 91, 96]
    assert limits[0].secondary == RateWindow(30, 10080, 1795695411000)


def test_a_limit_resets_with_the_window_that_is_used_up() -> None:
    """0.169 prints no instant; the window at 100 % has it."""
    hit = next(record for record in read(recorded(NEW, "cx-limit-plus")) if isinstance(record, LimitHit))
    assert hit.text.startswith("You’ve hit your usage limit.")
    assert hit.resets_at_ms == 1795274758000


def test_resets_in_seconds_count_from_the_line() -> None:
    """Builds before `resets_at` wrote how many seconds are left."""
    line = event("token_count", info=None, rate_limits={"primary": {"used_percent": 5, "resets_in_seconds": 60}})
    (limits,) = CodexReader().line(line)
    assert isinstance(limits, RateLimits)
    assert limits.primary == RateWindow(5, None, 1795262460500)


def test_the_carried_over_start_of_a_fork_is_not_believed() -> None:
    """A forked session's file may begin with the session_meta of the one it was forked from."""
    reader = CodexReader(file_session=SESSION)
    other = SESSION.replace("01a1", "01a0")
    metas = [
        {"type": "session_meta", "payload": {"id": name, "cwd": "/a", "source": "cli"}}
        for name in (other, SESSION, other)
    ]
    told = [record for meta in metas for record in reader.line(json.dumps(meta))]
    assert told == [SessionMeta(SESSION, "/a", None, None, None)]


def test_a_subagents_file_says_so() -> None:
    """Its source is an object; no pane runs it."""
    meta = {"type": "session_meta", "payload": {"id": SESSION, "source": {"subagent": "review"}}}
    assert CodexReader().line(json.dumps(meta)) == [SessionMeta(SESSION, None, None, None, None, "subagent")]


def test_reading_from_the_middle_claims_no_totals() -> None:
    """The first count may repeat one from before: it is no request; later ones are, without totals."""
    reader = CodexReader(from_start=False)
    (first,) = reader.line(event("token_count", info=usage(900, 100)))
    assert reader.line(event("token_count", info=usage(900, 100))) == []
    (second,) = reader.line(event("token_count", info=usage(1000, 100)))
    assert isinstance(first, TokenCount)
    assert isinstance(second, TokenCount)
    assert (first.request, first.turn, first.total) == (None, None, None)
    assert first.session is not None
    assert second.request is not None
    assert (second.request.input, second.turn, second.total) == (100, None, None)


def test_a_failed_turn_is_no_done_one() -> None:
    """`turn_aborted` by anything but the user is a failure."""
    assert CodexReader().line(event("turn_aborted", reason="budget_limited", turn_id="t")) == [
        TurnEnded(1795262400500, "t", None, "failed")
    ]


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "null", '{"type": 5}', '{"type":"new_thing"}', '{"type":"session_meta"}', "[" * 100_000]
)
def test_what_is_not_understood_is_said_to_be_unknown(line: str) -> None:
    """Broken lines, other types and endless nesting become Unknown."""
    (record,) = CodexReader().line(line)
    assert isinstance(record, Unknown)
