from __future__ import annotations

import json

import pytest

from support.session_files import REQUEST, brief, read, recorded
from wa.protocol.session_files import (
    Compacted,
    LimitHit,
    SessionMeta,
    TokenCount,
    Tokens,
    TurnEnded,
    TurnStarted,
    Unknown,
    live_session,
)
from wa.protocol.session_files.claude_code import ClaudeCodeReader

OLD, NEW = "claude_code-2.1.12", "claude_code-2.1.328"
OPUS, SONNET = "session claude-opus-5-5", "session claude-sonnet-4-5-20250929"
SESSION, OTHER = "f2e409b0-c6a2-48fc-9890-879c81224b26", "828f03b5-07f5-441e-9ffe-b018e830033a"


def line(kind: str, **fields: object) -> str:
    common = {"sessionId": SESSION, "cwd": "/a", "version": "2.1.328", "timestamp": "2026-11-21T12:00:00Z"}
    return json.dumps({**common, "type": kind, **fields})


def answer(name: str, output: int, **fields: object) -> str:
    usage = {
        "input_tokens": 5,
        "cache_read_input_tokens": 10,
        "cache_creation_input_tokens": 1,
        "output_tokens": output,
    }
    return line("assistant", message={"id": name, "model": "opus", "usage": usage}, **fields)


@pytest.mark.parametrize(
    ("build", "scenario", "told"),
    [
        (NEW, "slow", ["session", "turn", OPUS, "tokens 12345", "done"]),
        (OLD, "slow", ["session", "turn", SONNET, "tokens 12345"]),
        (NEW, "cc-limit-5h", ["session", "turn", "limit"]),
        (OLD, "cc-limit-5h", ["session", "turn", "limit"]),
        (NEW, "cc-credit", ["session", "turn", "error billing_error 400"]),
        (OLD, "cc-credit", ["session", "turn", "error billing_error None"]),
        (NEW, "tool-shell", ["session", "turn", OPUS, "tokens 12345", "tokens 12345", "done"]),
        (OLD, "tool-shell", ["session", "turn", SONNET, "tokens 12345", "tokens 12345"]),
        (
            NEW,
            "big-then-compact",
            [
                *("session", "turn", OPUS, "tokens 100000", "done"),
                *("compacted manual 104000 2839", "turn", "tokens 12345", "done"),
            ],
        ),
        (
            OLD,
            "big-then-compact",
            ["session", "turn", SONNET, "tokens 100000", "compacted manual 100001 None", "turn", "tokens 12345"],
        ),
    ],
)
def test_a_recorded_session_tells_its_story(build: str, scenario: str, told: list[str]) -> None:
    """Sessions of both eras become turns, counts, limits and compactions; `/compact` and tool results are no turns."""
    assert brief(read(recorded(build, scenario))) == told


def test_the_conversation_says_which_session_it_is() -> None:
    """Id, folder, start and version stand in each of its lines."""
    meta = read(recorded(NEW, "slow"))[0]
    assert meta == SessionMeta(SESSION, "/home/dev/demo", 1795262975483, "2.1.328", None)


def test_a_limit_tells_its_window_and_reset() -> None:
    """2.1.328 writes both for machines; 2.1.12 only prints them."""
    new, old = (read(recorded(build, "cc-limit-5h"))[-1] for build in (NEW, OLD))
    assert new == LimitHit(
        1795263261831, "You've hit your 5-hour limit · resets 3:18pm (UTC)", "five_hour", 1795274301000
    )
    assert old == LimitHit(1795263542109, "You've hit your limit · resets 3:23pm (UTC)", None, None)


def test_a_request_written_block_by_block_counts_once() -> None:
    """Each block of an answer repeats its id with newer counts; the newest stands, and repeats are silent."""
    reader = ClaudeCodeReader()
    reader.line(line("user", message={"content": "go"}))
    told = [record for text in (answer("m1", 1), answer("m1", 1), answer("m1", 90)) for record in reader.line(text)]
    counts = [record for record in told if isinstance(record, TokenCount)]
    assert [count.total for count in counts] == [Tokens(16, 10, 1, 0), Tokens(16, 10, 90, 0)]


def test_the_turn_of_a_subagent_is_none_of_the_sessions() -> None:
    """Lines of a side chain start no turn; their tokens count."""
    reader = ClaudeCodeReader()
    assert reader.line(line("user", message={"content": "go"}, isSidechain=True)) == []
    assert brief(reader.line(answer("m1", 2, isSidechain=True))) == ["tokens 16"]


