from __future__ import annotations

import json

import pytest

from support.session_files import BIG, REQUEST, brief, read, recorded
from wa.protocol.session_files import LimitHit, Rewritten, SessionMeta, TokenCount, Unknown
from wa.protocol.session_files.gemini import GeminiReader

OLD, NEW = "gemini-0.24.0", "gemini-0.61.0"
FLASH, PRO = "session gemini-3.8-flash", "session gemini-2.5-pro"
SHA256 = "c6604f1ed37b2f8d96e8e55765a4a09c"
SESSION, OTHER = "72664702-0bf7-473a-be4e-2e637a2ec9df", "1de54a18-95a4-4c7f-95f3-ef673d133933"


def message(name: str, kind: str, said: object, **fields: object) -> dict[str, object]:
    return {"id": name, "timestamp": "2026-11-21T12:00:00Z", "type": kind, "content": said, **fields}


def document(*messages: object, session: str = SESSION) -> str:
    return json.dumps({"sessionId": session, "startTime": "2026-11-21T12:00:00Z", "messages": messages})


def told(reader: GeminiReader, text: str) -> list[str]:
    found = reader.document(text)
    assert found is not None
    return brief(found)


@pytest.mark.parametrize(
    ("build", "scenario", "story"),
    [
        (NEW, "slow", ["session", "turn", FLASH, "tokens 12345"]),
        (OLD, "slow", ["session", "turn", PRO, "tokens 12345"]),
        (OLD, "hang", ["session", "turn", "interrupted"]),
        (NEW, "gm-cc-exhausted", ["session", "turn", "interrupted"]),
        (OLD, "gm-400-key", ["session", "turn", "error None 400"]),
        (
            NEW,
            "gm-big-then-compact",
            ["session", "turn", FLASH, "tokens 100000", "compacted None None None", "turn", "tokens 12345"],
        ),
        (OLD, "gm-big-then-compact", ["session", "turn", PRO, "tokens 100000", "turn", "tokens 12345"]),
    ],
)
def test_a_recorded_session_tells_its_story(build: str, scenario: str, story: list[str]) -> None:
    """Sessions of both eras become turns and counts; the context that the CLI sends first is no turn."""
    assert brief(read(recorded(build, scenario))) == story


def test_the_folder_is_told_as_a_digest() -> None:
    """Neither era writes the folder's path; both write its SHA-256."""
    meta = read(recorded(NEW, "slow"))[0]
    assert isinstance(meta, SessionMeta)
    assert (meta.session_id, meta.cwd, meta.started_ms) == (SESSION, None, 1795263026736)
    assert meta.cwd_sha256 is not None
    assert len(meta.cwd_sha256) == 64


def test_counts_add_up_per_turn_and_session() -> None:
    """Each answer's tokens are told, with the sums so far."""
    counts = [record for record in read(recorded(NEW, "gm-big-then-compact")) if isinstance(record, TokenCount)]
    assert [(count.turn, count.total) for count in counts] == [(BIG, BIG), (REQUEST, BIG.plus(REQUEST))]


def test_a_document_written_anew_tells_only_what_is_new() -> None:
    """0.24 writes everything again with each change; an answer's tokens come after its words."""
    reader = GeminiReader()
    user, tokens = message("u", "user", "go"), {"input": 7, "output": 1}
    assert told(reader, document(user)) == ["session", "turn"]
    assert told(reader, document(user, message("g", "gemini", "ok", model="pro"))) == ["session pro"]
    answered = document(user, message("g", "gemini", "ok", model="pro", tokens=tokens))
    assert told(reader, answered) == ["tokens 7"]
    assert told(reader, answered) == []


@pytest.mark.parametrize("half", ["", "{", document(message("u", "user", "go"))[:-3]])
def test_a_half_written_document_is_waited_for(half: str) -> None:
    """Cut to nothing or written in part it says nothing, and nothing is lost afterwards."""
    reader = GeminiReader()
    assert reader.document(half) is None
    assert told(reader, document(message("u", "user", "go"))) == ["session", "turn"]


def test_another_session_in_the_same_file_begins_anew() -> None:
    """What was said of the former one is withdrawn."""
    reader = GeminiReader()
    told(reader, document(message("u", "user", "go")))
    found = reader.document(document(message("v", "user", "go"), session=OTHER))
    assert found is not None
    assert found[0] == Rewritten()
    assert brief(found[1:]) == ["session", "turn"]


def test_a_message_appended_again_tells_only_its_tokens() -> None:
    """0.61 appends the whole message once more when its tokens or tools are known."""
    reader = GeminiReader()
    reader.line(json.dumps({"sessionId": SESSION, "projectHash": SHA256}))
    first = message("g", "gemini", "ok")
    assert reader.line(json.dumps(first)) == []
    assert brief(reader.line(json.dumps({**first, "tokens": {"input": 7}}))) == ["tokens 7"]
    assert reader.line(json.dumps({**first, "tokens": {"input": 7}, "toolCalls": [{}]})) == []


def test_messages_taken_back_are_no_compaction() -> None:
    """After `$rewindTo` the list is shorter because the user went back."""
    reader = GeminiReader()
    messages = [message(name, "user", name) for name in "abc"]
    for entry in messages:
        reader.line(json.dumps(entry))
    assert reader.line('{"$rewindTo": "b"}') == []
    assert reader.line(json.dumps({"$set": {"messages": messages[:1]}})) == []
    assert brief(reader.line(json.dumps(messages[1]))) == ["turn"]


def test_a_tools_result_is_no_turn() -> None:
    """It is written as the user's message."""
    assert GeminiReader().line(json.dumps(message("t", "user", [{"functionResponse": {"name": "shell"}}]))) == []


def test_a_quota_that_is_used_up_is_a_limit() -> None:
    """The CLI's own words for it, in an error; other errors stay errors."""
    said = "[API Error: You have exhausted your daily quota on this model.]"
    (hit,) = GeminiReader().line(json.dumps(message("e", "error", said)))
    assert hit == LimitHit(1795262400000, said, None, None)


def test_an_automatic_compression_is_told() -> None:
    """`Context compressed from 90% to 10%` has no token counts."""
    said = "Context compressed from 90% to 10%. Change threshold in /settings."
    assert brief(GeminiReader().line(json.dumps(message("i", "info", said)))) == ["compacted None None None"]
    said = "Chat history compressed from 100000 to 181 tokens."
    assert brief(GeminiReader().line(json.dumps(message("j", "info", said)))) == ["compacted manual 100000 181"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"id":"x","type":"vision"}', "[" * 100_000])
def test_what_is_not_understood_is_said_to_be_unknown(text: str) -> None:
    """Broken lines, other types and endless nesting become Unknown."""
    (record,) = GeminiReader().line(text)
    assert isinstance(record, Unknown)