def test_history_carried_over_from_another_session_is_passed_over() -> None:
    """A file's name says whose it is; lines of other sessions were copied when one was continued."""
    reader = ClaudeCodeReader(file_session=SESSION)
    assert reader.line(line("user", sessionId=OTHER, message={"content": "before"})) == []
    assert brief(reader.line(line("user", message={"content": "now"}))) == ["session", "turn"]


def test_the_folder_is_the_one_of_the_start() -> None:
    """`cwd` follows the agent's `cd`."""
    reader = ClaudeCodeReader()
    reader.line(line("user", message={"content": "go"}))
    assert reader.line(line("system", cwd="/a/b", subtype="informational")) == []


@pytest.mark.parametrize(
    "said",
    [
        "<command-name>/clear</command-name>",
        "<local-command-stdout>ok</local-command-stdout>",
        "<bash-input>ls</bash-input>",
        [{"type": "tool_result", "content": "12 passed"}],
    ],
)
def test_what_nobody_said_is_no_turn(said: object) -> None:
    """Commands of the CLI itself, shell lines and results of tools are written as the user's."""
    assert brief(ClaudeCodeReader().line(line("user", message={"content": said}))) == ["session"]


def test_an_interruption_ends_the_turn() -> None:
    """It is written as a message of the user."""
    reader = ClaudeCodeReader()
    reader.line(line("user", message={"content": "go"}, promptId="p"))
    told = reader.line(line("user", message={"content": [{"type": "text", "text": "[Request interrupted by user]"}]}))
    assert told == [TurnEnded(1795262400000, "p", None, "interrupted")]


def test_closing_totals_are_told_per_model() -> None:
    """cost-state is the agent's own sum, written at the end."""
    counts = {"inputTokens": 2105, "cacheReadInputTokens": 10240, "cacheCreationInputTokens": 0, "outputTokens": 321}
    told = ClaudeCodeReader().line(line("cost-state", cwd=None, modelUsage={"opus": counts, "haiku": {}}))
    assert [(record.model, record.total) for record in told if isinstance(record, TokenCount)] == [
        ("opus", Tokens(12345, 10240, 321, 0)),
        ("haiku", Tokens(0, 0, 0, 0)),
    ]


def test_an_automatic_compaction_says_so() -> None:
    """The trigger is the agent's own word; other words are not passed on."""
    for trigger, told in (("auto", "auto"), ("magic", None)):
        text = line(
            "system", cwd=None, subtype="compact_boundary", compactMetadata={"trigger": trigger, "preTokens": 9}
        )
        assert ClaudeCodeReader().line(text) == [Compacted(1795262400000, told, 9, None)]  # type: ignore[arg-type]


def test_reading_from_the_middle_claims_no_start_and_no_totals() -> None:
    """What was not read is not known."""
    reader = ClaudeCodeReader(from_start=False)
    meta, count = reader.line(answer("m1", 2))
    assert isinstance(meta, SessionMeta)
    assert isinstance(count, TokenCount)
    assert (meta.started_ms, count.turn, count.total) == (None, None, None)
    assert isinstance(reader.line(line("user", message={"content": "go"}))[0], TurnStarted)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type": 5}', '{"type":"new-thing"}', "\ud800", '{"a":' * 50_000])
def test_what_is_not_understood_is_said_to_be_unknown(text: str) -> None:
    """Broken lines, other types and endless nesting become Unknown."""
    (record,) = ClaudeCodeReader().line(text)
    assert isinstance(record, Unknown)


def test_a_running_claude_says_its_session() -> None:
    """sessions/<pid>.json ties a process to a session; background sessions and nonsense tie nothing."""
    written = {
        "pid": 16149,
        "sessionId": SESSION,
        "cwd": "/home/dev/demo",
        "startedAt": 1795262973876,
        "procStart": "1252482",
        "version": "2.1.328",
        "kind": "interactive",
        "status": "idle",
        "statusUpdatedAt": 1795262988952,
    }
    live = live_session(json.dumps(written).encode())
    assert live == (16149, "1252482", SESSION, "/home/dev/demo", 1795262973876, "2.1.328", "idle", None, 1795262988952)
    assert live_session(json.dumps({**written, "kind": "background"}).encode()) is None
    assert live_session(json.dumps({**written, "pid": True}).encode()) is None
    assert live_session(b"{") is None


def test_both_builds_count_the_same_input() -> None:
    """Input is told with what came from the cache, as for the other agents."""
    for build in (OLD, NEW):
        count = next(record for record in read(recorded(build, "slow")) if isinstance(record, TokenCount))
        assert count.request is not None
        assert count.request[:2] == REQUEST[:2]
